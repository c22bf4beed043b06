"""Share: the bundle, the report, what stands in the way, and the link."""

from e2lm_core.ui.places.share import page

page.draw()
