"""Probability that the second of two models ends above the first, from their two scores at one checkpoint.

    P = 1 / (1 + exp(-(b1 x1 + b2 x2)))
    x1 = g / sqrt(1 + (g / 4)^2)        g = (second - first) / sqrt(e1^2 + e2^2), e = sqrt(p (1 - p) / Q), p = (Q s + 1) / (Q + 2)
    x2 = tanh(3 ln(size ratio)) ln(a)   a = (better of both - chance) / sqrt(chance (1 - chance) / Q)

Exchanging the models turns P into 1 - P, since both terms change their sign. The errors are of two models that answered
other questions: so were the public curves that the coefficients are fitted on, which have no results by question.
A case is not known outside what those curves cover, and where the curves of one family say something else than those
of another (`unknown_reasons`). The coefficients lie in `coefficients.json`, which `python -m benchmarks.decisions --write` writes.

Axes: N cases, F families.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc

from e2lm_core.base.records import Record
from e2lm_core.base.sentences import Sentence
from e2lm_core.scores.arrays import Floats

COEFFICIENTS = Path(__file__).parent / "coefficients.json"
METRICS = ("acc", "acc_norm")
STEEP = 4.0  # standard errors: the gap enters as this at most
SIZE_STEEP = 3.0  # twice the size counts as 97% of any larger one
MIN_STRENGTH = 2.5  # standard errors above chance
MAX_SIZE_RATIO = 6.0
MIN_SHARE = 0.017
MAX_DISAGREEMENT = 0.1
Z95 = 1.959964
SET_ERROR = 0.05

LETTERS = Sentence(
    "The choices are letters: what a model gets by taking one letter more often is not known, so this is not either."
)
METRIC = Sentence(
    "Public curves are of accuracy and length-adjusted accuracy alone: choose one of these metrics."
)
SIZES = Sentence(
    "The size of a model is not known, and only known sizes can be compared with public curves: give its parameters in "
    "checkpoints.json."
)
RATIO = Sentence(
    "One model is more than {ratio} times the other: public curves of two families go no further.",
    ratio=f"{MAX_SIZE_RATIO:.0f}",
)
LENGTH = Sentence(
    "The tokens seen, or those at the end of training, are not known, or differ between the two models: give "
    "tokens_per_step in checkpoints.json."
)
EARLY = Sentence(
    "Less than {share} of training is done: before that the larger model is often behind and overtakes.",
    share=f"{MIN_SHARE:.1%}",
)
END = Sentence("Training is over at this checkpoint: the difference is measured.")
MISSING = Sentence("A model has no complete results at this checkpoint.")
CHANCE = Sentence(
    "What guessing gets is not known: the choices are letters or labels, differ in number, or there are none."
)
SET_NEAR_CHANCE = Sentence(
    "That a model is above chance on this set is not shown so far: all models and checkpoints are tested together, "
    "and similar questions count once."
)
NEAR_CHANCE = Sentence(
    "Neither model is {errors} standard errors above chance at this checkpoint.", errors=f"{MIN_STRENGTH:g}"
)
DISAGREE = Sentence("The two families of public curves give different answers here.")


class Reliability(Record):
    """Share that was right in a band of stated probabilities, of a family told from the others.

    Attributes:
        left_out: Name of the family.
        low: Lower end of the band.
        high: Upper end; 1 belongs to the last band.
        decisions: Number of decisions.
        models: Number of their models.
        stated: Mean stated probability.
        right: Share that was right.
        error: Standard error of `right` over resampled models.
    """

    left_out: str
    low: float
    high: float
    decisions: int
    models: int
    stated: float
    right: float
    error: float


class Coefficients(Record):
    """Coefficients of the two terms, with the uncertainty of the fit.

    Attributes:
        values: Coefficients (b1, b2).
        covariance: Their covariance over resampled models, ((v11, v12), (v12, v22)).
        families: Coefficients by family, each from its own curves alone.
        fitted_on: Number of decided cases, models and benchmarks that they are from.
        command: Command that wrote them.
        reliability: How often such probabilities held, each family told from the others.
    """

    values: tuple[float, float]
    covariance: tuple[tuple[float, float], tuple[float, float]]
    families: dict[str, tuple[float, float]]
    fitted_on: dict[str, int]
    command: str
    reliability: tuple[Reliability, ...] = ()


@dataclass(frozen=True)
class Cases:
    """Pairs of models at one checkpoint each; every array is [N].

    Attributes:
        first: Scores of the first models, shares of right answers; NaN where missing.
        second: Scores of the second models.
        questions: Number of questions.
        chance: Accuracy of guessing; NaN where it is not known. It is not 1 / choices where choices are letters or labels:
            a model that takes one of them more often is above that without reading.
        size_ratio: Parameters of the second model over those of the first; NaN where unknown.
        share: Tokens seen over tokens at the end of training; NaN where unknown.
        above: True where some model is above chance on the set by then (`above_chance_from`).
    """

    first: Floats
    second: Floats
    questions: Floats
    chance: Floats
    size_ratio: Floats
    share: Floats
    above: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.first)


@dataclass(frozen=True)
class Probabilities:
    """Probabilities of N cases.

    Attributes:
        values: P that the second model ends above the first [N]; NaN where not known.
        low: Lower end of what the fit allows [N]: 95% over resampled models, and each family by itself.
        high: Upper end [N].
        why: Reasons [N] for not known; empty where known.
    """

    values: Floats
    low: Floats
    high: Floats
    why: NDArray[np.object_]


def gaps(cases: Cases) -> Floats:
    """Differences in standard errors [N], second minus first."""
    difference = cases.second - cases.first
    errors = np.hypot(_error(cases.first, cases.questions), _error(cases.second, cases.questions))
    return np.asarray(difference / errors)


def strengths(cases: Cases) -> Floats:
    """Height of the better model above chance in standard errors of blind guessing [N]."""
    better = np.maximum(cases.first, cases.second)
    return np.asarray((better - cases.chance) / np.sqrt(cases.chance * (1 - cases.chance) / cases.questions))


def above_chance_from(tokens: Floats, scores: Floats, questions: int, chance: float) -> float:
    """Tokens from which on some model is above chance, all models and checkpoints tested together (Bonferroni, 5%).

    Infinite where none ever is: of sets with random answer keys that is so for 95% or more.

    Args:
        tokens: Tokens seen at every checkpoint of all models [N]; NaN where unknown.
        scores: Scores there [N]; NaN where missing.
        questions: Number of questions.
        chance: Accuracy of guessing.
    """
    known = np.isfinite(tokens) & np.isfinite(scores)
    right = np.round(scores[known] * questions)
    significant = bdtrc(right - 1, questions, chance) * known.sum() <= SET_ERROR
    return float(tokens[known][significant].min()) if significant.any() else np.inf


def terms(cases: Cases) -> Floats:
    """The two terms x1 and x2 [N, 2]; NaN where a figure is missing or the better model is not above chance."""
    gap, strength = gaps(cases), strengths(cases)
    strength = np.where(strength > 0, strength, np.nan)
    size = np.tanh(SIZE_STEEP * np.log(cases.size_ratio)) * np.log(strength)
    return np.column_stack([gap / np.sqrt(1 + (gap / STEEP) ** 2), size])


def unknown_reasons(cases: Cases) -> NDArray[np.object_]:
    """Reasons [N] why a case lies outside the public curves, the last below that holds; empty where it lies inside."""
    reasons = np.full(len(cases), "", dtype=object)
    ratio = np.maximum(cases.size_ratio, 1 / cases.size_ratio)
    strength = strengths(cases)
    for holds, why in (
        (~(strength >= MIN_STRENGTH), NEAR_CHANCE),
        (~cases.above, SET_NEAR_CHANCE),
        (~np.isfinite(cases.chance), CHANCE),
        (~np.isfinite(cases.first + cases.second), MISSING),
        (cases.share < MIN_SHARE, EARLY),
        (~np.isfinite(cases.share), LENGTH),
        (ratio > MAX_SIZE_RATIO * (1 + 1e-6), RATIO),
        (~np.isfinite(ratio), SIZES),
        (cases.share >= 1, END),
        ((cases.share >= 1) & ~cases.above & np.isfinite(cases.chance), SET_NEAR_CHANCE),
    ):
        reasons[holds] = why
    return reasons


def probabilities(cases: Cases, coefficients: Coefficients) -> Probabilities:
    """Probability of every case that the second model ends above the first, or why it is not known."""
    why, values = unknown_reasons(cases), terms(cases)
    scores = values @ np.array(coefficients.values)
    spread = Z95 * np.sqrt(np.einsum("ni,ij,nj->n", values, np.array(coefficients.covariance), values))
    alone = [_sigmoid(values @ np.array(of)) for of in coefficients.families.values()]
    families = np.stack(alone) if alone else _sigmoid(scores)[None]
    why[(why == "") & (families.max(axis=0) - families.min(axis=0) > MAX_DISAGREEMENT)] = DISAGREE
    unknown = why != ""

    def known(of: Floats) -> Floats:
        return np.where(unknown, np.nan, of)

    return Probabilities(
        values=known(_sigmoid(scores)),
        low=known(np.minimum(_sigmoid(scores - spread), families.min(axis=0))),
        high=known(np.maximum(_sigmoid(scores + spread), families.max(axis=0))),
        why=why,
    )


@lru_cache(maxsize=1)
def load_coefficients() -> Coefficients:
    """The coefficients that the studio uses."""
    return Coefficients.model_validate_json(COEFFICIENTS.read_text(encoding="utf-8"))


def _error(scores: Floats, questions: Floats) -> Floats:
    """Standard error of a share of right answers, above 0 at 0 and 1 too."""
    p = (questions * scores + 1) / (questions + 2)
    return np.asarray(np.sqrt(p * (1 - p) / questions))


def _sigmoid(values: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-values)))
