"""Sentences with others' text in them: nothing of it is a mark, an image or a link."""

from __future__ import annotations

import pytest

from e2lm_core.ui.base import markdown
from e2lm_core.ui.base.markdown import JOINER

HOSTILE = (
    "![](http://127.0.0.1:9/x)",
    "[here](http://127.0.0.1:9/x)",
    "<http://127.0.0.1:9/x>",
    "see http://127.0.0.1:9/x or www.evil.example now",
    "<img src=x onerror=alert(1)>",
    r"$\href{javascript:alert(1)}{x}$",
    "[a]: http://127.0.0.1:9/x",
    "mail me@evil.example",
    ":red[x] :material/delete: :smile:",
    "```mermaid\ngraph TD; A --> B\n```",
    "a `code` and **bold** _it_ ~~gone~~",
    r"\[x](http://127.0.0.1:9/x)",
    "&lt;b&gt;",
)
LINKED = ("://", "www.", "@evil")


def unescaped(text: str, marks: str) -> list[str]:
    """The marks of a text that no backslash stands before."""
    found, at = [], 0
    while at < len(text):
        if text[at] == "\\":
            at += 2
            continue
        found += [text[at]] * (text[at] in marks)
        at += 1
    return found


@pytest.mark.parametrize("text", HOSTILE)
def test_plain_text_holds_no_mark(text: str) -> None:
    shown = markdown.escape(text)
    assert not unescaped(shown, "`*[]<$~")
    assert not [mark for mark in (*LINKED, "\n", ":red", ":material", ":smile") if mark in shown]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_rooms_sentence_links_and_fetches_nothing(text: str) -> None:
    shown = markdown.safe_sentence(f"**{text}** leads.")
    assert not unescaped(shown, "[]<$~")
    assert not [mark for mark in (*LINKED, "```") if mark in shown]
    assert (shown[:2], shown[-9:]) == ("**", "** leads.")


@pytest.mark.parametrize("text", HOSTILE)
def test_an_authors_markdown_links_and_fetches_nothing(text: str) -> None:
    shown = markdown.author_markdown(f"{text} and $x^2$")
    assert shown.endswith(" and $x^2$")
    assert not unescaped(shown.removesuffix(" and $x^2$"), "[]<$~")
    assert not [mark for mark in (*LINKED, "```", ":red", ":material", ":smile") if mark in shown]


def test_an_authors_mathematics_stays_as_it_is() -> None:
    for text in (r"$\mathrm{H_2O}$ **boils** at $100\,^\circ$C", "$$\\frac{a}{b}$$ is `code`"):
        assert markdown.author_markdown(text) == text
    assert markdown.author_markdown("It costs $5 and $6 more") == r"It costs $5 and $6 more".replace(
        "$", r"\$"
    )


@pytest.mark.parametrize(
    "text",
    ["ladder_science", "3 of 4: done", "8:30 at step_2000", "50% (a, b) – c/d", "What is H2O?", "a|b", "1.5"],
)
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert markdown.escape(text) == text


@pytest.mark.parametrize("text", ["# x", "> x", "- x", "+ x", "12. x", "3) x", "---"])
def test_no_text_begins_a_block(text: str) -> None:
    assert markdown.escape(text) != text
    assert markdown.escape(text).replace("\\", "") == text


def test_lines_become_one() -> None:
    assert markdown.escape("  one\n\n    two\r\nthree ") == "one two three"


def test_a_template_of_ours_keeps_its_marks_and_escapes_what_it_is_filled_with() -> None:
    assert markdown.fill_template("**{id}** :gray[{text}]", id="*q*", text="]x[") == r"**\*q\*** :gray[\]x\[]"
    assert markdown.fill_template("{a} {b}", a=markdown.safe_sentence("**a**"), b="{c}") == "**a** {c}"


def test_what_is_marked_is_not_escaped_twice() -> None:
    once = markdown.escape("[x] http://a")
    assert markdown.escape(once) is once
    assert markdown.safe_sentence(once) is once
    assert once == rf"\[x\] http:{JOINER}//a"


def test_a_list_has_a_point_for_each() -> None:
    assert markdown.bullet_list(["a", "- b\n- c"]) == "- a\n- \\- b - c"
