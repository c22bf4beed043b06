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
from e2lm_core.scores.measurements import Measurements, common_grid
from e2lm_core.scores.ranking import readings
from e2lm_core.scores.uncertainty import coverage, set_sizes
from e2lm_core.scores.uncertainty.set_sizes import Target, Widths

OF = ("mean", "difference", "sq", "rc", "cs", "score", "decision_accuracy")
LABEL = {
    "mean": "the end value of one model",
    "difference": "the difference of two models at the end",
    **{score: labels.SCORES[score] for score in OF[2:]},
}


Simulated = Callable[[Measurements, str, Target], Widths]


@dataclass(frozen=True)
class Goal:
    """What is to be known: `of` one of `OF` on a metric, and how wide its 95% interval may be.

    `width` is the whole one, from end to end, in the metric's own unit; `models` and `rc_reading` as `target_of` takes
    them.
    """

    of: str
    metric: str
    width: float
    models: tuple[str, ...] = ()
    rc_reading: str = readings.DEFAULT


@dataclass(frozen=True)
class Plan:
    """What a wanted width takes, and over which `measured` questions that was simulated (`widths`).

    `questions` is None where no size studied reaches the width (`why` says so), `seconds` where no pace is
    known.
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
    """What is to be known, and its name in words.

    `models` names one model for a mean, two for a difference; by default the two that count and are nearest
    to each other at the end, of which the first alone for a mean. Raises StudioError where that cannot be.
    """
    if quantity not in OF:
        raise StudioError(f"{quantity!r} cannot be planned for: use one of {', '.join(OF)}.")
    if metric not in METRICS:
        raise StudioError(f"The metric {metric!r} does not exist: use one of {', '.join(METRICS)}.")
    if quantity in ("rc", "score"):
        read = f"{'' if quantity == 'rc' else 'RC: '}{readings.LABELS[rc_reading]}"
        subject = f"{LABEL[quantity]} ({read}) on {labels.METRIC_LABEL[metric]}"
        return Target(readings.score_key(quantity, rc_reading)), subject
    if quantity not in ("mean", "difference"):
        return Target(quantity), f"{LABEL[quantity]} on {labels.METRIC_LABEL[metric]}"
    wanted = 1 if quantity == "mean" else 2
    names = list(models) or list(closest_pair(measurements, metric))[:wanted]
    if len(names) != wanted or len(set(names)) != wanted:
        raise StudioError(
            f"Planning for {LABEL[quantity]} takes {formatting.count(wanted, 'model')}: name {wanted} that were run."
        )
    ends = [(name, _end(measurements, name, metric)) for name in names]
    label = labels.METRIC_LABEL[metric]
    if quantity == "mean":
        return Target("mean", ends[0]), f"the {label} of {names[0]} at its end"
    return Target("difference", ends[0], ends[1]), f"the difference of {names[0]} and {names[1]} in {label}"


def closest_pair(measurements: Measurements, metric: str) -> tuple[str, ...]:
    """The two counted models whose values lie nearest at their last common checkpoint: the hardest to tell
    apart."""
    grid = common_grid(measurements, metric)
    if grid is None:
        return tuple(c.model.name for c in measurements.curves)
    order = np.argsort(-grid.scores[:, -1], kind="stable")
    gaps = -np.diff(grid.scores[order, -1])
    at = int(np.argmin(gaps))
    return grid.models[order[at]], grid.models[order[at + 1]]


def _end(measurements: Measurements, name: str, metric: str) -> int:
    if name not in measurements.per_question:
        known = ", ".join(measurements.per_question) or "none"
        raise StudioError(f"The model {name!r} is not among those of this run: use one of {known}.")
    complete = np.flatnonzero(np.isfinite(measurements.values(name, metric)))
    if not complete.size:
        raise StudioError(f"{name} has no complete checkpoint yet: run it first.")
    return int(complete[-1])


def plan_questions(
    measurements: Measurements,
    goal: Goal,
    fleet: Sequence[FleetPart],
    pace: Pace | None,
    simulated: Simulated | None = None,
) -> Plan:
    """How many questions narrow the goal's interval to its width, and how long the fleet takes over them.

    `simulated` stands for `simulate` where widths are kept. Raises StudioError for a width that is not above
    0 and where nothing is measured.
    """
    if not (math.isfinite(goal.width) and goal.width > 0):
        raise StudioError(
            f"The width {goal.width} cannot be planned for: give a number above 0, such as 0.05."
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
    """Why no size studied reaches the width."""
    known = widths.width[np.isfinite(widths.width)]
    if not known.size:
        return f"It has no interval here. {widths.why}"
    return (
        f"Even {widths.sizes[-1]:,} questions leave a width of {known[-1]:.3f}: more of them cannot reach "
        f"{wanted:g}."
    )


def simulate_widths(measurements: Measurements, metric: str, target: Target) -> Widths:
    """The widths at all sizes. Raises StudioError where fewer than two questions or no checkpoint is
    measured."""
    if len(measurements.question_ids) < 2 or not measurements.complete_checkpoints:
        raise StudioError(
            "Planning draws from measured questions, and fewer than two are measured: run the set first."
        )
    return set_sizes.widths(
        measurements.runs,
        measurements.choice_counts,
        metric,
        target,
        coverage.load(),
        measurements.groups or None,
    )


# --- the time ---------------------------------------------------------------------------------------------


def select_checkpoints(measurements: Measurements, checkpoints: Sequence[Checkpoint]) -> Measurements:
    """The measurements at these checkpoints alone: another fleet of the same results.

    The very same measurements where they have no others, so that nothing of them is computed anew.
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
