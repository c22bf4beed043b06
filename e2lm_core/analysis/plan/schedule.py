"""Simulated schedule and cost of a fleet on n workers, from measured paces.

T = start + the last worker's end, where whoever is free takes the run's next checkpoint, which takes
fixed + questions · question seconds, and `first` more on a worker that has not had its configuration.

cost = n · T / 3600 · price
"""

from __future__ import annotations

import heapq
import math
import statistics
from collections.abc import Mapping, Sequence

from e2lm_core.analysis.plan.fleet import FleetPart
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Record

MOST_WORKERS = 10_000
_APART = (
    1.5  # sizes of runs of which one is so many times the other tell what is fixed from what is by question
)
_CUT = 3.0  # medians
_SEVERAL = 3  # checkpoints of one run that tell what its first one took beyond the others

Row = tuple[float, int]  # seconds that a worker took for a checkpoint, and how many questions it computed


class CheckpointCost(Record):
    """What a checkpoint of one model takes a worker, in seconds; `first` for its configuration, once a process."""

    fixed_s: float
    question_s: float
    first_s: float = 0.0
    estimated: bool = False  # scaled from another model's

    def seconds(self, questions: int) -> float:
        """Seconds of a checkpoint whose configuration the worker has had."""
        return self.fixed_s + questions * self.question_s

    def scale_to(self, by: float) -> CheckpointCost:
        """That of a model so many times the size: reading and computing grow with it."""
        return CheckpointCost(
            fixed_s=self.fixed_s * by,
            question_s=self.question_s * by,
            first_s=self.first_s * by,
            estimated=True,
        )


class Schedule(Record):
    """A fleet on `workers` cores or GPUs: its seconds, what they cost, and the share of them that is at work."""

    workers: int
    seconds: float
    cost: float | None
    busy: float
    estimated: bool = False


def estimate_cost(rows: Sequence[Row], side_by_side: int = 1) -> CheckpointCost:
    """A model's cost from what its checkpoints took, at least one, `together` of them side by side.

    By run size the mean over checkpoints, so that a fleet's sum is what such checkpoints add up to (a median would
    leave out that some take longer), each counted as three medians at most. From the smallest and the largest size,
    where they are far enough apart, what is fixed. `first` is what the slowest of several checkpoints took beyond
    the mean of those that waited for nothing: a configuration is checked and built at the first, for which those beside
    it wait.
    """
    sizes: dict[int, list[float]] = {}
    for seconds, questions in rows:
        sizes.setdefault(questions, []).append(seconds)
    middles = {questions: _mean_of_others(seconds, side_by_side) for questions, seconds in sizes.items()}
    small, large = min(sizes), max(sizes)
    question_s, fixed_s = middles[large] / large, 0.0
    if large >= _APART * small:
        slope = (middles[large] - middles[small]) / (large - small)
        if 0 < slope < question_s:
            question_s, fixed_s = slope, middles[large] - slope * large
    beyond = [max(s) - middles[n] for n, s in sizes.items() if len(s) >= _SEVERAL]
    return CheckpointCost(
        fixed_s=fixed_s, question_s=question_s, first_s=statistics.median(beyond) if beyond else 0.0
    )


def _mean_of_others(seconds: Sequence[float], waited: int) -> float:
    """Of all but the slowest of several, so many as `waited`; what waited for something else (a machine asleep) is cut."""
    most = _CUT * statistics.median(seconds)
    others = sorted(seconds)[: max(1, len(seconds) - waited)] if len(seconds) >= _SEVERAL else seconds
    return statistics.fmean(min(one, most) for one in others)


def fleet_costs(
    fleet: Sequence[FleetPart], measured: Mapping[str, CheckpointCost], parameters: Mapping[str, int | None]
) -> dict[str, CheckpointCost]:
    """A cost for every model of a fleet: its own, or that of the largest measured one, scaled by parameters.

    `parameters` are those of the measured models. Raises `StudioError` where nothing is measured.
    """
    if not measured:
        raise StudioError(
            "How long a fleet takes follows from earlier runs, and there is none: run a set on a few checkpoints, "
            "or say --pace SECONDS a question."
        )
    sized = [(n, name) for name in measured if (n := parameters.get(name))]
    costs = {}
    for part in fleet:
        largest, like = max(sized, default=(1, next(iter(measured))))
        own = measured.get(part.model)
        by = max((part.parameters or largest) / largest, 1.0)
        costs[part.model] = own or measured[like].scale_to(by)
    return costs


def checkpoint_sequence(fleet: Sequence[FleetPart]) -> list[str]:
    """The model of each checkpoint in a run's order: every model's last, then every model's first, and so on."""
    most = max((part.checkpoints for part in fleet), default=0)
    return [part.model for rank in range(most) for part in fleet if rank < part.checkpoints]


def simulate_schedule(
    tasks: Sequence[str],
    costs: Mapping[str, CheckpointCost],
    questions: int,
    workers: int,
    start_s: float = 0.0,
    price: float | None = None,
    together: int = 1,
) -> Schedule:
    """The tasks' checkpoints on so many workers, of which each begins after `start_s`; `price` an hour of one.

    `together` of them are threads of one process, which loads a configuration once. Raises `StudioError` for a number of workers or a price that cannot be.
    """
    if not 1 <= workers <= MOST_WORKERS:
        raise StudioError(f"{workers:,} workers cannot be planned for: use 1 to {MOST_WORKERS:,}.")
    if price is not None and not (math.isfinite(price) and price >= 0):
        raise StudioError(
            f"The price {price} cannot be used: give what a core or GPU costs an hour, such as 2.5."
        )
    free = [(start_s, worker) for worker in range(workers)]
    loaded: list[set[str]] = [set() for _ in range(-(-workers // max(1, together)))]
    had = [loaded[worker // max(1, together)] for worker in range(workers)]
    end = worked = 0.0
    for model in tasks:
        now = free[0][0]
        at_once = [heapq.heappop(free)]
        while free and free[0][0] <= now:
            at_once.append(heapq.heappop(free))
        # Of those that are free at once, as the pool lends them: who has it loaded, then who has the fewest.
        chosen = min(at_once, key=lambda one: (model not in had[one[1]], len(had[one[1]]), one[1]))
        for other in at_once:
            if other is not chosen:
                heapq.heappush(free, other)
        worker = chosen[1]
        seconds = costs[model].seconds(questions) + (0.0 if model in had[worker] else costs[model].first_s)
        had[worker].add(model)
        worked += seconds
        end = max(end, now + seconds)
        heapq.heappush(free, (now + seconds, worker))
    return Schedule(
        workers=workers,
        seconds=end,
        cost=None if price is None else workers * end / 3_600 * price,
        busy=worked / (workers * end) if end else 0.0,
        estimated=any(costs[model].estimated for model in tasks),
    )
