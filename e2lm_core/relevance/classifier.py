"""How likely the organisers' rubric would accept a question, from its sentence embedding.

A logistic regression on normalised embeddings, calibrated by Platt's method on out-of-fold scores, and a
multinomial one over the fields of science and scholarship. Both are plain fitted numbers: they are kept
as arrays, and no embedding model is known here. Everything is deterministic.

Shapes: N rows, D dimensions, F fields.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

NO_FIELD = "none"
FIELDS = (
    "physics",
    "chemistry",
    "biology",
    "earth & space",
    "mathematics",
    "computing",
    "medicine",
    "engineering",
    "social science",
    "humanities",
    NO_FIELD,
)
ACCEPT_AT = 0.5  # of a calibrated probability: more likely accepted than not

_FOLDS = 5
_INVERSE_PENALTIES = tuple(float(c) for c in np.geomspace(0.1, 300, 8))
_FIELD_INVERSE_PENALTY = 30.0


def sigmoid(x: Array) -> Array:
    """1 / (1 + e^-x), without overflow."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


@dataclass(frozen=True)
class Classifier:
    """probability = σ(slope · (weights · x + bias) + offset); field = argmax(field_weights · x + field_bias).

    `weights` [D], `field_weights` [F, D], `field_bias` [F], `field_names` of length F. `inverse_penalty`
    is the C that cross-validation chose. `folded` [N] are the calibrated probabilities that the rows it was fitted on
    had from fits without them, and `labels` [N] what they are: what its reliability is read from.
    """

    weights: Array
    bias: float
    slope: float
    offset: float
    field_weights: Array
    field_bias: Array
    field_names: tuple[str, ...]
    inverse_penalty: float
    folded: Array
    labels: Array

    @classmethod
    def fit(
        cls,
        embeddings: Array,
        labels: Sequence[bool] | Array,
        fields: Sequence[str],
        groups: Sequence[Any] | Array | None = None,
    ) -> Classifier:
        """Fit on embeddings [N, D], labels [N] (True: accepted) and fields [N] (`none` where rejected).

        Rows of one group (the same exemplar worded twice) never part between folds, so that neither the
        penalty nor the calibration is chosen on rows that were all but seen. C minimises the out-of-fold
        log loss; Platt's slope and offset are fitted to the out-of-fold scores at that C, with his
        smoothed targets (Platt 1999, "Probabilistic outputs for support vector machines"), as the scores
        of rows that were trained on are too sure of themselves.

        Raises ValueError when lengths differ, a field is unknown, an accepted row has no field, or fewer
        than five groups of either label are given.
        """
        # A second to import, and a cached fit needs none.
        from sklearn.linear_model import LogisticRegression

        x, y = np.asarray(embeddings, dtype=np.float64), np.asarray(labels, dtype=bool)
        rows = range(len(x)) if groups is None else groups
        members = np.unique(np.asarray(rows), return_inverse=True)[1]
        _check(x, y, fields, members)
        inverse_penalty, scores = _best_penalty(x, y, _folds(y, members))
        slope, offset = _platt(scores, y)
        model = LogisticRegression(C=inverse_penalty, max_iter=2000).fit(x, y)
        field_names, field_weights, field_bias = _fit_fields(x[y], np.asarray(fields, dtype=object)[y])
        return cls(
            weights=model.coef_[0],
            bias=float(model.intercept_[0]),
            slope=slope,
            offset=offset,
            field_weights=field_weights,
            field_bias=field_bias,
            field_names=field_names,
            inverse_penalty=inverse_penalty,
            folded=sigmoid(slope * scores + offset),
            labels=y,
        )

    def probability(self, embeddings: Array) -> Array:
        """Calibrated probability of acceptance [N] of embeddings [N, D]."""
        scores = np.asarray(embeddings, dtype=np.float64) @ self.weights + self.bias
        return sigmoid(self.slope * scores + self.offset)

    def nearest_field(self, embeddings: Array) -> list[str]:
        """The nearest of the ten fields [N], whether or not the question would be accepted."""
        scores = np.asarray(embeddings, dtype=np.float64) @ self.field_weights.T + self.field_bias
        return [self.field_names[k] for k in scores.argmax(axis=1)]

    def field(self, embeddings: Array) -> list[str]:
        """The nearest field [N], and `none` where the probability is below `ACCEPT_AT`."""
        accepted = self.probability(embeddings) >= ACCEPT_AT
        nearest = self.nearest_field(embeddings)
        return [name if ok else NO_FIELD for name, ok in zip(nearest, accepted, strict=True)]

    def to_arrays(self) -> dict[str, Array]:
        """Plain arrays, for a cache."""
        return {name: np.asarray(getattr(self, name)) for name in self.__dataclass_fields__}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> Classifier:
        """The inverse of `to_arrays`."""
        return cls(
            weights=arrays["weights"],
            bias=float(arrays["bias"]),
            slope=float(arrays["slope"]),
            offset=float(arrays["offset"]),
            field_weights=arrays["field_weights"],
            field_bias=arrays["field_bias"],
            field_names=tuple(str(name) for name in arrays["field_names"]),
            inverse_penalty=float(arrays["inverse_penalty"]),
            folded=arrays["folded"],
            labels=arrays["labels"],
        )


def map_2d(exemplars: Array, questions: Array) -> tuple[Array, Array]:
    """The two principal components of exemplars [N, D], and questions [Q, D] on them: [N, 2], [Q, 2].

    The axes come from the exemplars alone, so that a set's points stay where they are while it is edited.
    Each axis points so that its largest loading is positive, which makes the map deterministic.
    Raises ValueError for fewer than three exemplars or two dimensions.
    """
    base = np.asarray(exemplars, dtype=np.float64)
    if base.ndim != 2 or base.shape[0] < 3 or base.shape[1] < 2:
        raise ValueError(f"a map needs at least three exemplars in two dimensions, not {base.shape}")
    centre = base.mean(axis=0)
    axes = _axes((base - centre).tobytes(), base.shape[1])
    points = np.asarray(questions, dtype=np.float64).reshape(-1, base.shape[1])
    return (base - centre) @ axes.T, (points - centre) @ axes.T


@functools.lru_cache(maxsize=2)  # of the same exemplars, which take half a second
def _axes(centred: bytes, dimensions: int) -> Array:
    axes = np.linalg.svd(np.frombuffer(centred).reshape(-1, dimensions), full_matrices=False)[2][:2]
    largest = np.abs(axes).argmax(axis=1)
    return axes * np.sign(axes[[0, 1], largest])[:, None]


def _check(x: Array, y: Array, fields: Sequence[str], members: Array) -> None:
    if x.ndim != 2 or not len(x) == len(y) == len(fields) == len(members):
        raise ValueError(
            f"{x.shape} embeddings, {len(y)} labels, {len(fields)} fields, {len(members)} groups"
        )
    if unknown := sorted(set(fields) - set(FIELDS)):
        raise ValueError(f"unknown fields {unknown}; use {', '.join(FIELDS)}")
    if any((name == NO_FIELD) == bool(ok) for name, ok in zip(fields, y, strict=True)):
        raise ValueError("an accepted row needs a field, and a rejected one has 'none'")
    if min(len(np.unique(members[y])), len(np.unique(members[~y]))) < _FOLDS:
        raise ValueError(f"cross-validation needs at least {_FOLDS} exemplars of either label")


def _folds(y: Array, members: Array) -> Array:
    """Fold number of each row [N]: the groups of either label dealt out in turn, in order of appearance."""
    fold = np.empty(len(y), dtype=int)
    for label in (True, False):
        rows = np.flatnonzero(y == label)
        _, first, group = np.unique(members[rows], return_index=True, return_inverse=True)
        order = np.empty(len(first), dtype=int)
        order[np.argsort(first)] = np.arange(len(first))
        fold[rows] = order[group] % _FOLDS
    return fold


def _best_penalty(x: Array, y: Array, folds: Array) -> tuple[float, Array]:
    """The C with the least out-of-fold log loss, the smallest of equals, and the scores [N] at it."""
    candidates = [
        (_log_loss(y, scores), c, scores)
        for c in _INVERSE_PENALTIES
        for scores in [_out_of_fold(x, y, folds, c)]
    ]
    _, chosen, scores = min(candidates, key=lambda candidate: candidate[:2])
    return chosen, scores


def _fit_fields(x: Array, fields: Array) -> tuple[tuple[str, ...], Array, Array]:
    """Names of the F fields of accepted rows, and their weights [F, D] and bias [F]."""
    from sklearn.linear_model import LogisticRegression

    names, codes = np.unique(fields.astype(str), return_inverse=True)
    if len(names) > 2:
        model = LogisticRegression(C=_FIELD_INVERSE_PENALTY, max_iter=2000, class_weight="balanced")
        model.fit(x, codes)
        weights, bias = model.coef_, model.intercept_
    else:
        # The library fits one row for two classes and refuses one class: nearest centroid instead.
        weights = np.stack([x[codes == k].mean(axis=0) for k in range(len(names))])
        bias = -0.5 * (weights**2).sum(axis=1)
    return tuple(str(name) for name in names), weights, bias


def _out_of_fold(x: Array, y: Array, folds: Array, inverse_penalty: float) -> Array:
    """Score (log odds) of each row [N] by the model that was trained on the other folds."""
    from sklearn.linear_model import LogisticRegression

    scores = np.empty(len(y))
    for k in range(_FOLDS):
        left_out = folds == k
        model = LogisticRegression(C=inverse_penalty, max_iter=2000).fit(x[~left_out], y[~left_out])
        scores[left_out] = model.decision_function(x[left_out])
    return scores


def _log_loss(y: Array, scores: Array) -> float:
    """Mean of log(1 + e^∓score)."""
    return float(np.logaddexp(0, np.where(y, -scores, scores)).mean())


def _platt(scores: Array, y: Array) -> tuple[float, float]:
    """Slope and offset that minimise the cross-entropy against Platt's targets, by Newton's method.

    Targets (n⁺+1)/(n⁺+2) and 1/(n⁻+2) instead of 1 and 0 keep the slope finite on separable scores.
    """
    target = np.where(y, (y.sum() + 1) / (y.sum() + 2), 1 / ((~y).sum() + 2))
    design = np.column_stack([scores, np.ones_like(scores)])
    theta = np.zeros(2)

    def loss(at: Array) -> float:
        z = design @ at
        return float((np.logaddexp(0, z) - target * z).sum())

    for _ in range(100):
        p = sigmoid(design @ theta)
        gradient = design.T @ (p - target)
        hessian = design.T @ (design * (p * (1 - p))[:, None]) + 1e-10 * np.eye(2)
        step, scale = np.linalg.solve(hessian, gradient), 1.0
        while loss(theta - scale * step) > loss(theta) and scale > 1e-8:
            scale /= 2
        theta = theta - scale * step
        if np.abs(scale * step).max() < 1e-10:
            break
    return float(theta[0]), float(theta[1])
