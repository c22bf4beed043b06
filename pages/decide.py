"""Decide: between versions and sets, and how many questions are enough."""

from e2lm_core.ui.places import decide

decide.draw()
