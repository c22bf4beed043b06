"""Wrong-question control: accuracy without the question, for the set and for each question.

    unread_mq = share of the other questions' prompts under which model m prefers q's right answer
    p         = P(mean of unread_mq under random answer keys >= the measured one)
    given_q   = (P_q,gold - 1/C) / (1 - 1/C)

with P the probability of a choice (softmax of the log-likelihoods), mean over models and borrowed prompts.
Some right answers are a model's favourite choices by chance; their expected number follows from the
favourites themselves: each is right with probability 1/C. Under random answer keys the mean has mean `chance`
and the variance of the votes cast, so p needs no simulation (normal approximation).
"""

from __future__ import annotations

import math

import numpy as np

from e2lm_core.analysis.questions.suspects.keys import probabilities
from e2lm_core.analysis.questions.suspects.records import Suspect
from e2lm_core.base.records import Record
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.measurements import Measurements

GIVEN = 0.5  # smallest position of a giveaway between chance (0) and certainty (1)
CLEARLY = 0.01  # p-value below which a set counts as answered without being read


class ControlAccuracy(Record):
    """Accuracy of one model on the guessing test.

    Attributes:
        model: Name of the model.
        own: Accuracy under the questions' own prompts; None if not measured.
        others: Accuracy under other questions' prompts; None if none could be borrowed.
        blank: Accuracy under an empty question.
    """

    model: str
    own: float | None
    others: float | None
    blank: float


class WrongQuestionControl(Record):
    """Result of the guessing test of a set.

    Attributes:
        models: Accuracy by model.
        chance: Accuracy of blind guessing.
        others: Accuracy of the scored models under other questions' prompts; None if none could be borrowed.
        p: p-value of `others` under random answer keys; None with `others`.
        listed: Questions answered right without being read, strongest evidence first.
        by_luck: Expected number of such questions under random answer keys.
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
    """Evaluate the guessing test of a set at the last complete checkpoint of each model.

    Models without a complete checkpoint are left out.

    Args:
        with_question: Results of the set itself.
        without_question: Results of its `sets.prompts.wrong_question_control.control_set`.

    Returns:
        The result; None without questions, or if no model has a complete checkpoint of the test.
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
    counted = [c.model.name for c in without_question.scored_curves if c.model.name in votes]
    pooled = np.stack([votes[name] for name in counted or votes])  # [M, V, Q, C]
    borrowed = pooled[:, 1:]
    others, p = (None, None) if not borrowed.shape[1] else _against_luck(borrowed, with_question)
    listed, by_luck = _given(borrowed if borrowed.shape[1] else pooled, with_question)
    return WrongQuestionControl(
        models=models, chance=with_question.chance, others=others, p=p, listed=tuple(listed), by_luck=by_luck
    )


def _right(chosen: Floats, gold: np.ndarray) -> Floats:
    """Share [V, Q] of the right answer in the preferred choices under V prompts; ties share one vote."""
    best = chosen == chosen.max(axis=-1, keepdims=True)
    return np.take_along_axis(best / best.sum(axis=-1, keepdims=True), gold[None, :, None], axis=-1)[..., 0]


def _last(own: Measurements, model: str) -> float | None:
    curve = next((c for c in own.curves if c.model.name == model), None)
    values = own.values(model, "acc") if curve is not None else np.array([])
    known = values[np.isfinite(values)]
    return float(known[-1]) if known.size else None


def _against_luck(borrowed: Floats, own: Measurements) -> tuple[float, float]:
    """Share of questions answered right without being read, and its p-value under random answer keys."""
    best = borrowed == borrowed.max(axis=-1, keepdims=True)
    cast = (best / best.sum(axis=-1, keepdims=True)).mean(axis=(0, 1))  # share of votes by choice [Q, C]
    number = len(own.gold)
    got = float(cast[np.arange(number), own.gold].mean())
    counts = own.choice_counts
    variance = float(((cast**2).sum(axis=-1) / counts - 1 / counts**2).sum()) / number**2
    excess = got - own.chance
    if variance <= 0:
        return got, 1.0
    return got, 0.5 * math.erfc(excess / math.sqrt(2 * variance))


def _given(pooled: Floats, own: Measurements) -> tuple[list[Suspect], float]:
    """Questions answered right without being read, strongest first, and their expected number by chance."""
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
