"""Selection rules: from a sample of models to a mask of questions.

Axes: M models, T shared checkpoints, Q questions; further axes in front (simulations) are carried along. A
rule may be given the number of times each question was drawn, `weights` [R, Q], and then chooses anew in
every resample: [R, Q]. `heldout` tests whether the gain of a selection holds on other models.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from e2lm_core.analysis.questions import traits as question_traits
from e2lm_core.scores import signal
from e2lm_core.scores.arrays import Floats

Mask = NDArray[np.bool_]

# Columns that are computed from models, and again for each subset of models that a selection may use.
OF_MODELS = ("slope", "acc", "margin", "early_margin", "norm_prob", "discrimination", "contrast")
OF_TEXT = ("length", "choices", "gold_ratio", "digits", "taught", "relevance", "subject", "source")
COLUMNS = (*OF_MODELS, *OF_TEXT)

SHARE = 0.5  # share of the questions that "the easiest half" and the greedy rule keep at least
HARD_SCIENCES = (
    *("physics", "chemistry", "math", "algebra", "geometry", "calculus", "statistics", "astronomy"),
    *("comput", "engineering", "machine learning", "material", "mechanics", "electr"),
)


@dataclass(frozen=True)
class TwinFinal:
    """Final norm_prob of a web-only twin.

    Attributes:
        science: Index of the twin's science model.
        twin: Final norm_prob of the twin [..., Q].
    """

    science: int
    twin: Floats


@dataclass(frozen=True)
class Sample:
    """Results of some models on a set, the input of a selection rule.

    Attributes:
        values: By metric, values [..., M, T, Q] at the checkpoints that all models share.
        doublings: log2 of the tokens seen [T].
        early: Checkpoints of the early window [T] (bool).
        traits: By name, columns [Q] that do not depend on models.
        twins: Final values of web-only twins.
        seen: Indices of the models that a rule may use; all if None.
    """

    values: Mapping[str, Floats]
    doublings: Floats
    early: Mask
    traits: Mapping[str, NDArray] = field(default_factory=dict)
    twins: tuple[TwinFinal, ...] = ()
    seen: tuple[int, ...] | None = None
    # Cached by usable models and name: a column reads all values, and resamples use the same columns again.
    _columns: dict[tuple[tuple[int, ...] | None, str], NDArray] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    @property
    def models(self) -> int:
        """Number of models that a rule may use."""
        return int(self.values["margin"].shape[-3]) if self.seen is None else len(self.seen)

    @property
    def questions(self) -> int:
        """Number of questions to choose from."""
        return int(self.values["margin"].shape[-1])

    def for_models(self, models: Sequence[int]) -> Sample:
        """Restrict the sample to these models, without a copy of the values.

        A copy is slow for many questions.
        """
        sample = replace(self, seen=tuple(models))
        object.__setattr__(sample, "_columns", self._columns)
        return sample

    def seen_values(self, metric: str, checkpoints: Any = slice(None)) -> Floats:
        """Values of a metric for the usable models at some checkpoints.

        [..., M, T, Q]; without the axis T for a single checkpoint.
        """
        values = self.values[metric][..., checkpoints, :]
        axis = -2 if isinstance(checkpoints, int) else -3
        return values if self.seen is None else np.take(values, self.seen, axis=axis)

    def column(self, name: str) -> NDArray:
        """Column of `COLUMNS` by name, [..., Q]; item statistics are means over the usable models.

            slope           least-squares slope of the early margin, nats per doubling of tokens
            acc, margin, norm_prob    at the last checkpoint
            early_margin    mean margin over the early window, nats
            discrimination  `traits.discrimination` of norm_prob
            contrast        final norm_prob of a science model less that of its web-only twin, mean over twins

        NaN where a statistic is undefined, and for a trait that the set lacks. Statistics are cached and
        read-only.
        """
        if name in self.traits:
            return self.traits[name]
        key = self.seen, name
        if key not in self._columns:
            column = self._column(name)
            column.flags.writeable = False
            self._columns[key] = column
        return self._columns[key]

    def _column(self, name: str) -> NDArray:
        match name:
            case "slope":
                return question_traits.least_squares_slope(self._early_margin(), self.doublings[self.early])
            case "early_margin":
                early = self._early_margin()
                return early.mean(axis=-2) if self.early.any() else np.full_like(early.sum(axis=-2), np.nan)
            case "acc" | "margin" | "norm_prob":
                return self.seen_values(name, -1).mean(axis=-2)
            case "discrimination":
                return question_traits.discrimination(
                    self.seen_values("norm_prob", slice(-question_traits.LAST, None))
                )
            case "contrast":
                final = self.values["norm_prob"][..., -1, :]
                parts = [
                    final[..., c.science, :] - c.twin
                    for c in self.twins
                    if self.seen is None or c.science in self.seen
                ]
                return np.mean(parts, axis=0) if parts else np.full(final[..., 0, :].shape, np.nan)
        return np.full(self.questions, np.nan)  # a trait that this set does not have

    def _early_margin(self) -> Floats:
        """Mean margin over the usable models at the early window's checkpoints, [..., T, Q]."""
        return self.seen_values("margin", self.early).mean(axis=-3)


class Rule(Protocol):
    """Selection of questions by a sample of models: a mask [..., Q], or [R, Q] with weights of resamples."""

    @property
    def supports_resampling(self) -> bool:
        """Whether the rule can choose anew in every resample, as an interval of its gain requires."""
        ...

    @property
    def target(self) -> str:
        """Score that the rule is meant to raise: final, sq or snr."""
        ...

    def __call__(self, sample: Sample, weights: NDArray | None = None) -> Mask: ...


@dataclass(frozen=True)
class Easiest:
    """Rule: the `share` of questions with the highest mean early margin (as mmlu_early_training)."""

    share: float = SHARE
    supports_resampling = True
    target = "final"

    def __call__(self, sample: Sample, weights: NDArray | None = None) -> Mask:
        order = np.argsort(-sample.column("early_margin"), axis=-1, kind="stable")
        place = np.argsort(order, axis=-1)
        if weights is None:
            return place < np.ceil(self.share * sample.questions)
        drawn = weights[:, order]
        ahead = np.cumsum(drawn, axis=-1) - drawn
        kept = (ahead < self.share * weights.sum(axis=-1, keepdims=True)).sum(axis=-1, keepdims=True)
        return place < kept


@dataclass(frozen=True)
class Rising:
    """Rule: questions with a rising early margin, within `among` [Q] (bool; as noor: hard science)."""

    among: Mask | None = None
    supports_resampling = True
    target = "sq"

    def __call__(self, sample: Sample, weights: NDArray | None = None) -> Mask:
        rises = sample.column("slope") > 0
        return rises if self.among is None else rises & self.among


@dataclass(frozen=True)
class OneSource:
    """Rule: the source with the largest mean slope of its questions' margins (as sciknoweval_mcqa).

    Attributes:
        labels: Number [Q] of each question's source, -1 for none.
        fewest: Smallest number of questions of a source that can be chosen; the largest source always can.
    """

    labels: NDArray[np.intp]
    fewest: int = 5
    supports_resampling = True
    target = "sq"

    def __call__(self, sample: Sample, weights: NDArray | None = None) -> Mask:
        rise = sample.column("slope")
        sources = np.arange(self.labels.max(initial=-1) + 1)
        member = (self.labels[:, None] == sources).astype(np.float64)  # [Q, S]
        drawn = np.ones(self.labels.shape) if weights is None else weights
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = ((drawn * rise) @ member) / (drawn @ member)
        stands = member.sum(axis=0) >= min(self.fewest, member.sum(axis=0).max(initial=0))
        best = np.argmax(np.where(np.isfinite(mean) & stands, mean, -np.inf), axis=-1)
        return self.labels == best[..., None]


@dataclass(frozen=True)
class SnrGreedy:
    """Rule: move questions out and in while that raises AI2's SNR of norm_prob over the last checkpoints.

    Starts from the whole set. A round ranks every question by the first-order change of the ratio if it were
    moved out (or back in), moves the best `portion` of the set at once and computes the exact ratio: if the
    ratio did not rise, the round is undone and the next one is half as large. A round is two products of [M x
    5, Q] with a vector, and there are at most `rounds`, so that time is linear in Q. A call with weights of
    resamples raises ValueError.

    Attributes:
        share: Smallest share of the questions to keep.
        portion: Share of the questions moved in the first round.
        rounds: Largest number of rounds.
    """

    share: float = SHARE
    portion: float = 0.02
    rounds: int = 60
    supports_resampling = False
    target = "snr"

    def __call__(self, sample: Sample, weights: NDArray | None = None) -> Mask:
        if weights is not None:
            raise ValueError("the greedy choice is not made anew in resamples")
        tail = sample.seen_values("norm_prob", slice(-question_traits.LAST, None))
        shape, questions = tail.shape[:-1], tail.shape[-1]
        flat = tail.reshape(*shape[:-2], -1, questions)
        chosen = np.ones((*shape[:-2], questions), bool)
        least = int(np.ceil(self.share * questions))
        size = np.full(shape[:-2], max(1.0, round(self.portion * questions)))
        best = signal.signal_to_noise(_means(flat, chosen).reshape(shape))
        for _ in range(self.rounds):
            if not (size >= 1).any():
                break
            moved = chosen ^ _best_moves(flat, shape, chosen, size, least)
            ratio = signal.signal_to_noise(_means(flat, moved).reshape(shape))
            better = ratio > best
            chosen = np.where(better[..., None], moved, chosen)
            best = np.where(better, ratio, best)
            size = np.where(better, size, np.floor(size / 2))
        return chosen


def _means(flat: Floats, chosen: Mask) -> Floats:
    """Means [..., P] of values [..., P, Q] over the chosen questions [..., Q]."""
    member = chosen.astype(np.float64)
    return (flat @ member[..., None])[..., 0] / member.sum(axis=-1, keepdims=True)


def _best_moves(flat: Floats, shape: tuple[int, ...], chosen: Mask, size: Floats, least: int) -> Mask:
    """Questions with the largest rise of the ratio if moved, at most `size`, keeping at least `least`."""
    curve = _means(flat, chosen)
    gradient = _snr_gradient(curve.reshape(shape)).reshape(curve.shape)
    n = chosen.sum(axis=-1, keepdims=True)
    pull = (gradient[..., None, :] @ flat)[..., 0, :] - (gradient * curve).sum(axis=-1, keepdims=True)
    change = np.where(chosen, -pull / np.maximum(n - 1, 1), pull / (n + 1))
    change = np.where(change > 0, change, -np.inf)
    moves = _highest(change, size)
    goes = np.where(moves & chosen, change, -np.inf)
    return moves & (~chosen | _highest(goes, n[..., 0] - least))


def _highest(values: Floats, count: NDArray) -> Mask:
    """Mask of the `count` [...] highest values along the last axis; values tied at the edge are left out."""
    questions = values.shape[-1]
    at = np.minimum(count, questions - 1).astype(np.intp)[..., None]
    bound = np.take_along_axis(np.sort(values, axis=-1), questions - 1 - at, axis=-1)
    return (values > bound) | ((count[..., None] >= questions) & np.isfinite(values))


def _snr_gradient(curves: Floats) -> Floats:
    """Gradient of `signal.signal_to_noise` of positive curves [..., M, T] in each of their points."""
    models, last = curves.shape[-2:]
    mean = curves.mean(axis=-1)
    away = curves - mean[..., None]
    std = np.sqrt((away**2).mean(axis=-1))
    top = np.arange(models) == mean.argmax(axis=-1)[..., None]
    low = np.arange(models) == mean.argmin(axis=-1)[..., None]
    middle = mean.mean(axis=-1, keepdims=True)
    spread = np.ptp(mean, axis=-1)[..., None]
    with np.errstate(invalid="ignore", divide="ignore"):
        noise = (std / mean).mean(axis=-1, keepdims=True)
        of_signal = (top.astype(np.float64) - low) / middle - spread / middle**2 / models
        of_noise = (away / (std * mean)[..., None] - (std / mean**2)[..., None]) / models
        change = of_signal[..., None] / noise[..., None] - (spread / middle / noise**2)[..., None] * of_noise
    return np.where(np.isfinite(change), change, 0.0) / last


@dataclass(frozen=True)
class Condition:
    """Comparison of `column` with `value` by `sign`; an undefined value meets no condition."""

    column: str
    sign: str
    value: float | bool | str

    def matches(self, values: NDArray) -> Mask:
        """Mask [..., Q] (bool) of the values [..., Q] that meet the condition."""
        with np.errstate(invalid="ignore"):
            met = _SIGNS[self.sign](values, self.value)
        if values.dtype.kind == "f":
            met &= np.isfinite(values)
        return np.asarray(met, bool)


_SIGNS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True)
class Where:
    """Rule of a user: questions that meet every condition."""

    conditions: tuple[Condition, ...]
    supports_resampling = True

    @property
    def target(self) -> str:
        """SQ for a rule whose only column of models is the slope, else the final value."""
        of_models = {condition.column for condition in self.conditions} & {*OF_MODELS}
        return "sq" if of_models == {"slope"} else "final"

    def __call__(self, sample: Sample, weights: NDArray | None = None) -> Mask:
        met = [condition.matches(sample.column(condition.column)) for condition in self.conditions]
        return np.logical_and.reduce(np.broadcast_arrays(*met)) if met else np.ones(sample.questions, bool)


def hard_science(subjects: Iterable[str | None]) -> Mask:
    """Mask [Q] (bool) of the subjects that are hard sciences by their name (`HARD_SCIENCES`)."""
    return np.array(
        [any(word in (s or "").lower().replace("_", " ") for word in HARD_SCIENCES) for s in subjects], bool
    )
