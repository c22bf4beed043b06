"""The table of kinds that ships: SQ and CS hold in every kind, what is printed was counted, and the study runs."""

from __future__ import annotations

import pytest

from benchmarks.coverage import kinds
from e2lm_core.scores.uncertainty import coverage
from e2lm_core.scores.uncertainty.rules import KINDS


def test_sq_and_cs_are_scaled_by_kind_and_hold_there() -> None:
    table = coverage.load()
    for score in ("sq", "sq_model", "cs"):
        of_score = {key: found for key, found in table.kinds.items() if key[0] == score}
        assert {key[2] for key in of_score} == set(KINDS)
        for key, (scale, measured) in of_score.items():
            assert 0.7 <= scale <= 2, key
            assert measured >= 0.88, key


def test_the_wider_of_two_generators_scales() -> None:
    found = {("sq", "acc", KINDS[0], 6, 100): [(n, n / 40, n / 40) for n in range(40)]}
    (row,) = kinds.rows(found, {})
    assert (row["scale"], row["coverage"]) == (0.9, 0.925)
    (wider,) = kinds.rows(found, {("sq", KINDS[0]): [1.2] * 9})
    assert (wider["scale"], wider["coverage"]) == (1.2, 1.0)


def test_a_kind_has_its_own_coverage_and_others_the_lowest() -> None:
    table = coverage.load()
    (key, (scale, measured)), *_ = [(k, v) for k, v in table.kinds.items() if k[0] == "sq" and k[4] == 100]
    score, metric, kind, models, questions = key
    rule = table.rule(score, metric, questions, models, kind)
    assert (rule.scale, rule.coverage, rule.kind) == (scale, measured, kind)
    plain = table.rule(score, metric, questions, models)
    assert (plain.scale, plain.kind) == (1.0, None)
    assert table.rule("rc", "acc", 300, 3).why is not None  # with three models it spans most of its range


@pytest.mark.slow
def test_the_study_runs() -> None:
    found = kinds.counted(kinds.Plan(sets=2, fresh=40, resamples=60, source=800), range(20, 21))
    assert {key[2] for key in found} <= set(KINDS)
    assert {key[0] for key in found} == set(kinds.SCORES)
