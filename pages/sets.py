"""Sets: all sets as cards, what runs, what was deleted, and three ways in."""

from e2lm_core.ui.places.sets import page

page.draw()
