"""Overview: the set, its four headline numbers with small curves, and what to do next."""

from e2lm_core.runs.said import overview as run_overview
from e2lm_core.ui import session
from e2lm_core.ui.analysis import overview
from e2lm_core.ui.frame import parts
from e2lm_core.ui.frame.strip import shown, strip
from e2lm_core.ui.remembered import results

task = strip()
state = results.state(task)
measurements = shown(task).measurements if task.questions else None
scores = results.scores(measurements, "acc") if measurements and measurements.complete_checkpoints else None

parts.header(task.address, run_overview.overview(state, scores))
if state.kind == "never run" and session.studio().at_hand:
    overview.first_run(task)
if task.questions:
    overview.headlines(task, state.kind == "running")
overview.next_steps(task, state, scores, measurements)
