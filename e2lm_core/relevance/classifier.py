"""Relevance classifier over sentence embeddings.

    f(x)        = Σ_n weights[n] · exp(−WIDTH · ‖x − anchors[n]‖²) + bias
    probability = σ(slope · f(x) + offset)

Every exemplar raises or lowers the score of the questions near it: kernel ridge regression on labels of ±1,
calibrated by Platt's method on the scores that the exemplars get from fits without them. A plane through the
whole space would take relations between words for scholarship if the words are learned ones. A multinomial
logistic regression separates the fields of science and scholarship. Both are plain fitted numbers: they are
kept as arrays, and this module does not depend on an embedding model. Everything is deterministic.

Shapes: N rows, D dimensions, F fields, Q questions.
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
ACCEPT_AT = 0.5  # calibrated probability: more likely accepted than not

# A unit vector at a cosine of .75 has the weight 1/e; docs/studies/relevance.md compares other widths.
WIDTH = 2.0
_MIN_EXEMPLARS = 5  # exemplars of either label
_PENALTIES = tuple(float(p) for p in np.geomspace(0.01, 10, 7))
_AT_ONCE = 4_096  # questions in a block, which bounds the kernel matrix with the exemplars
_FIELD_INVERSE_PENALTY = 10.0


def sigmoid(x: Array) -> Array:
    """Logistic function 1 / (1 + e^-x) without overflow: [...] -> [...]."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


@dataclass(frozen=True)
class Classifier:
    """Fitted relevance classifier, with f(x) and its probability as in the module's formula.

    The field is argmax(field_weights · x + field_bias).

    Attributes:
        anchors: Embeddings [N, D] of the rows that it was fitted on.
        weights: Kernel weights [N].
        bias: Constant of f.
        slope: Platt's slope.
        offset: Platt's offset.
        field_weights: Weights of the fields [F, D].
        field_bias: Constants of the fields [F].
        field_names: Names of the F fields.
        penalty: λ of (K + λI) weights = labels − bias, chosen by leaving one out.
        folded: Calibrated probabilities [N] that the rows had from fits without them; with `labels` they give
            the reliability.
        labels: True for an accepted row [N], bool.
    """

    anchors: Array
    weights: Array
    bias: float
    slope: float
    offset: float
    field_weights: Array
    field_bias: Array
    field_names: tuple[str, ...]
    penalty: float
    folded: Array
    labels: Array

    @classmethod
    def fit(cls, embeddings: Array, labels: Sequence[bool] | Array, fields: Sequence[str]) -> Classifier:
        """Fit on embeddings [N, D], labels [N] (True: accepted) and fields [N] (`none` where rejected).

        Kernel ridge regression (Saunders, Gammerman & Vovk 1998), with the penalty of least log loss over
        rows left out one at a time; such a row's score is

            t[n] − weights[n] / (K + λI)⁻¹[n, n]        t = ±1

        (Rifkin & Lippert 2007, "Notes on regularized least squares"). Platt's slope and offset (1999,
        "Probabilistic outputs for support vector machines") are fitted to these scores, with his smoothed
        targets, because the scores of rows that were trained on are overconfident.

        Args:
            embeddings: Unit vectors [N, D].
            labels: True for an accepted row [N].
            fields: Name in `FIELDS` of each row's field.

        Raises:
            ValueError: The lengths differ, a field is unknown, an accepted row has no field, a rejected one
                has a field, or fewer than five rows of either label are given.
        """
        x, y = np.asarray(embeddings, dtype=np.float64), np.asarray(labels, dtype=bool)
        _check(x, y, fields)
        targets = np.where(y, 1.0, -1.0)
        penalty, weights, scores = _best_penalty(_kernel(x, x), y, targets - targets.mean())
        scores = scores + targets.mean()
        slope, offset = _platt(scores, y)
        field_names, field_weights, field_bias = _fit_fields(x[y], np.asarray(fields, dtype=object)[y])
        return cls(
            anchors=np.asarray(embeddings),
            weights=weights,
            bias=float(targets.mean()),
            slope=slope,
            offset=offset,
            field_weights=field_weights,
            field_bias=field_bias,
            field_names=field_names,
            penalty=penalty,
            folded=sigmoid(slope * scores + offset),
            labels=y,
        )

    def probability(self, embeddings: Array) -> Array:
        """Calibrated probabilities of acceptance [Q] of embeddings [Q, D]."""
        x = np.asarray(embeddings, dtype=np.float64)
        anchors = np.asarray(self.anchors, dtype=np.float64)
        scores = np.empty(len(x))
        for start in range(0, len(x), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            scores[part] = _kernel(x[part], anchors) @ self.weights + self.bias
        return sigmoid(self.slope * scores + self.offset)

    def nearest_field(self, embeddings: Array) -> list[str]:
        """Nearest of the ten fields for embeddings [Q, D], also for questions that would be rejected."""
        scores = np.asarray(embeddings, dtype=np.float64) @ self.field_weights.T + self.field_bias
        return [self.field_names[k] for k in scores.argmax(axis=1)]

    def field(self, embeddings: Array) -> list[str]:
        """Nearest field for embeddings [Q, D], and `none` where the probability is below `ACCEPT_AT`."""
        accepted = self.probability(embeddings) >= ACCEPT_AT
        nearest = self.nearest_field(embeddings)
        return [name if ok else NO_FIELD for name, ok in zip(nearest, accepted, strict=True)]

    def to_arrays(self) -> dict[str, Array]:
        """Fitted numbers as arrays by name, for a cache; without the anchors [N, D], kept as embeddings."""
        return {
            name: np.asarray(getattr(self, name)) for name in self.__dataclass_fields__ if name != "anchors"
        }

    @classmethod
    def from_arrays(cls, anchors: Array, arrays: Mapping[str, Array]) -> Classifier:
        """Restore a classifier from the arrays of `to_arrays`.

        Args:
            anchors: Embeddings [N, D] of the rows that it was fitted on.
            arrays: Arrays by name.
        """
        return cls(
            anchors=anchors,
            weights=arrays["weights"],
            bias=float(arrays["bias"]),
            slope=float(arrays["slope"]),
            offset=float(arrays["offset"]),
            field_weights=arrays["field_weights"],
            field_bias=arrays["field_bias"],
            field_names=tuple(str(name) for name in arrays["field_names"]),
            penalty=float(arrays["penalty"]),
            folded=arrays["folded"],
            labels=arrays["labels"],
        )


def map_2d(exemplars: Array, questions: Array) -> tuple[Array, Array]:
    """First two principal components of exemplars, and questions on the same axes.

    The axes come from the exemplars alone, so that a set's points keep their place while it is edited. Each
    axis points so that its largest loading is positive, which makes the map deterministic.

    Args:
        exemplars: Embeddings [N, D].
        questions: Embeddings [Q, D].

    Returns:
        Coordinates of the exemplars [N, 2] and of the questions [Q, 2].

    Raises:
        ValueError: There are fewer than three exemplars or two dimensions.
    """
    base = np.asarray(exemplars, dtype=np.float64)
    if base.ndim != 2 or base.shape[0] < 3 or base.shape[1] < 2:
        raise ValueError(f"a map needs at least three exemplars in two dimensions, not {base.shape}")
    centre = base.mean(axis=0)
    axes = _axes((base - centre).tobytes(), base.shape[1])
    points = np.asarray(questions, dtype=np.float64).reshape(-1, base.shape[1])
    return (base - centre) @ axes.T, (points - centre) @ axes.T


@functools.lru_cache(maxsize=2)  # a decomposition takes half a second
def _axes(centred: bytes, dimensions: int) -> Array:
    axes = np.linalg.svd(np.frombuffer(centred).reshape(-1, dimensions), full_matrices=False)[2][:2]
    largest = np.abs(axes).argmax(axis=1)
    return axes * np.sign(axes[[0, 1], largest])[:, None]


def _check(x: Array, y: Array, fields: Sequence[str]) -> None:
    if x.ndim != 2 or not len(x) == len(y) == len(fields):
        raise ValueError(f"{x.shape} embeddings, {len(y)} labels, {len(fields)} fields")
    if unknown := sorted(set(fields) - set(FIELDS)):
        raise ValueError(f"unknown fields {unknown}; use {', '.join(FIELDS)}")
    if any((name == NO_FIELD) == bool(ok) for name, ok in zip(fields, y, strict=True)):
        raise ValueError("an accepted row needs a field, and a rejected one has 'none'")
    if min(y.sum(), (~y).sum()) < _MIN_EXEMPLARS:
        raise ValueError(f"a fit needs at least {_MIN_EXEMPLARS} exemplars of either label")


def _kernel(x: Array, anchors: Array) -> Array:
    """Gaussian kernel exp(−WIDTH · ‖x − a‖²) [Q, N]."""
    squares = (x**2).sum(axis=1)[:, None] + (anchors**2).sum(axis=1) - 2 * x @ anchors.T
    return np.exp(-WIDTH * np.maximum(squares, 0))


def _best_penalty(kernel: Array, y: Array, targets: Array) -> tuple[float, Array, Array]:
    """Penalty of least calibrated log loss over rows left out, with its weights [N] and scores [N].

    The smallest of equally good penalties. The weights, and the scores of the rows left out, are of centred
    targets.
    """
    values, vectors = np.linalg.eigh(kernel)
    turned = vectors.T @ targets
    found = []
    for penalty in _PENALTIES:
        scale = 1 / (np.maximum(values, 0) + penalty)
        weights = vectors @ (scale * turned)
        scores = targets - weights / ((vectors**2) @ scale)
        slope, offset = _platt(scores, y)
        found.append((_log_loss(y, slope * scores + offset), penalty, weights, scores))
    _, chosen, weights, scores = min(found, key=lambda one: one[:2])
    return chosen, weights, scores


def _fit_fields(x: Array, fields: Array) -> tuple[tuple[str, ...], Array, Array]:
    """Names of the F fields of accepted rows, and their weights [F, D] and bias [F]."""
    from sklearn.linear_model import LogisticRegression

    names, codes = np.unique(fields.astype(str), return_inverse=True)
    if len(names) > 2:
        model = LogisticRegression(C=_FIELD_INVERSE_PENALTY, max_iter=2000, class_weight="balanced")
        model.fit(x, codes)
        weights, bias = model.coef_, model.intercept_
    else:
        # The library fits one row of weights for two classes and refuses one class: nearest centroid instead.
        weights = np.stack([x[codes == k].mean(axis=0) for k in range(len(names))])
        bias = -0.5 * (weights**2).sum(axis=1)
    return tuple(str(name) for name in names), weights, bias


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
