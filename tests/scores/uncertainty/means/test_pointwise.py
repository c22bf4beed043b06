"""Which interval a mean gets: by hand near 0 and 1, gates that say why, and coverage where the bootstrap had none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2lm_core.scores.uncertainty import bootstrap
from e2lm_core.scores.uncertainty.means import pointwise, proportions

Z = 1.959964


def drawn(values: np.ndarray, groups: list[str] | None = None, resamples: int = 200) -> np.ndarray:
    """[R, K] means of resamples."""
    plan = bootstrap.resampling_design(values.shape[-1], groups)
    return bootstrap.resampled_means({"": values}, plan, resamples, 0)[""]


def test_a_saturated_model_is_not_certain() -> None:
    values = np.ones((1, 10))
    found = pointwise.mean_interval("acc", values, drawn(values), 10)
    np.testing.assert_allclose(found, [[0.7225, 1.0]], atol=5e-5)


def test_equal_answers_of_two_models_may_still_differ_elsewhere() -> None:
    values = np.zeros((1, 50))
    low, high = pointwise.paired_interval("acc", values, drawn(values), 50)[0]
    assert high == -low == pytest.approx(Z * np.sqrt(2 / 52 / 52), rel=1e-6)
    assert np.isnan(pointwise.paired_interval("margin", values, drawn(values), 50)).all()  # no bound to go by


def test_a_question_written_five_times_is_no_more_evidence_than_once() -> None:
    once = (np.arange(40) % 4 == 0).astype(float)[None]
    five = np.repeat(once, 5, axis=1)
    groups = [f"g{i}" for i in range(40) for _ in range(5)]
    found = pointwise.mean_interval("acc", five, drawn(five, groups, 2000), 40)
    student = proportions.wilson(0.25, 39, 2.0227)
    np.testing.assert_allclose(found[0], student, atol=0.01)
    alone = pointwise.mean_interval("acc", five, drawn(five), 200)
    assert np.ptp(found) > 2 * np.ptp(alone)
    effect = pointwise.design_effect(five.var(axis=-1), 200, drawn(five, groups, 2000), 40)
    assert effect == pytest.approx(5, rel=0.1)


def test_what_has_no_interval_says_why() -> None:
    assert pointwise.too_few_reason("acc", 1, 1) == "No interval: acc needs 2 questions, and 1 is there."
    assert pointwise.too_few_reason("acc", 5, 5) is None
    assert (
        pointwise.too_few_reason("margin", 29, 29)
        == "No interval: margin needs 30 questions, and 29 are there."
    )
    assert pointwise.too_few_reason("acc", 90, 9) == (
        "No interval: questions in groups need 10 groups, and there are 9."
    )
    assert pointwise.too_few_reason("acc", 90, 10) is None
    values = np.ones((1, 40))
    assert np.isnan(pointwise.mean_interval("norm_prob", values, drawn(values), 40)).all()  # all alike
    enough = np.random.default_rng(0).random((3, 30))
    for metric in ("norm_prob", "margin"):
        low, high = pointwise.mean_interval(metric, enough, drawn(enough), 30).T
        assert ((low < enough.mean(axis=1)) & (enough.mean(axis=1) < high)).all(), metric
    few = np.random.default_rng(0).random((3, 20))
    for interval in (pointwise.mean_interval, pointwise.paired_interval):
        found = interval("bpb", few, drawn(few), 20)
        assert found.shape == (3, 2)  # one at every checkpoint
        assert np.isnan(found).all()


def test_other_questions_are_compared_as_newcombe_does() -> None:
    first, second = np.repeat([1.0, 0.0], [48, 32]), np.repeat([1.0, 0.0], [56, 14])
    sides = [(side, drawn(side[None])[:, 0], len(side)) for side in (first, second)]
    np.testing.assert_allclose(pointwise.unpaired_interval("acc", *sides), [0.0524, 0.3339], atol=5e-5)
    low, high = pointwise.unpaired_interval("margin", *sides)
    assert low < 0.2 < high
    few = (first[:10], sides[0][1], 10)
    assert np.isnan(pointwise.unpaired_interval("margin", few, few)).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 60), st.floats(0, 1))
def test_no_interval_of_a_share_has_width_zero_and_all_hold_their_value(
    seed: int, questions: int, share: float
) -> None:
    random = np.random.default_rng(seed)
    values = (random.random((2, questions)) < share).astype(float)
    found = pointwise.mean_interval("acc", values, drawn(values, resamples=20), questions)
    assert (found[:, 0] < found[:, 1]).all()
    assert ((found[:, 0] <= values.mean(axis=1) + 1e-12) & (values.mean(axis=1) - 1e-12 <= found[:, 1])).all()
    apart = (values[0] - values[1])[None]
    low, high = pointwise.paired_interval("acc", apart, drawn(apart, resamples=20), questions)[0]
    assert low < high
    assert low <= apart.mean() <= high


@pytest.mark.parametrize(
    ("share", "questions"), [(0.97, 20), (0.97, 50), (0.99, 50), (0.99, 100), (0.9, 5), (0.5, 20)]
)
def test_shares_near_1_are_covered(share: float, questions: int) -> None:
    """The percentile interval held in .49, .77, .40, .63 and .40 of these sets."""
    random = np.random.default_rng([questions, round(100 * share)])
    values = (random.random((2000, questions)) < share).astype(float)
    found = pointwise.mean_interval("acc", values, np.zeros((1, 2000)), questions)
    assert ((found[:, 0] <= share) & (share <= found[:, 1])).mean() >= 0.90


@pytest.mark.parametrize("questions", [50, 100])
def test_rare_changes_are_covered(questions: int) -> None:
    """The percentile interval of a difference of 2% held in .55 and .77 of sets."""
    random = np.random.default_rng(questions)
    values = random.choice([0.0, 1.0], p=[0.98, 0.02], size=(2000, questions))
    found = pointwise.paired_interval("acc", values, np.zeros((1, 2000)), questions)
    assert ((found[:, 0] <= 0.02) & (found[:, 1] >= 0.02)).mean() >= 0.92


def test_what_follows_from_an_interval_by_hand() -> None:
    # .01 [-.01, .03]: error .0102, p of z = .98, within |.01| + 1.645 e, detectable 2.8016 e.
    p, within, detectable = pointwise.difference_tests("acc", 0.01, (-0.01, 0.03), 100, 100)
    assert p == pytest.approx(0.3271, abs=1e-3)
    assert within == pytest.approx(0.01 + 1.6449 * 0.02 / 1.95996, abs=1e-5)
    assert detectable == pytest.approx(2.80159 * 0.02 / 1.95996, abs=1e-5)
    assert pointwise.difference_tests("acc", 0.0, (-0.01, 0.01), 100, 100)[0] == pytest.approx(1)
    assert pointwise.difference_tests("acc", 0.02, (0.0, 0.04), 100, 100)[0] == pytest.approx(0.05)
    student = pointwise.difference_tests("margin", -0.02, (-0.04, 0.0), 30, 30)
    assert student[0] == pytest.approx(0.05)
