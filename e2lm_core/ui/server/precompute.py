"""Precomputes pages of large sets.

Each page of a laboratory's set takes one processor for ten seconds or more at its first view. The set of the
latest run is precomputed, in the metric and the RC definition with which pages begin. If a run starts
meanwhile, also that of an edit, precomputing pauses until the queue is quiet again.

Tested in tests/ui/server/test_precompute.py.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from e2lm_core.analysis import validity
from e2lm_core.analysis.answers import Answers
from e2lm_core.analysis.curves.messages import most_informative_pair
from e2lm_core.analysis.questions import selection
from e2lm_core.base.database import change_stamp
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.runs import checkpoint_order
from e2lm_core.runs.queue import permissions
from e2lm_core.runs.results import is_large
from e2lm_core.runs.start import KIND
from e2lm_core.runs.studio import Studio
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.ranking import readings
from e2lm_core.scores.set_scores import Scores
from e2lm_core.scores.uncertainty.set_sizes import Target
from e2lm_core.sets.editing import table_sync
from e2lm_core.ui import session
from e2lm_core.ui.cache import curves, decisions, questions, results, scores
from e2lm_core.ui.places.curves import by_question
from e2lm_core.ui.server import memory

LOOK_S = 5.0
QUIET_S = 20.0  # the run of an edit is soon followed by that of the next edit
METRIC = "acc"
READING = readings.DEFAULT
Step = Callable[[TaskSet, Measurements], object]
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Last:
    """The latest run of a large set, with the settings and the address by which its set is opened."""

    job: int
    settings: Settings
    address: str


class Beforehand:
    """Thread that looks for ended runs and precomputes their pages, until `stop` or the process ends."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._over = settings, threading.Event()
        self._ready: int | None = None

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._look, name="beforehand", daemon=True).start()

    def stop(self) -> None:
        """Start no further step."""
        self._over.set()

    def _look(self) -> None:
        seen = None
        while not self._over.wait(LOOK_S):
            try:
                if (
                    seen == (stamp := change_stamp(self._settings.database))
                    or not self._settings.database.exists()
                ):
                    continue
                if self._is_done():
                    seen = stamp
            except Exception as error:  # the set's pages show the error; the next look tries again
                log.info("Nothing is computed beforehand: %s", type(error).__name__)
                seen = stamp

    def _is_done(self) -> bool:
        """Whether there is nothing to compute until the database changes."""
        studio = session.studio_of(self._settings)
        if not permissions.is_quiet(studio, QUIET_S):
            return False
        last = last_large(studio)
        if last is None or last.job == self._ready:
            return True
        if not compute(last.settings, last.address, lambda: self._may_go_on(studio)):
            return False
        self._ready = last.job
        return True

    def _may_go_on(self, studio: Studio) -> bool:
        return not self._over.is_set() and permissions.is_quiet(studio, QUIET_S)


def last_large(studio: Studio) -> _Last | None:
    """The latest ended run of a set that is large enough for results in a file; None without one."""
    seen = set()
    for job in permissions.recent_finished(studio):
        if job.kind != KIND:
            continue
        settings, address = permissions.resolve_run_set(studio.settings, job)
        if (whose := (settings.person, address)) in seen:
            continue
        seen.add(whose)
        try:
            task = session.read_set(address, settings)
        except StudioError:  # deleted since, or unreadable
            continue
        width = max((len(question.choices) for question in task.questions), default=1)
        if is_large(len(job.payload["checkpoints"]), len(task.questions), width):
            return _Last(job.id, settings, address)
    return None


def compute(settings: Settings, address: str, goes_on: Callable[[], bool]) -> bool:
    """Precompute the pages of a set.

    Args:
        settings: Settings of the person as whom the set is opened.
        address: Address of the set.
        goes_on: Asked before each step; computing stops when it returns False.

    Returns:
        Whether all steps were done.
    """
    with session.settings_for_visitor(settings):
        task = session.read_set(address, settings)
        measured = results.measurements(task)
        for step in STEPS:
            if not goes_on():
                return False
            try:
                step(task, measured)
            except StudioError as error:
                log.info("Not computed beforehand: %s", type(error).__name__)
    memory.freeze_imports()  # otherwise the first page would collect garbage among all objects of the set
    return True


def _of(function: Callable[..., object], *arguments: str | bool) -> Step:
    """A step that gets an answer."""
    return lambda _, measured: results.answer(function, measured, *arguments)


def _scored(measured: Measurements) -> Scores:
    """Compute everything that `scores.scored` needs, and return the scores."""
    bounded = results.answer(Answers.scores, measured, METRIC)
    results.answer(Answers.intervals, measured, METRIC)
    results.answer(Answers.advice, measured, METRIC, READING)
    return bounded.with_reading(READING)


def _examples(task: TaskSet, _: Measurements) -> None:
    """Compute the scores of the example sets that are drawn beside the set's."""
    for example in scores.examples(task)[0].values():
        _scored(example)


def _order(measured: Measurements) -> None:
    """Compute the order of the models, and the leads at the checkpoint that Ranking shows first."""
    if stability := curves.stable(measured, METRIC):
        curves.win_sentence(measured, METRIC, stability, stability.default_checkpoint)


def _plan(task: TaskSet, measured: Measurements) -> None:
    """Simulate the width of SQ's interval at each set size, on the set's fleet."""
    checkpoints = checkpoint_order.thin_out(list(results.fleet(task).checkpoints), "all")
    names = tuple(checkpoint.name for checkpoint in checkpoints)
    scores.widths(measured, names, METRIC, Target("sq"))


def _ahead(_: TaskSet, measured: Measurements) -> None:
    """Compute who of the two models that Decide shows first is ahead at the end, and when the set decides."""
    if pair := most_informative_pair(measured):
        decisions.outlooks(measured, METRIC, *pair)
        decisions.certainty(measured, METRIC, decisions.end_of_training(measured, *pair))


def _choice(task: TaskSet, measured: Measurements) -> None:
    """Select questions by the first rule of the list."""
    silent = validity.no_advice_reason(measured, _scored(measured), results.is_running(task))
    questions.chosen_beforehand(task, measured, next(iter(selection.PRESETS)), METRIC, silent)


# The steps follow the order in which visitors open the pages, so that the first page is ready first.
STEPS: tuple[Step, ...] = (
    lambda task, _: results.state(task),
    lambda task, _: table_sync.changes_since(session.studio().settings, task.address),
    _of(Answers.curves, METRIC, False),
    lambda _, measured: _scored(measured),
    _of(Answers.all_right),
    lambda task, _: results.findings(task),
    _of(Answers.curves, METRIC, True),
    _of(Answers.onsets, METRIC),
    _of(Answers.separations, METRIC),
    _of(Answers.quality, METRIC),
    _of(Answers.noise, METRIC),
    _examples,
    lambda task, measured: questions.pool_with(task, measured, None),
    lambda _, measured: questions.learning_map(measured, None),
    lambda task, measured: questions.reliability(questions.pool_with(task, measured, None)[0], measured),
    by_question.finding,
    lambda _, measured: _order(measured),
    lambda _, measured: curves.holding(measured, METRIC, READING),
    _of(Answers.curves_by_subject, METRIC, False),
    _of(Answers.curves_by_subject, METRIC, True),
    lambda task, _: results.bundle(task, "plain"),
    lambda task, measured: questions.suspect_frame(task, questions.suspects(task, measured)[0]),
    _ahead,
    _plan,
    _choice,
)
