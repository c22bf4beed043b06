"""Intervals beside the scores, from measurements to what pages and commands show."""

from __future__ import annotations

import numpy as np
import pytest

from e2lm_core.analysis import tables
from e2lm_core.analysis.answers import Answers
from e2lm_core.analysis.score import parts as score_parts
from e2lm_core.base import formatting
from e2lm_core.base.records import METRICS, Value
from e2lm_core.scores import set_scores
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.uncertainty import set_intervals
from e2lm_core.scores.uncertainty.intervals import Interval
from tests.support.measured import noisy


@pytest.fixture(scope="module")
def measured() -> Measurements:
    return noisy()


def test_an_interval_holds_its_value_and_its_coverage_is_named(measured: Measurements) -> None:
    given = set_intervals.resample(measured)
    for metric in METRICS:
        found = set_intervals.with_intervals(
            set_scores.scores(measured, metric), set_intervals.score_intervals(given, metric)
        )
        for value in (found.sq, found.rc, found.cs, found.score, found.snr, found.decision_accuracy):
            if value.interval is not None:
                low, high = value.interval
                assert value.value is not None
                assert low <= value.value <= high
                assert value.coverage is not None
                assert value.coverage >= 0.85
            else:
                assert value.why, "no interval without its reason"


def test_the_same_measurements_give_the_same_intervals(measured: Measurements) -> None:
    assert Answers(measured).score_document() == Answers(noisy()).score_document()


def test_bands_lie_about_their_curve_and_narrow_with_the_questions() -> None:
    def width(questions: int) -> float:
        measured = noisy(questions)
        frame = tables.band_frame(measured, set_intervals.resample(measured, ("acc",)), "acc")
        values = np.concatenate([measured.values(c.model.name, "acc") for c in measured.curves])
        assert ((frame["low"] <= values) & (values <= frame["high"])).all()
        return float((frame["high"] - frame["low"]).mean())

    assert width(400) < 0.6 * width(60)


def test_questions_of_one_group_are_drawn_together() -> None:
    alone, grouped = (
        tables.band_frame(m, set_intervals.resample(m, ("acc",)), "acc")
        for m in (noisy(), noisy(groups=tuple(f"passage {n // 4}" for n in range(60))))
    )
    assert (grouped["high"] - grouped["low"]).mean() > (alone["high"] - alone["low"]).mean()


def test_a_score_without_a_covering_method_says_why(measured: Measurements) -> None:
    scores = set_scores.scores(measured, "acc")
    found = set_intervals.score_intervals(set_intervals.resample(measured, ("acc",)), "acc")
    found.scores["sq"] = Interval(bounds=None, why="No method covers.")
    sq = set_intervals.with_intervals(scores, found).sq
    assert (sq.value, sq.interval, sq.why) == (scores.sq.value, None, "No method covers.")


def test_seed_noise_is_that_of_the_model_with_further_seeds(measured: Measurements) -> None:
    criteria = score_parts.finetasks_criteria(measured, "acc")
    assert criteria["snr"].value is not None
    without = Measurements(
        **{
            **{name: getattr(measured, name) for name in measured.__dataclass_fields__},
            "curves": tuple(c for c in measured.curves if c.model.seed_of is None),
        }
    )
    missing = score_parts.finetasks_criteria(without, "acc")["snr"]
    assert missing.value is None
    assert missing.why


def test_a_score_is_said_with_its_interval() -> None:
    value = Value(value=0.83, interval=(0.78, 0.88), coverage=0.95).model_dump()
    assert formatting.with_interval(value) == "0.830 [0.780, 0.880]"
    assert formatting.with_interval(value | {"interval": None}) == "0.830"
    assert formatting.with_interval({"value": None, "interval": None}) == "–"
