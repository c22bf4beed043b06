"""Prompts by hand; `test_harness_prompts.py` holds them against the harness itself."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import LETTERS_CHOICE, LETTERS_TEXT, Question, TaskConfig, TaskSet
from e2lm_core.sets.folder import loader
from e2lm_core.sets.prompts.render import harness_rows, render, render_set
from tests.conftest import needs


def question(identity: str, text: str, choices: tuple[str, ...], answer: int, **more: object) -> Question:
    return Question(id=identity, question=text, choices=choices, answer=answer, **more)


SKY = question("sky", "Why is the sky blue?", ("Rayleigh scattering", "the sea"), 0)
DEV = tuple(question(f"d{i}", f"Example {i}?", (f"no {i}", f"yes {i}"), 1) for i in range(4))
CLOZE = TaskConfig(task="t")
LETTERS = TaskConfig(task="t", doc_to_text=LETTERS_TEXT, doc_to_choice=LETTERS_CHOICE)


def test_cloze() -> None:
    doc = render(CLOZE, SKY)
    assert doc.context == "Question: Why is the sky blue?\nAnswer:"
    assert doc.continuations == (" Rayleigh scattering", " the sea")
    assert doc.choices == SKY.choices
    assert (doc.question_id, doc.gold) == ("sky", 0)


def test_letters() -> None:
    doc = render(LETTERS, SKY)
    assert doc.context == "Question: Why is the sky blue?\nA. Rayleigh scattering\nB. the sea\nAnswer:"
    assert doc.continuations == (" A", " B")


def test_shots_stand_between_description_and_question() -> None:
    config = CLOZE.model_copy(update={"description": "Answer.\n\n", "num_fewshot": 2})
    (doc,) = render_set(TaskSet(config=config, questions=(SKY,), dev=DEV))
    assert doc.context == (
        "Answer.\n\nQuestion: Example 0?\nAnswer: yes 0\n\nQuestion: Example 1?\nAnswer: yes 1\n\n"
        "Question: Why is the sky blue?\nAnswer:"
    )
    assert doc == render(config, SKY, DEV[:2])


def test_the_default_sampler_draws_once_a_question_from_one_seeded_generator() -> None:
    config = CLOZE.model_copy(update={"fewshot_sampler": "default"})
    task = TaskSet(config=config, questions=(SKY, SKY.model_copy(update={"id": "again"})), dev=DEV)
    draw = random.Random(1234)
    expected = [render(config, q, draw.sample(DEV, 3)).context for q in task.questions]
    assert [doc.context for doc in render_set(task, 3)] == expected


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"doc_to_text": "{{answer}}"}, "bare number '0' at Question 1"),
        ({"doc_to_text": "answer"}, "names the column 'answer', which holds no text"),
        ({"doc_to_choice": "{{question}}"}, "does not give a list of texts at Question 1"),
        ({"doc_to_choice": "[" * 5000}, "does not give a list of texts"),
        ({"doc_to_choice": ("only",)}, "fewer than two choices or an empty one"),
        ({"doc_to_target": "{{question}}"}, "gold is 'Why is the sky blue?', but it has 2 choices"),
        ({"doc_to_target": "['a']"}, "neither one index nor one text"),
        ({"doc_to_target": "7"}, "Question 1: gold is 7, but it has 2 choices (use 0–1"),
    ],
)
def test_what_the_templates_make_must_be_usable(change: dict[str, object], says: str) -> None:
    with pytest.raises(TaskError) as refusal:
        render_set(TaskSet(config=CLOZE.model_copy(update=change), questions=(SKY,)))
    assert says in str(refusal.value)


def test_more_shots_than_dev_has_are_refused() -> None:
    task = TaskSet(config=CLOZE, questions=(SKY,), dev=DEV)
    with pytest.raises(TaskError, match="num_fewshot is 5, but the set has 4 dev questions"):
        render_set(task, 5)
    with pytest.raises(TaskError, match="use 0 to 32"):
        render_set(task, 33)
    with pytest.raises(TaskError, match="use 0 to 32"):
        render_set(task, -1)


def test_an_empty_set_has_no_prompts() -> None:
    assert render_set(TaskSet(config=CLOZE, questions=(), dev=DEV), 2) == []


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text("aé\n", max_size=3),
    st.lists(st.text("ab", max_size=2), max_size=2),
    st.dictionaries(st.sampled_from("xy"), st.integers(0, 3), max_size=2),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(["k", "l"]), VALUES), min_size=1, max_size=4))
def test_columns_are_what_the_loader_gives(extras: list[dict[str, object]]) -> None:
    questions = [SKY.model_copy(update={"extra": extra}) for extra in extras]
    docs, _ = harness_rows(questions, ())
    names = [name for name in ("k", "l") if any(extra.get(name) is not None for extra in extras)]
    for name in names:
        assert [doc[name] for doc in docs] == loader.as_column([extra.get(name) for extra in extras])
    assert all(set(doc) == {"id", "question", "choices", "answer", *names} for doc in docs)


def test_real_questions_render() -> None:
    lines = (needs("reference") / "mmlu-dev-sample.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    questions = tuple(
        question(str(i), r["question"], tuple(r["choices"]), r["answer"]) for i, r in enumerate(rows)
    )
    docs = render_set(TaskSet(config=CLOZE, questions=questions[5:], dev=questions[:5]), 5)
    assert [doc.gold for doc in docs] == [q.answer for q in questions[5:]]
    assert all(doc.context.endswith("\nAnswer:") for doc in docs)
