"""Overview: the set, its four headline numbers with small curves, and what to do next."""

import streamlit as st

from e2lm_core import analysis, authoring, charts, headlines, phrasing, runs, science, submission
from e2lm_core.ui import parts, session
from e2lm_core.ui.strip import start, strip

studio = session.studio()
task = strip()
state = session.state(task)
example = authoring.find_set(studio.settings, task.name).example
measured = session.measurements(task) if state.done else None
scores = analysis.scores(measured, "acc") if measured is not None and measured.complete_checkpoints else None

parts.header(task.name, headlines.overview(state, scores))

if state.kind == "never run":
    checkpoints, num_fewshot = runs.fleet(studio, task.name)
    models = {c.model.name for c in checkpoints}
    cost = runs.estimate(studio, task, checkpoints, num_fewshot)
    time = f", {phrasing.duration(cost.seconds)}" if cost.seconds else ""
    parts.empty(
        f"{phrasing.count(len(models), 'model')} with {phrasing.count(len(checkpoints), 'checkpoint')} "
        f"{'are' if len(models) > 1 else 'is'} ready{time}. The shape of every curve is there in seconds."
    )
    if st.button(f"Run {phrasing.count(len(models), 'model')}", type="primary", icon=":material/play_arrow:"):
        start(task.name)

if note := headlines.taught(science.taught(studio.catalogue, task)):
    st.warning(note, icon=":material/school:")

if scores is not None:
    trends = analysis.trends(measured, "acc")
    for column, (label, value) in zip(
        st.columns(4, gap="small"),
        (("Score", scores.score), ("SQ", scores.sq), ("RC", scores.rc), ("CS", scores.cs)),
        strict=True,
    ):
        with column:
            parts.score(label, value, trends.get(label))
    st.caption(
        "On accuracy, over the early window. Small curves: SQ, the models' mean; RC, τ_b of each later "
        "checkpoint; CS, the science model less its twin."
    )


@st.fragment(run_every=1.0 if state.kind == "running" else None)
def curves() -> None:
    now = session.measurements(task)
    if not now.complete_checkpoints:
        return
    figure = charts.learning_curves(
        analysis.curve_frame(now, ("acc",)),
        [curve.model for curve in now.curves],
        "acc",
        session.current_theme(),
        chance=now.chance,
        early_end=analysis.early_end(now),
        height=360,
        narrow=parts.narrow(),
    )
    st.subheader("Accuracy while the models read", anchor=False)
    if now.complete_checkpoints < now.checkpoints:
        st.caption(f"{now.complete_checkpoints} of {now.checkpoints} checkpoints so far.")
    parts.chart(figure, "overview_curves", "Accuracy of each model against tokens seen")
    st.caption(headlines.curves(now, "acc").replace("**", ""))


curves()

errors = [f for f in submission.findings(studio, task) if f.severity == "error"] if task.questions else []
if steps := headlines.next_steps(state, scores, len(errors), example):
    st.subheader("What to do next", anchor=False)
    for step in steps:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.page_link(f"pages/{step.page}.py", label=step.action, icon=":material/arrow_forward:")
            st.markdown(f":gray[{step.sentence}]", width="content")
