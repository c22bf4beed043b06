"""Choosing on noise that models do not share gains nothing on others; on the ladder they share what is easy."""

from __future__ import annotations

import pytest

from benchmarks.coverage.selection import null_selection
from benchmarks.coverage.selection.null_selection import Row
from e2lm_core.analysis.questions import pool as question_pool
from e2lm_core.analysis.questions import selection
from tests.conftest import needs

# What a rule aims at, and the least that it must gain there in-sample on noise.
AIMS = {
    "easiest-half": ("final", 0.08),
    "rising-hard-science": ("sq", 0.1),
    "one-source": ("sq", 0.02),
    "snr-greedy": ("snr", 2.0),
    "margin > 0 and slope > 0": ("final", 0.1),
}
NEAR_ZERO = 0.01


def check(found: dict[str, list[Row]]) -> None:
    for name, rows in found.items():
        by_score = {row.score: row for row in rows}
        aim, least = AIMS[name]
        assert by_score[aim].in_sample > least, name
        assert by_score[aim].simulations == null_selection.SIMULATIONS
        for score in ("final", "sq"):
            assert abs(by_score[score].held_out) < NEAR_ZERO, (name, score)
        snr = by_score["snr"]  # a ratio of noise to noise: on a scale of its own
        assert abs(snr.held_out) < 3 * snr.error, name


def test_a_thousand_sets_of_pure_noise() -> None:
    rules = null_selection.rules(questions=40)
    own = "margin > 0 and slope > 0"
    found = null_selection.null({own: rules[own]}, "acc", draws=4, questions=40)
    check(found)
    assert {row.score: row.in_sample for row in found[own]}["sq"] > 0.04


@pytest.mark.slow
def test_a_thousand_sets_of_pure_noise_with_every_preset() -> None:
    check(null_selection.null(null_selection.rules(), "acc"))


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> question_pool.Pool:
    """The embedded models' results on ladder_science: those that count, every second checkpoint."""
    from e2lm_core.base.settings import ROOT, Settings
    from e2lm_core.runs import evaluate, results
    from e2lm_core.runs.studio import open_studio
    from e2lm_core.sets.collection import open_set

    settings = Settings(
        home=tmp_path_factory.mktemp("ladder_home"),
        tasks=ROOT / "tasks",
        ladder=needs("ladder"),
        device="cpu",
        threads=1,
    )
    studio = open_studio(settings)
    task = open_set(settings, "ladder_science")
    every = studio.catalogue.checkpoints
    chosen = [c for c in every if c.model.counts_in_scores and c.step % 200 == 0]
    evaluate.evaluate(studio, task, chosen)
    measured = results.load_measurements(studio, task, chosen)
    studio.store.database.close()
    return question_pool.build_pool(measured, task)


@pytest.mark.slow
def test_on_the_ladder_what_is_easy_for_some_is_easy_for_others(pool: question_pool.Pool) -> None:
    found = selection.select_questions(pool, "easiest-half", "norm_prob").scores["final"]
    assert found.held_out is not None
    assert found.in_sample is not None
    assert found.interval is not None
    assert found.held_out > 0.05
    assert found.interval[0] > 0.02
    assert not found.flatters


@pytest.mark.slow
def test_on_the_ladder_the_greedy_ratio_flatters_itself(pool: question_pool.Pool) -> None:
    """It promises more in-sample than the chosen questions have held out, and next to nothing of the gain is left there."""
    found = selection.select_questions(pool, "snr-greedy", "norm_prob").scores["snr"]
    assert found.in_sample is not None
    assert found.held_out is not None
    assert found.in_sample > found.value
    assert found.held_out < 0.1 * found.in_sample
    assert found.flatters


def test_the_table_has_a_row_a_rule_and_score() -> None:
    rows = {"a rule": [Row("final", 0.1234, -0.00012, 0.001, 10)]}
    table = null_selection.markdown(rows, simulated=True)
    assert "| `a rule` | final | +0.123 | -0.0001 | 0.0010 |" in table
