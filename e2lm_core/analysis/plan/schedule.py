"""Simulated schedule and cost of a fleet on n workers, from measured paces.

    T    = start + end of the last worker, counted from the start
    cost = n · T / 3600 · price

Each free worker takes the run's next checkpoint, for fixed + questions · question seconds, and for `first`
more seconds if the worker has not loaded the model's configuration before.
"""

from __future__ import annotations

import heapq
import math
import statistics
from collections.abc import Mapping, Sequence

from e2lm_core.analysis.plan.fleet import FleetPart
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Record
from e2lm_core.base.sentences import Sentence

MAX_WORKERS = 10_000
# Ratio of two run sizes from which the fixed time can be separated from the time per question.
_APART = 1.5
_CUT = 3.0  # medians
# Number of checkpoints of one run from which the extra time of its first one can be estimated.
_SEVERAL = 3

Row = tuple[float, int]  # a worker's seconds for a checkpoint, and the number of questions computed


class CheckpointCost(Record):
    """Time of a worker for one checkpoint of a model.

    Attributes:
        fixed_s: Seconds per checkpoint, whatever the number of questions.
        question_s: Seconds per question.
        first_s: Seconds to load the model's configuration, once per process.
        estimated: The cost is scaled from another model.
    """

    fixed_s: float
    question_s: float
    first_s: float = 0.0
    estimated: bool = False

    def seconds(self, questions: int) -> float:
        """Seconds of a checkpoint on a worker that has loaded the model's configuration."""
        return self.fixed_s + questions * self.question_s

    def scale_to(self, by: float) -> CheckpointCost:
        """Cost of a model `by` times as large, since reading and computing grow with the size."""
        return CheckpointCost(
            fixed_s=self.fixed_s * by,
            question_s=self.question_s * by,
            first_s=self.first_s * by,
            estimated=True,
        )


class Schedule(Record):
    """Simulated run of a fleet on `workers` cores or GPUs.

    Attributes:
        workers: Number of workers.
        seconds: Duration of the run.
        cost: Price of the run; None without a price per hour.
        busy: Share of the workers' time spent on checkpoints, in [0, 1].
        estimated: Some model's cost is scaled from another model.
    """

    workers: int
    seconds: float
    cost: float | None
    busy: float
    estimated: bool = False


def estimate_cost(rows: Sequence[Row], side_by_side: int = 1) -> CheckpointCost:
    """Estimate a model's cost from the times of its checkpoints, at least one.

    For each number of questions, the mean over checkpoints is used, so that a fleet's sum is the sum of such
    checkpoints (a median would leave out the slow ones); each time counts as three medians at most. `fixed_s`
    follows from the smallest and the largest number of questions, if the larger is at least 1.5 times the
    smaller. `first_s` is the time of the slowest of several checkpoints beyond the mean of those that did not
    wait: a configuration is checked and built at the first checkpoint, and the checkpoints next to it wait
    for that.

    Args:
        rows: Seconds and number of questions of each checkpoint.
        side_by_side: Number of checkpoints computed at the same time.
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
    """Mean without the `waited` slowest of several; times are cut at three medians (a sleeping machine)."""
    most = _CUT * statistics.median(seconds)
    others = sorted(seconds)[: max(1, len(seconds) - waited)] if len(seconds) >= _SEVERAL else seconds
    return statistics.fmean(min(one, most) for one in others)


def fleet_costs(
    fleet: Sequence[FleetPart], measured: Mapping[str, CheckpointCost], parameters: Mapping[str, int | None]
) -> dict[str, CheckpointCost]:
    """Cost of every model of a fleet: its own, or that of the largest measured one, scaled by parameters.

    Args:
        fleet: Models of the fleet.
        measured: Costs of the measured models by name.
        parameters: Parameters of the measured models by name.

    Raises:
        StudioError: No model is measured.
    """
    if not measured:
        raise StudioError(
            Sentence(
                "How long a model group takes follows from earlier runs, and there is none: run a set on a few "
                "checkpoints, "
                "or say --pace SECONDS a question."
            )
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
    """Model of each checkpoint in a run's order: every model's last, then every model's first, and so on."""
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
    """Simulate a run of the tasks' checkpoints on a number of workers.

    Args:
        tasks: Model of each checkpoint, in the run's order.
        costs: Cost of each model by name.
        questions: Number of questions per checkpoint.
        workers: Number of workers, 1 to 10,000.
        start_s: Seconds before each worker begins.
        price: Price of one worker per hour.
        together: Number of workers that are threads of one process, which loads a configuration once.

    Raises:
        StudioError: The number of workers is outside 1 to 10,000, or the price is not a finite number from 0
            on.
    """
    if not 1 <= workers <= MAX_WORKERS:
        raise StudioError(
            Sentence(
                "{workers} workers cannot be planned for: use 1 to {max_workers}.",
                workers=workers,
                max_workers=MAX_WORKERS,
            )
        )
    if price is not None and not (math.isfinite(price) and price >= 0):
        raise StudioError(
            Sentence(
                "The price {price} cannot be used: give what a core or GPU costs an hour, such as 2.5.",
                price=price,
            )
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
        # Workers that are free at once are chosen as the pool does: first one with the configuration loaded,
        # then the one with the fewest configurations.
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
