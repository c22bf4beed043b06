"""Choosing under random answer keys tells no gain, on noise and on the ladder; a rule that helps is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks import study_pages
from benchmarks.coverage.selection import random_keys
from e2lm_core.analysis.questions import selection, selection_null
from e2lm_core.base.settings import ROOT, Settings
from e2lm_core.runs.results import load_measurements
from e2lm_core.runs.studio import open_studio
from e2lm_core.scores.uncertainty import null
from e2lm_core.sets.collection import open_set
from tests.conftest import needs
from tests.support.random_keys import RandomSet, noise_set, planted_gain, with_keys

SEEDS = range(1_000, 1_012)  # not those of the study


@pytest.fixture(scope="module", params=["ladder_science", "ladder_general"])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RandomSet]:
    """An example set with the results that the package includes."""
    home: Path = tmp_path_factory.mktemp("home")
    settings = Settings(home=home, tasks=ROOT / "tasks", ladder=needs("ladder"), shipped=True)
    studio = open_studio(settings)
    task = open_set(settings, request.param)
    yield RandomSet(task, load_measurements(studio, task, studio.catalogue.checkpoints))
    studio.store.database.close()


@pytest.mark.parametrize("rule", random_keys.RULES)
def test_the_reviews_rules_gain_nothing_on_the_ladder_with_right_or_random_keys(
    whole: RandomSet, rule: str
) -> None:
    rows = np.arange(len(whole.task.questions))
    random = with_keys(whole, rows, null.random_golds_of_set(whole.measured, 1, 7)[0])
    for of in (whole, random):
        pool = of.pool
        made = selection.select_questions(pool, rule, "acc")
        told = selection_null.with_null(made, pool, of.measured)
        gain = told.scores["final"]
        assert gain.interval is not None
        assert gain.held_out > 0  # with an interval above 0, told as a gain before
        assert told.null is not None
        assert told.null.mean > 0.05
        assert told.is_gain is False


@pytest.mark.parametrize("rule", random_keys.RULES)
def test_noise_through_a_rule_shows_neither_gain_nor_p_nor_advice(rule: str) -> None:
    counts: Counter[str] = Counter()
    for seed in SEEDS:
        random_keys.count_false(noise_set(seed, 60), rule, "norm_prob", seed < 1_003, counts)
    assert counts["sets"] == len(SEEDS)
    assert counts["interval above 0"] >= len(SEEDS) - 2
    assert counts["gain told"] <= 3  # of a true 5%, more than three of twelve in one run of 400
    assert counts["advice"] == counts["p shown"] == 0
    assert f"| noise | `{rule}` | norm_prob | 12 |" in random_keys.false_table(
        {("noise", rule, "norm_prob"): counts}
    )


@pytest.mark.parametrize(("first", "second", "metric"), random_keys.TWICE)
def test_noise_through_two_rules_lies_within_the_null_through_both(
    first: str, second: str, metric: str
) -> None:
    counts: Counter[str] = Counter()
    for seed in range(1_000, 1_006):
        random_keys.count_twice(noise_set(seed), first, second, metric, counts)
    assert counts["sets"] == 6
    assert counts["sq of the second"] >= 1 or metric == "acc"
    assert max(counts[name] for name in random_keys.SCORED) <= 2


@pytest.mark.parametrize("rule", random_keys.PLANTED_RULES)
def test_a_rule_that_helps_by_construction_is_told(rule: str) -> None:
    told = [bool(planted_gain(seed, rule).is_gain) for seed in range(1_000, 1_006)]
    assert sum(told) >= 4


def test_the_page_holds_the_limits() -> None:
    """Of 200 sets with random keys at most 16 are told as a gain, advised or shown with a p of .05 or less."""
    rows = study_pages.table_of("random_keys", "keys").splitlines()[2:]
    assert len(rows) >= 2 * len(random_keys.RULES) + 2 * len(random_keys.LADDER_RULES) - 1
    for row in rows:
        *_, number, _, gain, advice, shown, _, through = (
            cell.strip() for cell in row.strip("| ").split(" | ")
        )
        assert number == "200"
        false = [
            int(gain),
            int(advice),
            int(shown),
            *map(int, through.replace("–", "").split(" / ") if through != "–" else ()),
        ]
        assert max(false) <= random_keys.MAX_FALSE, row
    for row in study_pages.table_of("random_keys", "planted").splitlines()[2:]:
        cells = [cell.strip() for cell in row.strip("| ").split(" | ")]
        assert int(cells[-1]) >= 0.8 * int(cells[1]), row
