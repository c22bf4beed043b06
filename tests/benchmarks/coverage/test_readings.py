"""The study of RC's readings in small: what it writes is what the studio reads, from fleets that took no part in choosing."""

import json

import pytest

from benchmarks.coverage import readings, study
from benchmarks.coverage.methods import METHODS
from e2lm_core.scores.set_scores import OF_READINGS
from e2lm_core.scores.uncertainty import coverage, strata
from e2lm_core.scores.uncertainty.coverage import READINGS_FILE
from e2lm_core.scores.uncertainty.rules import NOT_COUNTED, CoverageTable
from tests.support import simulation

TINY = study.Plan(fleets=1, sets=2, fresh=20, resamples=40, of_scores=30, source=300)


def test_a_fleet_of_shapes_has_three_sizes_in_two():
    fleet = simulation.fleet("slow", 3, shapes=True)
    assert fleet.sizes[:6] == ("small", "small", "medium", "medium", "large", "large")
    runs = simulation.runs(fleet, simulation.draw(fleet, 20, 1))
    assert [run.size for run in runs.values() if run.counts] == list(fleet.sizes[:6])


@pytest.mark.slow
def test_the_written_table_is_what_the_studio_reads():
    best, rows = readings.studied(TINY, (40,), None)
    assert set(best) >= set(OF_READINGS)
    held = readings.content(best, rows, TINY)
    assert set(held["chosen"]) == set(OF_READINGS)
    assert {row["method"] for row in rows} <= set(METHODS)
    assert all(0 <= row["coverage"] <= 1 for row in rows)


def test_the_table_that_ships_is_of_these_scores():
    held = json.loads(READINGS_FILE.read_text(encoding="utf-8"))
    assert set(held["coverage"]) <= set(held["chosen"]) <= set(OF_READINGS)
    table = CoverageTable.from_content(held | {"questions": list(readings.QUESTIONS), "models": [3, 6]})
    assert table.rule("rc_organisers", "acc", 300, 3).method is None  # studied for six models
    few = table.rule("rc_organisers", "acc", 120, 6)
    assert (few.method, "fewer than 300 questions" in few.why) == (None, True)
    assert "studied for 100 questions and more" in table.rule("rc_organisers", "norm_prob", 99, 6).why
    for questions in (300, 2000):
        told = table.rule("rc_organisers", "acc", questions, 6)
        assert told.coverage >= 0.92


def test_a_kind_that_was_not_counted_has_no_interval_of_one_size():
    table = coverage.load()
    for kind in strata.KINDS:
        for score in ("rc_organisers", "score_organisers"):
            for metric in ("acc", "acc_norm"):
                told = table.rule(score, metric, 300, 6, kind)
                assert told.method is None
                assert told.why
            assert table.rule(score, "norm_prob", 300, 6, kind).method
    assert table.rule("rc_organisers", "acc", 300, 6, strata.KINDS[1]).why == NOT_COUNTED
    assert table.rule("rc", "acc", 300, 6, strata.KINDS[1]).method  # all models: counted
