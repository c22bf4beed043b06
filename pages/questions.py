"""Questions: writing them, what each does, which to doubt, choosing among them, their relevance."""

from e2lm_core.ui.places.questions import page

page.draw()
