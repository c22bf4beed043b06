"""Null distribution of every score under random answer keys.

A set of questions whose facts no model has learned gets an SQ, an RC and a Score as well, since early and
late checkpoints answer the same questions and share their quirks. A score is informative if it lies above
its values under random gold.

Axes: B draws, K checkpoints of a model, Q questions, C choices.

Source: permutation tests on labels, Ojala & Garriga, JMLR 11 (2010); p with the added 1, Phipson & Smyth
(2010).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import ArrayLike, NDArray

from e2lm_core.base.memory import mapped
from e2lm_core.base.records import BOUNDED_METRICS, SHARES, NullDistribution, Value
from e2lm_core.scores import metrics, set_scores
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.copies import number_rows
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.set_scores import ChanceFloor, CurveScores, Scores

DRAWS = 999
LEVEL = 0.05  # a score whose p is above it is no better than guessing
MAX_UNDEFINED = 0.5  # share of the draws; beyond it, the defined draws are a different null distribution
# The most questions, or share of the set, whose common text or choices make them copies of each other.
SCALE, SCALE_SHARE = 8, 0.1
_BLOCK = 1 << 22  # numbers of the one-hot gold in memory at once: 32 MiB, of shares half of it


def random_golds(
    gold: ArrayLike,
    choice_counts: ArrayLike,
    letters: bool = False,
    texts: ArrayLike | None = None,
    groups: Sequence[str | None] = (),
    draws: int = DRAWS,
    seed: int = 0,
    question_texts: ArrayLike | None = None,
) -> NDArray[np.integer]:
    """Random gold indices [B, Q], one for each question and draw, shared by all models and checkpoints.

    Args:
        gold: Index of the right choice [Q], from 0.
        choice_counts: Number of choices of each question [Q].
        letters: The choices are letters (A, B, …): the real positions are permuted among questions with
            equally many choices, so that a bias towards a letter stays. Otherwise gold is uniform among the
            question's choices.
        texts: A number for each choice's text [Q, C], -1 where there is none. Copies of a question share their
            shift of the answer, so that they stay right or wrong together: see `_copies`.
        groups: Group of each question [Q], None for a question by itself.
        draws: Number of draws B.
        seed: Seed of the random numbers.
        question_texts: A number for each question's text [Q]; None where the texts are not known.

    Returns:
        Gold indices [B, Q], in the smallest unsigned integer type that holds them.
    """
    rng = np.random.default_rng(seed)
    answer, counts = np.asarray(gold, dtype=np.intp), np.asarray(choice_counts, dtype=np.intp)
    if letters:
        return _permuted(answer, counts, draws, rng)
    drawn = np.empty((draws, len(answer)), _holding(counts))
    rows = max(1, _BLOCK // max(1, len(answer)))
    # The blocks give the same numbers as a single call, whose array takes gigabytes for a large set.
    for start in range(0, draws, rows):
        some = drawn[start : start + rows]
        some[:] = rng.random(some.shape) * counts
    if texts is not None:
        known = None if question_texts is None else np.asarray(question_texts)
        _share(drawn, answer, counts, np.asarray(texts), _copies(np.asarray(texts), counts, groups, known))
    return drawn


def random_golds_of_set(measurements: Measurements, draws: int, seed: int = 0) -> NDArray[np.integer]:
    """Random answer keys [B, Q] of a set: copies of a question, declared or not, share one permutation."""
    return random_golds(
        measurements.gold,
        measurements.choice_counts,
        measurements.letters,
        measurements.choice_texts,
        measurements.groups,
        draws,
        seed,
        measurements.question_texts,
    )


def distinct_questions(measurements: Measurements) -> int:
    """Number of questions of a set, copies of one question counted once, see `random_golds`."""
    if measurements.choice_texts is None:
        return len(measurements.question_ids)
    counts = np.asarray(measurements.choice_counts, dtype=np.intp)
    first = _copies(measurements.choice_texts, counts, measurements.groups, measurements.question_texts)
    return len(np.unique(first))


def null_scores(
    measurements: Measurements, metric: str, draws: int = DRAWS, seed: int = 0
) -> CurveScores | None:
    """Every score of one metric under random gold, {score: [B]}.

    Args:
        measurements: Results of the set.
        metric: Name of the metric.
        draws: Number of draws B.
        seed: Seed of the random numbers.

    Returns:
        Scores [B], NaN where undefined; None without a model or question, and for bpb if the lengths of the
        choices are not known.
    """
    if not measurements.curves or not len(measurements.gold):
        return None
    if metric == "bpb" and measurements.choice_bytes is None:
        return None
    drawn = random_golds_of_set(measurements, draws, seed)
    layout = measurements.layout(metric)
    curves, errors = _curves(
        _OfEveryChoice(measurements, metric),
        drawn,
        {pair.science for pair in layout.twins},
        metric,
        mapped.whole_of(measurements.curves[0].ll),
    )
    if metric in BOUNDED_METRICS and metric != "norm_prob":
        observed = set_scores.chance_floor(
            measurements.runs, layout, metric, measurements.chance, len(measurements.question_ids)
        )
        errors = dict(observed.errors)
    against = ChanceFloor(np.asarray(measurements.chance), errors)
    return set_scores.curve_scores(layout, curves, metric, against)


def null_distribution(value: float | None, null_scores: ArrayLike) -> NullDistribution | None:
    """Null distribution of a score: mean, 95% point and p-value.

        p = (1 + #{S* >= S}) / (B + 1)

    Args:
        value: Score S of the set; None where undefined.
        null_scores: Its values S* [B] under random gold, NaN where undefined.

    Returns:
        The distribution over the defined draws; None where the score is undefined, or more than
        `MAX_UNDEFINED` of the draws are.
    """
    every = np.asarray(null_scores, dtype=np.float64)
    known = every[np.isfinite(every)]
    if value is None or known.size == 0 or known.size < (1 - MAX_UNDEFINED) * every.size:
        return None
    return NullDistribution(
        mean=float(known.mean()),
        q95=float(np.quantile(known, 0.95)),
        p=float((1 + (known >= value).sum()) / (known.size + 1)),
    )


def attach_null(scores: Scores, drawn: CurveScores | None) -> Scores:
    """Scores with null distributions from the draws of `null_scores`; unchanged where that is None."""
    if drawn is None:
        return scores
    return scores.map_values(
        lambda name, value: value.model_copy(
            update={"null": null_distribution(value.value, drawn.whole[name])}
        )
    )


def is_within_null(value: Value) -> bool:
    """Whether a score is no better than guessing (p above `LEVEL`); False where its null is not known."""
    return value.null is not None and value.null.p > LEVEL


def _holding(counts: NDArray[np.intp]) -> np.dtype:
    """Smallest type that holds the index of a choice."""
    return np.min_scalar_type(int(counts.max(initial=0)))


def _permuted(
    answer: NDArray[np.intp], counts: NDArray[np.intp], draws: int, rng: np.random.Generator
) -> NDArray[np.integer]:
    drawn = np.tile(answer.astype(_holding(counts)), (draws, 1))
    for count in np.unique(counts):
        alike = np.flatnonzero(counts == count)
        drawn[:, alike] = rng.permuted(drawn[:, alike], axis=1)
    return drawn


def _copies(
    texts: NDArray, counts: NDArray[np.intp], groups: Sequence[str | None], question_texts: NDArray | None
) -> NDArray[np.intp]:
    """Index of the first copy of each question [Q]; its own for a question without copies.

    Copies have equally many choices and the same text, or the same choices in any order. A text or choices
    of many questions are a frame or a scale, such as true and false, and make copies only together, or within
    a declared group.
    """
    first = np.arange(len(counts))
    choices = number_rows(np.sort(texts, axis=1))
    few = max(SCALE, SCALE_SHARE * len(counts))
    labels = [np.where((np.bincount(choices)[choices] <= few) & (counts > 2), choices, -1)]
    if any(groups):
        numbers = {name: at for at, name in enumerate(dict.fromkeys(filter(None, groups)))}
        group = np.array([numbers[name] if name else -1 for name in groups])
        labels.append(np.where(group >= 0, number_rows(np.stack([group, choices], axis=1)), -1))
    if question_texts is not None:
        asked = number_rows(np.stack([question_texts, counts], axis=1))
        labels.append(np.where(np.bincount(asked)[asked] <= few, asked, -1))
        labels.append(number_rows(np.stack([question_texts, choices], axis=1)))
    while True:
        before = first
        for label in labels:
            shared = label >= 0
            least = np.full(label.max(initial=0) + 1, len(counts))
            np.minimum.at(least, label[shared], first[shared])
            first = np.where(shared, least[label], first)
        if np.array_equal(first, before):
            return first


def _share(
    drawn: NDArray[np.integer],
    answer: NDArray[np.intp],
    counts: NDArray[np.intp],
    texts: NDArray,
    first: NDArray[np.intp],
) -> None:
    """Shift the golds of copies by as many places as that of the first copy, in place.

    Places are those of the choices in the order of their texts, so copies may list them in any order.
    """
    copied = np.flatnonzero(first != np.arange(len(first)))
    if not len(copied):
        return
    order = np.argsort(np.where(texts < 0, np.iinfo(np.intp).max, texts), axis=1, kind="stable")
    place = np.argsort(order, axis=1, kind="stable")  # of each choice
    begin = first[copied]
    shift = place[begin, drawn[:, begin]] - place[begin, answer[begin]]
    moved = (place[copied, answer[copied]] + shift) % counts[copied]
    drawn[:, copied] = order[copied, moved]


def values_of_every_choice(measurements: Measurements, ll: Floats, metric: str) -> Floats:
    """Metric if each choice were gold, [K, Q, C]; NaN where a result or the choice is missing."""
    of_each = []
    for choice in range(ll.shape[-1]):
        there = np.isfinite(measurements.chars[:, choice])
        gold = np.where(there, choice, 0)
        sizes = measurements.gold_bytes
        if measurements.choice_bytes is not None:
            sizes = measurements.choice_bytes[np.arange(len(gold)), gold]
        values = metrics.per_question(ll, gold, measurements.chars, sizes, (metric,))[metric]
        of_each.append(np.where(there, values, np.nan))
    return np.stack(of_each, axis=-1)


class _OfEveryChoice:
    """Pairs (model, [K, Q, C] of `values_of_every_choice`), computed anew at each iteration."""

    def __init__(self, measurements: Measurements, metric: str) -> None:
        self._measurements, self._metric = measurements, metric

    def __iter__(self) -> Iterator[tuple[str, Floats]]:
        # Models are computed one by one: together, those of a large set take as much memory as its results.
        for curve in self._measurements.curves:
            yield curve.model.name, values_of_every_choice(self._measurements, curve.ll, self._metric)


def _curves(
    values: Iterable[tuple[str, Floats]],
    drawn: NDArray[np.integer],
    science: set[str],
    metric: str,
    whole: mapped.Mapped | None = None,
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Means over questions under each draw, {model: [B, K]}, and the errors of `science` for norm_prob.

    `values` are (model, [K, Q, C]), each freed after it is read. For a large set with the file `whole`, the
    intermediate arrays lie in a file beside it while they are needed.
    """
    questions = drawn.shape[1]
    lengths: dict[str, int] = {}
    lacking: dict[str, NDArray[np.bool_]] = {}
    of_squares = sorted(science) if metric == "norm_prob" else []

    def rows() -> Iterator[Floats]:
        to_square: dict[str, Floats] = {}
        for name, of_each in values:
            flat = np.nan_to_num(of_each).reshape(len(of_each), -1)
            lengths[name] = len(flat)
            lacking[name] = np.asarray(np.isnan(of_each).all(axis=-1).any(axis=-1))
            if name in of_squares:
                to_square[name] = flat
            yield flat
        yield from (to_square[name] ** 2 for name in of_squares)

    if metric in SHARES:
        means = _means_of_shares([flat.astype(np.uint8) for flat in rows()], drawn)
    else:
        with _below_one_another(rows, whole) as together:
            means = _means(together.T, drawn)
    of_means = list(lengths)
    ends = np.cumsum([lengths[name] for name in (*of_means, *of_squares)])[:-1]
    parts = np.split(means, ends, axis=1)
    curves = dict(zip(of_means, parts[: len(of_means)], strict=True))
    errors = {}
    for name, squares in zip(of_squares, parts[len(of_means) :], strict=True):
        spread = np.maximum(squares - curves[name] ** 2, 0.0)
        errors[name] = np.sqrt(spread / (questions - 1)) if questions > 1 else np.full(spread.shape, np.nan)
    for name, missing in lacking.items():
        curves[name][:, missing] = np.nan  # incomplete checkpoints
    return curves, errors


def _means_of_shares(flat: Sequence[NDArray], drawn: NDArray[np.integer]) -> Floats:
    """Means [B, rows of all models] of whole numbers, whose float32 sums are exact in any order.

    The loop is over blocks of questions: a loop over draws, as in `_means`, reads all values again for every
    block.
    """
    draws, questions = drawn.shape
    width = flat[0].shape[1] // max(1, questions)
    sums = np.zeros((draws, sum(map(len, flat))))
    some = max(1, _BLOCK // (draws * width))
    one_hot = np.zeros((draws, min(some, questions) * width), np.float32)
    for start in range(0, questions, some):
        end = min(start + some, questions)
        picked = drawn[:, start:end] + width * np.arange(end - start)
        block = one_hot[:, : (end - start) * width]
        np.put_along_axis(block, picked, 1.0, axis=1)
        part = np.concatenate([values[:, start * width : end * width] for values in flat])
        sums += block @ part.T.astype(np.float32)
        np.put_along_axis(block, picked, 0.0, axis=1)
    return sums / questions


def _means(together: Floats, drawn: NDArray[np.integer]) -> Floats:
    """Means [B, columns] of `together` [Q * C, columns] under each draw.

    Models are computed together, because most of the time goes into reading the one-hot gold.
    """
    draws, questions = drawn.shape
    width = len(together) // max(1, questions)
    means = np.empty((draws, together.shape[1]))
    rows = max(1, _BLOCK // (questions * width))
    one_hot = np.zeros((min(rows, draws), questions * width))
    for start in range(0, draws, rows):
        picked = drawn[start : start + rows] + width * np.arange(questions)
        block = one_hot[: len(picked)]
        np.put_along_axis(block, picked, 1.0, axis=1)
        means[start : start + rows] = block @ together / questions
        np.put_along_axis(block, picked, 0.0, axis=1)
    return means


@contextmanager
def _below_one_another(rows: Callable[[], Iterable[Floats]], whole: mapped.Mapped | None) -> Iterator[Floats]:
    """Rows stacked to [all rows, Q * C], in memory or in a temporary file beside the file `whole`."""
    if whole is not None and whole.path is not None:
        path = mapped.named_after(whole.path, "null", secrets.token_hex(8))
        lying = mapped.written(path, rows(), "<f8")
        if lying is not None:
            try:
                yield lying
            finally:
                mapped.remove(path)
            return
    parts = list(rows())
    together = np.empty((sum(map(len, parts)), parts[0].shape[1]))
    at = 0
    while parts:  # each part is freed after its copy: two full copies would set the peak of memory
        values = parts.pop(0)
        together[at : at + len(values)] = values
        at += len(values)
    yield together
