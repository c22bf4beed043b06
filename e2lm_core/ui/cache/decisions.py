"""Cached answers of the tab Ahead at the end.

Tested in tests/pages/test_ahead.py.
"""

from __future__ import annotations

from e2lm_core.analysis.answers import Answers
from e2lm_core.analysis.decisions import outlook
from e2lm_core.analysis.decisions.earlier import Alternative
from e2lm_core.analysis.decisions.outlook import Certainty, Outlook
from e2lm_core.imported.shelf import decisions
from e2lm_core.imported.shelf.library import Shelved
from e2lm_core.scores.measurements import Measurements
from e2lm_core.ui import session
from e2lm_core.ui.base import page_cache
from e2lm_core.ui.cache.results import answer


def end_of_training(measurements: Measurements, first: str, second: str) -> float | None:
    """Tokens at the last checkpoint of two models that the catalogue or the results know."""
    last = session.once_a_run(f"last tokens {measurements.digest}", lambda: _last_tokens(measurements))
    return outlook.end_of_training(last, (first, second))


def _last_tokens(measurements: Measurements) -> dict[str, int]:
    measured = (checkpoint for curve in measurements.curves for checkpoint in curve.checkpoints)
    return outlook.last_tokens((*session.studio().catalogue.checkpoints, *measured))


def outlooks(measurements: Measurements, metric: str, first: str, second: str) -> list[Outlook]:
    """Probability that one of two models is ahead at the end, at every checkpoint."""
    end = end_of_training(measurements, first, second)
    return answer(Answers.outlooks, measurements, metric, first, second, end)


def certainty(measurements: Measurements, metric: str, end_tokens: float | None) -> Certainty | None:
    """Certainty over the pairs of models, checkpoint by checkpoint."""
    return answer(Answers.certainty, measurements, metric, end_tokens)


def alternatives(measurements: Measurements, metric: str, end_tokens: float | None) -> list[Alternative]:
    """Sets and metrics that would decide the pairs earlier."""
    return answer(Answers.alternatives, measurements, metric, end_tokens)


def benchmark_certainty(shelved: Shelved, metric: str) -> Certainty | None:
    """Certainty over the pairs of a public benchmark; None where guessing is not known."""
    found = page_cache.get_or_compute(
        "benchmark certainty",
        (shelved, metric),
        lambda: decisions.benchmark_stops(decisions.decided(shelved, metric)),
    )
    return None if found is None else found.certainty
