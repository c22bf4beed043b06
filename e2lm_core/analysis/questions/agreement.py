"""Agreement of judges with each other, with relevance and with suspects.

Krippendorff's alpha = 1 - D_o / D_e: the observed disagreement of two judgements of one question, over that of any
two judgements. 1 is full agreement, 0 what the same judgements spread over the questions at random give, so a high
share of equal answers that comes from everybody saying yes has an alpha near 0. A question with one judgement does
not count, and missing ones need no filling.

Source: Krippendorff, Computing Krippendorff's alpha-reliability (2011).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from e2lm_core.analysis.questions.suspects.records import SuspectList
from e2lm_core.base.formatting import count
from e2lm_core.base.judgements import (
    COLUMN,
    VALUES,
    By,
    Judgement,
    What,
    current_judgements,
    judged_digest,
    judgements_of,
)
from e2lm_core.base.records import Question, Record, Value
from e2lm_core.base.sentences import Sentence
from e2lm_core.scores.arrays import Floats

MIN_SHARED = 5  # fewest questions with two judgements
FAR = 2  # smallest difference of two difficulties that is a disagreement
JUDGED: tuple[What, ...] = ("scientific", "key", "difficulty")
Scale = Literal["nominal", "interval"]


class Judge(Record):
    """A judge: name, and whether a person or a model."""

    name: str
    by: By


class Judged(Record):
    """Current judgements of a set's questions, J judges and Q questions.

    Attributes:
        judges: Judges [J], people first.
        codes: Judgements [J, Q] of each aspect as codes, NaN where missing: the value's place in `VALUES` from 0,
            for difficulty the difficulty itself.
        outdated: Number of judgements of an earlier text, which do not count.
    """

    judges: tuple[Judge, ...]
    codes: Mapping[What, np.ndarray]
    outdated: int

    @property
    def number(self) -> int:
        """Number of questions with a current judgement."""
        return int(np.any([np.isfinite(own).any(axis=0) for own in self.codes.values()], axis=0).sum())

    def counts(self, judge: int) -> int:
        """Number of questions that a judge has judged, by its index."""
        return int(np.any([np.isfinite(own[judge]) for own in self.codes.values()], axis=0).sum())


class Agreement(Record):
    """Agreement of judgements of the same questions.

    Attributes:
        shared: Number of questions with two judgements or more.
        share: Share of their pairs of judgements that are equal; None without one.
        alpha: Krippendorff's alpha.
    """

    shared: int
    share: float | None
    alpha: Value


def collect_judgements(questions: Sequence[Question]) -> Judged:
    """Current judgements of questions; those of an earlier text are counted and left out."""
    found: dict[Judge, dict[tuple[What, int], float]] = {}
    outdated = 0
    for place, question in enumerate(questions):
        if COLUMN not in question.extra:
            continue
        every, now = judgements_of(question), judged_digest(question)
        current = [one for one in every if one.of == now]
        outdated += len(every) - len(current)
        for one in current:
            code = float(VALUES[one.what].index(one.value) + (one.what == "difficulty"))
            found.setdefault(Judge(name=one.judge, by=one.by), {})[one.what, place] = code
    judges = tuple(sorted(found, key=lambda judge: (judge.by != "person", judge.name)))
    codes = {what: np.full((len(judges), len(questions)), np.nan) for what in VALUES}
    for row, judge in enumerate(judges):
        for (what, place), code in found[judge].items():
            codes[what][row, place] = code
    return Judged(judges=judges, codes=codes, outdated=outdated)


def krippendorff_alpha(codes: Floats, scale: Scale = "nominal") -> Value:
    """Krippendorff's alpha of judgements.

    Args:
        codes: Judgements [J, Q] as codes, NaN where missing.
        scale: `nominal` for answers that are equal or not; `interval` for numbers, whose squared difference counts.

    Returns:
        Alpha, at most 1; undefined, with the reason, for fewer than two judges, fewer than `MIN_SHARED` questions
        with two judgements, or one answer throughout.
    """
    if (np.isfinite(codes).any(axis=1)).sum() < 2:
        return Value(value=None, why=Sentence("Agreement needs two judges."))
    shared = codes[:, np.isfinite(codes).sum(axis=0) >= 2]
    if shared.shape[1] < MIN_SHARED:
        return Value(
            value=None,
            why=Sentence(
                "{questions} with two judgements; {least} are needed.",
                questions=count(shared.shape[1], "question"),
                least=MIN_SHARED,
            ),
        )
    values = np.unique(shared[np.isfinite(shared)])
    if len(values) < 2:
        return Value(
            value=None,
            why=Sentence("All judges gave one and the same answer, so chance would agree as well."),
        )
    counts = (shared[..., None] == values).sum(axis=0).astype(float)  # [Q, V]
    distance = (
        (values[:, None] != values).astype(float) if scale == "nominal" else (values[:, None] - values) ** 2
    )
    number = counts.sum(axis=1)
    observed = (np.einsum("qv,vw,qw->q", counts, distance, counts) / (number - 1)).sum()
    total = counts.sum(axis=0)
    expected = total @ distance @ total / (total.sum() - 1)
    return Value(value=float(1 - observed / expected))


def agreement(codes: Floats, scale: Scale = "nominal") -> Agreement:
    """Agreement of judges with each other.

    Args:
        codes: Judgements [J, Q] as codes, NaN where missing.
        scale: As in `krippendorff_alpha`.
    """
    number = np.isfinite(codes).sum(axis=0)
    shared = codes[:, number >= 2]
    values = np.unique(shared[np.isfinite(shared)])
    counts = (shared[..., None] == values).sum(axis=0).astype(float)
    pairs = counts.sum(axis=1) * (counts.sum(axis=1) - 1)
    equal = (counts * (counts - 1)).sum()
    return Agreement(
        shared=shared.shape[1],
        share=float(equal / pairs.sum()) if pairs.sum() else None,
        alpha=krippendorff_alpha(codes, scale),
    )


def scale_of(what: What) -> Scale:
    """Scale of an aspect: numbers for difficulty, answers for the others."""
    return "interval" if what == "difficulty" else "nominal"


def judges_agreement(judged: Judged) -> dict[What, Agreement]:
    """Agreement of all judges with each other on each aspect that anybody has judged."""
    return {
        what: agreement(judged.codes[what], scale_of(what))
        for what in JUDGED
        if np.isfinite(judged.codes[what]).any()
    }


def agreement_with(judged: Judged, what: What, verdicts: Floats) -> list[Agreement]:
    """Agreement of each judge with another source of verdicts on one aspect, in the order of `judged.judges`.

    Args:
        judged: The judgements.
        what: Aspect.
        verdicts: Codes [Q] of the other source, NaN where it says nothing.
    """
    return [agreement(np.stack([own, verdicts]), scale_of(what)) for own in judged.codes[what]]


def relevance_verdicts(probability: Floats, accept_at: float) -> Floats:
    """Codes [Q] of the aspect *scientific* by relevance: 0 (yes) from `accept_at` on, else 1 (no).

    Args:
        probability: Probability [Q] that the rubric accepts each question.
        accept_at: Smallest probability of an accepted question.
    """
    return np.where(np.asarray(probability) >= accept_at, 0.0, 1.0)


def suspect_verdicts(found: SuspectList, ids: Sequence[str], told: Sequence[bool] | None = None) -> Floats:
    """Codes [Q] of the aspect *key* by suspects: 1 (wrong) for a doubted key, else 0, NaN where no key is judged.

    Args:
        found: Questions to check.
        ids: Ids of the questions [Q].
        told: Whether the models know each answer [Q], bool; None if all keys are judged.
    """
    if found.why is not None:
        return np.full(len(ids), np.nan)
    doubted = {one.question_id for one in found.listed if one.kind == "wrong key"}
    codes = np.array([float(name in doubted) for name in ids])
    return codes if told is None else np.where(np.asarray(told, bool), codes, np.nan)


def disagreements(judged: Judged) -> np.ndarray:
    """Mask [Q], bool, of the questions on which judges disagree: other answers, or difficulties `FAR` apart."""
    apart = np.zeros(next(iter(judged.codes.values())).shape[1], bool)
    for what in JUDGED:
        codes = judged.codes[what]
        low = np.min(codes, axis=0, initial=np.inf, where=np.isfinite(codes))
        high = np.max(codes, axis=0, initial=-np.inf, where=np.isfinite(codes))
        apart |= high - low >= (FAR if what == "difficulty" else 1)
    return apart


def reviews(questions: Sequence[Question]) -> list[str]:
    """Review state of each question, see `review_state`."""
    return [review_state(current_judgements(question)) for question in questions]


def review_state(current: Sequence[Judgement]) -> str:
    """Review state by a question's current judgements, oldest first: the latest of a person, "" without one."""
    return next((one.value for one in reversed(current) if one.what == "review"), "")
