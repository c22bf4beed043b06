"""Doubtful answer keys: questions whose key contradicts the best models.

    P_qc   = sum_m w_m p_mqc,     w_m ~ max(0, (acc_m - chance) / (1 - chance))^8
    doubt  = P_q,best - P_q,gold

with p_mqc model m's probability of choice c (softmax of the log-likelihoods) over the last quarter of its
checkpoints, and acc_m its accuracy there. A key is doubtful if another choice is more probable by `DOUBTED` and
the list up to it holds `MIN_RIGHT` wrong keys or more of all that it lists, by a mixture of two reasons to
contradict a key: a wrong key, as often at every confidence, and an error of the models, rarer the surer they are:

    P(contradicted | z) = e + (1 - e) / (1 + exp(b (z - a))),     z = ln(P_q,best / P_q,second)
    P(wrong | contradicted, z) = e / P(contradicted | z)

with e, a and b of the highest likelihood on the set itself. So models that know little list nothing, be their
share of wrong keys large or small. In a set of groups of which every choice is right once, a key that another question
of its group has is doubtful by that alone (`broken_groups`). A question may have two right answers if the best models, each by itself, hesitate
between both and leave little for the rest,

    sum_m w_m mean_k min(p_mkq,gold, p_mkq,other) >= HESITATE,

over checkpoints k. Means over models alone would not do: of models that are sure of different answers some are wrong,
and together they look undecided. One or two models hesitate by chance as well, so `JUDGES` must weigh in. Models
with low accuracy on the set cannot judge its keys: then none is listed, and the reason is given. If only mini
models are measured, a question is left out unless one of its choices is known to them as the answer:
elsewhere a model can be confident and wrong.

The precision of the list when keys are flipped: docs/studies/suspects.md. Source of the idea: label errors
found by confident predictions, Northcutt et al., arXiv 1911.00068.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from e2lm_core.analysis.questions.suspects.broken_groups import Misplaced, find_misplaced
from e2lm_core.analysis.questions.suspects.records import Kind, Suspect, SuspectList
from e2lm_core.base.sentences import Sentence
from e2lm_core.scores import metrics
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.measurements import Measurements, ModelCurve

DOUBTED = 0.8
MIN_RIGHT = 0.85  # expected share of wrong keys in the list
SHARP = 8  # exponent of a model's knowledge in its weight: half the knowledge has almost no weight
# Smallest sum of two choices' probabilities for two right answers, and smallest mean of the lesser one in each model.
TOGETHER, HESITATE = 0.85, 0.3
JUDGES = 2.5  # smallest number of judges, 1 / sum_m w_m^2, that can tell two right answers
KNOWS = 0.82  # smallest position of the best model between chance (0) and all right (1), wrong keys aside
KNOWS_GROUPS = 0.5  # the same for keys that another question of a group has
TOLD = 0.5  # smallest share of answers that must be known to the mini models
_LATE = 0.25  # share of a model's checkpoints
# The grid of the mixture: shares of wrong keys e, confidence a at which errors halve, and steepness b.
_WRONG, _HALF = np.arange(0, 0.5, 0.01), np.linspace(-2, 4, 25)
_STEEP = np.array([0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0])
_BINS, _MAX_Z = 24, 8.0


def find_doubtful_keys(measurements: Measurements) -> SuspectList:
    """Questions with a doubtful answer key or with two right answers.

    None is listed, with the reason in `why`, without a complete checkpoint, if the best model is less than
    `KNOWS` of the way from chance to all right, wrong keys aside, or if only mini models are measured and fewer
    than half of the questions have an answer known to them.
    """
    curves = [curve for curve in measurements.curves if last_quarter(measurements, curve).size]
    if not curves or not len(measurements.gold):
        return SuspectList(
            listed=(), knowledge=None, why=Sentence("No checkpoint is complete yet, so nothing can be told.")
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
            why=Sentence(
                "The models do not know these answers well enough to doubt a key: they were told of "
                "{told} of the {all} questions.",
                told=int(told.sum()),
                all=len(told),
            ),
        )
    knowledge = {
        curve.model.name: _knowledge(measurements, curve, at[curve.model.name], told) for curve in curves
    }
    best = max(knowledge.values())
    if best == 0.0:
        return _not_known(best, left_out)
    judges = [curve for curve in curves if knowledge[curve.model.name] > 0]
    weights = np.array([knowledge[curve.model.name] ** SHARP for curve in judges])
    weights /= weights.sum()
    late = [probabilities(curve.ll[at[curve.model.name]]) for curve in judges]
    chosen = np.stack([one.mean(axis=0) for one in late])
    pooled = np.tensordot(weights, chosen, axes=1)
    wrong_share, is_wrong = _wrong_probabilities(pooled[told], measurements.gold[told])
    chance = metrics.chance(measurements.choice_counts[told])
    knows = best / max(1 - wrong_share / (1 - chance), 1e-9) >= KNOWS
    misplaced = find_misplaced(measurements, pooled) if best >= KNOWS_GROUPS else []
    if not knows and not misplaced:
        return _not_known(best, left_out)
    posterior = np.zeros(len(told))
    posterior[told] = is_wrong if knows else 0.0
    agreeing = chosen.argmax(axis=-1)
    known = {i for i, one in zip(measurements.question_ids, told, strict=True) if one}
    wrong, expected_false = _wrong(measurements, pooled, agreeing, posterior, misplaced)
    found = (*wrong, *(_double(measurements, pooled, agreeing, late, weights) if knows else ()))
    listed = tuple(suspect for suspect in found if suspect.question_id in known)
    return SuspectList(
        listed=listed,
        knowledge=best,
        left_out=left_out,
        why=None if knows else _too_little(best, Sentence("other wrong answer keys")),
        expected_false=expected_false,
    )


def _not_known(best: float, left_out: int) -> SuspectList:
    return SuspectList(
        listed=(),
        knowledge=best,
        left_out=left_out,
        why=_too_little(best, Sentence("wrong answer keys")),
    )


def _too_little(best: float, sought: str) -> str:
    return Sentence(
        "The models know too little to find {sought} here (the best model is {best} of the way "
        "from chance to all right; {knows} is needed).",
        sought=sought,
        best=f"{best:.0%}",
        knows=f"{KNOWS:.0%}",
    )


def _wrong_probabilities(pooled: Floats, gold: np.ndarray) -> tuple[float, Floats]:
    """Lower bound of the share e of wrong keys, and P(wrong) of each question [Q], 0 where the key is answered.

    The bound is the smallest e whose likelihood is not rejected at 5%.

    Args:
        pooled: Probabilities [Q, C] of the judges together.
        gold: Index of the right choice [Q].
    """
    ordered = np.sort(pooled, axis=-1)
    if ordered.shape[-1] < 2 or not len(gold):
        return 0.0, np.zeros(len(gold))
    z = np.minimum(np.log(ordered[:, -1] / np.maximum(ordered[:, -2], 1e-9)), _MAX_Z)
    contradicted = pooled.argmax(axis=-1) != gold
    edges = np.quantile(z, np.linspace(0, 1, _BINS + 1))
    at = np.clip(np.searchsorted(edges, z, side="right") - 1, 0, _BINS - 1)
    number = np.bincount(at, minlength=_BINS)
    out = np.bincount(at, weights=contradicted, minlength=_BINS)
    mean = np.bincount(at, weights=z, minlength=_BINS) / np.maximum(number, 1)
    e, a, b = np.meshgrid(_WRONG, _HALF, _STEEP, indexing="ij")
    chance = e[..., None] + (1 - e[..., None]) * _error(mean, a[..., None], b[..., None])
    chance = np.clip(chance, 1e-6, 1 - 1e-6)
    likelihood = (out * np.log(chance) + (number - out) * np.log(1 - chance)).sum(axis=-1)
    best = np.unravel_index(likelihood.argmax(), likelihood.shape)
    share = float(e[best])
    wrong = share / np.maximum(share + (1 - share) * _error(z, a[best], b[best]), 1e-12)
    of_share = likelihood.max(axis=(1, 2))
    return float(_WRONG[of_share >= of_share.max() - 1.92][0]), np.where(contradicted, wrong, 0.0)


def _error(z: Floats, half: Floats, steep: Floats) -> Floats:
    """Probability of an error of the models at confidence z."""
    return np.asarray(1 / (1 + np.exp(steep * (z - half))), np.float64)


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


def _wrong(
    measurements: Measurements,
    pooled: Floats,
    agreeing: np.ndarray,
    posterior: Floats,
    misplaced: Sequence[Misplaced],
) -> tuple[list[Suspect], float]:
    """Doubtful keys, the most doubted first, and the expected number of right ones among them."""
    gold = measurements.gold
    best = pooled.argmax(axis=-1)
    doubt = pooled.max(axis=-1) - pooled[np.arange(len(gold)), gold]
    order = np.argsort(-posterior, kind="stable")
    order = order[(doubt[order] > DOUBTED) & (posterior[order] > 0)]
    enough = np.flatnonzero(posterior[order].cumsum() / np.arange(1, len(order) + 1) >= MIN_RIGHT)
    listed = order[: enough[-1] + 1] if enough.size else order[:0]
    is_wrong = posterior.copy()
    for one in misplaced:
        q = one.question
        if one.probability >= MIN_RIGHT and one.rather == best[q] and q not in listed:
            listed, is_wrong[q] = np.append(listed, q), one.probability
    found = [
        _suspect(measurements, int(q), "wrong key", int(best[q]), float(doubt[q]), agreeing)
        for q in listed[np.argsort(-doubt[listed], kind="stable")]
    ]
    return found, float((1 - is_wrong[listed]).sum())


def _double(
    measurements: Measurements,
    pooled: Floats,
    agreeing: np.ndarray,
    late: Sequence[Floats],
    weights: Floats,
) -> list[Suspect]:
    """Questions of three choices or more between whose right answer and one other the judges each hesitate.

    Args:
        measurements: Results of the set.
        pooled: Probabilities [Q, C] of the judges together.
        agreeing: Choice [M, Q] that each judge prefers.
        late: Probabilities [K, Q, C] of each judge.
        weights: Weight [M] of each judge; they sum to 1.
    """
    if 1 / (weights**2).sum() < JUDGES:
        return []
    questions, gold = np.arange(len(measurements.gold)), measurements.gold
    others = pooled.copy()
    others[questions, gold] = -1.0
    second = others.argmax(axis=-1)
    together = pooled[questions, gold] + pooled[questions, second]
    lesser = [np.minimum(p[:, questions, gold], p[:, questions, second]).mean(axis=0) for p in late]
    hesitate = np.tensordot(weights, np.stack(lesser), axes=1)
    doubled = (measurements.choice_counts > 2) & (together >= TOGETHER) & (hesitate >= HESITATE)
    found = [
        _suspect(measurements, int(q), "two right answers", int(second[q]), float(together[q]), agreeing)
        for q in np.flatnonzero(doubled)
    ]
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
