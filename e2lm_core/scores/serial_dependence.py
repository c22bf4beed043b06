"""Dependence between neighbouring questions of a set, found in the models' answers.

    c_k = mean over q of x_q . x_{q+k}                   x_q: answers [D] to question q, centred over the set
    b_k = m_1 + (m_1 - m_2) (15 - k) / 15.5              m_1, m_2: means of c_10 ... c_20 and of c_21 ... c_40
    T   = sum over k of w_k (c_k - b_k),                 w_1 ... w_4 = .8, .6, .4, .2
    z   = T / sd(T),   var(c_k) = mean over pairs of (x_p . x_q)^2 / (Q - k) in a random order of the questions

Questions about one passage stand next to each other and succeed and fail together. Where nobody has said so, every
interval is too narrow; the order of the questions tells. The weights are those of groups of five. A set that is sorted
by difficulty, or has a harder part, raises all lags along a line, which b_k takes off. Questions that hang together
but were shuffled are not found.

A set of fewer than 200 questions has too few pairs at the farther lags to tell such a line. There x_q is the
probability of the right answer, which tells more of a question than right or wrong, no direction of it drowns the
others, and the slow part is taken off by half-waves over the set, one for 30 questions and at least three:

    y_q = (V + 8 v 1)^(-1/2) x_q       V [D, D]: covariance of x over questions, v: mean of its diagonal
    T   = sum over p, q of B_pq (y_p . y_q),   B = M W M,  M = 1 - H      H: onto the half-waves, W: w_k / 2 at lag k

with mean and variance of T in a random order of the questions. Difficulty, which all models share, would else drown
what one model knows of a passage. A set that is sorted by difficulty is none of groups.

Sources: Wald and Wolfowitz 1943 (serial correlation in random orders); Künsch 1989 (blocks of neighbours in a
bootstrap). Level and power: docs/studies/coverage.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.layout import Run
from e2lm_core.scores.signal import spearman

WEIGHTS = {1: 0.8, 2: 0.6, 3: 0.4, 4: 0.2}  # by lag
FAR, FARTHER = range(10, 21), range(21, 41)
MIN_QUESTIONS, MANY_QUESTIONS = 50, 200
CRITICAL = 2.326  # of z in a one-sided test; 2% of sets of independent questions get blocks, as T is skewed
SHRINKAGE = 8.0  # of the covariance of answers towards equal directions; chosen on fleets 900 to 934
SORTED = 0.9  # rank correlation of place and difficulty
MIN_HALF_WAVES, QUESTIONS_PER_HALF_WAVE = 3, 30
BLOCKS_PER_REACH = 4  # a block of four times the reach holds 85% or more of the dependence
MAX_ROWS = 64  # checkpoints that are read, evenly over all
MAX_REACH = 30


def block_length(runs: Mapping[str, Run]) -> int:
    """Number of neighbouring questions that intervals draw together; 1 where neighbours are answered independently.

    Args:
        runs: Runs by model; models that count in scores are read, at checkpoints with all results.
    """
    answers = _answers(runs, "acc")
    if answers is not None and answers.shape[1] < MANY_QUESTIONS:
        answers = _answers(runs, "norm_prob")
    return 1 if answers is None else block_length_of_answers(answers)


def group_neighbours(ids: Sequence[str], length: int) -> tuple[str, ...]:
    """Group of each question [Q]: blocks of so many in a row, named after their first question."""
    return tuple(f"from {ids[place - place % length]} on" for place in range(len(ids)))


def block_length_of_answers(answers: NDArray) -> int:
    """Block length of answers [D, Q] to the questions in their order, any unit; see `block_length`."""
    questions = answers.shape[1]
    if questions < MIN_QUESTIONS:
        return 1
    x = np.asarray(answers, dtype=np.float64)
    x = x - x.mean(axis=1, keepdims=True)
    reach = _reach(x) if questions >= MANY_QUESTIONS else _reach_of_few(x)
    return BLOCKS_PER_REACH * reach or 1


def _reach(x: Floats) -> int:
    """Number of lags with a dependence, 0 where none is found; x [D, Q] are centred answers to many questions."""
    questions = x.shape[1]
    squares = (x**2).sum(axis=0)
    pairs = questions * (questions - 1)
    mean = -squares.sum() / pairs  # of the products of two different questions
    spread = (((x @ x.T) ** 2).sum() - (squares**2).sum()) / pairs
    if spread <= 0:
        return 0

    def product(lag: int) -> float:
        return float(np.einsum("dq,dq->", x[:, :-lag], x[:, lag:])) / (questions - lag) - mean

    # The coefficient of each lag's product in T.
    coefficients = dict(WEIGHTS)
    coefficients |= {lag: -sum(w * (1 + _slope(k)) for k, w in WEIGHTS.items()) / len(FAR) for lag in FAR}
    coefficients |= {lag: sum(w * _slope(k) for k, w in WEIGHTS.items()) / len(FARTHER) for lag in FARTHER}
    products = {lag: product(lag) for lag in coefficients}
    statistic = sum(a * products[lag] for lag, a in coefficients.items())
    variance = spread * sum(a**2 / (questions - lag) for lag, a in coefficients.items())
    if statistic <= CRITICAL * np.sqrt(variance):
        return 0
    far, farther = (float(np.mean([products[lag] for lag in lags])) for lags in (FAR, FARTHER))
    reach = 1
    while reach < _max_reach(questions):
        line = far + (far - farther) * _slope(reach + 1)
        if product(reach + 1) - line <= 2 * np.sqrt(spread / (questions - reach - 1)):
            break
        reach += 1
    return reach


def _reach_of_few(x: Floats) -> int:
    """`_reach` of few questions, whose slow part is taken off before."""
    questions = x.shape[1]
    if not x.any() or abs(spearman(x.mean(axis=0))) > SORTED:
        return 0
    y = _balance_directions(x)
    products = y.T @ y
    own = np.diag(products)
    mean = -own.mean() / (questions - 1)  # of the products of two different questions
    spread = ((products**2).sum() - (own**2).sum()) / (questions * (questions - 1)) - mean**2
    if spread <= 0:
        return 0
    number = max(MIN_HALF_WAVES, questions // QUESTIONS_PER_HALF_WAVE)
    half = np.cos(np.pi * np.outer(np.arange(number + 1), (np.arange(questions) + 0.5) / questions))
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    rest = np.eye(questions) - half.T @ half

    def standardise(weights: Mapping[int, float]) -> float:
        """T of these weights by lag, minus its mean and over its deviation in a random order of the questions."""
        band = sum(
            w / 2 * (np.eye(questions, k=lag) + np.eye(questions, k=-lag)) for lag, w in weights.items()
        )
        coefficients = rest @ band @ rest  # rows add up to 0
        on = np.diag(coefficients)
        expected = on.sum() * (own.mean() - mean)
        variance = 2 * ((coefficients**2).sum() - (on**2).sum()) * spread + questions * on.var() * own.var()
        return float(((coefficients * products).sum() - expected) / np.sqrt(variance))

    if standardise(WEIGHTS) <= CRITICAL:
        return 0
    reach = 1
    while reach < _max_reach(questions) and standardise({reach + 1: 1.0}) > 2:
        reach += 1
    return reach


def _balance_directions(x: Floats) -> Floats:
    """Centred answers [D, Q], not all 0, with less of their variance in the directions that have most."""
    covariance = x @ x.T / x.shape[1]
    variances, directions = np.linalg.eigh(covariance)
    scale = np.sqrt(np.maximum(variances, 0) + SHRINKAGE * variances.mean())
    return (directions / scale).T @ x


def _max_reach(questions: int) -> int:
    """Largest reach that is looked for: its blocks are at most the whole set."""
    return min(MAX_REACH, questions // BLOCKS_PER_REACH)


def _slope(lag: int) -> float:
    """Distance of a lag from the middle of `FAR`, relative to that of the middles of `FARTHER` and `FAR`."""
    near, far = (float(np.mean(lags)) for lags in (FAR, FARTHER))
    return (near - lag) / (far - near)


def _answers(runs: Mapping[str, Run], metric: str) -> Floats | None:
    """Values [D, Q] of a metric at up to `MAX_ROWS` complete checkpoints; None without one."""
    rows = [
        (run.per_question[metric], k) for run in runs.values() if run.counts for k in range(len(run.steps))
    ]
    some = np.unique(np.linspace(0, len(rows) - 1, min(MAX_ROWS, len(rows))).round().astype(int))
    complete = [row for row in (rows[at][0][rows[at][1]] for at in some) if np.isfinite(row).all()]
    return np.stack(complete) if complete else None
