"""Many rules tried on noise, and the best kept: `python -m benchmarks.coverage.selection.trials [--write]`.

On sets whose keys are random a person tries k rules one after another, draws the null through each of them, and keeps
the one with the least p. How often is that p at most .05, as the studio adjusts it for the choices tried, and by itself?
And does an adjusted p still find a set that models learn, as the fifth choice tried?

The seeds were fixed before the first run; no other study has them. `--write` puts the tables into
docs/studies/random_keys.md.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence

from benchmarks import study_pages
from benchmarks.coverage.selection.random_keys import SCORED
from e2lm_core.analysis.questions import null_through_rule as through_rule
from e2lm_core.analysis.questions import selection
from e2lm_core.analysis.questions.null_through_rule import ThroughRule
from e2lm_core.scores import set_scores
from tests.support.random_keys import RandomSet, chosen_set, noise_set, planted_set

SETS, PLANTED, QUESTIONS = 200, 50, 100
NOISE_SEED, PLANTED_SEED = 6_000, 7_000
RULES = (
    "margin > 0 and slope > 0",
    "easiest-half",
    "norm_prob > 0.3",
    "discrimination > 0.1",
    "slope > 0",
)
TRIED = (1, 3, 5)
METRICS = ("acc", "norm_prob")


def nulls_of(of: RandomSet, rule: str, trial: int) -> dict[tuple[str, str], ThroughRule]:
    """Null distributions through a rule, {(metric, score): null}, as the studio draws them for the trial-th choice."""
    kept = chosen_set(of, selection.select_questions(of.pool, rule, METRICS[0]), trial)
    drawn = through_rule.null_through_rule(kept, of.measured, of.pool, METRICS)
    return {
        (metric, score): found
        for metric in METRICS
        for score, found in through_rule.score_nulls(
            set_scores.scores(kept, metric), drawn[metric], trial
        ).items()
        if found is not None
    }


def count_best(of: RandomSet, rules: Sequence[str], counts: Counter[tuple[str, int, str, str]]) -> None:
    """Count in which scores of a set the best of the first k rules has p of .05 or less.

    Args:
        of: A set with random keys.
        rules: Rules in the order in which they are tried.
        counts: Counts of {(metric, k, score, "adjusted" or "alone")}, added to.
    """
    tried = [nulls_of(of, rule, place) for place, rule in enumerate(rules, start=1)]
    for number in TRIED:
        for metric in METRICS:
            for score in SCORED:
                found = [one[metric, score] for one in tried[:number] if (metric, score) in one]
                counts[metric, number, score, "adjusted"] += any(one.p <= 0.05 for one in found)
                counts[metric, number, score, "alone"] += any(one.null.p <= 0.05 for one in found)


def noise_table(sets: int) -> str:
    """Table of `count_best` on sets of noise, a row for each metric and number of rules."""
    counts: Counter[tuple[str, int, str, str]] = Counter()
    for seed in range(sets):
        count_best(noise_set(NOISE_SEED + seed, QUESTIONS), RULES, counts)
    names = "SQ / RC / CS / Score / decisions"
    lines = [
        f"| metric | rules tried | sets | best p ≤ .05 by itself: {names} | adjusted for the choices tried |",
        "|---|---|---|---|---|",
    ]
    for metric in METRICS:
        for number in TRIED:
            alone, adjusted = (
                " / ".join(str(counts[metric, number, score, way]) for score in SCORED)
                for way in ("alone", "adjusted")
            )
            lines.append(f"| {metric} | {number} | {sets} | {alone} | {adjusted} |")
    return "\n".join(lines)


def planted_table(sets: int) -> str:
    """Table of how often sets that models learn in part are told as the fifth choice tried."""
    counts: Counter[tuple[str, str]] = Counter()
    for seed in range(sets):
        found = nulls_of(planted_set(PLANTED_SEED + seed, QUESTIONS), RULES[-1], len(RULES))
        for (metric, score), one in found.items():
            counts[metric, score] += one.p <= 0.05
    lines = ["| metric | choice | sets | p ≤ .05, adjusted: SQ / CS / Score |", "|---|---|---|---|"]
    for metric in METRICS:
        told = " / ".join(str(counts[metric, score]) for score in ("sq", "cs", "score"))
        lines.append(f"| {metric} | fifth | {sets} | {told} |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Run the study, print its tables; `--write` puts them into the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", type=int, default=SETS)
    parser.add_argument("--write", action="store_true", help="put the tables into the study's page")
    options = parser.parse_args(arguments)
    tables = {
        "fifth": planted_table(min(PLANTED, options.sets)),
        "trials": noise_table(options.sets),
    }
    for name, table in tables.items():
        print(table, flush=True)
        if options.write:
            study_pages.put("random_keys", name, table)


if __name__ == "__main__":
    main()
