"""Cells, rows and sentences of the shelf, for commands and pages.

Tested in tests/imported/shelf/test_overview.py.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from e2lm_core.base import formatting
from e2lm_core.imported.shelf import library
from e2lm_core.imported.shelf.decisions import BenchmarkStops
from e2lm_core.imported.shelf.overview import Lasting, Overview, noise_quality
from e2lm_core.imported.shelf.packing import Source
from e2lm_core.scores.ranking import readings

ERRORS = (
    "Above chance and sizes apart: models, and neighbouring sizes, that are so at the end beyond the standard errors, "
    "judged together; by these tokens half of them are. Errors are taken as independent."
)
MEANS = "(means): this source has no standard errors, so counts, tokens and SQ are of the means alone."
COMPARABLE = (
    "Compare benchmarks of one source and few-shot count alone: others were run on other models or points."
)
NOISE = "SQ of noise: what curves of white noise get with as many points."
THINNED = (
    "SQ at {points}: mean over all ways to thin the curves to {points} points; noise gets {noise} there."
)
WHOLE = "mmlu of Pythia is worked out from its 57 subjects, over all their questions."
RC = (
    "RC to 240 B: provisional, over the {points} published points behind the early window that all models have "
    "({reading}), where curves of noise get {noise}; never to be compared with RC to 1 T tokens."
)
DECIDED = (
    "80% at: tokens at which the likelier model of a pair is ahead at the end with 80% in the mean over all pairs; a pair "
    "that is not known counts as 50%, sizes more than six times apart are left out. Right: the share of pairs that ended so."
)
COLUMNS = (
    *("source", "benchmark", "shots", "metric", "questions", "models", "points", "SQ", "SQ of noise"),
    *("RC to 240 B", "chance", "above chance", "by", "sizes apart", "apart by"),
)


def source_sentence(source: Source) -> str:
    """Sentence on where the figures of a source are from."""
    return (
        f"{source.title}: {source.repository} at {source.commit[:7]} ({source.licence}, {source.copyright})."
    )


def count_cell(lasting: Lasting | None) -> str:
    """Cell such as `12 of 16`, or `4 of 6 (means)` without standard errors; a dash where it has no meaning."""
    if lasting is None:
        return formatting.DASH
    if lasting.sure is None:
        return f"{lasting.at_end} of {lasting.number} (means)"
    return f"{lasting.sure} of {lasting.number}"


def tokens_cell(lasting: Lasting | None) -> str:
    """Cell of the tokens by which half have come so far, `never` if they have not."""
    if lasting is None:
        return formatting.DASH
    tokens = lasting.measured if lasting.sure is None else lasting.by
    return "never" if tokens is None else formatting.tokens(tokens)


def table_row(of: Overview) -> dict[str, Any]:
    """Row of the table of all benchmarks, but for SQ."""
    return {
        "source": of.source,
        "benchmark": of.benchmark,
        "shots": of.num_fewshot,
        "metric": of.metric,
        "questions": of.questions,
        "models": of.models,
        "points": of.points,
        "SQ of noise": of.noise,
        "RC to 240 B": of.rc and of.rc.value,
        "chance": of.chance,
        "above chance": count_cell(of.above_chance),
        "by": tokens_cell(of.above_chance),
        "sizes apart": count_cell(of.apart),
        "apart by": tokens_cell(of.apart),
    }


def table_notes(
    shown: Sequence[Overview], points: int | None = None, reading: str = readings.DEFAULT
) -> list[str]:
    """Sentences below a table of benchmarks: what its columns say, and where its figures are from.

    Args:
        shown: Rows of the table.
        points: Number of points to which its curves were also thinned; None if they were not.
        reading: RC definition of its rows.
    """
    notes = [NOISE]
    if points is not None:
        notes.append(THINNED.format(points=points, noise=formatting.score(noise_quality(points))))
    if any(of.apart.sure is not None for of in shown):
        notes.append(ERRORS)
    if any(of.apart.sure is None for of in shown):
        notes.append(MEANS)
    if any((of.source, of.benchmark) == ("pythia", "mmlu") for of in shown):
        notes.append(WHOLE)
    if (with_rc := next((of for of in shown if of.rc is not None), None)) is not None:
        noise = formatting.score(with_rc.rc_noise)
        notes.append(RC.format(points=with_rc.rc_points, reading=readings.LABELS[reading], noise=noise))
    keys = {of.source for of in shown}
    if len({(of.source, of.num_fewshot) for of in shown}) > 1:
        notes.append(COMPARABLE)
    return notes + source_notes(keys)


def stops_row(of: BenchmarkStops) -> dict[str, Any]:
    """Row of the table of decisions: tokens of each level, and the share of pairs that were right there."""
    row: dict[str, Any] = {
        "source": of.source,
        "benchmark": of.benchmark,
        "shots": of.num_fewshot,
        "metric": of.metric,
        "pairs": of.certainty.pairs,
    }
    for stop, right in zip(of.certainty.stops, of.right, strict=True):
        level = f"{stop.level:.0%}"
        row[f"{level} at"] = "never" if stop.tokens_seen is None else formatting.tokens(stop.tokens_seen)
        row[f"right at {level}"] = right
    return row


def stops_notes(shown: Sequence[BenchmarkStops]) -> list[str]:
    """Sentences below the table of decisions."""
    keys = {of.source for of in shown}
    notes = [DECIDED]
    if len({(of.source, of.num_fewshot) for of in shown}) > 1:
        notes.append(COMPARABLE)
    return notes + source_notes(keys)


def source_notes(keys: Collection[str]) -> list[str]:
    """Sentences on where the figures of these sources are from."""
    return [source_sentence(source) for source in library.sources() if source.key in keys]
