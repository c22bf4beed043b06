"""A score with weights of one's own: by hand, under its own name, beside its null."""

from __future__ import annotations

import numpy as np
import pytest

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Value
from e2lm_core.scores.composite import WEIGHTS
from e2lm_core.scores.ranking import readings
from e2lm_core.scores.set_scores import SCORES, CurveScores, Scores
from e2lm_core.scores.weighted import is_published, normalised, parse_weights, weighted_score


def scores(sq: float | None = 0.8, rc: float | None = 0.5, cs: float | None = 0.2) -> Scores:
    def value(one: float | None) -> Value:
        return Value(value=one, why=None if one is not None else "no twin")

    return Scores(
        metric="acc",
        sq=value(sq),
        sq_models={},
        counted=(),
        rc_reading="first_place",
        rc_readings={name: value(rc if name == "first_place" else 0.0) for name in readings.READINGS},
        cs=value(cs),
        score_readings={name: Value(value=None, why="x") for name in readings.READINGS},
        snr=Value(value=None, why="x"),
        decision_accuracy=Value(value=None, why="x"),
    )


def drawn() -> CurveScores:
    """Four draws of random keys; of RC the chosen reading alone is right."""
    whole = {name: np.full(4, 0.99) for name in SCORES}
    whole |= {"sq": np.array([0.1, 0.2, 0.3, 0.9]), "cs": np.zeros(4)}
    whole[readings.score_key("rc", "first_place")] = np.array([0.5, 0.5, 0.5, 1.0])
    return CurveScores(whole, {})


def test_the_sum_by_hand_beside_its_null() -> None:
    made = weighted_score(scores(), drawn(), parse_weights("3,1,0"))
    assert made.weights == {"sq": 0.75, "rc": 0.25, "cs": 0.0}
    assert made.name == "Weighted score (0.75 SQ + 0.25 RC)"
    assert made.value.value == pytest.approx(0.75 * 0.8 + 0.25 * 0.5)
    assert made.value.interval is None
    assert made.value.null is not None
    # 0.2, 0.275, 0.35 and 0.925, of which one is as high as 0.725.
    assert made.value.null.mean == pytest.approx(0.4375)
    assert made.value.null.p == pytest.approx(2 / 5)
    assert weighted_score(scores(), None, made.weights).value.null is None


def test_a_part_without_a_value_is_left_out_by_a_weight_of_0() -> None:
    whole = weighted_score(scores(cs=None), drawn(), parse_weights("0.5,0.1,0.4"))
    assert whole.value.value is None
    assert whole.value.why == "A part is undefined; a weight of 0 leaves it out. CS: no twin"
    without = weighted_score(scores(cs=None), drawn(), parse_weights("0.5,0.1,0"))
    assert without.value.value == pytest.approx((0.5 * 0.8 + 0.1 * 0.5) / 0.6)
    assert without.name == "Weighted score (0.833 SQ + 0.167 RC)"


def test_the_published_weights_are_known_whatever_their_scale() -> None:
    assert is_published(parse_weights("5,1,4"))
    assert is_published(WEIGHTS)
    assert not is_published(parse_weights("0.5,0.1,0.41"))


@pytest.mark.parametrize("text", ["", "1,2", "1,2,3,4", "a,b,c", "1,-1,1", "0,0,0", "nan,1,1", "inf,1,1"])
def test_other_weights_are_one_sentence(text: str) -> None:
    with pytest.raises(StudioError, match="give three numbers of 0 or more for SQ, RC and CS"):
        parse_weights(text)
    with pytest.raises(StudioError, match="These weights make no score"):
        normalised({"sq": 0.0, "rc": 0.0, "cs": 0.0})
