"""How wide an interval of a score has to be for a kind of set: `python -m benchmarks.coverage.kinds [--write]`.

The simulations of `study` once more, but told apart by what a set shows of its learners and not by what they are: how
far its early curves rise (`rules.KINDS`). Of every score the coverage of its chosen method is counted for each kind; of
SQ and CS the method's reach is scaled first, one scale a kind, so that it holds in 95% of the sets of that kind on the
even fleets and on the first of another generator (`elsewhere`). `--write` puts both into `coverage.json` and the table into
docs/studies/kinds.md.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from itertools import product

import numpy as np

from benchmarks import study_pages
from benchmarks.coverage import elsewhere
from benchmarks.coverage.scores import compact
from benchmarks.coverage.study import Plan, Source, few, truths
from e2lm_core.scores.set_scores import RANGES
from e2lm_core.scores.uncertainty import coverage, intervals
from e2lm_core.scores.uncertainty.intervals import Resampled
from e2lm_core.scores.uncertainty.methods import GRAIN, Replicates, interval, small_sample_level
from e2lm_core.scores.uncertainty.rules import KINDS, CoverageTable, kind_of
from tests.support import simulation

QUESTIONS = (30, 100, 300)
METRICS = ("acc", "norm_prob")
SCALED = ("sq", "sq_model", "cs")
SCORES = ("sq", "sq_model", "rc", "cs", "score", "snr", "decision_accuracy")
FEWEST = 40  # sets of a kind from which a figure is told
PLAN = Plan(fleets=6, sets=20, fresh=250, resamples=200, of_scores=200, source=6_000)
OF_ELSEWHERE, SETS_ELSEWHERE = range(4), 12
Cell = tuple[str, str, str, int, int]


def counted(plan: Plan, fleets: range) -> dict[Cell, list[tuple[int, float, float]]]:
    """{(score, metric, kind, models, questions): (fleet, how far off as a share of the reach, the least scale at which
    the interval that is shown holds) of every set}."""
    table = coverage.load()
    found: dict[Cell, list[tuple[int, float, float]]] = defaultdict(list)
    for number in fleets:
        for learner in simulation.LEARNERS:
            source = Source(learner, number, plan.source)
            for questions in QUESTIONS:
                true = truths(source, plan, questions, [number, questions, 1])
                for trial in range(plan.sets):
                    rng = np.random.default_rng([number, questions, 4, trial])
                    runs = simulation.runs(source.fleet, source.draw(rng, questions))
                    choices = np.full(questions, simulation.CHOICES)
                    given = intervals.resample(runs, choices, METRICS, resamples=plan.resamples, seed=trial)
                    for own in (given, replace(given, runs=few(runs))):
                        _count(found, own, true, number, questions, table)
    return found


def _count(
    found: dict[Cell, list[tuple[int, float, float]]],
    given: Resampled,
    true: Mapping[tuple[str, str, int], np.ndarray],
    number: int,
    questions: int,
    table: CoverageTable,
) -> None:
    models = len(given.counted)
    level = small_sample_level(questions)
    for metric in METRICS:
        kind = kind_of(intervals.rise(given, metric))
        if kind is None:
            continue
        whole, single = intervals.replicates(given, metric, mirrored=False)
        for score in SCORES:
            aim = true.get((metric, score, models))
            if aim is None or (score == "cs" and models < simulation.SIZES):
                continue
            each: list[Replicates] = (
                [single[name] for name in given.counted] if score == "sq_model" else [whole[score]]
            )
            for own, exact in zip(each, np.atleast_1d(aim), strict=True):
                low, high = interval(table.methods[score], own, RANGES[score], level)
                if np.isnan(low) or np.isnan(exact):
                    continue
                off, need = _off(table.methods[score], own, exact, level)
                held = float(low <= exact <= high)
                found[score, metric, kind, models, questions].append(
                    (number, off, need if score in SCALED else 1.0 - held)
                )


def _off(method: str | None, own: Replicates, exact: float, level: float) -> tuple[float, float]:
    """How far off as a share of the method's reach, and the scale from which on its interval holds: without the cut at
    the score's bounds and the grain beyond it, which scaling leaves as they are."""
    bottom, top = interval(str(method), own, (-np.inf, np.inf), level)
    reach, error = max(float(top - bottom) / 2, 1e-9), abs(float(own.estimate) - exact)
    return error / reach, max(0.0, error - GRAIN) / reach


def of_elsewhere(fleets: range, sets: int) -> dict[tuple[str, str], list[float]]:
    """{(score, kind): how far off as a share of the reach} of every set of single questions of the other generator."""
    table = coverage.load()
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    cells = [c for c in elsewhere.CELLS.values() if c.group == 1 and c.questions >= min(QUESTIONS)]
    for cell, number in product(cells, fleets):
        source = elsewhere.Source(cell, number)
        true = elsewhere.true_scores(source, number)
        level = small_sample_level(cell.questions)
        for trial in range(sets):
            rng = np.random.default_rng([number, 80, trial])
            made = elsewhere.runs(source.values[source.draw(rng)])
            choices = np.full(cell.questions, elsewhere.CHOICES)
            given = intervals.resample(made, choices, METRICS, resamples=elsewhere.RESAMPLES, seed=trial)
            for metric in METRICS:
                if (kind := kind_of(intervals.rise(given, metric))) is None:
                    continue
                whole, single = intervals.replicates(given, metric, mirrored=False)
                for name, own in {"sq": whole["sq"], "cs": whole["cs"], **single}.items():
                    score = name if name in SCALED else "sq_model"
                    exact = true.get((metric, name), float("nan"))
                    off, _ = _off(table.methods[score], own, exact, level)
                    if np.isfinite(off):
                        found[score, kind].append(off)
    return found


def rows(
    found: dict[Cell, list[tuple[int, float, float]]], others: Mapping[tuple[str, str], list[float]]
) -> list[dict[str, object]]:
    """One row a cell: the scale of its kind, the larger of the two generators', and its coverage."""
    together: dict[tuple[str, str], list[float]] = defaultdict(list)
    for (score, _, kind, _, _), sets in found.items():
        together[score, kind] += [off for number, off, _ in sets if number % 2 == 0]

    def scaled(score: str, kind: str) -> float:
        both = (together[score, kind], others.get((score, kind), []))
        return round(max(float(np.quantile(offs, 0.95)) for offs in both if offs), 2)

    told = []
    for (score, metric, kind, models, questions), sets in sorted(found.items()):
        if len(sets) < FEWEST:
            continue
        scale = scaled(score, kind) if score in SCALED else 1.0
        judged = [need for _, _, need in sets]
        told.append(
            {
                "score": score,
                "metric": metric,
                "kind": kind,
                "models": models,
                "questions": questions,
                "scale": scale,
                "coverage": round(float((np.array(judged) <= (scale if score in SCALED else 0.5)).mean()), 3),
                "sets": len(sets),
            }
        )
    return told


def main(arguments: list[str] | None = None) -> None:
    """Run the study, print its table; `--write` puts it into the page and into the table that ships."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fleets", type=int, default=PLAN.fleets)
    parser.add_argument("--write", action="store_true", help="put the table into the page and coverage.json")
    options = parser.parse_args(arguments)
    others = of_elsewhere(OF_ELSEWHERE, SETS_ELSEWHERE)
    told = rows(counted(PLAN, range(20, 20 + options.fleets)), others)
    names = ("score", "metric", "kind", "models", "questions", "scale", "coverage", "sets")
    lines = [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]
    for kind in KINDS:
        lines += [f"| {' | '.join(str(row[n]) for n in names)} |" for row in told if row["kind"] == kind]
    print("\n".join(lines))
    if options.write:
        content = json.loads(coverage.FILE.read_text(encoding="utf-8"))
        content["kinds"] = told
        coverage.FILE.write_text(compact(content), encoding="utf-8")
        study_pages.put("kinds", "kinds", "\n".join(lines))


if __name__ == "__main__":
    main()
