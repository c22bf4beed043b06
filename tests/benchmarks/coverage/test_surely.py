"""The short form of the study of *surely*: models that do not differ are seldom told apart, whatever the noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.coverage import surely as study
from e2lm_core.analysis.curves import onsets
from e2lm_core.scores.measurements import Measurements, ModelCurve
from e2lm_core.scores.uncertainty import set_intervals


@pytest.mark.parametrize(
    "name",
    [
        "one .06, five .01: two seeds of the noisy",
        "two .06, four .01: two noisy",
        ".08 at 1,000, .02 at 1,500, .01 at 2,000: at 1,000",
    ],
)
def test_uneven_training_noise_is_seldom_taken_for_a_difference(name: str) -> None:
    """40 fleets; one mean of all noise calls about 10, 7 and 6 of them apart."""
    assert study.called(study.CELLS[name], fleets=40) <= 5


def test_a_true_difference_is_still_called() -> None:
    cell = study.CELLS["all .03, two families"]
    assert study.called(cell, 2 * 3 * cell.deviation, fleets=40) >= 36


def test_what_a_test_that_knew_the_noise_would_call() -> None:
    """By hand: 2 · .2175 / 400 of the questions and 2 · .03² of training are an error of .0537."""
    cell = study.CELLS["all .03, two families"]
    assert study.known_noise_power(cell, 0.0) == pytest.approx(0.05)
    assert study.known_noise_power(cell, 1.96 * 0.0537) == pytest.approx(0.5, abs=0.001)


@pytest.mark.slow
@pytest.mark.parametrize("name", study.CELLS)
def test_at_most_26_of_400(name: str) -> None:
    assert study.called(study.CELLS[name]) <= study.MOST


CAN_BE_HALF = [
    name
    for name, cell in study.CELLS.items()
    if cell.pair[0][0] != cell.pair[1][0] and study.known_noise_power(cell, 3 * cell.deviation) >= 0.5
]


@pytest.mark.slow
@pytest.mark.parametrize("name", CAN_BE_HALF)
def test_three_deviations_of_the_difference_are_called_in_half_where_that_can_be(name: str) -> None:
    """Where training is quieter than 400 questions, not even a test that knew both noises would call half."""
    assert len(CAN_BE_HALF) == 4
    cell = study.CELLS[name]
    assert study.called(cell, 3 * cell.deviation) >= study.FLEETS / 2


def _with_curves(measured: Measurements, curves: list[ModelCurve]) -> Measurements:
    made = replace(measured, curves=tuple(curves))
    # Late curves keep the values of their last checkpoints.
    made.__dict__["per_question"] = {
        c.model.name: {"acc": measured.per_question[c.model.name]["acc"][-len(c.checkpoints) :]}
        for c in curves
    }
    return made


def test_before_the_first_replicate_nothing_is_sure() -> None:
    """Seeds that have the last checkpoint alone: nothing is known of the noise before, and the table says so."""
    measured, _ = study.fleet(np.random.default_rng(0), study.CELLS["all .03, two families"], 0.4)
    late = [
        c if c.model.seed_of is None else replace(c, checkpoints=c.checkpoints[-1:], ll=c.ll[-1:])
        for c in measured.curves
    ]
    measured = _with_curves(measured, late)
    resampled = set_intervals.resample(measured, ("acc",), 100)
    (found,) = onsets.separations(measured, resampled, "acc", [("family0", "family1")])
    since = found.since
    assert since.on_these == since.first
    assert since.sure is not None
    assert (since.sure.step, since.sure_or_before) == (study.STEPS[-1], True)
    row = onsets.onset_row(since)
    assert row["surely from"] == "2.0 k or before"
    assert "Before 2.0 k tokens training noise is not known" in row["why"]

    alone = _with_curves(measured, [c for c in late if c.model.seed_of is None])
    (found,) = onsets.separations(alone, resampled, "acc", [("family0", "family1")])
    assert (found.since.sure, found.since.retraining) == (None, None)
    assert onsets.onset_row(found.since)["surely from"] == onsets.NOT_KNOWN
