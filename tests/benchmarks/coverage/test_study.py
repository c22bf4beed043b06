"""The coverage study in small: its chunks, its table, and that it can be stopped and resumed."""

import json

import numpy as np
import pytest

from benchmarks.coverage import scores as score_coverage
from benchmarks.coverage import study
from e2lm_core.scores.set_scores import SCORES
from e2lm_core.scores.uncertainty.rules import CoverageTable

TINY = study.Plan(fleets=1, sets=2, fresh=20, resamples=40, of_scores=30, source=300)


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("work")
    list(study.study(TINY, (40,), folder))
    return folder


def test_finished_chunks_are_read_and_not_computed_again(work, monkeypatch):
    monkeypatch.setattr(study, "Source", None)  # needed only to compute
    assert [chunk[:2] for chunk in study.study(TINY, (40,), work)] == [
        ("flat", 40),
        ("slow", 40),
        ("fast", 40),
    ]


def test_chunks_of_another_plan_are_refused(work):
    with pytest.raises(SystemExit, match="is of another plan"):
        list(study.study(study.QUICK, (40,), work))


def test_the_written_table_is_what_the_studio_reads(work):
    rows = score_coverage.cells(study.study(TINY, (40,), work))
    held = json.loads(score_coverage.compact(score_coverage.content(rows, TINY, (40,))))
    table = CoverageTable.from_content(held)
    assert (table.questions, table.models) == ((40,), (3, 6))
    own = [
        row["coverage"]
        for row in rows
        if (row["score"], row["method"], row["metric"], row["models"]) == ("cs", "wider", "acc", 6)
    ]
    assert len(own) == 3  # learners
    assert table.lowest["cs", "wider", "acc", 6, 40] == pytest.approx(min(own), abs=1e-3)
    assert "| mean | acc | flat |" in score_coverage.means_table(rows)
    assert "| snr | relative |" in score_coverage.scores_table(rows).replace("*", "")


def test_the_method_is_a_narrow_one_that_covers_or_else_the_one_that_covers_most():
    def row(score, method, covered, width):
        row = {"score": score, "method": method, "models": 6, "questions": 100}
        return row | {"coverage": covered, "width": width}

    every = [row(s, "wider", 0.95, 1.0) for s in (*study.MEANS, "sq_model", *SCORES)]
    rows = [
        *every,
        *(row("sq", "normal", 0.91, 0.5), row("sq", "pivot", 0.8, 0.1), row("sq", "normal", 0.92, 0.5)),
        *(row("cs", "normal", 0.91, 0.95), row("cs", "pivot", 0.89, 0.1)),
        *(row("rc", "normal", 0.7, 0.5), row("rc", "wider", 0.88, 1.0)),
        *(row("sq", "normal", 0.2, 0.5) | {"questions": 30}, row("sq", "percentile", 0.99, 0.1)),
    ]
    best = score_coverage.chosen(rows)
    assert (best["sq"], best["rc"], best["cs"]) == ("normal", "wider", "wider")


def test_counting_what_intervals_hold():
    tally = study.Tally()
    low, high = np.array([0.0, 0.2, np.nan]), np.array([0.1, 0.4, np.nan])
    tally.add(low, high, np.zeros(3), np.array(0.3))
    assert (tally.intervals, tally.held, tally.undefined) == (2, 1, 1)
    assert tally.width == pytest.approx(0.3)
