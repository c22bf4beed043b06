"""A set's results as this session has read them: measured, resampled and scored once."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from e2lm_core.analysis import tables
from e2lm_core.base.records import Checkpoint, Finding, TaskSet
from e2lm_core.export import submission
from e2lm_core.relevance import judge
from e2lm_core.runs import measure as reading
from e2lm_core.runs import state as run_state
from e2lm_core.scores import measurements as score_measurements
from e2lm_core.scores import set_scores
from e2lm_core.scores.uncertainty import set_intervals
from e2lm_core.scores.uncertainty.intervals import Resampled
from e2lm_core.sets.folder.files import task_digest
from e2lm_core.ui.remembered.keep import Kept
from e2lm_core.ui.session import studio

# Of log-likelihoods that a session keeps: two sets of the largest size, many small.
MEASURED_BYTES = 300 * 2**20
_DIGESTS = Kept("digests", 8)
# {(digest, checkpoints, num_fewshot): (stamp, measurements)}, the last used last.
_MEASURED = Kept("measured", MEASURED_BYTES, weight=lambda entry: entry[1].nbytes)
_RESAMPLED = Kept("resampled", None)


def digest(question_set: TaskSet) -> str:
    """`task_digest`, once for each version: of 15,000 questions it takes a tenth of a second."""
    return _DIGESTS.made_of((question_set,), "", lambda: task_digest(question_set))


def results_stamp() -> tuple[int, int]:
    """Changes whenever anything is written to the database, in this process or a worker's."""
    database = studio().settings.database
    stamps = []
    for path in (str(database), f"{database}-wal"):
        try:
            stamps.append(os.stat(path).st_mtime_ns)
        except FileNotFoundError:
            stamps.append(0)
    return stamps[0], stamps[1]


def measurements(question_set: TaskSet) -> score_measurements.Measurements:
    """The set's results on its fleet, as far as they are there."""
    checkpoints, num_fewshot = run_state.fleet(studio(), question_set.name)
    return measure(question_set, checkpoints, num_fewshot)


def measure(
    question_set: TaskSet, checkpoints: Sequence[Checkpoint], num_fewshot: int | None
) -> score_measurements.Measurements:
    """What the store has of it; what this session has read before is not read again."""
    if num_fewshot is None:
        num_fewshot = question_set.config.num_fewshot
    names = _identities(checkpoints)
    asked, stamp = (digest(question_set), names, num_fewshot), results_stamp()
    then, measured = _MEASURED.take(asked) or (None, None)
    if measured is None:
        alike = [
            other
            for (question_digest, fleet, shots), (_, other) in _MEASURED.items()
            if shots == num_fewshot and (fleet == names or question_digest == asked[0])
        ]
        measured = reading.measure(
            studio(), question_set, checkpoints, num_fewshot, alike[-1] if alike else None
        )
    elif then != stamp:
        measured = reading.refreshed(studio(), measured)
    _MEASURED.put(asked, (stamp, measured))
    return measured


def _identities(checkpoints: Sequence[Checkpoint]) -> tuple[tuple[str, str | None], ...]:
    """A model that was removed and added again has the same names at another commit."""
    return tuple((c.name, c.revision) for c in checkpoints)


def resampled(measured: score_measurements.Measurements, metric: str) -> Resampled | None:
    """The bootstrap of one metric, None where nothing is complete; computed once for what was measured."""
    if not measured.complete_checkpoints:
        return None
    return _RESAMPLED.made_of((measured,), metric, lambda: set_intervals.resample(measured, (metric,)))


def scores(measured: score_measurements.Measurements, metric: str) -> set_scores.Scores:
    """The scores with the intervals that they are allowed."""
    found = set_scores.scores(measured, metric)
    given = resampled(measured, metric)
    return set_intervals.with_intervals(found, set_intervals.intervals_of(given, metric)) if given else found


def quality(measured: score_measurements.Measurements, metric: str) -> pd.DataFrame:
    given = resampled(measured, metric)
    if given is None:
        return tables.quality_frame(measured, metric)
    return tables.quality_interval_frame(measured, given, metric)


def curves(
    question_set: TaskSet, measured: score_measurements.Measurements, metric: str, bands: bool = False
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """The set's curves and, until they are complete, the last complete ones of an earlier version.

    Where this session has seen none, the means over the questions that are there stand in.
    """
    frame = tables.curve_frame(measured, (metric,))
    given = resampled(measured, metric) if bands else None
    if given:
        frame = frame.merge(tables.band_frame(measured, given, metric), on=["model", "step"], how="left")
    held = st.session_state.setdefault("complete_curves", {})
    if measured.complete_checkpoints == measured.checkpoints:
        held[question_set.name, metric] = frame
        return frame, None
    before = held.get((question_set.name, metric))
    return frame, tables.partial_frame(measured, metric) if before is None else before


def state(question_set: TaskSet) -> run_state.SetState:
    at_hand = _identities(studio().at_hand)
    return _state(question_set.name, digest(question_set), results_stamp(), at_hand, question_set)


@st.cache_resource(max_entries=6, show_spinner=False, scope="session")
def _state(
    name: str,
    digest: str,
    stamp: tuple[int, int],
    at_hand: tuple[tuple[str, str | None], ...],
    _task: TaskSet,
) -> run_state.SetState:
    return run_state.state(studio(), name, _task, functools.partial(measure, _task))


def relevance(question_set: TaskSet) -> judge.Relevance:
    return _relevance(digest(question_set), question_set)


@st.cache_resource(max_entries=4, show_spinner=False, scope="session")
def _relevance(digest: str, _task: TaskSet) -> judge.Relevance:
    return judge.relevance_of(studio().settings, _task.questions)


def findings(question_set: TaskSet, profile: submission.Profile = "plain") -> list[Finding]:
    """The checks of the set; none for one without questions, whose pages say so themselves."""
    if not question_set.questions:
        return []
    with st.spinner("Checking the set …"):
        return _findings(digest(question_set), profile, question_set)


@st.cache_resource(max_entries=8, show_spinner=False, scope="session")
def _findings(digest: str, profile: submission.Profile, _task: TaskSet) -> list[Finding]:
    return submission.findings(studio(), _task, profile)
