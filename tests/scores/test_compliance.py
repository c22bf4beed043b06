"""Compliance with science: by hand, at its edges, and bounded for any curves."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2lm_core.scores.compliance import chance_error, compliance, is_rising

NAN = math.nan


def test_by_hand():
    # (.45-.25)/(.45-.25)=1 → the twin at chance; (.65-.45)/(.65-.25)=.5; the third below one error: 0
    got = compliance([0.45, 0.65, 0.26], [0.25, 0.45, 0.10], 0.25, 0.02)
    assert got == pytest.approx((1 + 0.5 + 0) / 3)


def test_a_better_twin_counts_as_zero_and_a_twin_below_chance_as_one():
    assert compliance([0.5], [0.9], 0.25, 0.01) == 0.0
    assert compliance([0.5], [0.1], 0.25, 0.01) == 1.0


def test_one_standard_error_decides():
    assert compliance([0.5], [0.25], 0.25, 0.25) == 1.0
    assert compliance([0.5], [0.25], 0.25, 0.2500001) == 0.0
    assert compliance([0.25], [0.1], 0.25, 0.0) == 0.0  # at chance with no error: not 0/0


@pytest.mark.parametrize(
    ("science", "web", "error"),
    [([], [], 0.1), ([NAN], [0.2], 0.1), ([0.4], [NAN], 0.1), ([0.4], [0.2], NAN)],
)
def test_undefined_without_a_checkpoint_and_where_something_is_missing(science, web, error):
    assert np.isnan(compliance(science, web, 0.25, error))


def test_error_of_accuracy_is_the_binomial_at_chance():
    assert float(chance_error("acc", 0.25, 300)) == pytest.approx(0.025)
    assert float(chance_error("acc_norm", 0.25, 300)) == pytest.approx(0.025)
    assert math.isnan(chance_error("acc", 0.25, 0))


def test_error_of_norm_prob_is_the_samples():
    values = np.array([[0.2, 0.4, 0.9], [0.3, 0.3, 0.3]])
    got = chance_error("norm_prob", 0.25, 3, values)
    assert got.tolist() == pytest.approx([np.std([0.2, 0.4, 0.9], ddof=1) / math.sqrt(3), 0.0])
    assert np.isnan(chance_error("norm_prob", 0.25, 1, values[:, :1])).all()


def test_error_is_refused_where_it_has_no_meaning():
    with pytest.raises(ValueError, match="margin"):
        chance_error("margin", 0.25, 10)
    with pytest.raises(ValueError, match="per question"):
        chance_error("norm_prob", 0.25, 10)
    with pytest.raises(ValueError, match="n = 4"):
        chance_error("norm_prob", 0.25, 4, np.zeros((1, 3)))


share = st.floats(0, 1)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(share, share), min_size=1, max_size=8), share, st.floats(0, 0.2))
def test_bounded_and_monotone_in_the_twin(pairs, chance, error):
    science, web = np.array(pairs).T
    value = compliance(science, web, chance, error)
    assert 0.0 <= value <= 1.0
    assert compliance(science, web - 0.1, chance, error) >= value
    assert compliance(science, science, chance, error) == 0.0


def test_resamples_are_carried_along_without_a_loop():
    rng = np.random.default_rng(3)
    science, web, error = rng.random((40, 12)), rng.random((40, 12)), rng.random((40, 12)) / 10
    together = compliance(science, web, 0.25, error)
    assert together[7] == pytest.approx(compliance(science[7], web[7], 0.25, error[7]))
    assert np.isnan(compliance(science[:, :0], web[:, :0], 0.25, 0.1)).all()


def test_a_curve_rises_if_its_order_mostly_does():
    assert is_rising([0.2, 0.3, 0.3, 0.4])
    assert is_rising([0.2, 0.4, 0.3])  # Spearman exactly 0.5
    assert not is_rising([0.4, 0.3, 0.5, 0.4])
    assert not is_rising([0.4, 0.3, 0.2])
    assert not is_rising([0.4, 0.4, 0.4])  # flat: no correlation
    assert not is_rising([0.4])
