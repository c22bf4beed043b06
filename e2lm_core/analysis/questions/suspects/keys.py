"""Doubtful answer keys: questions whose key contradicts the best models.

    P_qc   = sum_m w_m p_mqc,     w_m ~ max(0, (acc_m - chance) / (1 - chance))^8
    doubt  = P_q,best - P_q,gold

with p_mqc model m's probability of choice c (softmax of the log-likelihoods) over the last quarter of its
checkpoints, and acc_m its accuracy there. A key is doubtful if another choice is more probable by `DOUBTED`.
A question may have two right answers if both are about equally probable and leave little for the rest. Models
with low accuracy on the set cannot judge its keys: then none is listed, and the reason is given. If only mini
models are measured, a question is left out unless one of its choices is known to them as the answer:
elsewhere a model can be confident and wrong.

The precision of the list when keys are flipped: docs/studies/suspects.md. Source of the idea: label errors
found by confident predictions, Northcutt et al., arXiv 1911.00068.
"""

from __future__ import annotations

import numpy as np

from e2lm_core.analysis.questions.suspects.records import Kind, Suspect, SuspectList
from e2lm_core.scores import metrics
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.measurements import Measurements, ModelCurve

DOUBTED = 0.55
SHARP = 8  # exponent of a model's knowledge in its weight: half the knowledge has almost no weight
# Largest difference of two choices' probabilities, and smallest sum, for two right answers.
LEVEL, TOGETHER = 0.15, 0.85
KNOWS = 0.5  # smallest position of the best model between chance (0) and all right (1)
TOLD = 0.5  # smallest share of answers that must be known to the mini models
_LATE = 0.25  # share of a model's checkpoints


def find_doubtful_keys(measurements: Measurements) -> SuspectList:
    """Questions with a doubtful answer key or with two right answers.

    None is listed, with the reason in `why`, without a complete checkpoint, if the best model is less than
    half of the way from chance to all right, or if only mini models are measured and fewer than half of the
    questions have an answer known to them.
    """
    curves = [curve for curve in measurements.curves if last_quarter(measurements, curve).size]
    if not curves or not len(measurements.gold):
        return SuspectList(
            listed=(), knowledge=None, why="No checkpoint is complete yet, so nothing can be told."
        )
    at = {curve.model.name: last_quarter(measurements, curve) for curve in curves}
    known_of = measurements.told if measurements.taught_of_all else None
    told = np.array(known_of or (True,) * len(measurements.gold), bool)
    left_out = int((~told).sum())
    if told.mean() < TOLD:
        return SuspectList(
            listed=(),
            knowledge=None,
            left_out=left_out,
            why="The models do not know these answers well enough to doubt a key: they were told of "
            f"{told.sum():,} of the {len(told):,} questions.",
        )
    knowledge = {
        curve.model.name: _knowledge(measurements, curve, at[curve.model.name], told) for curve in curves
    }
    best = max(knowledge.values())
    if best < KNOWS:
        return SuspectList(
            listed=(),
            knowledge=best,
            left_out=left_out,
            why=f"The models do not know these answers well enough to doubt a key: the best is {best:.0%} of the way from "
            f"chance to all right, and {KNOWS:.0%} is needed.",
        )
    judges = [curve for curve in curves if knowledge[curve.model.name] > 0]
    weights = np.array([knowledge[curve.model.name] ** SHARP for curve in judges])
    chosen = np.stack([probabilities(curve.ll[at[curve.model.name]]).mean(axis=0) for curve in judges])
    pooled = np.tensordot(weights / weights.sum(), chosen, axes=1)
    agreeing = chosen.argmax(axis=-1)
    known = {i for i, one in zip(measurements.question_ids, told, strict=True) if one}
    found = (*_wrong(measurements, pooled, agreeing), *_double(measurements, pooled, agreeing))
    listed = tuple(suspect for suspect in found if suspect.question_id in known)
    return SuspectList(listed=listed, knowledge=best, left_out=left_out)


def probabilities(ll: Floats) -> Floats:
    """Probabilities [..., C] of the choices: softmax of log-likelihoods `ll` [..., C] in nats.

    A choice that does not exist is NaN in `ll` and has probability 0.
    """
    filled = np.where(np.isnan(ll), -np.inf, ll)
    powers = np.exp(filled - filled.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def last_quarter(measurements: Measurements, model_curve: ModelCurve) -> np.ndarray:
    """Indices [K] (int) of the last quarter of a model's complete checkpoints, at least one if any is."""
    complete = np.flatnonzero(np.isfinite(measurements.values(model_curve.model.name, "acc")))
    return complete[-max(1, round(_LATE * len(complete))) :] if complete.size else complete


def _knowledge(measurements: Measurements, curve: ModelCurve, at: np.ndarray, told: np.ndarray) -> float:
    accuracy = float(measurements.per_question[curve.model.name]["acc"][at][:, told].mean())
    chance = metrics.chance(measurements.choice_counts[told])
    return max(0.0, (accuracy - chance) / (1 - chance)) if chance < 1 else 0.0


def _wrong(measurements: Measurements, pooled: Floats, agreeing: np.ndarray) -> list[Suspect]:
    gold = measurements.gold
    best = pooled.argmax(axis=-1)
    doubt = pooled.max(axis=-1) - pooled[np.arange(len(gold)), gold]
    return [
        _suspect(measurements, int(q), "wrong key", int(best[q]), float(doubt[q]), agreeing)
        for q in np.argsort(-doubt, kind="stable")
        if doubt[q] > DOUBTED
    ]


def _double(measurements: Measurements, pooled: Floats, agreeing: np.ndarray) -> list[Suspect]:
    """Questions with the right answer and one other about equally probable, among three choices or more."""
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
        about=(rather,),
        evidence=evidence,
        models=int((agreeing[:, q] == rather).sum()),
        of=len(agreeing),
    )
