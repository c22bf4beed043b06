"""Overview: the set, its four headline numbers with small curves, and what to do next."""

from e2lm_core.checkpoints.ladder import taught
from e2lm_core.runs import overview as run_overview
from e2lm_core.scores import set_scores
from e2lm_core.ui import session
from e2lm_core.ui.analysis import overview
from e2lm_core.ui.frame import parts, say
from e2lm_core.ui.frame.strip import strip
from e2lm_core.ui.remembered import results

task = strip()
catalogue, state = session.studio().catalogue, results.state(task)
measurements = results.measurements(task) if task.questions else None
scores = (
    set_scores.scores(measurements, "acc") if measurements and measurements.complete_checkpoints else None
)

parts.header(task.address, run_overview.overview(state, scores))
if state.kind == "never run" and session.studio().at_hand:
    overview.first_run(task)
if note := taught.untaught_sentence(taught.taught_answers(catalogue.taught_file, task)):
    say.warning(note, icon=":material/school:")
if task.questions:
    overview.headlines(task, state.kind == "running")
overview.next_steps(task, state, scores)
