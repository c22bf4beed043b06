"""What trying many rules finds where there is nothing: `python -m benchmarks.coverage.selection.forking [--sets 300] [--write]`.

Sets of pure noise (`null_selection.noise`: no two models share anything), on which twenty rules are tried one after
another, each with the interval that the page shows at its trial. Counted is in how many sets any interval excludes 0,
and in how many one lies wholly above it: with every interval at 95%, as it was, and with the chance of a false find
shared out among the rules by the order in which they are tried (`heldout.level_of`).
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np

from benchmarks import study_pages
from benchmarks.coverage.selection.null_selection import FLEET, noise
from e2lm_core.analysis.questions import heldout
from e2lm_core.analysis.questions import rules as question_rules
from e2lm_core.analysis.questions.rule_text import parse_rule
from e2lm_core.analysis.questions.rules import Rule
from e2lm_core.scores.uncertainty import bootstrap

SETS, QUESTIONS, RESAMPLES = 300, 100, 300
RULES: tuple[Rule, ...] = (
    question_rules.Easiest(),
    *(
        parse_rule(text)
        for text in (
            "margin > 0",
            "margin > 0.2",
            "margin < 0.5",
            "slope > 0",
            "slope > 0.02",
            "slope < 0.05",
            "margin > 0 and slope > 0",
            "margin > 0 and slope < 0.1",
            "early_margin > 0",
            "early_margin > 0.1",
            "early_margin > 0 and slope > 0",
            "acc > 0.2",
            "acc > 0.4",
            "acc < 0.9",
            "norm_prob > 0.2",
            "norm_prob > 0.25",
            "norm_prob > 0.3",
            "discrimination > 0",
            "discrimination > 0.1",
        )
    ),
)


def tried(sets: int, seed: int = 0) -> np.ndarray:
    """[sets, rules, 2, 2]: the intervals (low, high), first all at 95%, then as they are shown."""
    folds, _ = heldout.leave_out_folds(FLEET)
    plan = bootstrap.resampling_design(QUESTIONS)
    found = np.full((sets, len(RULES), 2, 2), np.nan)
    for number in range(sets):
        block = noise(1, 10_000 * seed + number, QUESTIONS)
        sample = replace(block, values={metric: values[0] for metric, values in block.values.items()})
        weights = np.concatenate(list(bootstrap.resample_counts(plan, RESAMPLES, number)))
        for place, rule in enumerate(RULES, start=1):
            gains = heldout.resampled_gains(sample, rule, folds, "acc", weights)
            gains = gains[np.isfinite(gains)]
            if len(gains) < 0.95 * RESAMPLES:
                continue  # the page shows none
            for way, level in enumerate((0.95, heldout.adjusted_level(place))):
                found[number, place - 1, way] = heldout.gain_interval(gains, QUESTIONS, level)
    return found


def shares(found: np.ndarray) -> list[tuple[float, float]]:
    """(share of sets in which any interval excludes 0, in which one lies above it), for each way."""
    low, high = found[..., 0], found[..., 1]
    above = (low > 0).any(axis=1)
    out = ((low > 0) | (high < 0)).any(axis=1)
    return [(float(out[:, way].mean()), float(above[:, way].mean())) for way in range(2)]


def main(arguments: list[str] | None = None) -> None:
    """Run the study, print its table; `--write` puts it into the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", type=int, default=SETS)
    parser.add_argument("--write", action="store_true", help="put the table into the study's page")
    options = parser.parse_args(arguments)
    found = tried(options.sets)
    lines = ["| rules | intervals | any excludes 0 | any above 0 |", "|---|---|---|---|"]
    for rules in (1, 5, len(RULES)):
        for name, (out, above) in zip(("each at 95%", "as shown"), shares(found[:, :rules]), strict=True):
            lines.append(f"| {rules} | {name} | {out:.1%} | {above:.1%} |")
    print("\n".join(lines))
    if options.write:
        study_pages.put("forking", "forking", "\n".join(lines))


if __name__ == "__main__":
    main()
