"""What repeats of single questions, by hand on made models: gains of a half, and SQ without each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.coverage.selection import repeats
from e2lm_core.scores import signal
from tests.support.simulation import answered


@pytest.fixture(scope="module")
def measured():
    """Sizes in two shapes, and every model twice more under a seed's name."""
    made = answered(questions=30, seed=1, taught=0.3)
    further = [
        replace(c, model=c.model.model_copy(update={"name": c.model.name + seed, "seed_of": c.model.name}))
        for c in made.curves
        if c.model.twin_of is None
        for seed in (repeats.SAME, repeats.OTHER)
    ]
    return replace(made, curves=(*made.curves, *further))


def test_first_seeds_choose_and_others_judge(measured):
    models = repeats.first_seeds(measured, "arch1")
    assert [c.model.name for c in models] == ["small-arch1", "medium-arch1", "large-arch1"]
    judges = repeats.again(measured, models, repeats.OTHER)
    assert [c.model.name for c in judges] == [f"{c.model.name}-seed2" for c in models]
    mask = repeats.easiest_half(measured, models)
    assert mask.sum() == 15
    assert repeats.gain(measured, judges, mask) == repeats.gain(measured, models, mask) > 0
    assert repeats.gain(measured, models, np.ones(30, dtype=bool)) == 0


def test_sq_without_a_question(measured):
    models = repeats.first_seeds(measured, "arch2")
    found = repeats.without(measured, models, "norm_prob")

    def quality(kept: list[int]) -> float:
        curves = [
            measured.per_question[c.model.name]["norm_prob"][c.early][:, kept].mean(axis=-1) for c in models
        ]
        return float(np.mean([(signal.rho(y) + signal.autocorrelation(y)) / 2 for y in curves]))

    every = list(range(30))
    assert found[4] == pytest.approx(quality(every) - quality([q for q in every if q != 4]), abs=1e-9)
    assert found.shape == (30,)


def test_the_tables(measured):
    every = {"made": measured}
    assert repeats.draws_table(every).splitlines()[2].startswith("| made | +")
    assert [line.split(" | ")[1] for line in repeats.single_table(every).splitlines()[2:]] == [
        "acc",
        "norm_prob",
    ]
