"""Certainty foretold of more questions: by hand without luck, equal models, and what is not told."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from e2lm_core.analysis.decisions import earlier, messages, outlook, probability
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.uncertainty import set_intervals
from e2lm_core.scores.uncertainty.intervals import Resampled
from tests.support.random_keys import noise_set, planted_set, with_sizes


@pytest.fixture(scope="module")
def learned() -> Measurements:
    """Six models that learn some keys, all alike; 100 M to 500 M parameters."""
    return with_sizes(planted_set(1).measured)


@pytest.fixture(scope="module")
def drawn(learned: Measurements) -> Resampled:
    return set_intervals.resample(learned, ("acc",))


def without_luck(resampled: Resampled) -> Resampled:
    still = {name: np.tile(curve, (2, 1)) for name, curve in resampled.observed["acc"].items()}
    return replace(resampled, curves={**resampled.curves, "acc": still})


def test_without_luck_as_many_questions_say_what_the_set_says(
    learned: Measurements, drawn: Resampled
) -> None:
    told = earlier.certainty_of_more(learned, without_luck(drawn), "acc", 1)
    measured = outlook.set_certainty(learned, "acc")
    assert told is not None
    assert measured is not None
    assert (told.shares, told.pairs) == (measured.shares, measured.pairs)
    assert told.means == pytest.approx(measured.means)


def test_without_luck_more_questions_are_the_same_scores_of_more(
    learned: Measurements, drawn: Resampled
) -> None:
    told = earlier.certainty_of_more(learned, without_luck(drawn), "acc", 4)
    since = outlook.above_chance_from(learned, "acc", 4)
    by_hand: dict[float, list[float]] = {}
    for one, other in combinations(learned.scored_curves, 2):
        cases = outlook.pair_cases(learned, "acc", one, other, since=since)
        many = replace(cases, questions=cases.questions * 4)
        found = probability.probabilities(many, probability.load_coefficients())
        kept = (cases.share < 1) & ~np.isin(found.why, outlook.LEFT_OUT)
        likelier = np.maximum(found.values, 1 - found.values)
        for share, value in zip(cases.share[kept], likelier[kept], strict=True):
            by_hand.setdefault(float(share), []).append(0.5 if np.isnan(value) else float(value))
    assert told is not None
    assert dict(zip(told.shares, told.means, strict=True)) == pytest.approx(
        {share: np.mean(values) for share, values in by_hand.items()}
    )


def test_luck_between_equal_models_is_not_taken_for_a_difference() -> None:
    """Twelve sets of equally good models: taken as true, eight times the questions would decide them."""
    told, naive = [], []
    for seed in range(12):
        measured = with_sizes(planted_set(seed).measured)
        sizes = {c.model.name: c.model.model_copy(update={"parameters": 10**8}) for c in measured.curves}
        measured = replace(
            measured, curves=tuple(replace(c, model=sizes[c.model.name]) for c in measured.curves)
        )
        resampled = set_intervals.resample(measured, ("acc",))
        for of, into in ((resampled, told), (without_luck(resampled), naive)):
            found = earlier.certainty_of_more(measured, of, "acc", 8)
            assert found is not None
            into.append(found.means[-1])
    assert np.mean(told) < np.mean(naive) - 0.05


def test_more_questions_decide_no_later(learned: Measurements, drawn: Resampled) -> None:
    found = earlier.alternatives(learned, drawn, "acc")
    assert [of.questions for of in found if not of.is_measured] == [
        len(learned.question_ids) * k for k in earlier.FACTORS
    ]
    means = [of.certainty.means[-1] for of in found if not of.is_measured and of.certainty]
    assert means == sorted(means)
    frame = messages.earlier_frame(found, has_built_in_models=False)
    assert list(frame["change"]) == [
        "this set",
        "this set, length-adjusted accuracy",
        "as many others like these",
        *["more questions like these"] * 3,
    ]
    assert "questions like these" in messages.earlier_sentence(found, has_built_in_models=False)


def test_nothing_is_foretold_of_noise_of_few_questions_or_of_another_metric(
    learned: Measurements, drawn: Resampled
) -> None:
    noise = with_sizes(noise_set(3).measured)
    assert earlier.certainty_of_more(noise, set_intervals.resample(noise, ("acc",)), "acc", 8) is None
    assert earlier.alternatives(learned, drawn, "margin") == []
    few = replace(learned, question_ids=learned.question_ids[: earlier.MIN_QUESTIONS - 1])
    assert all(of.is_measured for of in earlier.alternatives(few, drawn, "acc"))
    said = messages.earlier_sentence(earlier.alternatives(learned, None, "acc"), has_built_in_models=True)
    assert "run the set on later checkpoints first" in said
