"""What is read of a task's columns in its code: names, kinds and values, and nothing is run."""

from __future__ import annotations

import pytest

from benchmarks.interop import code, standins
from e2lm_core.base.untrusted.safeyaml import FunctionName


def read(source: str, name: str = "f") -> standins.Columns:
    return code.columns_of(
        {"process_docs": FunctionName(f"utils.{name}", "there")}, {"there/utils.py": source.encode()}
    )


@pytest.mark.parametrize(
    ("body", "values"),
    [
        ("return 0 if doc['a'] == '1' else 1", ["1"]),
        ("return {'x': 1, 'y': 2}[doc['a'].strip()]", ["x", "y"]),
        ("return ['x', 'y'].index(doc['a'])", ["x", "y"]),
        ("return KNOWN[doc['a']]", ["k"]),
        ("return doc['a'] in ('x', 'y')", ["x", "y"]),
        ("return other(doc, 'z')", ["z"]),
        ("return doc['a'].startswith('fr')", ["fr"]),
    ],
)
def test_values_that_code_knows(body: str, values: list[str]) -> None:
    source = f"KNOWN = {{'k': 1}}\ndef other(doc, v):\n    return doc['a'] == v\ndef f(doc):\n    {body}\n"
    assert read(source).one_of[("a",)] == values


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("return doc['a'] - 1", "number"),
        ("return doc['a'] > 5.5", "number"),
        ("return int(doc['a'])", "digits"),
        ("return [x for x in doc['a']]", "list"),
        ("return doc['a'].items()", "mapping"),
        ("return ast.literal_eval(doc['a'])", "repr"),
        ("return doc['a'].strip()", "text"),
    ],
)
def test_kinds_that_follow_from_what_is_done(body: str, kind: str) -> None:
    assert read(f"def f(doc):\n    {body}\n").kinds[("a",)] == kind


def test_parts_of_a_column_and_names_in_a_loop() -> None:
    source = (
        "def f(doc):\n"
        "    labels = [c['label'] for c in doc['q']['choices']]\n"
        "    for opt in ['Option 1', 'Option 2']:\n"
        "        doc[opt]\n"
        "    return labels.index(doc['key'])\n"
    )
    columns = read(source)
    assert {("q", "choices", "*", "label"), ("Option 1",), ("Option 2",), ("key",)} <= set(columns.named)
    assert columns.within[("key",)] == ("q", "choices", "*", "label")


def test_a_name_that_a_call_makes_is_followed() -> None:
    source = (
        "NAMES = {'bodo': 'Bodo'}\n"
        "def made(value):\n    def inner(data):\n        return data.filter(lambda x: x['s'] == value)\n    return inner\n"
        "wanted = made(NAMES['bodo'])\n"
        "def asked(doc, connector):\n    return connector[doc['q']]\n"
        "asked_en = partial(asked, connector={'cause': 'because'})\n"
    )
    assert read(source, "wanted").one_of[("s",)] == ["Bodo"]
    assert read(source, "asked_en").one_of[("q",)] == ["cause"]


def test_columns_of_a_task_are_its_templates_and_its_codes() -> None:
    raw = {
        "doc_to_text": "{{prompt}}",
        "doc_to_choice": ["a", "b"],
        "doc_to_target": FunctionName("utils.target", "there"),
    }
    files = {"there/utils.py": b"def target(doc):\n    return 0 if doc['opos'] == '1' else 1\n"}
    columns = code.columns_of(raw, files)
    assert columns.kinds[("prompt",)] == "text"
    assert columns.one_of[("opos",)] == ["1"]
    assert set(columns.without(["opos"]).named) == set()
    (row,) = standins.made(columns, 1, 0)
    assert set(row) == {"prompt"}
