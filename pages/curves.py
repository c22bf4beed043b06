"""Curves: of all questions, of single ones, by subject, and the ranking that they make."""

from e2lm_core.ui.places.curves import page

page.draw()
