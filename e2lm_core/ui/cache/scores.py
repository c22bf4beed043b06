"""Cached scores, comparisons and simulated widths.

Tested in tests/pages/test_score.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import pandas as pd

from e2lm_core.analysis.answers import Answers
from e2lm_core.analysis.compare import comparison
from e2lm_core.analysis.score import parts as score_parts
from e2lm_core.base import formatting
from e2lm_core.base.records import TaskSet
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.set_scores import Scores
from e2lm_core.scores.uncertainty import set_sizes
from e2lm_core.scores.uncertainty.intervals import MetricIntervals
from e2lm_core.sets import collection
from e2lm_core.sets.versions import Version, open_version
from e2lm_core.ui import session
from e2lm_core.ui.base import page_cache
from e2lm_core.ui.cache import process_pool, results, stale_while_revalidate, worker_analysis

T = TypeVar("T")
Scored = tuple[Scores, MetricIntervals | None, score_parts.Advice]


def scored(measurements: Measurements, metric: str) -> Scored:
    """Scores with their intervals, the intervals, and advice on raising the Score; computed once."""
    scores, bounds = results.scores(measurements, metric), results.intervals(measurements, metric)
    return scores, bounds, results.answer(Answers.advice, measurements, metric, scores.rc_reading)


def examples(task: TaskSet) -> tuple[dict[str, Measurements], list[str]]:
    """The other example sets measured on this set's fleet.

    Returns:
        Complete measurements by address, and a sentence for each example set that is incomplete there.
    """
    checkpoints, num_fewshot = results.fleet(task).run_arguments
    measured, lacking = {}, []
    for info in session.all_sets():
        if not info.example or info.problem or info.address == task.address:
            continue
        measurements = results.measure(session.read_set(info.address), checkpoints, num_fewshot)
        if measurements.complete_checkpoints == measurements.checkpoints:
            measured[info.address] = measurements
        else:
            lacking.append(
                f"{info.address} is left out: it has results at {measurements.complete_checkpoints} of this model group's "
                f"{formatting.count(measurements.checkpoints, 'checkpoint')}; run it on Models and runs."
            )
    return measured, lacking


def bars(scores: Mapping[str, Scores]) -> pd.DataFrame:
    """Bars of the scores of several sets, one below the other; computed once."""
    return page_cache.get_or_compute(
        "bars of scores",
        (scores,),
        lambda: pd.concat(
            [score_parts.bar_frame(name, one) for name, one in scores.items()], ignore_index=True
        ),
    )


# --- comparing ------------------------------------------------------------------------------------------


def versions(name: str, before: int | None = None) -> list[Version]:
    """Kept versions of a set except the current one, newest first; empty for examples.

    Args:
        name: Address of the set.
        before: Only versions before this version's number, if given.
    """
    if session.is_example(name):
        return []
    kept = reversed(session.versions_of_set(name))
    return [v for v in kept if (not v.shown if before is None else v.number < before)]


def version(name: str, number: int) -> TaskSet:
    """One kept version of a set; read once, as its content never changes."""
    settings = session.studio().settings
    folder = collection.find_set(settings, name).folder
    at = next((v.at for v in session.versions_of_set(name) if v.number == number), None)
    return page_cache.get_or_compute(
        "version of a set",
        (folder, settings.workspace, number),
        lambda: open_version(settings, name, number),
        # Another set with the same name has another time; versions of earlier releases of the studio have
        # none.
        version=at or folder.stat().st_mtime_ns,
    )


def measured_with(other: TaskSet, task: TaskSet) -> Measurements:
    """Measurements of another set on the fleet of the selected set."""
    checkpoints, num_fewshot = results.fleet(task).run_arguments
    return results.measure(other, checkpoints, num_fewshot)


def compared(
    names: tuple[str, str],
    first: Measurements,
    second: Measurements,
    matched: comparison.QuestionMatching,
    metric: str,
) -> comparison.Comparison:
    """Comparison of two sets on one metric, with RC in the session's definition; computed once.

    Args:
        names: Names of the first and the second set.
        first: Measurements of the first set.
        second: Measurements of the second set.
        matched: Matching of their questions.
        metric: Name of a metric.
    """
    reading = results.reading()
    return page_cache.get_or_compute(
        "comparison",
        (first, second, names, matched, metric, reading),
        lambda: comparison.Comparison(
            first=first,
            second=second,
            **process_pool.figures(worker_analysis.compared, names, first, second, matched, metric, reading),
        ),
    )


def of_comparison(compared: comparison.Comparison, name: str, make: Callable[[], T]) -> T:
    """Get a value derived from a comparison, or compute it once."""
    return page_cache.get_or_compute("of a comparison", (compared, name), make)


# --- planning -------------------------------------------------------------------------------------------


def widths(
    measurements: Measurements, chosen: tuple[str, ...], metric: str, target: set_sizes.Target
) -> set_sizes.Widths:
    """Simulated interval widths on the chosen checkpoints; computed once for the same arguments.

    Args:
        measurements: Results of the set.
        chosen: Names of the checkpoints.
        metric: Name of a metric.
        target: The score or difference to plan for.
    """
    stale_while_revalidate.register_recipe(
        measurements,
        ("widths", chosen, metric, target),
        lambda later: _kept_widths(later, chosen, metric, target, _beside),
    )
    return _kept_widths(measurements, chosen, metric, target, _simulated)


def _kept_widths(
    measurements: Measurements,
    chosen: tuple[str, ...],
    metric: str,
    target: set_sizes.Target,
    simulate: Callable[..., set_sizes.Widths],
) -> set_sizes.Widths:
    return page_cache.get_or_compute(
        "widths",
        (measurements, chosen, metric, target),
        lambda: simulate(measurements, chosen, metric, target),
    )


def _simulated(
    measurements: Measurements, chosen: tuple[str, ...], metric: str, target: set_sizes.Target
) -> set_sizes.Widths:
    with session.spinner("Drawing sets of every size …"):
        return _beside(measurements, chosen, metric, target)


def _beside(
    measurements: Measurements, chosen: tuple[str, ...], metric: str, target: set_sizes.Target
) -> set_sizes.Widths:
    return process_pool.figures(worker_analysis.simulated, measurements, chosen, metric, target)
