"""The tree in docs/tree.md is the tree on disk, and written parts of a document stay between their marks."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from scripts import annotated_tree, marked


def test_the_tree_in_the_document_is_that_on_disk() -> None:
    page = annotated_tree.PAGE.read_text(encoding="utf-8")
    assert annotated_tree.written(page) == page, "docs/tree.md has an older tree: run `make docs`."


def test_a_room_comes_before_its_files_and_theirs_before_its_rooms(tmp_path: Path) -> None:
    for path, sentence in {
        "house/__init__.py": "All of it.",
        "house/room/__init__.py": "A room; uses none.",
        "house/room/thing.py": "A thing.\n\nAt length.",
        "house/__main__.py": "The door.",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(f'"""{sentence}"""\n')
    assert annotated_tree.tree(tmp_path / "house").splitlines() == [
        "```text",
        "house/         All of it",
        "  __main__.py  The door",
        "  room/        A room; uses none",
        "    thing.py   A thing",
        "```",
    ]


@pytest.mark.parametrize("path", sorted(annotated_tree.PACKAGE.rglob("__init__.py")), ids=str)
def test_a_package_has_a_docstring_and_nothing_else(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    first_line = (ast.get_docstring(tree) or "").partition("\n")[0]
    assert first_line.endswith(".")
    if path.parent != annotated_tree.PACKAGE:  # whose public names are those of docs/python.md
        assert not tree.body[1:]


def test_what_a_program_writes_stays_between_its_marks() -> None:
    page = "before\n<!-- noise -->\n\nold\n\n<!-- /noise -->\nafter\n"
    assert marked.replaced(page, "noise", "| new |") == page.replace("old", "| new |")
    assert marked.part(page, "noise") == "old"
