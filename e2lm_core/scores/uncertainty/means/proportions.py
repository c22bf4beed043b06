"""Intervals of proportions and their differences: Wilson, Newcombe, Bonett–Price.

    Wilson           (p + q^2/2n -+ q sqrt(p (1 - p)/n + q^2/4n^2)) / (1 + q^2/n)
    Newcombe         d - sqrt((p2 - l2)^2 + (u1 - p1)^2)  to  d + sqrt((u2 - p2)^2 + (p1 - l1)^2)
    Bonett and Price c -+ q sqrt((S - c^2) / (n + 2))

d = p2 - p1. Bonett and Price add two made-up questions to n, one of either sign. q is a quantile of the
normal or of Student's distribution, n a number of independent questions: with groups it is the effective
number, questions over design effect. None of them has width zero.

Sources: Wilson 1927; Newcombe 1998, Statistics in Medicine 17 (method 10, independent shares); Bonett and
Price 2012, J. Educational and Behavioral Statistics 37 (paired shares); Dean and Pagano 2015 (Wilson's with
an effective number).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from e2lm_core.scores.arrays import Floats

Bounds = tuple[Floats, Floats]


def wilson(share: ArrayLike, number: ArrayLike, quantile: float) -> Bounds:
    """Wilson's interval of a share, or of any mean between 0 and 1.

    Args:
        share: Share [...].
        number: Effective number of independent questions [...].
        quantile: Quantile of the interval.

    Returns:
        Lower and upper ends [...] in [0, 1], NaN where the share is NaN.
    """
    p, n = np.asarray(share, dtype=np.float64), np.asarray(number, dtype=np.float64)
    squared = quantile**2 / n
    centre = (p + squared / 2) / (1 + squared)
    reach = quantile / (1 + squared) * np.sqrt(np.maximum(p * (1 - p), 0) / n + squared / (4 * n))
    return np.maximum(centre - reach, 0.0), np.minimum(centre + reach, 1.0)


def effective_size(mean: ArrayLike, variance: ArrayLike, least: float) -> Floats:
    """Number of yes-or-no questions with a mean of this variance: m (1 - m) / variance.

    At least 1, as for a single group with equal answers.

    Args:
        mean: Mean m [...] between 0 and 1.
        variance: Variance [...] of the mean.
        least: Number of questions where the formula has no value: variance 0, a mean of 0 or 1, or NaN.

    Returns:
        Number of questions [...].
    """
    m, v = np.asarray(mean, dtype=np.float64), np.asarray(variance, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        number = np.where((v > 0) & (m > 0) & (m < 1), m * (1 - m) / v, least)
    return np.maximum(number, 1.0)


def newcombe(first: ArrayLike, first_interval: Bounds, second: ArrayLike, second_interval: Bounds) -> Bounds:
    """Newcombe's hybrid interval of the difference second - first of means of different questions.

    Args:
        first: First mean [...].
        first_interval: Its interval, lower and upper ends [...].
        second: Second mean [...].
        second_interval: Its interval, lower and upper ends [...].

    Returns:
        Lower and upper ends [...], NaN where an input is NaN.
    """
    one, two = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    apart = two - one
    low = apart - np.hypot(two - second_interval[0], first_interval[1] - one)
    high = apart + np.hypot(second_interval[1] - two, one - first_interval[0])
    return low, high


def pseudo_count_size(square: ArrayLike, number: ArrayLike, changed: ArrayLike, largest: ArrayLike) -> Floats:
    """Size of Bonett and Price's two made-up changes: sqrt((sum of d^2 + largest^2) / (changed + 1)).

    If d is -1, 0 or 1 the size is 1, which is their interval; if every question differs a little it is about
    the root mean square, so that the two made-up changes weigh as any others do.

    Args:
        square: Mean of d^2 [...] over the questions.
        number: Number of questions [...].
        changed: Number of questions [...] that differ at all.
        largest: Largest possible change [...].

    Returns:
        Size [...] in the unit of d.
    """
    total = np.asarray(square, dtype=np.float64) * np.asarray(number, dtype=np.float64)
    return np.sqrt((total + np.asarray(largest) ** 2) / (np.asarray(changed, dtype=np.float64) + 1))


def bonett_price(
    difference: ArrayLike, square: ArrayLike, number: ArrayLike, size: ArrayLike
) -> tuple[Floats, Floats]:
    """Centre and standard error of Bonett and Price's interval of a mean of paired differences d.

        c     = n mean(d) / (n + 2)
        S     = (n mean(d^2) + 2 size^2) / (n + 2)
        error = sqrt((S - c^2) / (n + 2))

    Args:
        difference: Mean of d [...].
        square: Mean of d^2 [...].
        number: Effective number of questions n [...].
        size: Size of the two made-up changes [...], see `pseudo_count_size`.

    Returns:
        Centre c [...] and standard error [...].
    """
    n = np.asarray(number, dtype=np.float64)
    centre = n * np.asarray(difference, dtype=np.float64) / (n + 2)
    squares = (n * np.asarray(square, dtype=np.float64) + 2 * np.asarray(size, dtype=np.float64) ** 2) / (
        n + 2
    )
    return centre, np.sqrt(np.maximum(squares - centre**2, 0.0) / (n + 2))
