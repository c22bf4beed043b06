"""The table of kinds that ships: SQ is narrowed, what is printed was counted, and the study runs."""

from __future__ import annotations

import pytest

from benchmarks.coverage import kinds
from e2lm_core.scores.uncertainty import coverage
from e2lm_core.scores.uncertainty.rules import KINDS


def test_sq_is_narrower_where_curves_rise_and_holds_there() -> None:
    table = coverage.load()
    rising = {key: found for key, found in table.kinds.items() if key[0] == "sq" and key[2] != KINDS[0]}
    assert rising
    for key, (scale, measured) in rising.items():
        assert scale < 1.1, key
        assert measured >= 0.88, key
    assert min(scale for scale, _ in rising.values()) < 0.8


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
