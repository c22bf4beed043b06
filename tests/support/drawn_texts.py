"""Texts of a page that AppTest drew: of its elements, tables, charts and pictures, options and hover texts included."""

from __future__ import annotations

import html
import json
import re
import zlib
from base64 import b64decode
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa
from streamlit.testing.v1 import AppTest

# Fields that nobody reads: names, addresses, styles and kinds of things.
_FIELDS = frozenset(
    [
        "id",
        "page",
        "form_id",
        "formId",
        "key",
        "icon",
        "url",
        "href",
        "type",
        "component_name",
        "css_content",
        "html_content",
        "js_content",
        "script",
        "language",
        "page_script_hash",
        "query_string",
        "fragment_id",
        "user_key",
        "element_id",
        "pass",
        "token",
        "shortcut",
        "file_type",
        "accept_types",
    ]
)
_JSON_KEYS = frozenset(
    [
        "template",
        "font",
        "family",
        "color",
        "bgcolor",
        "type",
        "mode",
        "xref",
        "yref",
        "xanchor",
        "yanchor",
        "dash",
        "shape",
        "symbol",
        "width",
        "format",
        "css",
        "script",
        "pass",
        "url",
        "id",
        "key",
        "kept",
        "link",
        "elsewhere",
        "store",
        "stamp",
        "drafts",
        "typed",
        "known",
        "next",
        "bdata",
        "dtype",
        "hoverinfo",
        "layer",
        "hovermode",
        "dragmode",
        "clickmode",
        "barmode",
        "rangemode",
        "ticks",
        "categoryorder",
        "categoryarray",
        "insidetextanchor",
        "textposition",
        "modeBarButtons",
        "side",
        "orientation",
        "constraintext",
        "fillcolor",
        "fill",
        "entrywidthmode",
        "author",
        "browser",
        "set",
        "task",
    ]
)
_COLOUR = re.compile(r"#[0-9a-f]{3,8}|rgba?\(.*\)|left|right|center|array")
_SHOWN = ("drawn", "words", "effects", "found", "figures")  # in the data of the studio's components
_PICTURE = re.compile(r'data-picture="([^"]*)"')


def texts(at: AppTest) -> set[str]:
    """All texts of the page."""
    return {text for node in _nodes(at._tree) for text in _of_message(getattr(node, "proto", None)) if text}


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    for child in getattr(node, "children", {}).values():
        yield from _nodes(child)


def _of_message(message: Any) -> Iterator[str]:
    if not hasattr(message, "ListFields"):
        return
    for field, value in message.ListFields():
        if field.name in _FIELDS:
            continue
        if message.DESCRIPTOR.name == "BidiComponent":
            yield from _of_component(value)
            continue
        values = list(value.values()) if hasattr(value, "items") else value
        for one in (
            values if not isinstance(values, str | bytes) and hasattr(values, "__iter__") else [values]
        ):
            if isinstance(one, bytes):
                yield from _of_table(one)
            elif isinstance(one, str):
                yield from _of_text(one)
            else:
                yield from _of_message(one)


def _of_component(value: object) -> Iterator[str]:
    """Texts that a component's script shows; all else is for the script alone."""
    if isinstance(value, str) and value[:1] == "{":
        shown = json.loads(value)
        yield from _of_json({name: shown[name] for name in _SHOWN if name in shown})


def _of_table(content: bytes) -> Iterator[str]:
    try:
        table = pa.ipc.open_stream(content).read_all()
    except pa.ArrowInvalid:
        return
    for name, column in zip(table.column_names, table.columns, strict=True):
        if name.startswith("__index"):
            continue
        yield from (cell for cell in column.to_pylist() if isinstance(cell, str))


def _of_text(text: str) -> Iterator[str]:
    if text.startswith("<svg"):
        yield from _of_svg(ElementTree.fromstring(text))
    elif pictures := _PICTURE.findall(text):  # packed, see `ui/base/chart_mode.py`
        for picture in pictures:
            yield from _of_text(zlib.decompress(b64decode(html.unescape(picture))).decode())
    elif text[:1] in "{[":
        try:
            yield from _of_json(json.loads(text))
        except ValueError:
            yield text
    else:
        yield text


def _of_svg(picture: ElementTree.Element) -> Iterator[str]:
    for element in picture.iter():
        if (label := element.get("aria-label")) is not None:
            yield label
        if element.tag.rpartition("}")[2] in ("text", "title", "desc"):
            yield "".join(element.itertext())


def _of_json(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, one in value.items():
            if name not in _JSON_KEYS:
                yield from _of_json(one)
    elif isinstance(value, list):
        for one in value:
            yield from _of_json(one)
    elif isinstance(value, str) and not _COLOUR.fullmatch(value):
        yield from _of_text(value)
