"""Cached results of a set.

Tested in tests/pages/test_pages.py and tests/pages/test_live.py.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import pandas as pd
import streamlit as st

from e2lm_core.analysis import tables, validity
from e2lm_core.analysis.answers import Answers
from e2lm_core.analysis.questions import edits as question_edits
from e2lm_core.base.database import change_stamp
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Checkpoint, Finding, Question, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.ladder import training_facts as ladder_taught
from e2lm_core.export import submission
from e2lm_core.people import access
from e2lm_core.relevance import judge
from e2lm_core.runs import checkpoint_order as run_order
from e2lm_core.runs import fleets, start
from e2lm_core.runs import state as run_state
from e2lm_core.runs.fleets import OpenFleet
from e2lm_core.runs.messages.doors import SetDoors, doors_of_set
from e2lm_core.runs.store import control_results, shipped_defaults
from e2lm_core.runs.studio import Studio
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.ranking import readings
from e2lm_core.scores.set_scores import Scores
from e2lm_core.scores.uncertainty.intervals import MetricIntervals
from e2lm_core.sets.prompts import wrong_question_control
from e2lm_core.ui import run_launcher, session
from e2lm_core.ui.base import page_cache, polling
from e2lm_core.ui.base.streamlit_internals import session_count
from e2lm_core.ui.cache import process_pool, stale_while_revalidate, worker_analysis, worker_checks
from e2lm_core.ui.cache.measurements import Fleet, Measured, Stamp, identities
from e2lm_core.ui.cache.stale_while_revalidate import Settled, Shown
from e2lm_core.ui.session import studio

T = TypeVar("T")
_MEASURED = Measured()
_SETTLED = Settled()
# Seconds between two looks for new results of a run, for each session beyond the first few: everything
# derived from the results is computed for all of them.
APART_S = 0.08
# Seconds for which a version's figures are shown at least, for each session beyond the first few: each
# session draws a new version again.
NEW_APART_S = 0.4
READING = "rc_reading"  # a key of the session state


def groups(
    task: TaskSet, way: str, proposed: Callable[[Sequence[Question]], tuple[str | None, ...]]
) -> tuple[str | None, ...]:
    """Proposed group of each question by one of `checks.groups.PROPOSALS`; computed once for each version."""
    return page_cache.get_or_compute("groups", (task, way), lambda: proposed(task.questions))


def results_stamp() -> Stamp:
    """Stamp that changes with every write to the database, by this process or a worker."""
    return change_stamp(studio().settings.database)


def fleet(task: TaskSet) -> OpenFleet:
    """Fleet that the numbers of a set are of."""
    asking = studio()
    return page_cache.get_or_compute(
        "fleet",
        (asking.settings.workspace, task.address),
        lambda: run_state.fleet_of_set(asking, task.address),
        (results_stamp(), fleets.change_stamp(asking.settings), _at_hand()),
    )


def all_fleets(task: TaskSet) -> list[OpenFleet]:
    """Fleets that the set can be shown with, its own first, each with the few-shot count of its last run."""
    asking, own = studio(), fleet(task)
    others = page_cache.get_or_compute(
        "fleets",
        (asking.settings.workspace, own.num_fewshot),
        lambda: [fleets.open_fleet(asking, one, own.num_fewshot) for one in fleets.list_fleets(asking)],
        (fleets.change_stamp(asking.settings), _at_hand()),
    )
    return [own, *(one for one in others if one.digest != own.digest and one.checkpoints)]


@dataclass(frozen=True)
class Changed:
    """Effects of an edit on each question and on the whole set.

    Attributes:
        effects: Effect on each question.
        whole: Change of each metric of the whole set.
        done: Number of checkpoints that are complete after the edit.
        total: Number of checkpoints.
        measured: Whether there are results before or after the edit.
        digest: Digest of the measurements before and after the edit.
        of: Measurements before and after the edit; None if they were not just read.
    """

    effects: tuple[question_edits.EditEffect, ...]
    whole: tuple[question_edits.MetricChange, ...]
    done: int
    total: int
    measured: bool
    digest: str = ""
    of: tuple[Measurements, Measurements] | None = field(default=None, compare=False, repr=False)


def changed(task: TaskSet, before: TaskSet, after: TaskSet) -> Changed:
    """Effects of an edit on a set.

    Once all checkpoints are complete, the effects are kept without the measurements.
    """
    key = _edit_key(task, before, after)
    known = page_cache.find("final effects of an edit", key)
    if known is not None:
        return known
    checkpoints, num_fewshot = fleet(task).run_arguments
    was, now = (measure(version, checkpoints, num_fewshot) for version in (before, after))
    made = page_cache.get_or_compute("effects of an edit", (was, now), lambda: _changed(was, now))
    if was.complete_checkpoints == made.done == made.total:
        page_cache.get_or_compute("final effects of an edit", key, lambda: made)
    return replace(made, of=(was, now))


def _changed(was: Measurements, now: Measurements) -> Changed:
    return Changed(*process_pool.edits(worker_analysis.changed, was, now), f"{was.digest} {now.digest}")


def is_known(task: TaskSet, before: TaskSet, after: TaskSet) -> bool:
    """Whether the effects of an edit are final: no run adds to them."""
    return page_cache.find("final effects of an edit", _edit_key(task, before, after)) is not None


def _edit_key(task: TaskSet, before: TaskSet, after: TaskSet) -> tuple[object, ...]:
    checkpoints, num_fewshot = fleet(task).run_arguments
    return (studio().settings.database, before, after, identities(checkpoints), num_fewshot)


def _at_hand() -> Fleet:
    return session.once_a_run("local checkpoints", lambda: identities(studio().local_checkpoints))


def measurements(task: TaskSet) -> Measurements:
    """Available results of a set on its fleet."""
    return measure(task, *fleet(task).run_arguments)


def measure(
    task: TaskSet, checkpoints: Sequence[Checkpoint], num_fewshot: int | None, now: bool = False
) -> Measurements:
    """Available results of a set; they are read once, and equal sets share one object.

    Args:
        task: The set.
        checkpoints: The fleet.
        num_fewshot: Number of few-shot examples; None for the set's own.
        now: Look for new results of a run at once, however many sessions there are.

    Raises:
        StudioError: The prompts of the set cannot be rendered.
    """
    if num_fewshot is None:
        num_fewshot = task.config.num_fewshot
    apart_s = 0.0 if now else APART_S * (session_count() - polling.FEW_SESSIONS)
    own = _MEASURED.get(studio(), task, task.digest, checkpoints, num_fewshot, apart_s)
    return own if own.complete_checkpoints < own.checkpoints else _judged(task, own, checkpoints, num_fewshot)


def _judged(
    task: TaskSet, own: Measurements, checkpoints: Sequence[Checkpoint], num_fewshot: int
) -> Measurements:
    """Complete results of a set, with what its wording control says against them if it was run."""
    ends = run_order.last_of_each(checkpoints)
    if not was_control_run(task, ends, num_fewshot):
        return own
    control = control_measurements(task, ends, num_fewshot)
    return page_cache.get_or_compute(
        "with cue words", (own, control), lambda: control_results.with_cue_words(own, control)
    )


def was_control_run(task: TaskSet, checkpoints: Sequence[Checkpoint], num_fewshot: int | None) -> bool:
    """Whether some results of the set's wording control are stored at these checkpoints."""
    asking = studio()
    return page_cache.get_or_compute(
        "was control run",
        (asking.settings.database, task, identities(checkpoints), num_fewshot),
        lambda: control_results.was_control_run(asking, task, checkpoints, num_fewshot),
        results_stamp(),
    )


def control_measurements(
    task: TaskSet, checkpoints: Sequence[Checkpoint], num_fewshot: int | None
) -> Measurements:
    """Available results of the set's wording control at these checkpoints."""
    made = page_cache.get_or_compute("control set", (task,), lambda: wrong_question_control.control_set(task))
    shots = task.config.num_fewshot if num_fewshot is None else num_fewshot
    return _MEASURED.get(studio(), made, made.digest, checkpoints, shots, facts=False)


def let_go(name: str) -> None:
    """Evict the measurements of a deleted set."""
    _MEASURED.let_go(studio().settings.database, name)


def shown_results(task: TaskSet) -> Shown:
    """Results that pages show of a set: its own, or the last complete ones while an edit's run goes on."""
    number = next((v.number for v in session.versions_of_set(task.address) if v.shown), None)
    now = Shown(task, measurements(task), number)
    checkpoints, num_fewshot = fleet(task).run_arguments
    key = (session.set_entry(task.address).folder, identities(checkpoints), num_fewshot)
    apart_s = NEW_APART_S * (session_count() - polling.FEW_SESSIONS)
    return _SETTLED.version_to_show(key, now, state(task).kind == "running", process_pool.is_open(), apart_s)


def live(task: TaskSet) -> Shown:
    """Results that pages show of a set, with new points as they come if this session started the run."""
    return Shown(task, measurements(task)) if run_launcher.is_own_run(state(task)) else shown_results(task)


def answer(method: Callable[..., T], measurements: Measurements, *arguments: Hashable) -> T:
    """Get an answer about measurements from a worker process, once for the same arguments.

    The answer is also computed for the next results of the set before these are shown.

    Args:
        method: A method of `Answers`.
        measurements: Results of the set.
        arguments: Further arguments of the method.
    """
    key = (method.__name__, *arguments)
    stale_while_revalidate.register_recipe(measurements, key, lambda later: answer(method, later, *arguments))
    return page_cache.get_or_compute(
        "answer",
        (measurements, *key),
        lambda: process_pool.figures(worker_analysis.answer, measurements, method, *arguments),
    )


def intervals(measurements: Measurements, metric: str) -> MetricIntervals | None:
    """Intervals of the scores of one metric; None without a complete checkpoint."""
    return answer(Answers.intervals, measurements, metric) if measurements.complete_checkpoints else None


def scores(measurements: Measurements, metric: str) -> Scores:
    """Scores of one metric with their intervals, and RC in the session's definition."""
    read, every = reading(), answer(Answers.scores, measurements, metric)
    return page_cache.get_or_compute("scores", (measurements, metric, read), lambda: every.with_reading(read))


def reading() -> str:
    """RC definition of this session, a key of `readings.READINGS`."""
    return st.session_state.get(READING, readings.DEFAULT)


def quality(measurements: Measurements, metric: str) -> pd.DataFrame:
    """Signal quality and its parts, one row for each model, with intervals if a checkpoint is complete."""
    return answer(Answers.quality, measurements, metric)


def curves(
    task: TaskSet, measurements: Measurements, metric: str, bands: bool = False
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Learning curves of a set and, until they are complete, the last complete ones of an earlier version.

    If no complete ones were shown before, the means over the available questions take their place.

    Args:
        task: The set.
        measurements: Its results.
        metric: Name of a metric.
        bands: Include the intervals of the points.

    Returns:
        The curves, and those of the earlier version; None in its place if the curves are complete.
    """
    frame = answer(Answers.curves, measurements, metric, bands)
    # They are shown until those of the next version are complete.
    kind, whose = "last complete curves", (studio().settings.workspace, task.address, metric)
    if measurements.complete_checkpoints == measurements.checkpoints:
        page_cache.get_or_compute(kind, whose, lambda: frame, version=(measurements.digest, bands))
        return frame, None
    before = page_cache.find(kind, whose)
    if before is not None:
        return frame, before
    return frame, page_cache.get_or_compute(
        "partial curves", (measurements, metric), lambda: tables.partial_frame(measurements, metric)
    )


def state(task: TaskSet) -> run_state.SetState:
    """Run state of a set: never run, running, stale or up to date.

    Read again when the results or the local checkpoints have changed.
    """
    asking = studio()
    return page_cache.get_or_compute(
        "state",
        (asking.settings.workspace, task.address, task),
        lambda: _state(asking, task),
        (results_stamp(), fleets.change_stamp(asking.settings), _at_hand()),
    )


def _state(asking: Studio, task: TaskSet) -> run_state.SetState:
    job = start.latest_job(asking, task.address, progress=False)
    state = run_state.open_run_state(asking, task, job)
    if state is None:
        own = fleet(task)
        try:
            covered = run_state.coverage_of(measure(task, *own.run_arguments, now=True))
        except StudioError as error:  # a question that was changed outside the studio has no prompt
            return run_state.SetState(kind="never run", failure=error.sentence)
        state = run_state.state_by_coverage(asking, task, job, own, covered)
    return state


def is_running(task: TaskSet) -> bool:
    """Whether a run of the set goes on or is queued."""
    return state(task).kind == "running"


def is_brought(task: TaskSet) -> bool:
    """Whether the package includes results of the set with its present text and checkpoints."""
    checkpoints, num_fewshot = fleet(task).run_arguments
    return page_cache.get_or_compute(
        "has shipped results",
        (task,),
        lambda: shipped_defaults.shows_shipped_results(studio(), task, checkpoints, num_fewshot),
        (identities(checkpoints), num_fewshot),
    )


def is_state_cached(task: TaskSet) -> bool:
    """Whether the run state of the set is cached, so that reading it costs next to nothing."""
    return page_cache.find("state", (studio().settings.workspace, task.address, task)) is not None


def known_measurements(task: TaskSet) -> Measurements | None:
    """Complete results of a set as last read; None if they are incomplete or nobody has read them."""
    checkpoints, num_fewshot = fleet(task).run_arguments
    if num_fewshot is None:
        num_fewshot = task.config.num_fewshot
    now = _MEASURED.last(studio(), task.digest, checkpoints, num_fewshot)
    if now is None or not 0 < now.checkpoints == now.complete_checkpoints:
        return None
    return _judged(task, now, checkpoints, num_fewshot)


def known_scores(task: TaskSet) -> tuple[Scores, str | None] | None:
    """Cached scores on accuracy of a set, and why they mean nothing; None in its place if they mean something.

    They are of the results as last read: the page of all sets does not look for new results of each.

    Returns:
        Scores and reason; None if the set is incomplete or nobody has asked for its scores.
    """
    if (now := known_measurements(task)) is None:
        return None
    is_computed = page_cache.find("answer", (now, Answers.scores.__name__, "acc")) is not None
    if not is_computed:
        return None
    found = scores(now, "acc")
    return found, silence_reason(now, found)


def silence_reason(now: Measurements, found: Scores) -> str | None:
    """Cached reason why scores of complete results mean nothing, see `validity.silence_reason`."""
    return page_cache.get_or_compute("silence", (now, found), lambda: validity.silence_reason(now, found))


def taught_questions(task: TaskSet) -> tuple[bool, ...] | None:
    """Whether the mini models know a choice of each question as its answer, without reading results.

    As `Measurements.told`: a flag for each question, in the set's order; None without a mini model in the
    fleet or without a list of training facts.
    """
    if not _has_mini_model(task):
        return None
    file = studio().catalogue.taught_file
    told = page_cache.get_or_compute(
        "told", (task,), lambda: ladder_taught.mentioned_choices(file, task), version=file
    )
    return None if told is None else tuple(told.values())


def doors(task: TaskSet) -> SetDoors | None:
    """Doors of a set whose answers the mini models do not all know, see `doors.doors_of_set`."""
    return session.once_a_run(f"doors {task.address} {task.digest}", lambda: _doors(task))


def _doors(task: TaskSet) -> SetDoors | None:
    if not task.questions or (known := taught_questions(task)) is None:
        return None
    settings = studio().settings
    return doors_of_set(
        known,
        only_mini_models=all(checkpoint.packed is not None for checkpoint in fleet(task).checkpoints),
        may_add_models=access.is_member(settings),
        may_write=not settings.readonly,
    )


def taught_answers(task: TaskSet) -> dict[str, bool] | None:
    """`training_facts.known_answers` for the local ladder; None without a mini model in the fleet."""
    if not _has_mini_model(task):
        return None
    file = studio().catalogue.taught_file
    return page_cache.get_or_compute(
        "known answers", (task,), lambda: ladder_taught.known_answers(file, task), version=file
    )


def _has_mini_model(task: TaskSet) -> bool:
    return any(checkpoint.packed is not None for checkpoint in fleet(task).checkpoints)


def bundle(task: TaskSet, profile: submission.Profile) -> bytes:
    """The bundle of a set by `submission.build_bundle`; built once for each version.

    Raises:
        StudioError: The set cannot be exported.
    """
    found = findings(task, profile)
    of = (studio().settings.workspace, task.address, task, profile, found)
    return page_cache.get_or_compute("bundle", of, lambda: _bundle(task, profile, found))


def _bundle(task: TaskSet, profile: submission.Profile, found: list[Finding]) -> bytes:
    if process_pool.is_open():
        return process_pool.edits(worker_checks.bundle, studio().settings, task, profile, found)
    return submission.build_bundle(studio(), task, profile, found)


def relevance(task: TaskSet, model: str | None = None) -> judge.Relevance:
    """Scientific relevance of each question: its probability of acceptance.

    Raises:
        StudioError: The relevance cannot be computed.
    """
    return judged(studio().settings, task, model)


def judged(settings: Settings, task: TaskSet, model: str | None = None) -> judge.Relevance:
    """Scientific relevance of each question, for callers without a session such as a background thread."""
    return page_cache.get_or_compute(
        "relevance",
        (task, model),
        lambda: process_pool.texts(judge.judge_relevance, settings, task.questions, model),
    )


def findings(task: TaskSet, profile: submission.Profile = "plain") -> list[Finding]:
    """Findings of the checks of a set; empty for a set without questions, as its pages say so themselves."""
    if not task.questions:
        return []
    # After a run on them, models that are not built in can block an export by their tokenization.
    theirs = tuple(c.name for c in fleet(task).checkpoints if c.packed is None)
    readers = theirs and (theirs, fleet(task).name)
    of = (studio().settings.workspace, task.address, task, profile)
    return page_cache.get_or_compute("findings", of, lambda: _findings(task, profile), readers)


def _findings(task: TaskSet, profile: submission.Profile) -> list[Finding]:
    with session.spinner("Checking the set …"):
        if process_pool.is_open():
            return process_pool.edits(worker_checks.findings, studio().settings, task, profile)
        return submission.check_findings(studio(), task, profile)
