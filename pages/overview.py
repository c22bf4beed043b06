"""Overview: the set, its four headline numbers with small curves, and what to do next."""

import streamlit as st

from e2lm_core.analysis.curves import words as curve_words
from e2lm_core.base import phrasing
from e2lm_core.charts import curves as curve_charts
from e2lm_core.checkpoints.ladder import taught
from e2lm_core.runs import overview
from e2lm_core.runs import state as run_state
from e2lm_core.scores import set_scores
from e2lm_core.ui import parts, running, session
from e2lm_core.ui.frame import window
from e2lm_core.ui.remembered import results as remembered_results
from e2lm_core.ui.strip import strip

studio = session.studio()
task = strip()
state = remembered_results.state(task)
is_running = state.kind == "running"
measured = remembered_results.measurements(task) if task.questions else None
scores = set_scores.scores(measured, "acc") if measured and measured.complete_checkpoints else None

parts.header(task.name, overview.overview(state, scores))

if state.kind == "never run" and studio.at_hand:
    checkpoints, num_fewshot = run_state.fleet(studio, task.name)
    models = {c.model.name for c in checkpoints}
    cost = run_state.estimate(studio, task, checkpoints, num_fewshot)
    time = f", {phrasing.duration(cost.seconds)}" if cost.seconds else ""
    parts.empty(
        f"{phrasing.count(len(models), 'model')} with {phrasing.count(len(checkpoints), 'checkpoint')} "
        f"{'are' if len(models) > 1 else 'is'} ready{time}. The shape of every curve is there in seconds."
    )
    if st.button(f"Run {phrasing.count(len(models), 'model')}", type="primary", icon=":material/play_arrow:"):
        running.start(task.name)

if note := taught.untaught_sentence(taught.taught_answers(studio.catalogue.taught_file, task)):
    st.warning(note, icon=":material/school:")


@st.fragment(run_every=session.POLL_S if is_running else None)
def results() -> None:
    """Cards and chart stand in their places from the first result on and fill in while a run goes on."""
    now = remembered_results.measurements(task)
    if not now.complete_checkpoints and not is_running:
        return
    found, trends = remembered_results.scores(now, "acc"), set_scores.trends(now, "acc")
    with st.grid(4, min_column_width=150):
        parts.score("Score", found.score)
        parts.score("SQ", found.sq, trends.get("SQ"))
        parts.score("RC", found.rc, trends.get("RC"))
        parts.score("CS", found.cs, trends.get("CS"))
    st.caption(
        "On accuracy; Score is 0.5 SQ + 0.1 RC + 0.4 CS. Small curves: SQ, the models' mean; RC, τ_b of each "
        "later checkpoint; CS, the science model less its twin."
    )
    st.subheader("Accuracy while the models read", anchor=False)
    frame, before = remembered_results.curves(task, now, "acc")
    figure = curve_charts.learning_curves(
        frame,
        [curve.model for curve in now.curves],
        "acc",
        session.current_theme(),
        now.chance,
        set_scores.early_end(now),
        before,
        height=360,
        narrow=window.narrow(),
    )
    parts.chart(figure, "overview_curves", "Accuracy of each model against tokens seen")
    st.caption(curve_words.rise(now, "acc").replace("**", ""))


if measured is not None:
    results()

errors = [f for f in remembered_results.findings(task) if f.severity == "error"]
if steps := overview.next_steps(state, scores, len(errors), session.is_example(task.name)):
    st.subheader("What to do next", anchor=False)
    for step in steps:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.page_link(f"pages/{step.page}.py", label=step.action, icon=":material/arrow_forward:")
            st.markdown(f":gray[{step.sentence}]", width="content")
