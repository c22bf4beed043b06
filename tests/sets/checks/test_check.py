"""Findings about a set, one fault at a time on a set that is otherwise clean."""

from __future__ import annotations

from typing import Any

import pytest

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import (
    LETTERS_CHOICE,
    LETTERS_TEXT,
)
from e2lm_core.base.settings import Limits
from e2lm_core.sets.checks.check import find_problems, require_sound, structural_errors
from e2lm_core.sets.checks.context_window import PromptLengths
from e2lm_core.sets.checks.text import ngrams
from e2lm_core.sets.prompts.render import render_set
from tests.sets.checks.elements import LIMITS, a_set, changed, findings
from tests.support import german


def test_a_clean_set_has_no_findings() -> None:
    assert findings(a_set(), 3, profile="competition") == []
    assert (
        findings(a_set(doc_to_text=LETTERS_TEXT, doc_to_choice=LETTERS_CHOICE), 3, profile="competition")
        == []
    )


@pytest.mark.parametrize(
    ("values", "code", "sentence"),
    [
        ({"answer": 4}, "gold_range", "Question 7: gold is 4, but it has 4 choices (use 0–3)."),
        ({"answer": -1}, "gold_range", "Question 7: gold is -1, but it has 4 choices (use 0–3)."),
        ({"choices": ("one",), "answer": 0}, "few_choices", "Question 7: it has 1 choice; give it 2 to 26."),
        ({"choices": (), "answer": 0}, "few_choices", "Question 7: it has 0 choices; give it 2 to 26."),
        (
            {"choices": ("a", "b", "a "), "answer": 1},
            "repeated_choice",
            "Question 7: choices A and C are the same ('a'). Change one.",
        ),
        (
            {"choices": ("a", "  ")},
            "empty_choice",
            "Question 7: choice B is empty. Write it, or remove it.",
        ),
        (
            {"question": " \n"},
            "empty_question",
            "Question 7: the question is empty; write it or delete the row.",
        ),
        (
            {"id": "q0"},
            "repeated_id",
            "Question 7: its id 'q0' is that of question 1 too; give each its own.",
        ),
        ({"id": ""}, "empty_id", "Question 7: it has no id; give it one."),
    ],
)
def test_structural_errors_say_what_where_and_what_is_allowed(
    values: dict[str, Any], code: str, sentence: str
) -> None:
    task = changed(a_set(10), 6, answer=0)
    task = changed(task, 6, **values)
    (found,) = structural_errors(task.questions, LIMITS)
    assert (found.severity, found.code, found.sentence) == ("error", code, sentence)
    assert found.question_id == task.questions[6].id
    with pytest.raises(TaskError) as refusal:
        require_sound(task, LIMITS)
    assert str(refusal.value) == sentence


def test_lengths_counts_and_half_characters() -> None:
    many = tuple(f"choice {n}" for n in range(27))
    task = changed(changed(a_set(10), 0, choices=many), 1, question="x" * 20_001)
    task = changed(task, 2, note="\ud800")
    assert [f.code for f in structural_errors(task.questions, LIMITS)] == [
        "many_choices",
        "too_long",
        "not_text",
    ]
    (found,) = structural_errors(a_set(3).questions, Limits(max_questions=2))
    assert found.sentence == "The set has 3 questions; use at most 2."


def test_structural_errors_come_alone_and_count_dev_too() -> None:
    task = a_set()
    bad_dev = (task.dev[0].model_copy(update={"answer": 2}), *task.dev[1:])
    (found,) = find_problems(task.model_copy(update={"dev": bad_dev}), [], LIMITS)
    assert found.sentence == "Dev question 1: gold is 2, but it has 2 choices (use 0–1)."


def test_the_competition_s_size_is_an_error_there_and_a_warning_elsewhere() -> None:
    (there,) = findings(a_set(99), profile="competition")
    (elsewhere,) = findings(a_set(99))
    assert (there.severity, elsewhere.severity) == ("error", "warning")
    assert there.sentence == "The set has 99 questions; the competition takes 100 to 15,000."
    (empty,) = findings(a_set(0))
    assert (empty.severity, empty.code) == ("error", "no_questions")


def test_a_test_question_in_dev_is_an_error() -> None:
    task = a_set()
    shown = task.questions[4].model_copy(
        update={"id": "other", "question": "  which ELEMENT is kept in the store under the number 104?"}
    )
    (found,) = findings(task.model_copy(update={"dev": (*task.dev, shown)}))
    assert (found.severity, found.code, found.question_id) == ("error", "in_dev", "q4")
    other = shown.model_copy(update={"choices": ("zinc", "lead"), "answer": 0})
    assert findings(task.model_copy(update={"dev": (*task.dev, other)})) == []


def test_too_many_tokens_for_a_model_that_reads_the_set() -> None:
    task = a_set()
    rendered = render_set(task)
    tokens = (*[100] * 119, 129)
    (found,) = find_problems(task, rendered, LIMITS, lengths=[PromptLengths(tokens, 128, "pythia-70m")])
    assert found.sentence == (
        "Question 120: its prompt and longest choice have 129 tokens (tokenizer of pythia-70m), but at most 128 fit "
        "pythia-70m; shorten the question or use fewer few-shot examples."
    )
    assert (found.severity, found.question_id) == ("error", task.questions[119].id)
    (warns,) = find_problems(task, rendered, LIMITS, lengths=[PromptLengths(tokens, 128, "small", "warning")])
    assert warns.severity == "warning"
    assert warns.sentence.endswith("few-shot examples, or run models that read more.")
    (about,) = find_problems(
        task, rendered, LIMITS, lengths=[PromptLengths(tokens, 128, "x", is_estimate=True)]
    )
    assert "about 129 tokens (estimated from its bytes, as the tokenizer is not here)" in about.sentence
    assert find_problems(task, rendered, LIMITS, lengths=[PromptLengths(tokens, 129, "x")]) == []
    assert find_problems(task, rendered, LIMITS) == []
    with pytest.raises(ValueError, match="shorter"):
        find_problems(task, rendered, LIMITS, lengths=[PromptLengths(tokens[:-1], 128, "x")])
    (alone,) = find_problems(
        task,
        rendered,
        LIMITS,
        lengths=[PromptLengths(tokens, 128, "small", "warning", choices=(*[1] * 119, 129))],
    )
    assert (alone.severity, alone.code) == ("error", "too_long_choice")


def test_repeated_and_nearly_repeated_questions() -> None:
    task = a_set()
    again = task.questions[2].model_copy(update={"id": "again"})
    turned = task.questions[3].model_copy(
        update={"id": "turned", "question": "Under the number 103, which element is kept in the store?"}
    )
    found = findings(task.model_copy(update={"questions": (*task.questions, again, turned)}))
    assert [(f.code, f.question_id) for f in found] == [
        ("repeated_question", "again"),
        ("near_duplicate", "turned"),
    ]
    assert "repeats question 3" in found[0].sentence


def test_near_copies_among_the_options() -> None:
    (found,) = findings(changed(a_set(), 5, choices=("the Moon", "moon.", "Mars", "Venus"), answer=2))
    assert (found.code, found.question_id) == ("near_copy", "q5")
    assert findings(changed(a_set(), 5, choices=("-10", "10", "x+1", "x-1"))) == []


def test_text_that_is_not_english() -> None:
    text = "Welches Gas ist in der Luft am häufigsten, wenn man sie bei uns misst?"
    (found,) = findings(changed(a_set(), 5, question=text))
    assert (found.code, found.question_id) == ("not_english", "q5")


def test_a_choice_with_a_blank_at_an_end() -> None:
    task = changed(a_set(), 5, choices=("the Moon", "Venus ", " Mars", "Saturn"), answer=2)
    (found,) = findings(task)
    assert (found.code, found.question_id) == ("outer_blank", "q5")
    assert found.sentence == (
        "Question 6: choice B begins or ends with a blank, which changes the models' answers. Remove it."
    )
    german.translated(found.sentence)
    joined = task.model_copy(update={"config": task.config.model_copy(update={"target_delimiter": ""})})
    assert findings(joined) == []  # there the blank before a choice is the delimiter


def test_thirteen_words_in_a_row_of_the_training_text() -> None:
    task = a_set()
    training = frozenset(
        ngrams(f"It was said: {task.questions[8].question} {task.questions[8].choices[0]} and so on.")
    )
    (found,) = findings(task, training_ngrams=training)
    assert (found.code, found.question_id) == ("training_overlap", "q8")


def test_errors_come_first_then_question_order() -> None:
    task = changed(a_set(99), 50, question="Wort um Wort steht hier ganz allein auf weiter Flur")
    shown = task.questions[70].model_copy(update={"id": "shown"})
    found = findings(task.model_copy(update={"dev": (shown,)}))
    assert [f.code for f in found] == ["in_dev", "competition_size", "not_english"]


def test_a_kind_of_warning_is_shown_fifty_times_and_then_counted() -> None:
    task = a_set()
    german = tuple(
        q.model_copy(update={"question": f"Nummer {q.id}: Wort um Wort steht hier ganz allein auf Flur"})
        for q in task.questions
    )
    found = findings(task.model_copy(update={"questions": german}))
    assert len(found) == 51
    assert found[-1].sentence.startswith("70 more questions have the same")
