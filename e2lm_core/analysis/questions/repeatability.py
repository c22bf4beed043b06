"""Split-half repeatability of item statistics across models.

    r        = correlation over questions of the statistic by either half, with Fisher's interval
    interval = v -+ z sd(a - b) / 2      for v by all models, a and b by the halves

If r may be 0, the statistic is noise of its models, and no single question is named by it. The halves are the
two shapes, if each has enough models, else the models alternately by size.

Sources: Spearman 1910 and Brown 1910 (split halves); Fisher 1921 (the interval of r).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from e2lm_core.base import formatting
from e2lm_core.base.records import ModelInfo, Record
from e2lm_core.base.sentences import Sentence, SentenceField

_Z = NormalDist().inv_cdf(0.975)
MIN_QUESTIONS = 10


class Repeatability(Record):
    """Repeatability of an item statistic between two halves of the models.

    Attributes:
        correlation: r over questions; None if it cannot be computed, see `why`.
        low: Lower end of the 95% interval of r.
        high: Upper end of that interval.
        halves: Names of the models of either half; None if the models cannot be split.
        reach: Half the width of one question's 95% interval, in the unit of the statistic.
        why: Reason why r cannot be computed.
    """

    correlation: float | None = None
    low: float | None = None
    high: float | None = None
    halves: tuple[tuple[str, ...], tuple[str, ...]] | None = None
    reach: float | None = None
    why: SentenceField | None = None

    @property
    def is_significant(self) -> bool:
        """Whether the 95% interval of r lies above 0."""
        return self.low is not None and self.low > 0

    @property
    def sentence(self) -> str:
        """Sentence on the agreement of the two halves over questions, or the reason for its absence."""
        if self.correlation is None:
            return self.why or ""
        value, low, high = (
            formatting.with_minus(f"{number:.2f}") for number in (self.correlation, self.low, self.high)
        )
        size = Sentence("correlation {value} [{low}, {high}]", value=value, low=low, high=high)
        if self.is_significant:
            return Sentence(
                "By one half of the models and by the other it agrees somewhat over questions ({size}).",
                size=size,
            )
        return Sentence(
            "Measured on one half of the models, it sorts the questions otherwise than on the other half ({size}).",
            size=size,
        )


def split_models(
    models: Sequence[ModelInfo], min_models: int
) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Indices of two halves of the models, with at least `min_models` in each; None with too few models."""
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
    """Repeatability of an item statistic from its values by two halves of the models.

    Args:
        models: All models.
        split: Indices of the models of either half.
        first_half: Statistic [Q] by the first half, NaN where undefined.
        second_half: Statistic [Q] by the second half; questions with NaN in either half are left out.

    Returns:
        The repeatability; without r, but with the reason, for fewer than 10 questions or constant values.
    """
    a, b = np.asarray(first_half, dtype=np.float64), np.asarray(second_half, dtype=np.float64)
    known = np.isfinite(a) & np.isfinite(b)
    number = int(known.sum())
    named = tuple(tuple(models[n].name for n in half) for half in split)
    if number < MIN_QUESTIONS:
        return Repeatability(
            halves=(named[0], named[1]),
            why=Sentence(
                "Whether it repeats on other models is told from {least} questions on, and {number} is there.",
                "Whether it repeats on other models is told from {least} questions on, and {number} are there.",
                least=MIN_QUESTIONS,
                number=number,
            ),
        )
    a, b = a[known], b[known]
    if a.std() < 1e-12 or b.std() < 1e-12:
        return Repeatability(
            halves=(named[0], named[1]), why=Sentence("By one half of the models all questions are alike.")
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
