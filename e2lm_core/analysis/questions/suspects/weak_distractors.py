"""Weak distractors and questions without signal: duplicate, unused and constant choices.

    alike_ab = 1 - rms(x_a - x_b) / sqrt(rms(x_a)^2 + rms(x_b)^2),   x_c = l_c - mean of all choices' l

over every complete checkpoint of every model, with l the log-likelihoods: two choices of the same meaning
have similar log-likelihoods in every model. A choice is a dead answer if no model ever prefers it. A question
is dead if every model answers it right, or every model answers it wrong, at every complete checkpoint.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from e2lm_core.analysis.questions.suspects.keys import probabilities
from e2lm_core.analysis.questions.suspects.records import Kind, Suspect
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.measurements import Measurements, ModelCurve

TWINS = 0.8
_AT_LEAST = 4  # complete checkpoints over all models
_BLOCK = 1 << 22  # log-likelihoods in memory at once: 32 MiB


def find_weak_distractors(measurements: Measurements) -> list[Suspect]:
    """Questions with twin answers, then with dead answers, then dead questions.

    Empty with fewer than four complete checkpoints over all models.
    """
    curves, chars = measurements.curves, measurements.chars
    whole = [np.flatnonzero(_complete(curve, chars)) for curve in curves]
    if sum(map(len, whole)) < _AT_LEAST or not len(chars):
        return []
    # Questions are processed in blocks, since intermediate arrays are several times as large as the results.
    some = max(1, _BLOCK // max(1, sum(map(len, whole)) * chars.shape[1]))
    parts = []
    for start in range(0, len(chars), some):
        questions = slice(start, start + some)
        ll = np.concatenate([curve.ll[at, questions] for curve, at in zip(curves, whole, strict=True)])
        parts.append((_likeness(ll), *_preferred(ll), _right(ll, measurements.gold[questions])))
    likeness, taken, most, right = (np.concatenate(part) for part in zip(*parts, strict=True))
    return [
        *_twins(measurements, likeness),
        *_dead_answers(measurements, taken, most),
        *_dead(measurements, right),
    ]


def _complete(curve: ModelCurve, chars: Floats) -> NDArray[np.bool_]:
    """Mask [K] of the complete checkpoints."""
    return np.array([(np.isfinite(ll) | np.isnan(chars)).all() for ll in curve.ll], bool)


def _pairs(choices: int) -> list[tuple[int, int]]:
    return list(itertools.combinations(range(choices), 2))


def _likeness(ll: Floats) -> Floats:
    """Likeness [Q, P] of the P pairs of choices."""
    centred = ll - np.nanmean(ll, axis=-1, keepdims=True)
    size = (centred**2).mean(axis=0)  # [Q, C]
    found = np.empty((ll.shape[1], len(_pairs(ll.shape[-1]))))
    for place, (a, b) in enumerate(_pairs(ll.shape[-1])):
        apart = ((centred[..., a] - centred[..., b]) ** 2).mean(axis=0)
        found[:, place] = 1 - np.sqrt(apart / np.maximum(size[:, a] + size[:, b], 1e-12))
    return found


def _preferred(ll: Floats) -> tuple[NDArray[np.bool_], Floats]:
    """Mask [Q, C] of the choices that a model ever prefers, and the highest probability of each choice."""
    chosen = probabilities(ll)
    return (chosen == chosen.max(axis=-1, keepdims=True)).any(axis=0), chosen.max(axis=0)


def _right(ll: Floats, gold: NDArray[np.intp]) -> NDArray[np.int8]:
    """Constant outcome [Q]: 1 for always right, 0 for always wrong, -1 for neither."""
    right = np.take_along_axis(ll, gold[None, :, None], axis=-1)[..., 0] >= np.nanmax(ll, axis=-1)
    return np.where((right == right[0]).all(axis=0), right[0], -1).astype(np.int8)


def _twins(measurements: Measurements, likeness: Floats) -> list[Suspect]:
    found = [
        _suspect(measurements, int(q), "twin answers", pair, float(likeness[q, place]))
        for place, pair in enumerate(_pairs(measurements.chars.shape[1]))
        for q in np.flatnonzero((likeness[:, place] >= TWINS) & (measurements.choice_counts > 2))
    ]
    return sorted(found, key=lambda suspect: -suspect.evidence)


def _dead_answers(measurements: Measurements, taken: NDArray[np.bool_], most: Floats) -> list[Suspect]:
    """Questions with wrong answers that are never preferred, unless only one choice ever is."""
    untaken = np.isfinite(measurements.chars) & ~taken
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


def _dead(measurements: Measurements, right: NDArray[np.int8]) -> list[Suspect]:
    """Dead questions, which neither tell models apart nor show learning."""
    return [_suspect(measurements, int(q), "dead", (), float(right[q])) for q in np.flatnonzero(right >= 0)]


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
