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
    sd, degrees, raw, families, _ = found.deviation_at(1000)
    assert families == (SMALL.name,)
    assert sd == pytest.approx(math.sqrt((0.2**2 - noise) / 2))
    assert (degrees, raw) == (1, pytest.approx(0.2**2 / 2))
    assert found.deviation_at(10**9).sd is None  # nothing is known of so late a step


def test_what_questions_explain_is_none() -> None:
    measured = measurements(curve(SMALL, [0.4] * 10), curve(SEED2, [0.5] * 10))
    assert seed_variance.estimate_seed_variance(measured, "acc").deviation_at(1000) == (
        0.0,
        1.0,
        pytest.approx(0.1**2 / 2),
        (SMALL.name,),
        (),
    )


@pytest.mark.parametrize("name", ["a-data-seed1", "a-weight-seed2", "a (seed data-14)"])
def test_a_model_of_which_one_part_alone_was_drawn_anew_measures_no_training_noise(name: str) -> None:
    part = SEED2.model_copy(update={"name": name})
    assert part.is_partial_seed
    measured = measurements(curve(SMALL, [0.4] * 10), curve(part, [0.6] * 10))
    assert seed_variance.estimate_seed_variance(measured, "acc").families == ()
    assert not SEED2.model_copy(update={"name": "a-seed1"}).is_partial_seed
    assert not SMALL.model_copy(update={"name": name}).is_partial_seed  # a model of its own


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
        sd, degrees, _, families, _ = found.deviation_at(8)
        assert families == ("small", "large")
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


def made(**variance: dict[int, float]) -> seed_variance.SeedVariance:
    """Families of three seeds with these variances by step, of which nothing is question noise."""
    return seed_variance.SeedVariance(
        tuple(
            seed_variance.Family(
                name,
                frozenset({name, f"{name}-seed2", f"{name}-seed3"}),
                {step: (v, v) for step, v in found.items()},
                2,
            )
            for name, found in variance.items()
        )
    )


def test_a_pair_has_its_own_families_noise_where_it_is_larger() -> None:
    """By hand: t^2 of .0036 and five of .0001, on average .0041 / 6."""
    fleet = made(noisy={100: 0.0036}, **{f"quiet{n}": {100: 0.0001} for n in range(5)})
    mean = 0.0041 / 6
    pooled = fleet.deviation_at(100)
    assert (pooled.raw, pooled.freedom) == (pytest.approx(mean), 12)
    quiet = fleet.deviation_at(100, "quiet0", "quiet1-seed2")
    # Never less than the mean of all.
    assert quiet == pooled._replace(own_freedom=(2, 2))
    mixed = fleet.deviation_at(100, "noisy-seed3", "quiet1")
    assert mixed.raw == pytest.approx((0.0036 + 0.0001) / 2)
    of_sum = 0.0037**2 / (0.0036**2 / 2 + 0.0001**2 / 2)
    assert (mixed.freedom, mixed.families) == (pytest.approx(of_sum**2), ("noisy", "quiet1"))
    alike = fleet.deviation_at(100, "noisy", "noisy-seed2")
    assert (alike.raw, alike.freedom, alike.families) == (pytest.approx(0.0036), 4, ("noisy",))
    # A model without seeds may be as noisy as the one that it is compared with.
    assert fleet.deviation_at(100, "noisy", "alone") == alike
    assert fleet.deviation_at(100, "alone", "another") == pooled


def test_two_equally_noisy_families_keep_all_degrees() -> None:
    fleet = made(a={100: 0.02}, b={100: 0.02}, c={100: 0.01})
    assert fleet.deviation_at(100, "a", "b").freedom == 6  # 4 squared, of which 6 are there


def test_each_step_has_its_own_noise_and_none_before_the_first() -> None:
    fleet = made(a={1000: 0.0064, 1500: 0.0004, 4000: 0.0001})
    assert [fleet.deviation_at(step).sd for step in (999, 1000, 1500, 4000)] == [
        None,
        pytest.approx(0.08),
        pytest.approx(0.02),
        pytest.approx(0.01),
    ]
    assert fleet.deviation_at(1200).sd == pytest.approx(0.08)  # between two the noisier
    assert fleet.deviation_at(8000).sd == pytest.approx(0.01)
    assert fleet.deviation_at(8001).sd is None
    wide = made(a={1000: 0.0064, 9000: 0.0001})
    assert wide.deviation_at(3000).sd is None  # more than twice as far from both


def test_families_without_a_replicate_yet_take_the_others() -> None:
    fleet = made(early={100: 0.01}, late={200: 0.09})
    assert fleet.deviation_at(100, "late", "early").families == ("early",)
    assert fleet.deviation_at(200, "late", "late-seed2").raw == pytest.approx(0.09)
