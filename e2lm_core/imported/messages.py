"""Sentences on imported results."""

from __future__ import annotations

import re
from collections.abc import Sequence

from e2lm_core.base.formatting import checkpoint_position, count, join_words, metric_value, score
from e2lm_core.base.sentences import Sentence, joined
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
    return Sentence(
        "{models} on {tasks}: {curves} of {points}{samples}{left_out}.",
        models=count(len(models), "model"),
        tasks=count(len(imported.tasks), "task"),
        curves=count(len(imported.curves), "curve"),
        points=count(points, "point"),
        samples=Sentence(", with every question's log-likelihoods") if imported.measured else "",
        left_out=Sentence(
            "; {number} file could not be read", "; {number} files could not be read", number=left_out
        )
        if left_out
        else "",
    )


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
        return Sentence("There is no curve of this metric.")
    lines = [c for c in curves if len(c.steps) > 1]
    if not lines:
        only = curves[0]
        return Sentence(
            "There is one point a curve, so nothing rises or falls: {model} has {value} at step {step}.",
            model=curve_labels(curves)[0],
            value=metric_value(only.metric, only.scores[0]),
            step=only.steps[0],
        )
    first = max(lines, key=lambda curve: len(curve.steps))
    values = [
        (label, curve)
        for label, curve in zip(curve_labels(curves), curves, strict=True)
        if len(curve.steps) > 1
    ]
    moves = [
        Sentence(
            "{model} goes from **{first} to {last}**",
            model=label,
            first=metric_value(c.metric, c.scores[0]),
            last=metric_value(c.metric, c.scores[-1]),
        )
        for label, c in values
    ]
    rated = [(rating.sq, label) for label, c in values if (rating := quality(c)).sq is not None]
    sentence = Sentence(
        "On {task}, {metric} of {moves} by {position}{sq}.",
        task=first.task,
        metric=first.metric,
        moves=join_words(moves, max_items=2),
        position=checkpoint_position(first.steps[-1], first.tokens_seen[-1]),
        sq=f" (SQ {score(rated[0][0])})" if len(rated) == 1 else "",
    )
    if len(rated) < 2:
        return sentence
    best, label = max(rated)
    steady = Sentence("{model} improves most steadily (SQ {sq}).", model=label, sq=score(best))
    return joined((sentence, steady))
