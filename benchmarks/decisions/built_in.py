"""Decisions of the built-in models on the example sets, which took no part in any fit.

Axes: N decisions.
"""

from __future__ import annotations

import tempfile
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.decisions.table import FIELDS
from e2lm_core.analysis.decisions import outlook, probability
from e2lm_core.base.settings import Settings
from e2lm_core.runs.results import load_measurements
from e2lm_core.runs.studio import open_studio
from e2lm_core.scores.measurements import Measurements
from e2lm_core.sets.collection import open_set

SETS = ("ladder_science", "ladder_general", "ladder_school")
SEEDS = (1, 2, 3)


def example_results() -> dict[str, Measurements]:
    """Included results of the example sets on all built-in models."""
    with tempfile.TemporaryDirectory() as home:
        studio = open_studio(Settings(home=Path(home), shipped=True))
        found = {
            name: load_measurements(studio, open_set(studio.settings, name), studio.local_checkpoints)
            for name in SETS
        }
        studio.store.database.close()
    return found


def models_of_seed(measured: Measurements, seed: int) -> list[str]:
    """Names of the models of one seed, twins left out."""
    return [
        curve.model.name
        for curve in measured.curves
        if curve.model.twin_of is None and curve.model.seed == seed
    ]


def ladder_table(results: dict[str, Measurements]) -> pd.DataFrame:
    """One row for each decision between two models of one seed, as `table.shelf_table` has them."""
    frames = []
    for name, measured in results.items():
        for metric in probability.METRICS:
            for seed in SEEDS:
                for first, second in combinations(models_of_seed(measured, seed), 2):
                    frames.append(_pair(measured, name, metric, seed, first, second))
    return pd.concat(frames, ignore_index=True)


def _pair(measured: Measurements, name: str, metric: str, seed: int, first: str, second: str) -> pd.DataFrame:
    one, other = measured.curve_of(first), measured.curve_of(second)
    cases = outlook.pair_cases(measured, metric, one, other)
    _, here, _there = outlook.shared_points(measured, metric, one, other)
    tokens = one.tokens_seen[here]
    frame = pd.DataFrame({field: getattr(cases, field) for field in FIELDS})
    ended = float(np.sign(cases.second[-1] - cases.first[-1]))
    frame["outcome"], frame["tokens"] = 0.5 + 0.5 * ended, tokens
    frame["first_model"], frame["second_model"] = first, second
    frame["series"], frame["family"] = f"seed {seed}", "ladder"
    frame["benchmark"], frame["metric"], frame["shots"] = name, metric, 0
    return frame[frame["share"] < 1]
