"""The server's cache: a value is found by the content of its inputs, whatever they are."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from e2lm_core.base.records import Value
from e2lm_core.scores.ranking import readings
from e2lm_core.ui.base import page_cache
from tests.support import studios
from tests.support.measured import LARGE, RISING, SMALL, curve, measurements


@dataclasses.dataclass(frozen=True)
class Drawn:
    name: str
    values: np.ndarray


@pytest.fixture(autouse=True)
def empty() -> None:
    page_cache.clear()


def distinct() -> list[object]:
    """Inputs that all differ in content, near each other."""
    task, frame = studios.task(), pd.DataFrame({"a": [1.0, 2.0], "b": ["x", None]})
    rising = measurements(curve(SMALL, RISING), curve(LARGE, RISING))
    return [
        "a",
        "b",
        1.5,
        None,
        Path("a"),
        (),
        ("a",),
        ("a", "b"),
        (("a",), "b"),
        {"a": 1.5},
        {"b": 1.5},
        readings.DEFAULT,
        np.zeros(2),
        np.zeros(3),
        np.zeros((2, 1)),
        np.zeros(2, dtype=np.float32),
        np.array(["a", None], dtype=object),
        np.array(["a", "b"], dtype=object),
        frame,
        frame.assign(a=[1.0, 2.5]),
        frame.assign(b=["x", "y"]),
        frame.rename(columns={"a": "c"}),
        frame[["b", "a"]],
        Drawn("a", np.zeros(2)),
        Drawn("b", np.zeros(2)),
        Drawn("a", np.ones(2)),
        Value(value=1.0),
        Value(value=2.0),
        task,
        task.model_copy(update={"readme": "Other."}),
        task.model_copy(update={"zero_shot": "its examples are drawn by code"}),
        task.model_copy(update={"questions": task.questions[::-1]}),
        task.model_copy(update={"questions": task.questions[:-1], "dev": (*task.dev, task.questions[-1])}),
        rising,
        measurements(curve(SMALL, RISING), curve(LARGE, RISING[::-1])),
    ]


def test_no_two_different_inputs_share_a_value() -> None:
    for one, other in itertools.combinations(distinct(), 2):
        assert page_cache.content_key(one) != page_cache.content_key(other), (one, other)


def test_equal_inputs_share_a_value_though_they_are_other_objects() -> None:
    for one, other in zip(distinct(), distinct(), strict=True):
        first = page_cache.get_or_compute("kind", (one, "same"), object)
        assert page_cache.get_or_compute("kind", (other, "same"), object) is first


def test_an_input_without_content_is_an_error() -> None:
    with pytest.raises(TypeError, match="object has no content"):
        page_cache.get_or_compute("kind", (object(),), object)


def test_kinds_do_not_share() -> None:
    assert page_cache.get_or_compute("one", ("a",), lambda: 1) == 1
    assert page_cache.get_or_compute("other", ("a",), lambda: 2) == 2
    assert page_cache.find("one", ("b",)) is None


def test_of_versions_only_the_latest_is_kept() -> None:
    made = itertools.count()
    for version in (1, 1, 2, 1):
        page_cache.get_or_compute("kind", ("a",), lambda: next(made), version)
    assert page_cache.find("kind", ("a",)) == 2


def test_a_changed_copy_of_a_set_has_a_digest_of_its_own() -> None:
    task = studios.task()
    digest = task.digest
    changed = task.model_copy(update={"readme": "Other."})
    assert changed.digest != digest
    assert changed.model_copy(update={"readme": task.readme}).digest == digest
    assert task.model_copy(update={"owner": "ada"}).digest == digest
