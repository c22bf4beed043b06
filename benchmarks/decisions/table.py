"""Decisions of the shelf as one table, and its cases.

Axes: N decisions.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

from e2lm_core.analysis.decisions import fitting, probability
from e2lm_core.analysis.decisions.probability import Cases, Coefficients
from e2lm_core.imported.shelf import decisions
from e2lm_core.scores.arrays import Floats

SEED, DRAWS = 33, 200
FIELDS = ("first", "second", "questions", "chance", "size_ratio", "share", "above")


@lru_cache(maxsize=1)
def shelf_table() -> pd.DataFrame:
    """One row for each decision: the fields of its case, `outcome`, models, benchmark, family."""
    frames = []
    for of in decisions.all_decided():
        frame = pd.DataFrame({name: getattr(of.cases, name) for name in FIELDS})
        frame["outcome"], frame["tokens"] = of.outcomes, of.tokens
        frame["first_model"], frame["second_model"] = of.first, of.second
        frame["series"], frame["family"] = of.series, of.source
        frame["benchmark"], frame["metric"] = of.benchmark, of.metric
        frame["shots"] = -1 if of.num_fewshot is None else of.num_fewshot
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def cases_of(frame: pd.DataFrame) -> Cases:
    """Cases of the rows."""
    return Cases(**{name: frame[name].to_numpy(bool if name == "above" else float) for name in FIELDS})


def with_terms(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows inside the public curves' range, with their terms `x1` and `x2`."""
    inside = frame[probability.unknown_reasons(cases_of(frame)) == ""].copy()
    inside[["x1", "x2"]] = probability.terms(cases_of(inside))
    return inside


def fitted(frame: pd.DataFrame, columns: tuple[str, ...] = ("x1", "x2"), own: Floats | None = None) -> Floats:
    """Coefficients of terms [K] on rows, each family with the same weight."""
    weights = fitting.equal_weights(frame["family"].to_numpy(object), own)
    return fitting.fit(frame[list(columns)].to_numpy(float), frame["outcome"].to_numpy(float), weights)


def fit_coefficients(frame: pd.DataFrame, by_family: bool = True) -> Coefficients:
    """Coefficients from decisions, with their covariance over resampled models.

    Args:
        frame: Decisions; those outside the range are left out.
        by_family: Whether each family's own coefficients are kept, which must agree.
    """
    inside = with_terms(frame)
    families = inside["family"].to_numpy(object)
    first, second = inside["first_model"].to_numpy(object), inside["second_model"].to_numpy(object)
    weights = fitting.resampled_weights(first, second, families, DRAWS, SEED)
    drawn = np.array([fitted(inside, own=of) for of in weights if (of > 0).any()])
    spread = np.cov(drawn.T)
    names = sorted(set(families)) if by_family else []
    alone = {name: fitted(inside[inside["family"] == name]) for name in names}
    value = fitted(inside)
    return Coefficients(
        values=_rounded(value),
        covariance=(_rounded(spread[0]), _rounded(spread[1])),
        families={name: _rounded(of) for name, of in alone.items()},
        fitted_on={
            "decisions": len(inside),
            "models": len({*first, *second}),
            "benchmarks": inside["benchmark"].nunique(),
        },
        command="python -m benchmarks.decisions --write",
    )


def _rounded(values: Floats) -> tuple[float, float]:
    return round(float(values[0]), 4), round(float(values[1]), 4)
