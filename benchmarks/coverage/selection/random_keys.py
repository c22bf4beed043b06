"""Choosing by a rule where every answer key is random, and where a rule helps: `python -m benchmarks.coverage.selection.random_keys`.

Three questions, each with a seed that was fixed before the first run:

- **noise**: sets whose keys are random and whose models share which choices they like, as models of one text do.
  Three rules choose; how often is a gain told, is advice given for the chosen set, and lies a score beyond its null
  through the rule?
- **twice**: the same where a second rule chooses of what a first one chose. How often lies a score beyond the null through
  both, and how often beyond that through the second alone?
- **ladder**: the embedded models' log-likelihoods on parts of the example sets, with random keys.
- **planted**: sets in which a rule gains .08 by construction. How often is that told as a gain?

`--write` puts the tables into docs/studies/random_keys.md.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks import study_pages
from e2lm_core.analysis import validity
from e2lm_core.analysis.questions import null_through_rule as through_rule
from e2lm_core.analysis.questions import selection, selection_null
from e2lm_core.checkpoints.catalogue import without_extras
from e2lm_core.scores import set_scores
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.uncertainty import null
from tests.support.random_keys import (
    QUESTIONS,
    SEED,
    RandomSet,
    chosen_set,
    chosen_twice,
    noise_set,
    planted_gain,
    with_keys,
)

SETS, PLANTED = 200, 50
MAX_FALSE = 16  # of 200: what a true 5% stays below in 98%
RULES = ("easiest-half", "margin > 0 and slope > 0", "norm_prob > 0.3")
LADDER_RULES = (*RULES, "slope > 0", "snr-greedy")
KINDS = (
    *(("noise", rule, metric) for rule in RULES for metric in ("acc", "norm_prob")),
    *((name, rule, "acc") for rule in LADDER_RULES for name in ("ladder_science", "ladder_general")),
)
PLANTED_RULES = ('source = "good"', "easiest-half")
SCORED = ("sq", "rc", "cs", "score", "decision_accuracy")
DRAWS = 199
TWICE = (
    ("margin > 0 and slope > 0", "easiest-half", "norm_prob"),
    ("easiest-half", "norm_prob > 0.3", "acc"),
)
TWICE_SEED = 5_000  # of noise that no other row has


def ladder_sets(name: str) -> Iterator[RandomSet]:
    """Parts of an example set with random keys, on the log-likelihoods that the package includes."""
    from e2lm_core.runs.results import load_measurements
    from e2lm_core.runs.studio import open_studio
    from e2lm_core.sets.collection import open_set

    studio = open_studio()
    task = open_set(studio.settings, name)
    whole = load_measurements(studio, task, without_extras(studio.catalogue.checkpoints))
    for seed in range(SETS):
        rows = whole_groups(whole, np.random.default_rng([SEED, seed, 2]))
        some = with_keys(RandomSet(task, whole), rows, whole.gold[rows])
        gold = null.random_golds_of_set(some.measured, 1, SEED + seed)[0]
        yield with_keys(some, np.arange(len(rows)), gold)


def whole_groups(measured: Measurements, rng: np.random.Generator) -> np.ndarray:
    """Rows of `QUESTIONS` questions at random, groups whole: their keys are drawn together."""
    names = np.array([name or f"question {row}" for row, name in enumerate(measured.groups)])
    _, group = np.unique(names, return_inverse=True)
    turn = rng.permutation(group.max() + 1)
    return np.sort(np.argsort(turn[group], kind="stable")[:QUESTIONS])


def count_false(of: RandomSet, rule: str, metric: str, through: bool, counts: Counter[str]) -> None:
    """Count what is told of a set with random keys that a rule chooses of.

    Args:
        of: The set.
        rule: The rule.
        metric: Metric of gains and scores.
        through: Whether to draw the null through the rule, too.
        counts: Counts by kind, added to.
    """
    pool = of.pool
    made = selection.select_questions(pool, rule, metric)
    told = selection_null.with_null(made, pool, of.measured)
    counts["sets"] += 1
    counts["interval above 0"] += bool(
        (bounds := told.scores["final"].interval)
        and told.scores["final"].covers == "questions"
        and bounds[0] > 0
    )
    counts["gain told"] += bool(told.is_gain)
    kept = chosen_set(of, made)
    scores = validity.scores_with_null(kept, metric)
    counts["advice"] += validity.no_advice_reason(kept, scores) is None
    counts["p shown"] += any(getattr(scores, name).null is not None for name in SCORED)
    plain = validity.scores_with_null(replace(kept, chosen=None), metric)
    for name in SCORED if through else ():
        found = getattr(plain, name).null
        counts[f"{name} without origin"] += bool(found and found.p <= 0.05)
    if through:
        drawn = through_rule.null_through_rule(kept, of.measured, pool, (metric,), DRAWS)
        for name, found in through_rule.score_nulls(
            set_scores.scores(kept, metric), drawn[metric], 1
        ).items():
            if name in SCORED:
                counts[name] += bool(found and found.null.p <= 0.05)


def counted(name: str, rule: str, metric: str, sets: int, work: Path | None) -> Counter[str]:
    """Counts of `count_false` over so many sets of a kind; what lies in `work` is taken from there."""
    kept = work / f"{name}, {rule.replace('/', ' ')}, {metric}, {sets}.json" if work else None
    if kept and kept.exists():
        return Counter(json.loads(kept.read_text(encoding="utf-8")))
    found: Counter[str] = Counter()
    made = (noise_set(seed) for seed in range(sets)) if name == "noise" else ladder_sets(name)
    for of, _ in zip(made, range(sets), strict=False):
        count_false(of, rule, metric, name == "noise", found)
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(found), encoding="utf-8")
    print(false_table({(name, rule, metric): found}).splitlines()[-1], flush=True)
    return found


def false_table(found: dict[tuple[str, str, str], Counter[str]]) -> str:
    """Table of the counts of `count_false`, a row for each set of sets, rule and metric."""
    shown = ("interval above 0", "gain told", "advice", "p shown")
    lines = [
        f"| sets | rule | metric | number | {' | '.join(shown)} | p ≤ .05 without the origin: SQ / RC / CS / Score / decisions "
        "| p ≤ .05 through the rule: SQ / RC / CS / Score / decisions |",
        "|" + "---|" * (6 + len(shown)),
    ]
    for (name, rule, metric), counts in found.items():
        without, within = (
            " / ".join(str(counts[f"{score}{end}"]) for score in SCORED) if "sq" in counts else "–"
            for end in (" without origin", "")
        )
        row = [name, f"`{rule}`", metric, str(counts["sets"]), *(str(counts[one]) for one in shown)]
        lines.append("| " + " | ".join([*row, without, within]) + " |")
    return "\n".join(lines)


def count_twice(of: RandomSet, first: str, second: str, metric: str, counts: Counter[str]) -> None:
    """Count the scores beyond the null through both rules, and beyond that through the second alone.

    Args:
        of: A set with random keys.
        first: Rule that chooses of the set.
        second: Rule that chooses of what the first one keeps.
        metric: Metric of the scores.
        counts: Counts by kind, added to.
    """
    made = selection.select_questions(of.pool, first, metric)
    rows = np.flatnonzero(made.mask)
    between = with_keys(of, rows, of.measured.gold[rows])
    kept = chosen_twice(of, first, second, metric)
    assert kept.chosen is not None
    alone = replace(kept, chosen=kept.chosen.model_copy(update={"earlier": None}))
    scores = set_scores.scores(kept, metric)
    counts["sets"] += 1
    for chosen, parent, end in ((kept, of, ""), (alone, between, " of the second")):
        drawn = through_rule.null_through_rule(chosen, parent.measured, parent.pool, (metric,), DRAWS)
        for name, found in through_rule.score_nulls(scores, drawn[metric], 1).items():
            if name in SCORED:
                counts[f"{name}{end}"] += bool(found and found.null.p <= 0.05)


def twice_table(sets: int) -> str:
    """Table of `count_twice` on sets of noise, a row for each pair of rules."""
    lines = [
        "| first rule | second rule | metric | sets | p ≤ .05 through the second alone: SQ / RC / CS / Score / decisions "
        "| through both |",
        "|---|---|---|---|---|---|",
    ]
    for first, second, metric in TWICE:
        counts: Counter[str] = Counter()
        for seed in range(sets):
            count_twice(noise_set(TWICE_SEED + seed), first, second, metric, counts)
        alone, both = (
            " / ".join(str(counts[f"{score}{end}"]) for score in SCORED) for end in (" of the second", "")
        )
        lines.append(f"| `{first}` | `{second}` | {metric} | {counts['sets']} | {alone} | {both} |")
        print(lines[-1], flush=True)
    return "\n".join(lines)


def planted_table(sets: int) -> str:
    """Table of how often a planted gain is told, a row for each rule."""
    lines = [
        "| rule | sets | mean held-out gain | mean under random keys | told as a gain |",
        "|---|---|---|---|---|",
    ]
    for rule in PLANTED_RULES:
        made = [planted_gain(seed, rule) for seed in range(sets)]
        gains = np.mean([one.scores["final"].held_out for one in made])
        nulls = np.mean([one.null.mean for one in made if one.null])
        lines.append(
            f"| `{rule}` | {sets} | {gains:+.3f} | {nulls:+.3f} | {sum(bool(one.is_gain) for one in made)} |"
        )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Run the study, print its tables; `--write` puts them into the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", type=int, default=SETS)
    parser.add_argument("--work", type=Path, help="folder that keeps finished rows of random keys")
    parser.add_argument("--write", action="store_true", help="put the tables into the study's page")
    parser.add_argument(
        "--only", action="append", choices=("twice", "planted", "keys"), help="make this table alone"
    )
    options = parser.parse_args(arguments)
    makers = {
        "twice": lambda: twice_table(options.sets),
        "planted": lambda: planted_table(min(PLANTED, options.sets)),
        "keys": lambda: false_table({kind: counted(*kind, options.sets, options.work) for kind in KINDS}),
    }
    for name in options.only or makers:
        table = makers[name]()
        print(table, flush=True)
        if options.write:
            study_pages.put("random_keys", name, table)


if __name__ == "__main__":
    main()
