"""The order of models over one bootstrap, on measurements with known answers."""

from __future__ import annotations

import json

import numpy as np
import pytest

from e2lm_core.analysis import validity
from e2lm_core.analysis.ranks import messages as rank_words
from e2lm_core.analysis.ranks import stability
from e2lm_core.base.records import METRICS
from e2lm_core.scores import set_scores
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.uncertainty import set_intervals
from tests.support import studios
from tests.support.measured import LARGE, RISING, SMALL, curve, measurements, noisy, order_of, with_values
from tests.support.simulation import GAINS, answered


@pytest.fixture(scope="module")
def measured() -> Measurements:
    return noisy(questions=120)


@pytest.mark.parametrize("metric", METRICS)
def test_the_faster_learner_leads_whatever_is_better(measured: Measurements, metric: str) -> None:
    found = order_of(measured, metric)
    assert found.grid.models == (SMALL.name, LARGE.name)  # neither twin nor seed
    last = len(found.grid.steps) - 1
    assert found.win_probabilities(last)[1, 0] > 0.95
    assert found.shares[1, 0, last] == pytest.approx(found.win_probabilities(last)[1, 0])
    assert found.decisions[-1].tolist() == [1.0, 1.0, 1.0]
    assert found.default_checkpoint == found.grid.end == 11
    assert len(found.tau) == 4


def test_tables_have_a_row_for_what_they_say(measured: Measurements) -> None:
    found = order_of(measured)
    bump = stability.bump_frame(found)
    assert bump.groupby(["model", "step"])["share"].sum().round(2).between(0.98, 1.0).all()
    assert list(stability.share_table(found, 15).columns) == ["model", "rank", "rank 1", "rank 2"]
    assert stability.win_table(found, 15)["model"].tolist() == [LARGE.name, SMALL.name]
    assert stability.tau_table(found)["step"].tolist() == [13, 14, 15, 16]
    assert len(stability.decision_table(found)) == 16


def test_questions_are_sorted_by_what_they_do(measured: Measurements) -> None:
    found = order_of(measured, "norm_prob")
    held = stability.influence_on_ranking(measured, found.grid, "norm_prob")
    assert held is not None
    task = studios.task(count=120)
    table = stability.influence_table(measured, task, held)
    assert table["support"].is_monotonic_decreasing
    assert set(table["id"]) == set(measured.question_ids)
    assert "of 120 questions" in rank_words.influence_sentence(table)


def test_the_document_is_plain_json_and_equals_the_tables(measured: Measurements) -> None:
    scores = validity.scores_with_null(measured, "acc", "all_models")
    task = studios.task(count=120)
    found = order_of(measured)
    document = json.loads(
        json.dumps(stability.ranking_document(measured, found, scores, task, at_step=16), allow_nan=False)
    )
    assert document["wins"]["step"] == 16
    assert document["wins"]["shares"][LARGE.name] == {SMALL.name: found.win_probabilities(15)[1, 0]}
    assert [d["value"] for d in document["decisions"]] == found.decisions[:, 0].tolist()
    assert [t["step"] for t in document["tau"]] == [13, 14, 15, 16]
    assert document["checkpoints"][3]["shares"][SMALL.name] == found.shares[0, :, 3].tolist()
    assert document["questions"] == []  # two models: nobody could tell whether it repeats
    assert "not distinguishable from random answers" in document["questions_why"]
    empty = stability.ranking_document(measured, None, scores, task)
    assert (empty["models"], empty["wins"], empty["rc"]["value"]) == ([], None, scores.rc.value)


def test_what_questions_do_for_the_order_is_told_where_it_repeats() -> None:
    """Six models that learned: by either shape the same questions part them; of noise it is said that they do not."""
    task = studios.task(count=200)
    share = np.random.default_rng(5).uniform(0, 2, 200)  # how far a question is taken up
    for taught, holds in ((0.3, True), (0.0, False)):
        made = answered(200, seed=4)
        for own, (_, gain) in zip(made.curves, (pair for pair in GAINS for _ in range(2)), strict=False):
            at = np.arange(200)
            own.ll[:, at, made.gold] += np.linspace(0, 1, len(own.ll))[:, None] * taught * gain * share
        document = stability.ranking_document(
            made,
            order_of(made, "margin"),
            with_values(set_scores.scores(made, "margin"), sq=validity.scores_with_null(made, "margin").sq),
            task,
        )
        repeat = document["questions_repeat"]
        assert (repeat is not None and repeat["low"] > 0) == holds
        assert (document["questions_why"] is None) == holds
        assert len(document["questions"]) == (200 if holds else 0)
        held = stability.influence_on_ranking(made, order_of(made, "margin").grid, "margin", "all_models")
        said = rank_words.influence_sentence(stability.influence_table(made, task, held), held.repeats)
        assert ("Nothing is said of single questions here" in said) != holds
        if holds:
            row = document["questions"][0]
            assert row["support"] == pytest.approx((row["by_half_1"] + row["by_half_2"]) / 2, abs=3)
            assert row["reach"] > 0


def test_models_that_stand_equal_have_no_order() -> None:
    twice = measurements(curve(SMALL, RISING), curve(LARGE, RISING))
    found = order_of(twice)
    assert (found.win_probabilities(9)[~np.eye(2, dtype=bool)] == 0.5).all()
    assert np.isnan(found.tau).all()
    held = stability.influence_on_ranking(twice, found.grid, "acc")
    assert held is not None
    assert "No question parts" in rank_words.influence_sentence(
        stability.influence_table(twice, studios.task(count=10), held)
    )
    alone = measurements(curve(SMALL, RISING))
    assert stability.rank_stability(alone, set_intervals.resample(alone, ("acc",)), "acc") is None


def test_an_order_that_turns_only_at_the_end_is_not_decided_early() -> None:
    late = measurements(curve(SMALL, [0.3] * 9 + [0.9]), curve(LARGE, [0.4] * 9 + [0.8]))
    assert order_of(late).first_stable_checkpoint(0.8) is None
