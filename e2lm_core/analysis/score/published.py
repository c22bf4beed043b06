"""Published scores of the competition, marked as not comparable."""

from __future__ import annotations

from pathlib import Path

from e2lm_core.base.records import Record

_FIGURES = Path(__file__).parent / "published.json"


class PublishedFigure(Record):
    """One published signal quality, as printed (four digits)."""

    benchmark: str
    column: str  # the benchmark's name in the organisers' curve file
    model: str
    sq: float
    rho: float | None = None
    autocorrelation: float | None = None


class PublishedTotal(Record):
    """One published composite score: other models and hidden checkpoints, so not comparable with a
    studio's."""

    name: str
    total: float
    sq_mean: float | None = None
    source: str
    comparable: bool = False


class CurveMean(Record):
    """The mean SQ over the published models of a benchmark whose curves are published but whose total is
    not."""

    benchmark: str
    column: str
    sq_mean: float


class PublishedFigures(Record):
    """Everything that was published, and where."""

    source: str
    signal_quality: tuple[PublishedFigure, ...]
    totals: tuple[PublishedTotal, ...]
    curve_means_source: str
    curve_means: tuple[CurveMean, ...]


def published_figures() -> PublishedFigures:
    """The published figures that ship with the studio, each with its source."""
    return PublishedFigures.model_validate_json(_FIGURES.read_bytes())
