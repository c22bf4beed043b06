"""The short form of the study of intervals from standard errors alone: they hold for as many questions as the shelf asks."""

from __future__ import annotations

import pytest

from benchmarks.coverage import errors_alone as study
from e2lm_core.imported.shelf.indicators import MIN_QUESTIONS
from e2lm_core.scores.arrays import Floats


@pytest.fixture(scope="module")
def values() -> Floats:
    return study.answers("ladder_science", "acc")


def test_the_interval_holds_from_the_number_of_questions_on_that_the_shelf_asks(values: Floats) -> None:
    held, width = study.coverage_of("SQ", values, "acc", MIN_QUESTIONS, sets=60, fresh=200)
    assert held >= 0.9
    assert width < 0.12
