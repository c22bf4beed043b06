"""How often the interval of a score's *difference* between two sets holds the true one.

Two sets are drawn from sources with known truth (`study.Source`), in four ways: *same* (two independent sets
of one source), *easier* (the second is of an easier source), *edited* (the second has a third of its
questions rewritten from the easier source), *grown* (the second has half as many questions more), for the learners and fleets of
`kinds`; pairs whose interval is not shown, since models differ on too few questions, do not count. The truth is the mean difference over many fresh pairs. Methods are compared by the same rules as in the study of single
scores.

    python -m benchmarks.coverage.differences --write     # about twenty minutes of a core
    python -m benchmarks.coverage.differences --quick
"""

from __future__ import annotations

import json
import pickle
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from benchmarks import study_pages
from benchmarks.coverage.kinds import fleet_of
from benchmarks.coverage.methods import interval
from benchmarks.coverage.study import FEW, Source
from e2lm_core.scores import set_scores
from e2lm_core.scores.layout import Layout, Run
from e2lm_core.scores.set_scores import SCORES
from e2lm_core.scores.uncertainty import coverage, paired
from e2lm_core.scores.uncertainty.methods import small_sample_level
from e2lm_core.scores.uncertainty.rules import few_differing
from tests.support import simulation

LEARNERS = (*simulation.LEARNERS, "done", "steps")
METRICS = ("acc", "norm_prob", "bpb")
OF_SOURCE = ("acc", "margin", "norm_prob", "bpb")
KINDS = ("same", "easier", "edited", "grown")
QUESTIONS = (100, 300)
TRIED = ("percentile", "noise_corrected", "normal", "parametric_normal", "wider", "cautious")
EASIER = 0.6  # added to every ability that was taught: a source of easier questions
RESAMPLES = 200
OTHERS = 396  # fleets further on: their early window is half of training, not three quarters
OUT = coverage.DIFFERENCES_FILE
Rows = np.ndarray  # [questions, metric * model * checkpoint]


class Pair:
    """A fleet put to two sources of questions, as they come and easier."""

    def __init__(self, learner: str, number: int, size: int) -> None:
        fleet = fleet_of(learner, number)
        self.plain = Source(learner, number, size, fleet=fleet)
        taught = fleet.ability > -8.0
        easier = replace(fleet, ability=np.where(taught, fleet.ability + EASIER, fleet.ability))
        drawn = simulation.draw(easier, size, number + 10_000)
        stacked = np.stack([drawn[m] for m in OF_SOURCE])
        self.easier = np.ascontiguousarray(stacked.reshape(-1, size).T)

    def draw(self, rng: np.random.Generator, kind: str, n: int) -> tuple[Rows, Rows, list[str], list[str]]:
        """The rows of both sets and their questions' names."""
        source = self.plain.values

        def some(of: Rows, count: int) -> Rows:
            return of[rng.integers(0, len(of), count)]

        first, names = some(source, n), [f"q{i}" for i in range(n)]
        if kind in ("same", "easier"):
            return (
                first,
                some(source if kind == "same" else self.easier, n),
                names,
                [f"r{i}" for i in range(n)],
            )
        if kind == "grown":
            more = [f"r{i}" for i in range(n // 2)]
            return first, np.concatenate([first, some(source, n // 2)]), names, names + more
        second = first.copy()
        second[: n // 3] = some(self.easier, n // 3)
        return first, second, names, names

    def runs(self, rows: Rows) -> dict[str, Run]:
        values = rows.T.reshape(*self.plain.shape, len(rows))
        metrics = dict(zip(OF_SOURCE, values, strict=True))
        return simulation.runs(self.plain.fleet, {m: metrics[m] for m in METRICS})


def fewer(runs: dict[str, Run]) -> dict[str, Run]:
    """The smaller fleet: its models that count, and all that do not."""
    return {name: run for name, run in runs.items() if name in FEW or not run.counts}


def truth(of: Pair, kind: str, n: int, fresh: int, rng: np.random.Generator) -> dict:
    """{(metric, score, models): mean of second - first over fresh pairs}."""
    science = simulation.SIZES // 2 - 1
    curves: tuple[list, list] = ([], [])
    errors: tuple[list, list] = ([], [])
    sizes = [n, n]
    for _ in range(fresh):
        for side, rows in enumerate(of.draw(rng, kind, n)[:2]):
            sizes[side] = len(rows)
            curves[side].append(rows.mean(axis=0).reshape(of.plain.shape).astype(np.float64))
            own = rows.reshape(len(rows), *of.plain.shape)[:, OF_SOURCE.index("norm_prob"), science]
            errors[side].append(own.std(axis=0, ddof=1) / np.sqrt(len(rows)))
    every = of.runs(of.plain.values[:2])
    name = of.plain.fleet.names[science]
    found: dict = {}
    for small in (False, True):
        runs = fewer(every) if small else every
        for metric in METRICS:
            whole = []
            for side in (0, 1):
                stacked = np.stack(curves[side])[:, OF_SOURCE.index(metric)]
                own = {m: stacked[:, i] for i, m in enumerate(of.plain.fleet.names) if m in runs}
                layout = Layout.from_runs(runs, {m: curves_of[0] for m, curves_of in own.items()})
                if metric == "norm_prob":
                    against = set_scores.ChanceFloor(np.asarray(0.25), {name: np.stack(errors[side])})
                else:
                    against = set_scores.chance_floor(runs, layout, metric, 0.25, sizes[side])
                whole.append(set_scores.curve_scores(layout, own, metric, against).whole)
            for score in SCORES:
                differences = whole[1][score] - whole[0][score]
                if np.isfinite(differences).any():
                    found[metric, score, small] = float(np.nanmean(differences))
    return found


def simulate(
    of: Pair, kind: str, n: int, sets: int, seed: list[int], small: bool, wanted: dict
) -> list[tuple]:
    """(score, method, held, width) of every simulated pair and metric."""
    rng, level, rows = np.random.default_rng(seed), small_sample_level(n), []
    for number in range(sets):
        first, second, old, new = of.draw(rng, kind, n)
        sides = []
        for own in (first, second):
            runs = of.runs(own)
            sides.append(paired.Side(fewer(runs) if small else runs, np.full(len(own), 4)))
        resampled = paired.resample(
            sides[0], sides[1], paired.match_questions(old, new), METRICS, RESAMPLES, number
        )
        for metric in METRICS:
            _, _, differing = paired.smallest_counts(*resampled, metric)
            for score, own in paired.score_replicates(resampled[0], resampled[1], metric).items():
                true = wanted.get((metric, score, small))
                if true is None or np.isnan(own.estimate) or few_differing(score, differing):
                    continue
                for method in TRIED:
                    low, high = interval(method, own, paired.allowed_range(score), level)
                    if np.isfinite(low):
                        rows.append((score, method, bool(low <= true <= high), float(high - low)))
    return rows


def study(fleets: int, sets: int, fresh: int, source: int, first: int) -> dict:
    """{score: {method: {cell: (coverage, width)}}}, a cell being (learner, kind, models)."""
    found: dict = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    started = time.monotonic()
    for learner in LEARNERS:
        for number in range(fleets):
            of = Pair(learner, number + first, source)
            for kind in KINDS:
                for n in QUESTIONS:
                    place = [number, KINDS.index(kind), n, LEARNERS.index(learner)]
                    wanted = truth(of, kind, n, fresh, np.random.default_rng([7, *place]))
                    for small in (False, True):
                        count = sets // 2 if small else sets
                        cell = f"{learner} {kind} {3 if small else simulation.SIZES}"
                        for score, method, held, width in simulate(
                            of, kind, n, count, [11, *place], small, wanted
                        ):
                            found[score][method][cell].append((held, width))
            typer.echo(f"{learner} {number}: {time.monotonic() - started:.0f} s", err=True)
    return {score: {method: dict(cells) for method, cells in own.items()} for score, own in found.items()}


def kept(work: Path | None, size: tuple[int, int, int, int], first: int) -> dict:
    """`study`, or what a folder keeps of it."""
    file = work / f"differences-{first}.pickle" if work else None
    if file and file.exists():
        return pickle.loads(file.read_bytes())
    found = study(*size, first)
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(pickle.dumps(found))
    return found


def summary(found: dict) -> dict:
    """{score: {method: {lowest, mean, width}}}, the lowest over cells."""
    result: dict = {}
    for score, by_method in found.items():
        for method, cells in by_method.items():
            covered = [float(np.mean([h for h, _ in own])) for own in cells.values()]
            widths = [float(np.mean([w for _, w in own])) for own in cells.values()]
            result.setdefault(score, {})[method] = {
                "lowest": round(min(covered), 3),
                "mean": round(float(np.mean(covered)), 3),
                "width": round(float(np.mean(widths)), 4),
            }
    return result


def choose(summed: dict, validation: dict) -> dict:
    """Of the methods that cover 90% in the worst cells of both runs and whose intervals are within a tenth of
    the narrowest of these, the one whose worst cell covers most; where none covers 90%, the one that covers
    most."""
    chosen = {}
    for score, every in summed.items():
        lowest = {m: min(f["lowest"], validation[score][m]) for m, f in every.items()}
        methods = [m for m in every if m != "percentile"]  # it may lie beside the difference itself
        good = [m for m in methods if lowest[m] >= 0.9]
        reach = 1.1 * min(every[m]["width"] for m in good) if good else float("inf")
        close = [m for m in good or methods if every[m]["width"] <= reach]
        chosen[score] = max(close, key=lambda m: (lowest[m], -every[m]["width"]))
    return chosen


def markdown(document: dict) -> str:
    """The study's table; the method that is used is bold."""
    lines = [
        "| score | method | lowest | mean | width | lowest, other fleets |",
        "|---|---|---|---|---|---|",
    ]
    for score, methods in document["coverage"].items():
        for method, own in methods.items():
            mark = "**" if document["chosen"][score] == method else ""
            figures = f"{own['lowest']:.2f} | {own['mean']:.2f} | {own['width']:.3f}"
            other = document["validation"][score][method]
            lines.append(f"| {score} | {mark}{method}{mark} | {figures} | {other:.2f} |")
    return "\n".join(lines)


def main(
    quick: Annotated[bool, typer.Option("--quick", help="A few sets, to see that it runs.")] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Write the studio's file and the page's table.")
    ] = False,
    work: Annotated[Path | None, typer.Option(help="Folder that keeps what is finished.")] = None,
    fleets: int = 2,
    sets: int = 16,
    fresh: int = 120,
    first: Annotated[
        int, typer.Option(help="Number of the first fleet: that plus 396 starts those that test.")
    ] = 504,
) -> None:
    """Run the study twice, choose a method for each score, print, write."""
    size = (1, 4, 20, 2000) if quick else (fleets, sets, fresh, 6000)
    summed = summary(kept(work, size, first))
    others = summary(kept(work, size, first + OTHERS))
    validation = {score: {m: f["lowest"] for m, f in every.items()} for score, every in others.items()}
    document = {
        "source": "benchmarks/coverage/differences.py",
        "pairs_a_cell": fleets * sets,
        "questions": list(QUESTIONS),
        "models": [3, simulation.SIZES],
        "chosen": choose(summed, validation),
        "coverage": summed,
        "validation": validation,
    }
    print(markdown(document))
    if write:
        OUT.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        study_pages.put("difference_coverage", "differences", markdown(document))


if __name__ == "__main__":
    typer.run(main)
