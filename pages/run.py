"""Run: choose models and checkpoints, see what it costs, start, follow and cancel; the page stays usable."""

import streamlit as st

from e2lm_core.base import phrasing
from e2lm_core.runs import order as run_order
from e2lm_core.runs import start as run_start
from e2lm_core.runs import state as run_state
from e2lm_core.runs import words as run_words
from e2lm_core.ui import parts, running, session
from e2lm_core.ui.frame import window
from e2lm_core.ui.remembered import results
from e2lm_core.ui.strip import strip

studio = session.studio()
task = strip()
state = results.state(task)

parts.header("Run", run_words.running(state, len(task.questions)))

at_hand = studio.at_hand
if not at_hand:
    for problem in studio.catalogue.problems:
        st.error(problem, icon=":material/error:")
    parts.empty("There are no checkpoints: the embedded ladder is missing, and E2LM_CHECKPOINTS names none.")
    st.stop()
for problem in studio.catalogue.problems:
    st.warning(problem, icon=":material/warning:")

fleet, last_fewshot = run_state.fleet(studio, task.name)
models = list(dict.fromkeys(c.model.name for c in at_hand))
left, right = st.columns([3, 2], gap="large")
with left:
    chosen = st.pills(
        "Models",
        models,
        selection_mode="multi",
        default=[m for m in models if any(c.model.name == m for c in fleet)],
        key=f"run_models_{task.name}",
        format_func=lambda name: studio.catalogue.model(name).short_name,
        wrap=True,
    )
    density = st.segmented_control(
        "Checkpoints of each",
        list(run_order.DENSITIES),
        default="all",
        required=True,
        key=f"run_density_{task.name}",
        help="Runs go coarse to fine anyway; fewer checkpoints are sooner done, and SQ needs at least 8 points in the early window.",
    )
with right:
    most = min(studio.settings.limits.max_fewshot, len(task.dev))
    shots = st.number_input(
        "Few-shot examples",
        0,
        most,
        min(last_fewshot if last_fewshot is not None else task.config.num_fewshot, most),
        key=f"run_shots_{task.name}",
        help=f"0 to {most}, from the set's dev questions. Early checkpoints read short prompts best.",
    )
    selection = run_order.thin([c for c in at_hand if c.model.name in chosen], density)
    if task.questions and selection:
        cost = run_state.estimate(studio, task, selection, shots, results.measure(task, selection, shots))
        st.metric(
            "To compute",
            f"{cost.missing:,} of {cost.total:,}",
            border=True,
            help="Pairs of a checkpoint and a question. What was computed before, for any set, is reused.",
        )
        if cost.missing:
            st.caption(
                f"{phrasing.duration(cost.seconds).capitalize()}, at the pace of earlier runs."
                if cost.seconds
                else "No run on this machine yet, so its pace is not known."
            )

is_running = state.kind == "running"
with st.container(horizontal=True, gap="small"):
    if st.button(
        f"Run {phrasing.count(len(chosen), 'model')}",
        type="primary",
        icon=":material/play_arrow:",
        disabled=is_running or not selection or not task.questions,
    ):
        running.start(task, checkpoints=selection, num_fewshot=shots)
    if is_running and st.button("Cancel the run", icon=":material/stop:"):
        studio.jobs.cancel(state.job)
        st.rerun()


@st.fragment(run_every=1.0 if is_running else None)
def latest() -> None:
    now = run_start.latest_job(studio, task.name)
    if now is None:
        return
    st.subheader("Progress" if not now.over else "Last run", anchor=False)
    if now.error:
        st.error(now.error, icon=":material/error:")
    for note in run_words.notes(now):
        st.info(note, icon=":material/rule:")
    share, text = run_words.sentence(now, len(task.questions))
    st.progress(share, text=text)
    if saved := run_words.savings(now):
        st.caption(
            saved,
            help="The harness sends the prompt anew with every choice, at every checkpoint. Here what prompts share is computed once, and what is stored is not computed again.",
        )
    st.dataframe(
        run_words.job_frame(now),
        hide_index=True,
        height=360,
        placeholder=phrasing.DASH,
        column_order=("checkpoint", "progress") if window.narrow() else None,
        column_config={
            "progress": st.column_config.ProgressColumn(
                "progress", format="percent", min_value=0, max_value=1
            ),
            "seconds": st.column_config.NumberColumn("seconds", format="%.1f s"),
            "tokens": st.column_config.NumberColumn("tokens computed", format="compact"),
            "harness_tokens": st.column_config.NumberColumn("the harness's tokens", format="compact"),
        },
    )


latest()

if state.done:
    st.subheader("What is there", anchor=False)
    parts.table(
        run_words.coverage_frame(results.measurements(task)),
        "coverage",
        "run_coverage",
        few=("model", "complete"),
        column_config={
            "complete": st.column_config.ProgressColumn(
                "checkpoints complete", format="percent", min_value=0, max_value=1
            ),
            "parameters": st.column_config.NumberColumn("parameters", format="compact"),
            "first": st.column_config.NumberColumn("first, tokens seen", format="compact"),
            "last": st.column_config.NumberColumn("last, tokens seen", format="compact"),
        },
    )
