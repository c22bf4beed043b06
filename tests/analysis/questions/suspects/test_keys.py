"""Suspect questions: flipped keys are found, models that know nothing are silent, doubles and dead ones by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from e2lm_core.analysis.questions import suspects
from e2lm_core.base.records import Question
from e2lm_core.scores.measurements import Measurements
from tests.support.measured import LARGE, SMALL, curve, measurements
from tests.support.simulation import answered


def flipped(measured: Measurements, number: int, seed: int = 0) -> tuple[Measurements, set[str]]:
    """The same results under keys of which so many are wrong, and which."""
    rng = np.random.default_rng(seed)
    gold, counts = measured.gold.copy(), measured.choice_counts
    chosen = rng.choice(len(gold), number, replace=False)
    for q in chosen:
        gold[q] = rng.choice([c for c in range(counts[q]) if c != gold[q]])
    return replace(measured, gold=gold), {measured.question_ids[q] for q in chosen}


def wrong_keys(found: suspects.Suspects) -> set[str]:
    return {suspect.question_id for suspect in found.listed if suspect.kind == "wrong key"}


def test_flipped_keys_are_found_and_right_ones_are_not():
    measured, planted = flipped(answered(100, taught=1.0), 5)
    found = suspects.suspects(measured)
    assert wrong_keys(found) == planted
    first = found.listed[0]
    assert first.evidence > suspects.DOUBTED
    assert first.models >= 4
    assert "5** with a key that the models doubt" in suspects.finding(found)


def test_models_that_know_nothing_cannot_tell():
    found = suspects.suspects(flipped(answered(100), 5)[0])
    assert not wrong_keys(found)
    assert found.knowledge < suspects.KNOWS
    assert "do not know these answers well enough" in suspects.finding(found)


def with_probabilities(*rows: list[float]) -> Measurements:
    """Ten questions that all models know, and these after them."""
    known = [[0.97, 0.01, 0.01, 0.01]] * 10
    ll = np.log(np.array([*known, *rows]))
    one = curve(SMALL, [0.5] * 4)
    models = [
        replace(one, model=model, ll=np.stack([ll + 0.001 * k for k in range(4)])) for model in (SMALL, LARGE)
    ]
    count = len(ll)
    return Measurements(
        task="made",
        question_ids=tuple(f"q{n}" for n in range(count)),
        subjects=("",) * count,
        gold=np.zeros(count, int),
        chars=np.full((count, 4), 3.0),
        gold_bytes=np.full(count, 3.0),
        curves=tuple(models),
    )


def test_doubt_is_the_gap_to_the_key_by_hand():
    found = suspects.suspects(with_probabilities([0.2, 0.75, 0.03, 0.02], [0.3, 0.65, 0.03, 0.02]))
    [one] = [s for s in found.listed if s.kind == "wrong key"]
    assert (one.question_id, one.gold, one.rather, one.models) == ("q10", 0, 1, 2)
    assert one.evidence == pytest.approx(0.55)


def test_two_answers_that_hold_it_all_between_them():
    found = suspects.suspects(with_probabilities([0.48, 0.44, 0.04, 0.04], [0.4, 0.3, 0.2, 0.1]))
    [one] = [s for s in found.listed if s.kind == "two right answers"]
    assert (one.question_id, one.rather) == ("q10", 1)
    assert one.evidence == pytest.approx(0.92)


def test_what_everybody_answers_alike_is_dead():
    dead = [s for s in suspects.suspects(with_probabilities()).listed if s.kind == "dead"]
    assert len(dead) == 10
    assert {s.evidence for s in dead} == {1.0}
    parted = suspects.suspects(measurements(curve(SMALL, [0.1, 0.9] * 2), curve(LARGE, [0.3, 0.7] * 2)))
    assert {s.question_id for s in parted.listed if s.kind == "dead"} == {"q0", "q9"}


def test_nothing_is_told_of_nothing():
    found = suspects.suspects(measurements(curve(SMALL, [float("nan")] * 3)))
    assert found.listed == ()
    assert "No checkpoint is complete yet" in suspects.finding(found)


def test_the_table_says_what_the_key_and_the_models_say():
    found = suspects.suspects(with_probabilities([0.2, 0.75, 0.03, 0.02]))
    questions = [
        Question(id=f"q{n}", question="?", choices=("a", "b", "c", "d"), answer=0) for n in range(11)
    ]
    row = suspects.frame(found, questions).iloc[0]
    assert (row["id"], row["key"], row["rather"]) == ("q10", "a", "b")


@pytest.mark.slow
def test_a_twentieth_of_the_ladders_keys_is_found_again(tmp_path):
    """Of 20 plantings: mean precision at least .90, recall .80 of those that the large models answered right."""
    from e2lm_core.base.settings import Settings
    from e2lm_core.runs.evaluate import evaluate
    from e2lm_core.runs.measure import measure
    from e2lm_core.runs.studio import open_studio
    from e2lm_core.sets.collection import open_set

    studio = open_studio(Settings(home=tmp_path))
    task = open_set(studio.settings, "ladder_science")
    evaluate(studio, task, studio.catalogue.checkpoints)
    measured = measure(studio, task, studio.catalogue.checkpoints)
    large = [c for c in measured.curves if c.model.size == "large"]
    answers = np.mean([suspects.probabilities(c.ll[-4:]).mean(axis=0) for c in large], axis=0).argmax(axis=-1)
    known = {i for i, a, g in zip(measured.question_ids, answers, measured.gold, strict=True) if a == g}
    precision, recall = [], []
    for seed in range(20):
        there, planted = flipped(measured, round(0.05 * len(measured.gold)), seed)
        listed = wrong_keys(suspects.suspects(there))
        precision.append(len(listed & planted) / len(listed))
        recall.append(len(listed & planted & known) / len(planted & known))
    assert np.mean(precision) >= 0.9
    assert np.mean(recall) >= 0.8
