"""JSON that strangers give: values, or the reason why there are none."""

from __future__ import annotations

import json

import pytest

from e2lm_core.base.untrusted import safejson


def test_json_is_read() -> None:
    assert safejson.loads('{"a": [1, 2.5, null, "\\ud83d\\ude00"]}') == {"a": [1, 2.5, None, "😀"]}
    assert safejson.loads('{"a": 1, "a": 2}', object_pairs_hook=list) == [("a", 1), ("a", 2)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 100_000, "nests too deeply"),
        ('{"a":' * 100_000, "nests too deeply"),
        ("9" * 5_000, "a number too long"),
        ("[" + "[]," * 2_000_001 + "1]", "more than 4,000,000 values"),
        ('["\\ud800"]', "half character"),
        ('{"\\uDFFF": 1}', "half character"),
    ],
)
def test_what_cannot_be_used_says_why(text: str, said: str) -> None:
    with pytest.raises(safejson.InvalidJson, match=said):
        safejson.loads(text)


def test_what_is_no_json_is_json_s_own_error() -> None:
    with pytest.raises(json.JSONDecodeError):
        safejson.loads("{")
    with pytest.raises(ValueError, match="NaN is not"):
        safejson.loads("NaN", parse_constant=lambda name: (_ for _ in ()).throw(ValueError("NaN is not")))


def test_a_path_of_keys_ends_where_a_level_is_no_object() -> None:
    content = {"a": {"b": {"c": 1}}, "list": [{"b": 1}]}
    assert safejson.value_at(content, "a", "b", "c") == 1
    assert safejson.object_at(content, "a", "b") == {"c": 1}
    for keys in (("a", "x"), ("a", "b", "c", "d"), ("list", "b"), ("x",)):
        assert safejson.value_at(content, *keys) is None
        assert safejson.object_at(content, *keys) == {}
    assert safejson.object_at(None, "a") == safejson.object_at(content, "list") == {}
