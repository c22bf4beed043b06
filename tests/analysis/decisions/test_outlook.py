"""Outlook of a set's models on planted results: what is known, what is not, and when the pairs are decided."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from e2lm_core.analysis.decisions import messages, outlook, probability
from e2lm_core.scores.measurements import Measurements
from tests.support.random_keys import noise_set, planted_set, with_sizes


@pytest.fixture(scope="module")
def learned() -> Measurements:
    """Six models that learn some keys, all alike; 100 M to 500 M parameters."""
    return with_sizes(planted_set(1).measured)


def better(measured: Measurements, name: str, by: float = 3.0) -> Measurements:
    """The same with more nats on the right answers of one model."""
    curves = []
    for curve in measured.curves:
        ll = curve.ll.copy()
        if curve.model.name == name:
            ll[:, np.arange(len(measured.gold)), measured.gold] += by
        curves.append(replace(curve, ll=ll))
    return replace(measured, curves=tuple(curves))


def test_a_better_model_is_ahead_and_the_end_is_measured(learned: Measurements) -> None:
    points = outlook.outlooks(better(learned, "small-arch1"), "acc", "small-arch1", "small-arch2")
    assert len(points) == 16
    assert [point.step for point in points] == list(range(100, 1_700, 100))
    known = [point for point in points if point.probability is not None]
    assert len(known) > 8
    assert {point.ahead for point in known} == {"small-arch1"}
    assert not any(point.is_second_ahead for point in known)
    assert known[-1].probability is not None
    assert known[-1].probability > 0.9
    for point in known:
        assert point.interval is not None
        assert point.interval[0] <= point.probability <= point.interval[1]
    assert points[-1].why == probability.END
    assert points[-1].share == 1


def test_both_orders_say_the_same(learned: Measurements) -> None:
    here = outlook.outlooks(learned, "acc", "small-arch1", "large-arch2")
    there = outlook.outlooks(learned, "acc", "large-arch2", "small-arch1")
    for one, other in zip(here, there, strict=True):
        assert (one.ahead, one.why) == (other.ahead, other.why)
        assert one.probability == pytest.approx(other.probability)


def test_a_longer_training_is_an_earlier_share(learned: Measurements) -> None:
    points = outlook.outlooks(learned, "acc", "small-arch1", "large-arch2", end_tokens=1_600_000)
    assert [point.share for point in points][-1] == pytest.approx(0.1)
    assert points[-1].why is None
    assert outlook.outlooks(learned, "acc", "small-arch1", "large-arch2", 160_000 * 1_000)[-1].why == (
        probability.EARLY
    )


@pytest.mark.parametrize("metric", ["bpb", "margin", "norm_prob"])
def test_other_metrics_are_not_known(learned: Measurements, metric: str) -> None:
    points = outlook.outlooks(learned, metric, "small-arch1", "large-arch2")
    assert {point.why for point in points} == {probability.METRIC}
    assert outlook.set_certainty(learned, metric) is None


def test_letters_are_not_known(learned: Measurements) -> None:
    letters = replace(learned, letters=True)
    assert outlook.set_reason(letters, "acc") == probability.LETTERS
    assert outlook.set_certainty(letters, "acc") is None


def test_a_set_that_was_never_taught_is_not_known(learned: Measurements) -> None:
    untaught = replace(learned, taught=(False,) * len(learned.gold))
    reason = outlook.set_reason(untaught, "acc")
    assert reason is not None
    assert "never learned these facts" in reason
    assert {p.why for p in outlook.outlooks(untaught, "acc", "small-arch1", "large-arch2")} == {reason}


def test_nobody_is_ahead_at_the_end_of_a_set_that_is_not_above_chance() -> None:
    noise = with_sizes(noise_set(1).measured)
    points = outlook.outlooks(noise, "acc", "small-arch1", "large-arch2")
    assert points[-1].share == 1
    assert points[-1].why == probability.SET_NEAR_CHANCE
    said = messages.headline(points, "small", "large")
    assert "whether small or large is ahead means nothing here" in said


def test_models_without_a_shared_checkpoint_have_no_outlook(learned: Measurements) -> None:
    first = learned.curves[0]
    moved = tuple(c.model_copy(update={"step": c.step + 1}) for c in first.checkpoints)
    alone = replace(learned, curves=(replace(first, checkpoints=moved), *learned.curves[1:]))
    assert outlook.outlooks(alone, "acc", first.model.name, learned.curves[1].model.name) == []


def test_models_with_other_tokens_at_a_step_are_not_known(learned: Measurements) -> None:
    first = learned.curves[0]
    longer = tuple(c.model_copy(update={"tokens_seen": 2 * (c.tokens_seen or 0)}) for c in first.checkpoints)
    mixed = replace(learned, curves=(replace(first, checkpoints=longer), *learned.curves[1:]))
    points = outlook.outlooks(mixed, "acc", first.model.name, learned.curves[1].model.name)
    assert {point.why for point in points} == {probability.LENGTH}
    assert {point.share for point in points} == {None}


def test_the_certainty_counts_unknown_pairs_as_a_coin() -> None:
    found = outlook.certainty(
        np.array([1.0, 2, 3, 1, 2, 3]) * 1e9,
        np.array([0.1, 0.2, 0.3] * 2),
        np.array([np.nan, 0.9, 1.0, np.nan, 0.7, 0.84]),
        np.array([0, 0, 0, 1, 1, 1]),
    )
    assert found is not None
    assert found.means == pytest.approx((0.5, 0.8, 0.92))
    assert found.known == (0, 2, 2)
    assert [(stop.level, stop.tokens_seen, stop.share) for stop in found.stops] == [
        (0.8, 2e9, 0.2),
        (0.9, 3e9, 0.3),
    ]


def test_the_certainty_takes_checkpoints_that_all_pairs_have() -> None:
    found = outlook.certainty(
        np.array([1.0, 2, 2]), np.array([0.1, 0.2, 0.2]), np.array([0.9, 0.6, 0.6]), np.array([0, 0, 1])
    )
    assert found is not None
    assert found.tokens_seen == (2.0,)
    assert found.stops[0].tokens_seen is None


def test_a_pair_of_sizes_too_far_apart_is_no_part_of_the_certainty(learned: Measurements) -> None:
    whole = outlook.set_certainty(learned, "acc")
    assert whole is not None
    assert whole.pairs == 15
    larger = [
        replace(c, model=c.model.model_copy(update={"parameters": 900_000_000}))
        if c.model.name == "large-arch2"
        else c
        for c in learned.curves
    ]
    part = outlook.set_certainty(replace(learned, curves=tuple(larger)), "acc")
    assert part is not None
    assert part.pairs == 13


def test_noise_is_not_decided() -> None:
    measured = with_sizes(noise_set(7).measured)
    found = outlook.set_certainty(measured, "acc")
    assert found is not None
    assert set(found.means) == {0.5}
    assert set(found.known) == {0}
