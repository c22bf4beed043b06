"""Another generator than `tests.support.simulation`, on which no method was chosen and which differs from it in every part.

    p_mkq  = 1/4 + 3/4 sigmoid(a_q (theta_mk - b_q))         three-parameter logistic, a log-normal, b skewed
    acc    = [T(z_mkq) < p_mkq],  norm_prob = sigmoid(logit p_mkq - 1.2 z_mkq)
    z_mkq  = (shared by a question's models, by its group, from checkpoint to checkpoint, and noise) / sqrt(chi2_4 / 4)

with theta an S-curve of training whose take-off differs by model, moved at every checkpoint by Student's t, T the
distribution of Student's t with 4 degrees, so that answers hang together by a t copula: in a group all fail at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit, stdtr

from e2lm_core.scores import set_scores
from e2lm_core.scores.layout import Layout, Run

METRICS = ("acc", "norm_prob")
SCORES = ("sq", "rc_organisers", "rc", "cs", "score_organisers", "score", "snr", "decision_accuracy")
SIZES, SHAPES, POINTS, EARLY, CHOICES = 3, 2, 16, 8, 4
MODELS = SIZES * SHAPES + 1  # the last is the web-only twin of the middle size's first shape
SCIENCE = 2
SOURCE, FRESH, RESAMPLES = 6_000, 300, 200
_TAILS = 4.0


@dataclass(frozen=True)
class Cell:
    """A kind of source, and of how many questions its sets are; `group` questions hang together, `labels` says how
    the studio learns of it."""

    questions: int
    group: int = 1
    labels: str = "none"  # or known, proposed
    ends: float = 1.6  # theta of the middle size at the end
    apart: float = 0.5  # between sizes
    tails: bool = False  # of difficulty
    easier: float = 0.0  # added to theta: the same questions made easier


def abilities(rng: np.random.Generator, cell: Cell) -> np.ndarray:
    """[M, K]: S-curves from below all questions; shapes of a size differ by a fifth of what sizes do."""
    size = np.repeat(np.arange(SIZES) - 1.0, SHAPES) * cell.apart
    level = cell.ends + size + rng.normal(0, 0.2 * cell.apart, SIZES * SHAPES)
    level = np.append(level, cell.ends - 1.5)
    middle = rng.uniform(0.15, 0.8) + rng.normal(0, 0.06, MODELS)
    steep = rng.uniform(5, 14)
    rise = expit(steep * (np.linspace(0, 1, POINTS) - middle[:, None]))
    return -3 + (level[:, None] + 3) * rise + 0.06 * rng.standard_t(3, (MODELS, POINTS))


class Source:
    """Questions by the thousand put to one fleet: `values` [questions, metric, model, checkpoint], the truth itself."""

    def __init__(self, cell: Cell, number: int) -> None:
        rng = np.random.default_rng([number, 77])
        self.cell, theta = cell, abilities(rng, cell) + cell.easier
        blocks = SOURCE // cell.group
        of = np.repeat(np.arange(blocks), cell.group)
        count = len(of)
        shared = rng.standard_normal(blocks)[of] if cell.group > 1 else 0.0
        own = rng.standard_t(2, count) if cell.tails else rng.gamma(4, 0.5, count) - 2  # skewed to the hard
        b = own + 0.8 * shared
        a = np.exp(rng.normal(0.3, 0.5, count))
        p = 0.25 + 0.75 * expit(a * (theta[..., None] - b))
        z = self._copula(rng, of, cell.group > 1, count)
        values = [(stdtr(_TAILS, z) < p), expit(logit(np.clip(p, 1e-6, 1 - 1e-6)) - 1.2 * z)]
        self.values = np.stack(values).transpose(3, 0, 1, 2).astype(np.float32)
        self.truth = self.values.mean(axis=0, dtype=np.float64)

    def _copula(self, rng: np.random.Generator, of: np.ndarray, grouped: bool, count: int) -> np.ndarray:
        """[M, K, Q] of Student's t: parts of variance .3 by question, .2 by model, .2 by group, the rest in passing."""
        by_group = np.sqrt(0.2) * rng.standard_normal((MODELS, of.max() + 1))[:, of] if grouped else 0.0
        lasting = np.sqrt(0.3) * rng.standard_normal(count) + np.sqrt(0.2) * rng.standard_normal(
            (MODELS, count)
        )
        passing = np.empty((MODELS, POINTS, count))
        passing[:, 0] = rng.standard_normal((MODELS, count))
        for k in range(1, POINTS):
            passing[:, k] = 0.7 * passing[:, k - 1] + np.sqrt(0.51) * rng.standard_normal((MODELS, count))
        normal = (lasting + by_group)[:, None] + np.sqrt(0.3 if grouped else 0.5) * passing
        return normal / np.sqrt(rng.chisquare(_TAILS, of.max() + 1) / _TAILS)[of]

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """The places of a set's questions: groups are drawn whole."""
        step = self.cell.group
        first = step * rng.integers(0, len(self.values) // step, self.cell.questions // step)
        return (first[:, None] + np.arange(step)).ravel()


def runs(values: np.ndarray) -> dict[str, Run]:
    """A set's answers [questions, metric, model, checkpoint] as the scores take them."""
    steps = np.arange(1, POINTS + 1)
    made = {}
    for m in range(MODELS):
        twin = m == MODELS - 1
        size = f"s{SCIENCE // SHAPES if twin else m // SHAPES}"
        made[f"m{m}"] = Run(
            per_question={metric: values[:, i, m].T.astype(np.float64) for i, metric in enumerate(METRICS)},
            steps=steps,
            early=steps <= EARLY,
            counts=not twin,
            twin_of=f"m{SCIENCE}" if twin else None,
            size=size,
        )
    return made


def scores_of(sets: Iterable[np.ndarray], questions: int) -> dict[tuple[str, str], np.ndarray]:
    """{(metric, score or model): its value on each of the sets of so many questions, NaN where it is undefined}; a model's
    is its own SQ."""
    means, errors = [], []
    for rows in sets:
        means.append(rows.mean(axis=0, dtype=np.float64))
        errors.append(rows[:, 1, SCIENCE].std(axis=0, ddof=1) / np.sqrt(questions))
    stacked, spread = np.stack(means), np.stack(errors)
    every = runs(np.zeros((1, len(METRICS), MODELS, POINTS)))
    layout = Layout.from_runs(every, {name: np.zeros(POINTS) for name in every})
    found = {}
    for i, metric in enumerate(METRICS):
        chance = np.full(len(stacked), 1 / CHOICES)
        against = set_scores.chance_floor(every, layout, metric, chance, questions)
        if metric == "norm_prob":
            against = set_scores.ChanceFloor(chance, {f"m{SCIENCE}": spread[:, layout.early[f"m{SCIENCE}"]]})
        curves = {f"m{m}": stacked[:, i, m] for m in range(MODELS)}
        own = set_scores.curve_scores(layout, curves, metric, against)
        each = {score: own.whole[score] for score in SCORES} | {n: own.models[n] for n in layout.counted}
        found |= {(metric, name): np.asarray(values, dtype=np.float64) for name, values in each.items()}
    return found


def mean_of_defined(values: np.ndarray) -> float:
    """Their mean, those left out that are undefined; NaN where half of them are."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) > len(values) / 2 else float("nan")


def true_scores(source: Source, number: int) -> dict[tuple[str, str], float]:
    """{(metric, score or model): mean over fresh sets of this size}, see `scores_of`."""
    rng = np.random.default_rng([number, 78])
    drawn = (source.values[source.draw(rng)] for _ in range(FRESH))
    return {key: mean_of_defined(values) for key, values in scores_of(drawn, source.cell.questions).items()}
