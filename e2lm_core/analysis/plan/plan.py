"""Sample size planning: questions needed for an interval width, and the fleet's time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from e2lm_core.analysis.plan.fleet import FleetPart, Pace, fleet_seconds
from e2lm_core.base import formatting, labels
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import METRICS, Checkpoint
from e2lm_core.base.sentences import NONE, Sentence
from e2lm_core.scores.measurements import Measurements, common_grid
from e2lm_core.scores.ranking import readings
from e2lm_core.scores.uncertainty import coverage, set_sizes
from e2lm_core.scores.uncertainty.set_sizes import Target, Widths

OF = ("mean", "difference", "sq", "rc", "cs", "score", "decision_accuracy")
LABEL = {
    "mean": Sentence("the end value of one model"),
    "difference": Sentence("the difference of two models at the end"),
    **{score: labels.SCORES[score] for score in OF[2:]},
}


Simulated = Callable[[Measurements, str, Target], Widths]


@dataclass(frozen=True)
class Goal:
    """Quantity to estimate, and the wanted width of its 95% interval.

    Attributes:
        of: Quantity, one of `OF`.
        metric: Metric of the quantity.
        width: Full width of the interval, from end to end, in the metric's unit.
        models: Models of a mean or a difference, as of `interval_target`.
        rc_reading: RC definition.
    """

    of: str
    metric: str
    width: float
    models: tuple[str, ...] = ()
    rc_reading: str = readings.DEFAULT


@dataclass(frozen=True)
class Plan:
    """Number of questions and time needed for a wanted interval width.

    Attributes:
        of: Quantity, one of `OF`.
        subject: Name of the quantity in words.
        metric: Metric of the quantity.
        wanted: Wanted full width of the 95% interval, in the metric's unit.
        measured: Number of measured questions on which the widths are simulated.
        widths: Simulated widths by number of questions.
        questions: Needed questions; None if no simulated size reaches the width, see `why`.
        why: Reason why no size reaches the width.
        fleet: Models to run.
        pace: Pace of the fleet; None if unknown.
        seconds: Time of the fleet in seconds; None without `questions` or without a pace.
    """

    of: str
    subject: str
    metric: str
    wanted: float
    measured: int
    widths: Widths
    questions: int | None
    why: str | None
    fleet: tuple[FleetPart, ...]
    pace: Pace | None
    seconds: float | None


# --- the certainty --------------------------------------------------------------------------------------


def interval_target(
    measurements: Measurements,
    quantity: str,
    metric: str,
    models: Sequence[str] = (),
    rc_reading: str = readings.DEFAULT,
) -> tuple[Target, str]:
    """Target of the simulation, and its name in words.

    Args:
        measurements: Results of the set.
        quantity: Quantity, one of `OF`.
        metric: Metric of the quantity.
        models: One model for a mean, two for a difference; by default from `closest_pair`, the first alone
            for a mean.
        rc_reading: RC definition.

    Raises:
        StudioError: The quantity or the metric does not exist; the number of distinct models is wrong; a
            model is not in the run or has no complete checkpoint.
    """
    if quantity not in OF:
        raise StudioError(
            Sentence(
                "{quantity} cannot be planned for: use one of {of}.",
                quantity=repr(quantity),
                of=", ".join(OF),
            )
        )
    if metric not in METRICS:
        raise StudioError(
            Sentence(
                "The metric {metric} does not exist: use one of {metrics}.",
                metric=repr(metric),
                metrics=", ".join(METRICS),
            )
        )
    label = labels.METRIC_LABEL[metric]
    if quantity in ("rc", "score"):
        subject = Sentence(
            "{score} ({reading}) on {metric}" if quantity == "rc" else "{score} (RC: {reading}) on {metric}",
            score=LABEL[quantity],
            reading=readings.LABELS[rc_reading],
            metric=label,
        )
        return Target(readings.score_key(quantity, rc_reading)), subject
    if quantity not in ("mean", "difference"):
        return Target(quantity), Sentence("{score} on {metric}", score=LABEL[quantity], metric=label)
    wanted = 1 if quantity == "mean" else 2
    names = list(models) or list(closest_pair(measurements, metric))[:wanted]
    if len(names) != wanted or len(set(names)) != wanted:
        raise StudioError(
            Sentence(
                "Planning for {quantity} takes {models}: name {wanted} that were run.",
                quantity=LABEL[quantity],
                models=formatting.count(wanted, "model"),
                wanted=wanted,
            )
        )
    ends = [(name, _end(measurements, name, metric)) for name in names]
    if quantity == "mean":
        subject = Sentence("the {metric} of {model} at its end", metric=label, model=names[0])
        return Target("mean", ends[0]), subject
    subject = Sentence(
        "the difference of {first} and {second} in {metric}", first=names[0], second=names[1], metric=label
    )
    return Target("difference", ends[0], ends[1]), subject


def closest_pair(measurements: Measurements, metric: str) -> tuple[str, ...]:
    """Names of the two scored models with the smallest difference at their last common checkpoint.

    They are the hardest pair to tell apart. Without a shared complete checkpoint, the names of all models.
    """
    grid = common_grid(measurements, metric)
    if grid is None:
        return tuple(c.model.name for c in measurements.curves)
    order = np.argsort(-grid.scores[:, -1], kind="stable")
    gaps = -np.diff(grid.scores[order, -1])
    at = int(np.argmin(gaps))
    return grid.models[order[at]], grid.models[order[at + 1]]


def _end(measurements: Measurements, name: str, metric: str) -> int:
    if name not in measurements.per_question:
        known = ", ".join(measurements.per_question) or NONE
        raise StudioError(
            Sentence(
                "The model {name} is not among those of this run: use one of {known}.",
                name=repr(name),
                known=known,
            )
        )
    complete = np.flatnonzero(np.isfinite(measurements.values(name, metric)))
    if not complete.size:
        raise StudioError(Sentence("{name} has no complete checkpoint yet: run it first.", name=name))
    return int(complete[-1])


def plan_questions(
    measurements: Measurements,
    goal: Goal,
    fleet: Sequence[FleetPart],
    pace: Pace | None,
    simulated: Simulated | None = None,
) -> Plan:
    """Plan the number of questions for the goal's interval width, and the fleet's time for them.

    Args:
        measurements: Results of the set.
        goal: Quantity and wanted width.
        fleet: Models to run.
        pace: Pace of the fleet; None if unknown.
        simulated: Replacement of `simulate_widths`, such as a cached one.

    Raises:
        StudioError: The width is not a finite number above 0, or as of `interval_target` and
            `simulate_widths`.
    """
    if not (math.isfinite(goal.width) and goal.width > 0):
        raise StudioError(
            Sentence(
                "The width {width} cannot be planned for: give a number above 0, such as 0.05.",
                width=str(goal.width),
            )
        )
    target, subject = interval_target(measurements, goal.of, goal.metric, goal.models, goal.rc_reading)
    widths = (simulated or simulate_widths)(measurements, goal.metric, target)
    questions = set_sizes.required_questions(widths, goal.width)
    return Plan(
        of=goal.of,
        subject=subject,
        metric=goal.metric,
        wanted=goal.width,
        measured=len(measurements.question_ids),
        widths=widths,
        questions=questions,
        why=_out_of_reach(widths, goal.width) if questions is None else None,
        fleet=tuple(fleet),
        pace=pace,
        seconds=None if questions is None else fleet_seconds(questions, fleet, pace),
    )


def _out_of_reach(widths: Widths, wanted: float) -> str:
    """Reason why no simulated size reaches the width."""
    known = widths.width[np.isfinite(widths.width)]
    if not known.size:
        return Sentence("It has no interval here. {why}", why=widths.why)
    return Sentence(
        "Even {questions} questions leave a width of {width}: more of them cannot reach {wanted}.",
        questions=widths.sizes[-1],
        width=f"{known[-1]:.3f}",
        wanted=f"{wanted:g}",
    )


def simulate_widths(measurements: Measurements, metric: str, target: Target) -> Widths:
    """Simulate the interval widths of a target at every number of questions.

    Raises:
        StudioError: Fewer than two questions, or no complete checkpoint, are measured.
    """
    if len(measurements.question_ids) < 2 or not measurements.complete_checkpoints:
        raise StudioError(
            Sentence(
                "Planning draws from measured questions, and fewer than two are measured: run the set first."
            )
        )
    return set_sizes.widths(
        measurements.runs,
        measurements.choice_counts,
        metric,
        target,
        coverage.load(),
        measurements.resampling_groups or None,
    )


# --- the time ---------------------------------------------------------------------------------------------


def select_checkpoints(measurements: Measurements, checkpoints: Sequence[Checkpoint]) -> Measurements:
    """Measurements at these checkpoints alone, for another fleet on the same results.

    Returns the same object if it has no other checkpoints, so that its caches stay valid.
    """
    names = {checkpoint.name for checkpoint in checkpoints}
    if all(checkpoint.name in names for curve in measurements.curves for checkpoint in curve.checkpoints):
        return measurements
    curves = []
    for curve in measurements.curves:
        kept = [k for k, checkpoint in enumerate(curve.checkpoints) if checkpoint.name in names]
        if kept:
            checkpoints_kept = tuple(curve.checkpoints[k] for k in kept)
            curves.append(replace(curve, checkpoints=checkpoints_kept, ll=curve.ll[kept]))
    return replace(measurements, curves=tuple(curves))
