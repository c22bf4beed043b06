"""Sentences on imported results."""

from __future__ import annotations

import re
from collections.abc import Sequence

from e2lm_core.base.formatting import count, join_words, metric_value, score, tokens
from e2lm_core.imported.join import curve_labels
from e2lm_core.imported.records import Curve, Imported
from e2lm_core.imported.scores import quality

MAX_ALIKE = 3
_FILE = re.compile(r"\S+\.(?:jsonl?|csv|tsv|parquet|eval|zip)\b")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def import_summary(imported: Imported) -> str:
    """Sentence on the models, tasks, curves and points that were read, and the number of unreadable files."""
    models = list(dict.fromkeys(curve.model.name for curve in imported.curves))
    points = sum(len(curve.steps) for curve in imported.curves)
    left_out = sum(seen.why is not None for seen in imported.files)
    sentence = (
        f"{count(len(models), 'model')} on {count(len(imported.tasks), 'task')}: "
        f"{count(len(imported.curves), 'curve')} of {count(points, 'point')}"
    )
    if imported.measured:
        sentence += ", with every question's log-likelihoods"
    if left_out:
        sentence += f"; {count(left_out, 'file')} could not be read"
    return sentence + "."


def fold_similar(sentences: Sequence[str]) -> list[str]:
    """Fold more than three sentences that differ only in file names or numbers into the first and a count."""
    alike: dict[str, list[str]] = {}
    for sentence in dict.fromkeys(sentences):
        alike.setdefault(_NUMBER.sub("", _FILE.sub("", sentence)), []).append(sentence)
    said: list[str] = []
    for same in alike.values():
        if len(same) > MAX_ALIKE:
            same = [f"{same[0].removesuffix('.')} (and {len(same) - 1:,} more like this)."]
        said += same
    return said


def headline(curves: Sequence[Curve]) -> str:
    """Sentence on one metric of one task: first and last score by model, and the model with the best SQ."""
    if not curves:
        return "There is no curve of this metric."
    lines = [c for c in curves if len(c.steps) > 1]
    if not lines:
        only = curves[0]
        at = f"step {only.steps[0]:,}"
        return (
            f"There is one point a curve, so nothing rises or falls: {curve_labels(curves)[0]} has "
            f"{metric_value(only.metric, only.scores[0])} at {at}."
        )
    first = max(lines, key=lambda curve: len(curve.steps))
    values = [
        (label, curve)
        for label, curve in zip(curve_labels(curves), curves, strict=True)
        if len(curve.steps) > 1
    ]
    moves = [
        f"{label} goes from **{metric_value(c.metric, c.scores[0])} to "
        f"{metric_value(c.metric, c.scores[-1])}**"
        for label, c in values
    ]
    end = first.tokens_seen[-1]
    where = f"step {first.steps[-1]:,}" if end is None else f"{tokens(end)} tokens"
    sentence = f"On {first.task}, {first.metric} of {join_words(moves, max_items=2)} by {where}"
    rated = [(rating.sq, label) for label, c in values if (rating := quality(c)).sq is not None]
    if len(rated) > 1:
        best, label = max(rated)
        sentence += f". {label} improves most steadily (SQ {score(best)})"
    elif rated:
        sentence += f" (SQ {score(rated[0][0])})"
    return sentence + "."
