"""Split-half repeatability of item statistics across models.

    r        = correlation over questions of the figure by either half, with Fisher's interval
    interval = v -+ z sd(a - b) / 2      for v by all models, a and b by the halves

A figure whose r may be 0 is noise of the models that it was taken from, and nothing is said of single questions by it.
The halves are the two shapes, where each has models enough, else the sizes in turn.

Sources: Spearman 1910 and Brown 1910 (split halves); Fisher 1921 (the interval of r).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from e2lm_core.base.records import ModelInfo, Record

_Z = NormalDist().inv_cdf(0.975)
FEWEST_QUESTIONS = 10


class Repeatability(Record):
    """How far a figure repeats: r with its 95% interval, the models of either half, and half the width of a question's
    own interval; or `why` that cannot be told."""

    correlation: float | None = None
    low: float | None = None
    high: float | None = None
    halves: tuple[tuple[str, ...], tuple[str, ...]] | None = None
    reach: float | None = None
    why: str | None = None

    @property
    def is_significant(self) -> bool:
        """Whether r is surely above 0."""
        return self.low is not None and self.low > 0

    @property
    def sentence(self) -> str:
        """Whether single questions can be told apart by it, in words."""
        if self.correlation is None:
            return self.why or ""
        size = f"correlation {self.correlation:.2f} [{self.low:.2f}, {self.high:.2f}]".replace(
            "-", "\N{MINUS SIGN}"
        )
        if self.is_significant:
            return f"By one half of the models and by the other it agrees somewhat over questions ({size})."
        return f"By one half of the models and by the other it does not agree over questions ({size})"


def split_models(
    models: Sequence[ModelInfo], min_models: int
) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """The places of two halves of the models, at least so many in each; None where there are too few."""
    shapes = list(dict.fromkeys(model.arch for model in models))
    if len(shapes) == 2:
        one, other = (tuple(n for n, m in enumerate(models) if m.arch == shape) for shape in shapes)
        if min(len(one), len(other)) >= min_models:
            return one, other
    order = sorted(range(len(models)), key=lambda n: (models[n].parameters or 0, models[n].name))
    return (tuple(order[::2]), tuple(order[1::2])) if len(order) >= 2 * min_models else None


def correlate_halves(
    models: Sequence[ModelInfo],
    split: tuple[tuple[int, ...], tuple[int, ...]],
    first_half: ArrayLike,
    second_half: ArrayLike,
) -> Repeatability:
    """How far figures [Q] by the two halves of a `split` of the models agree; what is NaN in one is left out."""
    a, b = np.asarray(first_half, dtype=np.float64), np.asarray(second_half, dtype=np.float64)
    known = np.isfinite(a) & np.isfinite(b)
    number = int(known.sum())
    named = tuple(tuple(models[n].name for n in half) for half in split)
    if number < FEWEST_QUESTIONS:
        return Repeatability(halves=(named[0], named[1]), why="It can be told of ten questions and more.")
    a, b = a[known], b[known]
    if a.std() < 1e-12 or b.std() < 1e-12:
        return Repeatability(
            halves=(named[0], named[1]), why="By one half of the models all questions are alike."
        )
    r = float(np.corrcoef(a, b)[0, 1])
    middle, reach = math.atanh(min(max(r, -0.999999), 0.999999)), _Z / math.sqrt(number - 3)
    return Repeatability(
        correlation=r,
        low=math.tanh(middle - reach),
        high=math.tanh(middle + reach),
        halves=(named[0], named[1]),
        reach=float(_Z * (a - b).std() / 2),
    )
