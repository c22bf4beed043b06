"""Decide: between versions and sets, and how many questions are enough."""

from e2lm_core.ui.places.decide import page

page.draw()
