"""Training noise by hand from replicates, recovered in simulation, and where it is not known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from e2lm_core.scores.uncertainty.means import seed_variance
from tests.support.measured import LARGE, SEED2, SMALL, curve, measurements
from tests.support.simulation import answered


def test_two_seeds_by_hand() -> None:
    measured = measurements(curve(SMALL, [0.4] * 10), curve(SEED2, [0.6] * 10), curve(LARGE, [0.9] * 10))
    noise = np.array([0] * 8 + [-1] * 2).var(ddof=1) / 10
    found = seed_variance.estimate_seed_variance(measured, "acc")
    assert found.names == (SMALL.name,)
    sd, degrees, raw = found.deviation_at(1000)
    assert sd == pytest.approx(math.sqrt((0.2**2 - noise) / 2))
    assert (degrees, raw) == (1, pytest.approx(0.2**2 / 2))
    assert found.deviation_at(10**9).sd is None  # nothing is known of so late a step


def test_what_questions_explain_is_none() -> None:
    measured = measurements(curve(SMALL, [0.4] * 10), curve(SEED2, [0.5] * 10))
    assert seed_variance.estimate_seed_variance(measured, "acc").deviation_at(1000) == (
        0.0,
        1.0,
        pytest.approx(0.1**2 / 2),
    )


def test_nobody_trained_twice() -> None:
    assert seed_variance.estimate_seed_variance(measurements(curve(SMALL, [0.4] * 10)), "acc").families == ()


def test_a_known_noise_is_found_again() -> None:
    """300 fleets of three seeds and another three, each moved by .05: t^2 is found without bias, of 4 degrees."""
    random = np.random.default_rng(3)
    made = answered(60, seed=1)
    names = ("small", "small-b", "small-c", "large", "large-b", "large-c")
    squares = []
    base = np.stack([c.ll for c in made.curves[:6]])
    for _ in range(60):
        curves = []
        for n, name in enumerate(names):
            model = made.curves[n].model.model_copy(
                update={
                    "name": name,
                    "twin_of": None,
                    "seed_of": None if "-" not in name else name.split("-")[0],
                }
            )
            ll = base[n // 3 * 3].copy()  # the same model but for its own shift
            ll[..., 0] += random.normal(0, 0.05)
            checkpoints = tuple(c.model_copy(update={"model": model}) for c in made.curves[n].checkpoints)
            curves.append(replace(made.curves[n], model=model, checkpoints=checkpoints, ll=ll))
        of_fleet = replace(made, curves=tuple(curves), gold=np.zeros(60, dtype=int))
        found = seed_variance.estimate_seed_variance(of_fleet, "margin")
        assert found.names == ("small", "large")
        sd, degrees, _ = found.deviation_at(8)
        assert degrees == 4
        squares.append(sd**2)
    assert np.mean(squares) == pytest.approx(0.05**2, rel=0.3)  # of the margin's shift, exactly .05


def test_satterthwaites_degrees_by_hand() -> None:
    assert seed_variance.satterthwaite_freedom(2.0, [(1.0, 4.0), (1.0, 4.0)]) == 8
    assert seed_variance.satterthwaite_freedom(1.0, [(1.0, math.inf), (0.0, 2.0)]) == math.inf
    assert seed_variance.satterthwaite_freedom(4.0, [(3.0, math.inf), (1.0, 2.0)]) == 32
    assert seed_variance.p_value(1.959964, 1.0, math.inf) == pytest.approx(0.05, abs=1e-6)
    assert seed_variance.p_value(-4.302653, 1.0, 2) == pytest.approx(0.05, abs=1e-6)
    assert seed_variance.p_value(0.3, 0.0, 5) == 1
    np.testing.assert_allclose(seed_variance.p_values(np.array([0.0]), np.array([1.0]), 3.0), [1.0])


def test_no_more_question_noise_is_taken_off_than_the_difference_has() -> None:
    """By hand: of a raw variance of 2e-4 for each of two models 1.5e-4 is their own questions'; the pair's is 1e-4."""
    errors, degrees = seed_variance.total_error(
        np.array([0.01]), np.inf, [seed_variance.SeedDeviation(sd=0.5e-4**0.5, freedom=2.0, raw=2e-4)], 2
    )
    assert (errors[0] ** 2, degrees[0]) == (pytest.approx(4e-4), pytest.approx(2.0))
    errors, degrees = seed_variance.total_error(
        np.array([0.01]), np.inf, [seed_variance.SeedDeviation(sd=0.0, freedom=2.0, raw=0.4e-4)], 2
    )
    # Of degrees as if they had shown (1 + 10 / 2) times as much: 4.8e-4, of which .8e-4 are the questions'.
    assert (errors[0] ** 2, degrees[0]) == (pytest.approx(1e-4), pytest.approx(2 * (5.0 / 4.8) ** 2))
    errors, degrees = seed_variance.total_error(
        np.array([0.01]), np.inf, [seed_variance.SeedDeviation(sd=None, freedom=0.0, raw=0.0)], 2
    )
    assert (errors[0], degrees[0]) == (pytest.approx(0.01), 1e9)


@pytest.mark.parametrize(("degrees", "most"), [(1.0, 0.065), (2.0, 0.055), (3.0, 0.055), (12.0, 0.055)])
@pytest.mark.parametrize(
    "of_questions", [0.1, 1.0]
)  # what questions move two replicates apart, of what they move a pair
def test_models_that_do_not_differ_are_seldom_told_apart(
    degrees: float, most: float, of_questions: float
) -> None:
    """A pair's error over questions is 1; training again moves it by nothing, more, and much more."""
    random = np.random.default_rng(3)
    for training in (0.0, 8.0, 50.0):
        found = []
        for _ in range(20_000):
            raw = (training + of_questions) / 2 * random.chisquare(degrees) / degrees
            moved = seed_variance.SeedDeviation(math.sqrt(max(0.0, raw - of_questions / 2)), degrees, raw)
            error, freedom = seed_variance.total_error(np.ones(1), np.inf, [moved], 2)
            difference = random.normal(0, math.sqrt(1 + training))
            found.append(seed_variance.p_value(difference, float(error[0]), float(freedom[0])) <= 0.05)
        assert np.mean(found) <= most, training
