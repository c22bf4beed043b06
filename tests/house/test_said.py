"""Whatever Streamlit draws as Markdown is our own literal, or has gone through `ui/base/markdown.py`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import ROOT

SAY = ROOT / "e2lm_core" / "ui" / "base" / "markdown.py"
# Calls of Streamlit that draw their first text as Markdown; any receiver counts, a column as well as `st`.
FIRST = {
    *("markdown", "caption", "error", "warning", "info", "success", "title", "header", "subheader", "toast"),
    *("write", "expander", "popover", "button", "download_button", "form_submit_button", "link_button"),
    *("toggle", "checkbox", "selectbox", "multiselect", "text_input", "text_area", "number_input", "slider"),
    *("select_slider", "file_uploader", "segmented_control", "pills", "radio", "metric", "tabs", "spinner"),
    *("status", "badge", "dialog", "latex", "html", "feedback", "date_input", "chat_message"),
}
NAMED = {"label", "help", "body", "delta"}
TEXTS = {"progress", "status"}  # whose `text` is drawn
OPTIONS = {"segmented_control", "pills", "radio"}  # whose options are drawn, too
RAW = {"unsafe_allow_html", "unsafe_allow_javascript"}


def ours(node: ast.expr) -> bool:
    """A literal, or a constant's (`HELP[name]`), or what `markdown` has escaped."""
    match node:
        case ast.Constant():
            return True
        case ast.IfExp():
            return ours(node.body) and ours(node.orelse)
        case ast.BoolOp():
            return all(ours(value) for value in node.values)
        case ast.BinOp():
            return ours(node.left) and ours(node.right)
        case ast.Tuple() | ast.List():
            return all(ours(element) for element in node.elts)
        case ast.Subscript() | ast.Starred():
            return ours(node.value)
        case ast.Call(func=ast.Attribute(value=ast.Name(id="markdown"))):
            return True
        case ast.Call(
            func=ast.Attribute(value=ast.Name(id="language"), attr="translate"), args=[text], keywords=[]
        ):
            return ours(text)  # a literal in the visitor's language
        case ast.Call(func=ast.Attribute(value=ast.Name(id="widgets"), attr="explained_lines")):
            return True
        case ast.Call(func=ast.Name(id="explained_lines")):
            return True
        case ast.Call(func=ast.Name(id="list"), args=[inner]):
            return ours(inner)
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name.isupper()
    return False


def unsaid(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of every argument that Markdown would draw as it came."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        receiver, name = node.func.value, node.func.attr
        if isinstance(receiver, ast.Name) and receiver.id in ("markdown", "widgets"):
            continue
        drawn = node.args[:1] if name in FIRST else []
        formatted = any(k.arg == "format_func" and "markdown." in ast.unparse(k.value) for k in node.keywords)
        if name in OPTIONS and not formatted:
            drawn = [*drawn, *node.args[1:2], *(k.value for k in node.keywords if k.arg == "options")]
        drawn += [k.value for k in node.keywords if k.arg in NAMED or (k.arg == "text" and name in TEXTS)]
        yield from ((value.lineno, ast.unparse(value)) for value in drawn if not ours(value))
        yield from ((k.value.lineno, f"{k.arg}=…") for k in node.keywords if k.arg in RAW)


def pages() -> list[Path]:
    found = [*(ROOT / "pages").glob("*.py"), *(ROOT / "e2lm_core" / "ui").rglob("*.py"), ROOT / "app.py"]
    return sorted(path for path in found if path != SAY)


def test_every_text_that_is_drawn_has_gone_through_markdown() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path in pages()
        for line, text in unsaid(path.read_text(encoding="utf-8"))
    ]
    assert not found, "drawn as Markdown as it came; use markdown.… (ui/base/markdown.py):\n" + "\n".join(
        found
    )


def test_the_check_sees_what_is_not_ours() -> None:
    bad = (
        "st.caption(f'{name}')",
        "st.error(str(error))",
        "left.markdown(text)",
        "st.button(label)",
        "st.metric('x', 1, help=text)",
        "st.pills('Models', names)",
        "st.progress(share, text=text)",
        "st.column_config.TextColumn('x', help=text)",
        "st.tabs([name])",
        "st.markdown('x', unsafe_allow_html=True)",
        "st.caption(language.translate(text))",
        "st.caption(language.translate('{name}', name=name))",
    )
    good = (
        "st.caption('as it is')",
        "st.caption(markdown.fill_template('**{n}**', n=name))",
        "markdown.error(error)",
        "st.metric('x', 1, help=labels.HELP[name])",
        "st.pills('Models', names, format_func=markdown.escape)",
        "st.selectbox('Set', names)",
        "st.tabs(TABS)",
        "st.button(language.translate('Open'))",
    )
    assert [bool(list(unsaid(source))) for source in bad] == [True] * len(bad)
    assert [list(unsaid(source)) for source in good] == [[]] * len(good)


def test_headings_below_a_title_are_of_level_two() -> None:
    """A page has a title and sections: `subheader` is of level three, which would follow the title at once."""
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in pages()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if ".subheader(" in line
    ]
    assert not found, f"use st.header: {found}"
