"""Tab Run.

Tested in tests/pages/test_pages.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from e2lm_core.base import formatting
from e2lm_core.base.records import Checkpoint, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.checkpoints.hub import cache as hub_cache
from e2lm_core.runs import checkpoint_order as run_order
from e2lm_core.runs import start as run_start
from e2lm_core.runs import state as run_state
from e2lm_core.runs.messages import rolling as rolling_words
from e2lm_core.runs.messages import run_status as run_words
from e2lm_core.runs.queue.progress import run_progress
from e2lm_core.runs.queue.records import Job
from e2lm_core.ui import run_launcher, session
from e2lm_core.ui.app import doors, widgets
from e2lm_core.ui.base import language, markdown, polling, viewport
from e2lm_core.ui.cache import results

GROUP = language.mark("the group's")  # the very checkpoints of the set's model group
ROLLING_HELP = language.mark(
    "Each checkpoint of a hub is downloaded, scored and deleted. Results are kept, and so is "
    "a checkpoint that is pinned or was here before."
)


@dataclass(frozen=True)
class RunSelection:
    """The selection for a run.

    Attributes:
        models: Names of the selected models.
        checkpoints: Their checkpoints on this computer.
        num_fewshot: Number of few-shot examples.
        rolling: All checkpoints of the selected models, also those not on this computer.
        missing: Number of results that are still to be computed.
    """

    models: list[str]
    checkpoints: list[Checkpoint]
    num_fewshot: int
    rolling: list[Checkpoint]
    missing: int

    @property
    def is_whole(self) -> bool:
        """Whether all selected checkpoints are on this computer."""
        return len(self.checkpoints) == len(self.rolling)


# --- what to run ------------------------------------------------------------------------------------------


def run_controls(task: TaskSet) -> RunSelection:
    """Draw the choice of models, checkpoints and few-shot examples, with the cost of the run."""
    fleet, last_fewshot = results.fleet(task).run_arguments
    left, right = st.columns([3, 2], gap="large")
    with left:
        models, checkpoints, everything = _checkpoints(task, fleet)
    with right:
        num_fewshot = _num_fewshot(task, last_fewshot)
        missing = _cost(task, checkpoints, num_fewshot) if task.questions and checkpoints else 0
    return RunSelection(models, checkpoints, num_fewshot, everything, missing)


def _checkpoints(
    task: TaskSet, fleet: Sequence[Checkpoint]
) -> tuple[list[str], list[Checkpoint], list[Checkpoint]]:
    """The selected models, their checkpoints on this computer, and all of their checkpoints."""
    studio = session.studio()
    of_group = {c.name for c in fleet}
    at_hand = [c for c in studio.local_checkpoints if not c.extra or c.name in of_group]
    here = {c.name for c in at_hand}
    known = [c for c in studio.catalogue.checkpoints if c.name in here or c.repo is not None]
    models = list(dict.fromkeys(c.model.name for c in known))
    run = {c.model.name for c in fleet}
    # Other seeds are selected with the model that they replicate.
    first = {m: seed_of for m in models if (seed_of := studio.catalogue.model(m).seed_of) in models}
    own = [m for m in models if m not in first]
    picked = st.pills(
        language.translate("Models"),
        own,
        selection_mode="multi",
        default=[m for m in own if m in run],
        key=f"run_models_{task.address}",
        format_func=lambda name: markdown.escape(studio.catalogue.model(name).short_name),
        wrap=True,
    )
    if first and st.toggle(
        markdown.fill_template("With further seeds ({number})", number=len(first)),
        not run.isdisjoint(first),
        key=f"run_seeds_{task.address}",
        help=language.translate(
            "The same models with other seeds. They are not scored; they show the training noise."
        ),
    ):
        picked = [m for m in models if first.get(m, m) in picked]
    is_part = any(c.model.name in run and c.name not in of_group for c in at_hand)
    density = st.segmented_control(
        language.translate("Checkpoints"),
        [*([GROUP] if is_part else []), *run_order.DENSITIES],
        default=GROUP if is_part else "all",
        required=True,
        key=f"run_density_{task.address}",
        format_func=language.translate,
        help=language.translate("Fewer checkpoints finish sooner. SQ needs at least 8 in the early window."),
    )
    here_and_all = ([c for c in some if c.model.name in picked] for some in (at_hand, known))
    if density == GROUP:
        checkpoints, everything = (
            [c for c in some if c.name in of_group or c.model.name not in run] for some in here_and_all
        )
    else:
        checkpoints, everything = (run_order.thin_out(some, density) for some in here_and_all)
    return picked, checkpoints, everything


def _num_fewshot(task: TaskSet, last: int | None) -> int:
    most = min(session.studio().settings.limits.max_fewshot, task.max_fewshot)
    return st.number_input(
        language.translate("Few-shot examples"),
        0,
        most,
        min(last if last is not None else task.config.num_fewshot, most),
        key=f"run_shots_{task.address}",
        help=markdown.fill_template(
            "0 to {most}, from the set's dev questions. Early checkpoints read short prompts best.", most=most
        ),
    )


def _cost(task: TaskSet, checkpoints: list[Checkpoint], num_fewshot: int) -> int:
    """Draw the number of results to compute and the time that takes; return the number."""
    measurements = results.measure(task, checkpoints, num_fewshot)
    cost = run_state.estimate(session.studio(), task, checkpoints, num_fewshot, measurements)
    st.metric(
        language.translate("To compute"),
        language.translate(Sentence("{missing} of {total}", missing=cost.missing, total=cost.total)),
        border=True,
        help=language.translate(
            "Results still missing: one for each question and checkpoint. Earlier results are reused."
        ),
    )
    if cost.missing and not results.is_running(task):  # a running run shows its remaining time itself
        markdown.caption(
            markdown.fill_template(
                "{duration}, at the pace of earlier runs.",
                duration=language.translate(formatting.duration(cost.seconds)).capitalize(),
            )
            if cost.seconds
            else "No run on this machine yet, so its pace is not known."
        )
    return cost.missing


def run_buttons(task: TaskSet, choice: RunSelection, state: run_state.SetState) -> None:
    """Draw the buttons of a run: start, download one at a time if checkpoints are missing, or cancel."""
    is_running = state.kind == "running"
    found = results.doors(task)
    is_first = found is None or found.first == "run"
    rolls = bool(task.questions) and not choice.is_whole
    if rolls:
        readable = [c for c in choice.rolling if session.studio().is_readable(c)]
        measured = results.measure(task, readable, choice.num_fewshot)
        what = rolling_words.estimate_rolling(
            session.studio(), task, choice.rolling, choice.num_fewshot, measured
        )
        markdown.caption(
            rolling_words.rolling_cost(what, hub_cache.cache_usage(session.studio().settings)),
            help=language.translate(ROLLING_HELP),
        )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if found is not None and not is_first:
            doors.first_door(found, "run_door")
        if st.button(
            markdown.fill_count("Run {number} model", "Run {number} models", len(choice.models)),
            key="run_models",
            # Secondary if all results are there, or if a run could tell nothing.
            type="primary" if choice.missing and is_first else "secondary",
            icon=":material/play_arrow:",
            disabled=is_running or not choice.checkpoints or not task.questions,
        ):
            run_launcher.queue_run(task, checkpoints=choice.checkpoints, num_fewshot=choice.num_fewshot)
        if rolls and st.button(
            language.translate("Download one at a time"),
            key="run_rolling",
            icon=":material/sync:",
            disabled=is_running,
            help=language.translate(ROLLING_HELP),
        ):
            run_launcher.queue_run(
                task, checkpoints=choice.rolling, num_fewshot=choice.num_fewshot, rolling=True
            )
        if is_running:
            run_launcher.cancel_button(
                state.job, language.translate("Cancel the run"), "run_cancel", icon=":material/stop:"
            )


# --- what it does -----------------------------------------------------------------------------------------


def latest_run_panel(task: TaskSet) -> None:
    """Draw the set's latest run, redrawn while it goes on."""
    st.fragment(_latest, run_every=widgets.run_poll_interval(task, polling.PROGRESS_S))(task)


def _latest(task: TaskSet) -> None:
    job = run_start.latest_job(session.studio(), task.address)
    if job is None:
        return
    st.header(language.translate("Progress" if not job.over else "Last run"), anchor=False)
    if job.error:
        markdown.error(job.error, icon=":material/error:")
    for note in run_words.engine_notes(job):
        markdown.info(note, icon=":material/rule:")
    studio = session.studio()
    run = run_progress(studio.jobs, job, task)
    st.progress(run.share, text=markdown.escape(run_words.progress_sentence(run)))
    if doing := rolling_words.rolling_status(job, studio.settings, studio.catalogue.checkpoints):
        markdown.caption(doing)
    if saved := run_words.token_savings(job):
        markdown.caption(
            saved,
            help=language.translate(
                "Shared prompt text is computed once, and stored results are reused. The harness sends "
                "the whole prompt with every choice."
            ),
        )
    _checkpoint_table(job)


def _checkpoint_table(job: Job) -> None:
    number, frame = st.column_config.NumberColumn, run_words.job_frame(job)
    st.dataframe(
        frame.assign(progress=frame["progress"] * 100),
        hide_index=True,
        height=360,
        placeholder=formatting.DASH,
        column_order=("checkpoint", "progress") if viewport.is_narrow() else None,
        column_config=widgets.headings(
            frame.columns,
            {
                "checkpoint": st.column_config.TextColumn(width="medium" if viewport.is_narrow() else None),
                "progress": st.column_config.ProgressColumn(format="%.0f%%", min_value=0, max_value=100),
                "seconds": number(format="%.1f s"),
                "tokens": number(language.mark("tokens computed"), format="compact"),
                "harness_tokens": number(language.mark("the harness's tokens"), format="compact"),
            },
        ),
    )


def coverage_table(task: TaskSet) -> None:
    """Draw the number of complete checkpoints of each model."""
    number = st.column_config.NumberColumn
    st.header(language.translate("Results so far"), anchor=False)
    widgets.table(
        run_words.coverage_frame(results.measurements(task)),
        "coverage",
        "run_coverage",
        phone_columns=("model", "complete"),
        percent=("complete",),
        column_config={
            "complete": st.column_config.ProgressColumn(
                language.mark("checkpoints complete"), format="%.0f%%", min_value=0, max_value=100
            ),
            "parameters": number(format="compact"),
            "text": st.column_config.TextColumn(Sentence("text", "texts", number=1)),
            "first": number(language.mark("first, tokens seen"), format="compact"),
            "last": number(language.mark("last, tokens seen"), format="compact"),
        },
    )
