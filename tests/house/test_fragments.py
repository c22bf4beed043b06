"""A fragment redraws its page through `polling.redraw_page`: `st.rerun` in it would break off the answer to a click."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.conftest import ROOT

UI = ROOT / "e2lm_core" / "ui"


def is_fragment(node: ast.expr) -> bool:
    """Whether this is `st.fragment`, with arguments or without."""
    return ast.unparse(node.func if isinstance(node, ast.Call) else node) == "st.fragment"


def fragments(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """Functions of a module that are drawn as fragments: decorated, or named in `st.fragment(name, …)`."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and is_fragment(node)]
    named = {node.args[0].id for node in calls if node.args and isinstance(node.args[0], ast.Name)}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and (
            node.name in named or any(is_fragment(one) for one in node.decorator_list)
        ):
            yield node


def unasked_reruns(node: ast.AST) -> Iterator[int]:
    """Lines of `st.rerun` that are no answer to a click on a button of the same fragment."""
    if isinstance(node, ast.If) and "button(" in ast.unparse(node.test):
        return
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "st.rerun":
        yield node.lineno
    for child in ast.iter_child_nodes(node):
        yield from unasked_reruns(child)


def test_no_fragment_breaks_a_pages_drawing_off() -> None:
    found = [
        (path.relative_to(ROOT).as_posix(), fragment.name, list(unasked_reruns(fragment)))
        for path in sorted(UI.rglob("*.py"))
        for fragment in fragments(ast.parse(path.read_text("utf-8")))
    ]
    assert len(found) > 15
    assert [one for one in found if one[2]] == []


def test_a_rerun_without_a_click_is_found() -> None:
    tree = ast.parse(
        "@st.fragment(run_every=1)\n"
        "def drawn():\n"
        "    if over:\n"
        "        st.rerun()\n"
        "    if st.button('Stop'):\n"
        "        st.rerun()\n"
        "def polled():\n"
        "    st.rerun()\n"
        "st.fragment(polled, run_every=1)()\n"
    )
    assert [(one.name, list(unasked_reruns(one))) for one in fragments(tree)] == [
        ("drawn", [4]),
        ("polled", [8]),
    ]
