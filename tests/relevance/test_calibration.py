"""AUROC, reliability and its error, by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2lm_core.relevance.calibration import auroc, balanced_accuracy, calibration_table, ece

scored = st.lists(st.tuples(st.booleans(), st.integers(-5, 5)), min_size=2, max_size=30).filter(
    lambda rows: len({label for label, _ in rows}) == 2
)


def test_auroc_counts_pairs_and_halves_ties():
    # pairs (accepted, rejected): .9>.5, .9>.1, .5=.5, .5>.1 -> 3.5 of 4
    assert auroc([True, True, False, False], [0.9, 0.5, 0.5, 0.1]) == 3.5 / 4
    assert auroc([True, False], [1, 0]) == 1
    assert auroc([True, False], [0, 1]) == 0
    assert auroc([True, False], [2, 2]) == 0.5


def test_auroc_is_missing_with_one_label_and_refuses_unequal_lengths():
    assert np.isnan(auroc([True, True], [0.1, 0.2]))
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[2, 1\]"):
        auroc([True, False], [0.1])


def test_calibration_table_by_hand():
    low, middle, high = calibration_table([False, True, True, True], [0.0, 0.2, 0.7, 1.0], bins=3)
    assert (low.rows, low.mean_probability, low.accepted_share) == (2, pytest.approx(0.1), 0.5)
    assert middle.rows == 0
    assert np.isnan(middle.mean_probability)
    assert (high.rows, high.mean_probability, high.accepted_share) == (2, pytest.approx(0.85), 1.0)


def test_the_calibration_error_weighs_bins_by_their_rows():
    # tenths: 0.0 holds two rows (mean .05, none accepted), 0.7 one (accepted), 0.9 one (not)
    labels, p = [False, False, True, False], [0.04, 0.06, 0.75, 0.95]
    assert ece(labels, p) == pytest.approx((2 * 0.05 + 0.25 + 0.95) / 4)
    assert np.isnan(ece([], []))


def test_balanced_accuracy_weighs_labels_alike():
    assert balanced_accuracy([True, True, True, False], [0.9, 0.6, 0.1, 0.2], 0.5) == pytest.approx(5 / 6)
    assert np.isnan(balanced_accuracy([True], [0.9], 0.5))


@given(scored)
@settings(max_examples=50, deadline=None)
def test_auroc_equals_the_definition(rows):
    labels, scores = zip(*rows, strict=True)
    pairs = [(a, b) for la, a in rows if la for lb, b in rows if not lb]
    expected = np.mean([(a > b) + 0.5 * (a == b) for a, b in pairs])
    assert auroc(labels, scores) == pytest.approx(expected)
    assert auroc(labels, -np.array(scores)) == pytest.approx(1 - expected)
