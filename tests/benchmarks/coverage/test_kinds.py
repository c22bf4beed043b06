"""The table of kinds that ships: scores hold in every kind, what is printed was counted, and the study runs."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.coverage import kinds
from benchmarks.coverage.kinds import Judged
from e2lm_core.scores.uncertainty import coverage
from e2lm_core.scores.uncertainty.kinds import KINDS
from e2lm_core.scores.uncertainty.methods import SCALED
from e2lm_core.scores.uncertainty.rules import FEWEST_DIFFERING


def test_every_score_is_scaled_by_kind_and_holds_there() -> None:
    table = coverage.load()
    assert set(table.of_kinds.values()) <= set(SCALED)
    assert set(table.of_kinds) <= set(kinds.OF_ORDER)
    for score in kinds.SCORES:
        of_score = {key: found for key, found in table.kinds.items() if key[0] == score}
        assert {key[2] for key in of_score} == set(KINDS)
        least = 0.4 if score in table.of_kinds else kinds.NARROWEST
        for key, (scale, measured) in of_score.items():
            assert least <= scale <= 1.5, key
            assert measured >= 0.88, key


def one(
    fleet: int,
    need: float,
    learner: str = "slow",
    score: str = "rc",
    differing: float = 50.0,
    method: str = "wider",
    ends: tuple[float, float, float] = (0.0, 0.5, 1.0),
) -> Judged:
    return Judged(fleet, learner, score, "acc", KINDS[0], 6, 100, differing, method, need, ends)


def test_half_of_the_fleets_decide_by_the_learner_that_needs_most_and_the_others_count() -> None:
    found = [one(fleet, need / 100) for fleet in (20, 22) for need in range(1, 101)]
    found += [one(21, need / 80, "fast") for need in range(1, 101)]
    (row,) = kinds.rows(found)
    assert row["scale"] == pytest.approx(0.95 * 1.25, abs=0.02)
    assert (row["coverage"], row["sets"]) == (1.0, 100)  # of fleet 22 alone


def test_of_two_methods_the_one_is_taken_whose_scaled_intervals_are_narrower() -> None:
    """By hand: 95% hold at 1 of reaches of .3 and at .5 of reaches of .4, cut at 1."""
    found = []
    for fleet in (20, 22):
        for need in (0.2, 1.0):
            found += [one(fleet, need, ends=(0.5, 0.8, 1.1)) for _ in range(50)]
            found += [one(fleet, need / 2, method="regressed", ends=(0.2, 0.8, 0.8)) for _ in range(50)]
    scaled = kinds.scales(found)
    assert scaled == {("rc", KINDS[0], "wider"): 1.0, ("rc", KINDS[0], "regressed"): 0.5}
    assert found[0].width(1.0) == pytest.approx(0.5)
    assert found[50].width(0.5) == pytest.approx(0.3)
    assert kinds.narrower(found, scaled) == {"rc": "regressed"}
    (row,) = kinds.rows(found)
    assert (row["method"], row["scale"], row["sets"]) == ("regressed", 0.5, 100)


def test_the_number_of_questions_that_needs_most_decides_about_sq_which_is_never_narrowed() -> None:
    """90 sets of 300 questions need 1.2 and 1,900 of 100 need .5: of all together 95% hold at .5, of the larger at 1.2."""
    sets = [one(20, 0.5, score="sq", method="wider") for _ in range(1900)]
    larger = [one(20, 1.2, score="sq", method="wider")._replace(questions=300) for _ in range(90)]
    key = ("sq", KINDS[0], "wider")
    assert kinds.scales([*sets, *larger]) == {key: 1.2}
    assert kinds.scales(sets) == {key: 1.0}
    others = [row._replace(score="cs") for row in (*sets, *larger)]
    assert kinds.scales(others) == {("cs", *key[1:]): kinds.NARROWEST}
    far = [row._replace(need=9.0) for row in larger]
    assert kinds.scales(far) == {key: kinds.WIDEST}


def test_decision_accuracy_is_scaled_by_acc_for_itself() -> None:
    by_acc = [one(20, 0.6, score="decision_accuracy", method="regressed") for _ in range(100)]
    others = [row._replace(metric="norm_prob", need=0.8) for row in by_acc]
    key = ("decision_accuracy", KINDS[0], "regressed")
    assert kinds.scales([*by_acc, *others]) == {(*key, "share"): 0.6, key: 0.8}
    counted = [row._replace(fleet=22) for row in (*by_acc, *others)]
    told = kinds.rows([*by_acc, *others, *counted])
    assert [(row["metric"], row["scale"]) for row in told] == [("acc", 0.6), ("norm_prob", 0.8)]
    assert "| 0.80, by `acc` 0.60 |" in kinds.table_of_kinds(told)


def test_what_is_not_shown_neither_decides_nor_counts() -> None:
    few = [one(fleet, 9.0, differing=FEWEST_DIFFERING - 1) for fleet in (20, 22) for _ in range(100)]
    assert kinds.rows(few) == []
    assert len(kinds.rows([row._replace(score="sq") for row in few])) == 1


def test_differences_are_counted_by_how_many_questions_models_differ_on_and_never_scaled() -> None:
    given = [one(20, need, score=kinds.DIFFERENCE, differing=4.0, method="paired") for need in (0.5, 1.5)]
    lines = kinds.table_of_differing(given * 50).splitlines()
    assert lines[0].startswith("| score | 0 to 1 | 1 to 3 | 3 to 5 | 5 to 10 | 10 to 20 |")
    assert lines[2] == "| difference | – | – | 0.50 | – | – | – | – |"
    assert kinds.DIFFERENCE not in kinds.SCORES


def test_a_kind_has_its_own_coverage_and_others_the_lowest() -> None:
    table = coverage.load()
    (key, (scale, measured)), *_ = [(k, v) for k, v in table.kinds.items() if k[0] == "sq" and k[4] == 100]
    score, metric, kind, models, questions = key
    rule = table.rule(score, metric, questions, models, kind)
    assert (rule.scale, rule.coverage, rule.kind) == (scale, measured, kind)
    plain = table.rule(score, metric, questions, models)
    assert (plain.scale, plain.kind) == (1.0, None)
    assert table.rule("rc", "acc", 300, 3).why is not None  # with three models it spans most of its range


def test_more_questions_than_studied_are_scaled_as_the_most() -> None:
    table = coverage.load()
    most, more = (table.rule("cs", "acc", questions, 6, KINDS[2]) for questions in (300, 15_000))
    assert (more.scale, more.coverage, more.kind) == (most.scale, most.coverage, KINDS[2])
    bits = table.rule("snr", "bpb", 300, 6, KINDS[0])
    assert bits.scale == table.rule("snr", "norm_prob", 300, 6, KINDS[0]).scale
    assert bits.kind is None  # its coverage was not counted by kinds


@pytest.mark.slow
def test_the_study_runs() -> None:
    found = list(kinds.judged(kinds.Plan(sets=2, fresh=40, resamples=60, source=800), [20]))
    assert {row.kind for row in found} <= set(KINDS)
    assert {row.score for row in found} >= {"sq", "sq_model", "rc", "cs", "decision_accuracy"}
    assert min(row.differing for row in found) < FEWEST_DIFFERING
    differences = [row.need for row in found if row.score == kinds.DIFFERENCE]
    assert len(differences) == 2 * len(kinds.QUESTIONS) * len(kinds.PAIRS) * 6  # sets, learners
    assert 0.9 < np.mean(np.array(differences) <= 1) < 1
    assert kinds.table_of_differing(found).splitlines()[1].startswith("|---|")
