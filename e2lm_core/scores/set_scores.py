"""All scores of a set, vectorised over leading axes.

Axes: K checkpoints of a model, Q questions. `curve_scores` takes curves with any leading axes, so that it
serves the measured curves, the resamples of a bootstrap and the sets without one question alike; `scores`
adds the reason why a score is undefined.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from e2lm_core.base import formatting
from e2lm_core.base.records import BOUNDED_METRICS, Record, SignalQuality, Value
from e2lm_core.base.sentences import Sentence, SentenceField, joined
from e2lm_core.scores import compliance, composite, finetasks, metrics, signal
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.layout import Curves, Layout, Run
from e2lm_core.scores.measurements import NOTHING_SHARED, Grid, Measurements, common_grid
from e2lm_core.scores.ranking import order, readings
from e2lm_core.scores.ranking.readings import NOTHING_LATER

# RC and Score carry the name of their reading, except for "all_models", whose intervals were studied first.
OF_READINGS = tuple(
    readings.score_key(score, name)
    for name in readings.READINGS
    for score in ("rc", "score")
    if name != "all_models"
)
SCORES = (
    *("sq", "rc", "cs", "score", "snr", "snr_detrended", "decision_accuracy"),
    *("monotonicity", "ordering", *OF_READINGS),
)
# Only the two ratios are unbounded.
RANGES: dict[str, tuple[float, float]] = {
    **dict.fromkeys(SCORES, (0.0, 1.0)),
    "sq_model": (0.0, 1.0),
    "snr": (0.0, np.inf),
    "snr_detrended": (0.0, np.inf),
    "monotonicity": (-1.0, 1.0),
    "ordering": (-1.0, 1.0),
}
BUILT_IN = "ladder"  # the built-in models' family
RUN_THEM = Sentence("run them, or leave them out.")
ONE_CHECKPOINT = Sentence(
    "It has one checkpoint here, and SQ needs {min_points} in the early window: run more, or "
    "choose a model group that has them.",
    min_points=signal.MIN_POINTS,
)


# --- the core -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ChanceFloor:
    """Chance level of one metric with its standard error, the baseline of CS.

    Attributes:
        chance: Chance level [...].
        errors: Standard errors by science model, {model: [..., K]}, or [..., 1] where all checkpoints share
            one; empty for a metric without a chance level.
    """

    chance: Floats
    errors: Mapping[str, Floats]


@dataclass(frozen=True)
class CurveScores:
    """Scores of curves with leading axes [...], NaN where undefined.

    Attributes:
        whole: Scores of the set, {score: [...]}, by the names in `SCORES`.
        models: SQ of each model, {model: [...]}.
    """

    whole: dict[str, Floats]
    models: dict[str, Floats]


def chance_floor(
    runs: Mapping[str, Run],
    layout: Layout,
    metric: str,
    chance: ArrayLike,
    questions: int,
) -> ChanceFloor:
    """Chance level of one metric and the standard error of "above chance", for a set of so many questions.

    For acc and acc_norm the error follows from the chance level. For norm_prob it is `compliance.sample_error`
    of the measured values, and all resamples of a bootstrap share it: the variation of the error itself is of second
    order.

    Args:
        runs: Runs by model.
        layout: Layout of the metric; its twins name the science models.
        metric: Name of the metric.
        chance: Chance level [...].
        questions: Number of questions of the set.

    Returns:
        The chance level [...] and the errors by science model, [..., K] or [..., 1].
    """
    level = np.asarray(chance, dtype=np.float64)
    if metric not in BOUNDED_METRICS:
        return ChanceFloor(level, {})
    if metric != "norm_prob":
        binomial = compliance.binomial_error(level, questions)[..., None]
        return ChanceFloor(level, {pair.science: binomial for pair in layout.twins})
    return ChanceFloor(
        level,
        {
            pair.science: compliance.sample_error(runs[pair.science].per_question[metric], questions)
            for pair in layout.twins
        },
    )


def curve_scores(
    layout: Layout, curves: Curves, metric: str, against: ChanceFloor, wanted: Collection[str] = SCORES
) -> CurveScores:
    """Scores of curves of one metric, NaN where undefined.

    Formulas: `signal`, `ranking`, `compliance`, `composite`, `finetasks`.

    Args:
        layout: Layout of the metric.
        curves: Curves {model: [..., K]} as measured (bpb not negated).
        metric: Name of the metric.
        against: Chance level with its standard errors.
        wanted: Names of the scores to compute; all others are NaN, except SQ, which is always computed.

    Returns:
        Scores [...] of the set and the SQ [...] of each model.
    """
    oriented = {name: metrics.oriented(metric, values) for name, values in curves.items()}
    qualities = _qualities({name: oriented[name][..., at] for name, at in layout.early.items()})
    for name in (name for name, lacking in layout.missing.items() if lacking):
        qualities[name] = np.full(qualities[name].shape, np.nan)
    counted = [qualities[name] for name in layout.counted]
    axes = next((values.shape[:-1] for values in curves.values()), against.chance.shape)
    whole: dict[str, Floats] = dict.fromkeys(SCORES, np.full(axes, np.nan))
    if counted:
        whole["sq"] = np.mean(counted, axis=0)
    if layout.comparable and not layout.missing_common:
        whole |= _between_models(layout.stack_curves(oriented), layout, metric, wanted)
    if (
        "cs" in wanted
        and metric in BOUNDED_METRICS
        and layout.twins
        and not any(pair.missing for pair in layout.twins)
    ):
        whole["cs"] = _contrast(layout, curves, against)
    for name in readings.READINGS:
        rc = whole[readings.score_key("rc", name)]
        whole[readings.score_key("score", name)] = composite.weighted_sum(whole["sq"], rc, whole["cs"])
    return CurveScores(whole, qualities)


def _qualities(early: Curves) -> dict[str, Floats]:
    """SQ of each model; curves of equal length are computed together."""
    by_length: dict[int, list[str]] = {}
    for name, curve in early.items():
        by_length.setdefault(curve.shape[-1], []).append(name)
    qualities: dict[str, Floats] = {}
    for names in by_length.values():
        together = np.stack([early[name] for name in names])
        of_each = (signal.rho(together) + signal.autocorrelation(together)) / 2
        qualities |= zip(names, of_each, strict=True)
    return {name: qualities[name] for name in early}


def _between_models(grid: Floats, layout: Layout, metric: str, wanted: Collection[str]) -> dict[str, Floats]:
    """Wanted scores of the counted models' oriented curves [..., M, T] at their common checkpoints."""
    end = layout.end
    known: dict[str, Callable[[], Floats]] = {"monotonicity": lambda: finetasks.monotonicity(grid)}
    has_order = not layout.replicates
    if has_order:
        known["ordering"] = lambda: finetasks.ordering_consistency(grid)
    if metric in signal.RATIO_METRICS:
        known["snr"] = lambda: signal.signal_to_noise(grid)
        known["snr_detrended"] = lambda: signal.signal_to_noise(grid, detrend=True)
    if end is not None and has_order:
        for name, read in readings.READINGS.items():
            known[readings.score_key("rc", name)] = partial(read, grid, end, layout.sizes)
        known["decision_accuracy"] = lambda: signal.pair_agreement(grid[..., end], grid[..., -1])
    return {name: of() for name, of in known.items() if name in wanted}


def _contrast(layout: Layout, curves: Curves, against: ChanceFloor) -> Floats:
    """CS [...]: the mean over twins of `compliance` with their science model."""
    chance = against.chance[..., None]
    parts = []
    for pair in layout.twins:
        error = against.errors[pair.science]
        if error.shape[-1] > 1:
            error = error[..., pair.science_at]
        science, twin = curves[pair.science][..., pair.science_at], curves[pair.twin][..., pair.twin_at]
        parts.append(compliance.compliance(science, twin, chance, error))
    return np.mean(parts, axis=0)


# --- a set's own, with reasons --------------------------------------------------------------------------


class SeedSpread(Record):
    """Signal quality of a set over the training seeds of its models.

    The set's own SQ is of the model that the other seeds name in `seed_of`. Here a model's part is the mean over
    its seeds, itself included; a model without another seed takes part as it is. A seed with fewer early
    checkpoints than SQ needs takes no part: it was kept for the training noise alone.

    Attributes:
        seeds: Names of the seeds of each counted model, itself first.
        mean: Mean over models of the mean over their seeds; None if the SQ of a seed is undefined.
        low: The set's SQ if every model were its worst seed; None where `mean` is.
        high: The set's SQ if every model were its best seed; None where `mean` is.
        why: Reason why the values are None.
    """

    seeds: dict[str, tuple[str, ...]]
    mean: float | None = None
    low: float | None = None
    high: float | None = None
    why: SentenceField | None = None


class Scores(Record):
    """Every score of a set for one metric.

    Attributes:
        metric: Name of the metric.
        sq: Signal quality of the set.
        sq_models: Signal quality of each model.
        sq_seeds: Signal quality over the training seeds of the models; None where no model has a further seed.
        counted: Names of the models that enter the means; twins and other seeds do not.
        rc_reading: Reading that `rc` and `score` use.
        rc_readings: RC in every reading of `readings.READINGS`.
        is_rc_by_design: Whether only built-in models count, in two shapes: one of each size was made worse on purpose.
        cs: Compliance with science.
        score_readings: Score with RC in each reading.
        snr: AI2's signal-to-noise ratio.
        decision_accuracy: Share of model pairs in the same order at the early window's end and at the last
            checkpoint.
    """

    metric: str
    sq: Value
    sq_models: dict[str, SignalQuality]
    sq_seeds: SeedSpread | None = None
    counted: tuple[str, ...]
    rc_reading: str
    rc_readings: dict[str, Value]
    is_rc_by_design: bool = False
    cs: Value
    score_readings: dict[str, Value]
    snr: Value
    decision_accuracy: Value

    @cached_property
    def digest(self) -> str:
        """Digest of all fields, equal for equal ones alone."""
        fields = [getattr(self, name) for name in type(self).model_fields]
        return hashlib.blake2b(repr(fields).encode(), digest_size=16).hexdigest()

    @property
    def rc(self) -> Value:
        """RC in the selected reading."""
        return self.rc_readings[self.rc_reading]

    @property
    def score(self) -> Value:
        """Score with RC in the selected reading."""
        return self.score_readings[self.rc_reading]

    def with_reading(self, reading: str) -> Scores:
        """The same scores with another reading of RC selected."""
        return self if reading == self.rc_reading else self.model_copy(update={"rc_reading": reading})

    def map_values(self, change: Callable[[str, Value], Value]) -> Scores:
        """Copy of the scores in which each value is `change(name in SCORES, value)`."""
        updated: dict[str, Any] = {
            name: change(name, getattr(self, name)) for name in ("sq", "cs", "snr", "decision_accuracy")
        }
        for score in ("rc", "score"):
            values = getattr(self, f"{score}_readings")
            updated[f"{score}_readings"] = {
                name: change(readings.score_key(score, name), value) for name, value in values.items()
            }
        return self.model_copy(update=updated)


def scores(measurements: Measurements, metric: str, rc_reading: str = readings.DEFAULT) -> Scores:
    """SQ, RC, CS, Score, SNR and decision accuracy of one metric, with reasons where undefined.

    Formulas, sources and edge cases: docs/scores.md.

    Args:
        measurements: Results of the set.
        metric: Name of the metric.
        rc_reading: Reading of RC, see `readings.READINGS`.
    """
    layout = measurements.layout(metric)
    qualities = signal_qualities(measurements, metric)
    core = _of(measurements, layout, metric)
    grid = common_grid(measurements, metric)
    lacking = lacking_between(layout)
    unordered = lacking or undeclared_seeds(layout)
    sq = _value(
        core["sq"], lambda: signal.mean_quality({name: qualities[name] for name in layout.counted}).why
    )
    rc_readings = _rc_readings(layout, grid, unordered)
    cs = _value(core["cs"], lambda: _why_no_contrast(layout, metric))
    if cs.value is not None and (flat := _not_rising(measurements, layout, metric)):
        cs = Value(value=None, why=flat)
    return Scores(
        metric=metric,
        sq=sq,
        sq_models=qualities,
        sq_seeds=seed_spread(measurements, qualities),
        counted=layout.counted,
        rc_reading=rc_reading,
        rc_readings=rc_readings,
        is_rc_by_design=_is_rc_by_design(measurements, layout.counted),
        cs=cs,
        score_readings={name: composite.score(sq, rc, cs) for name, rc in rc_readings.items()},
        snr=_value(core["snr"], lambda: lacking or _why_no_ratio(grid, metric)),
        decision_accuracy=_value(core["decision_accuracy"], lambda: unordered or _why_no_decision(grid)),
    )


def _is_rc_by_design(measurements: Measurements, counted: Sequence[str]) -> bool:
    models = [c.model for c in measurements.curves if c.model.name in counted]
    return {m.family for m in models} == {BUILT_IN} and len({m.arch for m in models}) > 1


def _rc_readings(layout: Layout, grid: Grid | None, unordered: str | None) -> dict[str, Value]:
    if grid is None or unordered:
        return dict.fromkeys(readings.READINGS, Value(value=None, why=unordered or NOTHING_SHARED))
    return {name: readings.rc_value(name, grid.scores, grid.end, layout.sizes) for name in readings.READINGS}


def detrended_snr(measurements: Measurements, metric: str) -> Value:
    """AI2's SNR with each run's own straight line removed from its noise, see `signal.snr`."""
    core = _of(measurements, measurements.layout(metric), metric)
    grid = common_grid(measurements, metric)
    lacking = lacking_between(measurements.layout(metric))
    return _value(core["snr_detrended"], lambda: lacking or _why_no_ratio(grid, metric, detrend=True))


def signal_qualities(measurements: Measurements, metric: str) -> dict[str, SignalQuality]:
    """SQ of each model over the early window, twins and other seeds included for display.

    Undefined, with the reason, for a model that lacks results at an early checkpoint.
    """
    layout = measurements.layout(metric)
    qualities = {}
    for name, values in measurements.all_values(metric).items():
        quality = signal.signal_quality(metrics.oriented(metric, values[layout.early[name]]))
        if lacking := layout.missing[name]:
            listed = lacking + len(layout.early[name])
            why = Sentence(
                "Results are missing at {lacking} of its {checkpoints}; {remedy}",
                lacking=lacking,
                checkpoints=formatting.count(listed, "early checkpoint"),
                remedy=RUN_THEM,
            )
            quality = SignalQuality(rho=None, autocorrelation=None, sq=None, points=quality.points, why=why)
        elif len(measurements.curve_of(name).checkpoints) == 1:
            quality = quality.model_copy(update={"why": ONE_CHECKPOINT})
        qualities[name] = quality
    return qualities


def lacking_between(layout: Layout) -> str | None:
    """Reason why scores between models are undefined: shared checkpoints lack results; None without a gap."""
    if not layout.missing_common or not layout.comparable:
        return None
    listed = layout.missing_common + len(layout.common[layout.counted[0]])
    return Sentence(
        "Results are missing at {missing_common} of the {listed} checkpoints that all models have; {remedy}",
        missing_common=layout.missing_common,
        listed=listed,
        remedy=RUN_THEM,
    )


def undeclared_seeds(layout: Layout) -> str | None:
    """Question about counted models of one shape, which have no order as architectures; None without any."""
    if not layout.replicates:
        return None
    groups = [formatting.join_words(list(names), max_items=4) for names in layout.replicates]
    return Sentence(
        "{models} have one size and architecture: are they seeds of one model? Declare seed_of in "
        "checkpoints.json; if they differ otherwise, give each its own arch.",
        "{models} have one size and architecture each: are they seeds of one model each? Declare seed_of in "
        "checkpoints.json; if they differ otherwise, give each its own arch.",
        number=len(groups),
        models=joined(groups, "; "),
    )


def seed_spread(measurements: Measurements, qualities: Mapping[str, SignalQuality]) -> SeedSpread | None:
    """SQ over the seeds of the counted models; None where no counted model has another seed with enough points."""
    seeds: dict[str, list[str]] = {
        curve.model.name: [curve.model.name] for curve in measurements.scored_curves
    }
    for curve in measurements.curves:
        enough = curve.early.sum() >= signal.MIN_POINTS
        counts = curve.model.twin_of is None and not curve.model.is_partial_seed
        if enough and counts and curve.model.seed_of in seeds:
            seeds[curve.model.seed_of].append(curve.model.name)
    named = {model: tuple(names) for model, names in seeds.items()}
    if all(len(names) == 1 for names in named.values()):
        return None
    of_models: list[list[float]] = []
    for names in named.values():
        values = []
        for name in names:
            if (sq := qualities[name].sq) is None:
                return SeedSpread(
                    seeds=named, why=Sentence("{name}: {why}", name=name, why=qualities[name].why)
                )
            values.append(sq)
        of_models.append(values)
    return SeedSpread(
        seeds=named,
        mean=float(np.mean([np.mean(values) for values in of_models])),
        low=float(np.mean([min(values) for values in of_models])),
        high=float(np.mean([max(values) for values in of_models])),
    )


def _of(measurements: Measurements, layout: Layout, metric: str) -> dict[str, Floats]:
    runs, questions = measurements.runs, len(measurements.question_ids)
    against = chance_floor(runs, layout, metric, measurements.chance, questions)
    return curve_scores(layout, measurements.all_values(metric), metric, against).whole


def _value(core: Floats, why: Callable[[], str | None]) -> Value:
    return Value(value=None, why=why()) if np.isnan(core) else Value(value=float(core))


def _why_no_ratio(grid: Grid | None, metric: str, detrend: bool = False) -> str | None:
    if grid is None:
        return NOTHING_SHARED
    if metric not in signal.RATIO_METRICS:
        return signal.NO_RATIO_OF_MARGINS
    return signal.snr(grid.values, detrend=detrend).why


def _why_no_decision(grid: Grid | None) -> str | None:
    """Reason why RC is undefined; decision accuracy is undefined only for the first two of these reasons."""
    if grid is None:
        return NOTHING_SHARED
    if grid.end is None:
        return NOTHING_LATER
    return order.ranking_consistency(grid.scores[:, grid.end], grid.scores[:, grid.end + 1 :]).why


def _why_no_contrast(layout: Layout, metric: str) -> str:
    if metric not in BOUNDED_METRICS:
        return compliance.NO_CHANCE[metric]
    if lacking := next((pair for pair in layout.twins if pair.missing), None):
        listed = lacking.missing + len(lacking.twin_at)
        return Sentence(
            "Results are missing at {missing} of the {listed} early checkpoints of {science} and its "
            "twin; {remedy}",
            missing=lacking.missing,
            listed=listed,
            science=lacking.science,
            remedy=RUN_THEM,
        )
    return compliance.NO_ERROR if layout.twins else compliance.NO_TWIN


def _not_rising(measurements: Measurements, layout: Layout, metric: str) -> str | None:
    """Reason why CS is undefined although it can be computed: a science model's early curve does not rise."""
    for pair in layout.twins:
        early = measurements.values(pair.science, metric)[layout.early[pair.science]]
        if not compliance.is_rising(early):
            return Sentence(
                "The curve of {science} does not rise over the early window (its Spearman correlation "
                "with the order of checkpoints is below {min_trend}), so it has no gain to compare with "
                "its twin's.",
                science=pair.science,
                min_trend=compliance.MIN_TREND,
            )
    return None


# --- beside the scores ----------------------------------------------------------------------------------


def early_end(measurements: Measurements) -> float | None:
    """`tokens_seen` at the last checkpoint of the early window; None where no checkpoint follows it."""
    ends = [
        curve.tokens_seen[curve.early][-1]
        for curve in measurements.curves
        if curve.early.any() and not curve.early.all() and np.isfinite(curve.tokens_seen).all()
    ]
    return float(max(ends)) if ends else None
