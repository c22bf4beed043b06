"""The simulations of the coverage study: sets from sources with known truth, intervals counted."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.coverage.methods import (
    METHODS,
    SCALED,
    MirroredReplicates,
    interval,
    mean_of_defined,
    mirrored_replicates,
)
from e2lm_core.scores import set_scores
from e2lm_core.scores.layout import Layout, Run
from e2lm_core.scores.set_scores import RANGES, SCORES
from e2lm_core.scores.uncertainty import intervals
from e2lm_core.scores.uncertainty.methods import quantiles, small_sample_level
from tests.support import simulation

METRICS = ("acc", "margin", "norm_prob", "bpb")  # acc_norm is acc with another argmax, and takes its figures
MEANS = ("mean", "difference")
FEW = ("size1", "size3", "size5")  # a fleet with fewer models: every other size
RATIOS = ("snr", "snr_detrended")
FOR_RATIOS = ("relative", "parametric_relative")  # they need a score above zero


@dataclass(frozen=True)
class Plan:
    """The size of the study: `fleets` x `sets` simulations for each learner and number of questions.

    The smaller fleet is put to every second set.
    """

    fleets: int = 8
    first: int = 0  # number of the first fleet: others test what these have chosen
    sets: int = 64
    fresh: int = 1500
    resamples: int = 500
    of_scores: int = 200  # as many of the resamples for the scores, which take most of the time
    source: int = 16_000


QUESTIONS = (30, 100, 300, 1000)
QUICK = Plan(fleets=2, sets=10, fresh=200, resamples=200, source=4000)


class Source:
    """A fleet put to many questions: the finite source that sets are drawn from, with replacement.

    Being the source, its means are the truth exactly. `values` is [source, metric * model * checkpoint], so
    that a set is a gather of rows.
    """

    def __init__(
        self,
        learner: str,
        number: int,
        size: int,
        shapes: bool = False,
        fleet: simulation.Fleet | None = None,
    ) -> None:
        self.fleet = fleet or simulation.fleet(learner, number, shapes)
        drawn = simulation.draw(self.fleet, size, number)
        stacked = np.stack([drawn[metric] for metric in METRICS])
        self.shape = stacked.shape[:-1]
        self.values = np.ascontiguousarray(stacked.reshape(-1, size).T)

    def draw(self, rng: np.random.Generator, questions: int) -> dict[str, np.ndarray]:
        picked = self.values[rng.integers(0, len(self.values), questions)].T
        return dict(zip(METRICS, picked.reshape(*self.shape, questions), strict=True))


def truths(
    source: Source, plan: Plan, questions: int, seed: list[int]
) -> dict[tuple[str, str, int], np.ndarray]:
    """The estimands {(metric, score, models)}: mean over fresh sets; each model's own SQ is "sq_model"."""
    rng = np.random.default_rng(seed)
    curves = []
    errors: dict[str, list[np.ndarray]] = defaultdict(list)
    science = simulation.SIZES // 2 - 1
    for _ in range(plan.fresh):
        rows = source.values[rng.integers(0, len(source.values), questions)]
        curves.append(rows.mean(axis=0).reshape(source.shape).astype(np.float64))
        own = rows.reshape(questions, *source.shape)[:, METRICS.index("norm_prob"), science]
        errors["norm_prob"].append(own.std(axis=0, ddof=1) / np.sqrt(questions))
    stacked = np.stack(curves)
    every = simulation.runs(source.fleet, source.draw(rng, questions))
    name = source.fleet.names[science]
    found = {}
    for m, metric in enumerate(METRICS):
        by_model = {name: stacked[:, m, i] for i, name in enumerate(source.fleet.names)}
        chance = np.full(plan.fresh, 1 / simulation.CHOICES)
        for runs in (every, few(every)):
            layout = Layout.from_runs(runs, {n: by_model[n][0] for n in runs})
            against = set_scores.chance_floor(runs, layout, metric, chance, questions)
            if metric == "norm_prob":
                against = set_scores.ChanceFloor(chance, {name: np.stack(errors["norm_prob"])})
            own = set_scores.curve_scores(layout, {n: by_model[n] for n in runs}, metric, against)
            models = len(layout.counted)
            for score, values in own.whole.items():
                found[metric, score, models] = mean_of_defined(values)
            counted = [own.models[name] for name in layout.counted]
            found[metric, "sq_model", models] = mean_of_defined(np.stack(counted, axis=1))
        found[metric, "mean", simulation.SIZES] = source.values.mean(axis=0, dtype=np.float64).reshape(
            source.shape
        )[m]
    return found


def few(runs: dict[str, Run]) -> dict[str, Run]:
    """The smaller fleet: three of the six sizes and the twin."""
    return {name: run for name, run in runs.items() if name in FEW or run.twin_of}


Cell = tuple[str, str, str, int]  # score, metric, method, models


class Tally:
    """What became of the intervals of one (score, metric, method, models) in a chunk."""

    def __init__(self) -> None:
        self.intervals = self.held = self.undefined = 0
        self.width = self.middle = self.estimate = self.truth = 0.0

    def add(self, low: np.ndarray, high: np.ndarray, estimate: np.ndarray, truth: np.ndarray) -> None:
        low, high, estimate, truth = np.broadcast_arrays(low, high, estimate, truth)
        known = ~(np.isnan(low) | np.isnan(high))
        self.undefined += int((~known).sum())
        self.intervals += int(known.sum())
        # Far below what is shown: scores that are equal but for the order of a sum are equal.
        slack = 1e-9
        self.held += int(((low - slack <= truth) & (truth <= high + slack) & known).sum())
        self.width += float((high - low)[known].sum())
        self.middle += float(((high + low) / 2)[known].sum())
        self.estimate += float(estimate[known].sum())
        self.truth += float(truth[known].sum())


def chunk(
    source: Source, plan: Plan, number: int, questions: int, scores: tuple[str, ...] = SCORES
) -> dict[str, dict]:
    """All simulations of one fleet and one number of questions: {"score|metric|method|models": counts}.

    Means, single models and the smaller fleet only where all `scores` are studied.
    """
    # Learners differ by their source; the seeds only need to differ by fleet and number of questions.
    truth = truths(source, plan, questions, [number, questions, 1])
    tallies: dict[Cell, Tally] = defaultdict(Tally)
    for trial in range(plan.sets):
        rng = np.random.default_rng([number, questions, 2, trial])
        runs = simulation.runs(source.fleet, source.draw(rng, questions))
        choices = np.full(questions, simulation.CHOICES)
        resampled = intervals.resample(runs, choices, METRICS, resamples=plan.resamples, seed=trial)
        first = _first(resampled, plan.of_scores)
        smaller = few(runs)
        fewer = replace(first, runs=smaller)
        for metric in METRICS:
            _count_scores(tallies, first, metric, truth, scores)
            if scores is not SCORES:
                continue
            _count_means(tallies, resampled, metric, truth[metric, "mean", simulation.SIZES])
            if trial % 2 == 0:
                _count_scores(tallies, fewer, metric, truth, scores)
    return {"|".join(map(str, key)): vars(tally) for key, tally in tallies.items()}


def _first(resampled: intervals.Resampled, resamples: int) -> intervals.Resampled:
    curves = {
        metric: {name: values[:resamples] for name, values in by_model.items()}
        for metric, by_model in resampled.curves.items()
    }
    return replace(resampled, curves=curves, chances=resampled.chances[:resamples])


def _count_scores(
    tallies: dict[Cell, Tally],
    resampled: intervals.Resampled,
    metric: str,
    truth: dict[tuple[str, str, int], np.ndarray],
    scores: tuple[str, ...],
) -> None:
    names, size = resampled.counted, len(resampled.counted)
    whole, models = mirrored_replicates(resampled, metric)
    targets = [(score, whole[score]) for score in scores if (size, score) != (len(FEW), "cs")]
    if size == simulation.SIZES and scores is SCORES:
        own = [vars(models[name]) for name in names]
        stacked = MirroredReplicates(
            **{field: np.stack([m[field] for m in own], axis=-1) for field in own[0]}
        )
        targets.append(("sq_model", stacked))
    level = small_sample_level(resampled.clusters)
    for score, replicates in targets:
        aim = truth[metric, score, size]
        if np.isnan(aim).all():
            continue
        for method in METHODS:
            if method not in SCALED and (method not in FOR_RATIOS or score in RATIOS):
                low, high = interval(method, replicates, RANGES[score], level)
                tallies[score, metric, method, size].add(low, high, replicates.estimate, aim)


def _count_means(
    tallies: dict[Cell, Tally], resampled: intervals.Resampled, metric: str, truth: np.ndarray
) -> None:
    """Percentile intervals of every point of every curve, and of paired differences of both kinds."""
    names = tuple(resampled.runs)
    observed = np.stack([resampled.observed[metric][name] for name in names])
    drawn = np.stack([resampled.curves[metric][name] for name in names], axis=1)
    science, twin = simulation.SIZES // 2 - 1, len(names) - 1

    def differences(curves: np.ndarray) -> np.ndarray:
        parts = (
            curves[..., 0, :] - curves[..., simulation.SIZES - 1, :],
            curves[..., science, :] - curves[..., twin, :],
            curves[..., science, 1:] - curves[..., science, :-1],
            curves[..., 0, [-1]] - curves[..., 0, [0]],
        )
        return np.concatenate(parts, axis=-1)

    level = small_sample_level(resampled.clusters)
    for score, estimate, samples, aim in (
        ("mean", observed, drawn, truth),
        ("difference", differences(observed), differences(drawn), differences(truth)),
    ):
        low, high = quantiles(samples, [(1 - level) / 2, (1 + level) / 2])
        tallies[score, metric, "percentile", simulation.SIZES].add(low, high, estimate, aim)


def study(
    plan: Plan,
    sizes: tuple[int, ...],
    work: Path | None,
    scores: tuple[str, ...] = SCORES,
    shapes: bool = False,
) -> Iterator[tuple[str, int, dict[str, dict]]]:
    """(learner, questions, counts) of every chunk; those in `work` are read, new ones are written there."""
    for number in range(plan.first, plan.first + plan.fleets):
        for learner in simulation.LEARNERS:
            source = None
            for questions in sizes:
                kept = work / f"{learner}-{number}-{questions}.json" if work else None
                if kept and kept.exists():
                    held = json.loads(kept.read_text(encoding="utf-8"))
                    if held["plan"] != _of_chunk(plan):
                        raise SystemExit(
                            f"{kept.name} is of another plan: empty the folder or name another one."
                        )
                    yield learner, questions, held["counts"]
                    continue
                started = time.process_time()
                source = source or Source(learner, number, plan.source, shapes)
                counts = chunk(source, plan, number, questions, scores)
                spent = time.process_time() - started
                print(f"{learner} fleet {number}, {questions} questions: {spent:.1f} s", flush=True)
                if kept:
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    kept.write_text(json.dumps({"plan": _of_chunk(plan), "counts": counts}), encoding="utf-8")
                yield learner, questions, counts


def _of_chunk(plan: Plan) -> dict[str, int]:
    """What a chunk depends on: more fleets make more chunks, not others."""
    return {name: value for name, value in asdict(plan).items() if name not in ("fleets", "first")}
