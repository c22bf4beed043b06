"""Rules that choose questions: by hand, in resamples, and the greedy one against its gradient and brute force."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from e2lm_core.analysis.questions import rules as question_rules
from e2lm_core.analysis.questions.rules import Condition, Sample, TwinFinal, Where
from e2lm_core.scores import signal
from tests.support.measured import sample


@pytest.fixture
def four() -> Sample:
    """Two models, two checkpoints, four questions; margins 0, 1, 2, 3 that rise, fall, stay, rise."""
    first = np.array([0.0, 1.0, 2.0, 3.0])
    change = np.array([1.0, -1.0, 0.0, 2.0])
    one = np.stack([first, first + change])
    return sample(np.stack([one, one + 1]))


def test_columns_by_hand(four: Sample) -> None:
    assert four.column("slope").tolist() == [1, -1, 0, 2]
    assert four.column("margin").tolist() == [1.5, 0.5, 2.5, 5.5]
    assert four.column("early_margin").tolist() == [1, 1, 2.5, 4.5]
    assert four.column("acc").tolist() == [1, 0.5, 1, 1]  # the first model's second question ends at 0
    assert np.isnan(four.column("contrast")).all()
    assert np.isnan(four.column("relevance")).all()


def test_a_sample_of_fewer_models_knows_nothing_of_the_others(four: Sample) -> None:
    assert four.for_models([1]).column("margin").tolist() == [2, 1, 3, 6]
    other = four.values["margin"].copy()
    other[0] = 99
    assert sample(other).for_models([1]).column("margin").tolist() == [2, 1, 3, 6]


def test_a_column_is_computed_once_for_the_same_models(four: Sample) -> None:
    """Every resample asks for it again, and of a laboratory's set it takes a second each time."""
    asked: list[str] = []

    class Values(dict[str, np.ndarray]):
        def __getitem__(self, name: str) -> np.ndarray:
            asked.append(name)
            return super().__getitem__(name)

    given = replace(four, values=Values(four.values))
    first = given.for_models([1]).column("early_margin")
    asked.clear()
    assert given.for_models([1]).column("early_margin") is first
    assert not asked
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 0
    assert given.for_models([0]).column("early_margin").tolist() != first.tolist()
    assert given.column("early_margin").tolist() == four.column("early_margin").tolist()
    other = replace(given, values={name: -values for name, values in four.values.items()})
    assert other.for_models([1]).column("early_margin").tolist() == (-first).tolist()


def test_a_contrast_goes_with_its_science_model(four: Sample) -> None:
    twin = np.full(4, 0.5)
    with_twin = sample(four.values["margin"], twins=(TwinFinal(science=1, twin=twin),))
    expected = with_twin.values["norm_prob"][1, -1] - 0.5
    assert with_twin.column("contrast") == pytest.approx(expected)
    assert with_twin.for_models([1]).column("contrast") == pytest.approx(expected)
    assert np.isnan(with_twin.for_models([0]).column("contrast")).all()


def test_only_the_early_window_makes_the_slope() -> None:
    margin = np.array([[[0.0], [1.0], [-50.0]]])
    assert sample(margin, early=2).column("slope").tolist() == [1.0]
    assert np.isnan(sample(margin, early=1).column("slope")).all()
    assert np.isnan(sample(margin, early=0).column("early_margin")).all()


def test_the_easiest_half(four: Sample) -> None:
    assert question_rules.Easiest()(four).tolist() == [False, False, True, True]
    assert question_rules.Easiest(share=0.6)(four).tolist() == [
        True,
        False,
        True,
        True,
    ]  # a tie goes to the first
    odd = sample(four.values["margin"][..., :3])
    assert question_rules.Easiest()(odd).sum() == 2  # a half is rounded up


def test_the_easiest_half_of_a_resample_has_its_own_cut(four: Sample) -> None:
    drawn = np.array([[1.0, 1, 1, 1], [0, 4, 0, 0], [2, 0, 0, 2]])
    found = question_rules.Easiest()(four, drawn)
    assert found[0].tolist() == question_rules.Easiest()(four).tolist()
    assert found[1, 1]
    assert found[2].tolist() == [False] * 3 + [True]  # drawn twice, it is the half by itself


def test_rising_within_hard_science(four: Sample) -> None:
    assert question_rules.Rising()(four).tolist() == [True, False, False, True]
    assert question_rules.Rising(among=np.array([False, True, True, True]))(four).tolist() == [False] * 3 + [
        True
    ]
    subjects = ["physics", "High_School_Chemistry", "history", None, "computer science", "abstract_algebra"]
    assert question_rules.hard_science(subjects).tolist() == [True, True, False, False, True, True]


def test_one_source_is_the_one_that_rises_most(four: Sample) -> None:
    rule = question_rules.OneSource(labels=np.array([0, 0, 1, 1]))
    assert rule(four).tolist() == [False, False, True, True]  # mean slopes 0 and 1
    drawn = np.array([[2.0, 0, 2, 0], [1, 1, 1, 1]])  # without the last question: 1 and 0
    assert rule(four, drawn).tolist() == [[True, True, False, False], [False, False, True, True]]
    # a source of too few does not stand, and no source never does
    few = question_rules.OneSource(labels=np.array([0, 0, -1, 1]), fewest=2)
    assert few(four).tolist() == [True, True, False, False]


def test_a_rule_of_ones_own(four: Sample) -> None:
    named = sample(four.values["margin"], traits={"subject": np.array(["a", "b", "a", "a"], dtype=object)})
    rule = Where((Condition("margin", ">", 1.0), Condition("subject", "=", "a")))
    assert rule(named).tolist() == [True, False, True, True]
    assert (
        Where((Condition("contrast", "!=", 0.0),))(named).tolist() == [False] * 4
    )  # undefined meets nothing


def test_leading_axes_are_carried_along() -> None:
    margin = np.random.default_rng(1).normal(size=(3, 4, 6, 20))
    rules = (
        question_rules.Easiest(),
        question_rules.Rising(),
        question_rules.OneSource(np.arange(20) % 3),
        question_rules.SnrGreedy(),
    )
    for rule in rules:
        together = rule(sample(margin))
        assert together.shape == (3, 20)
        for one, mask in zip(margin, together, strict=True):
            assert rule(sample(one)).tolist() == mask.tolist()


# --- greedy by SNR --------------------------------------------------------------------------------------


def test_the_gradient_is_that_of_the_exact_ratio() -> None:
    curves = np.random.default_rng(0).uniform(0.3, 0.7, (4, 5))
    found = question_rules._snr_gradient(curves)
    for m in range(4):
        for k in range(5):
            ahead, behind = curves.copy(), curves.copy()
            ahead[m, k] += 1e-6
            behind[m, k] -= 1e-6
            slope = (signal.signal_to_noise(ahead) - signal.signal_to_noise(behind)) / 2e-6
            assert found[m, k] == pytest.approx(float(slope), rel=1e-4, abs=1e-6)


def ratio(given: Sample, mask: np.ndarray) -> float:
    return float(signal.signal_to_noise(given.values["norm_prob"][..., mask].mean(axis=-1)))


def test_greedy_raises_the_ratio_and_keeps_half() -> None:
    given = sample(np.random.default_rng(2).normal(size=(4, 6, 60)))
    found = question_rules.SnrGreedy()(given)
    assert found.sum() >= 30
    assert ratio(given, found) > 2 * ratio(given, np.ones(60, bool))


def test_greedy_comes_near_to_the_best_of_all_subsets() -> None:
    given = sample(np.random.default_rng(5).normal(size=(3, 5, 8)))
    best = max(
        ratio(given, np.isin(np.arange(8), kept))
        for size in range(4, 9)
        for kept in combinations(range(8), size)
    )
    assert ratio(given, question_rules.SnrGreedy()(given)) > 0.4 * best


def test_greedy_finds_the_questions_that_are_noise() -> None:
    random = np.random.default_rng(3)
    signal_part = np.repeat(np.array([-1.0, 0.0, 1.0])[:, None, None], 5, axis=1) + random.normal(
        0, 0.05, (3, 5, 20)
    )
    noise_part = random.normal(0, 3, (3, 5, 20))
    found = question_rules.SnrGreedy()(sample(np.concatenate([signal_part, noise_part], axis=-1)))
    assert found[:20].sum() > 1.5 * found[20:].sum()


def test_greedy_leaves_a_set_alone_whose_ratio_is_undefined() -> None:
    assert question_rules.SnrGreedy()(sample(np.ones((2, 5, 4)))).all()  # no noise at all
    assert question_rules.SnrGreedy()(
        sample(np.random.default_rng(0).normal(size=(1, 5, 4)))
    ).all()  # one model
    assert question_rules.SnrGreedy()(
        sample(np.random.default_rng(0).normal(size=(3, 5, 1)))
    ).all()  # one question


def test_greedy_is_not_chosen_anew_in_resamples(four: Sample) -> None:
    with pytest.raises(ValueError, match="not made anew"):
        question_rules.SnrGreedy()(four, np.ones((2, 4)))
