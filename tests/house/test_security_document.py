"""SECURITY.md: behind each threat stands a test that there is."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.conftest import ROOT

TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
ROWS = [line for line in TEXT.splitlines() if re.match(r"\| [STRIDE ]+ \|", line)]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def names_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_a_test_stands_behind_each_threat() -> None:
    assert len(ROWS) > 30
    assert not [row for row in ROWS if not NAMED.search(row.split("|")[4])]


def test_every_test_that_is_named_exists() -> None:
    gone = [
        f"{file}::{name}"
        for file, name in sorted(set(NAMED.findall(TEXT)))
        if not (ROOT / file).exists() or name not in names_in(ROOT / file)
    ]
    assert not gone, f"SECURITY.md names tests that there are not: {gone}"


def test_every_kind_of_threat_is_thought_of() -> None:
    assert {letter for row in ROWS for letter in row.split("|")[1].split()} == set("STRIDE")
