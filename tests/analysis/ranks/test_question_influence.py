"""What a question does to the ranking: by hand, against leaving each out in turn, and where it is undefined."""

from __future__ import annotations

import numpy as np
import pytest

from e2lm_core.analysis.ranks.question_influence import question_influence
from e2lm_core.scores.ranking.order import consistency


def test_by_hand() -> None:
    # Two models; the first wins on the others' final order whichever question is left out.
    at_end = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    later = np.array([[[1.0, 1.0, 1.0]], [[0.0, 0.0, 0.0]]])
    found = question_influence(at_end, later)
    assert found.support.tolist() == [1.0, -1.0, 0.0]
    assert found.agreement.tolist() == [1.0, -1.0, 0.0]
    assert np.isnan(found.rc_gain).all()  # 2 against 2 at the end: no ranking to be consistent with


def test_a_question_does_not_vote_for_itself() -> None:
    # The third question alone makes the first model win; without it the second does.
    at_end = np.array([[0.0, 0.0, 5.0], [1.0, 1.0, 0.0]])
    found = question_influence(at_end, at_end[:, None, :])
    assert found.support[2] == -5.0
    assert found.agreement[2] == -1.0


def test_leaving_out_equals_a_loop() -> None:
    random = np.random.default_rng(4)
    at_end, later = random.random((4, 9)), random.random((4, 3, 9))
    found = question_influence(at_end, later)
    whole = consistency(at_end.mean(axis=1), later.mean(axis=2))
    pairs = [(i, j) for i in range(4) for j in range(i + 1, 4)]
    for q in range(9):
        rest = np.arange(9) != q
        final = later[:, -1, rest].mean(axis=1)
        signs = [np.sign(final[i] - final[j]) for i, j in pairs]
        apart = [at_end[i, q] - at_end[j, q] for i, j in pairs]
        assert found.support[q] == pytest.approx(np.mean(np.multiply(signs, apart)))
        assert found.agreement[q] == pytest.approx(np.mean(np.multiply(signs, np.sign(apart))))
        without = consistency(at_end[:, rest].mean(axis=1), later[:, :, rest].mean(axis=2))
        assert found.rc_gain[q] == pytest.approx(whole - without)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(5)
    at_end, later = random.random((3, 11)), random.random((3, 2, 11))
    whole = question_influence(at_end, later)
    monkeypatch.setattr("e2lm_core.analysis.ranks.question_influence._BLOCK", 20)
    parts = question_influence(at_end, later)
    np.testing.assert_array_equal(whole.support, parts.support)
    np.testing.assert_array_equal(whole.rc_gain, parts.rc_gain)


@pytest.mark.parametrize(
    ("models", "later", "questions"), [(1, 2, 5), (3, 0, 5), (3, 2, 1), (3, 2, 0)], ids=str
)
def test_undefined_is_missing(models: int, later: int, questions: int) -> None:
    found = question_influence(np.ones((models, questions)), np.ones((models, later, questions)))
    assert found.support.shape == (questions,)
    assert np.isnan(found.support).all()


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="expected at_end"):
        question_influence(np.ones((2, 3)), np.ones((2, 3)))
