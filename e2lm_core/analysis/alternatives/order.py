"""Orders of choices: how far a set's accuracy moves when its choices stand elsewhere, and which questions hang on it.

All values are of each model's last checkpoint, the mean over models but web-only twins; other seeds are models here.

    spread    = largest less smallest accuracy over the orders
    by place  = accuracy of the questions whose right answer stands at that place, over all orders
    effect    = largest less smallest accuracy over the places

p of the effect: the same from orders shuffled within each question, which leaves how hard each question is. A question
*hangs on the place* if the probability of its right answer differs more between places than in 95% of draws in which
each model's orders are shuffled by themselves; among questions of which none does, at most 5% are called so, and that
number stands beside the list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from e2lm_core.base.records import Record
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.uncertainty.bootstrap import resampled_means, resampling_design
from e2lm_core.scores.uncertainty.methods import span

DRAWS, LEVEL, ALPHA, SEED = 999, 0.95, 0.05, 0
RESAMPLES = 2000


class PlaceQuestion(Record):
    """A question's dependence on the place of its right answer.

    Attributes:
        question_id: Id of the question.
        by_place: Probability of its right answer at each place, the mean over models; None where it never stood
            there.
        effect: Largest less smallest of these.
        p: Share of draws with an effect at least as large.
    """

    question_id: str
    by_place: tuple[float | None, ...]
    effect: float
    p: float


@dataclass(frozen=True)
class OrderEffect:
    """Effect of the order of choices on a set's accuracy.

    Attributes:
        labels: Names of the orders, that of the set first.
        accuracy: Accuracy [O] under each order.
        interval: 95% interval of the accuracy as it stands, over questions; None if it is undefined.
        by_place: Accuracy [C] by the place of the right answer, NaN where it never stands.
        answered: Share [C] of the answers that are at each place, over all orders.
        p: Share of draws with an effect of the place at least as large.
        questions: All questions, the largest effect first.
        models: Number of models.
    """

    labels: tuple[str, ...]
    accuracy: Floats
    interval: tuple[float, float] | None
    by_place: Floats
    answered: Floats
    p: float
    questions: tuple[PlaceQuestion, ...]
    models: int

    @property
    def spread(self) -> float:
        """Largest less smallest accuracy over the orders."""
        return float(np.ptp(self.accuracy))

    @property
    def effect(self) -> float:
        """Largest less smallest accuracy over the places."""
        return _range(self.by_place)

    @property
    def hanging(self) -> tuple[PlaceQuestion, ...]:
        """Questions that hang on the place."""
        return tuple(one for one in self.questions if one.p <= ALPHA)

    @property
    def expected(self) -> float:
        """Number of questions that would be called so if none did."""
        return ALPHA * len(self.questions)


def order_effect(measured: Sequence[Measurements], labels: Sequence[str]) -> OrderEffect:
    """Effect of the order from results of the same questions under several orders.

    Args:
        measured: Results under each order, that of the set first; O of them with Q questions and C places.
        labels: Names of the orders [O].

    Returns:
        The effect; questions and models without all results are left out.
    """
    curves = [c for c in measured[0].curves if c.model.twin_of is None and c.checkpoints]
    last = np.stack([[m.curve_of(c.model.name).ll[-1] for c in curves] for m in measured])  # [O, M, Q, C]
    place = np.stack([m.gold for m in measured])  # [O, Q]
    width = last.shape[-1]
    real = np.isfinite(measured[0].chars)
    whole = ~(np.isnan(last) & real).any(axis=(0, 1, 3))
    last, place = last[:, :, whole], place[:, whole]
    answered = np.where(np.isnan(last), -np.inf, last).argmax(axis=-1)  # [O, M, Q]
    right = (answered == place[:, None]).astype(float)
    mean = right.mean(axis=1)  # [O, Q]
    rng = np.random.default_rng(SEED)
    by_place = _by_place(mean, place, width)
    beyond = sum(
        _range(_by_place(rng.permuted(mean, axis=0), place, width)) >= _range(by_place) - 1e-12
        for _ in range(DRAWS)
    )
    ids = [one for one, is_whole in zip(measured[0].question_ids, whole, strict=True) if is_whole]
    groups = [
        g for g, is_whole in zip(measured[0].resampling_groups, whole, strict=False) if is_whole
    ] or None
    return OrderEffect(
        labels=tuple(labels),
        accuracy=mean.mean(axis=1),
        interval=_interval(mean[0], groups),
        by_place=by_place,
        answered=np.array([(answered == index).mean() for index in range(width)]),
        p=(beyond + 1) / (DRAWS + 1),
        questions=_questions(ids, _probability(last, place), place, width, rng),
        models=len(curves),
    )


def _probability(ll: Floats, place: np.ndarray) -> Floats:
    """Probability [O, M, Q] of the right answers at the places [O, Q], from log-likelihoods [O, M, Q, C]."""
    raised = np.exp(ll - np.nanmax(ll, axis=-1, keepdims=True))
    at = np.broadcast_to(place[:, None, :, None], (*ll.shape[:-1], 1))
    right: Floats = np.take_along_axis(raised, at, axis=-1)[..., 0] / np.nansum(raised, axis=-1)
    return right


def _interval(values: Floats, groups: Sequence[str | None] | None) -> tuple[float, float] | None:
    if len(values) < 2:
        return None
    design = resampling_design(len(values), groups)
    low, high = span(resampled_means({"acc": values}, design, RESAMPLES, SEED)["acc"], LEVEL)
    return float(low), float(high)


def _by_place(values: Floats, place: np.ndarray, width: int) -> Floats:
    """Means [C] of values [O, Q] by the place [O, Q] of the right answer; NaN where it never stands."""
    sums = np.bincount(place.ravel(), weights=values.ravel(), minlength=width)
    counts = np.bincount(place.ravel(), minlength=width)
    return np.divide(sums, counts, out=np.full(width, np.nan), where=counts > 0)


def _range(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(np.ptp(known)) if len(known) else 0.0


def _questions(
    ids: Sequence[str], right: Floats, place: np.ndarray, width: int, rng: np.random.Generator
) -> tuple[PlaceQuestion, ...]:
    """Each question's dependence on the place, from probabilities [O, M, Q] and places [O, Q]."""
    own = _question_places(right.mean(axis=1), place, width)  # [C, Q]
    effect = np.nanmax(own, axis=0) - np.nanmin(own, axis=0)
    beyond = np.zeros(len(ids))
    for _ in range(DRAWS):
        drawn = _question_places(rng.permuted(right, axis=0).mean(axis=1), place, width)
        beyond += (np.nanmax(drawn, axis=0) - np.nanmin(drawn, axis=0)) >= effect - 1e-12
    found = [
        PlaceQuestion(
            question_id=identity,
            by_place=tuple(None if np.isnan(v) else float(v) for v in own[:, at]),
            effect=float(effect[at]),
            p=float((beyond[at] + 1) / (DRAWS + 1)),
        )
        for at, identity in enumerate(ids)
    ]
    return tuple(sorted(found, key=lambda one: (one.p, -one.effect)))


def _question_places(values: Floats, place: np.ndarray, width: int) -> Floats:
    """Means [C, Q] of values [O, Q] by the place of the right answer, NaN where it never stands."""
    marks = place[None] == np.arange(width)[:, None, None]  # [C, O, Q]
    counts = marks.sum(axis=1)
    sums = (marks * values[None]).sum(axis=1)
    return np.divide(sums, counts, out=np.full(counts.shape, np.nan), where=counts > 0)
