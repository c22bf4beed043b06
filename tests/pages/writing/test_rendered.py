"""The prompt that a card shows is the one that models read, and its length is said."""

from __future__ import annotations

import pytest

from e2lm_core.sets.prompts import render
from e2lm_core.ui.editor import prompt_preview
from tests.support import studios


@pytest.mark.parametrize("shots", [0, 2])
@pytest.mark.parametrize("sampler", ["first_n", "default"])
def test_a_questions_prompt_is_the_one_that_is_scored(shots: int, sampler: str) -> None:
    task = studios.task(count=6, dev=4)
    config = task.config.model_copy(update={"num_fewshot": shots, "fewshot_sampler": sampler})
    task = task.model_copy(update={"config": config})
    scored = render.render_set(task)
    shown = [
        render.render(config, question, prompt_preview._shots(task, question)) for question in task.questions
    ]
    assert shown == scored


def test_what_is_scored_stands_behind_its_mark() -> None:
    task = studios.task()
    question = task.questions[0]
    gold = question.choices[question.answer]
    plain = render.render(task.config, question)
    assert prompt_preview.highlight_scored(plain) == f"{plain.context}▁{gold}"
    ending = task.config.model_copy(update={"doc_to_text": "answer", "doc_to_target": "question"})
    assert prompt_preview.highlight_scored(render.render(ending, question)) == f"{gold}▁{question.question}"


def test_a_length_says_what_a_window_cuts() -> None:
    assert (
        prompt_preview.token_count_note(12, 2048)
        == "12 tokens with the longest choice, of 2,048 that the model reads."
    )
    assert prompt_preview.token_count_note(2050, 2048).endswith(
        ": too long. The model does not see the first 2 tokens."
    )
