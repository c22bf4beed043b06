"""Twin answers, answers that nobody takes and questions that part nobody, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from e2lm_core.analysis.questions.suspects import weak_distractors
from e2lm_core.scores.measurements import Measurements
from tests.support.measured import LARGE, SMALL, curve, measurements
from tests.support.simulation import answered


def of_kind(measured: Measurements, kind: str) -> list:
    return [suspect for suspect in weak_distractors.find_weak_distractors(measured) if suspect.kind == kind]


def test_two_choices_that_move_together_are_twins():
    measured = answered(40)
    rng = np.random.default_rng(0)
    curves = []
    for one in measured.curves:
        ll = one.ll.copy()
        ll[:, 7, 3] = ll[:, 7, 1] + rng.normal(scale=0.02, size=len(ll))
        curves.append(replace(one, ll=ll))
    [twin] = of_kind(replace(measured, curves=tuple(curves)), "twin answers")
    assert (twin.question_id, twin.about) == ("q7", (1, 3))
    assert twin.evidence > weak_distractors.TWINS
    assert of_kind(measured, "twin answers") == []


def test_two_choices_of_two_are_opposite_and_never_twins():
    assert of_kind(measurements(curve(SMALL, [0.5] * 4)), "twin answers") == []


def test_a_choice_that_no_model_ever_prefers_is_dead():
    ll = np.full((4, 3, 3), -2.0)
    ll[:2, 0, 0], ll[2:, 0, 1] = -1.0, -1.0  # choice 2 of the first is never taken
    ll[:, 1, 1] = -1.0  # always the same wrong answer: the question is dead, not one choice of it
    ll[0, 2, 0], ll[1, 2, 1], ll[2:, 2, 2] = -1.0, -1.0, -1.0
    one = curve(SMALL, [0.5] * 4)
    measured = replace(
        measurements(replace(one, ll=ll)), chars=np.full((3, 3), 3.0), gold_bytes=np.full(3, 3.0)
    )
    [dead] = of_kind(measured, "dead answer")
    assert (dead.question_id, dead.about) == ("q0", (2,))
    assert dead.evidence == pytest.approx(np.exp(-1) / (1 + 2 * np.exp(-1)))
    [whole] = of_kind(measured, "dead")
    assert (whole.question_id, whole.evidence) == ("q1", 0.0)


def test_what_everybody_answers_alike_is_dead():
    parted = measurements(curve(SMALL, [0.1, 0.9] * 2), curve(LARGE, [0.3, 0.7] * 2))
    assert {s.question_id for s in of_kind(parted, "dead")} == {"q0", "q9"}


def test_of_too_few_checkpoints_nothing_is_said():
    assert weak_distractors.find_weak_distractors(measurements(curve(SMALL, [0.1, 0.9]))) == []
    assert weak_distractors.find_weak_distractors(measurements()) == []
