"""How often the intervals hold what they promise: `python -m benchmarks.coverage.scores`.

Simulated fleets with known truth (`tests.support.simulation`): models that learn not at all, late or
early are put to a source of questions; sets are drawn from the source, an interval is computed from each set
alone, and counted is how often it holds the expected value that a fresh set of as many questions gets. Every
(learner, fleet, questions) is one chunk; finished chunks are kept in `--work` and not computed again.
`--write` puts the results into `e2lm_core/scores/uncertainty/coverage.json` and the tables of
`docs/studies/coverage.md`; `--quick` takes a minute and writes nothing.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from benchmarks import study_pages
from benchmarks.coverage.methods import METHODS
from benchmarks.coverage.study import FEW, MEANS, METRICS, QUESTIONS, QUICK, Plan, study
from e2lm_core.scores.set_scores import OF_READINGS, SCORES
from e2lm_core.scores.uncertainty.coverage import FILE
from e2lm_core.scores.uncertainty.methods import LEVEL
from tests.support import simulation

FIRST = tuple(score for score in SCORES if score not in OF_READINGS)  # `readings` studies the others
WANTED = 0.9
NARROW = 1.1
ENOUGH = 100  # intervals: the coverage of fewer is not told
ASIDE = ("percentile", "reflected")  # their interval of a score may lie beside the score itself


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


def chosen(rows: list[dict], scores: tuple[str, ...] = ("sq_model", *FIRST)) -> dict[str, str]:
    """{score: method}: of those that cover 90% in their worst cell the best of the narrow ones.

    Narrow are those within a tenth of the narrowest, and the best is the one whose worst cell covers most: so
    small a gain in width is not worth a method that nearly failed. Where none covers 90%, the one that covers
    most. Judged on sets of 100 questions and more, which the competition asks for: what the method covers
    elsewhere is measured too and decides whether it is shown there.
    """
    judged = [row for row in rows if row["questions"] >= 100] or rows
    found = dict.fromkeys(MEANS, "percentile")
    for score in scores:
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
    """What `e2lm_core/scores/uncertainty/coverage.json` holds; see `rules.CoverageTable`."""
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
    for score in ("sq_model", *FIRST):
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
    """Put the results where the studio reads them and into the study's page."""
    held = json.loads(FILE.read_text(encoding="utf-8"))
    of_another = {key: held[key] for key in ("of_kinds", "kinds") if key in held}  # see `kinds`
    FILE.write_text(compact(content(rows, plan, sizes) | of_another), encoding="utf-8")
    study_pages.put("coverage", "means", means_table(rows))
    study_pages.put("coverage", "scores", scores_table(rows))


def compact(held: dict) -> str:
    """JSON with one line a (score, method), so that a change of the study can be read in a diff."""
    lines = []
    for score, by_method in held["coverage"].items():
        own = [f"   {json.dumps(method)}: {json.dumps(figures)}" for method, figures in by_method.items()]
        lines.append(f"  {json.dumps(score)}: {{\n" + ",\n".join(own) + "\n  }")
    head = json.dumps({k: value for k, value in held.items() if k not in ("coverage", "kinds")}, indent=1)
    kinds = ",\n".join(f"  {json.dumps(row)}" for row in held.get("kinds", ()))
    return (
        f'{head.removesuffix(chr(10) + "}")},\n "kinds": [\n{kinds}\n ],\n "coverage": {{\n'
        + ",\n".join(lines)
        + "\n }\n}\n"
    )


def main() -> None:
    """Run what is missing of the study, print its tables; `--write` puts them into their places."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a minute's worth, to see that it runs")
    parser.add_argument("--work", type=Path, help="folder that keeps finished chunks")
    parser.add_argument("--questions", type=int, nargs="+", default=list(QUESTIONS))
    parser.add_argument("--first", type=int, default=0, help="number of the first fleet (0)")
    parser.add_argument("--write", action="store_true", help="write the data file and the page's tables")
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
