"""Held-out evaluation of a selection rule: folds over model families, gains and their intervals.

Axes: M models, T shared checkpoints, Q questions, B random subsets, R resamples; further axes in front
(simulations) are carried along.

    gain = score of the chosen questions - mean score of random subsets of as many questions

Both are taken on the same models. For a mean over questions the random subsets' score is exactly that of the
whole set; for SQ and SNR, which depend on the number of questions, it is the mean over B random subsets.

A held-out gain is no evidence by itself: models that read the same text prefer the same choices, right or
wrong, so a rule gains on models left out under random answer keys as well. `selection_null` draws that gain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from e2lm_core.analysis.questions.rules import Mask, Rule, Sample
from e2lm_core.base.records import ModelInfo
from e2lm_core.base.sentences import Sentence
from e2lm_core.scores import metrics, signal
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.uncertainty.methods import quantiles, small_sample_level

SCORES = ("final", "sq", "snr")
DRAWS = 100
VANISHED = 0.25  # share of the in-sample gain; a held-out gain below it counts as vanished
ALPHA = 0.05  # probability of a false positive among all rules ever tried on a set
NOTICEABLE = 0.01  # a smaller in-sample gain is not worth a warning


@dataclass(frozen=True)
class Fold:
    """One split of the models: those at the indices `judges` test the selection, all others make it."""

    label: str
    judges: tuple[int, ...]


@dataclass(frozen=True)
class FoldResult:
    """Selection of one fold, with its scores.

    Attributes:
        fold: Split of the models.
        mask: Chosen questions [..., Q].
        size: Number of chosen questions [...].
        in_sample: By score of `SCORES`, value and gain [...] of the chosen questions on the models used for
            choosing.
        held_out: The same on the models not used for choosing.
    """

    fold: Fold
    mask: Mask
    size: NDArray[np.intp]
    in_sample: Mapping[str, tuple[Floats, Floats]]
    held_out: Mapping[str, tuple[Floats, Floats]]


def leave_out_folds(models: Sequence[ModelInfo]) -> tuple[tuple[Fold, ...], str | None]:
    """Folds that leave out each size and each shape in turn, and a reason for a limitation, if any.

    A family is left out as a whole only if models of another remain. A model without a size counts as its own
    family. With one family, each model is left out by itself; with one model there is no fold.
    """
    by_kind: list[Fold] = []
    for template, family_of in (
        (Sentence("size {name}"), lambda m: m.size or m.name),
        (Sentence("shape {name}"), lambda m: m.arch or "unknown"),
    ):
        labels = [family_of(model) for model in models]
        for label in dict.fromkeys(labels):
            places = tuple(i for i, other in enumerate(labels) if other == label)
            if len(places) < len(models) and places not in [fold.judges for fold in by_kind]:
                by_kind.append(Fold(Sentence(template, name=label), places))
    if by_kind:
        return tuple(by_kind), None
    if len(models) > 1:
        why = Sentence(
            "All models are of one size and one shape, so single models are held out: what they share is not."
        )
        return tuple(Fold(model.name, (i,)) for i, model in enumerate(models)), why
    return (), Sentence(
        "There is one model, so none is left to judge a choice that it made: run a second one."
    )


def evaluate_rule(
    sample: Sample, rule: Rule, folds: Sequence[Fold], metric: str, draws: int = DRAWS, seed: int = 0
) -> list[FoldResult]:
    """Selection and gains of a rule in every fold.

    Args:
        sample: Results of the models.
        rule: Selection rule.
        folds: Splits of the models.
        metric: Metric of the scores.
        draws: Number of random subsets.
        seed: Seed of the random subsets.

    Returns:
        Results by fold; the scores are NaN where the rule chooses no question.
    """
    orders = _orders(draws, sample.questions, seed)
    whole = sample.values[metric].mean(axis=-1)
    of_size: dict[bytes, Floats] = {}  # most rules choose equally many questions in every fold
    judged = []
    for fold in folds:
        others = [m for m in range(sample.models) if m not in fold.judges]
        mask = np.broadcast_to(
            rule(sample.for_models(others)), (*sample.values[metric].shape[:-3], sample.questions)
        )
        size = mask.sum(axis=-1)
        chosen = selected_curves(sample.values[metric], mask[..., None, :])
        if (key := size.tobytes()) not in of_size:
            of_size[key] = selected_curves(sample.values[metric], orders < size[..., None, None])
        parts = [
            _gains(chosen, of_size[key], whole, list(models), sample.early, metric)
            for models in (others, fold.judges)
        ]
        judged.append(FoldResult(fold, mask, size, *parts))
    return judged


def held_out_gains(
    sample: Sample,
    rule: Rule,
    folds: Sequence[Fold],
    metric: str,
    score: str,
    subsets: int = DRAWS,
    seed: int = 0,
) -> Floats:
    """Held-out gain of a rule in one score, mean over folds.

    As the gains of `evaluate_rule`, without their in-sample side.

    Args:
        sample: Results of the models, with any leading axes.
        rule: Selection rule.
        folds: Splits of the models.
        metric: Metric of the score.
        score: A score of `SCORES`.
        subsets: Number of random subsets for SQ and SNR.
        seed: Seed of the random subsets.

    Returns:
        Gains [...]; NaN where a fold's rule chooses no question, or the score is undefined.
    """
    values = sample.values[metric]
    orders = _orders(subsets, sample.questions, seed)
    total = np.zeros(values.shape[:-3])
    for fold in folds:
        others = [m for m in range(sample.models) if m not in fold.judges]
        mask = np.broadcast_to(rule(sample.for_models(others)), (*values.shape[:-3], sample.questions))
        judges = list(fold.judges)
        if score == "final":
            final = metrics.oriented(metric, values[..., judges, -1, :]).mean(axis=-2)  # [..., Q]
            with np.errstate(invalid="ignore", divide="ignore"):
                total += (final * mask).sum(axis=-1) / mask.sum(axis=-1) - final.mean(axis=-1)
            continue
        own = values[..., judges, :, :]
        random = orders < mask.sum(axis=-1)[..., None, None]
        reached, drawn = (
            selection_scores(selected_curves(own, masks), sample.early, metric)[score]
            for masks in (mask[..., None, :], random)
        )
        total += reached[..., 0] - _mean_where_defined(drawn)
    return total / len(folds)


def selected_curves(values: Floats, masks: Mask) -> Floats:
    """Mean curves over the questions of each mask.

    Args:
        values: Values [..., M, T, Q].
        masks: Chosen questions [..., B, Q] (bool), one mask for each of B subsets.

    Returns:
        Means [..., B, M, T]; NaN for an empty mask.
    """
    *lead, models, checkpoints, questions = values.shape
    flat = values.reshape(*lead, models * checkpoints, questions)
    member = masks.astype(np.float64)
    sums = member @ np.swapaxes(flat, -1, -2)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = sums / member.sum(axis=-1, keepdims=True)
    return means.reshape(*means.shape[:-1], models, checkpoints)


def selection_scores(curves: Floats, early: Mask, metric: str) -> dict[str, Floats]:
    """Scores of mean curves by name: final, sq and snr.

    `final` is the oriented mean over models at the last checkpoint, `sq` the mean signal quality over models,
    `snr` AI2's signal-to-noise ratio.

    Args:
        curves: Curves [..., M, T] in the metric's unit, as measured.
        early: Checkpoints [T] of the early window (bool).
        metric: Metric of the curves.

    Returns:
        Scores [...]; NaN where undefined, as `snr` for a metric without a ratio.
    """
    oriented = metrics.oriented(metric, curves)
    ahead = oriented[..., early]
    quality = (signal.rho(ahead) + signal.autocorrelation(ahead)) / 2
    ratio = (
        signal.signal_to_noise(curves)
        if metric in signal.RATIO_METRICS
        else np.full(curves.shape[:-2], np.nan)
    )
    return {"final": oriented[..., -1].mean(axis=-1), "sq": quality.mean(axis=-1), "snr": ratio}


def _gains(
    chosen: Floats, randoms: Floats, whole: Floats, models: list[int], early: Mask, metric: str
) -> dict[str, tuple[Floats, Floats]]:
    reached = selection_scores(chosen[..., models, :], early, metric)
    drawn = selection_scores(randoms[..., models, :], early, metric)
    level = {name: _mean_where_defined(values) for name, values in drawn.items()}
    level["final"] = metrics.oriented(metric, whole[..., models, -1]).mean(axis=-1)
    return {name: (reached[name][..., 0], reached[name][..., 0] - level[name]) for name in SCORES}


def _mean_where_defined(values: Floats) -> Floats:
    """Mean over the last axis; NaN if more than half of it is undefined."""
    known = np.isfinite(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known, values, 0.0).sum(axis=-1) / known.sum(axis=-1)
    return np.where(known.mean(axis=-1) >= 0.5, mean, np.nan)


def _orders(draws: int, questions: int, seed: int) -> NDArray[np.intp]:
    """Random ranks [B, Q] of the questions; the ranks below n are a random subset of n questions."""
    keys = np.random.default_rng([seed, 11]).random((draws, questions))
    return np.argsort(np.argsort(keys, axis=-1), axis=-1)


def resampled_gains(
    sample: Sample, rule: Rule, folds: Sequence[Fold], metric: str, weights: NDArray
) -> Floats:
    """Held-out gains of the final mean on resampled sets, with the selection repeated in each of them.

    The interval of these gains is about the questions: the gain of the rule on a fresh set of as many
    questions from the same source, with these models. The chosen questions are not resampled among
    themselves, which would take the selection for granted.

    Args:
        sample: Results of the models.
        rule: Selection rule that supports resampling.
        folds: Splits of the models.
        metric: Metric of the means.
        weights: Number of times [R, Q] each question was drawn.

    Returns:
        Gains [R], means over folds, in the metric's unit, oriented; NaN for a resample without a chosen
        question.
    """
    final = metrics.oriented(metric, sample.values[metric][..., -1, :])  # [M, Q]
    whole = weights @ final.T / weights.sum(axis=-1)[:, None]
    total = np.zeros(len(weights))
    for fold in folds:
        others = [m for m in range(sample.models) if m not in fold.judges]
        kept = weights * rule(sample.for_models(others), weights)
        with np.errstate(invalid="ignore", divide="ignore"):
            gain = kept @ final.T / kept.sum(axis=-1)[:, None] - whole
        total += gain[:, list(fold.judges)].mean(axis=-1)
    return total / len(folds)


def resolvable_difference(
    sample: Sample, fold_results: Sequence[FoldResult], metric: str
) -> tuple[float, float] | None:
    """Smallest differences of two models that chosen and random questions rank right in 80% of cases.

        q_.80 sd_S / (sqrt(k) b)   and   q_.80 sd / sqrt(k),   b = sum of d_S d / sum of d^2

    over pairs of models not used for choosing. d are the pairs' differences on the whole set and d_S on the k
    chosen questions; sd and sd_S are the standard deviation of a question's difference, root mean square over
    pairs; b is the factor by which the selection stretches differences.

    Args:
        sample: Results of the models.
        fold_results: Selection of each fold, with masks [Q].
        metric: Metric of the differences.

    Returns:
        Difference for the chosen questions and for as many random ones, in the unit of the whole set; None
        without a pair that differs, or if the selection reverses the differences.
    """
    final = metrics.oriented(metric, sample.values[metric][..., -1, :])
    told = []
    for fold in fold_results:
        kept = final[:, fold.mask]
        if kept.shape[1] < 2:
            continue
        for one, other in combinations(fold.fold.judges, 2):
            whole, chosen = final[one] - final[other], kept[one] - kept[other]
            told.append((whole.mean(), chosen.mean(), whole.var(ddof=1), chosen.var(ddof=1), kept.shape[1]))
    if not told:
        return None
    d, of_chosen, variance, of_choice, size = np.array(told).T
    if not (d**2).sum() > 0 or not (stretch := float((d * of_chosen).sum() / (d**2).sum())) > 0:
        return None
    right = float(ndtri(0.8) / np.sqrt(size.mean()))
    return right * float(np.sqrt(of_choice.mean())) / stretch, right * float(np.sqrt(variance.mean()))


def adjusted_level(trial_number: int) -> float:
    """Confidence level 1 - .05 / (k (k + 1)) for the k-th rule tried on a set.

    The probabilities of a false positive sum to .05 over any number of rules. Every interval may be read as
    soon as its rule is tried, and none has to be widened afterwards.
    """
    return 1 - ALPHA / (trial_number * (trial_number + 1))


def adjusted_p(p: float, trial_number: int) -> float:
    """p of the k-th choice tried on a set, times k (k + 1): at most .05 where `adjusted_level` finds it so."""
    return min(1.0, p * trial_number * (trial_number + 1))


def gain_interval(gains: Floats, clusters: int, level: float) -> tuple[float, float]:
    """Interval of a held-out gain from its resampled values.

    The ends of 95% of the resamples, each moved away from their median in the ratio of Student's quantile at
    `level` to that at 95%: quantiles further out would need more resamples than there are.

    Args:
        gains: Resampled gains [R], without NaN.
        clusters: Number of groups of questions, which gives the degrees of freedom.
        level: Confidence level.
    """
    usual = small_sample_level(clusters)
    low, middle, high = quantiles(gains, [(1 - usual) / 2, 0.5, (1 + usual) / 2])
    further = stdtrit(clusters - 1, (1 + level) / 2) / stdtrit(clusters - 1, 0.975)
    return float(middle - further * (middle - low)), float(middle + further * (high - middle))


def gain_vanishes(gain_in_sample: float, gain_held_out: float, noticeable: float = NOTICEABLE) -> bool:
    """Whether a noticeable in-sample gain vanishes on the other models: less than a quarter of it is left."""
    return gain_in_sample > noticeable and not gain_held_out > VANISHED * gain_in_sample
