"""Calls between modules: what is an arrow, and what is none."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

from e2lm_core.base import formatting
from e2lm_core.base.cache import Cache
from e2lm_core.sets import collection
from e2lm_core.sets.collection import SetInfo
from scripts.count_calls import Calls, module_of


def test_direct_calls_between_modules_are_arrows() -> None:
    calls = Calls()
    with calls.counted():
        formatting.choice_letter(2)
        Cache(100, len).get_or_compute("key", lambda: formatting.choice_letter(2))
    assert {"base/formatting", "base/cache"} <= calls.modules
    assert not calls.arrows  # the lambda stands between the cache and the text
    with calls.counted():
        Cache(100, len).get_or_compute("key", partial(formatting.choice_letter, 2))
    assert ("base/cache", "base/formatting") in calls.arrows
    assert ("base/cache", "base/formatting") not in calls.controls


def test_pairs_that_call_each_other_are_counted_once() -> None:
    arrows = {("a", "b"), ("b", "a"), ("a", "ui/c"), ("ui/c", "a")}
    calls = Calls({"a", "b", "ui/c"}, arrows, arrows - {("ui/c", "a")})
    assert calls.two_way_pairs == [("a", "b")]
    assert calls.interface == {"ui/c"}
    assert (calls | Calls({"d"}, {("c", "a")})).modules == {"a", "b", "ui/c", "d"}


def test_items_of_a_generator_expression_are_no_calls_back(tmp_path: Path) -> None:
    calls = Calls()
    with calls.counted():
        collection.set_labels([SetInfo(name="a", folder=tmp_path, example=False)])
    assert ("sets/collection", "base/titles") in calls.arrows
    assert ("base/titles", "sets/collection") not in calls.arrows


def test_code_of_other_packages_and_of_imports_has_no_module() -> None:
    assert module_of(json.dumps.__code__) is None
    assert module_of(compile("1", str(formatting.__file__), "exec")) is None
    assert module_of(formatting.choice_letter.__code__) == "base/formatting"
