"""Answers that cannot be told apart or that nobody takes, and questions that part nobody.

    alike_ab = 1 - rms(x_a - x_b) / sqrt(rms(x_a)^2 + rms(x_b)^2),   x_c = l_c - mean of all choices' l

over every complete checkpoint of every model, l the log-likelihoods: two choices that mean the same are alike whenever
a model is asked. A choice is dead where no model ever prefers it, and a question where every model answers it
alike throughout.
"""

from __future__ import annotations

import numpy as np

from e2lm_core.analysis.questions.suspects.keys import probabilities
from e2lm_core.analysis.questions.suspects.records import Kind, Suspect
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.measurements import Measurements, ModelCurve

TWINS = 0.8
_AT_LEAST = 4  # checkpoints, of all models together


def alike(measurements: Measurements) -> list[Suspect]:
    """Twin answers, then dead ones, then dead questions; none where too few checkpoints are complete."""
    curves = list(measurements.curves)
    whole = [_complete(measurements, curve) for curve in curves]
    ll = np.concatenate([curve.ll[at] for curve, at in zip(curves, whole, strict=True)]) if curves else None
    if ll is None or len(ll) < _AT_LEAST or not ll.shape[1]:
        return []
    return [*_twins(measurements, ll), *_dead_answers(measurements, ll), *_dead(measurements, ll)]


def _complete(measurements: Measurements, curve: ModelCurve) -> np.ndarray:
    return np.flatnonzero((np.isfinite(curve.ll) | np.isnan(measurements.chars)).all(axis=(1, 2)))


def _twins(measurements: Measurements, ll: Floats) -> list[Suspect]:
    centred = ll - np.nanmean(ll, axis=-1, keepdims=True)
    size = (centred**2).mean(axis=0)  # [Q, C]
    found = []
    for a in range(ll.shape[-1]):
        for b in range(a + 1, ll.shape[-1]):
            apart = ((centred[..., a] - centred[..., b]) ** 2).mean(axis=0)
            likeness = 1 - np.sqrt(apart / np.maximum(size[:, a] + size[:, b], 1e-12))
            found += [
                _suspect(measurements, int(q), "twin answers", (a, b), float(likeness[q]))
                for q in np.flatnonzero((likeness >= TWINS) & (measurements.choice_counts > 2))
            ]
    return sorted(found, key=lambda suspect: -suspect.evidence)


def _dead_answers(measurements: Measurements, ll: Floats) -> list[Suspect]:
    """Questions with choices that are never preferred, where a wrong one is; a question that is dead itself stands apart."""
    chosen = probabilities(ll)
    taken = (chosen == chosen.max(axis=-1, keepdims=True)).any(axis=0)  # [Q, C]
    real, most = np.isfinite(measurements.chars), chosen.max(axis=0)
    untaken = real & ~taken
    untaken[np.arange(len(taken)), measurements.gold] = False
    parted = taken.sum(axis=1) > 1
    found = [
        _suspect(
            measurements,
            int(q),
            "dead answer",
            tuple(int(c) for c in np.flatnonzero(untaken[q])),
            float(most[q][untaken[q]].max()),
        )
        for q in np.flatnonzero(untaken.any(axis=1) & parted)
    ]
    return sorted(found, key=lambda suspect: suspect.evidence)


def _dead(measurements: Measurements, ll: Floats) -> list[Suspect]:
    """Answered alike, right or wrong, by every model at every complete checkpoint: it parts nobody and shows no rise."""
    gold = measurements.gold[None, :, None]
    right = np.take_along_axis(ll, gold, axis=-1)[..., 0] >= np.nanmax(ll, axis=-1)
    return [
        _suspect(measurements, int(q), "dead", (), float(right[0, q]))
        for q in np.flatnonzero((right == right[0]).all(axis=0))
    ]


def _suspect(
    measurements: Measurements, q: int, kind: Kind, about: tuple[int, ...], evidence: float
) -> Suspect:
    return Suspect(
        question_id=measurements.question_ids[q],
        kind=kind,
        gold=int(measurements.gold[q]),
        about=about,
        evidence=evidence,
        models=len(measurements.curves),
        of=len(measurements.curves),
    )
