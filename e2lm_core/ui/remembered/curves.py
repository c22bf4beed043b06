"""What the pages of curves and ranks compute from one bootstrap, once for what was measured.

Tested in tests/pages/test_curves.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import pandas as pd

from e2lm_core.analysis.curves import crossings, subjects
from e2lm_core.analysis.ranks import stability
from e2lm_core.analysis.ranks.questions import Holding
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.set_scores import Scores
from e2lm_core.ui.remembered import results
from e2lm_core.ui.remembered.keep import Kept

T = TypeVar("T")
_OF_ONE_BOOTSTRAP = Kept("curves", None)


def remembered(measurements: Measurements, key: tuple[str, ...], make: Callable[[], T]) -> T:
    """What `make` gives, made once for these measurements in this session."""
    return _OF_ONE_BOOTSTRAP.made_of((measurements,), key, make)


def scores(measurements: Measurements, metric: str) -> Scores:
    """`results.scores`, computed once."""
    return remembered(measurements, ("scores", metric), lambda: results.scores(measurements, metric))


def quality(measurements: Measurements, metric: str) -> pd.DataFrame:
    """`results.quality`, computed once."""
    return remembered(measurements, ("quality", metric), lambda: results.quality(measurements, metric))


def above_chance(measurements: Measurements, metric: str) -> Mapping[str, crossings.Since]:
    """{model: from where on it is above chance}; empty where nothing is complete."""
    resampled = results.resampled(measurements, metric)
    if resampled is None:
        return {}
    return remembered(
        measurements, ("chance", metric), lambda: crossings.above_chance(measurements, resampled, metric)
    )


def all_parted(measurements: Measurements, metric: str) -> list[crossings.Parted]:
    """From where on every two models have parted; empty where nothing is complete."""
    resampled = results.resampled(measurements, metric)
    if resampled is None:
        return []
    return remembered(
        measurements, ("parted", metric), lambda: crossings.all_parted(measurements, resampled, metric)
    )


def parted(measurements: Measurements, metric: str, one: str, other: str) -> crossings.Parted | None:
    """From where on two models have parted; None where nothing is complete."""
    both = {one, other}
    return next((p for p in all_parted(measurements, metric) if {p.higher, p.lower} == both), None)


def noises(measurements: Measurements, metric: str) -> dict[str, tuple[float, float]]:
    """{model: (question noise, checkpoint noise)}; empty where nothing is complete."""
    resampled = results.resampled(measurements, metric)
    if resampled is None:
        return {}
    return remembered(
        measurements, ("noise", metric), lambda: crossings.noises(measurements, resampled, metric)
    )


def by_subject(
    measurements: Measurements, metric: str, bands: bool
) -> tuple[list[subjects.SubjectCurves], list[str]]:
    """(the curves of the largest subjects, with bands where asked for; the names of the others)."""
    return remembered(
        measurements,
        ("subjects", metric, str(bands)),
        lambda: subjects.by_subject(measurements, metric, bands),
    )


def stable(measurements: Measurements, metric: str) -> stability.Stability | None:
    """The models' order and how sure it is; None where fewer than two that count share a complete checkpoint."""
    resampled = results.resampled(measurements, metric)
    if resampled is None:
        return None
    return remembered(
        measurements, ("stable", metric), lambda: stability.stability(measurements, resampled, metric)
    )


def holding(measurements: Measurements, metric: str) -> Holding | None:
    """What each question does for the models' order; None where no checkpoint lies after the early window."""
    order = stable(measurements, metric)
    if order is None:
        return None
    return remembered(
        measurements, ("holding", metric), lambda: stability.holding_of(measurements, order.grid, metric)
    )
