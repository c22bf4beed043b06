"""How many questions a wanted certainty takes, and how long a fleet takes over them, from what was measured."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from e2lm_core import coverage, phrasing, set_sizes
from e2lm_core.certainty import runs_of
from e2lm_core.errors import StudioError
from e2lm_core.families import FAMILIES
from e2lm_core.measuring import Measurements, common_grid
from e2lm_core.records import METRICS, Checkpoint, Record
from e2lm_core.set_sizes import Target, Widths
from e2lm_core.standing import pace_of
from e2lm_core.studio import Studio

OF = ("mean", "difference", "sq", "rc", "cs", "score", "decision_accuracy")
LABEL = {
    "mean": "the end value of one model",
    "difference": "the difference of two models at the end",
    "sq": "SQ", "rc": "RC", "cs": "CS", "score": "Score", "decision_accuracy": "decision accuracy",
}  # fmt: skip
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([mb])", re.IGNORECASE)


class Pace(Record):
    """Seconds a question takes on one checkpoint, by model; `source` says where that is from."""

    seconds: dict[str, float]
    source: str
    estimated: bool = False


class FleetPart(Record):
    """A model and how many of its checkpoints are to be run."""

    model: str
    parameters: int | None
    checkpoints: int


@dataclass(frozen=True)
class Plan:
    """What a wanted width takes. `questions` is None where no size studied reaches it (`why` says so), `seconds`
    where no pace is known."""

    of: str
    subject: str
    metric: str
    wanted: float
    measured: int
    found: Widths
    questions: int | None
    why: str | None
    fleet: tuple[FleetPart, ...]
    pace: Pace | None
    seconds: float | None


# --- the certainty --------------------------------------------------------------------------------------


def target_of(measured: Measurements, of: str, metric: str, models: Sequence[str] = ()) -> tuple[Target, str]:
    """What is to be known, and its name in words.

    `models` names one model for a mean, two for a difference; by default the two that count and are nearest to
    each other at the end, of which the first alone for a mean. Raises StudioError where that cannot be.
    """
    if of not in OF:
        raise StudioError(f"{of!r} cannot be planned for: use one of {', '.join(OF)}.")
    if metric not in METRICS:
        raise StudioError(f"The metric {metric!r} does not exist: use one of {', '.join(METRICS)}.")
    if of not in ("mean", "difference"):
        return Target(of), f"{LABEL[of]} on {phrasing.METRIC_LABEL[metric]}"
    wanted = 1 if of == "mean" else 2
    names = list(models) or list(_nearest(measured, metric))[:wanted]
    if len(names) != wanted or len(set(names)) != wanted:
        raise StudioError(
            f"Planning for {LABEL[of]} takes {phrasing.count(wanted, 'model')}: name {wanted} that were run."
        )
    ends = [(name, _end(measured, name, metric)) for name in names]
    label = phrasing.METRIC_LABEL[metric]
    if of == "mean":
        return Target("mean", ends[0]), f"the {label} of {names[0]} at its end"
    return Target("difference", ends[0], ends[1]), f"the difference of {names[0]} and {names[1]} in {label}"


def _nearest(measured: Measurements, metric: str) -> tuple[str, ...]:
    """The two counted models whose values lie nearest at their last common checkpoint: the hardest to tell apart."""
    grid = common_grid(measured, metric)
    if grid is None:
        return tuple(c.model.name for c in measured.curves)
    order = np.argsort(-grid.scores[:, -1], kind="stable")
    gaps = -np.diff(grid.scores[order, -1])
    at = int(np.argmin(gaps))
    return grid.models[order[at]], grid.models[order[at + 1]]


def _end(measured: Measurements, name: str, metric: str) -> int:
    if name not in measured.per_question:
        known = ", ".join(measured.per_question) or "none"
        raise StudioError(f"The model {name!r} is not among those of this run: use one of {known}.")
    complete = np.flatnonzero(np.isfinite(measured.values(name, metric)))
    if not complete.size:
        raise StudioError(f"{name} has no complete checkpoint yet: run it first.")
    return int(complete[-1])


def plan(
    measured: Measurements,
    of: str,
    metric: str,
    wanted: float,
    fleet: Sequence[FleetPart],
    pace: Pace | None,
    models: Sequence[str] = (),
    found: Widths | None = None,
) -> Plan:
    """How many questions narrow the interval to `wanted` (its full width, in the metric's own unit), how long it takes.

    `found` spares the simulation where it was made already. Raises StudioError for a width that is not above 0 and
    where nothing is measured.
    """
    if not (math.isfinite(wanted) and wanted > 0):
        raise StudioError(f"The width {wanted} cannot be planned for: give a number above 0, such as 0.05.")
    target, subject = target_of(measured, of, metric, models)
    found = found if found is not None else simulate(measured, metric, target)
    questions = set_sizes.needed(found, wanted)
    why = None
    if questions is None:
        known = found.width[np.isfinite(found.width)]
        why = (
            f"Even {found.sizes[-1]:,} questions leave a width of {known[-1]:.3f}: more of them cannot reach {wanted:g}."
            if known.size
            else f"It has no interval here. {found.why}"
        )
    seconds = None if questions is None else seconds_for(questions, fleet, pace)
    return Plan(
        of=of,
        subject=subject,
        metric=metric,
        wanted=wanted,
        measured=len(measured.question_ids),
        found=found,
        questions=questions,
        why=why,
        fleet=tuple(fleet),
        pace=pace,
        seconds=seconds,
    )


def simulate(measured: Measurements, metric: str, target: Target) -> Widths:
    """The widths at all sizes. Raises StudioError where fewer than two questions or no checkpoint is measured."""
    if len(measured.question_ids) < 2 or not measured.complete_checkpoints:
        raise StudioError(
            "Planning draws from measured questions, and fewer than two are measured: run the set first."
        )
    return set_sizes.widths(
        runs_of(measured), measured.choice_counts, metric, target, coverage.load(), measured.groups or None
    )


# --- the time ---------------------------------------------------------------------------------------------


def fleet_of(checkpoints: Sequence[Checkpoint]) -> tuple[FleetPart, ...]:
    """The models of these checkpoints with how many each has."""
    parts: dict[str, FleetPart] = {}
    for checkpoint in checkpoints:
        model = checkpoint.model
        before = parts.get(model.name)
        parts[model.name] = FleetPart(
            model=model.name,
            parameters=model.parameters,
            checkpoints=(before.checkpoints if before else 0) + 1,
        )
    return tuple(parts.values())


def family_fleet(key: str) -> tuple[FleetPart, ...]:
    """All models of a family whose checkpoints are known beforehand. Raises StudioError for another."""
    known = {f.key: f for f in FAMILIES if f.steps}
    if key not in known:
        raise StudioError(f"The fleet {key!r} is not known beforehand: use one of {', '.join(known)}.")
    family = known[key]
    return tuple(
        FleetPart(
            model=m.name, parameters=m.parameters or _size(m.size), checkpoints=len(family.known_places(m))
        )
        for m in family.models
    )


def _size(size: str | None) -> int | None:
    """500m -> 500,000,000; None where a size is no number."""
    found = _SIZE.fullmatch(size or "")
    return int(float(found[1]) * (10**9 if found[2].lower() == "b" else 10**6)) if found else None


def measured_pace(studio: Studio, num_fewshot: int | None) -> Pace | None:
    """The pace of this machine's earlier runs with as many few-shot examples; None before there is one."""
    seconds = pace_of(studio, num_fewshot or 0)
    device = studio.settings.device or "the best device here"
    return Pace(seconds=seconds, source=f"earlier runs on this machine ({device})") if seconds else None


def pace_for(
    fleet: Sequence[FleetPart],
    measured: Pace | None,
    parameters: dict[str, int | None],
    seconds: float | None = None,
) -> Pace | None:
    """A pace for every model of a fleet.

    `seconds` a question, where given, holds for all of them. Else a measured model has its own; another is scaled
    by its parameters from the largest measured one (the work a token is 2 x parameters, and the same questions
    have about as many tokens): an estimate, and too long where small models spend their time on other things.
    None where nothing is known.
    """
    if seconds is not None:
        if not (math.isfinite(seconds) and seconds > 0):
            raise StudioError(
                f"The pace {seconds} cannot be used: give seconds a question above 0, such as 0.02."
            )
        return Pace(seconds={p.model: seconds for p in fleet}, source="the pace that was given")
    if measured is None:
        return None
    sized = [(n, m) for m in measured.seconds if (n := parameters.get(m))]
    found, scaled = {}, []
    for part in fleet:
        if part.model in measured.seconds:
            found[part.model] = measured.seconds[part.model]
        elif sized and part.parameters:
            largest, model = max(sized)
            found[part.model] = measured.seconds[model] * max(part.parameters / largest, 1.0)
            scaled.append(model)
        else:
            found[part.model] = sum(measured.seconds.values()) / len(measured.seconds)
    if not scaled:
        return Pace(seconds=found, source=measured.source)
    source = f"{measured.source}, scaled by parameters from {scaled[0]}: an estimate"
    return Pace(seconds=found, source=source, estimated=True)


def seconds_for(questions: int, fleet: Sequence[FleetPart], pace: Pace | None) -> float | None:
    """questions x sum over models of checkpoints x seconds a question; None without a pace."""
    if pace is None:
        return None
    return questions * sum(part.checkpoints * pace.seconds[part.model] for part in fleet)


def part_of(measured: Measurements, checkpoints: Sequence[Checkpoint]) -> Measurements:
    """The measurements at these checkpoints alone: another fleet of the same results."""
    names = {checkpoint.name for checkpoint in checkpoints}
    curves = []
    for curve in measured.curves:
        kept = [k for k, checkpoint in enumerate(curve.checkpoints) if checkpoint.name in names]
        if kept:
            own = tuple(curve.checkpoints[k] for k in kept)
            curves.append(replace(curve, checkpoints=own, ll=curve.ll[kept]))
    return replace(measured, curves=tuple(curves))
