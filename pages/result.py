"""Result: the verdict, four numbers, what would raise them, and published figures beside them."""

from e2lm_core.ui.places.result import page

page.draw()
