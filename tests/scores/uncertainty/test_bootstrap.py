"""The bootstrap over questions: what is drawn with what, exact sums, and one resample for everything."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2lm_core.scores.uncertainty import bootstrap
from e2lm_core.scores.uncertainty.bootstrap import resample_counts, resampled_means, resampling_design


def drawn(plan, resamples=50, seed=0):
    return np.concatenate(list(resample_counts(plan, resamples, seed)))


def test_every_resample_draws_as_many_questions_as_the_set_has():
    weights = drawn(resampling_design(7))
    assert weights.shape == (50, 7)
    assert weights.dtype == np.float32
    assert (weights.sum(axis=1) == 7).all()
    assert (weights == np.rint(weights)).all()
    assert len(np.unique(weights, axis=0)) > 40


def test_a_group_is_drawn_whole_and_a_question_without_one_stands_alone():
    plan = resampling_design(6, groups=["a", None, "a", "", "b", "b"])
    assert plan.cluster_of.tolist() == [0, 1, 0, 2, 3, 3]
    weights = drawn(plan)
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, 4] == weights[:, 5]).all()
    assert (weights[:, 1] != weights[:, 3]).any()
    assert (weights[:, [0, 1, 3, 4]].sum(axis=1) == 4).all()  # four clusters


def test_two_questions_without_a_group_are_no_group():
    assert resampling_design(3, groups=["", "", None]).clusters == 3


def test_a_group_named_like_a_question_is_not_that_question():
    assert resampling_design(2, groups=["1", None]).clusters == 2


def test_subjects_keep_their_share_in_every_resample():
    subjects = ["physics", "biology", "physics", None, "biology", "biology"]
    weights = drawn(resampling_design(6, subjects=subjects))
    assert (weights[:, [0, 2]].sum(axis=1) == 2).all()
    assert (weights[:, [1, 4, 5]].sum(axis=1) == 3).all()
    assert (weights[:, 3] == 1).all()


def test_a_group_across_subjects_counts_for_its_first():
    plan = resampling_design(4, groups=["a", "a", None, None], subjects=["x", "y", "x", "y"])
    assert [stratum.tolist() for stratum in plan.strata] == [[0, 1], [2]]


def test_the_seed_decides_and_the_number_of_resamples_does_not(monkeypatch):
    plan = resampling_design(10)
    assert (drawn(plan, 20, seed=3) == drawn(plan, 20, seed=3)).all()
    assert (drawn(plan, 20, seed=3) != drawn(plan, 20, seed=4)).any()
    monkeypatch.setattr(bootstrap, "BLOCK", 80)  # eight resamples a block
    assert (drawn(plan, 20) == drawn(plan, 29)[:20]).all()
    assert len(list(resample_counts(plan, 20, 0))) == 3


def test_no_block_repeats_the_resamples_of_another(monkeypatch):
    monkeypatch.setattr(bootstrap, "BLOCK", 80)  # eight resamples a block
    assert len(np.unique(drawn(resampling_design(10), 24), axis=0)) == 24


@pytest.mark.parametrize("counted", [1, 90, 100, 1 << 15])
def test_counts_are_those_of_the_draws_however_many_are_counted_at_once(monkeypatch, counted):
    monkeypatch.setattr(bootstrap, "COUNTED", counted)
    subjects = ["a"] * 30 + ["b"] * 7
    (counts,) = resample_counts(resampling_design(37, subjects=subjects), 11, 5)
    for which, (start, items) in enumerate([(0, 30), (30, 7)]):
        draws = np.random.default_rng([5, 0, which]).integers(0, items, size=(11, items), dtype=np.int32)
        expected = [np.bincount(row, minlength=items) for row in draws]
        assert np.array_equal(counts[:, start : start + items], expected)


def test_means_are_those_of_the_counts():
    plan = resampling_design(5)
    values = np.random.default_rng(1).normal(size=(2, 3, 5))
    weights = drawn(plan, 40, seed=9).astype(float)
    means = resampled_means({"x": values}, plan, 40, seed=9)["x"]
    assert means.shape == (40, 2, 3)
    np.testing.assert_allclose(means, np.einsum("rq,mkq->rmk", weights, values) / 5, atol=1e-6)


def test_everything_meets_the_same_resample():
    plan = resampling_design(30)
    first = np.random.default_rng(2).normal(size=(1, 30))
    means = resampled_means({"a": first, "b": first + 1}, plan, 25, seed=0)
    np.testing.assert_allclose(means["b"] - means["a"], 1, atol=1e-6)


def test_sums_of_whole_numbers_are_exact_so_that_ties_stay_ties():
    rng = np.random.default_rng(3)
    answers = rng.integers(0, 2, (4, 301)).astype(float)
    answers[1] = answers[0][rng.permutation(301)]
    plan = resampling_design(301)
    means = resampled_means({"acc": answers}, plan, 200, seed=5)["acc"]
    right = drawn(plan, 200, seed=5).astype(int) @ answers.T.astype(int)
    assert (means == right / 301).all()


def test_clusters_of_unequal_size_divide_by_the_questions_drawn():
    plan = resampling_design(3, groups=["a", "a", "b"])
    weights = drawn(plan, 30, seed=1).astype(float)
    means = resampled_means({"x": np.array([1.0, 2.0, 5.0])}, plan, 30, seed=1)["x"]
    np.testing.assert_allclose(means, weights @ [1, 2, 5] / weights.sum(axis=1), atol=1e-6)


def test_far_from_zero_the_spread_keeps_its_digits():
    values = 1e6 + np.random.default_rng(4).normal(size=(1, 100))
    plan = resampling_design(100)
    means = resampled_means({"x": values}, plan, 50, seed=0)["x"]
    exact = drawn(plan, 50).astype(float) @ values[0] / 100
    np.testing.assert_allclose(means[:, 0], exact, rtol=0, atol=1e-6)


def test_an_incomplete_checkpoint_is_missing_in_every_resample_and_harms_no_other():
    values = np.array([[0.0, 1.0, 1.0], [np.nan, 1.0, 0.0], [0.5, 0.2, 0.1]])
    means = resampled_means({"x": values}, resampling_design(3), 20, seed=0)["x"]
    assert np.isnan(means[:, 1]).all()
    assert np.isfinite(means[:, [0, 2]]).all()


def test_an_empty_set_has_no_means():
    means = resampled_means({"x": np.empty((4, 0))}, resampling_design(0), 6, seed=0)["x"]
    assert means.shape == (6, 4)
    assert np.isnan(means).all()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: resampling_design(2, groups=["a"]), "1 groups given for 2"),
        (lambda: resampling_design(2, subjects=["a"] * 3), "3 subjects given for 2"),
        (lambda: resampled_means({"x": np.zeros(3)}, resampling_design(2), 5, 0), "given for 2 questions"),
        (lambda: list(resample_counts(resampling_design(2), 0, 0)), "are none"),
    ],
)
def test_what_does_not_fit_is_said(wrong, says):
    with pytest.raises(ValueError, match=says):
        wrong()


def test_the_spread_of_resampled_means_is_the_standard_error():
    values = np.random.default_rng(5).normal(size=400)
    means = resampled_means({"x": values}, resampling_design(400), 4000, seed=0)["x"]
    assert means.std() == pytest.approx(values.std() / 20, rel=0.05)
    assert means.mean() == pytest.approx(values.mean(), abs=4 * values.std() / 20 / 4000**0.5)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["", "a", "b", "c"]), min_size=1, max_size=12), st.integers(0, 99))
def test_clusters_partition_the_questions(groups, seed):
    plan = resampling_design(len(groups), groups=groups)
    assert sorted(np.concatenate(plan.strata).tolist()) == sorted(set(plan.cluster_of.tolist()))
    weights = drawn(plan, 3, seed)
    for name in {"a", "b", "c"}:
        own = weights[:, [i for i, g in enumerate(groups) if g == name]]
        assert (own == own[:, :1]).all()
