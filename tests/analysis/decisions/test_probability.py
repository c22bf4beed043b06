"""Probability to end ahead: symmetry, monotonicity, and every reason for not known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from e2lm_core.analysis.decisions import probability
from e2lm_core.analysis.decisions.probability import Cases, Coefficients


def cases(**values: float) -> Cases:
    """One case of two models well above chance, with other values where named."""
    figures = {
        "first": 0.40,
        "second": 0.44,
        "questions": 1_000.0,
        "chance": 0.25,
        "size_ratio": 2.0,
        "share": 0.2,
    }
    return Cases(
        **{name: np.array([value]) for name, value in (figures | values).items()}, above=np.array([True])
    )


def stated(of: Cases) -> float:
    return float(probability.probabilities(of, probability.load_coefficients()).values[0])


def test_exchanging_the_models_exchanges_the_probability() -> None:
    here = stated(cases())
    there = stated(cases(first=0.44, second=0.40, size_ratio=0.5))
    assert 0.5 < here < 1
    assert here + there == pytest.approx(1)


def test_equal_models_are_a_coin() -> None:
    assert stated(cases(second=0.40, size_ratio=1.0)) == pytest.approx(0.5)


def test_a_larger_difference_more_questions_and_a_larger_model_say_more() -> None:
    assert stated(cases(second=0.46)) > stated(cases())
    assert stated(cases(questions=4_000.0)) > stated(cases())
    assert stated(cases(size_ratio=4.0)) > stated(cases()) > stated(cases(size_ratio=1.0))


def test_the_formula_by_hand() -> None:
    of = cases()
    p1, p2 = 401 / 1002, 441 / 1002
    error = np.sqrt(p1 * (1 - p1) / 1000 + p2 * (1 - p2) / 1000)
    gap = 0.04 / error
    strength = (0.44 - 0.25) / np.sqrt(0.25 * 0.75 / 1000)
    terms = [gap / np.sqrt(1 + (gap / 4) ** 2), np.tanh(3 * np.log(2)) * np.log(strength)]
    assert probability.terms(of)[0] == pytest.approx(terms)
    values = probability.load_coefficients().values
    assert stated(of) == pytest.approx(1 / (1 + np.exp(-np.dot(values, terms))))


def test_the_interval_holds_the_value_and_each_family() -> None:
    found = probability.probabilities(cases(), probability.load_coefficients())
    assert found.low[0] < found.values[0] < found.high[0]
    for of in probability.load_coefficients().families.values():
        alone = 1 / (1 + np.exp(-probability.terms(cases())[0] @ np.array(of)))
        assert found.low[0] <= alone <= found.high[0]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"second": 0.28, "first": 0.27}, probability.NEAR_CHANCE),
        ({"first": np.nan}, probability.MISSING),
        ({"chance": np.nan}, probability.CHANCE),
        ({"share": 0.01}, probability.EARLY),
        ({"share": 1.0}, probability.END),
        ({"share": np.nan}, probability.LENGTH),
        ({"size_ratio": 6.5}, probability.RATIO),
        ({"size_ratio": 1 / 6.5}, probability.RATIO),
        ({"size_ratio": np.nan}, probability.SIZES),
    ],
)
def test_outside_the_public_curves_it_is_not_known(values: dict[str, float], why: str) -> None:
    found = probability.probabilities(cases(**values), probability.load_coefficients())
    assert np.isnan([found.values[0], found.low[0], found.high[0]]).all()
    assert found.why[0] == why


def test_a_set_that_is_not_above_chance_is_not_known() -> None:
    of = replace(cases(), above=np.array([False]))
    assert (
        probability.probabilities(of, probability.load_coefficients()).why[0] == probability.SET_NEAR_CHANCE
    )
    at_the_end = replace(of, share=np.array([1.0]))
    assert probability.unknown_reasons(at_the_end)[0] == probability.SET_NEAR_CHANCE
    guessing_unknown = replace(at_the_end, chance=np.array([np.nan]))
    assert probability.unknown_reasons(guessing_unknown)[0] == probability.END


def test_where_families_disagree_it_is_not_known() -> None:
    figures = probability.load_coefficients().model_dump()
    disagreeing = Coefficients.model_validate(
        figures | {"families": {"one": (0.1, 0.1), "other": (2.0, 2.0)}}
    )
    assert probability.probabilities(cases(), disagreeing).why[0] == probability.DISAGREE


def test_above_chance_is_asked_of_all_checkpoints_together() -> None:
    tokens = np.array([1.0, 2.0, 3.0, np.nan])
    assert probability.above_chance_from(tokens, np.array([0.25, 0.30, 0.9, 0.9]), 100, 0.25) == 3.0
    one = probability.above_chance_from(np.array([1.0]), np.array([0.34]), 100, 0.25)
    many = probability.above_chance_from(np.arange(1.0, 101), np.full(100, 0.34), 100, 0.25)
    assert (one, many) == (1.0, np.inf)


def test_random_keys_are_above_chance_in_at_most_one_set_of_twenty() -> None:
    rng = np.random.default_rng(0)
    tokens = np.arange(96.0)
    scores = rng.binomial(100, 0.25, size=(400, 96)) / 100
    found = [probability.above_chance_from(tokens, of, 100, 0.25) for of in scores]
    assert np.isfinite(found).mean() <= 0.05
