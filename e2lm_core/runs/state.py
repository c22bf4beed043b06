"""State of a set's results: coverage, staleness, remaining time."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
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
from e2lm_core.base.sentences import Sentence
from e2lm_core.checkpoints.family_catalogue import FAMILIES
from e2lm_core.engine.local import LocalBackend
from e2lm_core.runs import fleets
from e2lm_core.runs.fleets import OpenFleet, SetFleet
from e2lm_core.runs.queue import timings
from e2lm_core.runs.queue.progress import RunProgress, run_progress
from e2lm_core.runs.queue.records import Job
from e2lm_core.runs.start import KIND, latest_job
from e2lm_core.runs.store import shipped_defaults
from e2lm_core.runs.store.requests import RequestIndex
from e2lm_core.runs.studio import Studio
from e2lm_core.scores.measurements import Measurements
from e2lm_core.sets.prompts.render import render_set

MANY = 10  # questions computed at once from which the pace is that of a sweep


class Coverage(Record):
    """Coverage of a set: complete questions by checkpoint, and the questions that need a new run.

    Attributes:
        complete: Checkpoint name → number of questions with results of all choices.
        questions: Number of questions of the set.
        stale: Ids of the questions that are not complete at every checkpoint, in the set's order.
    """

    complete: dict[str, int]
    questions: int
    stale: tuple[str, ...]

    @property
    def done(self) -> int:
        """Number of complete (checkpoint, question) pairs."""
        return sum(self.complete.values())

    @property
    def total(self) -> int:
        """Number of all (checkpoint, question) pairs."""
        return self.questions * len(self.complete)


class Estimate(Record):
    """Cost of a run.

    Attributes:
        total: Number of all (checkpoint, question) pairs.
        missing: Number of pairs without results.
        seconds: Time to compute the missing ones; None before any pace is known.
    """

    total: int
    missing: int
    seconds: float | None


class SetState(Record):
    """State of a set's results, for the strip on every page.

    Attributes:
        kind: State in one term.
        stale: Number of questions that are not complete at every checkpoint.
        done: Number of complete (checkpoint, question) pairs.
        total: Number of all (checkpoint, question) pairs.
        job: Id of the set's run; None if it was never run.
        run: Progress of the open run; None without one.
        owner: Owner of the open run, see `Job`.
        shipped: Whether some results are shipped ones that were never computed on this machine.
        failure: Sentence of the last run if it failed and results are missing; "" otherwise.
    """

    kind: Literal["empty", "never run", "running", "stale", "up to date"]
    stale: int = 0
    done: int = 0
    total: int = 0
    job: int | None = None
    run: RunProgress | None = None
    owner: str = ""
    shipped: bool = False
    failure: str = ""


def coverage(
    studio: Studio, task: TaskSet, checkpoints: Sequence[Checkpoint], num_fewshot: int | None = None
) -> Coverage:
    """Coverage of a set's current text by stored results; reads the store.

    Args:
        studio: Store and backend.
        task: The set.
        checkpoints: Checkpoints to look at.
        num_fewshot: Number of few-shot examples; None for the set's own.

    Raises:
        TaskError: A prompt cannot be rendered.
    """
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
    """Coverage by measurements that were read already; does not read the store."""
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
    """Missing results of a set and the time they take at the pace of earlier runs on this machine.

    A model that never ran is taken at the mean pace of the models that did.

    Args:
        studio: Store, queue and backend.
        task: The set.
        checkpoints: Checkpoints of the run.
        num_fewshot: Number of few-shot examples; None for the set's own.
        measurements: Measurements at exactly these checkpoints; None to read the store.
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
    """Model name → mean seconds for one question, in runs with as many few-shot examples.

    Runs of few questions take most of their time to start, so they count only if there is no other run.
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


def fleet_of_set(studio: Studio, set_name: str) -> OpenFleet:
    """Fleet that the numbers of a set are of.

    It is the caller's choice for the set; without one the checkpoints of the set's last run; without a run the
    built-in ladder. Folders, caches and models that are added change nothing. If no checkpoint of the fleet is on
    this machine any more, the default ones stand in.

    Args:
        studio: Settings of the caller, catalogue and queue.
        set_name: Name or address of the set, or the path of its folder.

    Raises:
        TaskError: The caller may not open the set.
    """
    chosen = fleets.chosen_fleet(studio.settings, set_name)
    if chosen is None:
        job = latest_job(studio, set_name, progress=False)
        if job is None:
            return fleets.default_fleet(studio, set_name)
        names = tuple(job.payload.get("fleet") or job.payload["checkpoints"])
        fleet = fleets.name_fleet(studio, set_name, names)
        chosen = SetFleet(fleet=fleet, num_fewshot=job.payload.get("num_fewshot"))
    opened = fleets.open_fleet(studio, chosen.fleet, chosen.num_fewshot)
    if opened.checkpoints:
        return opened
    default = fleets.default_fleet(studio, set_name)
    return replace(opened, name=default.name, checkpoints=default.checkpoints, instead=True, roles={})


def next_fleet(
    studio: Studio, set_name: str
) -> tuple[tuple[Checkpoint, ...], tuple[Checkpoint, ...], int | None]:
    """The set's fleet on this machine, the whole fleet if that is more, and the few-shot count.

    Returns:
        The checkpoints of the set's fleet that are on this machine; all checkpoints of the fleet, or () if
        none is missing; the few-shot count, None for the set's own.

    Raises:
        CheckpointError: All checkpoints of the fleet were evicted.
    """
    fleet = fleet_of_set(studio, set_name)
    chosen = fleet.checkpoints
    here = {c.name for c in studio.local_checkpoints}
    at_hand = tuple(c for c in chosen if c.name in here)
    if chosen and not at_hand:
        raise CheckpointError(
            Sentence(
                "The checkpoints that this set was run on were let go again: fetch and score them once more on "
                "Models and "
                "runs, or run others there."
            )
        )
    return at_hand, chosen if len(at_hand) < len(chosen) else (), fleet.num_fewshot


def open_run_state(studio: Studio, task: TaskSet, job: Job | None) -> SetState | None:
    """State of a set that has no questions or whose run is open; None for any other set.

    Args:
        studio: Queue.
        task: The set.
        job: Its last run, see `start.latest_job`.
    """
    if not task.questions:
        return SetState(kind="empty")
    if job is None or job.over:
        return None
    run = run_progress(studio.jobs, job, task)
    return SetState(kind="running", job=job.id, done=run.done, total=run.total, run=run, owner=job.owner)


def state_by_coverage(
    studio: Studio, task: TaskSet, job: Job | None, fleet: OpenFleet, covered: Coverage
) -> SetState:
    """State of a set that has questions and no open run.

    Args:
        studio: Store and backend.
        task: The set.
        job: Its last run, see `start.latest_job`.
        fleet: Its fleet.
        covered: Its coverage at the fleet's checkpoints.
    """
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
        and shipped_defaults.shows_shipped_results(studio, task, *fleet.run_arguments),
        failure=(job.error or "") if job and kind != "up to date" else "",
    )


_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([mb])", re.IGNORECASE)


def planned_fleet(studio: Studio, key: str) -> tuple[FleetPart, ...]:
    """Models of a fleet to plan for: all of a family whose checkpoints are known without a hub, or a fleet here.

    Args:
        studio: Catalogue and settings of the caller.
        key: Key of a family, else name of a fleet.

    Raises:
        StudioError: There is no such family and no such fleet.
    """
    known = {f.key: f for f in FAMILIES if f.steps}
    if key not in known:
        here = fleets.list_fleets(studio)
        for fleet in here:
            if fleet.name == key:
                return count_checkpoints_by_model(fleets.open_fleet(studio, fleet).checkpoints)
        names = dict.fromkeys([*known, *(fleet.name for fleet in here)])
        raise StudioError(
            Sentence(
                "There is no model group {key} to plan for: use one of {names}.",
                key=repr(key),
                names=", ".join(names),
            )
        )
    family = known[key]
    return tuple(
        FleetPart(
            model=m.name, parameters=m.parameters or _size(m.size), checkpoints=len(family.known_locations(m))
        )
        for m in family.models
    )


def _size(size: str | None) -> int | None:
    """Parameters of a size: 500,000,000 for 500m; None if it is no number."""
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
    """Number of questions for a goal: widths simulated from these measurements, time at measured pace.

    Args:
        studio: Catalogue, queue and settings.
        measurements: Measurements from which interval widths are simulated.
        checkpoints: Checkpoints to plan with.
        num_fewshot: Number of few-shot examples; None for the set's own.
        goal: The goal.
        family: Key of a family, or name of a fleet, that is timed instead of these checkpoints.
        seconds: Seconds for one question instead of the measured pace.
        simulated: As in `plan_questions`.

    Raises:
        StudioError: The fleet, the pace or the goal cannot be planned for.
    """
    fleet = count_checkpoints_by_model(checkpoints) if family is None else planned_fleet(studio, family)
    parameters = {c.model.name: c.model.parameters for c in studio.catalogue.checkpoints}
    pace = fleet_pace(fleet, measured_pace(studio, num_fewshot), parameters, seconds)
    return plan_questions(select_checkpoints(measurements, checkpoints), goal, fleet, pace, simulated)


def measured_pace(studio: Studio, num_fewshot: int | None) -> Pace | None:
    """Pace of earlier runs on this machine with as many few-shot examples; None before there is one."""
    seconds = seconds_per_question(studio, num_fewshot or 0)
    device = studio.settings.device or Sentence("the best device here")
    source = Sentence("earlier runs on this machine ({device})", device=device)
    return Pace(seconds=seconds, source=source) if seconds else None


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
    """Schedules of a run over so many questions, one for each number of workers.

    Args:
        studio: Catalogue, queue and settings.
        checkpoints: Checkpoints of the run.
        num_fewshot: Number of few-shot examples; None for the set's own.
        questions: Number of questions, 1 or more.
        workers: Numbers of workers.
        family: Key of a family, or name of a fleet, that is run instead of these checkpoints.
        seconds: Seconds for one question at all models; None for the costs in earlier runs on this machine.
        price: Price of one worker per hour; None for none.
        start_s: Seconds before each worker begins, 0 or more.

    Raises:
        StudioError: The fleet, a number or the pace cannot be used, or nothing was run yet.
    """
    if questions < 1:
        raise StudioError(
            Sentence("{questions} questions cannot be planned for: give 1 or more.", questions=questions)
        )
    if not (math.isfinite(start_s) and start_s >= 0):
        raise StudioError(
            Sentence("The start {start_s} cannot be used: give seconds of 0 or more.", start_s=start_s)
        )
    fleet = count_checkpoints_by_model(checkpoints) if family is None else planned_fleet(studio, family)
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
    """Number of checkpoints that a process computes side by side: 1 for an actor, else by the backend."""
    return 1 if studio.settings.backend == "ray" else LocalBackend(studio.settings).at_once


def measured_costs(studio: Studio, num_fewshot: int | None) -> dict[str, CheckpointCost]:
    """Model name → cost of its checkpoints on one core or GPU, from earlier runs on this machine."""
    rows = timings.timing_rows(studio.jobs, KIND, num_fewshot or 0)
    if not rows:
        return {}
    # Checkpoints that were computed side by side share the run's seconds.
    at_once = LocalBackend(studio.settings).at_once
    spent: dict[str, list[tuple[float, int]]] = {}
    for name, seconds, computed in rows:
        spent.setdefault(name.split("/")[0], []).append((seconds * at_once, computed))
    return {model: estimate_cost(rows, at_once) for model, rows in spent.items()}
