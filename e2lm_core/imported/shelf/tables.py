"""Tables of the shelf for pages: all benchmarks of a group, a comparison with a set, a benchmark's points.

Tested in tests/imported/shelf/test_beside.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import pandas as pd

from e2lm_core.base.records import Value
from e2lm_core.imported.records import Curve
from e2lm_core.imported.scores import curve_frame
from e2lm_core.imported.shelf import indicators, messages
from e2lm_core.imported.shelf.beside import Side
from e2lm_core.imported.shelf.overview import Lasting, Overview, noise_quality
from e2lm_core.scores.uncertainty.methods import LEVEL

# Columns of intervals, as text.
INTERVALS = tuple(f"{name} 95%" for name in ("SQ", "decision accuracy", "SNR", "slope"))


def overview_frame(shown: Sequence[Overview]) -> pd.DataFrame:
    """Table of benchmarks, one row each; an interval stands as text behind its figure."""
    return pd.DataFrame([_row(of) for of in shown])


def _row(of: Overview) -> dict[str, Any]:
    figures = {name: _with_bounds(name, value) for name, value in messages.values_of(of).items()}
    return {
        "benchmark": of.benchmark,
        "metric": of.metric,
        "questions": of.questions,
        "models": of.models,
        "points": of.points,
        **figures["SQ"],
        "SQ of noise": of.noise,
        messages.RC_COLUMN: of.rc and of.rc.value,
        "chance": of.chance,
        "above chance": _count(of.above_chance),
        "by": _tokens(of.above_chance),
        "sizes apart": _count(of.apart),
        "apart by": _tokens(of.apart),
        **figures["decision accuracy"],
        "larger ahead": of.order.larger_ahead,
        **figures["SNR"],
        "SNR of luck": of.snr_luck,
        **figures["slope"],
    }


def _with_bounds(name: str, value: Value) -> dict[str, Any]:
    digits = 4 if name == "slope" else 3
    bounds = value.interval and "[{0:.{2}f}, {1:.{2}f}]".format(*value.interval, digits)
    return {name: value.value, f"{name} 95%": bounds}


def _count(lasting: Lasting | None) -> int | None:
    return None if lasting is None else lasting.at_end if lasting.sure is None else lasting.sure


def _tokens(lasting: Lasting | None) -> float | None:
    return None if lasting is None else lasting.measured if lasting.sure is None else lasting.by


def comparison_frame(own: Side, other: Side) -> pd.DataFrame:
    """Both sides as a table, one row each."""
    points = other.points if other.thinned is None else own.points
    at = f"SQ at {own.points}" if other.thinned is not None else None
    return pd.DataFrame(
        [
            {
                "what": side.name,
                "metric": side.metric,
                "models": side.models,
                "questions": side.questions,
                "points": side.points or None,
                "SQ": side.sq.value,
                **({at: side.thinned} if at else {}),
                f"SQ of noise at {points}": noise_quality(points),
                "why": side.sq.why if side.sq.value is None else None,
            }
            for side in (own, other)
        ]
    )


def banded_frame(curves: Sequence[Curve]) -> pd.DataFrame:
    """Curves as `imported.scores.curve_frame` has them, with 95% bounds `low` and `high` where errors are known."""
    frame = curve_frame(curves)
    if not any(map(indicators.has_errors, curves)):
        return frame.drop(columns=["stderr"])
    reach = NormalDist().inv_cdf((1 + LEVEL) / 2) * frame["stderr"]
    low, high = frame["value"] - reach, frame["value"] + reach
    if curves[0].metric in indicators.SHARES_OF_QUESTIONS:
        low, high = low.clip(lower=0.0), high.clip(upper=1.0)
    return frame.assign(low=low, high=high)
