"""Readings of ranking consistency (RC).

The competition asks for "the consistency of model rankings at 1 trillion tokens" (arXiv 2506.07731) and
leaves open which models are ranked, and against which order. Axes: M models, T checkpoints that all of them
share, the first `end` + 1 of them early, L after those; further axes in front (the resamples of a bootstrap)
are carried along. Scores are oriented: higher is better.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from e2lm_core.base.records import RC_READINGS, Value
from e2lm_core.base.sentences import Sentence
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.ranking.order import ranking_consistency, tau

Sizes = Sequence[str | None]

DEFAULT = RC_READINGS[0]
LABELS = {
    "organisers": Sentence("as in the organisers' figure"),
    "early_means": Sentence("against the order of early means"),
    "first_place": Sentence("as the first place scored it"),
    "all_models": Sentence("all models together"),
}


NOTHING_LATER = Sentence(
    "No checkpoint after the early window is complete for every model: run later ones, or "
    "write an earlier early_end_step in checkpoints.json."
)


def rc_organisers(scores: ArrayLike, end: int, sizes: Sizes) -> Floats:
    """RC = mean over sizes and later checkpoints of max(0, tau against the order at the last checkpoint).

    tau compares architectures of one size: the mean over their pairs of the product of signs, so that a tie
    at a later checkpoint counts 0. The last checkpoint counts itself. Evidence: the competition's figure of
    mmlu prints 0.2979 for two architectures of 500M parameters, 14 of its 47 later checkpoints agree with the
    last, and 33 of 47 with that at the window's end.

    Args:
        scores: Scores [..., M, T], higher is better, NaN where missing.
        end: Index among the T of the last early checkpoint.
        sizes: Size of each model [M]; only sizes with two models or more enter.

    Returns:
        RC's part [..., L] at each later checkpoint; NaN where a size's pair ties at the last one or a score
        is missing.
    """
    values = np.asarray(scores, dtype=np.float64)
    return _within_sizes(values, values[..., -1], end, sizes)


def rc_early_means(scores: ArrayLike, end: int, sizes: Sizes) -> Floats:
    """RC = mean over sizes and later checkpoints of max(0, tau against the order of early-window means).

    In the competition's figure of mmlu, 14 of 47 later checkpoints agree, as in `rc_organisers`.

    Args:
        scores: Scores [..., M, T], higher is better, NaN where missing.
        end: Index among the T of the last early checkpoint.
        sizes: Size of each model [M]; only sizes with two models or more enter.

    Returns:
        RC's part [..., L] at each later checkpoint; NaN where the early means of a size's pair tie or a score
        is missing.
    """
    values = np.asarray(scores, dtype=np.float64)
    return _within_sizes(values, values[..., : end + 1].mean(axis=-1), end, sizes)


def rc_first_place(scores: ArrayLike, end: int, sizes: Sizes) -> Floats:
    """RC = mean over later checkpoints of the share of sizes that keep the best model of the window's end.

    A tie for the best at a later checkpoint counts as no agreement.

    Args:
        scores: Scores [..., M, T], higher is better, NaN where missing.
        end: Index among the T of the last early checkpoint.
        sizes: Size of each model [M]; only sizes with two models or more enter.

    Returns:
        RC's part [..., L] at each later checkpoint; NaN where a size ties for the best at the window's end or
        a score is missing from there on.

    Source: examples/eval_post_process.ipynb in mrai-research/lm-evaluation-harness-competition, which prints
    0.810 for accuracy and 0.857 for its margin over three pairs of architectures.
    """
    values = np.asarray(scores, dtype=np.float64)
    shares = []
    for group in _groups(sizes):
        of_size = values[..., group, :]
        best = of_size == of_size.max(axis=-2, keepdims=True)
        single = best.sum(axis=-2) == 1
        same = (best[..., end + 1 :] & best[..., end, None]).any(axis=-2) & single[..., end + 1 :]
        defined = single[..., end] & np.isfinite(of_size[..., end:]).all(axis=(-2, -1))
        shares.append(np.where(defined[..., None], same, np.nan))
    return _over_sizes(shares, values, end)


def rc_all_models(scores: ArrayLike, end: int, sizes: Sizes) -> Floats:
    """RC = mean over later checkpoints of max(0, tau_b against the order at the window's end).

    Models of all sizes are ranked together. The studio's only reading until November 2026; see
    `order.consistency`.

    Args:
        scores: Scores [..., M, T], higher is better, NaN where missing.
        end: Index among the T of the last early checkpoint.
        sizes: Size of each model [M]; not used.

    Returns:
        RC's part [..., L] at each later checkpoint; NaN where tau_b is undefined.
    """
    values = np.asarray(scores, dtype=np.float64)
    later = np.swapaxes(values[..., end + 1 :], -1, -2)
    return np.maximum(0.0, tau(values[..., end][..., None, :], later))


# Each function returns RC's part at each of the L checkpoints after the early window.
COURSES: dict[str, Callable[[ArrayLike, int, Sizes], Floats]] = {
    "organisers": rc_organisers,
    "early_means": rc_early_means,
    "first_place": rc_first_place,
    "all_models": rc_all_models,
}
HELP = {
    "organisers": "Architectures of one size: at how many checkpoints after the early window they stand in the order of the "
    "last one, mean over sizes. It gives the 0.2979 that the organisers' figure prints.",
    "early_means": "The same against the order of their means over the early window. It gives 0.2979 as well: the figure "
    "cannot tell the two apart.",
    "first_place": "The share of sizes whose better architecture is the one at the early window's end, mean over later "
    "checkpoints. The first place printed 0.810 for accuracy and 0.857 for its margin.",
    "all_models": "Models of all sizes in one order: max(0, Kendall's τ_b) between the early window's end and each later "
    "checkpoint. The studio's reading until November 2026.",
}


def _averaged(course: Callable[[ArrayLike, int, Sizes], Floats]) -> Callable[[ArrayLike, int, Sizes], Floats]:
    def rc(scores: ArrayLike, end: int, sizes: Sizes) -> Floats:
        parts = course(scores, end, sizes)
        return parts.mean(axis=-1) if parts.shape[-1] else np.full(parts.shape[:-1], np.nan)

    return rc


READINGS: dict[str, Callable[[ArrayLike, int, Sizes], Floats]] = {
    name: _averaged(course) for name, course in COURSES.items()
}


def score_key(score: str, reading: str) -> str:
    """Name of RC, or of the Score with it, in a reading; for example rc_organisers.

    It is the key in the results of `set_scores.curve_scores`. The reading "all_models" adds nothing to the
    name.
    """
    return score if reading == "all_models" else f"{score}_{reading}"


def rc_value(name: str, scores: ArrayLike, end: int | None, sizes: Sizes) -> Value:
    """RC in one reading, with the reason where it is undefined.

    Args:
        name: Name of the reading in `READINGS`.
        scores: Scores [M, T], higher is better, NaN where missing.
        end: Index among the T of the last early checkpoint; None without one.
        sizes: Size of each model [M].

    Raises:
        KeyError: `name` is not in `READINGS` (and a later checkpoint exists).
    """
    values = np.asarray(scores, dtype=np.float64)
    if end is None or end + 1 >= values.shape[-1]:
        return Value(value=None, why=NOTHING_LATER)
    if name == "all_models":
        return ranking_consistency(values[:, end], values[:, end + 1 :])
    got = READINGS[name](values, end, sizes)
    if np.isfinite(got):
        return Value(value=float(got))
    return Value(value=None, why=_why_not(name, values, sizes))


def _why_not(name: str, values: Floats, sizes: Sizes) -> str:
    if not _groups(sizes):
        return Sentence(
            "It compares architectures of one size, and no size here has two: add a second shape of "
            "a size (size and arch in checkpoints.json), or read RC as {reading}.",
            reading=LABELS["all_models"],
        )
    if not np.isfinite(values).all():
        return Sentence(
            "Scores are missing at the early window's end or after it; run all checkpoints of every model."
        )
    where = {
        "organisers": Sentence("at the last checkpoint"),
        "early_means": Sentence("in their early means"),
        "first_place": Sentence("at the early window's end"),
    }[name]
    return Sentence(
        "Two architectures of one size have the same score {where}, so there is no order to compare with.",
        where=where,
    )


def _within_sizes(values: Floats, reference: Floats, end: int, sizes: Sizes) -> Floats:
    """Mean over sizes of max(0, tau) with the `reference` [..., M] at each later checkpoint, [..., L]."""
    taus = []
    for group in _groups(sizes):
        first, second = (np.asarray(group)[side] for side in np.triu_indices(len(group), k=1))
        order = np.sign(reference[..., first] - reference[..., second])
        later = np.sign(values[..., first, end + 1 :] - values[..., second, end + 1 :])
        agreement = np.maximum(0.0, (order[..., None] * later).mean(axis=-2))
        taus.append(np.where((order == 0).any(axis=-1)[..., None], np.nan, agreement))
    return _over_sizes(taus, values, end)


def _groups(sizes: Sizes) -> list[list[int]]:
    """Indices of the models of each size that has two or more; a model without a size is in none."""
    of_size: dict[str, list[int]] = {}
    for at, size in enumerate(sizes):
        if size is not None:
            of_size.setdefault(size, []).append(at)
    return [group for group in of_size.values() if len(group) > 1]


def _over_sizes(of_each: Sequence[Floats], values: Floats, end: int) -> Floats:
    later = values.shape[-1] - end - 1
    return np.mean(of_each, axis=0) if of_each else np.full((*values.shape[:-2], later), np.nan)


def design_clause(is_by_design: bool) -> str:
    """Clause behind RC of models of which one shape of each size was made worse on purpose; else nothing."""
    return Sentence(", by design on the built-in models") if is_by_design else ""
