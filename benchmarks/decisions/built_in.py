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
from e2lm_core.analysis.decisions.probability import Coefficients
from e2lm_core.base.settings import Settings
from e2lm_core.runs.evaluate import evaluate
from e2lm_core.runs.results import load_measurements
from e2lm_core.runs.studio import open_studio
from e2lm_core.scores.measurements import Measurements
from e2lm_core.sets.collection import open_set

SETS = ("ladder_science", "ladder_general", "ladder_school")
CHECKED = SETS[:2]  # whose other seeds are run where the first ones are decided
SEEDS = (1, 2, 3)


def example_results(coefficients: Coefficients | None = None) -> dict[str, Measurements]:
    """Included results of the example sets on all built-in models.

    Args:
        coefficients: Coefficients by which the sets are decided: the other seeds are then run, too, at the checkpoints
            at which the first ones are. None leaves it at the included results.
    """
    with tempfile.TemporaryDirectory() as home:
        studio = open_studio(Settings(home=Path(home), shipped=True, device="cpu"))
        found = {}
        for name in SETS:
            task = open_set(studio.settings, name)
            found[name] = load_measurements(studio, task, studio.local_checkpoints)
            tokens = set() if coefficients is None else stop_tokens(found[name], coefficients)
            others = [c for c in studio.local_checkpoints if c.model.seed_of and c.tokens_seen in tokens]
            if others and name in CHECKED:
                evaluate(studio, task, others)
                found[name] = load_measurements(studio, task, studio.local_checkpoints)
        studio.store.database.close()
    return found


def stop_tokens(measured: Measurements, coefficients: Coefficients) -> set[float]:
    """Tokens at which the pairs of the first seeds are decided, on each metric and to each level."""
    models = models_of_seed(measured, 1)
    found = [
        outlook.set_certainty(measured, metric, models=models, coefficients=coefficients)
        for metric in probability.METRICS
    ]
    return {stop.tokens_seen for of in found if of for stop in of.stops if stop.tokens_seen is not None}


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
