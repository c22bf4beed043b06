"""What the pages of curves and ranks compute from one bootstrap, once for what was measured."""

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


def remembered(measured: Measurements, key: tuple[str, ...], make: Callable[[], T]) -> T:
    """What `make` gives, made once for these measurements in this session."""
    return _OF_ONE_BOOTSTRAP.made_of((measured,), key, make)


def scores(measured: Measurements, metric: str) -> Scores:
    """`results.scores`, kept."""
    return remembered(measured, ("scores", metric), lambda: results.scores(measured, metric))


def quality(measured: Measurements, metric: str) -> pd.DataFrame:
    """`results.quality`, kept."""
    return remembered(measured, ("quality", metric), lambda: results.quality(measured, metric))


def above_chance(measured: Measurements, metric: str) -> Mapping[str, crossings.Since]:
    given = results.resampled(measured, metric)
    if given is None:
        return {}
    return remembered(measured, ("chance", metric), lambda: crossings.above_chance(measured, given, metric))


def all_parted(measured: Measurements, metric: str) -> list[crossings.Parted]:
    given = results.resampled(measured, metric)
    if given is None:
        return []
    return remembered(measured, ("parted", metric), lambda: crossings.all_parted(measured, given, metric))


def parted(measured: Measurements, metric: str, one: str, other: str) -> crossings.Parted | None:
    """None where nothing is complete."""
    both = {one, other}
    return next((p for p in all_parted(measured, metric) if {p.higher, p.lower} == both), None)


def noises(measured: Measurements, metric: str) -> dict[str, tuple[float, float]]:
    given = results.resampled(measured, metric)
    if given is None:
        return {}
    return remembered(measured, ("noise", metric), lambda: crossings.noises(measured, given, metric))


def by_subject(
    measured: Measurements, metric: str, bands: bool
) -> tuple[list[subjects.SubjectCurves], list[str]]:
    return remembered(
        measured, ("subjects", metric, str(bands)), lambda: subjects.by_subject(measured, metric, bands)
    )


def stable(measured: Measurements, metric: str) -> stability.Stability | None:
    """None where fewer than two models that count share a complete checkpoint."""
    given = results.resampled(measured, metric)
    if given is None:
        return None
    return remembered(measured, ("stable", metric), lambda: stability.stability(measured, given, metric))


def holding(measured: Measurements, metric: str) -> Holding | None:
    found = stable(measured, metric)
    if found is None:
        return None
    return remembered(
        measured, ("holding", metric), lambda: stability.holding_of(measured, found.grid, metric)
    )
