"""How often the intervals of RC and Score hold in the readings that compare architectures of one size.

    python -m benchmarks.coverage.readings [--fleets 8] [--sets 64] [--work FOLDER] [--write]

Simulated fleets of three sizes in two shapes, one pair of which hardly differs. A method is chosen on the first half
of the fleets as `scores.chosen` does; what it covers is counted on the other half, which took no part. `--write` puts
that into `e2lm_core/scores/uncertainty/reading_coverage.json` and the table of docs/studies/coverage.md; the short form
(`--fleets 2 --sets 12`) takes three minutes.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

from benchmarks import study_pages
from benchmarks.coverage.scores import cells, chosen
from benchmarks.coverage.study import Plan, study
from e2lm_core.scores.set_scores import OF_READINGS
from e2lm_core.scores.uncertainty.coverage import READINGS_FILE
from tests.support import simulation

QUESTIONS = (100, 300)
OTHERS = 1_000  # number of the first fleet that takes no part in choosing


def studied(plan: Plan, sizes: tuple[int, ...], work: Path | None) -> tuple[dict[str, str], list[dict]]:
    """({score: method}, the rows of `cells` of those methods on fleets that took no part)."""
    best = chosen(cells(study(plan, sizes, work, OF_READINGS, shapes=True)), OF_READINGS)
    others = cells(study(replace(plan, first=OTHERS), sizes, work, OF_READINGS, shapes=True))
    return best, [row for row in others if best.get(row["score"]) == row["method"]]


def content(best: dict[str, str], rows: list[dict], plan: Plan) -> dict:
    """What `reading_coverage.json` holds, see `rules.CoverageTable`."""
    coverage: dict = {}
    for row in rows:
        cell = (
            coverage.setdefault(row["score"], {})
            .setdefault(row["method"], {})
            .setdefault(row["metric"], {})
            .setdefault(str(simulation.SIZES), {})
            .setdefault(str(row["questions"]), {"lowest": 1.0, "width": 0.0})
        )
        cell["lowest"] = round(min(cell["lowest"], row["coverage"]), 3)
        cell["width"] = round(max(cell["width"], row["width"]), 3)
    own = {score: method for score, method in best.items() if score in OF_READINGS}
    simulations = plan.fleets * plan.sets * len(simulation.LEARNERS)
    return {
        "source": "benchmarks/coverage/readings.py",
        "simulations": simulations,
        "chosen": own,
        "coverage": coverage,
    }


def table(held: dict) -> str:
    """Markdown: a row a score and metric, the lowest coverage over learners by questions."""
    lines = [f"| score | method | metric | {' | '.join(f'{n} questions' for n in QUESTIONS)} |"]
    lines.append("|---|---|---|" + "---|" * len(QUESTIONS))
    for score, by_method in held["coverage"].items():
        for method, by_metric in by_method.items():
            for metric, by_models in by_metric.items():
                figures = by_models[str(simulation.SIZES)]
                shown = [f"{figures[str(n)]['lowest']:.2f}" if str(n) in figures else "–" for n in QUESTIONS]
                lines.append(f"| {score} | {method} | {metric} | {' | '.join(shown)} |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Run the study, print its table; `--write` puts it into its places."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fleets", type=int, default=8, help="fleets that choose, and as many that judge")
    parser.add_argument("--sets", type=int, default=64, help="sets of each fleet, learner and size")
    parser.add_argument("--work", type=Path, help="folder that keeps finished chunks")
    parser.add_argument("--write", action="store_true", help="write the data file and the page's table")
    options = parser.parse_args(arguments)
    small = options.sets < 64
    plan = Plan(
        fleets=options.fleets, sets=options.sets, fresh=400 if small else 1500, resamples=200, of_scores=200
    )
    held = content(*studied(plan, QUESTIONS, options.work), plan)
    print(table(held))
    if options.write:
        READINGS_FILE.write_text(json.dumps(held, indent=1) + "\n", encoding="utf-8")
        study_pages.put("coverage", "readings", table(held))


if __name__ == "__main__":
    main()
