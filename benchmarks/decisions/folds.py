"""Families left out in turn: what is stated of one by coefficients from the others, and what was right.

Axes: N decisions, B resamples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import norm

from benchmarks.decisions.table import (
    DRAWS,
    SEED,
    cases_of,
    fit_coefficients,
    fitted,
    with_terms,
)
from e2lm_core.analysis.decisions import fitting, probability
from e2lm_core.analysis.decisions.probability import Coefficients
from e2lm_core.scores.arrays import Floats

BANDS = ((0.5, 0.6), (0.6, 0.75), (0.75, 0.85), (0.85, 0.9), (0.9, 0.95), (0.95, 1.0))
SAME, NEAR = 1.05, 2.5  # size ratios: two models of one size, and within a factor
FROM_TOKENS = 20e9

Mask = Callable[[pd.DataFrame], "pd.Series[bool]"]


class Fold(NamedTuple):
    """Decisions that are told, and those that they are told from."""

    name: str
    fitted_on: str
    train: Mask
    test: Mask


def _pythia(*series: str) -> Mask:
    return lambda rows: (rows["family"] == "pythia") & rows["series"].isin(series)


def _either(*masks: Mask) -> Mask:
    return lambda rows: pd.concat([mask(rows) for mask in masks], axis=1).any(axis=1)


def _of(family: str) -> Mask:
    return lambda rows: rows["family"] == family


E2LM, PYTHIA = _of("e2lm"), _of("pythia")
STANDARD, DEDUPLICATED = _pythia("standard"), _pythia("deduped")
FOLDS = (
    Fold("Pythia", "E2LM", E2LM, PYTHIA),
    Fold("Pythia, standard", "E2LM, Pythia deduplicated", _either(E2LM, DEDUPLICATED), STANDARD),
    Fold("Pythia, deduplicated", "E2LM, Pythia standard", _either(E2LM, STANDARD), DEDUPLICATED),
    Fold("E2LM", "Pythia", PYTHIA, E2LM),
)


def told(rows: pd.DataFrame, coefficients: Coefficients) -> pd.DataFrame:
    """Rows with `p` (second ends above; NaN where not known), `stated` (of the likelier) and `right`."""
    out, found = rows.copy(), probability.probabilities(cases_of(rows), coefficients)
    out["p"], out["why"] = found.values, found.why
    out["usual"] = norm.cdf(probability.gaps(cases_of(rows)))
    return with_right(out)


def with_right(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with `stated` and `right` of their `p`."""
    out = rows.copy()
    out["stated"] = np.maximum(out["p"], 1 - out["p"])
    out["right"] = np.where(out["p"] >= 0.5, out["outcome"], 1 - out["outcome"])
    out["ratio"] = np.maximum(out["size_ratio"], 1 / out["size_ratio"])
    return out


def tell(fold: Fold, table: pd.DataFrame) -> pd.DataFrame:
    """Decisions of a fold as told from the others, with `larger`, the probability from the sizes alone."""
    train, test = table[fold.train(table)], table[fold.test(table)]
    several = train["family"].nunique() > 1
    rows = told(test, fit_coefficients(train, by_family=several))
    rows["larger"] = larger_wins(with_terms(train), rows)
    return rows


def tell_by_benchmark(fold: Fold, table: pd.DataFrame) -> pd.DataFrame:
    """As `tell`, each benchmark told from the other benchmarks of the other families."""
    train, test = table[fold.train(table)], table[fold.test(table)]
    parts = []
    for name, rows in test.groupby("benchmark"):
        others = train[train["benchmark"] != name]
        parts.append(told(rows, fit_coefficients(others, by_family=False)))
    return pd.concat(parts)


def larger_wins(train: pd.DataFrame, rows: pd.DataFrame) -> Floats:
    """Probability that the larger model ends above, from the size ratio alone, fitted as the other is."""
    names = ("r1", "r2")

    def with_ratio(of: pd.DataFrame) -> pd.DataFrame:
        log = np.log(of["size_ratio"])
        return of.assign(r1=np.tanh(log), r2=log)

    found = fitted(with_ratio(train), names)
    return np.asarray(1 / (1 + np.exp(-(with_ratio(rows)[list(names)].to_numpy(float) @ found))))


@dataclass(frozen=True)
class Band:
    """Decisions of one band of stated probabilities.

    Attributes:
        decisions: Number of decisions.
        models: Number of models.
        stated: Mean stated probability.
        right: Share that was right.
        error: Standard error of `right` over resampled models.
        effective: Number of independent decisions with that error; None where all or none are right.
    """

    decisions: int
    models: int
    stated: float
    right: float
    error: float
    effective: float | None


def band(rows: pd.DataFrame) -> Band | None:
    """Reliability of rows; None without any."""
    if rows.empty:
        return None
    stated, right = rows["stated"].to_numpy(float), rows["right"].to_numpy(float)
    means = over_models(rows, right)
    error, share = float(np.nanstd(means, ddof=1)), float(right.mean())
    return Band(
        decisions=len(rows),
        models=len({*rows["first_model"], *rows["second_model"]}),
        stated=float(stated.mean()),
        right=share,
        error=error,
        effective=share * (1 - share) / error**2 if error > 0 and 0 < share < 1 else None,
    )


def over_models(rows: pd.DataFrame, values: Floats) -> Floats:
    """Means [B] of values [N] over resampled models, NaN for a resample without any decision."""
    weights = fitting.resampled_weights(
        rows["first_model"].to_numpy(object),
        rows["second_model"].to_numpy(object),
        rows["family"].to_numpy(object),
        DRAWS,
        SEED,
    )
    with np.errstate(invalid="ignore"):
        return np.asarray(weights @ values / weights.sum(axis=1))


def in_band(rows: pd.DataFrame, low: float, high: float) -> pd.DataFrame:
    """Rows whose stated probability is in [low, high), 1 included in the last."""
    return rows[(rows["stated"] >= low) & ((rows["stated"] < high) | (high >= 1))]


def briers(rows: pd.DataFrame, column: str) -> Floats:
    """Squared errors [N] of a column of probabilities."""
    return np.asarray((rows[column] - rows["outcome"]) ** 2, float)
