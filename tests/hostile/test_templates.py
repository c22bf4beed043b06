"""Prompts of strangers: what reaches, grows, never ends or goes too deep, through the service that renders."""

from __future__ import annotations

import pytest

from e2lm_core.base.records import Question, TaskConfig, TaskSet
from e2lm_core.sets.prompts.render import render_set
from tests.hostile.ground import Ground

QUESTIONS = tuple(
    Question(
        id=f"q{n}", question=f"Why {n}?", choices=("one", "two"), answer=0, extra={"wide": [["x"] * 9] * 9}
    )
    for n in range(3)
)
TEMPLATES = {
    "private attribute": "{{ question.__class__ }}",
    "private attribute by filter": "{{ question|attr('__class__') }}",
    "private attribute by name in two": "{{ question|attr('__cl' ~ 'ass__') }}",
    "private attribute by map": "{{ choices|map(attribute='__class__')|list }}",
    "format": "{{ '{0.__class__.__mro__}'.format(question) }}",
    "format_map": "{{ '{q.__class__}'.format_map({'q': question}) }}",
    "joiner": "{{ joiner.__init__.__globals__ }}",
    "cycler": "{{ cycler.__init__.__globals__.os.system('touch canary2') }}",
    "namespace": "{{ namespace.__init__ }}",
    "self": "{{ self.__init__.__globals__ }}",
    "self by another name": "{{ self._TemplateReference__context }}",
    "caller": "{% macro m() %}{{ caller.__globals__ }}{% endmacro %}{% call m() %}{% endcall %}",
    "include": "{% include '/etc/passwd' %}",
    "import": "{% import 'os' as os %}{{ os.system('touch canary2') }}",
    "extends": "{% extends question %}",
    "an undefined name": "{{ colour }}",
    "a column that is changed": "{{ choices.append('three') }}",
    "a number of 10 digits": "{{ 'x' * 9999999999 }}",
    "a power": "{{ 9 ** 9 ** 9 }}",
    "a string of a gigabyte": "{{ 'x'.ljust(10 ** 9) }}",
    "centred in a gigabyte": "{{ 'x'|center(1000000000) }}",
    "a list of a billion": "{{ (choices * 1000000000)|length }}",
    "a range of a billion": "{% for i in range(1000000000) %}{% endfor %}",
    "percent": "{{ '%1000000000d' % 1 }}",
    "a number of 400 digits": "{{ " + "9" * 400 + " }}",
    "a number of 5,000 digits": "{{ " + "9" * 5_000 + " }}",
    "900 methods": "{{ question" + ".strip()" * 900 + " }}",
    "4,000 additions": "{{ 1" + " + 1" * 4_000 + " }}",
    "5,000 indices": "{{ question" + "[0]" * 5_000 + " }}",
    "3,000 filters": "{{ question" + "|trim" * 3_000 + " }}",
    "4,000 negations": "{{ " + "not " * 4_000 + "question }}",
    "3,000 parentheses": "{{ " + "(" * 3_000 + ")" * 3_000 + " }}",
    "99 conditions in conditions": "{% if question %}" * 99 + "x" + "{% endif %}" * 99,
    "600 conditions in conditions": "{% if question %}" * 600 + "{% endif %}" * 600,
    "50 loops in loops": "{% for c in choices %}" * 50 + "{% endfor %}" * 50,
    "a macro that calls itself": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "a loop that calls itself": "{% for c in choices recursive %}{{ loop(choices) }}{% endfor %}",
    "20,001 characters": "x" * 20_001,
    "half a character": "{{ '\\ud800' }}",
    "control characters": "{{ '\\x1b[31m' }}{{ nothing\x1b }}",
    "an unknown filter of 9,000 characters": "{{ question|" + "x" * 9_000 + " }}",
    "an unknown name of 9,000 characters": "{{ " + "x" * 9_000 + " }}",
    "half a tag": "{{ question",
    "half a block": "{% for c in choices %}",
    "a debug tag": "{% debug %}",
    "at random": "{{ choices|random }}",
    "lipsum": "{{ lipsum(100) }}",
}
# What has to be stopped takes its second, or a third of its memory, of a process of its own.
SLOW = {
    "loops in loops": "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "a regular expression": "{{ (('a' * 40) ~ '!')|regex_replace('(a+)+$', 'c') }}",
    "doubling": "{% set n = namespace(x='ab') %}{% for i in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
    "sorting": "{% for i in range(99999) %}{{ (range(99999)|list)|sort|length }}{% endfor %}",
}


def rendered(source: str) -> None:
    render_set(TaskSet(config=TaskConfig(task="t", doc_to_text=source), questions=QUESTIONS))


# Refused before any process is started for them.
PARSED = (
    "private attribute",
    "include",
    "import",
    "extends",
    "900",
    "4,000",
    "5,000 i",
    "3,000",
    "half a",
    "20,001",
)


@pytest.mark.parametrize(
    "name", [n if n.startswith(PARSED) else pytest.param(n, marks=pytest.mark.slow) for n in TEMPLATES]
)
def test_a_template(ground: Ground, name: str) -> None:
    ground.tried(lambda: rendered(TEMPLATES[name]))


@pytest.mark.slow
@pytest.mark.parametrize("field", ["description", "doc_to_choice", "doc_to_target"])
@pytest.mark.parametrize("name", ["cycler", "4,000 additions", "a number of 400 digits", "half a character"])
def test_other_fields(ground: Ground, field: str, name: str) -> None:
    config = TaskConfig(task="t", **{field: TEMPLATES[name]})
    ground.tried(lambda: render_set(TaskSet(config=config, questions=QUESTIONS)))


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_what_never_ends_is_ended(ground: Ground, name: str) -> None:
    assert "doc_to_text" in ground.refused(lambda: rendered(SLOW[name]))
    ground.refused(lambda: rendered(SLOW[name]))
