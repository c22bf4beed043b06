"""Cached answers about the benchmarks of the shelf.

Tested in tests/pages/test_shelf.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pandas as pd

from e2lm_core.imported.records import Curve
from e2lm_core.imported.shelf import beside, library, tables
from e2lm_core.imported.shelf.library import Shelved
from e2lm_core.imported.shelf.overview import Overview, overview
from e2lm_core.ui import session
from e2lm_core.ui.base import page_cache

MAX_CURVES = 5_000  # that are read for one drawing, which takes about a second


def benchmarks() -> tuple[Shelved, ...]:
    """All benchmarks on the visitor's shelf; their curves are read when they are asked for."""
    return library.benchmarks(settings=session.studio().settings)


def overviews(shown: Sequence[Shelved]) -> list[Overview]:
    """Overview of each benchmark on its main metric."""
    return [page_cache.get_or_compute("shelf overview", (one,), partial(overview, one)) for one in shown]


def curves(shelved: Shelved, metric: str) -> tuple[Curve, ...]:
    """Curves of a benchmark."""
    return page_cache.get_or_compute(
        "shelf curves", (shelved, metric), lambda: library.open_curves(shelved, metric)
    )


def frame(shelved: Shelved, metric: str) -> pd.DataFrame:
    """Points of a benchmark's curves with their bounds."""
    return page_cache.get_or_compute(
        "shelf frame", (shelved, metric), lambda: tables.banded_frame(curves(shelved, metric))
    )


def side(shelved: Shelved, metric: str, points: int) -> beside.Side:
    """A benchmark's side of a comparison with a set of so many early points."""
    return page_cache.get_or_compute(
        "shelf side",
        (shelved, metric, points),
        lambda: beside.shelf_side(shelved, curves(shelved, metric), points),
    )


def rank(shelved: Shelved, metric: str) -> tuple[int, int] | None:
    """Rank of a benchmark by SQ among those that ran on the same models; None of a table with too many curves."""
    group = tuple(one for one in benchmarks() if one.group == shelved.group)
    if len(group) * len(shelved.models) > MAX_CURVES:
        return None
    return page_cache.get_or_compute(
        "shelf rank", (shelved, metric, group), lambda: beside.rank(shelved, group, metric)
    )
