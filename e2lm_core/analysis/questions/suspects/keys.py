"""Which questions' keys look wrong, from results alone: what the models that know most of the set answer instead.

    P_qc   = sum_m w_m p_mqc,     w_m ~ max(0, (acc_m - chance) / (1 - chance))^2
    doubt  = P_q,best - P_q,gold

with p_mqc model m's probability of choice c (softmax of the log-likelihoods) over the last quarter of its checkpoints,
and acc_m its accuracy there. A key is suspected where another choice is more probable by `DOUBTED`; a question may
have two right answers where both stand level and leave nothing for the rest; it is dead where every model answers it
alike at every checkpoint. Models that do not know the set cannot judge its keys: then nothing is listed, and why.

On keys of ladder_science flipped at random (5%, 20 plantings) the list has a mean precision of .93 and holds .81 of
those that the large models answered right before; the bound was chosen on ladder_general. Source of the idea: label
errors found by confident predictions, Northcutt et al., arXiv 1911.00068.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from e2lm_core.base import phrasing
from e2lm_core.base.records import Question, Record
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.measurements import Measurements, ModelCurve

DOUBTED = 0.5
LEVEL, TOGETHER = 0.15, 0.85  # two choices so near each other that hold so much between them
KNOWS = 0.5  # how far from chance to 1 the best model must be to judge
_LATE = 0.25  # of a model's checkpoints
_DEAD_AT_LEAST = 4  # checkpoints, of all models together

Kind = Literal["wrong key", "two right answers", "dead"]


class Suspect(Record):
    """A question and why: `evidence` is the doubt of a wrong key, what two answers hold together, or the one answer.

    `rather` is the choice that the models take for right, None for a dead question.
    """

    question_id: str
    kind: Kind
    gold: int
    rather: int | None
    evidence: float
    models: int


class Suspects(Record):
    """Suspected questions, the plainest first; `why` there can be none, where the models do not know enough."""

    listed: tuple[Suspect, ...]
    knowledge: float | None
    why: str | None = None


def suspects(measurements: Measurements) -> Suspects:
    """The questions whose keys the models doubt, those with two right answers, and those that nobody parts on."""
    curves = [curve for curve in measurements.curves if _late(measurements, curve).size]
    if not curves or not len(measurements.gold):
        return Suspects(
            listed=(), knowledge=None, why="No checkpoint is complete yet, so nothing can be told."
        )
    late = {curve.model.name: _late(measurements, curve) for curve in curves}
    knowledge = {
        curve.model.name: _knowledge(measurements, curve, late[curve.model.name]) for curve in curves
    }
    best = max(knowledge.values())
    dead = _dead(measurements, curves)
    if best < KNOWS:
        return Suspects(
            listed=tuple(dead),
            knowledge=best,
            why=f"The models do not know these answers well enough to doubt a key: the best is {best:.0%} of the way from "
            f"chance to all right, and {KNOWS:.0%} is needed.",
        )
    judges = [curve for curve in curves if knowledge[curve.model.name] > 0]
    weights = np.array([knowledge[curve.model.name] ** 2 for curve in judges])
    chosen = np.stack([probabilities(curve.ll[late[curve.model.name]]).mean(axis=0) for curve in judges])
    pooled = np.tensordot(weights / weights.sum(), chosen, axes=1)
    agreeing = chosen.argmax(axis=-1)
    listed = [*_doubted(measurements, pooled, agreeing), *_double(measurements, pooled, agreeing), *dead]
    return Suspects(listed=tuple(listed), knowledge=best)


def probabilities(ll: Floats) -> Floats:
    """softmax over the choices, [..., C]; 0 where there is no choice."""
    filled = np.where(np.isnan(ll), -np.inf, ll)
    powers = np.exp(filled - filled.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _late(measurements: Measurements, curve: ModelCurve) -> np.ndarray:
    """The last quarter of a model's complete checkpoints, at least one."""
    complete = np.flatnonzero(np.isfinite(measurements.values(curve.model.name, "acc")))
    return complete[-max(1, round(_LATE * len(complete))) :] if complete.size else complete


def _knowledge(measurements: Measurements, curve: ModelCurve, late: np.ndarray) -> float:
    accuracy = float(measurements.per_question[curve.model.name]["acc"][late].mean())
    chance = measurements.chance
    return max(0.0, (accuracy - chance) / (1 - chance)) if chance < 1 else 0.0


def _doubted(measurements: Measurements, pooled: Floats, agreeing: np.ndarray) -> list[Suspect]:
    gold = measurements.gold
    best = pooled.argmax(axis=-1)
    doubt = pooled.max(axis=-1) - pooled[np.arange(len(gold)), gold]
    return [
        _suspect(measurements, int(q), "wrong key", int(best[q]), float(doubt[q]), agreeing)
        for q in np.argsort(-doubt, kind="stable")
        if doubt[q] > DOUBTED
    ]


def _double(measurements: Measurements, pooled: Floats, agreeing: np.ndarray) -> list[Suspect]:
    """Gold and one other level, with little left: only where there are three choices or more."""
    found = []
    for q, gold in enumerate(measurements.gold):
        others = pooled[q].copy()
        others[gold] = -1.0
        second = int(others.argmax())
        together = float(pooled[q, gold] + pooled[q, second])
        level = abs(float(pooled[q, gold] - pooled[q, second])) <= LEVEL
        if measurements.choice_counts[q] > 2 and level and together >= TOGETHER:
            found.append(_suspect(measurements, q, "two right answers", second, together, agreeing))
    return sorted(found, key=lambda suspect: -suspect.evidence)


def _suspect(
    measurements: Measurements, q: int, kind: Kind, rather: int, evidence: float, agreeing: np.ndarray
) -> Suspect:
    return Suspect(
        question_id=measurements.question_ids[q],
        kind=kind,
        gold=int(measurements.gold[q]),
        rather=rather,
        evidence=evidence,
        models=int((agreeing[:, q] == rather).sum()),
    )


def _dead(measurements: Measurements, curves: list[ModelCurve]) -> list[Suspect]:
    """Answered alike, right or wrong, by every model at every complete checkpoint: it parts nobody and shows no rise."""
    answers = np.concatenate([measurements.per_question[c.model.name]["acc"] for c in curves])
    whole = answers[np.isfinite(answers).all(axis=1)]
    if len(whole) < _DEAD_AT_LEAST:
        return []
    alike = (whole == whole[0]).all(axis=0)
    return [
        Suspect(
            question_id=measurements.question_ids[q],
            kind="dead",
            gold=int(measurements.gold[q]),
            rather=None,
            evidence=float(whole[0, q]),
            models=len(curves),
        )
        for q in np.flatnonzero(alike)
    ]


# --- in words and as a table ------------------------------------------------------------------------------


def finding(found: Suspects) -> str:
    """How many questions of each kind there are, or why none can be told."""
    kinds = [suspect.kind for suspect in found.listed]
    said = [
        f"**{kinds.count(kind):,}** {words}"
        for kind, words in (
            ("wrong key", "with a key that the models doubt"),
            ("two right answers", "that may have two right answers"),
            ("dead", "that every model answers alike throughout"),
        )
        if kind in kinds
    ]
    listed = f"Questions to look at: {phrasing.listing(said)}." if said else "No question stands out."
    return f"{found.why} {listed if said else ''}".strip() if found.why else listed


def frame(found: Suspects, questions: Sequence[Question]) -> pd.DataFrame:
    """One row a suspect: id, why, key, rather, evidence, models (that answer so), question."""
    by_id = {question.id: question for question in questions}
    rows = []
    for suspect in found.listed:
        question = by_id[suspect.question_id]
        rows.append(
            {
                "id": suspect.question_id,
                "why": suspect.kind,
                "key": question.choices[suspect.gold],
                "rather": None if suspect.rather is None else question.choices[suspect.rather],
                "evidence": suspect.evidence,
                "models": suspect.models,
                "question": question.question,
            }
        )
    return pd.DataFrame(rows, columns=["id", "why", "key", "rather", "evidence", "models", "question"])
