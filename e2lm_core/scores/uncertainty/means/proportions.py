"""Intervals of proportions and their differences: Wilson, Newcombe, Bonett–Price.

    Wilson           (p + q^2/2n -+ q sqrt(p (1 - p)/n + q^2/4n^2)) / (1 + q^2/n)
    Newcombe         d - sqrt((p2 - l2)^2 + (u1 - p1)^2)  to  d + sqrt((u2 - p2)^2 + (p1 - l1)^2),  d = p2 - p1
    Bonett and Price c -+ q sqrt((S - c^2) / (n + 2)),  with two made-up questions, one of either sign, added to n

q is a quantile of the normal or of Student's distribution, n a number of independent questions: with groups it is
the effective number, questions over design effect. None of them has width zero.

Sources: Wilson 1927; Newcombe 1998, Statistics in Medicine 17 (method 10, independent shares); Bonett and Price 2012,
J. Educational and Behavioral Statistics 37 (paired shares); Dean and Pagano 2015 (Wilson's with an effective number).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from e2lm_core.scores.arrays import Floats

Bounds = tuple[Floats, Floats]


def wilson(share: ArrayLike, number: ArrayLike, quantile: float) -> Bounds:
    """Wilson's interval of a share (or of any mean between 0 and 1) that rests on `number` independent questions."""
    p, n = np.asarray(share, dtype=np.float64), np.asarray(number, dtype=np.float64)
    squared = quantile**2 / n
    centre = (p + squared / 2) / (1 + squared)
    reach = quantile / (1 + squared) * np.sqrt(np.maximum(p * (1 - p), 0) / n + squared / (4 * n))
    return np.maximum(centre - reach, 0.0), np.minimum(centre + reach, 1.0)


def effective_size(mean: ArrayLike, variance: ArrayLike, least: float) -> Floats:
    """How many yes-or-no questions have a mean of this variance: m (1 - m) / variance; `least` where it is 0.

    Not fewer than what a single group answered alike would be, 1. `variance` is that of the mean.
    """
    m, v = np.asarray(mean, dtype=np.float64), np.asarray(variance, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        number = np.where((v > 0) & (m > 0) & (m < 1), m * (1 - m) / v, least)
    return np.maximum(number, 1.0)


def newcombe(first: ArrayLike, first_interval: Bounds, second: ArrayLike, second_interval: Bounds) -> Bounds:
    """Newcombe's hybrid interval of second - first, two means of different questions, from the interval of each."""
    one, two = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    apart = two - one
    low = apart - np.hypot(two - second_interval[0], first_interval[1] - one)
    high = apart + np.hypot(second_interval[1] - two, one - first_interval[0])
    return low, high


def pseudo_count_size(square: ArrayLike, number: ArrayLike, changed: ArrayLike, largest: ArrayLike) -> Floats:
    """The size of Bonett and Price's two made-up changes: sqrt((sum of d^2 + largest^2) / (changed + 1)).

    `square` is the mean of d^2 over `number` questions of which `changed` differ at all, `largest` the largest change
    that there can be. Where d is -1, 0 or 1 the size is 1, which is their interval; where every question differs a
    little it is about the root mean square, so that the two count as any others do.
    """
    total = np.asarray(square, dtype=np.float64) * np.asarray(number, dtype=np.float64)
    return np.sqrt((total + np.asarray(largest) ** 2) / (np.asarray(changed, dtype=np.float64) + 1))


def bonett_price(
    difference: ArrayLike, square: ArrayLike, number: ArrayLike, size: ArrayLike
) -> tuple[Floats, Floats]:
    """(centre, standard error) of Bonett and Price's interval of a mean of paired differences d.

    c  = n mean(d) / (n + 2),   S = (n mean(d^2) + 2 size^2) / (n + 2),   error = sqrt((S - c^2) / (n + 2))
    """
    n = np.asarray(number, dtype=np.float64)
    centre = n * np.asarray(difference, dtype=np.float64) / (n + 2)
    squares = (n * np.asarray(square, dtype=np.float64) + 2 * np.asarray(size, dtype=np.float64) ** 2) / (
        n + 2
    )
    return centre, np.sqrt(np.maximum(squares - centre**2, 0.0) / (n + 2))
