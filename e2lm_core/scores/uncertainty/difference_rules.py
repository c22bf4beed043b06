"""Which interval the difference of a score gets: what `benchmarks/coverage/differences.py` measured, as rules."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from e2lm_core.scores.uncertainty.paired import Rule
from e2lm_core.scores.uncertainty.rules import ACCEPTED, OF_ONE_MODEL
from e2lm_core.scores.vectorised import SCORES

FILE = Path(__file__).parent / "difference_coverage.json"


@lru_cache(maxsize=1)
def load() -> dict[str, Any]:
    """`{source, pairs_a_cell, questions, models, chosen, coverage, validation}`, the table that ships with the studio.

    `validation` is the lowest coverage {score: {method: …}} on fleets that took no part in `coverage`.
    """
    return json.loads(FILE.read_text(encoding="utf-8"))


def rules(questions: int, models: int, table: dict[str, Any] | None = None) -> dict[str, Rule]:
    """The rule of every score's difference for sets of at least `questions` (groups count once) on `models` that count."""
    table = load() if table is None else table
    return {score: _rule(score, questions, models, table) for score in SCORES}


def _rule(score: str, questions: int, models: int, table: dict[str, Any]) -> Rule:
    fewest, least = min(table["questions"]), min(table["models"])
    if questions < fewest:
        return Rule(
            None, why=f"Intervals of differences were studied for sets of {fewest} questions and more."
        )
    if score not in OF_ONE_MODEL and models < least:
        return Rule(None, why=f"Intervals of differences were studied for {least} models and more.")
    method = table["chosen"].get(score)
    if method is None:
        return Rule(None, why="The study holds no method for the difference of this score.")
    lowest = min(table["coverage"][score][method]["lowest"], table["validation"][score][method])
    if lowest < ACCEPTED:
        return Rule(
            None,
            lowest,
            f"No interval is reliable here: in simulations the best method held the true difference in only {lowest:.0%} "
            "of pairs of sets, where 95% are promised.",
        )
    return Rule(method, lowest)
