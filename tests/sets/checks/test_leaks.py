"""Answers that stand in their own prompt, and listed options that do not count."""

from __future__ import annotations

import json

import pytest

from e2lm_core.base.records import (
    CLOZE_CHOICE,
    CLOZE_TEXT,
    LETTERS_CHOICE,
    LETTERS_TEXT,
    Question,
    TaskConfig,
    TaskSet,
)
from e2lm_core.sets.checks.check import structural_errors
from tests.conftest import needs
from tests.sets.checks.elements import LIMITS, a_set, changed, findings

LEAKY = {"question": "The metal Barium, 0A, is inert; which is it of all these in the store?"}


def test_an_answer_in_its_own_prompt_stops_a_competition_export() -> None:
    task = changed(a_set(), 0, **LEAKY)
    (there,) = findings(task, profile="competition")
    (elsewhere,) = findings(task)
    assert there.code == elsewhere.code == "answer_in_prompt"
    assert (there.severity, elsewhere.severity) == ("error", "warning")
    assert "'barium 0a'" in there.sentence


@pytest.mark.parametrize(
    "style",
    [
        (CLOZE_TEXT, CLOZE_CHOICE),
        (LETTERS_TEXT, LETTERS_CHOICE),
        ("{{choices|join(', ')}}: {{question}}", "choices"),
    ],
)
def test_few_shot_answers_leak_and_listed_options_do_not(style: tuple[str, str]) -> None:
    task = a_set(doc_to_text=style[0], doc_to_choice=style[1])
    assert [f for f in findings(task, 3) if f.code == "answer_in_prompt"] == []
    dev = task.dev[0].model_copy(
        update={"question": "Is barium 0a a tree, an element or a house in the town?"}
    )
    task = task.model_copy(update={"dev": (dev, *task.dev[1:])})
    assert [f.question_id for f in findings(task, 3) if f.code == "answer_in_prompt"] == ["q0"]


def test_real_questions_leak_alike_in_both_styles() -> None:
    """Listing the options must add no leak: both styles flag the same three of MMLU's own questions."""
    lines = (needs("reference") / "mmlu-dev-sample.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    every = tuple(
        Question(id=str(n), question=r["question"], choices=tuple(r["choices"]), answer=r["answer"])
        for n, r in enumerate(rows)
    )
    (torn,) = structural_errors(every, LIMITS)
    assert torn.code == "repeated_choice"  # the sample's own fault, from its source
    sound = tuple(q for q in every if q.id != torn.question_id)
    for text, choice in ((CLOZE_TEXT, CLOZE_CHOICE), (LETTERS_TEXT, LETTERS_CHOICE)):
        config = TaskConfig(task="t", doc_to_text=text, doc_to_choice=choice)
        found = findings(TaskSet(config=config, questions=sound[5:], dev=sound[:5]), 5)
        assert [f.code for f in found] == [
            "answer_in_prompt",
            "answer_in_prompt",
            "repeated_question",
            "answer_in_prompt",
        ]
