"""A benchmark of the shelf beside a set: SQ of both over equally many points, and its rank among its own."""

from __future__ import annotations

from collections.abc import Sequence

from e2lm_core.base import formatting
from e2lm_core.base.records import Record, Value
from e2lm_core.base.sentences import Sentence, joined
from e2lm_core.imported.records import Curve
from e2lm_core.imported.scores import scored_points
from e2lm_core.imported.shelf import library
from e2lm_core.imported.shelf.library import Shelved
from e2lm_core.imported.shelf.overview import mean_signal_quality, mean_thinned, noise_quality
from e2lm_core.scores import signal

OWN_AXIS = Sentence(
    "It has its own models and its own axis of tokens: compare the curves' shapes, not their heights."
)
BANDS = Sentence("Bands: 95%, from the source's standard errors.")


class Side(Record):
    """One side of a comparison.

    Attributes:
        name: Name of the set or of the benchmark.
        metric: Name of the metric.
        models: Number of models whose SQ enters the mean.
        questions: Number of questions; None if unknown.
        points: Number of points that its SQ is computed over; 0 if it is undefined.
        sq: Its SQ over all of them.
        thinned: Its SQ over as many points as the set has; None where that is undefined.
        noise: Mean SQ of white noise over as many points as `thinned` has, else over its own.
    """

    name: str
    metric: str
    models: int
    questions: int | None
    points: int
    sq: Value
    thinned: float | None
    noise: float | None


def set_side(name: str, metric: str, models: int, questions: int, points: int, sq: Value) -> Side:
    """The set's own side.

    Args:
        name: Name of the set.
        metric: Name of the metric.
        models: Number of its models that count in scores.
        questions: Number of its questions.
        points: Number of its early points.
        sq: Its SQ.
    """
    return Side(
        name=name,
        metric=metric,
        models=models,
        questions=questions,
        points=points,
        sq=sq,
        thinned=sq.value,
        noise=noise_quality(points),
    )


def shelf_side(shelved: Shelved, curves: Sequence[Curve], points: int) -> Side:
    """The benchmark's side, thinned to the set's number of points.

    Args:
        shelved: The benchmark.
        curves: Its curves on one metric.
        points: Number of early points of the set; 0 if it has no SQ.
    """
    own = max(int(scored_points(curve).sum()) for curve in curves)
    thinned = mean_thinned(curves, points) if points >= signal.MIN_POINTS else None
    return Side(
        name=shelved.label,
        metric=curves[0].metric,
        models=len(curves),
        questions=shelved.benchmark.questions,
        points=own,
        sq=mean_signal_quality(curves),
        thinned=thinned,
        noise=noise_quality(own if thinned is None else points),
    )


def rank(shelved: Shelved, group: Sequence[Shelved], metric: str) -> tuple[int, int] | None:
    """Rank of a benchmark by SQ, and number of those of its source and few-shot count that have one.

    Args:
        shelved: The benchmark.
        group: All benchmarks on the shelf.
        metric: Name of the metric.

    Returns:
        Rank from 1, equal ones sharing the better, and number; None where its own SQ is undefined. Only benchmarks
            that ran on the same models are ranked.
    """
    found = {
        one.key: mean_signal_quality(library.open_curves(one, metric)).value
        for one in group
        if one.group == shelved.group and metric in one.benchmark.metrics
    }
    own = found.get(shelved.key)
    known = [value for value in found.values() if value is not None]
    return None if own is None else (1 + sum(value > own for value in known), len(known))


def sentence(shelved: Shelved, own: Side, other: Side, placed: tuple[int, int] | None) -> str:
    """Sentence on the SQ of both sides over equally many points, and on the benchmark's rank among its own.

    Args:
        shelved: The benchmark.
        own: The set's side.
        other: The benchmark's side.
        placed: Rank and number of `rank`.
    """
    of = Sentence(
        "**{name}** on {models} of {source}",
        name=other.name,
        models=formatting.count(other.models, "model"),
        source=Sentence(shelved.source.title),
    )
    score, noise = formatting.score, formatting.score(other.noise)
    if other.thinned is not None:
        said = Sentence(
            "{of}: SQ {thinned} over {points} points; this set {own}; noise gets {noise}.",
            of=of,
            thinned=score(other.thinned),
            points=own.points,
            own=score(own.sq.value),
            noise=noise,
        )
    elif other.sq.value is not None:
        said = Sentence(
            "{of}: SQ {score} over {points} points; noise gets {noise}.",
            of=of,
            score=score(other.sq.value),
            points=other.points,
            noise=noise,
        )
    else:
        said = Sentence("{of}: SQ is undefined. {why}", of=of, why=other.sq.why)
    if placed is not None:
        said = joined(
            (
                said,
                Sentence(
                    "By SQ it ranks {place} of the {all} benchmarks that these models ran.",
                    place=placed[0],
                    all=placed[1],
                ),
            )
        )
    return said
