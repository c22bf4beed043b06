"""The table of kinds that ships: scores hold in every kind, what is printed was counted, and the study runs."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.coverage import kinds
from benchmarks.coverage.kinds import Judged
from e2lm_core.scores.uncertainty import coverage
from e2lm_core.scores.uncertainty.rules import MIN_DIFFERING
from e2lm_core.scores.uncertainty.strata import KINDS


def test_every_score_is_scaled_by_kind_and_holds_there() -> None:
    table = coverage.load()
    assert table.calibrated == kinds.CALIBRATED
    for score in kinds.SCORES:
        of_score = {key: found for key, found in table.kinds.items() if key[0] == score}
        assert {key[2] for key in of_score} == set(KINDS)
        for key, (scale, measured) in of_score.items():
            assert kinds.NARROWEST <= scale <= kinds.WIDEST, key
            assert measured >= 0.88, key


def one(
    fleet: int,
    need: float,
    learner: str = "slow",
    score: str = "rc",
    differing: float = 50.0,
    method: str = "regressed",
) -> Judged:
    return Judged(fleet, learner, score, "acc", KINDS[0], 6, 100, differing, method, need)


def test_half_of_the_fleets_decide_by_the_learner_that_needs_most_and_the_others_count() -> None:
    found = [one(fleet, need / 100, score="cs") for fleet in (20, 22) for need in range(1, 101)]
    found += [one(21, need / 80, "fast", score="cs") for need in range(1, 101)]
    (row,) = kinds.rows(found)
    assert row["scale"] == pytest.approx(0.95 * 1.25, abs=0.02)
    assert (row["coverage"], row["sets"], row["questions"]) == (1.0, 100, 100)  # of fleet 22 alone


def test_what_is_calibrated_on_the_set_itself_has_one_scale_together() -> None:
    """By hand: of the sets of one learner and score 94% hold at 1.175, and those of others and another kind at .94."""
    found = [one(fleet, need / 100) for fleet in (20, 22) for need in range(1, 101)]
    found += [row._replace(learner="fast", kind=KINDS[1]) for row in found]
    most = [one(21, need / 80, "flat", score="decision_accuracy") for need in range(1, 101)]
    scaled = kinds.scales([*found, *most])
    assert list(scaled) == [kinds.TOGETHER]
    assert scaled[kinds.TOGETHER] == pytest.approx(0.94 * 1.25, abs=0.02)
    assert kinds.scales(found)[kinds.TOGETHER] == pytest.approx(0.94, abs=0.02)
    far = [row._replace(need=9.0) for row in found]
    assert kinds.scales(far) == {kinds.TOGETHER: kinds.WIDEST}
    told = kinds.rows([*found, *most, *(row._replace(questions=300) for row in found)])
    assert [(row["score"], row["kind"], row["coverage"], row["sets"]) for row in told] == [
        ("rc", KINDS[0], 1.0, 200),
        ("rc", KINDS[1], 1.0, 200),
    ]
    assert {row["questions"] for row in told} == {min(kinds.QUESTIONS)}  # all numbers of them together
    assert "× its own | 1.00 |" in kinds.table_of_kinds(told)


def test_what_is_not_shown_neither_decides_nor_counts() -> None:
    few = [one(fleet, 9.0, differing=MIN_DIFFERING - 1) for fleet in (20, 22) for _ in range(100)]
    assert kinds.rows(few) == []
    assert len(kinds.rows([row._replace(score="cs") for row in few])) == 1


def test_differences_are_counted_by_how_many_questions_models_differ_on_and_never_scaled() -> None:
    given = [one(20, need, score=kinds.DIFFERENCE, differing=4.0, method="paired") for need in (0.5, 1.5)]
    lines = kinds.table_of_differing(given * 50).splitlines()
    assert lines[0].startswith("| score | 0 to 1 | 1 to 3 | 3 to 5 | 5 to 10 | 10 to 20 |")
    assert lines[2] == "| difference | – | – | 0.50 | – | – | – | – |"
    assert kinds.DIFFERENCE not in kinds.SCORES


def test_a_kind_has_its_own_coverage_and_others_the_lowest() -> None:
    table = coverage.load()
    for wanted in ("sq", "cs"):
        (key, (scale, measured)), *_ = [(k, v) for k, v in table.kinds.items() if k[0] == wanted]
        score, metric, kind, models, questions = key
        rule = table.rule(score, metric, questions, models, kind)
        assert (rule.scale, rule.coverage, rule.kind) == (scale, measured, kind)
        assert rule.calibrated is (score in table.calibrated)
        plain = table.rule(score, metric, questions, models)
        assert (plain.scale, plain.kind, plain.calibrated) == (1.0, None, False)
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
    assert min(row.differing for row in found) < MIN_DIFFERING
    differences = [row.need for row in found if row.score == kinds.DIFFERENCE]
    assert len(differences) == 2 * len(kinds.QUESTIONS) * len(kinds.PAIRS) * 6  # sets, learners
    assert 0.9 < np.mean(np.array(differences) <= 1) < 1
    assert kinds.table_of_differing(found).splitlines()[1].startswith("|---|")
