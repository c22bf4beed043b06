"""Run: choose models and checkpoints, see what it costs, start, follow and cancel; the page stays usable."""

import pandas as pd
import streamlit as st

from e2lm_core import phrasing, runs
from e2lm_core.ui import parts, session
from e2lm_core.ui.strip import start, strip

studio = session.studio()
task = strip()
state = session.state(task)
job = runs.latest_job(studio, task.name)

SENTENCES = {
    "empty": "This set has no questions yet: write some on Author, then run it.",
    "never run": "This set has not been run yet.",
    "stale": f"**{phrasing.count(state.stale, 'question')}** changed since the last run; only these are computed again.",
    "running": "A run is going on. You can leave this page; the worker goes on.",
    "up to date": f"Every result of {phrasing.count(state.total, 'checkpoint–question pair')} is there.",
}
parts.header("Run", SENTENCES[state.kind])

if not studio.catalogue.checkpoints:
    for problem in studio.catalogue.problems:
        st.error(problem, icon=":material/error:")
    parts.empty("There are no checkpoints: the embedded ladder is missing, and E2LM_CHECKPOINTS names none.")
    st.stop()
for problem in studio.catalogue.problems:
    st.warning(problem, icon=":material/warning:")

fleet, last_fewshot = runs.fleet(studio, task.name)
models = [model.name for model in studio.catalogue.models]
left, right = st.columns([3, 2], gap="large")
with left:
    chosen = st.multiselect(
        "Models",
        models,
        default=[m for m in models if any(c.model.name == m for c in fleet)],
        key=f"run_models_{task.name}",
    )
    density = st.segmented_control(
        "Checkpoints of each", list(runs.DENSITIES), default="all", required=True, key=f"run_density_{task.name}",
        help="Runs go coarse to fine anyway; fewer checkpoints are sooner done, and SQ needs at least 8 points in the early window.",
    )  # fmt: skip
with right:
    most = min(studio.settings.limits.max_fewshot, len(task.dev))
    shots = st.number_input(
        "Few-shot examples", 0, most, min(last_fewshot if last_fewshot is not None else task.config.num_fewshot, most),
        key=f"run_shots_{task.name}", help=f"0 to {most}, from the set's dev questions. Early checkpoints read short prompts best.",
    )  # fmt: skip
    selection = runs.thin([c for c in studio.catalogue.checkpoints if c.model.name in chosen], density)
    if task.questions and selection:
        cost = runs.estimate(studio, task, selection, shots)
        st.metric(
            "To compute", f"{cost.missing:,} of {cost.total:,}", border=True,
            help="Pairs of a checkpoint and a question. What was computed before, for any set, is reused.",
        )  # fmt: skip
        if cost.missing:
            st.caption(
                phrasing.duration(cost.seconds) + ", at the pace of earlier runs"
                if cost.seconds
                else "No run on this machine yet, so its pace is not known."
            )
        else:
            st.caption("Nothing: every result is there.")

running = state.kind == "running"
with st.container(horizontal=True, gap="small"):
    if st.button(
        f"Run {phrasing.count(len(chosen), 'model')}", type="primary", icon=":material/play_arrow:",
        disabled=running or not selection or not task.questions,
    ):  # fmt: skip
        start(task.name, checkpoints=selection, num_fewshot=shots)
    if running and st.button("Cancel the run", icon=":material/stop:"):
        studio.jobs.cancel(state.job)
        st.rerun()


@st.fragment(run_every=1.0 if running else None)
def progress() -> None:
    now = runs.latest_job(studio, task.name)
    if now is None:
        return
    st.subheader("Progress" if not now.over else "Last run", anchor=False)
    if now.error:
        st.error(now.error, icon=":material/error:")
    total = len(task.questions) * len(now.payload["checkpoints"])
    done = sum(row.done for row in now.progress)
    left_s = runs.seconds_left(now, done, total) if not now.over else None
    text = f"{sum(row.done == row.total for row in now.progress)} of {len(now.payload['checkpoints'])} checkpoints"
    if left_s:
        text += f", {phrasing.duration(left_s)} left"
    if now.state in ("cancelled", "queued"):
        text += (
            f" ({now.state}; what was computed is kept)"
            if now.state == "cancelled"
            else " (waiting for the worker)"
        )
    st.progress(min(1.0, done / total) if total else 0.0, text=text)
    rows = {row.name: row for row in now.progress}
    st.dataframe(
        pd.DataFrame(
            [
                {
                    "checkpoint": name,
                    "progress": rows[name].done / rows[name].total
                    if name in rows and rows[name].total
                    else 0.0,
                    "computed": rows[name].computed if name in rows else None,
                    "reused": rows[name].reused if name in rows else None,
                    "seconds": rows[name].seconds if name in rows else None,
                    "note": rows[name].note if name in rows else None,
                }
                for name in now.payload["checkpoints"]
            ]
        ),
        hide_index=True,
        height=360,
        column_config={
            "progress": st.column_config.ProgressColumn(
                "progress", format="percent", min_value=0, max_value=1
            ),
            "seconds": st.column_config.NumberColumn("seconds", format="%.1f s"),
        },
    )


progress()
