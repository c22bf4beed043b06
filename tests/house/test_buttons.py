"""Each button has a key: without one, its label and hint are its identity, and a click on the former ones is lost."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.conftest import ROOT

UI = ROOT / "e2lm_core" / "ui"


def buttons(tree: ast.Module) -> Iterator[ast.Call]:
    """Calls that draw a button: `st.button`, or a container's."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "button":
            yield node


def test_each_button_has_a_key() -> None:
    found = [
        (path.relative_to(ROOT).as_posix(), call.lineno, any(one.arg == "key" for one in call.keywords))
        for path in sorted(UI.rglob("*.py"))
        for call in buttons(ast.parse(path.read_text("utf-8")))
    ]
    assert len(found) > 80
    assert [one[:2] for one in found if not one[2]] == []
