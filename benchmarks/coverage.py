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
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from e2lm_core import curve_scores, intervals, simulation
from e2lm_core.coverage import FILE
from e2lm_core.curve_scores import RANGES, SCORES
from e2lm_core.interval_methods import LEVEL, METHODS, Replicates, interval, quantiles, small_sample_level
from e2lm_core.settings import ROOT

METRICS = ("acc", "margin", "norm_prob", "bpb")  # acc_norm is acc with another argmax, and takes its figures
MEANS = ("mean", "difference")
FEW = ("size1", "size3", "size5")  # a fleet with fewer models: every other size
RATIOS = ("snr", "snr_detrended")
DOCS = ROOT / "docs" / "uncertainty.md"
WANTED = 0.9
NARROW = 1.1
ENOUGH = 100  # intervals: the coverage of fewer is not told
ASIDE = ("percentile", "reflected")  # their interval of a score may lie beside the score itself
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
            layout = curve_scores.layout(runs)
            against = curve_scores.floor(runs, layout, metric, chance, questions)
            if metric == "norm_prob":
                against = curve_scores.Floor(chance, {name: np.stack(errors["norm_prob"])})
            own = curve_scores.scores(layout, {n: by_model[n] for n in runs}, metric, against)
            models = len(layout.counted)
            for score, values in own.whole.items():
                found[metric, score, models] = _mean_of_defined(values)
            counted = [own.models[name] for name in layout.counted]
            found[metric, "sq_model", models] = _mean_of_defined(np.stack(counted, axis=1))
        found[metric, "mean", simulation.SIZES] = source.values.mean(axis=0, dtype=np.float64).reshape(
            source.shape
        )[m]
    return found


def few(runs: dict[str, curve_scores.Run]) -> dict[str, curve_scores.Run]:
    """The smaller fleet: three of the six sizes and the twin."""
    return {name: run for name, run in runs.items() if name in FEW or run.twin_of}


def _mean_of_defined(values: np.ndarray) -> np.ndarray:
    """Mean over the first axis; the few sets whose score is undefined are no values of it."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known, values, 0).sum(axis=0) / known.sum(axis=0)


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


def chunk(source: Source, plan: Plan, number: int, questions: int) -> dict[str, dict]:
    """All simulations of one fleet and one number of questions: {"score|metric|method|models": counts}."""
    # Learners differ by their source; the seeds only need to differ by fleet and number of questions.
    truth = truths(source, plan, questions, [number, questions, 1])
    tallies: dict[Cell, Tally] = defaultdict(Tally)
    for trial in range(plan.sets):
        rng = np.random.default_rng([number, questions, 2, trial])
        runs = simulation.runs(source.fleet, source.draw(rng, questions))
        choices = np.full(questions, simulation.CHOICES)
        given = intervals.resample(runs, choices, METRICS, resamples=plan.resamples, seed=trial)
        first = _first(given, plan.of_scores)
        smaller = few(runs)
        fewer = replace(first, runs=smaller, plan=curve_scores.layout(smaller))
        for metric in METRICS:
            _count_means(tallies, given, metric, truth[metric, "mean", simulation.SIZES])
            _count_scores(tallies, first, metric, truth)
            if trial % 2 == 0:
                _count_scores(tallies, fewer, metric, truth)
    return {"|".join(map(str, key)): vars(tally) for key, tally in tallies.items()}


def _first(given: intervals.Resampled, resamples: int) -> intervals.Resampled:
    curves = {
        metric: {name: values[:resamples] for name, values in by_model.items()}
        for metric, by_model in given.resampled.items()
    }
    return replace(given, resampled=curves, chances=given.chances[:resamples])


def _count_scores(
    tallies: dict[Cell, Tally],
    given: intervals.Resampled,
    metric: str,
    truth: dict[tuple[str, str, int], np.ndarray],
) -> None:
    names, size = given.plan.counted, len(given.plan.counted)
    whole, models = intervals.replicates(given, metric)
    targets = [(score, whole[score]) for score in SCORES if (size, score) != (len(FEW), "cs")]
    if size == simulation.SIZES:
        own = [vars(models[name]) for name in names]
        stacked = Replicates(**{field: np.stack([m[field] for m in own], axis=-1) for field in own[0]})
        targets.append(("sq_model", stacked))
    level = small_sample_level(given.clusters)
    for score, replicates in targets:
        aim = truth[metric, score, size]
        if np.isnan(aim).all():
            continue
        for method in METHODS:
            if method not in FOR_RATIOS or score in RATIOS:
                low, high = interval(method, replicates, RANGES[score], level)
                tallies[score, metric, method, size].add(low, high, replicates.estimate, aim)


def _count_means(
    tallies: dict[Cell, Tally], given: intervals.Resampled, metric: str, truth: np.ndarray
) -> None:
    """Percentile intervals of every point of every curve, and of paired differences: models, and checkpoints."""
    names = tuple(given.runs)
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

    level = small_sample_level(given.clusters)
    for score, estimate, samples, aim in (
        ("mean", observed, drawn, truth),
        ("difference", differences(observed), differences(drawn), differences(truth)),
    ):
        low, high = quantiles(samples, [(1 - level) / 2, (1 + level) / 2])
        tallies[score, metric, "percentile", simulation.SIZES].add(low, high, estimate, aim)


def study(
    plan: Plan, sizes: tuple[int, ...], work: Path | None
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
                source = source or Source(learner, number, plan.source)
                counts = chunk(source, plan, number, questions)
                spent = time.process_time() - started
                print(f"{learner} fleet {number}, {questions} questions: {spent:.1f} s", flush=True)
                if kept:
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    kept.write_text(json.dumps({"plan": _of_chunk(plan), "counts": counts}), encoding="utf-8")
                yield learner, questions, counts


def _of_chunk(plan: Plan) -> dict[str, int]:
    """What a chunk depends on: more fleets make more chunks, not others."""
    return {name: value for name, value in asdict(plan).items() if name not in ("fleets", "first")}


def cells(chunks: Iterable[tuple[str, int, dict[str, dict]]]) -> list[dict]:
    """One row a (score, metric, method, models, learner, questions): coverage, bias and width."""
    sums: dict[tuple[str, str, str], dict[str, float]] = {}
    for learner, questions, counts in chunks:
        for key, tally in counts.items():
            own = sums.setdefault((key, learner, str(questions)), dict.fromkeys(tally, 0.0))
            for field, value in tally.items():
                own[field] += value
    rows = []
    for (key, learner, questions), own in sums.items():
        score, metric, method, models = key.split("|")
        known = own["intervals"]
        if known >= min(ENOUGH, (known + own["undefined"]) / 2):
            rows.append(
                {
                    "score": score,
                    "metric": metric,
                    "method": method,
                    "models": int(models),
                    "learner": learner,
                    "questions": int(questions),
                    "defined": known / (known + own["undefined"]),
                    "coverage": own["held"] / known,
                    "bias": (own["middle"] - own["truth"]) / known,
                    "width": own["width"] / known,
                    "truth": own["truth"] / known,
                }
            )
    return rows


def chosen(rows: list[dict]) -> dict[str, str]:
    """{score: method}: of those that cover 90% in their worst cell the best of the narrow ones.

    Narrow are those within a tenth of the narrowest, and the best is the one whose worst cell covers most: so small
    a gain in width is not worth a method that nearly failed. Where none covers 90%, the one that covers most. Judged
    on sets of 100 questions and more, which the competition asks for: what the method covers elsewhere is measured
    too and decides whether it is shown there.
    """
    judged = [row for row in rows if row["questions"] >= 100] or rows
    found = dict.fromkeys(MEANS, "percentile")
    for score in ("sq_model", *SCORES):
        lowest: dict[str, float] = {}
        width: dict[str, float] = {}
        for method in METHODS:
            own = [row for row in judged if (row["score"], row["method"]) == (score, method)]
            if own and method not in ASIDE:
                lowest[method] = min(row["coverage"] for row in own)
                width[method] = float(np.mean([row["width"] for row in own]))
        good = [method for method, covered in lowest.items() if covered >= WANTED] or list(lowest)
        if lowest[good[0]] >= WANTED:
            narrowest = min(width[method] for method in good)
            good = [method for method in good if width[method] <= NARROW * narrowest]
        found[score] = max(good, key=lowest.__getitem__)
    return found


def content(rows: list[dict], plan: Plan, sizes: tuple[int, ...]) -> dict:
    """What `e2lm_core/data/coverage.json` holds; see `interval_rules.CoverageTable`."""
    grouped: dict[tuple[str, str, str, int, int], list[dict]] = defaultdict(list)
    for row in rows:
        grouped[row["score"], row["method"], row["metric"], row["models"], row["questions"]].append(row)
    coverage: dict = {}
    for (score, method, metric, models, questions), own in grouped.items():
        by_models = coverage.setdefault(score, {}).setdefault(method, {}).setdefault(metric, {})
        by_models.setdefault(str(models), {})[str(questions)] = {
            "lowest": round(min(row["coverage"] for row in own), 3),
            **({row["learner"]: round(row["coverage"], 3) for row in own} if score in MEANS else {}),
            "bias": round(float(np.mean([row["bias"] for row in own])), 4),
            "width": round(float(np.mean([row["width"] for row in own])), 4),
        }
    return {
        "level": LEVEL,
        "simulations": plan.fleets * plan.sets,
        "resamples": plan.of_scores,
        "questions": sorted(sizes),
        "models": [len(FEW), simulation.SIZES],
        "learners": list(simulation.LEARNERS),
        "chosen": chosen(rows),
        "coverage": coverage,
    }


def means_table(rows: list[dict]) -> str:
    """Markdown: coverage of the percentile interval of means and paired differences, by learner."""
    sizes = sorted({row["questions"] for row in rows})
    lines = [
        f"| estimand | metric | learner | {' | '.join(f'{n:,} questions' for n in sizes)} |",
        "|---|---|---|" + "---|" * len(sizes),
    ]
    for score in MEANS:
        for metric in METRICS:
            for learner in simulation.LEARNERS:
                own = {
                    row["questions"]: row["coverage"]
                    for row in rows
                    if (row["score"], row["metric"], row["learner"]) == (score, metric, learner)
                }
                figures = " | ".join(f"{own[n]:.3f}" for n in sizes)
                lines.append(f"| {score} | {metric} | {learner} | {figures} |")
    return "\n".join(lines)


def scores_table(rows: list[dict]) -> str:
    """Markdown: of each score and method the lowest and the mean coverage by questions, bias and width.

    Of the larger fleet; the last column has the lowest coverage of the smaller one.
    """
    sizes = sorted({row["questions"] for row in rows})
    best = chosen(rows)
    lines = [
        f"| score | method | {' | '.join(f'{n:,} questions' for n in sizes)} | bias | width | 3 models |",
        "|---|---|" + "---|" * (len(sizes) + 3),
    ]
    for score in ("sq_model", *SCORES):
        for method in METHODS:
            both = [row for row in rows if (row["score"], row["method"]) == (score, method)]
            own = [row for row in both if row["models"] == simulation.SIZES]
            if not own:
                continue
            figures = []
            for n in sizes:
                covered = [row["coverage"] for row in own if row["questions"] == n]
                figures.append(f"{min(covered):.2f} / {np.mean(covered):.2f}")
            name = f"**{method}**" if best[score] == method else method
            bias = np.mean([row["bias"] for row in own])
            width = np.mean([row["width"] for row in own])
            smaller = min((row["coverage"] for row in both if row["models"] == len(FEW)), default=None)
            few_models = "" if smaller is None else f"{smaller:.2f}"
            lines.append(
                f"| {score} | {name} | {' | '.join(figures)} | {bias:+.3f} | {width:.3f} | {few_models} |"
            )
    return "\n".join(lines)


def write(rows: list[dict], plan: Plan, sizes: tuple[int, ...]) -> None:
    """Put the results where the studio reads them and into the docs."""
    FILE.write_text(_compact(content(rows, plan, sizes)), encoding="utf-8")
    text = DOCS.read_text(encoding="utf-8")
    for name, table in (("means", means_table(rows)), ("scores", scores_table(rows))):
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        head, rest = text.split(begin)
        text = f"{head}{begin}{table}\n{end}{rest.split(end)[1]}"
    DOCS.write_text(text, encoding="utf-8")


def _compact(held: dict) -> str:
    """JSON with one line a (score, method), so that a change of the study can be read in a diff."""
    lines = []
    for score, by_method in held["coverage"].items():
        own = [f"   {json.dumps(method)}: {json.dumps(figures)}" for method, figures in by_method.items()]
        lines.append(f"  {json.dumps(score)}: {{\n" + ",\n".join(own) + "\n  }")
    head = json.dumps({key: value for key, value in held.items() if key != "coverage"}, indent=1)
    return head.removesuffix("\n}") + ',\n "coverage": {\n' + ",\n".join(lines) + "\n }\n}\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a minute's worth, to see that it runs")
    parser.add_argument("--work", type=Path, help="folder that keeps finished chunks")
    parser.add_argument("--questions", type=int, nargs="+", default=list(QUESTIONS))
    parser.add_argument("--first", type=int, default=0, help="number of the first fleet (0)")
    parser.add_argument("--write", action="store_true", help="write the data file and the tables in the docs")
    options = parser.parse_args()
    if options.write and (options.quick or options.first):
        parser.error("what is written down is the whole study, from fleet 0")
    plan, sizes = (QUICK, (100,)) if options.quick else (Plan(first=options.first), tuple(options.questions))
    rows = cells(study(plan, sizes, options.work))
    print(means_table(rows))
    print(scores_table(rows))
    if options.write:
        write(rows, plan, sizes)


if __name__ == "__main__":
    main()
