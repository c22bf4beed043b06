"""Strangers' templates: what is refused, in how many seconds, and with which sentence."""

from __future__ import annotations

import threading
import time

import pytest

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import CLOZE_CHOICE, CLOZE_TEXT, LETTERS_CHOICE, LETTERS_TEXT
from e2lm_core.sets.prompts import sandbox
from e2lm_core.sets.prompts.sandbox import compile_template, render_all

DOC = {"id": "a", "question": "Why?", "choices": ["x", "y"], "answer": 0}


def rendered(source: str) -> str:
    return render_all([compile_template(source, "doc_to_text")], [DOC], ["Question 1"])[0][0]


@pytest.mark.parametrize(
    "source",
    [CLOZE_TEXT, CLOZE_CHOICE, LETTERS_TEXT, LETTERS_CHOICE, "{{question.strip()}}\n", "{{answer}}", "plain"],
)
def test_common_templates_need_no_process_of_their_own(source: str) -> None:
    assert compile_template(source, "doc_to_text").compiled is not None


@pytest.mark.parametrize(
    "source",
    [
        "{{ 'a' * 9 }}",
        "{% for a in choices %}{% for b in choices %}{% endfor %}{% endfor %}",
        "{% for c in question %}{% endfor %}",
        "{{ question.replace('a', 'b') }}",
        "{{ question|center(9) }}",
        "{% set x = question %}",
        "{{ range(3) }}",
        ("{{ question" + ".strip()" * 60 + " }}") * 2,
    ],
)
def test_what_could_grow_runs_in_a_process_of_its_own(source: str) -> None:
    assert compile_template(source, "doc_to_text").compiled is None


def test_both_ways_give_the_same_text() -> None:
    assert rendered(LETTERS_TEXT) == "Question: Why?\nA. x\nB. y\nAnswer:"
    assert rendered(LETTERS_TEXT + "{{ 'z' * 2 }}") == "Question: Why?\nA. x\nB. y\nAnswer:zz"
    assert rendered("{{ question|regex_replace('W', 'V') }}\n") == "Vhy?\n"


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("{% for i in range(10**9) %}x{% endfor %}", "a range may have at most 100,000 numbers"),
        ("{{ question.__class__ }}", "reaches for the attribute '__class__'"),
        ("{{ question['__class__'] }}", "reaches for the attribute '__class__'"),
        ("{{ cycler.__init__.__globals__.os.getpid() }}", "reaches for the attribute"),
        ("{{ question|attr('__cl' ~ 'ass__') }}", "reaches for something that is not a column"),
        ("{{ '{0.__class__}'.format(question) }}", "reaches for something that is not a column"),
        ("{{ choices.append(1) }}", "reaches for something that is not a column"),
        ("{% include 'x' %}", "loads another template"),
        ("{% import 'x' as y %}", "loads another template"),
        ("{% for", "is not a valid template (line 1"),
        ("{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", "is not a valid template"),
        ("{{ colour }}", "'colour' is undefined; the columns are id, question, choices, answer"),
        ("{{ question|nofilter }}", "No filter named 'nofilter'"),
        ("{{ choices|random }}", "No filter named 'random'"),
        ("{{ 'x'.ljust(10**12) }}", "needs more than"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "calls itself too deeply"),
        ("x" * 20_001, "may have at most 20,000"),
    ],
)
def test_a_template_that_reaches_or_grows_is_refused_in_one_sentence(source: str, says: str) -> None:
    with pytest.raises(TaskError) as refusal:
        rendered(source)
    sentence = str(refusal.value)
    assert says in sentence
    assert sentence.startswith("doc_to_text")
    assert "\n" not in sentence
    assert len(sentence) < 400


def test_output_is_bounded_here_and_in_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "MAX_RENDERED_CHARS", 10)
    with pytest.raises(TaskError, match="gives more than 10 characters at Question 1"):
        rendered("{{ question }}" * 4)
    with pytest.raises(TaskError, match="gives more than 10 characters at Question 1"):
        rendered("{{ question * 4 }}")
    monkeypatch.setattr(sandbox, "MAX_TOTAL_CHARS", 7)
    for source in ("{{question}}", "{{question * 1}}"):
        with pytest.raises(TaskError, match="more than 7 characters together, reached at Question 2"):
            render_all([compile_template(source, "doc_to_text")], [DOC, DOC], ["Question 1", "Question 2"])


@pytest.mark.slow
@pytest.mark.parametrize(
    "source",
    [
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        "{{ (('a' * 40) ~ '!')|regex_replace('(a+)+$', 'c') }}",
        "{% set n = namespace(x='ab') %}{% for i in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
    ],
)
def test_endless_work_is_ended(source: str) -> None:
    start = time.monotonic()
    with pytest.raises(TaskError, match=r"takes longer than|needs more than"):
        rendered(source)
    assert time.monotonic() - start < 30


def test_the_place_of_a_failure_is_named() -> None:
    docs = [DOC, DOC | {"choices": None}]
    for source in ("{{ choices|length }}", "{{ (choices|length) * 1 }}"):
        with pytest.raises(TaskError, match="Question 2"):
            render_all([compile_template(source, "doc_to_text")], docs, ["Question 1", "Question 2"])


@pytest.mark.parametrize(
    "source",
    [
        "{{ question" + ".strip()" * 900 + " }}",
        "{{ 1" + "+1" * 4_000 + " }}",
        "{{ question" + "[0]" * 5_000 + " }}",
        "{{ question" + "|trim" * 3_000 + " }}",
        "{{ " + "not " * 4_000 + "question }}",
        "{% if question %}" * 600 + "{% endif %}" * 600,
        "{{ " + "[" * 2_000 + "]" * 2_000 + " }}",
        "{{ question" + " if question else question" * 700 + " }}",
    ],
)
def test_thousands_of_operations_are_one_sentence(source: str) -> None:
    with pytest.raises(TaskError, match="chains or nests more than 200 operations"):
        rendered(source)


def test_what_is_just_short_enough_is_rendered() -> None:
    assert rendered("{{ question" + ".strip()" * 95 + " }}") == "Why?"
    assert rendered("{{ 1" + "+1" * 190 + " }}") == "191"


def test_no_more_than_two_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "_places", threading.BoundedSemaphore(1))
    monkeypatch.setattr(sandbox.sandbox, "WAIT_S", 0.01)
    with sandbox._places, pytest.raises(TaskError, match="doc_to_text waits behind other templates"):
        rendered("{{ 'a' * 9 }}")
    assert rendered("{{ 'a' * 9 }}") == "a" * 9


def test_what_was_rendered_before_a_refusal_comes_with_it() -> None:
    docs = [DOC, DOC, DOC | {"choices": None}, DOC]
    template = compile_template("{{ (choices|length) * 1 }}", "doc_to_text")
    with pytest.raises(sandbox.TemplateRefused, match="Question 2") as refusal:
        render_all([template], docs, [f"Question {n}" for n in range(4)])
    assert refusal.value.rendered == [["2"], ["2"]]


def test_all_questions_together_have_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "TOTAL_SECONDS", 0)
    with pytest.raises(
        TaskError, match="takes longer than 0 seconds for all questions together, reached at Q"
    ):
        rendered("{{ 'a' * 9 }}")
