"""Published scores of the competition, marked as not comparable."""

from __future__ import annotations

from pathlib import Path

from e2lm_core.base.records import Record
from e2lm_core.base.sentences import Sentence, SentenceField

_FIGURES = Path(__file__).parent / "published.json"
COMPUTED_HERE = Sentence(
    "Computed here by the official formula from the organisers' published curves (the competition's "
    "website repository, MIT): mean over dense-500m, 1b and 3b arch1 on the 14 points; totals of these "
    "benchmarks are not published"
)


class PublishedFigure(Record):
    """One published signal quality, as printed (four digits).

    Attributes:
        benchmark: Name of the benchmark.
        column: Name of the benchmark in the organisers' curve file.
        model: Name of the model.
        sq: Signal quality.
        rho: Its rank correlation; None if not published.
        autocorrelation: Its autocorrelation; None if not published.
    """

    benchmark: str
    column: str
    model: str
    sq: float
    rho: float | None = None
    autocorrelation: float | None = None


class PublishedTotal(Record):
    """One published composite score; its models and hidden checkpoints make it not comparable."""

    name: str
    total: float
    sq_mean: float | None = None
    source: str
    comparable: bool = False


class CurveMean(Record):
    """Mean SQ over the published models of a benchmark with published curves but no published total."""

    benchmark: str
    column: str
    sq_mean: float


class PublishedFigures(Record):
    """All published scores of the competition, with their sources."""

    source: str
    signal_quality: tuple[PublishedFigure, ...]
    totals: tuple[PublishedTotal, ...]
    curve_means_source: SentenceField = COMPUTED_HERE
    curve_means: tuple[CurveMean, ...]


def published_figures() -> PublishedFigures:
    """Published scores that ship with the studio, each with its source."""
    return PublishedFigures.model_validate_json(_FIGURES.read_bytes())
