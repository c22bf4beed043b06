"""Prompts by hand; `test_harness_prompts.py` holds them against the harness itself."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2lm_core.base.errors import TaskError
from e2lm_core.base.memory.memo import Memo
from e2lm_core.base.records import (
    LETTERS_CHOICE,
    LETTERS_TEXT,
    PromptStyle,
    Question,
    RenderedDoc,
    TaskConfig,
    TaskSet,
)
from e2lm_core.sets.folder import loader
from e2lm_core.sets.prompts import render as prompts
from e2lm_core.sets.prompts import sandbox
from e2lm_core.sets.prompts.docs import harness_rows
from e2lm_core.sets.prompts.render import render, render_set
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


ENDING = TaskConfig(task="t", doc_to_text="answer", doc_to_target="question")


def test_of_an_ending_each_choice_is_asked_before_it() -> None:
    fits = question("fits", "was too big.", ("The trophy", "The case is small:"), 0)
    doc = render(ENDING.model_copy(update={"description": "Say. "}), fits)
    assert doc.requests == (
        ("Say. The trophy", " was too big."),
        ("Say. The case is small:", " was too big."),
    )
    assert (doc.context, doc.gold, doc.ending) == ("Say. ", 0, "was too big.")
    assert (doc.choices, doc.scored_texts) == (fits.choices, ("was too big.",) * 2)
    shown = render(ENDING, fits, DEV[:1])
    assert shown.requests[1] == ("yes 0 Example 0?\n\nThe case is small:", " was too big.")
    assert ENDING.style is PromptStyle.ENDING
    for change in ({"doc_to_target": "answer"}, {"doc_to_choice": "{{choices[::-1]}}"}):
        assert ENDING.model_copy(update=change).style is PromptStyle.CUSTOM


def test_the_gold_of_an_ending_is_one_of_its_choices() -> None:
    with pytest.raises(TaskError, match="gold is 2, but it has 2 choices"):
        render(ENDING, SKY.model_copy(update={"answer": 2}))
    with pytest.raises(TaskError, match="An example's gold is 2, but it has 2 choices"):
        render(ENDING, SKY, [DEV[0].model_copy(update={"answer": 2})])


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
        ({"doc_to_text": "choices"}, "names the column 'choices', which holds no text"),
        (
            {"doc_to_text": "answer"},
            "each choice is asked before the text of doc_to_target, and at Question 1 that",
        ),
        ({"doc_to_text": "answer", "doc_to_target": "{{''}}"}, "that gives none: name a text column"),
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


# --- what is remembered -------------------------------------------------------------------------------


@pytest.fixture
def forgotten(monkeypatch: pytest.MonkeyPatch) -> Callable[[TaskSet], list[RenderedDoc]]:
    """Renders as a process does that has rendered nothing yet."""

    def rendered(task: TaskSet) -> list[RenderedDoc]:
        with monkeypatch.context() as patch:
            patch.setattr(prompts, "_RENDERED", Memo(0, prompts._bytes_of))
            return render_set(task)

    return rendered


TEMPLATE = CLOZE.model_copy(update={"doc_to_text": "{{question}} {{extra}} {{note}}?"})


@pytest.mark.parametrize(
    "extras",
    [
        (1, True, 1.0),
        (0.0, -0.0, 0),
        ("\ud83d\ude00", "\U0001f600", "\\ud83d"),
        (["a", "b"], '["a", "b"]', "a"),
        (10**30, 10**30 + 1, 1),
        (None, "None", "null"),
    ],
)
@pytest.mark.parametrize("config", [TEMPLATE, TEMPLATE.model_copy(update={"doc_to_text": "extra {{extra}}"})])
def test_no_doc_is_taken_for_another(forgotten, config: TaskConfig, extras: tuple[object, ...]) -> None:
    for extra in extras:  # alone in its set, since docs of a set have columns of one kind
        one = SKY.model_copy(update={"extra": {"extra": extra}, "note": "x"})
        other = SKY.model_copy(update={"extra": {"extra": "y"}, "note": "x", "id": "other"})
        for questions in ((one,), (one, other)):
            task = TaskSet(config=config, questions=questions)
            try:
                expected = forgotten(task)
            except TaskError as error:
                with pytest.raises(TaskError, match=re.escape(str(error))):
                    render_set(task)
            else:
                assert render_set(task) == render_set(task) == expected


@pytest.mark.parametrize(
    "values",
    [
        {"description": "Answer.\n"},
        {"doc_to_text": "{{question}}"},
        {"doc_to_text": "question"},
        {"doc_to_text": "{% set text = question %}{{text}}"},
        {"doc_to_choice": ("no", "yes")},
        {"doc_to_target": "{{choices[1]}}"},
        {"target_delimiter": ""},
        {"fewshot_delimiter": "\n"},
        {"fewshot_sampler": "default"},
        {"num_fewshot": 1},
        {"num_fewshot": 3},
    ],
)
def test_another_prompt_or_another_example_is_rendered_anew(forgotten, values: dict[str, object]) -> None:
    questions = tuple(SKY.model_copy(update={"id": f"q{n}", "question": f"Why {n}?"}) for n in range(5))
    task = TaskSet(config=CLOZE.model_copy(update={"num_fewshot": 2}), questions=questions, dev=DEV)
    render_set(task)
    config = task.config.model_copy(update=values)
    dev = (DEV[0].model_copy(update={"question": "Another?"}), *DEV[1:])
    for update in ({"config": config}, {"config": config, "dev": dev}, {"questions": questions[::-1]}):
        changed = task.model_copy(update=update)
        assert render_set(changed) == forgotten(changed)


def test_what_is_remembered_counts_for_the_bound_of_a_set(monkeypatch: pytest.MonkeyPatch) -> None:
    questions = tuple(SKY.model_copy(update={"id": f"q{n}", "question": f"Why {n}?"}) for n in range(5))
    render_set(TaskSet(config=CLOZE, questions=questions[:4]))
    monkeypatch.setattr(prompts, "MAX_TOTAL_CHARS", 110)
    monkeypatch.setattr(sandbox, "MAX_TOTAL_CHARS", 110)
    with pytest.raises(TaskError, match="110 characters together, reached at Question 5; shorten"):
        render_set(TaskSet(config=CLOZE, questions=questions))


@pytest.mark.parametrize("text", ["{{missing}}", "{{question", "7"])
def test_what_cannot_be_rendered_is_refused_every_time(text: str) -> None:
    task = TaskSet(config=CLOZE.model_copy(update={"doc_to_text": text}), questions=(SKY,))
    for _ in range(2):
        with pytest.raises(TaskError, match="doc_to_text"):
            render_set(task)


def test_a_refusal_is_remembered_and_so_is_what_was_rendered_before(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "{{ (question ~ 'x') * 1 if question != 'Why 3?' else none.missing }}"
    questions = tuple(SKY.model_copy(update={"id": f"r{n}", "question": f"Why {n}?"}) for n in range(5))
    task = TaskSet(config=CLOZE.model_copy(update={"doc_to_text": text}), questions=questions)
    asked: list[int] = []

    def counted(templates, docs, labels):
        asked.append(len(docs))
        return sandbox.render_all(templates, docs, labels)

    monkeypatch.setattr(prompts, "render_all", counted)
    for order, place in ((questions, 4), (questions, 4), (questions[::-1], 2)):
        with pytest.raises(TaskError, match=f"cannot be rendered at Question {place}"):
            render_set(task.model_copy(update={"questions": order}))
    assert asked == [5]
    render_set(task.model_copy(update={"questions": (*questions[:3], questions[4])}))
    assert asked == [5, 1]
