"""The short form of the power study: what is planned for is met, training again included."""

from __future__ import annotations

import pytest

from benchmarks.coverage import power as study


@pytest.mark.slow
@pytest.mark.parametrize("wanted", study.WANTED)
def test_the_stated_power_is_met_with_retraining(wanted: float) -> None:
    """1,000 fleets of new models, seeds and questions, t known of 12 degrees."""
    stated, met = study.met(wanted, study.CELLS["acc, 12 degrees"], fleets=1000)
    assert stated == pytest.approx(wanted, abs=0.01)
    assert met == pytest.approx(stated, abs=0.05)


@pytest.mark.parametrize("name", study.CELLS)
def test_every_cell_can_be_planned_for(name: str) -> None:
    cell = study.CELLS[name]
    known = study.truth(cell)
    assert all(known.required_questions(wanted) for wanted in study.WANTED)
    assert (known.training_sd is None) == (cell.degrees == 0)
    assert (known.design_effect > 1.2) == (cell.group > 1)
