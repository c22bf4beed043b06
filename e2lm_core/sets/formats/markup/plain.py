"""Plain text of HTML and XML, and back.

Paragraphs and breaks become line breaks, raised and lowered letters keep their meaning (H₂O, 10⁻³, x^{n+1}),
links lose their addresses, scripts and styles are dropped. Content that a text cannot hold (an image, a
formula as MathML) is named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from string import ascii_lowercase
from types import MappingProxyType
from typing import NamedTuple
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from e2lm_core.base.sentences import Sentence

_BLOCKS = frozenset(
    (
        *(
            "p",
            "div",
            "li",
            "ul",
            "ol",
            "dl",
            "dt",
            "dd",
            "tr",
            "table",
            "tbody",
            "thead",
            "pre",
            "blockquote",
            "section",
        ),
        *("h1", "h2", "h3", "h4", "h5", "h6", "article", "prompt", "itembody"),
    )
)
_UNSEEN = frozenset(
    (
        "script",
        "style",
        "head",
        "title",
        "template",
        "modalfeedback",
        "feedbackinline",
        "feedbackblock",
        "rubricblock",
    )
)
AN_IMAGE = Sentence("an image")
_SHOWN = {
    **dict.fromkeys(("img", "image", "svg", "canvas", "picture"), AN_IMAGE),
    **dict.fromkeys(("video", "audio", "iframe", "object", "embed"), Sentence("something embedded")),
    "math": Sentence("a formula as MathML"),
    "printedvariable": Sentence("the value of a variable"),
    "include": Sentence("another file"),
}
_IMAGE = re.compile(r"!\[[^\]\n]{0,200}\][(\[]|<img\b", re.IGNORECASE)
_ABOVE = dict(zip("0123456789+-−=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱ", strict=True))
_BELOW = dict(zip("0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎", strict=True))
_SPACE = re.compile(r"[ \t\r\n\f]+")
_IMPOSSIBLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NEEDS_PRE = re.compile(r"[\t\r]| {2}|(?m:^ | $)|\A\n|\n\Z")
_WHOLE = re.compile(r"-?\d{1,6}", re.ASCII)
MAX_DEEP = 60
MAX_HTML = 100_000


class Plain(NamedTuple):
    """Plain text of marked-up text.

    Attributes:
        text: The text.
        shows: Name of content that a text cannot hold, such as "an image"; "" without any.
    """

    text: str
    shows: str


class _Builder:
    """Builder of plain text from tags and texts."""

    def __init__(self) -> None:
        self.shows = ""
        self._parts: list[str] = []
        self._unseen = 0
        self._kept = 0  # number of open <pre>
        self._breaks = False  # a block ended or began: the next text begins a line
        self._open = True  # whether a space may not stand here
        self._raised: list[tuple[str, list[str]]] = []
        self._lists: list[
            tuple[str, int] | None
        ] = []  # form and next number of each open list; None for bullets

    def start(self, tag: str, attributes: Mapping[str, str | None] = MappingProxyType({})) -> None:
        if tag in _UNSEEN:
            self._unseen += 1
        if self._unseen:
            return
        if tag in _SHOWN:
            self.shows = self.shows or _SHOWN[tag]
        if "multilang" in (attributes.get("class") or ""):
            self.shows = self.shows or Sentence("one text in several languages")
        if tag in _BLOCKS:
            self._breaks = True
        if tag in ("ol", "ul"):
            first = attributes.get("start") or "1"
            self._lists.append(
                (attributes.get("type") or "1", int(first) if _WHOLE.fullmatch(first) else 1)
                if tag == "ol"
                else None
            )
        if tag == "li" and self._lists and (numbered := self._lists[-1]) is not None:
            form, number = numbered
            self._lists[-1] = form, number + 1
            self.text(f"{_numeral(number, form)}. ")
        if tag == "br":
            self._break()
        if tag in ("td", "th"):
            self.text(" ")
        if tag in ("sup", "sub"):
            self._raised.append((tag, []))
        self._kept += tag == "pre"

    def end(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
            return
        if self._unseen:
            return
        if tag in _BLOCKS:
            self._breaks = True
        if tag in ("ol", "ul") and self._lists:
            self._lists.pop()
        self._kept = max(0, self._kept - (tag == "pre"))
        if tag in ("sup", "sub") and self._raised and self._raised[-1][0] == tag:
            _, parts = self._raised.pop()
            self.text(_moved("".join(parts).strip(), tag))

    def text(self, text: str) -> None:
        if self._unseen or not text:
            return
        if self._raised:
            self._raised[-1][1].append(text)
            return
        if not self._kept:
            text = _SPACE.sub(" ", text)
            if self._breaks or self._open:
                text = text.lstrip(" ")
            if not text:
                return
        if self._breaks and self._parts:
            self._strip()
            self._parts.append("\n")
        self._breaks = False
        self._parts.append(text)
        self._open = text[-1] in " \n" and not self._kept

    def result(self) -> Plain:
        while self._raised:
            self.end(self._raised[-1][0])
        if not self._kept_last():
            self._strip()
        return Plain("".join(self._parts), self.shows)

    def _break(self) -> None:
        if self._breaks and self._parts:
            self._parts.append("\n")
        self._breaks = False
        self._strip()
        self._parts.append("\n")
        self._open = True

    def _kept_last(self) -> bool:
        return not self._open and bool(self._parts) and self._parts[-1][-1] in " \n\t"

    def _strip(self) -> None:
        """Remove a space before the end of a line, unless it is kept."""
        if self._parts and self._open and self._parts[-1].endswith(" "):
            self._parts[-1] = self._parts[-1].rstrip(" ")


class _Html(HTMLParser):
    def __init__(self, builder: _Builder) -> None:
        super().__init__(convert_charrefs=True)
        self._builder = builder

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._builder.start(tag, dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        self._builder.end(tag)

    def handle_data(self, data: str) -> None:
        self._builder.text(data)


def no_text(shows: str) -> str:
    """Reason to refuse a question that shows more than a text."""
    return Sentence("it shows {shows}, which a text cannot hold; describe it in words.", shows=shows)


def shows_image(text: str) -> bool:
    """Whether a text has an image in Markdown's form or in that of HTML."""
    return _IMAGE.search(text) is not None


def html_text(html: str) -> Plain:
    """Plain text of a piece of HTML.

    A text with n `>` and over 2 n + 20 `<` is no HTML and is only stripped. More than `MAX_HTML`
    characters are not read: `shows` says so.
    """
    if len(html) > MAX_HTML:
        return Plain("", Sentence("more than {most} characters of HTML", most=MAX_HTML))
    if html.count("<") > 2 * html.count(">") + 20:  # the parser would search to the end for each
        return Plain(html.strip(), "")
    builder = _Builder()
    parser = _Html(builder)
    parser.feed(html)
    parser.close()
    return builder.result()


def element_text(element: Element, without: frozenset[str] = frozenset()) -> Plain:
    """Plain text of an XML element that holds HTML, without its elements of the names `without`."""
    builder = _Builder()
    _walk(element, builder, without, 0)
    return builder.result()


def local_name(tag: object) -> str:
    """Element name without its namespace, the same for QTI 2 and QTI 3: `choiceinteraction`."""
    return str(tag).rpartition("}")[2].lower().removeprefix("qti-").replace("-", "")


def as_xml(text: str, inline: bool = False) -> str:
    """XML that gives a text back, except for the characters that no XML can hold.

    With `inline`, a text of one line is no paragraph.
    """
    text = strip_invalid_xml(text)
    if _NEEDS_PRE.search(text):
        return f"<pre>{escape(text, {chr(13): '&#13;'})}</pre>"
    lines = "<br/>".join(escape(line) for line in text.split("\n"))
    return lines if inline and "\n" not in text else f"<p>{lines}</p>"


def strip_invalid_xml(text: str) -> str:
    """Remove the characters that no XML can hold."""
    return _IMPOSSIBLE.sub("", text)


def _walk(element: Element, builder: _Builder, without: frozenset[str], depth: int) -> None:
    name = local_name(element.tag)
    if name in without or depth > MAX_DEEP:
        return
    builder.start(name, element.attrib)
    builder.text(element.text or "")
    for child in element:
        _walk(child, builder, without, depth + 1)
        builder.text(child.tail or "")
    builder.end(name)


def _numeral(number: int, form: str) -> str:
    """Number of a list's item as HTML shows it: form `1`, `a`, `A`, `i` or `I`."""
    if form in ("a", "A") and 1 <= number <= len(ascii_lowercase):
        numeral = ascii_lowercase[number - 1]
    elif form in ("i", "I") and 1 <= number < 40:
        tens, ones = divmod(number, 10)
        numeral = "x" * tens + ("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix")[ones]
    else:
        return str(number)
    return numeral.upper() if form.isupper() else numeral


def _moved(text: str, tag: str) -> str:
    """Text above or below the line, in Unicode's letters if all exist, else as ^{…} and _{…}."""
    letters = _ABOVE if tag == "sup" else _BELOW
    if text and all(c in letters for c in text):
        return "".join(letters[c] for c in text)
    return f"{'^' if tag == 'sup' else '_'}{{{text}}}" if text else ""
