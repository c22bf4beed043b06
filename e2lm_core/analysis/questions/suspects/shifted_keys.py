"""Shifted keys: a set whose answers agree with another choice than the key, in the same way throughout.

Three patterns are looked for, in this order, in the answers that the models give confidently:

    shift      most answers are the choice before (or after) the key: keys counted from 1 (or one too low)
    swap       where one letter is the key most answers are another letter, and the other way round
    some       beside the right answers, one neighbour of the key is answered far more often than any other
               wrong choice: the keys of some questions are shifted

The key plays no part in the choice of models and answers, since it is what is doubted. A set that no model
knows has answers that agree with every choice alike, and shows none of the patterns.

Axes: Q questions, C choices, N questions with a confident answer.
"""

from __future__ import annotations

import itertools
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc

from e2lm_core.analysis.questions.suspects.keys import SHARP, probabilities
from e2lm_core.base.records import Record
from e2lm_core.base.sentences import Sentence
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.measurements import Measurements

MIN_LEAD = 0.3  # of the first choice over the second in probability, from which an answer is confident
MIN_ANSWERS = 10
MAX_QUESTIONS = 2_000  # looked at, evenly spaced: the rest of a large set shows the same pattern
MOST = 0.5  # share of the answers from which a pattern is that of most
RIGHT_OR_SHIFTED = 0.8  # share of the answers that the key and its neighbour explain together
MIN_SHARE = 0.1  # of some shifted keys
LEVEL, SOME_LEVEL = 0.001, 0.005  # of a pattern of most answers, and of some


class ShiftedKeys(Record):
    """Pattern of keys that the models contradict throughout.

    Attributes:
        kind: "shift" of all keys, "swap" of two letters, or "some" keys shifted.
        places: Place of the models' answer less that of the key, -1 or 1; 0 for a swap.
        letters: Indices of the two swapped choices; empty for a shift.
        agreeing: Number of confident answers that follow the pattern.
        of: Number of confident answers; of a swap, those whose key is one of the two letters.
    """

    kind: Literal["shift", "swap", "some"]
    places: int
    letters: tuple[int, ...]
    agreeing: int
    of: int

    @property
    def sentence(self) -> str:
        """Sentence with the share of agreeing answers and the question to ask of the file."""
        share = f"{self.agreeing / self.of:.0%}"
        if self.kind == "swap":
            a, b = (chr(ord("A") + at) for at in self.letters)
            return Sentence(
                "Where {a} or {b} is the key, the models' answers agree with the other of the two in {share} of {all}: "
                "are these two choices swapped?",
                a=a,
                b=b,
                share=share,
                all=self.of,
            )
        side, count = (
            (Sentence("before"), Sentence("from 1"))
            if self.places < 0
            else (Sentence("after"), Sentence("one too low"))
        )
        if self.kind == "shift":
            return Sentence(
                "The models' answers agree with the choice {side} the key in {share} of {all} questions: are keys counted "
                "{count}?",
                side=side,
                share=share,
                all=self.of,
                count=count,
            )
        return Sentence(
            "In {number} of {all} questions the models answer the choice {side} the key, and far less often any other "
            "wrong one: are the keys of some questions counted {count}?",
            number=self.agreeing,
            all=self.of,
            side=side,
            count=count,
        )


class _Asked(NamedTuple):
    """Confident answers [N], keys [N], numbers of choices [N], and the weight of each letter by itself [C]."""

    answers: NDArray[np.intp]
    gold: NDArray[np.intp]
    counts: NDArray[np.intp]
    taste: Floats

    def chance_of(self, choice: NDArray[np.intp], wrong: bool = False) -> float:
        """Mean probability that an answer that follows taste alone is `choice` [N]; with `wrong`, a wrong one."""
        real = np.arange(len(self.taste)) < self.counts[:, None]
        weights = np.where(real, self.taste, 0.0)
        rows = np.arange(len(self.gold))
        if wrong:
            weights[rows, self.gold] = 0.0
        return float((weights[rows, choice] / np.maximum(weights.sum(axis=1), 1e-9)).mean())

    def neighbour(self, places: int) -> NDArray[np.intp]:
        """Choice [N] that lies so many places from the key, from the last on to the first."""
        return (self.gold + places) % self.counts


def find_shifted_keys(measurements: Measurements) -> ShiftedKeys | None:
    """Pattern by which the models' confident answers contradict the keys; None without one.

    If only mini models are measured, questions of which they know no choice as the answer are left out.
    """
    at = _questions(measurements)
    if len(at) < MIN_ANSWERS:
        return None
    answers, lead = _answers(measurements, at)
    sure = lead >= MIN_LEAD
    answers, gold, counts = answers[sure], measurements.gold[at][sure], measurements.choice_counts[at][sure]
    if len(answers) < MIN_ANSWERS:
        return None
    taste = np.ones(len(measurements.chars[0])) if not measurements.letters else _taste(answers, measurements)
    asked = _Asked(answers, gold, counts, taste)
    return _shift(asked) or _swap(asked) or _some(asked)


def _questions(measurements: Measurements) -> NDArray[np.intp]:
    known = measurements.told if measurements.taught_of_all else None
    at = np.flatnonzero(known) if known is not None else np.arange(len(measurements.gold))
    return at[:: -(-len(at) // MAX_QUESTIONS)] if len(at) else at


def _answers(measurements: Measurements, at: NDArray[np.intp]) -> tuple[NDArray[np.intp], Floats]:
    """Answer [Q] of the models together at their last complete checkpoints, and its lead [Q]."""
    chosen = []
    for curve in measurements.scored_curves or measurements.curves:
        complete = np.flatnonzero(np.isfinite(measurements.values(curve.model.name, "acc")))
        if complete.size:
            chosen.append(probabilities(curve.ll[complete[-1]][at]))
    if not chosen:
        return np.zeros(len(at), np.intp), np.zeros(len(at))
    each = np.stack(chosen)  # [M, Q, C]
    # Models that are sure weigh most: the more a model knows, the surer it is.
    weights = np.maximum(each.max(axis=-1).mean(axis=-1), 1e-9) ** SHARP
    pooled = np.tensordot(weights / weights.sum(), each, axes=1)
    ordered = np.sort(pooled, axis=-1)
    lead = ordered[:, -1] - ordered[:, -2] if pooled.shape[-1] > 1 else np.zeros(len(at))
    return pooled.argmax(axis=-1), np.asarray(lead, np.float64)


def _taste(answers: NDArray[np.intp], measurements: Measurements) -> Floats:
    """Number of answers at each letter [C]: letters have a place of their own, which a model may like."""
    counted = np.bincount(answers, minlength=measurements.chars.shape[1])
    return np.asarray(counted + 0.5, np.float64)


def _shift(asked: _Asked) -> ShiftedKeys | None:
    for places in (-1, 1):
        choice = asked.neighbour(places)
        agreeing = int((asked.answers == choice).sum())
        if agreeing / len(choice) < MOST or (choice == asked.gold).all():
            continue
        if _tail(agreeing, len(choice), asked.chance_of(choice)) < LEVEL:
            return ShiftedKeys(kind="shift", places=places, letters=(), agreeing=agreeing, of=len(choice))
    return None


def _swap(asked: _Asked) -> ShiftedKeys | None:
    found = []
    for a, b in itertools.combinations(range(int(asked.counts.max())), 2):
        there = np.isin(asked.gold, (a, b)) & (asked.counts > b)
        ways = [(asked.answers[there & (asked.gold == x)] == y) for x, y in ((a, b), (b, a))]
        if any(len(way) < 2 or way.mean() < MOST for way in ways):
            continue
        agreeing, of = int(sum(way.sum() for way in ways)), int(there.sum())
        other = np.where(asked.gold == a, b, a)[there]
        part = _Asked(asked.answers[there], asked.gold[there], asked.counts[there], asked.taste)
        if _tail(agreeing, of, part.chance_of(other)) < LEVEL:
            found.append(ShiftedKeys(kind="swap", places=0, letters=(a, b), agreeing=agreeing, of=of))
    return max(found, key=lambda swap: swap.agreeing, default=None)


def _some(asked: _Asked) -> ShiftedKeys | None:
    many = asked.counts > 2  # of two choices the wrong one is both neighbours
    if not many.any():
        return None
    asked = _Asked(asked.answers[many], asked.gold[many], asked.counts[many], asked.taste)
    places = (asked.answers - asked.gold) % asked.counts
    wrong, right = int((places > 0).sum()), int((places == 0).sum())
    for side in (-1, 1):
        follows = asked.answers == asked.neighbour(side)
        agreeing = int(follows.sum())
        others = np.bincount(places[~follows & (places > 0)], minlength=1)
        if (
            agreeing >= MIN_SHARE * len(places)
            and agreeing >= 2 * int(others.max())
            and agreeing + right >= RIGHT_OR_SHIFTED * len(places)
            and len(set(asked.gold[follows].tolist())) > 1
            and _tail(agreeing, wrong, asked.chance_of(asked.neighbour(side), wrong=True)) < SOME_LEVEL
        ):
            return ShiftedKeys(kind="some", places=side, letters=(), agreeing=agreeing, of=len(places))
    return None


def _tail(number: int, of: int, chance: float) -> float:
    """Probability of so many or more of `of` under a binomial distribution."""
    return float(bdtrc(number - 1, of, chance)) if number else 1.0
