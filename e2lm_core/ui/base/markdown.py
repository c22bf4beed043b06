"""Safe Markdown with embedded user text.

Paths of the machine are replaced by their variables' names, except for a local user without sign-in. A
question, a name or an error may hold anything: an image of another host, which each visitor's browser would
fetch, or a link among the studio's own words. `escape` shows a text as it is. `safe_sentence` is for
sentences of other modules, with names in bold: emphasis, code and lists stay, and nothing is linked, fetched
or coloured. `fill_template` puts plain texts into a template of ours. tests/house/test_said.py checks that
pages use these functions.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from html import escape as escape_html
from typing import Any

import streamlit as st

from e2lm_core.base.errors import StudioError
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import redact_paths
from e2lm_core.ui.base import language, local_request, text_diff

# Text that looks like an address is linked after all escapes are resolved; only a character inside it
# prevents that.
JOINER = "\u2060"
_ADDRESS = re.compile(r"(?i)(:)(?=//)|(www)(?=\.)|((?:mailto|xmpp):)|(@)(?=[-\w]+\.)")
_NAMED = re.compile(r":(?=[A-Za-z+:-])")  # :emoji:, :material/icon:, :red[…], :directive
_ENTITY = re.compile(r"&(?=#?\w+;)")
_LOOSE_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_BLOCK = re.compile(r">|#(?=#{0,5}(?:\s|$))|[+-](?=[\s-]|$)|\d{1,9}(?=[.)](?:\s|$))")
_MATHS = re.compile(r"\$\$[^$]+\$\$|\$(?!\s)[^$\n]+(?<!\s)\$")
# KaTeX commands that link, fetch or redefine are not mathematics.
_NO_MATHS = re.compile(
    r"\\(href|url|html|include|def|gdef|edef|xdef|let|newcommand|renewcommand|providecommand)"
)
_MARK = re.compile(r"[\\`*\[\]<$~]")
_MARK_BUT_EMPHASIS = re.compile(r"[\\\[\]<$~]|``+")


class SafeMarkdown(str):
    """Markdown in which user text is escaped."""


def escape(text: object) -> SafeMarkdown:
    """Text as it is on one line, with all its Markdown escaped; safe Markdown stays as it is."""
    if isinstance(text, SafeMarkdown):
        return text
    line = re.sub(r"\s*[\r\n\u2028\u2029]\s*", " ", _placeless(_said(text))).strip()
    line = _MARK.sub(_escaped, line)
    line = _LOOSE_UNDERSCORE.sub(_escaped, line)
    line = _NAMED.sub(lambda found: found[0] + JOINER, line)
    if found := _BLOCK.match(line):
        line = f"{found[0]}\\{line[found.end() :]}" if found[0].isdigit() else f"\\{line}"
    return SafeMarkdown(_unlinked(line))


def safe_sentence(sentence: object) -> SafeMarkdown:
    """Sentence with **bold**, *italic*, `code` and lists kept and all else escaped; safe Markdown stays."""
    if isinstance(sentence, SafeMarkdown):
        return sentence
    return SafeMarkdown(_unlinked(_MARK_BUT_EMPHASIS.sub(_escaped, _placeless(_said(sentence)))))


def author_markdown(text: object) -> SafeMarkdown:
    """An author's own Markdown as safe Markdown; emphasis, code, lists and LaTeX stay.

    Nothing is linked, fetched or coloured.
    """
    if isinstance(text, SafeMarkdown):
        return text
    parts, at, whole = [], 0, str(text)
    for found in _MATHS.finditer(whole):
        if _NO_MATHS.search(found[0]):
            continue
        parts += [_NAMED.sub(lambda f: f[0] + JOINER, safe_sentence(whole[at : found.start()])), found[0]]
        at = found.end()
    parts.append(_NAMED.sub(lambda found: found[0] + JOINER, safe_sentence(whole[at:])))
    return SafeMarkdown("".join(parts))


def fill_template(template: str, /, **texts: object) -> SafeMarkdown:
    """Fill the `{names}` of a template, in the visitor's language, with escaped texts; safe Markdown stays."""
    filled = {name: escape(text) for name, text in texts.items()}
    return SafeMarkdown(language.translate(template).format(**filled))


def fill_templates(templates: Iterable[str]) -> list[SafeMarkdown]:
    """Constant texts in the visitor's language, as for tabs."""
    return [fill_template(template) for template in templates]


def fill_count(one: str, many: str, /, number: int, **texts: object) -> SafeMarkdown:
    """Fill a template with a number, `{number}`, see `language.translate_count`, and escaped texts."""
    filled = {name: escape(text) for name, text in texts.items()}
    return SafeMarkdown(language.translate_count(one, many, number, **filled))


def bullet_list(sentences: Any) -> SafeMarkdown:
    """Texts as a bulleted list, escaped unless they are safe Markdown."""
    return SafeMarkdown("\n".join(f"- {escape(sentence)}" for sentence in sentences))


def line_by_line(sentences: Any) -> SafeMarkdown:
    """Texts one below the other in one paragraph, escaped unless they are safe Markdown."""
    return SafeMarkdown("  \n".join(escape(sentence) for sentence in sentences))


def _said(text: object) -> str:
    """A text; a computed sentence, or that of an error, in the visitor's language."""
    if isinstance(text, StudioError):
        return language.translate(text.sentence)
    return language.translate(text) if isinstance(text, Sentence) else str(text)


def unmarked(sentence: object) -> str:
    """A sentence in the visitor's language without its bold marks, for a picture or a caption."""
    return _said(sentence).replace("**", "")


def _placeless(text: str) -> str:
    """A text without paths of the machine; with them for a local user without sign-in."""
    if "/" not in text or (
        os.environ.get("E2LM_AUTH") in (None, "", "none") and local_request.is_local_request()
    ):
        return text
    return redact_paths(text)


def _escaped(found: re.Match[str]) -> str:
    return "".join(f"\\{mark}" for mark in found[0])


def _unlinked(text: str) -> str:
    return _ADDRESS.sub(lambda found: found[0] + JOINER, _ENTITY.sub(r"\\&", text))


def html(text: str, other: str) -> str:
    """HTML of a text for `st.html`, with the words that differ from another text in `<mark>`."""
    return f'<div class="both-texts">{text_diff.mark_differences(text, other) or "<i>empty</i>"}</div>'


def empty_element(attributes: Mapping[str, str]) -> str:
    """HTML of a `div` without content for `st.html`, with its attributes escaped."""
    written = (f'{name}="{escape_html(value)}"' for name, value in attributes.items())
    return f"<div {' '.join(written)}></div>"


# --- Streamlit's own calls, of the same names; a sentence of a catalogue is translated ---------------------


def _translated(sentence: object) -> object:
    """A sentence in the visitor's language; safe Markdown, which may hold a user's text, stays as it is."""
    return language.translate(sentence) if type(sentence) is str else sentence


def markdown(sentence: object, **options: Any) -> None:
    """Draw a sentence as a paragraph, see `safe_sentence`."""
    st.markdown(safe_sentence(_translated(sentence)), **options)


def caption(sentence: object, **options: Any) -> None:
    """Draw a sentence as a small grey paragraph, see `safe_sentence`."""
    st.caption(safe_sentence(_translated(sentence)), **options)


def title(text: object, **options: Any) -> None:
    """Draw a page's title, escaped."""
    st.title(escape(_translated(text)), **options)


def info(sentence: object, **options: Any) -> None:
    """Draw a sentence in an information box, see `safe_sentence`."""
    st.info(safe_sentence(_translated(sentence)), **options)


def success(text: object, **options: Any) -> None:
    """Draw an escaped text in a success box."""
    st.success(escape(_translated(text)), **options)


def warning(text: object, **options: Any) -> None:
    """Draw an escaped text in a warning box: an error's text, or a finding of a check."""
    st.warning(escape(_translated(text)), **options)


def error(text: object, **options: Any) -> None:
    """Draw an escaped text in an error box: an error's text, or a finding of a check."""
    st.error(escape(_translated(text)), **options)


def toast(text: object, **options: Any) -> None:
    """Draw an escaped text as a passing notification."""
    st.toast(escape(_translated(text)), **options)
