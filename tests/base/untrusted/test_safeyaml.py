"""YAML from strangers."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from e2lm_core.base.errors import TaskError
from e2lm_core.base.untrusted.safeyaml import FunctionName, dump_block, load_mapping, quote_scalar


def test_plain_values_and_named_functions() -> None:
    value = load_mapping(b"a: 1\nb: [x, 2.5, null]\nc: !function loader.load\n", "t.yaml")
    assert value == {"a": 1, "b": ["x", 2.5, None], "c": FunctionName("loader.load")}
    assert value["c"].module == "loader"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            b"a: 1\nb: 2\na: 3\n",
            "t.yaml is not YAML that the studio reads (line 3): the key 'a' is there twice",
        ),
        (b"a: {b: 1, b: 2}\n", "the key 'b' is there twice; keep one"),
        (b"a: &x [1]\nb: *x\n", "(line 2): it uses an alias (*name); write it out"),
        (b"a: !!python/object/apply:os.system [ls]\n", "could not determine a constructor"),
        (b"a: !include other.yaml\n", "could not determine a constructor for the tag '!include'"),
        (b"a: !function [1]\n", "!function takes one name"),
        (b"a: [\n", "(line 2)"),
        (b'a: 1\nb: ["\\ud83d"]\n', "(line 2): it holds a half character (a lone surrogate); write the"),
        (b'"\\udfff": 1\n', "(line 1): it holds a half character"),
        (b"- a\n", "must be a mapping of keys"),
        (b"1: a\n", "must be a mapping of keys"),
        (b"", "must be a mapping of keys"),
        (b"a: \xe9\n", "t.yaml is not UTF-8 (byte 0xe9 in line 1); save it as UTF-8."),
        (b"a: " + b"[" * 500, "is not YAML that the studio reads"),
        (b"a: 2024-99-99\n", "is not YAML that the studio reads"),
        (b"#" * 300_000, "may have at most 262,144"),
    ],
)
def test_what_is_refused_is_said_in_one_sentence(text: bytes, says: str) -> None:
    with pytest.raises(TaskError) as refusal:
        load_mapping(text, "t.yaml")
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@settings(max_examples=40, deadline=None)
@given(TEXT)
def test_text_survives_on_one_line(text: str) -> None:
    line = f"key: {quote_scalar(text)}\n"
    assert line.count("\n") == 1
    assert load_mapping(line.encode(), "t.yaml") == {"key": text}


@settings(max_examples=40, deadline=None)
@given(st.lists(TEXT, max_size=3), st.dictionaries(TEXT, TEXT | st.integers(), max_size=3))
def test_lists_and_blocks_survive(texts: list[str], mapping: dict[str, object]) -> None:
    document = f"list: {quote_scalar(texts)}\nmap:\n{dump_block(mapping)}"
    assert load_mapping(document.encode(), "t.yaml") == {"list": texts, "map": mapping}
    assert yaml.safe_load(document) == {"list": texts, "map": mapping}


@pytest.mark.parametrize("mark", ["\x85", "\u2028", "\u2029"])
def test_rare_line_breaks_survive_in_blocks(mark: str) -> None:
    mapping = {"note": f"a{mark}b", mark: mark}
    assert yaml.safe_load(dump_block(mapping, "")) == mapping
