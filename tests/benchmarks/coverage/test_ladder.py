"""The ladder's ranks against its seeds: by hand, and what the shipped ladder must hold."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.coverage import ladder
from e2lm_core.base.settings import Settings
from e2lm_core.runs.studio import open_studio
from e2lm_core.scores.uncertainty import null
from e2lm_core.sets.collection import open_set
from scripts import marked


def test_steps_and_shapes_by_hand() -> None:
    found = {(size, arch): [0.3, 0.4, 0.5] for size in ladder.SIZES for arch in ladder.ARCHS}
    found["large", "arch2"] = [0.6, 0.7, 0.8]
    assert ladder.pooled(found) == pytest.approx(0.1)
    sizes, shapes = ladder.steps(found)
    assert [step.difference for step in sizes] == pytest.approx([0, 0, 0, 0.3])
    assert [step.real for step in sizes] == [False, False, False, True]
    assert [step.real for step in shapes] == [False, False, True]
    assert shapes[2].deviations == pytest.approx(3.0)


def test_s_is_the_root_of_the_mean_variance() -> None:
    assert ladder.pooled({("a", "1"): [0.0, 0.2], ("b", "1"): [0.5, 0.5]}) == pytest.approx(math.sqrt(0.01))


@pytest.fixture(scope="module")
def science(tmp_path_factory):
    studio = open_studio(Settings(home=tmp_path_factory.mktemp("home")))
    return ladder.measured_of(studio, open_set(studio.settings, "ladder_science"))


@pytest.mark.slow
def test_sizes_and_shapes_stand_apart_further_than_seeds(science) -> None:
    sizes, shapes = ladder.steps(ladder.cells(science, ladder.window(science)[0]))
    assert sum(step.real and step.difference > 0 for step in sizes) >= 3
    assert sum(step.real for step in shapes) >= 2


@pytest.mark.slow
def test_rank_consistency_is_above_its_null_and_without_knowledge_it_is_not(science) -> None:
    value = ladder.rank_consistency(science)
    assert value.value > value.null.q95
    assert ladder.rank_consistency(ladder.still(science)).null.p > null.LEVEL
    nulls = [ladder.rank_consistency(there).null for there in ladder.random_keys(science)]
    said = np.array([each.p for each in nulls if each is not None])  # none where the last checkpoint is a tie
    assert len(said) >= ladder.RANDOM_KEYS / 2
    assert np.mean(said <= null.LEVEL) <= 0.2


@pytest.mark.slow
def test_the_card_has_the_tables_of_what_is_shipped() -> None:
    card = ladder.CARD.read_text(encoding="utf-8")
    for name, table in ladder.tables().items():
        assert marked.part(card, name) == table, f"{name}: run python -m benchmarks.coverage.ladder --write"
