"""How often the intervals hold what they promise: `python -m benchmarks.coverage`.

Simulated fleets with known truth (`e2lm_core.simulation`): models that learn not at all, late or early are put to a
source of questions; sets are drawn from the source, an interval is computed from each set alone, and counted is how
often it holds the expected value that a fresh set of as many questions gets. Every (learner, fleet, questions) is
one chunk; finished chunks are kept in `--work` and not computed again. `--write` puts the results into
`e2lm_core/data/coverage.json` and the table of `docs/uncertainty.md`; `--quick` takes a minute and writes nothing.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from e2lm_core import curve_scores, intervals, simulation
from e2lm_core.curve_scores import RANGES, SCORES
from e2lm_core.interval_methods import METHODS, Replicates, interval, quantiles

METRICS = ("acc", "margin", "norm_prob", "bpb")  # acc_norm is acc with another argmax, and takes its figures
MEANS = ("mean", "difference")
RATIOS = ("snr", "snr_detrended")
FOR_RATIOS = ("relative", "parametric_relative")  # they need a score above zero


@dataclass(frozen=True)
class Plan:
    """The size of the study: `fleets` x `sets` simulations for each learner and number of questions."""

    questions: tuple[int, ...] = (30, 100, 300, 1000)
    fleets: int = 8
    sets: int = 70
    fresh: int = 1500
    resamples: int = 500
    source: int = 16_000


QUICK = Plan(questions=(100,), fleets=2, sets=10, fresh=200, resamples=200, source=4000)


class Source:
    """A fleet put to many questions: the finite source that sets are drawn from, with replacement.

    Being the source, its means are the truth exactly. `values` is [source, metric * model * checkpoint], so that
    a set is a gather of rows.
    """

    def __init__(self, learner: str, number: int, size: int) -> None:
        self.fleet = simulation.fleet(learner, number)
        drawn = simulation.draw(self.fleet, size, number)
        stacked = np.stack([drawn[metric] for metric in METRICS])
        self.shape = stacked.shape[:-1]
        self.values = np.ascontiguousarray(stacked.reshape(-1, size).T)

    def draw(self, rng: np.random.Generator, questions: int) -> dict[str, np.ndarray]:
        picked = self.values[rng.integers(0, len(self.values), questions)].T
        return dict(zip(METRICS, picked.reshape(*self.shape, questions), strict=True))


def truths(source: Source, plan: Plan, questions: int, seed: list[int]) -> dict[tuple[str, str], np.ndarray]:
    """The estimands: {(metric, score)}: mean over fresh sets; each model's SQ under (metric, "sq_model")."""
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
    runs = simulation.runs(source.fleet, source.draw(rng, questions))
    layout = curve_scores.layout(runs)
    found = {}
    for m, metric in enumerate(METRICS):
        by_model = {name: stacked[:, m, i] for i, name in enumerate(source.fleet.names)}
        chance = np.full(plan.fresh, 1 / simulation.CHOICES)
        against = curve_scores.floor(runs, layout, metric, chance, questions)
        if metric == "norm_prob":
            name = source.fleet.names[science]
            against = curve_scores.Floor(chance, {name: np.stack(errors["norm_prob"])})
        own_scores = curve_scores.scores(layout, by_model, metric, against)
        for score, values in own_scores.whole.items():
            found[metric, score] = _mean_of_defined(values)
        counted = [own_scores.models[name] for name in layout.counted]
        found[metric, "sq_model"] = _mean_of_defined(np.stack(counted, axis=1))
        found[metric, "mean"] = source.values.mean(axis=0, dtype=np.float64).reshape(source.shape)[m]
    return found


def _mean_of_defined(values: np.ndarray) -> np.ndarray:
    """Mean over the first axis; the few sets whose score is undefined are no values of it."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known, values, 0).sum(axis=0) / known.sum(axis=0)


class Tally:
    """What became of the intervals of one (score, metric, method) in a chunk."""

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


def chunk(source: Source, plan: Plan, learner: str, number: int, questions: int) -> dict[str, dict]:
    """All simulations of one fleet and one number of questions: {"score|metric|method": counts}."""
    # The learner is told apart by the source's own values; the seeds only need to differ by fleet and size.
    truth = truths(source, plan, questions, [number, questions, 1])
    tallies: dict[tuple[str, str, str], Tally] = defaultdict(Tally)
    for trial in range(plan.sets):
        rng = np.random.default_rng([number, questions, 2, trial])
        runs = simulation.runs(source.fleet, source.draw(rng, questions))
        choices = np.full(questions, simulation.CHOICES)
        given = intervals.resample(runs, choices, METRICS, resamples=plan.resamples, seed=trial)
        for metric in METRICS:
            _count_means(tallies, given, metric, truth[metric, "mean"], source.fleet.names)
            whole, models = intervals.replicates(given, metric)
            targets: list[tuple[str, Replicates, np.ndarray]] = [
                (score, whole[score], truth[metric, score]) for score in SCORES
            ]
            own = [vars(models[name]) for name in given.plan.counted]
            stacked = Replicates(**{field: np.stack([m[field] for m in own], axis=-1) for field in own[0]})
            targets.append(("sq_model", stacked, truth[metric, "sq_model"]))
            for score, replicates, aim in targets:
                if np.isnan(aim).all():
                    continue
                for method in METHODS:
                    if method in FOR_RATIOS and score not in RATIOS:
                        continue
                    low, high = interval(method, replicates, RANGES[score])
                    tallies[score, metric, method].add(low, high, replicates.estimate, aim)
    return {"|".join(key): vars(tally) for key, tally in tallies.items()}


def _count_means(
    tallies: dict[tuple[str, str, str], Tally],
    given: intervals.Resampled,
    metric: str,
    truth: np.ndarray,
    names: tuple[str, ...],
) -> None:
    """Percentile intervals of every point of every curve, and of paired differences: models, and checkpoints."""
    observed = np.stack([given.observed[metric][name] for name in names])
    drawn = np.stack([given.resampled[metric][name] for name in names], axis=1)
    science, twin = simulation.SIZES // 2 - 1, len(names) - 1

    def differences(curves: np.ndarray) -> np.ndarray:
        parts = (
            curves[..., 0, :] - curves[..., simulation.SIZES - 1, :],
            curves[..., science, :] - curves[..., twin, :],
            curves[..., science, 1:] - curves[..., science, :-1],
            curves[..., 0, [-1]] - curves[..., 0, [0]],
        )
        return np.concatenate(parts, axis=-1)

    for score, estimate, samples, aim in (
        ("mean", observed, drawn, truth),
        ("difference", differences(observed), differences(drawn), differences(truth)),
    ):
        low, high = quantiles(samples, [0.025, 0.975])
        tallies[score, metric, "percentile"].add(low, high, estimate, aim)


def study(plan: Plan, work: Path | None) -> Iterator[tuple[str, int, dict[str, dict]]]:
    """(learner, questions, counts) of every chunk; those in `work` are read, new ones are written there."""
    for learner in simulation.LEARNERS:
        for number in range(plan.fleets):
            source = None
            for questions in plan.questions:
                kept = work / f"{learner}-{number}-{questions}.json" if work else None
                if kept and kept.exists():
                    held = json.loads(kept.read_text(encoding="utf-8"))
                    if held["plan"] != json.loads(json.dumps(asdict(plan))):
                        raise SystemExit(
                            f"{kept.name} is of another plan: empty the folder or name another one."
                        )
                    yield learner, questions, held["counts"]
                    continue
                source = source or Source(learner, number, plan.source)
                started = time.perf_counter()
                counts = chunk(source, plan, learner, number, questions)
                print(
                    f"{learner} fleet {number}, {questions} questions: {time.perf_counter() - started:.1f} s",
                    flush=True,
                )
                if kept:
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    kept.write_text(json.dumps({"plan": asdict(plan), "counts": counts}), encoding="utf-8")
                yield learner, questions, counts


def cells(chunks: Iterator[tuple[str, int, dict[str, dict]]]) -> list[dict]:
    """One row a (score, metric, method, learner, questions): coverage, bias and width."""
    sums: dict[tuple[str, str, str, str, int], dict[str, float]] = {}
    for learner, questions, counts in chunks:
        for key, tally in counts.items():
            score, metric, method = key.split("|")
            own = sums.setdefault((score, metric, method, learner, questions), dict.fromkeys(tally, 0.0))
            for field, value in tally.items():
                own[field] += value
    rows = []
    for (score, metric, method, learner, questions), own in sums.items():
        tried = own["intervals"] + own["undefined"]
        known = own["intervals"]
        rows.append(
            {
                "score": score,
                "metric": metric,
                "method": method,
                "learner": learner,
                "questions": questions,
                "intervals": int(known),
                "defined": round(known / tried, 4),
                "coverage": round(own["held"] / known, 4) if known else None,
                "bias": round((own["middle"] - own["truth"]) / known, 5) if known else None,
                "estimate_bias": round((own["estimate"] - own["truth"]) / known, 5) if known else None,
                "width": round(own["width"] / known, 5) if known else None,
                "truth": round(own["truth"] / known, 5) if known else None,
            }
        )
    return rows


def table(rows: list[dict], scores: tuple[str, ...]) -> str:
    """Markdown: for each score, number of questions and method, the lowest and the mean coverage."""
    lines = ["| score | questions | method | lowest | mean | width | bias |", "|---|---|---|---|---|---|---|"]
    for score in scores:
        for questions in sorted({row["questions"] for row in rows}):
            for method in METHODS:
                own = [
                    row
                    for row in rows
                    if (row["score"], row["questions"], row["method"]) == (score, questions, method)
                    and row["coverage"] is not None
                ]
                if own:
                    covered = [row["coverage"] for row in own]
                    lines.append(
                        f"| {score} | {questions} | {method} | {min(covered):.3f} | {np.mean(covered):.3f} "
                        f"| {np.mean([r['width'] for r in own]):.3f} | {np.mean([r['bias'] for r in own]):+.4f} |"
                    )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a minute's worth, to see that it runs")
    parser.add_argument("--work", type=Path, help="folder that keeps finished chunks")
    parser.add_argument("--json", type=Path, help="write every cell to this file")
    options = parser.parse_args()
    plan = QUICK if options.quick else Plan()
    rows = cells(study(plan, options.work))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=0), encoding="utf-8")
    print(table(rows, (*MEANS, "sq_model", *SCORES)))


if __name__ == "__main__":
    main()
