"""Neighbours that are answered alike are found, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit

from e2lm_core.scores import serial_dependence
from e2lm_core.scores.layout import Run
from e2lm_core.scores.serial_dependence import (
    MANY_QUESTIONS,
    MIN_QUESTIONS,
    block_length,
    block_length_of_answers,
)

CHECKPOINTS = 12
Draw = Callable[..., NDArray]


def answers(rng: np.random.Generator, questions: int = 200, group: int = 1, shared: float = 0.5) -> NDArray:
    """Right or wrong [D, Q]; `shared` of the variance of a question's ease is that of its group."""
    return (probabilities(rng, questions, group, shared) > 0.5).astype(float)


def probabilities(
    rng: np.random.Generator, questions: int = 100, group: int = 1, shared: float = 0.5
) -> NDArray:
    """Probabilities of the right answer [D, Q], which are read of fewer than 200 questions; see `answers`."""
    ease = (
        np.sqrt(1 - shared) * rng.standard_normal(questions) if group > 1 else rng.standard_normal(questions)
    )
    if group > 1:
        ease += np.sqrt(shared) * np.repeat(rng.standard_normal(questions // group + 1), group)[:questions]
    return expit(ease + rng.standard_normal((CHECKPOINTS, questions)))


def share_found(seed: int, sets: int = 200, draw: Draw = answers, **kind: Any) -> float:
    rng = np.random.default_rng(seed)
    return sum(block_length_of_answers(draw(rng, **kind)) > 1 for _ in range(sets)) / sets


def test_independent_questions_are_drawn_one_by_one() -> None:
    assert share_found(1, sets=1000) <= 0.031  # a true 2% stays at or below it in 99%
    for questions in (50, 100, 199):
        for draw in (answers, probabilities):
            assert share_found(2, 1000, draw, questions=questions) <= 0.031


@pytest.mark.parametrize("group", [4, 5, 10])
def test_groups_in_a_row_are_found_though_nobody_told_of_them(group: int) -> None:
    assert share_found(3, sets=100, questions=300, group=group, shared=0.7) >= 0.95


def test_they_are_found_in_small_sets_too() -> None:
    assert share_found(3, draw=probabilities, questions=100, group=5, shared=0.7) >= 0.95
    for draw in (answers, probabilities):
        assert share_found(3, draw=draw, questions=199, group=5, shared=0.7) >= 0.99
    assert share_found(3, draw=probabilities, questions=MIN_QUESTIONS, group=5, shared=0.7) >= 0.7


def test_what_one_model_knows_of_a_passage_is_not_drowned_by_difficulty() -> None:
    """Questions differ in a difficulty that all models share; of a group each model knows something of its own."""
    rng, found = np.random.default_rng(13), 0
    for _ in range(100):
        difficulty = 2 * rng.standard_normal(100)
        known = np.repeat(rng.standard_normal((CHECKPOINTS, 20)), 5, axis=1)
        passing = rng.standard_normal((CHECKPOINTS, 100))
        found += block_length_of_answers(expit(difficulty + known + passing)) > 1
    assert found >= 75  # 38 where every direction counts by its variance


def test_blocks_are_longer_than_the_groups() -> None:
    rng = np.random.default_rng(4)
    lengths = [block_length_of_answers(answers(rng, 600, 5)) for _ in range(50)]
    assert np.median(lengths) in (12, 16)
    few = [block_length_of_answers(probabilities(rng, 120, 5, 0.7)) for _ in range(50)]
    assert np.median(few) in (8, 12)
    assert all(length % serial_dependence.BLOCKS_PER_REACH == 0 for length in few if length > 1)
    assert all(length % serial_dependence.BLOCKS_PER_REACH == 0 for length in lengths if length > 1)


@pytest.mark.parametrize(
    ("questions", "draw"),
    [
        (50, probabilities),
        (300, answers),
        *((n, draw) for n in (100, 199) for draw in (answers, probabilities)),
    ],
)
def test_a_set_sorted_by_difficulty_is_no_set_of_groups(questions: int, draw: Draw) -> None:
    rng, found = np.random.default_rng(5), 0
    for _ in range(100):
        own = draw(rng, questions)
        found += block_length_of_answers(own[:, np.argsort(own.mean(axis=0))]) > 1
    assert found <= 10


@pytest.mark.parametrize(("questions", "most"), [(50, 10), (100, 10), (198, 10), (200, 5)])
def test_nor_is_one_whose_second_half_no_model_knows(questions: int, most: int) -> None:
    rng, found, half = np.random.default_rng(6), 0, questions // 2
    for _ in range(100):
        own = answers(rng, questions)
        own[:, half:] = rng.random((CHECKPOINTS, half)) < 0.25
        found += block_length_of_answers(own) > 1
    assert found <= most


@pytest.mark.parametrize("questions", [50, 100, 198])
def test_nor_is_one_of_probabilities_of_which_half_are_about_chance(questions: int) -> None:
    rng, found, half = np.random.default_rng(6), 0, questions // 2
    for _ in range(100):
        own = probabilities(rng, questions)
        own[:, half:] = expit(-1.1 + 0.3 * rng.standard_normal((CHECKPOINTS, half)))
        found += block_length_of_answers(own) > 1
    assert found <= 10


def test_shuffled_groups_are_not_found() -> None:
    rng = np.random.default_rng(7)
    found = sum(block_length_of_answers(rng.permuted(answers(rng, 200, 5), axis=1)) > 1 for _ in range(100))
    assert found <= 5


def test_the_statistic_has_its_stated_spread_in_random_orders() -> None:
    """As many orders of one set's questions lie beyond the critical value as the test's level says."""
    rng = np.random.default_rng(8)
    for questions, draw in ((200, answers), (150, answers), (150, probabilities), (50, probabilities)):
        own = draw(rng, questions, 5)
        orders = (rng.permutation(questions) for _ in range(600))
        found = sum(block_length_of_answers(own[:, order]) > 1 for order in orders)
        assert 2 <= found <= 22


def test_few_questions_equal_answers_and_no_results_give_no_blocks() -> None:
    rng = np.random.default_rng(9)
    assert block_length_of_answers(answers(rng, MIN_QUESTIONS - 1, 5, 1.0)) == 1
    assert block_length_of_answers(answers(rng, MIN_QUESTIONS, 5, 1.0)) > 1
    assert block_length_of_answers(np.ones((3, 100))) == 1
    assert block_length_of_answers(np.ones((3, 300))) == 1
    assert block_length({}) == 1


def _run(rows: NDArray, counts: bool = True) -> Run:
    steps = np.arange(len(rows))
    return Run(
        per_question={"acc": rows}, steps=steps, early=steps < 2, counts=counts, twin_of=None, size="s"
    )


def test_models_that_count_are_read_at_complete_checkpoints() -> None:
    rng = np.random.default_rng(10)
    alone, together = answers(rng, 200), answers(rng, 200, 10, 0.9)
    assert block_length({"main": _run(alone)}) == 1
    assert block_length({"main": _run(together)}) > 1
    assert block_length({"main": _run(alone), "twin": _run(together, counts=False)}) == 1
    holed = np.where(np.arange(200) == 7, np.nan, together)
    assert block_length({"main": _run(holed)}) == 1
    assert block_length({"main": _run(np.concatenate([holed, together]))}) > 1


def test_of_many_checkpoints_some_are_read() -> None:
    rng = np.random.default_rng(11)
    read: list[int] = []

    class Rows:
        def __getitem__(self, row: int) -> NDArray:
            read.append(row)
            return answers(rng, MANY_QUESTIONS)[0]

    steps = np.arange(500)
    run = Run(per_question={"acc": Rows()}, steps=steps, early=steps < 2, counts=True, twin_of=None, size="s")  # type: ignore[dict-item]
    block_length({"long": run})
    assert len(read) == serial_dependence.MAX_ROWS
    assert (read[0], read[-1]) == (0, 499)


def test_of_few_questions_the_probabilities_of_the_right_answer_are_read() -> None:
    rng = np.random.default_rng(12)
    together, alone, steps = probabilities(rng, 100, 10, 0.9), answers(rng, 100), np.arange(CHECKPOINTS)
    values = {"acc": alone, "norm_prob": together}
    run = Run(per_question=values, steps=steps, early=steps < 2, counts=True, twin_of=None, size="s")
    assert block_length({"main": run}) > 1


def test_blocks_are_named_after_their_first_question() -> None:
    named = serial_dependence.group_neighbours(["a", "b", "c", "d", "e"], 2)
    assert named == ("from a on", "from a on", "from c on", "from c on", "from e on")
