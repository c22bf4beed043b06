"""Variants of a set: other questions, another configuration, another order of choices."""

from __future__ import annotations

import pytest

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import LETTERS_CHOICE, LETTERS_TEXT
from e2lm_core.sets.prompts.layouts import layout_templates
from e2lm_core.sets.variants import Variant, fewshot_alone, order_of, shows_choices, variant_set
from tests.support import studios


def test_the_right_answer_moves_with_its_choice() -> None:
    task = studios.task()
    for variant in [Variant(label="t", turn=1), Variant(label="t", turn=3), Variant(label="d", draw=5)]:
        made = variant_set(task, variant)
        for before, after in zip(task.questions, made.questions, strict=True):
            assert sorted(before.choices) == sorted(after.choices)
            assert before.choices[before.answer] == after.choices[after.answer]
            assert list(after.choices) == [before.choices[i] for i in order_of(before, variant)]
    assert (
        variant_set(task, Variant(label="t", turn=1)).questions[0].choices[-1] == task.questions[0].choices[0]
    )
    assert variant_set(task, Variant(label="none")) == task
    assert Variant.model_validate(Variant(label="d", draw=5).model_dump(mode="json")).draw == 5


def test_draws_differ_by_seed_and_question() -> None:
    question = studios.question(1, choices=tuple("abcdefgh"))
    orders = {tuple(order_of(question, Variant(label="d", draw=seed))) for seed in range(10)}
    other = question.model_copy(update={"id": "q2"})
    assert len(orders) > 5
    assert order_of(question, Variant(label="d", draw=1)) != order_of(other, Variant(label="d", draw=1))


def test_a_format_and_what_it_shows() -> None:
    task = studios.task()
    letters = variant_set(task, Variant(label="l", config=layout_templates("letters")))  # type: ignore[arg-type]
    assert (letters.config.doc_to_text, letters.config.doc_to_choice) == (LETTERS_TEXT, LETTERS_CHOICE)
    assert shows_choices(letters)
    assert not shows_choices(task)
    ending = variant_set(task, Variant(label="e", config=layout_templates("ending")))  # type: ignore[arg-type]
    assert not shows_choices(ending)
    with pytest.raises(TaskError, match="num_fewshot has a value"):
        variant_set(task, Variant(label="x", config={"num_fewshot": "many"}))


def test_examples_that_depend_on_the_place_are_left_out_for_single_questions() -> None:
    task = studios.task()
    assert fewshot_alone(task, 2) == 2
    drawn = task.model_copy(update={"config": task.config.model_copy(update={"fewshot_sampler": "default"})})
    assert fewshot_alone(drawn, 2) == 0
    assert fewshot_alone(drawn, 0) == 0
