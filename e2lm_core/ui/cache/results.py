"""Cached results of a set.

Tested in tests/pages/test_pages.py and tests/pages/test_live.py.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import pandas as pd
import streamlit as st

from e2lm_core.analysis import tables
from e2lm_core.analysis.answers import Answers
from e2lm_core.analysis.questions import edits as question_edits
from e2lm_core.base.database import change_stamp
from e2lm_core.base.memory.memo import Each
from e2lm_core.base.records import Checkpoint, Finding, Question, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.ladder import training_facts as ladder_taught
from e2lm_core.export import submission
from e2lm_core.relevance import judge
from e2lm_core.runs import state as run_state
from e2lm_core.runs.store import shipped_defaults
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.ranking import readings
from e2lm_core.scores.set_scores import Scores
from e2lm_core.scores.uncertainty.intervals import MetricIntervals
from e2lm_core.sets import collection
from e2lm_core.sets.prompts.docs import row_of
from e2lm_core.sets.versions import list_versions
from e2lm_core.ui import run_launcher, session
from e2lm_core.ui.base import polling
from e2lm_core.ui.base.store import Kept
from e2lm_core.ui.base.streamlit_internals import session_count
from e2lm_core.ui.cache import process_pool, stale_while_revalidate, worker_analysis, worker_checks
from e2lm_core.ui.cache.measurements import Fleet, Measured, Stamp, identities
from e2lm_core.ui.cache.stale_while_revalidate import Settled, Shown
from e2lm_core.ui.session import studio

T = TypeVar("T")
_OF_SETS, _OF_MEASUREMENTS = Kept("of sets"), Kept("of measurements")
_MEASURED = Measured()
_SETTLED = Settled()
# Seconds between two looks for new results of a run, for each session beyond the first few: everything
# derived from the results is computed for all of them.
APART_S = 0.08
# Seconds for which a version's figures are shown at least, for each session beyond the first few: each
# session draws a new version again.
NEW_APART_S = 0.4
READING = "rc_reading"  # a key of the session state
# The last complete curves of a set are shown until those of its next version are complete.
_COMPLETE = Kept("complete curves")
_CHANGED = Kept("what edits changed")
_DIGESTS: Each[bytes] = Each(40_000)


def remembered(measurements: Measurements, key: tuple[str, ...], make: Callable[[], T]) -> T:
    """Get a value derived from measurements, or compute it once for all sessions."""
    return _OF_MEASUREMENTS.made_of((measurements,), key, make)


def remembered_of(measured: tuple[Measurements, ...], key: str, make: Callable[[], T]) -> T:
    """Get a value derived from several measurements, or compute it once for all sessions."""
    return _OF_MEASUREMENTS.made_of(measured, key, make)


def digest(task: TaskSet) -> str:
    """Digest of the measured content of a set, as `task_digest`; computed once for each version."""
    return _OF_SETS.made_of((task,), "digest", lambda: _digest(task))


def _digest(task: TaskSet) -> str:
    """Digest made of the digests of the questions, most of which an edit leaves unchanged."""
    config = json.dumps([task.name, task.config.content(), len(task.questions)], sort_keys=True)
    questions = _DIGESTS.values_of(None, (*task.questions, *task.dev), _of_question)
    return hashlib.sha256(b"".join((config.encode(), *questions))).hexdigest()


def _of_question(question: Question) -> bytes:
    return hashlib.sha256(json.dumps(row_of(question), sort_keys=True).encode()).digest()


def groups(
    task: TaskSet, way: str, proposed: Callable[[Sequence[Question]], tuple[str | None, ...]]
) -> tuple[str | None, ...]:
    """Proposed group of each question by one of `checks.groups.PROPOSALS`; computed once for each version."""
    return _OF_SETS.made_of((task,), ("groups", way), lambda: proposed(task.questions))


def results_stamp() -> Stamp:
    """Stamp that changes with every write to the database, by this process or a worker."""
    return change_stamp(studio().settings.database)


def fleet(task: TaskSet) -> tuple[tuple[Checkpoint, ...], int | None]:
    """Checkpoints and few-shot count of the set's last run; before its first run all local checkpoints."""
    asking = studio()
    return _OF_SETS.made_of(
        (task,),
        ("fleet", asking.settings.workspace),
        lambda: run_state.fleet_of_set(asking, task.address),
        (results_stamp(), _at_hand()),
    )


@dataclass(frozen=True)
class Changed:
    """Effects of an edit on each question and on the whole set.

    Attributes:
        effects: Effect on each question.
        whole: Change of each metric of the whole set.
        done: Number of checkpoints that are complete after the edit.
        total: Number of checkpoints.
        measured: Whether there are results before or after the edit.
        token: Unique object that distinguishes this value from any other.
        of: Measurements before and after the edit; None if they were not just read.
    """

    effects: tuple[question_edits.EditEffect, ...]
    whole: tuple[question_edits.MetricChange, ...]
    done: int
    total: int
    measured: bool
    token: object = field(default_factory=object, compare=False)
    of: tuple[Measurements, Measurements] | None = field(default=None, compare=False, repr=False)


def changed(task: TaskSet, before: TaskSet, after: TaskSet) -> Changed:
    """Effects of an edit on a set.

    Once all checkpoints are complete, the effects are kept without the measurements.
    """
    key = _edit_key(task, before, after)
    known = _CHANGED.last(key)
    if known is not None:
        return known
    checkpoints, num_fewshot = fleet(task)
    was, now = (measure(version, checkpoints, num_fewshot) for version in (before, after))
    made = remembered_of(
        (was, now), "changes", lambda: Changed(*process_pool.edits(worker_analysis.changed, was, now))
    )
    if was.complete_checkpoints == made.done == made.total:
        _CHANGED.made_of((), key, lambda: made)
    return replace(made, of=(was, now))


def is_known(task: TaskSet, before: TaskSet, after: TaskSet) -> bool:
    """Whether the effects of an edit are final: no run adds to them."""
    return _CHANGED.last(_edit_key(task, before, after)) is not None


def _edit_key(task: TaskSet, before: TaskSet, after: TaskSet) -> Hashable:
    checkpoints, num_fewshot = fleet(task)
    return (studio().settings.database, digest(before), digest(after), identities(checkpoints), num_fewshot)


def _at_hand() -> Fleet:
    return session.once_a_run("at hand", lambda: identities(studio().local_checkpoints))


def measurements(task: TaskSet) -> Measurements:
    """Available results of a set on its fleet."""
    return measure(task, *fleet(task))


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
    return _MEASURED.get(studio(), task, digest(task), checkpoints, num_fewshot, apart_s)


def let_go(name: str) -> None:
    """Evict the measurements of a deleted set."""
    _MEASURED.let_go(studio().settings.database, name)


def shown_results(task: TaskSet) -> Shown:
    """Results that pages show of a set: its own, or the last complete ones while an edit's run goes on."""
    asking = studio()
    info = collection.find_set(asking.settings, task.address)
    now = Shown(task, measurements(task), _number(asking.settings, task))
    checkpoints, num_fewshot = fleet(task)
    key = (info.folder, identities(checkpoints), num_fewshot)
    apart_s = NEW_APART_S * (session_count() - polling.FEW_SESSIONS)
    return _SETTLED.version_to_show(key, now, state(task).kind == "running", process_pool.is_open(), apart_s)


def live(task: TaskSet) -> Shown:
    """Results that pages show of a set, with new points as they come if this session started the run."""
    return Shown(task, measurements(task)) if run_launcher.is_own_run(state(task)) else shown_results(task)


def _number(settings: Settings, task: TaskSet) -> int | None:
    """The number of this version in the set's history; None for examples."""

    def last() -> int | None:
        return next((v.number for v in list_versions(settings, task.address) if v.shown), None)

    return _OF_SETS.made_of((task,), "number", last)


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
    return _OF_MEASUREMENTS.made_of(
        (measurements,),
        key,
        lambda: process_pool.figures(worker_analysis.answer, measurements, method, *arguments),
    )


def intervals(measurements: Measurements, metric: str) -> MetricIntervals | None:
    """Intervals of the scores of one metric; None without a complete checkpoint."""
    return answer(Answers.intervals, measurements, metric) if measurements.complete_checkpoints else None


def scores(measurements: Measurements, metric: str) -> Scores:
    """Scores of one metric with their intervals, and RC in the session's definition."""
    read, every = reading(), answer(Answers.scores, measurements, metric)
    return remembered(measurements, ("read", metric, read), lambda: every.with_reading(read))


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
    whose = (studio().settings.workspace, task.address, metric)
    if measurements.complete_checkpoints == measurements.checkpoints:
        _COMPLETE.made_of((), whose, lambda: frame, version=id(frame))
        return frame, None
    before = _COMPLETE.last(whose)
    if before is not None:
        return frame, before
    partial = ("partial", metric)
    return frame, remembered(measurements, partial, lambda: tables.partial_frame(measurements, metric))


def state(task: TaskSet) -> run_state.SetState:
    """Run state of a set: never run, running, stale or up to date.

    Read again when the results or the local checkpoints have changed.
    """
    asking = studio()
    return _OF_SETS.made_of(
        (task,),
        ("state", asking.settings.workspace),
        lambda: run_state.state_of_set(
            asking, task.address, task, functools.partial(measure, task, now=True)
        ),
        (results_stamp(), _at_hand()),
    )


def is_running(task: TaskSet) -> bool:
    """Whether a run of the set goes on or is queued."""
    return state(task).kind == "running"


def is_brought(task: TaskSet) -> bool:
    """Whether the package includes results of the set with its present text and checkpoints."""
    checkpoints, num_fewshot = fleet(task)
    return _OF_SETS.made_of(
        (task,),
        "brought",
        lambda: shipped_defaults.shows_shipped_results(studio(), task, checkpoints, num_fewshot),
        (identities(checkpoints), num_fewshot),
    )


def is_state_cached(task: TaskSet) -> bool:
    """Whether the run state of the set is cached, so that reading it costs next to nothing."""
    return _OF_SETS.has((task,), ("state", studio().settings.workspace))


def known_scores(task: TaskSet) -> Scores | None:
    """Cached scores on accuracy of a set that is `known`.

    They are of the results as last read: the page of all sets does not look for new results of each.

    Returns:
        The scores; None if the set is incomplete or nobody has asked for its scores.
    """
    checkpoints, num_fewshot = fleet(task)
    if num_fewshot is None:
        num_fewshot = task.config.num_fewshot
    now = _MEASURED.last(studio(), digest(task), checkpoints, num_fewshot)
    if now is None or not 0 < now.checkpoints == now.complete_checkpoints:
        return None
    return scores(now, "acc") if _OF_MEASUREMENTS.has((now,), (Answers.scores.__name__, "acc")) else None


def taught_questions(task: TaskSet) -> tuple[bool, ...] | None:
    """Whether each question is known to the mini models, without reading results.

    As `Measurements.taught`: a flag for each question, in the set's order; None without a mini model in the
    fleet or without a list of training facts.
    """
    if all(checkpoint.packed is None for checkpoint in fleet(task)[0]):
        return None
    told = taught_answers(task)
    return None if told is None else tuple(told.values())


def taught_answers(task: TaskSet) -> dict[str, bool] | None:
    """`training_facts.known_answers` for the local ladder; looked up once for each version."""
    file = studio().catalogue.taught_file
    return _OF_SETS.made_of((task,), "taught", lambda: ladder_taught.known_answers(file, task), version=file)


def bundle(task: TaskSet, profile: submission.Profile) -> bytes:
    """The bundle of a set by `submission.build_bundle`; built once for each version.

    Raises:
        StudioError: The set cannot be exported.
    """
    found = findings(task, profile)
    return _OF_SETS.made_of((task,), ("bundle", profile), lambda: _bundle(task, profile, found))


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
    return _OF_SETS.made_of(
        (task,),
        ("relevance", model),
        lambda: process_pool.texts(judge.judge_relevance, settings, task.questions, model),
    )


def findings(task: TaskSet, profile: submission.Profile = "plain") -> list[Finding]:
    """Findings of the checks of a set; empty for a set without questions, as its pages say so themselves."""
    if not task.questions:
        return []
    # After a run on them, models that are not built in can block an export by their tokenization.
    theirs = tuple(c.name for c in fleet(task)[0] if c.packed is None)
    readers = theirs and (theirs, state(task).job is None)
    return _OF_SETS.made_of((task,), ("findings", profile), lambda: _findings(task, profile), readers)


def _findings(task: TaskSet, profile: submission.Profile) -> list[Finding]:
    with session.spinner("Checking the set …"):
        if process_pool.is_open():
            return process_pool.edits(worker_checks.findings, studio().settings, task, profile)
        return submission.check_findings(studio(), task, profile)
