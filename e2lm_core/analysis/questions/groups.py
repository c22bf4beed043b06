"""Effect of a grouping: intraclass correlation, design effect, effective sample size."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from e2lm_core.base import formatting
from e2lm_core.base.records import Record
from e2lm_core.base.sentences import Sentence
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.uncertainty.means.clusters import design_effect, intraclass_correlation

WIDER = 1.3  # a larger design effect makes intervals wider by a seventh or more
_FEW = 10  # of fewer clusters the design effect is too uncertain to call small


class GroupingEffect(Record):
    """Effect of one grouping of the questions.

    Attributes:
        kind: Kind of the grouping.
        grouped: Number of questions in a group.
        groups: Number of groups.
        largest: Number of questions in the largest group.
        correlation: Intraclass correlation of a metric at the last complete checkpoint, median over the
            scored models; None without results.
        effect: Design effect of the means, median over the same models; None without results, or where all
            questions are in one group.
        of_differences: Design effect of the difference of two models, median over pairs; None without a pair, or
            where all questions are in one group.
    """

    kind: str
    grouped: int
    groups: int
    largest: int
    correlation: float | None = None
    effect: float | None = None
    of_differences: float | None = None


def grouping_effect(
    kind: str, labels: Sequence[str | None], measurements: Measurements | None = None, metric: str = "acc"
) -> GroupingEffect:
    """Effect of a grouping on the questions, and on a metric if it is measured.

    Args:
        kind: Kind of the grouping.
        labels: Group of each question [Q]; None or "" for a question by itself.
        measurements: Results of the set, with the questions in the same order.
        metric: Metric of the correlation and the design effects.
    """
    sizes: dict[str, int] = {}
    for label in labels:
        if label:
            sizes[label] = sizes.get(label, 0) + 1
    found = GroupingEffect(
        kind=kind, grouped=sum(sizes.values()), groups=len(sizes), largest=max(sizes.values(), default=0)
    )
    ends = [] if measurements is None else _ends(measurements, metric)
    if not ends or not sizes or _clusters(found, len(labels)) < 2:
        return found
    alike = [own for values in ends if (own := intraclass_correlation(values, labels)) is not None]
    apart = [design_effect(one - other, labels) for one, other in combinations(ends, 2)]
    return found.model_copy(
        update={
            "correlation": float(np.median(alike)) if alike else None,
            "effect": float(np.median([design_effect(values, labels) for values in ends])),
            "of_differences": float(np.median(apart)) if apart else None,
        }
    )


def _clusters(effect: GroupingEffect, questions: int) -> int:
    """Number of independent units: the groups, and each question by itself."""
    return effect.groups + questions - effect.grouped


def _ends(measurements: Measurements, metric: str) -> list[np.ndarray]:
    """Values [Q] of each scored model at its last complete checkpoint."""
    ends = []
    for curve in measurements.scored_curves:
        complete = np.flatnonzero(np.isfinite(measurements.values(curve.model.name, metric)))
        if complete.size:
            ends.append(measurements.per_question[curve.model.name][metric][complete[-1]])
    return ends


def grouping_sentence(effect: GroupingEffect, questions: int) -> str:
    """Sentence on the number of similar questions, and on the effective number of questions."""
    if not effect.groups:
        return Sentence("No questions share {kind}.", kind=_article(effect.kind))
    many = formatting.count(effect.groups, "group")
    sentence = Sentence(
        "{grouped} of {questions} questions share {kind}, in {groups}",
        grouped=effect.grouped,
        questions=questions,
        kind=_article(effect.kind),
        groups=many,
    )
    if _clusters(effect, questions) < 2:
        return Sentence("{sentence}: how many questions they count as cannot be told.", sentence=sentence)
    if effect.effect is None:
        return Sentence("{sentence}: what that does to intervals is known after a run.", sentence=sentence)
    count = f"{questions / effect.effect:,.0f}"
    if effect.effect < WIDER and _clusters(effect, questions) < _FEW:
        return Sentence(
            "{sentence}; they count as {count} (design effect {effect}), as far as so few groups can tell.",
            sentence=sentence,
            count=count,
            effect=f"{effect.effect:.2f}",
        )
    if effect.effect < WIDER:
        return Sentence(
            "{sentence}; they count as {count} (design effect {effect}), so it matters little.",
            sentence=sentence,
            count=count,
            effect=f"{effect.effect:.2f}",
        )
    wider = effect.effect**0.5 - 1
    return Sentence(
        "{sentence} and count like {count} (design effect {effect}). Intervals should be {wider} wider.",
        sentence=sentence,
        count=count,
        effect=f"{effect.effect:.2f}",
        wider=f"{wider:.0%}",
    )


def _article(kind: str) -> str:
    return {
        "template": Sentence("a template"),
        "answer": Sentence("an answer"),
        "meaning": Sentence("their meaning"),
    }.get(kind, Sentence("a group"))
