"""Wrong-question control: accuracy without the question, for the set and for each question.

    unread_mq = share of the other questions' prompts under which model m prefers q's right choice
    p         = P(mean of unread_mq under keys drawn at random >= the measured one)
    given_q   = (P_q,gold - 1/C) / (1 - 1/C)

with P the probability of a choice (softmax of the log-likelihoods), mean over models and borrowed prompts. Some right
choices are a model's favourites by luck; how many are to be expected follows from the favourites themselves: each is
right with probability 1/C. Under random keys the mean has mean `chance` and the variance of the votes that were
cast, so p needs no draw (normal approximation).
"""

from __future__ import annotations

import math

import numpy as np

from e2lm_core.analysis.questions.suspects.keys import probabilities
from e2lm_core.analysis.questions.suspects.records import Suspect
from e2lm_core.base.records import Record
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.measurements import Measurements

GIVEN = 0.5  # of the way from chance to certainty
CLEARLY = 0.01  # p below which a set is said to be answered unread


class ControlAccuracy(Record):
    """One model: its accuracy under the questions' own prompts, under other questions' and under none."""

    model: str
    own: float | None
    others: float | None
    blank: float


class WrongQuestionControl(Record):
    """The control of a set: by model, pooled, and the questions that are given away.

    `others` and `p` are of the models that count, together; None where no prompt could be borrowed. `by_luck` is how
    many of the giveaways there would be under random keys.
    """

    models: tuple[ControlAccuracy, ...]
    chance: float
    others: float | None
    p: float | None
    listed: tuple[Suspect, ...]
    by_luck: float


def evaluate_control(
    with_question: Measurements, without_question: Measurements
) -> WrongQuestionControl | None:
    """The control of a set measured as `own`, from that of `sets.prompts.wrong_question_control.control_set`; None where it was not run.

    The last complete checkpoint of each model counts; models without one are left out.
    """
    number = len(with_question.question_ids)
    if not number:
        return None
    votes: dict[str, Floats] = {}
    for curve in without_question.curves:
        complete = (np.isfinite(curve.ll) | np.isnan(without_question.chars)).all(axis=(1, 2))
        if complete.any():
            ll = curve.ll[np.flatnonzero(complete)[-1]]
            votes[curve.model.name] = probabilities(ll).reshape(-1, number, ll.shape[-1])
    if not votes:
        return None
    right = {name: _right(chosen, with_question.gold) for name, chosen in votes.items()}
    models = tuple(
        ControlAccuracy(
            model=name,
            own=_last(with_question, name),
            others=float(shares[1:].mean()) if len(shares) > 1 else None,
            blank=float(shares[0].mean()),
        )
        for name, shares in right.items()
    )
    counted = [
        c.model.name for c in without_question.curves if c.model.counts_in_scores and c.model.name in votes
    ]
    pooled = np.stack([votes[name] for name in counted or votes])  # [M, V, Q, C]
    borrowed = pooled[:, 1:]
    others, p = (None, None) if not borrowed.shape[1] else _against_luck(borrowed, with_question)
    listed, by_luck = _given(borrowed if borrowed.shape[1] else pooled, with_question)
    return WrongQuestionControl(
        models=models, chance=with_question.chance, others=others, p=p, listed=tuple(listed), by_luck=by_luck
    )


def _right(chosen: Floats, gold: np.ndarray) -> Floats:
    """[V, Q] whether the right choice is preferred; a tie counts its share."""
    best = chosen == chosen.max(axis=-1, keepdims=True)
    return np.take_along_axis(best / best.sum(axis=-1, keepdims=True), gold[None, :, None], axis=-1)[..., 0]


def _last(own: Measurements, model: str) -> float | None:
    curve = next((c for c in own.curves if c.model.name == model), None)
    values = own.values(model, "acc") if curve is not None else np.array([])
    known = values[np.isfinite(values)]
    return float(known[-1]) if known.size else None


def _against_luck(borrowed: Floats, own: Measurements) -> tuple[float, float]:
    """The share answered rightly unread, and how often random keys give as much."""
    best = borrowed == borrowed.max(axis=-1, keepdims=True)
    cast = (best / best.sum(axis=-1, keepdims=True)).mean(axis=(0, 1))  # [Q, C]: what each choice got
    number = len(own.gold)
    got = float(cast[np.arange(number), own.gold].mean())
    counts = own.choice_counts
    variance = float(((cast**2).sum(axis=-1) / counts - 1 / counts**2).sum()) / number**2
    excess = got - own.chance
    if variance <= 0:
        return got, 1.0
    return got, 0.5 * math.erfc(excess / math.sqrt(2 * variance))


def _given(pooled: Floats, own: Measurements) -> tuple[list[Suspect], float]:
    """The questions whose right choice the models prefer unread, the plainest first, and how many luck gives."""
    mean, counts = pooled.mean(axis=(0, 1)), own.choice_counts[:, None]
    strong = (mean - 1 / counts) / np.maximum(1 - 1 / counts, 1e-9) >= GIVEN
    strong &= np.isfinite(own.chars)
    favourite = pooled.mean(axis=1).argmax(axis=-1)  # [M, Q]
    gold = own.gold
    at = np.arange(len(gold))
    listed = [
        Suspect(
            question_id=own.question_ids[q],
            kind="giveaway",
            gold=int(gold[q]),
            about=(int(gold[q]),),
            evidence=float(mean[q, gold[q]]),
            models=int((favourite[:, q] == gold[q]).sum()),
            of=len(pooled),
        )
        for q in np.argsort(-mean[at, gold], kind="stable")
        if strong[q, gold[q]]
    ]
    return listed, float((strong / counts).sum())
