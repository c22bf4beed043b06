"""Wording control: accuracy without the question, and under other wordings of it, for the set and each question.

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
from dataclasses import replace

import numpy as np

from e2lm_core.analysis.questions.suspects.conditions import (
    CONDITIONS,
    ConditionAccuracy,
    ControlResults,
    condition_accuracies,
    mean_of,
)
from e2lm_core.analysis.questions.suspects.keys import probabilities
from e2lm_core.analysis.questions.suspects.records import Suspect
from e2lm_core.base.records import Record
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.measurements import Measurements

GIVEN = 0.5  # smallest position of a giveaway between chance (0) and certainty (1)
CLEARLY = 0.01  # p-value below which a set counts as answered without being read


class ControlAccuracy(Record):
    """Accuracy of one model under the wording control; None where not measured.

    Attributes:
        model: Name of the model.
        own: Accuracy under the questions' own prompts.
        others: Accuracy under other questions' prompts.
        blank: Accuracy under an empty question.
        shuffled: Accuracy with the words of each question shuffled.
        word: Accuracy with each question's rarest word alone.
        negated: Accuracy with the question negated, under the keys of the question as written.
    """

    model: str
    own: float | None
    others: float | None
    blank: float
    shuffled: float | None = None
    word: float | None = None
    negated: float | None = None


class WrongQuestionControl(Record):
    """Result of the wording control of a set.

    Attributes:
        models: Accuracy by model.
        chance: Accuracy of blind guessing.
        others: Accuracy of the scored models under other questions' prompts; None if none could be borrowed.
        p: p-value of `others` under random answer keys; None with `others`.
        listed: Questions answered right without being read, strongest evidence first.
        by_luck: Expected number of such questions under random answer keys.
        conditions: Accuracy under each condition that was run, in the order of `CONDITIONS`.
        left_out: Number of questions without all results, edited since for instance.
    """

    models: tuple[ControlAccuracy, ...]
    chance: float
    others: float | None
    p: float | None
    listed: tuple[Suspect, ...]
    by_luck: float
    conditions: tuple[ConditionAccuracy, ...] = ()
    left_out: int = 0

    def condition(self, name: str) -> ConditionAccuracy | None:
        """Accuracy under one of `CONDITIONS`; None if it was not run."""
        return next((one for one in self.conditions if one.condition == name), None)

    @property
    def answered_from(self) -> ConditionAccuracy | None:
        """Condition that answers the set though it cannot be understood under it; None without one.

        The barest comes first: of a set that its choices give away the words are not to blame.
        """
        bare = (self.condition(name) for name in ("nothing", "other", "word"))
        return next((one for one in bare if one is not None and one.keeps_nearly_all), None)


def evaluate_control(
    with_question: Measurements, without_question: Measurements
) -> WrongQuestionControl | None:
    """Evaluate the wording control of a set at the last checkpoint of each model that has results of it.

    Models are left out that lack half of the questions, and questions that one of the others lacks.

    Args:
        with_question: Results of the set itself.
        without_question: Results of its `sets.prompts.wrong_question_control.control_set`.

    Returns:
        The result; None without questions, or if no model has results of the guessing test.
    """
    number = len(with_question.question_ids)
    if not number:
        return None
    found = ControlResults.read(without_question, number)
    if not found.ll or not (measured := found.measured).any():
        return None
    own = with_question if measured.all() else _part(with_question, measured)
    guessed = {
        name: probabilities(ll[found.guessing][:, measured]) for name, ll in found.ll.items()
    }  # [V, Q, C]
    by_model = {name: found.right(name, with_question.gold) for name in found.ll}
    models = tuple(
        ControlAccuracy(
            model=name,
            own=_last(with_question, name),
            others=mean_of(right.get("other"), measured),
            blank=float(np.mean(right["nothing"][measured])),
            **{key: mean_of(right.get(key), np.isfinite(right.get(key, 0))) for key in CONDITIONS[2:]},
        )
        for name, right in by_model.items()
    )
    counted = [c.model.name for c in without_question.scored_curves if c.model.name in found.ll]
    counted = counted or list(found.ll)
    pooled = np.stack([guessed[name] for name in counted])  # [M, V, Q, C]
    borrowed = pooled[:, 1:]
    others, p = (None, None) if not borrowed.shape[1] else _against_luck(borrowed, own)
    listed, by_luck = _given(borrowed if borrowed.shape[1] else pooled, own)
    return WrongQuestionControl(
        models=models,
        chance=with_question.chance,
        others=others,
        p=p,
        listed=tuple(listed),
        by_luck=by_luck,
        conditions=tuple(
            condition_accuracies(with_question, found, {name: by_model[name] for name in counted})
        ),
        left_out=int(number - measured.sum()),
    )


def _part(own: Measurements, at: np.ndarray) -> Measurements:
    """The set's questions `at` [Q], bool, for figures that need no results."""
    ids = tuple(name for name, one in zip(own.question_ids, at, strict=True) if one)
    return replace(own, question_ids=ids, gold=own.gold[at], chars=own.chars[at])


# --- the guessing test ------------------------------------------------------------------------------------


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
