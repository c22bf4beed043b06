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
from e2lm_core.ui.app import polling
from e2lm_core.ui.cache import process_pool, stale_while_revalidate, worker_analysis, worker_checks
from e2lm_core.ui.cache.measurements import Fleet, Measured, Stamp, identities
from e2lm_core.ui.cache.stale_while_revalidate import Settled, Shown
from e2lm_core.ui.cache.store import Kept
from e2lm_core.ui.session import studio

T = TypeVar("T")
_OF_SETS, _OF_MEASUREMENTS = Kept("of sets"), Kept("of measurements")
_MEASURED = Measured()
_SETTLED = Settled()
# Between two looks for what a run adds, for each session beyond the first few: what follows is computed for all.
APART_S = 0.08
# The same between two versions of a set of which pages show figures: each draws them anew.
NEW_APART_S = 0.4
READING = "rc_reading"  # of the session's state
# The last complete curves of a set, until those of its next version are complete.
_COMPLETE = Kept("complete curves")
_CHANGED = Kept("what edits changed")
_DIGESTS: Each[bytes] = Each(40_000)


def remembered(measurements: Measurements, key: tuple[str, ...], make: Callable[[], T]) -> T:
    """What `make` gives, made once for these measurements, whoever asks."""
    return _OF_MEASUREMENTS.made_of((measurements,), key, make)


def remembered_of(measured: tuple[Measurements, ...], key: str, make: Callable[[], T]) -> T:
    """What `make` gives of several measurements, made once, whoever asks."""
    return _OF_MEASUREMENTS.made_of(measured, key, make)


def digest(task: TaskSet) -> str:
    """Tells what is measured of a set from what is of any other, as `task_digest` does; once for each version."""
    return _OF_SETS.made_of((task,), "digest", lambda: _digest(task))


def _digest(task: TaskSet) -> str:
    """By the digests of its questions, of which an edit leaves most as they are."""
    config = json.dumps([task.name, task.config.content(), len(task.questions)], sort_keys=True)
    questions = _DIGESTS.of(None, (*task.questions, *task.dev), _of_question)
    return hashlib.sha256(b"".join((config.encode(), *questions))).hexdigest()


def _of_question(question: Question) -> bytes:
    return hashlib.sha256(json.dumps(row_of(question), sort_keys=True).encode()).digest()


def groups(
    task: TaskSet, way: str, proposed: Callable[[Sequence[Question]], tuple[str | None, ...]]
) -> tuple[str | None, ...]:
    """What one of `checks.groups.PROPOSALS` proposes, once for each version."""
    return _OF_SETS.made_of((task,), ("groups", way), lambda: proposed(task.questions))


def results_stamp() -> Stamp:
    """Changes whenever anything is written to the database, in this process or a worker's."""
    return change_stamp(studio().settings.database)


def fleet(task: TaskSet) -> tuple[tuple[Checkpoint, ...], int | None]:
    """The checkpoints and the few-shot count that the set was last run with; all at hand before its first run."""
    asking = studio()
    return _OF_SETS.made_of(
        (task,),
        ("fleet", asking.settings.workspace),
        lambda: run_state.fleet_of_set(asking, task.address),
        (results_stamp(), _at_hand()),
    )


@dataclass(frozen=True)
class Changed:
    """What an edit changed, of each question and of the whole set; `done` of `total` checkpoints are complete after it.

    `of` are the measurements before and after it, where they were just read; `token` tells this from any other.
    """

    effects: tuple[question_edits.EditEffect, ...]
    whole: tuple[question_edits.MetricChange, ...]
    done: int
    total: int
    measured: bool
    token: object = field(default_factory=object, compare=False)
    of: tuple[Measurements, Measurements] | None = field(default=None, compare=False, repr=False)


def changed(task: TaskSet, before: TaskSet, after: TaskSet) -> Changed:
    """What an edit of the set changed; once it is measured whole, it is known without what was measured."""
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
    """Whether all is known of what an edit changed: no run adds to it."""
    return _CHANGED.last(_edit_key(task, before, after)) is not None


def _edit_key(task: TaskSet, before: TaskSet, after: TaskSet) -> Hashable:
    checkpoints, num_fewshot = fleet(task)
    return (studio().settings.database, digest(before), digest(after), identities(checkpoints), num_fewshot)


def _at_hand() -> Fleet:
    return session.once_a_run("at hand", lambda: identities(studio().local_checkpoints))


def measurements(task: TaskSet) -> Measurements:
    """The set's results on its fleet, as far as they are there."""
    return measure(task, *fleet(task))


def measure(
    task: TaskSet, checkpoints: Sequence[Checkpoint], num_fewshot: int | None, now: bool = False
) -> Measurements:
    """What the store has of the set; what was read before is not read again, and equal sets are one object.

    `num_fewshot` None is the set's own; `now` looks for what a run has added however many sessions there are. Raises `StudioError` for a set whose prompts cannot be rendered.
    """
    if num_fewshot is None:
        num_fewshot = task.config.num_fewshot
    apart_s = 0.0 if now else APART_S * (polling.session_count() - polling.FEW_SESSIONS)
    return _MEASURED.get(studio(), task, digest(task), checkpoints, num_fewshot, apart_s)


def let_go(name: str) -> None:
    """Forget what was measured of a set that was deleted."""
    _MEASURED.let_go(studio().settings.database, name)


def shown(task: TaskSet) -> Shown:
    """What pages show of the set: its results, or while an edit's run goes on the last that were whole."""
    asking = studio()
    info = collection.find_set(asking.settings, task.address)
    now = Shown(task, measurements(task), _number(asking.settings, task))
    checkpoints, num_fewshot = fleet(task)
    key = (info.folder, identities(checkpoints), num_fewshot)
    apart_s = NEW_APART_S * (polling.session_count() - polling.FEW_SESSIONS)
    return _SETTLED.of(key, now, state(task).kind == "running", process_pool.is_open(), apart_s)


def live(task: TaskSet) -> Shown:
    """The same, but to whoever started the run that goes on its points as they come."""
    return Shown(task, measurements(task)) if run_launcher.is_own_run(state(task)) else shown(task)


def _number(settings: Settings, task: TaskSet) -> int | None:
    """The number of this version in the set's history; examples have none."""

    def last() -> int | None:
        return next((v.number for v in list_versions(settings, task.address) if v.shown), None)

    return _OF_SETS.made_of((task,), "number", last)


def computed(function: Callable[..., T], measurements: Measurements, *arguments: Hashable) -> T:
    """What a function of `computing` gives, computed beside the pages, and once for what was measured."""
    key = (function.__name__, *arguments)
    stale_while_revalidate.asked(measurements, key, lambda later: computed(function, later, *arguments))
    return _OF_MEASUREMENTS.made_of(
        (measurements,), key, lambda: process_pool.figures(function, measurements, *arguments)
    )


def intervals(measurements: Measurements, metric: str) -> MetricIntervals | None:
    """The intervals of the scores of one metric, None where nothing is complete; computed once."""
    return (
        computed(worker_analysis.intervals, measurements, metric)
        if measurements.complete_checkpoints
        else None
    )


def scores(measurements: Measurements, metric: str) -> Scores:
    """The scores with the intervals that they are allowed, computed once; RC as the session reads it."""
    read, every = reading(), computed(worker_analysis.scores, measurements, metric)
    return remembered(measurements, ("read", metric, read), lambda: every.with_reading(read))


def reading() -> str:
    """How this session reads RC, see `readings.READINGS`."""
    return st.session_state.get(READING, readings.DEFAULT)


def quality(measurements: Measurements, metric: str) -> pd.DataFrame:
    """Signal quality and its parts, one row a model, with intervals where a checkpoint is complete; computed once."""
    return computed(worker_analysis.quality, measurements, metric)


def curves(
    task: TaskSet, measurements: Measurements, metric: str, bands: bool = False
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """The set's curves and, until they are complete, the last complete ones of an earlier version.

    Where none were seen, the means over the questions that are there stand in.
    """
    frame = computed(worker_analysis.curves, measurements, metric, bands)
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
    """Whether the set was run, is running or is stale; read again when results or checkpoints at hand have changed."""
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
    """Whether a run of the set goes on, or waits for its turn."""
    return state(task).kind == "running"


def is_brought(task: TaskSet) -> bool:
    """Whether the package brings results of the set, as far as its text and the checkpoints are those of then."""
    checkpoints, num_fewshot = fleet(task)
    return _OF_SETS.made_of(
        (task,),
        "brought",
        lambda: shipped_defaults.shows_shipped_results(studio(), task, checkpoints, num_fewshot),
        (identities(checkpoints), num_fewshot),
    )


def known(task: TaskSet) -> bool:
    """Whether somebody has looked at the set since the server's start, so that its state costs next to nothing."""
    return _OF_SETS.has((task,), ("state", studio().settings.workspace))


def known_scores(task: TaskSet) -> Scores | None:
    """The scores on accuracy of a set that is `known`; None where it is not whole, or nobody has asked for them.

    Of what was read of it last: a page of all sets does not look at what runs add to each.
    """
    checkpoints, num_fewshot = fleet(task)
    if num_fewshot is None:
        num_fewshot = task.config.num_fewshot
    now = _MEASURED.last(studio(), digest(task), checkpoints, num_fewshot)
    if now is None or not 0 < now.checkpoints == now.complete_checkpoints:
        return None
    return (
        scores(now, "acc") if _OF_MEASUREMENTS.has((now,), (worker_analysis.scores.__name__, "acc")) else None
    )


def taught(task: TaskSet) -> tuple[bool, ...] | None:
    """`Measurements.taught` of the set on its fleet, without a look for what was measured."""
    if all(checkpoint.packed is None for checkpoint in fleet(task)[0]):
        return None
    told = taught_answers(task)
    return None if told is None else tuple(told.values())


def taught_answers(task: TaskSet) -> dict[str, bool] | None:
    """`taught.taught_answers` of the ladder at hand, looked up once for each version."""
    file = studio().catalogue.taught_file
    return _OF_SETS.made_of((task,), "taught", lambda: ladder_taught.known_answers(file, task), version=file)


def bundle(task: TaskSet, profile: submission.Profile) -> bytes:
    """`submission.export`, made once for each version. Raises `StudioError` for a set that cannot be exported."""
    found = findings(task, profile)
    return _OF_SETS.made_of((task,), ("bundle", profile), lambda: _bundle(task, profile, found))


def _bundle(task: TaskSet, profile: submission.Profile, found: list[Finding]) -> bytes:
    if process_pool.is_open():
        return process_pool.edits(worker_checks.bundle, studio().settings, task, profile, found)
    return submission.build_bundle(studio(), task, profile, found)


def relevance(task: TaskSet, model: str | None = None) -> judge.Relevance:
    """How probably each question would be accepted as science. Raises `StudioError` where that cannot be computed."""
    return judged(studio().settings, task, model)


def judged(settings: Settings, task: TaskSet, model: str | None = None) -> judge.Relevance:
    """The same for whoever has no session: a thread in the background."""
    return _OF_SETS.made_of(
        (task,),
        ("relevance", model),
        lambda: process_pool.texts(judge.judge_relevance, settings, task.questions, model),
    )


def findings(task: TaskSet, profile: submission.Profile = "plain") -> list[Finding]:
    """The checks of the set; none for one without questions, whose pages say so themselves."""
    if not task.questions:
        return []
    # Models that stop an export by their tokens, once the set was run on them.
    theirs = tuple(c.name for c in fleet(task)[0] if c.packed is None)
    readers = theirs and (theirs, state(task).job is None)
    return _OF_SETS.made_of((task,), ("findings", profile), lambda: _findings(task, profile), readers)


def _findings(task: TaskSet, profile: submission.Profile) -> list[Finding]:
    with session.spinner("Checking the set …"):
        if process_pool.is_open():
            return process_pool.edits(worker_checks.findings, studio().settings, task, profile)
        return submission.check_findings(studio(), task, profile)
