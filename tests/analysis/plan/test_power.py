"""Power by hand, against simulation with training noise, and what cannot be told by any number of questions."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import nct, norm

from e2lm_core.analysis.plan import messages as plan_words
from e2lm_core.analysis.plan import power as powers
from e2lm_core.analysis.plan.power import VarianceComponents
from e2lm_core.base.errors import StudioError
from e2lm_core.scores.uncertainty.means import seed_variance
from tests.support.measured import FASTER, LARGE, RISING, SMALL, curve, measurements, noisy


def spread(difference=0.05, sd=0.5, effect=1.0, training=None):
    return VarianceComponents(
        difference=difference, questions_sd=sd, design_effect=effect, training_sd=training
    )


def test_by_hand():
    # SE = .5 / sqrt(400) = .025, d / SE = 2
    assert spread().standard_error(400) == pytest.approx(0.025)
    assert spread().power(400) == pytest.approx(norm.cdf(2 - 1.959964) + norm.cdf(-2 - 1.959964), abs=1e-6)
    assert spread().detectable_difference(400) == pytest.approx((1.959964 + 0.841621) * 0.025, abs=1e-6)
    # n = 7.85 v / d^2 for 80%, 10.51 v / d^2 for 90% (Card et al.)
    assert spread().required_questions(0.8) == pytest.approx(7.85 * 0.25 / 0.05**2, abs=1.5)
    assert spread().required_questions(0.9) == pytest.approx(10.51 * 0.25 / 0.05**2, abs=1.5)


def test_groups_and_retraining_cost_questions():
    assert spread(effect=3).required_questions() == pytest.approx(3 * spread().required_questions(), abs=3)
    assert spread(training=0.005).required_questions() > spread().required_questions()
    assert spread(training=0.02).required_questions() is None  # 2 · .02² leaves nothing of (.05 / 3.24)²


def test_the_number_needed_has_the_power_and_one_less_has_not():
    for training in (None, 0.008):
        of = spread(training=training)
        number = of.required_questions(0.9)
        assert of.power(number) >= 0.9 - 1e-9 > of.power(number - 1) - 1e-4
        assert of.power(number - 5) < 0.9


def test_models_that_do_not_differ():
    assert spread(difference=0.0).required_questions() is None
    assert spread(difference=0.0).power(1000) == pytest.approx(0.05, abs=1e-6)
    assert spread(difference=0.0, sd=0.0).power(10) == 0.05
    assert spread(sd=0.0).power(10) == 1.0


def test_few_replicates_make_power_small():
    """With t known of 2 degrees, q is 4.30: by hand at n where questions no longer count."""
    many = spread(difference=0.05, training=0.01, sd=1e-9)
    few = many.model_copy(update={"training_freedom": 2.0})
    ratio = 0.05 / (0.01 * math.sqrt(2))
    assert many.power(100) == pytest.approx(norm.cdf(ratio - 1.959964), abs=1e-4)
    assert few.power(100) == pytest.approx(nct.sf(4.302653, 2, ratio), abs=1e-3)
    assert few.detectable_difference(100) > many.detectable_difference(100)
    assert few.required_questions(0.9) is None


@pytest.mark.parametrize(("degrees", "questions"), [(2.0, 500), (2.0, 1700), (12.0, 500)])
def test_what_few_replicates_may_show_is_averaged_over(degrees: float, questions: int):
    """Against the studio's own test, on what so few replicates show of training and of their questions together."""
    of = VarianceComponents(
        difference=0.1, questions_sd=0.58, design_effect=1, training_sd=0.0076, training_freedom=degrees
    )
    random, known = np.random.default_rng(questions), 0.58**2 / questions
    raw = of.standard_error(questions) ** 2 / 2 * random.chisquare(degrees, 20_000) / degrees
    moved = [seed_variance.SeedDeviation(math.sqrt(max(0.0, one - known / 2)), degrees, one) for one in raw]
    error, freedom = seed_variance.total_error(np.full(len(raw), math.sqrt(known)), math.inf, moved, 2)
    shown = random.normal(0.1, of.standard_error(questions), len(raw))
    told = seed_variance.p_values(shown, error, freedom) <= 0.05
    assert of.power(questions) == pytest.approx(told.mean(), abs=0.012)


# --- from measurements ------------------------------------------------------------------------------------


def test_the_larger_of_own_and_all_noise_is_averaged_over():
    """Against the studio's own test: six families of three seeds, two of which are compared."""
    of = VarianceComponents(
        difference=0.1,
        questions_sd=0.58,
        design_effect=1,
        training_sd=0.02,
        training_freedom=12.0,
        own_freedom=(2, 2),
    )
    random, questions = np.random.default_rng(3), 500
    known = 0.58**2 / questions
    raw = of.standard_error(questions) ** 2 / 2 * random.chisquare(2, (4000, 6)) / 2
    moved = [
        seed_variance.SeedVariance(
            tuple(
                seed_variance.Family(str(n), frozenset({str(n)}), {1: (one - known / 2, one)}, 2)
                for n, one in enumerate(fleet)
            )
        ).deviation_at(1, "0", "1")
        for fleet in raw
    ]
    error, freedom = seed_variance.total_error(np.full(len(raw), math.sqrt(known)), math.inf, moved, 2)
    shown = random.normal(0.1, of.standard_error(questions), len(raw))
    told = seed_variance.p_values(shown, error, freedom) <= 0.05
    assert of.power(questions) == pytest.approx(told.mean(), abs=0.025)
    assert of.power(questions) < of.model_copy(update={"own_freedom": ()}).power(questions)


def test_of_two_measured_models():
    measured = measurements(curve(SMALL, RISING), curve(LARGE, FASTER))
    found = powers.compute_power(measured, "acc")
    # At the end .9 and 1.0 of ten questions: one of ten differs.
    assert abs(found.spread.difference) == pytest.approx(0.1)
    assert found.spread.questions_sd == pytest.approx(np.std([0] * 9 + [1], ddof=1))
    assert found.spread.training_sd is None
    assert (found.questions, found.measured, found.step) == (10, 10, 1000)
    assert "not known, since no other seed has results there" in plan_words.power_answer(found)
    assert powers.compute_power(measured, "acc", questions=100).power > found.power


def test_training_noise_can_be_left_out():
    measured = noisy(questions=400)
    of = {noise: powers.compute_power(measured, "acc", with_training_noise=noise) for noise in (True, False)}
    assert of[True].power < of[False].power
    assert of[False].spread.training_sd is None
    assert "400 new questions and newly trained models would" in plan_words.power_answer(of[True])
    said = plan_words.power_answer(of[False])
    assert "400 new questions would show" in said
    assert said.endswith("Training noise is left out.")


def test_tokens_choose_the_nearest_checkpoint():
    measured = measurements(curve(SMALL, RISING), curve(LARGE, FASTER))
    assert powers.compute_power(measured, "acc", tokens_seen=2_400).tokens_seen == 2_000


def test_questions_in_groups_have_a_design_effect():
    measured = noisy(groups=tuple(f"g{n // 6}" for n in range(60)))
    assert powers.compute_power(measured, "acc").spread.design_effect >= 1.0


def test_a_difference_of_ones_own():
    measured = measurements(curve(SMALL, RISING), curve(LARGE, FASTER))
    found = powers.compute_power(measured, "acc", difference=0.3)
    assert (found.spread.difference, found.assumed, found.between) == (0.3, True, None)
    said = plan_words.power_answer(found)
    assert f"an assumed difference of {found.first} and {found.second} at" in said
    assert "(30.0 points) in **" in said
    shown = powers.compute_power(measured, "acc")
    assert shown.between[0] < shown.power < shown.between[1]
    low, high = shown.between
    assert f"of cases ({low:.0%} to {high:.0%})." in plan_words.power_answer(shown)
    assert shown.first not in plan_words.power_headline(shown, models_named=True)
    certain = shown.model_copy(update={"between": (0.997, 0.999)})
    assert "of cases." in plan_words.power_answer(certain)  # a range whose ends read alike says nothing


def test_what_no_number_of_questions_tells_is_said():
    found = powers.compute_power(measurements(curve(SMALL, RISING), curve(LARGE, FASTER)), "acc")
    close = found.model_copy(update={"spread": spread(0.005, 0.4, training=0.01), "needed": None})
    said = plan_words.power_answer(close)
    assert "(0.5 points)" in said
    assert "**No number of questions** shows it in 90%: training noise moves a model by 1.0 points." in said
    equal = found.model_copy(update={"spread": spread(0.0), "needed": None})
    assert "**No number of questions** tells equal models apart" in plan_words.power_answer(equal)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"models": ("nobody", SMALL.name)}, "not among those of this run"),
        ({"models": (SMALL.name,)}, "Power is of two models"),
        ({"models": (SMALL.name, SMALL.name)}, "Power is of two models"),
        ({"models": (SMALL.name, LARGE.name, SMALL.name)}, "name two, each once"),
        ({"questions": 1}, "use 2 or more"),
        ({"questions": 10**23}, "use 1,000,000,000 at most"),
        ({"tokens_seen": -2.0}, "at about -2 tokens: they lie from "),
        ({"tokens_seen": math.nan}, "at about nan tokens"),
        ({"tokens_seen": 1e30}, r"at about 1e\+30 tokens"),
        ({"difference": 5.0}, "give at most 1"),
        ({"difference": -1.5, "metric": "norm_prob"}, "give at most 1"),
        ({"metric": "f1"}, "does not exist"),
        ({"difference": 0.0}, "one that is not 0"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(options, sentence):
    measured = measurements(curve(SMALL, RISING), curve(LARGE, FASTER))
    with pytest.raises(StudioError, match=sentence):
        powers.compute_power(measured, options.pop("metric", "acc"), **options)


def test_one_model_is_too_few():
    with pytest.raises(StudioError, match="these results are of fewer"):
        powers.compute_power(measurements(curve(SMALL, RISING)), "acc")


def test_a_difference_of_more_than_all_points_is_none():
    found = powers.compute_power(measurements(curve(SMALL, RISING), curve(LARGE, FASTER)), "acc")
    said = plan_words.power_assumptions(found.model_copy(update={"detectable": 1.3}))
    assert f"No difference is so large that {found.questions:,} questions tell it in 80% of cases." in said
    assert "points" not in said


def test_models_without_a_common_checkpoint():
    first, second = curve(SMALL, RISING[:3]), curve(LARGE, FASTER)
    apart = replace(second, checkpoints=second.checkpoints[4:], ll=second.ll[4:])
    with pytest.raises(StudioError, match="share no complete checkpoint"):
        powers.compute_power(measurements(first, apart), "acc", (SMALL.name, LARGE.name))
