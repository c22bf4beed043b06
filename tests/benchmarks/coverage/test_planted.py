"""Planted flaws: what is counted, by hand, and the short form of the study on the ladder's own sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.coverage import planted
from e2lm_core.base.settings import Settings
from e2lm_core.runs.studio import open_studio
from e2lm_core.sets.collection import open_set
from tests.support import studios
from tests.support.simulation import answered


def test_precision_and_recall_by_hand() -> None:
    found = planted.Found(flagged=4, planted=5, right=3, sought=4, held=3)
    assert (found.precision, found.recall) == (0.75, 0.75)
    assert planted.Found(0, 5, 0, 0, 0).precision == 1.0
    assert planted.row("keys", [found, found]) == "| keys | 5 | 4.0 | 0.750 | 0.750 | 2 |"


def test_a_twentieth_of_the_keys_is_flipped_and_looked_for() -> None:
    measured = answered(100, taught=1.0)
    there, wrong = planted.flipped(measured, seed=1)
    assert len(wrong) == 5
    assert (there.gold != measured.gold).sum() == 5
    assert planted.planting(measured, seed=1).precision == 1.0


def test_a_part_of_the_models_ends_at_a_step_and_keeps_the_twin() -> None:
    whole = answered(40, taught=1.0)
    step = whole.curves[0].checkpoints[3].step
    some = planted.part_of_models(whole, step, ("small", "medium"))
    assert {c.model.size for c in some.curves if c.model.twin_of is None} == {"small", "medium"}
    assert any(c.model.twin_of is not None for c in some.curves)
    for curve in some.curves:
        assert [one.step for one in curve.checkpoints][-1] == step
        assert len(curve.ll) == len(curve.checkpoints) == 4
    every = planted.part_of_models(whole, None, ("small", "medium", "large"))
    assert [c.checkpoints for c in every.curves] == [c.checkpoints for c in whole.curves]


def test_what_is_planted_anew_changes_wrong_choices_alone() -> None:
    task = studios.task(count=40)
    for plant in (planted.twins, planted.giveaways):
        there, changed = plant(task, 0)
        assert len(changed) == 2
        for old, new in zip(task.questions, there.questions, strict=True):
            assert (old == new) == (old.id not in changed)
            assert new.choices[new.answer] == old.choices[old.answer]
            assert len(set(new.choices)) == len(new.choices)


@pytest.mark.slow
def test_a_twentieth_of_the_ladders_keys_is_found_again(tmp_path: Path) -> None:
    """Mean precision at least .80, recall .70 of what the large models answered right before."""
    studio = open_studio(Settings(home=tmp_path))
    measured = planted.measured_of(studio, open_set(studio.settings, "ladder_science"))
    found = [planted.planting(measured, seed) for seed in range(20)]
    assert np.mean([one.precision for one in found]) >= 0.8
    assert np.mean([one.recall for one in found]) >= 0.7
