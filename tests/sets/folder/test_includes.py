"""Includes within a tree, and keys that stand twice."""

from __future__ import annotations

import pytest

from e2lm_core.base.errors import TaskError
from e2lm_core.base.untrusted.safeyaml import FunctionName
from e2lm_core.sets.folder.includes import merge_includes

TREE = {
    "a/b/x.yaml": b"include: ../base.yaml\ntask: x\n",
    "a/base.yaml": b"task: base\nf: !function utils.f\nlist: [!function utils.g]\n",
    "a/out.yaml": b"include: ../../etc/passwd\n",
    "a/one.yaml": b"include: two.yaml\n",
    "a/two.yaml": b"include: [one.yaml]\n",
    "a/twice.yaml": b"k: 1\nk: 2\n",
}


def test_a_file_above_the_folder_is_in_the_tree_and_functions_know_where_they_stood() -> None:
    raw = merge_includes(TREE, "a/b/x.yaml", [])
    assert raw == {"task": "x", "f": FunctionName("utils.f", "a"), "list": [FunctionName("utils.g", "a")]}


def test_what_leaves_the_tree_or_leads_in_a_circle_is_refused() -> None:
    with pytest.raises(TaskError, match="leaves the task's folder"):
        merge_includes(TREE, "a/out.yaml", [])
    with pytest.raises(TaskError, match="includes itself"):
        merge_includes(TREE, "a/one.yaml", [])


def test_of_a_key_that_stands_twice_the_last_counts_and_is_said() -> None:
    said: list[str] = []
    assert merge_includes(TREE, "a/twice.yaml", said) == {"k": 2}
    assert said == ["a/twice.yaml: the key 'k' is there twice; its last value counts."]
    with pytest.raises(TaskError, match="there twice; keep one"):
        merge_includes(TREE, "a/twice.yaml", None)
