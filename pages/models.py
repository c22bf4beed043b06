"""Models and runs: runs, the checkpoints there are, and results from elsewhere."""

from e2lm_core.ui.places.models import page

page.draw()
