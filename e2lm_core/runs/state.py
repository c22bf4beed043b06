"""State of a set's results: coverage, staleness, remaining time."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from e2lm_core.analysis.plan.fleet import FleetPart, Pace, count_checkpoints_by_model, fleet_pace
from e2lm_core.analysis.plan.plan import Goal, Plan, Simulated, plan_questions, select_checkpoints
from e2lm_core.analysis.plan.schedule import (
    CheckpointCost,
    Schedule,
    checkpoint_sequence,
    estimate_cost,
    fleet_costs,
    simulate_schedule,
)
from e2lm_core.base.errors import CheckpointError, StudioError
from e2lm_core.base.records import Checkpoint, Record, TaskSet
from e2lm_core.checkpoints.family_catalogue import FAMILIES
from e2lm_core.engine.local import LocalBackend
from e2lm_core.runs.queue import timings
from e2lm_core.runs.queue.progress import RunProgress, run_progress
from e2lm_core.runs.start import KIND, latest_job
from e2lm_core.runs.store import shipped_defaults
from e2lm_core.runs.store.requests import RequestIndex
from e2lm_core.runs.studio import Studio
from e2lm_core.scores.measurements import Measurements
from e2lm_core.sets.prompts.render import render_set

MANY = 10  # questions at once whose pace is that of a sweep


class Coverage(Record):
    """How many questions of a set are complete at each checkpoint, and which are not everywhere."""

    complete: dict[str, int]
    questions: int
    stale: tuple[str, ...]

    @property
    def done(self) -> int:
        """(checkpoint, question) pairs that are complete."""
        return sum(self.complete.values())

    @property
    def total(self) -> int:
        """All (checkpoint, question) pairs."""
        return self.questions * len(self.complete)


class Estimate(Record):
    """What a run would cost; counts are (checkpoint, question) pairs, `seconds` None before any pace is known."""

    total: int
    missing: int
    seconds: float | None


class SetState(Record):
    """The state of a set's results, for the strip on every page."""

    kind: Literal["empty", "never run", "running", "stale", "up to date"]
    stale: int = 0
    done: int = 0
    total: int = 0
    job: int | None = None
    run: RunProgress | None = None  # how far the run is that goes on; None without one
    owner: str = ""  # of the run that goes on, see `Job`
    shipped: bool = False  # whether some of it is what the package brings, and was never computed here


def coverage(
    studio: Studio, task: TaskSet, checkpoints: Sequence[Checkpoint], num_fewshot: int | None = None
) -> Coverage:
    """What the store has of a set's current text. Raises `TaskError` where a prompt cannot be rendered."""
    docs = render_set(task, num_fewshot)
    asked = RequestIndex(docs)
    complete: dict[str, int] = {}
    stale: set[int] = set()
    for checkpoint in checkpoints:
        missing = asked.missing(studio.store, studio.backend.scope(checkpoint))
        complete[checkpoint.name] = len(docs) - len(missing)
        stale.update(missing)
    return Coverage(
        complete=complete,
        questions=len(docs),
        stale=tuple(docs[place].question_id for place in sorted(stale)),
    )


def coverage_of(measurements: Measurements) -> Coverage:
    """The same of what was read already, without another look into the store."""
    complete: dict[str, int] = {}
    lacking = np.zeros(len(measurements.question_ids), bool)
    for curve in measurements.curves:
        known = measurements.complete[curve.model.name]
        complete |= {c.name: int(n) for c, n in zip(curve.checkpoints, known.sum(axis=1), strict=True)}
        lacking |= ~known.all(axis=0)
    return Coverage(
        complete=complete,
        questions=len(measurements.question_ids),
        stale=tuple(measurements.question_ids[place] for place in np.flatnonzero(lacking)),
    )


def estimate(
    studio: Studio,
    task: TaskSet,
    checkpoints: Sequence[Checkpoint],
    num_fewshot: int | None = None,
    measurements: Measurements | None = None,
) -> Estimate:
    """What is missing, and how long it takes at the pace of this machine's earlier runs.

    A model that never ran is taken at the mean pace of those that did. `measurements` is what whoever asks has read
    of just these checkpoints already.
    """
    covered = (
        coverage(studio, task, checkpoints, num_fewshot)
        if measurements is None
        else coverage_of(measurements)
    )
    missing = {c.name: covered.questions - covered.complete[c.name] for c in checkpoints}
    total_missing = sum(missing.values())
    pace = seconds_per_question(studio, num_fewshot or 0)
    if not total_missing:
        return Estimate(total=covered.total, missing=0, seconds=0.0)
    if not pace:
        return Estimate(total=covered.total, missing=total_missing, seconds=None)
    mean = sum(pace.values()) / len(pace)
    seconds = sum(missing[c.name] * pace.get(c.model.name, mean) for c in checkpoints)
    return Estimate(total=covered.total, missing=total_missing, seconds=seconds)


def seconds_per_question(studio: Studio, num_fewshot: int) -> dict[str, float]:
    """Seconds a question took, by model, in the runs with as many few-shot examples.

    An edit's single question is mostly the start of it, so edits tell the pace only where nothing else does.
    """
    jobs = studio.jobs
    rows = jobs.seconds_by_checkpoint(KIND, num_fewshot, MANY) or jobs.seconds_by_checkpoint(
        KIND, num_fewshot, 1
    )
    spent: dict[str, list[float]] = {}
    for name, (seconds, computed) in rows.items():
        sums = spent.setdefault(name.split("/")[0], [0.0, 0.0])
        sums[0] += seconds
        sums[1] += computed
    return {model: seconds / computed for model, (seconds, computed) in spent.items()}


def fleet_of_set(studio: Studio, set_name: str) -> tuple[tuple[Checkpoint, ...], int | None]:
    """The checkpoints and the few-shot count that the set was last run with; at first those of `brought.at_first`.

    After a rolling run those too that were scored and let go again.
    """
    job = latest_job(studio, set_name, progress=False)
    if job is None:
        return shipped_defaults.default_checkpoints(studio, set_name), None
    names = set(job.payload.get("fleet") or job.payload["checkpoints"])
    if job.payload.get("rolling") or "fleet" in job.payload:
        chosen = tuple(c for c in studio.catalogue.checkpoints if c.name in names and studio.is_readable(c))
    else:
        chosen = tuple(c for c in studio.local_checkpoints if c.name in names)
    return chosen or studio.local_checkpoints, job.payload.get("num_fewshot")


def next_fleet(
    studio: Studio, set_name: str
) -> tuple[tuple[Checkpoint, ...], tuple[Checkpoint, ...], int | None]:
    """(those of the set's fleet that are on this machine, the fleet where that is more, the few-shot count).

    Raises `CheckpointError` where all of them were let go.
    """
    chosen, num_fewshot = fleet_of_set(studio, set_name)
    here = {c.name for c in studio.local_checkpoints}
    at_hand = tuple(c for c in chosen if c.name in here)
    if chosen and not at_hand:
        raise CheckpointError(
            "The checkpoints that this set was run on were let go again: fetch and score them once more on Models and "
            "runs, or run others there."
        )
    return at_hand, chosen if len(at_hand) < len(chosen) else (), num_fewshot


def state_of_set(
    studio: Studio,
    set_name: str,
    task: TaskSet,
    load: Callable[[Sequence[Checkpoint], int | None], Measurements] | None = None,
) -> SetState:
    """What the strip says of a set: it is exact, and costs one look into the store per checkpoint.

    `measure` gives what whoever asks has read of the store already.
    """
    if not task.questions:
        return SetState(kind="empty")
    job = latest_job(studio, set_name, progress=False)
    if job and not job.over:
        run = run_progress(studio.jobs, job, task)
        return SetState(kind="running", job=job.id, done=run.done, total=run.total, run=run, owner=job.owner)
    checkpoints, num_fewshot = fleet_of_set(studio, set_name)
    if load is None:
        covered = coverage(studio, task, checkpoints, num_fewshot)
    else:
        covered = coverage_of(load(checkpoints, num_fewshot))
    kind: Literal["never run", "stale", "up to date"] = "up to date"
    if covered.done == 0:
        kind = "never run"
    elif covered.stale:
        kind = "stale"
    return SetState(
        kind=kind,
        stale=len(covered.stale),
        done=covered.done,
        total=covered.total,
        job=job.id if job else None,
        shipped=covered.done > 0
        and shipped_defaults.shows_shipped_results(studio, task, checkpoints, num_fewshot),
    )


_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([mb])", re.IGNORECASE)


def family_fleet(key: str) -> tuple[FleetPart, ...]:
    """All models of a family whose checkpoints are known beforehand. Raises StudioError for another."""
    known = {f.key: f for f in FAMILIES if f.steps}
    if key not in known:
        raise StudioError(f"The fleet {key!r} is not known beforehand: use one of {', '.join(known)}.")
    family = known[key]
    return tuple(
        FleetPart(
            model=m.name, parameters=m.parameters or _size(m.size), checkpoints=len(family.known_locations(m))
        )
        for m in family.models
    )


def _size(size: str | None) -> int | None:
    """500m -> 500,000,000; None where a size is no number."""
    parts = _SIZE.fullmatch(size or "")
    return int(float(parts[1]) * (10**9 if parts[2].lower() == "b" else 10**6)) if parts else None


def plan_for(
    studio: Studio,
    measurements: Measurements,
    checkpoints: Sequence[Checkpoint],
    num_fewshot: int | None,
    goal: Goal,
    family: str | None = None,
    seconds: float | None = None,
    simulated: Simulated | None = None,
) -> Plan:
    """What the goal takes: widths drawn from what was measured at these checkpoints, time at this machine's pace.

    `family` times another fleet than these checkpoints, `seconds` a question another pace than was measured;
    `simulated` as `plan` takes it. Raises StudioError for a fleet, a pace or a goal that cannot be planned for.
    """
    fleet = family_fleet(family) if family else count_checkpoints_by_model(checkpoints)
    parameters = {c.model.name: c.model.parameters for c in studio.catalogue.checkpoints}
    pace = fleet_pace(fleet, measured_pace(studio, num_fewshot), parameters, seconds)
    return plan_questions(select_checkpoints(measurements, checkpoints), goal, fleet, pace, simulated)


def measured_pace(studio: Studio, num_fewshot: int | None) -> Pace | None:
    """The pace of this machine's earlier runs with as many few-shot examples; None before there is one."""
    seconds = seconds_per_question(studio, num_fewshot or 0)
    device = studio.settings.device or "the best device here"
    return Pace(seconds=seconds, source=f"earlier runs on this machine ({device})") if seconds else None


def schedules_for(
    studio: Studio,
    checkpoints: Sequence[Checkpoint],
    num_fewshot: int | None,
    questions: int,
    workers: Sequence[int],
    family: str | None = None,
    seconds: float | None = None,
    price: float | None = None,
    start_s: float = 0.0,
) -> list[Schedule]:
    """How long these checkpoints, or a family's, take over so many questions on each number of workers.

    By what earlier runs here took; `seconds` a question for all models is another pace. Raises `StudioError` for a
    fleet, a number or a pace that cannot be, and where nothing was run yet.
    """
    if questions < 1:
        raise StudioError(f"{questions:,} questions cannot be planned for: give 1 or more.")
    if not (math.isfinite(start_s) and start_s >= 0):
        raise StudioError(f"The start {start_s} cannot be used: give seconds of 0 or more.")
    fleet = family_fleet(family) if family else count_checkpoints_by_model(checkpoints)
    if seconds is not None:
        pace = fleet_pace(fleet, None, {}, seconds)
        assert pace is not None
        costs = {model: CheckpointCost(fixed_s=0.0, question_s=one) for model, one in pace.seconds.items()}
    else:
        parameters = {c.model.name: c.model.parameters for c in studio.catalogue.checkpoints}
        costs = fleet_costs(fleet, measured_costs(studio, num_fewshot), parameters)
    tasks, together = checkpoint_sequence(fleet), _together(studio)
    return [simulate_schedule(tasks, costs, questions, n, start_s, price, together) for n in workers]


def _together(studio: Studio) -> int:
    """How many checkpoints a process computes side by side: an actor one, this machine's worker what it can."""
    return 1 if studio.settings.backend == "ray" else LocalBackend(studio.settings).at_once


def measured_costs(studio: Studio, num_fewshot: int | None) -> dict[str, CheckpointCost]:
    """What checkpoints of each model took one core or GPU in earlier runs on this machine."""
    rows = timings.timing_rows(studio.jobs, KIND, num_fewshot or 0)
    if not rows:
        return {}
    # A run's seconds are shared by the checkpoints that were computed side by side.
    at_once = LocalBackend(studio.settings).at_once
    spent: dict[str, list[tuple[float, int]]] = {}
    for name, seconds, computed in rows:
        spent.setdefault(name.split("/")[0], []).append((seconds * at_once, computed))
    return {model: estimate_cost(rows, at_once) for model, rows in spent.items()}
