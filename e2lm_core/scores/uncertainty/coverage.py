"""Coverage tables of the simulation studies.

`coverage.json` is written by `benchmarks/coverage/scores.py`, `reading_coverage.json` (RC and Score in the
readings that compare architectures of one size) by `benchmarks/coverage/readings.py`,
`difference_coverage.json` by `benchmarks/coverage/differences.py`.
"""

from __future__ import annotations

import json
import math
from functools import lru_cache
from pathlib import Path
from typing import Any

from e2lm_core.base.sentences import Sentence
from e2lm_core.scores.set_scores import SCORES
from e2lm_core.scores.uncertainty.rules import (
    ACCEPTED,
    NO_METHOD_OF_DIFFERENCES,
    OF_ONE_MODEL,
    CoverageTable,
    IntervalRule,
    few_differing,
)

FILE = Path(__file__).parent / "coverage.json"
READINGS_FILE = Path(__file__).parent / "reading_coverage.json"
DIFFERENCES_FILE = Path(__file__).parent / "difference_coverage.json"


@lru_cache(maxsize=1)
def load() -> CoverageTable:
    """Shipped coverage table of the intervals of scores."""
    content, of_readings = (json.loads(file.read_text(encoding="utf-8")) for file in (FILE, READINGS_FILE))
    both = {key: content[key] | of_readings[key] for key in ("chosen", "coverage")}
    return CoverageTable.from_content(content | both)


@lru_cache(maxsize=1)
def load_differences() -> dict[str, Any]:
    """Shipped coverage table of the intervals of score differences.

    It holds source, pairs_a_cell, questions, models, chosen, coverage and validation. `validation` is the
    lowest coverage {score: {method: …}} on model groups that took no part in `coverage`.
    """
    return json.loads(DIFFERENCES_FILE.read_text(encoding="utf-8"))


def difference_rules(
    questions: int, models: int, differing: float = math.nan, table: dict[str, Any] | None = None
) -> dict[str, IntervalRule]:
    """Interval rules of the differences of all scores between two sets.

    Args:
        questions: Number of questions of the smaller set (groups count once).
        models: Number of models that count in both sets.
        differing: Number of questions on which two of the models differ, in the set where it is smaller
            (`strata.differing_questions`); NaN where it is not known.
        table: Coverage table of differences; the shipped one by default.

    Returns:
        A rule by score, with the reason where there is no interval.
    """
    table = load_differences() if table is None else table
    return {score: _difference_rule(score, questions, models, table, differing) for score in SCORES}


def _difference_rule(
    score: str, questions: int, models: int, table: dict[str, Any], differing: float
) -> IntervalRule:
    fewest, least = min(table["questions"]), min(table["models"])
    if questions < fewest:
        why = Sentence(
            "Intervals of differences were studied for sets of {fewest} questions and more, groups counted once; the "
            "smaller set has {number}.",
            fewest=fewest,
            number=str(questions),
        )
        return IntervalRule(None, why=why)
    if score not in OF_ONE_MODEL and models < least:
        return IntervalRule(
            None,
            why=Sentence("Intervals of differences were studied for {least} models and more.", least=least),
        )
    if few := few_differing(score, differing):
        return IntervalRule(None, why=few)
    method = table["chosen"].get(score)
    if method is None:
        return IntervalRule(None, why=NO_METHOD_OF_DIFFERENCES)
    lowest = min(table["coverage"][score][method]["lowest"], table["validation"][score][method])
    if lowest < ACCEPTED:
        return IntervalRule(
            None,
            lowest,
            Sentence(
                "No interval is reliable here: in simulations the best method held the true difference "
                "in only {lowest} of pairs of sets, where 95% are promised.",
                lowest=f"{lowest:.0%}",
            ),
        )
    return IntervalRule(method, lowest)
