"""A set's results as this session has read them: measured, resampled and scored once.

Tested in tests/pages/test_pages.py and tests/pages/test_live.py.
"""

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
from e2lm_core.scores import set_scores
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.set_scores import Scores
from e2lm_core.scores.uncertainty import null, set_intervals
from e2lm_core.scores.uncertainty.intervals import Resampled
from e2lm_core.sets.folder.files import task_digest
from e2lm_core.ui.remembered.keep import Kept
from e2lm_core.ui.session import studio

Fleet = tuple[tuple[str, str | None], ...]  # (name, commit) of each checkpoint
# Of log-likelihoods that a session keeps: two sets of the largest size, many small.
MEASURED_BYTES = 300 * 2**20
_DIGESTS = Kept("digests", 8)
# {(digest, checkpoints, num_fewshot): (stamp, measurements)}, the last used last.
_MEASURED = Kept("measured", MEASURED_BYTES, weight=lambda entry: entry[1].nbytes)
_RESAMPLED = Kept("resampled", None)
_SCORES = Kept("judged", None)


def digest(task: TaskSet) -> str:
    """`task_digest`, once for each version: of 15,000 questions it takes a tenth of a second."""
    return _DIGESTS.made_of((task,), "", lambda: task_digest(task))


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


def measurements(task: TaskSet) -> Measurements:
    """The set's results on its fleet, as far as they are there."""
    checkpoints, num_fewshot = run_state.fleet(studio(), task.address)
    return measure(task, checkpoints, num_fewshot)


def measure(task: TaskSet, checkpoints: Sequence[Checkpoint], num_fewshot: int | None) -> Measurements:
    """What the store has of the set; what this session has read before is not read again.

    `num_fewshot` None is the set's own. Raises `StudioError` for a set whose prompts cannot be rendered.
    """
    if num_fewshot is None:
        num_fewshot = task.config.num_fewshot
    fleet = _identities(checkpoints)
    key, stamp = (digest(task), fleet, num_fewshot), results_stamp()
    then, measurements = _MEASURED.take(key) or (None, None)
    if measurements is None:
        alike = _alike(*key)
        measurements = reading.measure(studio(), task, checkpoints, num_fewshot, alike)
    elif then != stamp:
        measurements = reading.refreshed(studio(), measurements)
    _MEASURED.put(key, (stamp, measurements))
    return measurements


def _alike(digest: str, fleet: Fleet, num_fewshot: int) -> Measurements | None:
    """The latest of the same set, or of another on the same checkpoints: what both have is not read again."""
    alike = [
        measurements
        for (other, on, shots), (_, measurements) in _MEASURED.items()
        if shots == num_fewshot and (on == fleet or other == digest)
    ]
    return alike[-1] if alike else None


def _identities(checkpoints: Sequence[Checkpoint]) -> Fleet:
    """A model that was removed and added again has the same names at another commit."""
    return tuple((c.name, c.revision) for c in checkpoints)


def resampled(measurements: Measurements, metric: str) -> Resampled | None:
    """The bootstrap of one metric, None where nothing is complete; computed once for what was measured."""
    if not measurements.complete_checkpoints:
        return None
    return _RESAMPLED.made_of(
        (measurements,), metric, lambda: set_intervals.resample(measurements, (metric,))
    )


def scores(measurements: Measurements, metric: str) -> Scores:
    """The scores with the intervals that they are allowed and what random answers give; once for what was measured."""
    return _SCORES.made_of((measurements,), metric, lambda: _scores(measurements, metric))


def _scores(measurements: Measurements, metric: str) -> Scores:
    values, bootstrap = set_scores.scores(measurements, metric), resampled(measurements, metric)
    if bootstrap is None:
        return values
    values = set_intervals.with_intervals(values, set_intervals.intervals_of(bootstrap, metric))
    return null.judged(measurements, values, metric)


def quality(measurements: Measurements, metric: str) -> pd.DataFrame:
    """Signal quality and its parts, one row a model, with intervals where a checkpoint is complete."""
    bootstrap = resampled(measurements, metric)
    if bootstrap is None:
        return tables.quality_frame(measurements, metric)
    return tables.quality_interval_frame(measurements, bootstrap, metric)


def curves(
    task: TaskSet, measurements: Measurements, metric: str, bands: bool = False
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """The set's curves and, until they are complete, the last complete ones of an earlier version.

    Where this session has seen none, the means over the questions that are there stand in.
    """
    frame = tables.curve_frame(measurements, (metric,))
    bootstrap = resampled(measurements, metric) if bands else None
    if bootstrap:
        intervals = tables.band_frame(measurements, bootstrap, metric)
        frame = frame.merge(intervals, on=["model", "step"], how="left")
    complete = st.session_state.setdefault("complete_curves", {})
    if measurements.complete_checkpoints == measurements.checkpoints:
        complete[task.address, metric] = frame
        return frame, None
    before = complete.get((task.address, metric))
    return frame, tables.partial_frame(measurements, metric) if before is None else before


def state(task: TaskSet) -> run_state.SetState:
    """Whether the set was run, is running or is stale; read again when results or checkpoints at hand have changed."""
    at_hand = _identities(studio().at_hand)
    return _state(task.address, digest(task), results_stamp(), at_hand, task)


@st.cache_resource(max_entries=6, show_spinner=False, scope="session")
def _state(
    name: str,
    digest: str,
    stamp: tuple[int, int],
    at_hand: Fleet,
    _task: TaskSet,
) -> run_state.SetState:
    return run_state.state(studio(), name, _task, functools.partial(measure, _task))


def relevance(task: TaskSet) -> judge.Relevance:
    """How probably each question would be accepted as science. Raises `StudioError` where that cannot be computed."""
    return _relevance(digest(task), task)


@st.cache_resource(max_entries=4, show_spinner=False, scope="session")
def _relevance(digest: str, _task: TaskSet) -> judge.Relevance:
    return judge.relevance_of(studio().settings, _task.questions)


def findings(task: TaskSet, profile: submission.Profile = "plain") -> list[Finding]:
    """The checks of the set; none for one without questions, whose pages say so themselves."""
    if not task.questions:
        return []
    with st.spinner("Checking the set …"):
        return _findings(digest(task), profile, task)


@st.cache_resource(max_entries=8, show_spinner=False, scope="session")
def _findings(digest: str, profile: submission.Profile, _task: TaskSet) -> list[Finding]:
    return submission.findings(studio(), _task, profile)
