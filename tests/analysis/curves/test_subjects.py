"""Curves subject by subject: those of the subject's own questions, the largest first."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from e2lm_core.analysis.curves import subjects
from e2lm_core.base.records import METRICS
from e2lm_core.base.sentences import Sentence
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.uncertainty import set_intervals
from tests.support.measured import with_subjects


@pytest.fixture(scope="module")
def measured() -> Measurements:
    return with_subjects()


def test_a_subject_that_is_the_whole_set_is_no_copy_of_it(measured: Measurements) -> None:
    whole = dataclasses.replace(measured, subjects=("physics",) * 60)
    assert subjects.select_questions(whole, np.ones(60, bool)) is whole
    (one,), others = subjects.curves_by_subject(whole, "acc")
    assert (one.questions, others) == (60, [])
    assert one.frame["value"].tolist() == pytest.approx(
        [value for curve in whole.all_values("acc").values() for value in curve]
    )


def test_questions_without_a_subject_are_named_by_a_sentence_that_pages_translate(
    measured: Measurements,
) -> None:
    found, _ = subjects.curves_by_subject(measured, "acc", bands=False)
    assert isinstance(found[-1].subject, Sentence)
    assert isinstance(subjects.subject_table(found)["subject"].iloc[-1], Sentence)


def test_a_subjects_curve_is_the_mean_of_its_questions(measured: Measurements) -> None:
    found, others = subjects.curves_by_subject(measured, "norm_prob")
    assert [(own.subject, own.questions) for own in found] == [
        ("physics", 30),
        ("biology", 20),
        ("no subject", 10),
    ]
    assert others == []
    for own, where in zip(found, (slice(0, 30), slice(30, 50), slice(50, 60)), strict=True):
        for curve in measured.curves:
            name = curve.model.name
            expected = measured.per_question[name]["norm_prob"][:, where].mean(axis=1)
            line = own.frame[own.frame["model"] == name]
            np.testing.assert_allclose(line["value"], expected)
            if own.questions < 30:  # too few for an interval of norm_prob
                assert line["low"].isna().all()
                continue
            assert (line["low"] <= line["value"]).all()
            assert (line["value"] <= line["high"]).all()


def test_small_subjects_have_the_wider_bands(measured: Measurements) -> None:
    found, _ = subjects.curves_by_subject(measured, "acc")
    widths = [(own.frame["high"] - own.frame["low"]).mean() for own in found]
    assert widths[0] < widths[2]


def test_the_rest_is_named(measured: Measurements) -> None:
    found, others = subjects.curves_by_subject(measured, "acc", bands=False, max_subjects=1)
    assert [own.subject for own in found] == ["physics"]
    assert others == ["biology", "no subject"]
    assert "low" not in found[0].frame
    assert set(subjects.subject_table(found)["subject"]) == {"physics"}
    assert subjects.subject_table([]).empty


def test_a_subset_measures_what_a_set_of_its_own_would(measured: Measurements) -> None:
    keep = np.arange(60) % 3 == 0
    part = subjects.select_questions(measured, keep)
    fresh = dataclasses.replace(part)  # without what was handed over
    for model, own in fresh.per_question.items():
        for metric in METRICS:
            np.testing.assert_array_equal(part.per_question[model][metric], own[metric])
    given = set_intervals.resample(part, ("acc",))
    assert given.questions == 20
