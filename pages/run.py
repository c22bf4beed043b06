"""Run: choose models and checkpoints, see what it costs, start, follow and cancel; the page stays usable."""

import streamlit as st

from e2lm_core.runs.said import words as run_words
from e2lm_core.ui import session
from e2lm_core.ui.frame import parts, say
from e2lm_core.ui.frame.strip import strip
from e2lm_core.ui.remembered import results
from e2lm_core.ui.runs import controls

studio = session.studio()
task = strip()
state = results.state(task)

parts.header("Run", run_words.running(state, len(task.questions)))
if not studio.at_hand:
    for problem in studio.catalogue.problems:
        say.error(problem, icon=":material/error:")
    parts.empty("There are no checkpoints: the embedded ladder is missing, and E2LM_CHECKPOINTS names none.")
    st.stop()
for problem in studio.catalogue.problems:
    say.warning(problem, icon=":material/warning:")

choice = controls.controls(task)
controls.buttons(task, choice, state)
controls.latest(task, state.kind == "running")
if state.done:
    controls.coverage(task)
