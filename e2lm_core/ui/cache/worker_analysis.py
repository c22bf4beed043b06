"""Analyses computed in a worker process.

Tested in tests/pages/test_curves.py and tests/ui/cache/test_process_pool.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any, Concatenate, ParamSpec, TypeVar

from e2lm_core.analysis.answers import Answers
from e2lm_core.analysis.compare import comparison
from e2lm_core.analysis.plan import plan as planning
from e2lm_core.analysis.questions import edits, selection_null
from e2lm_core.analysis.questions.pool import Pool
from e2lm_core.analysis.questions.rules import Rule
from e2lm_core.analysis.questions.selection import Selection
from e2lm_core.base.cache import Cache
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.set_scores import Scores
from e2lm_core.scores.uncertainty import set_sizes
from e2lm_core.ui.base.sizeof import weigh

T = TypeVar("T")
P = ParamSpec("P")
# Of this process: one bootstrap of a metric serves all answers that need it.
_CACHE = Cache(128 * 2**20, weigh)


def answer(
    measurements: Measurements,
    method: Callable[Concatenate[Answers, P], T],
    *arguments: P.args,
    **named: P.kwargs,
) -> T:
    """Get an answer about measurements, a method of `Answers` with its arguments."""
    return method(Answers(measurements, _CACHE), *arguments, **named)


def gain_null(measurements: Measurements, made: Selection, pool: Pool, rule: Rule) -> Selection:
    """A selection with its gain under random answer keys; `pool` needs no values, see `selection_null`."""
    return selection_null.with_null(made, pool, measurements, rule)


def _judged(measurements: Measurements, metric: str, reading: str) -> Scores:
    return Answers(measurements, _CACHE).scores_without_intervals(metric, reading)


def compared(
    names: tuple[str, str],
    first: Measurements,
    second: Measurements,
    matched: comparison.QuestionMatching,
    metric: str,
    reading: str,
) -> dict[str, Any]:
    """Fields of `comparison.compare` except the measurements, which the caller has.

    Args:
        names: Names of the first and the second set.
        first: Measurements of the first set.
        second: Measurements of the second set.
        matched: Matching of their questions.
        metric: Name of a metric.
        reading: RC definition, a key of `readings.READINGS`.
    """
    made = comparison.compare(names, first, second, matched, metric, reading=reading, judged=_judged)
    return {f.name: getattr(made, f.name) for f in fields(made) if f.name not in ("first", "second")}


# --- what an edit changed ---------------------------------------------------------------------------------


def changed(
    was: Measurements, now: Measurements
) -> tuple[tuple[edits.EditEffect, ...], tuple[edits.MetricChange, ...], int, int, bool]:
    """First five fields of `results.Changed`: the effects of an edit."""
    measured = bool(now.complete_pairs or was.complete_pairs)
    whole = edits.set_changes(was, now)
    return edits.edit_effects(was, now), whole, now.complete_checkpoints, now.checkpoints, measured


def simulated(
    measurements: Measurements, chosen: tuple[str, ...], metric: str, target: set_sizes.Target
) -> set_sizes.Widths:
    """Simulated interval widths on the chosen checkpoints.

    Args:
        measurements: Results of the set.
        chosen: Names of the checkpoints.
        metric: Name of a metric.
        target: The score or difference to plan for.
    """
    part = planning.select_checkpoints(
        measurements, [c for m in measurements.curves for c in m.checkpoints if c.name in chosen]
    )
    return planning.simulate_widths(part, metric, target)
