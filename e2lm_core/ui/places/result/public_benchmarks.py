"""Tab Public benchmarks: the table of the shelf, one source and few-shot count at a time.

Tested in tests/pages/test_shelf.py.
"""

from __future__ import annotations

import streamlit as st

from e2lm_core.imported.shelf import messages, tables
from e2lm_core.imported.shelf.library import Shelved
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import language, markdown, urls
from e2lm_core.ui.cache import shelf as remembered

KEY = "shelf_group_control"
INTERVAL_PX = 118
_NUMBER = st.column_config.NumberColumn


def draw() -> None:
    """Draw the headline of the chosen group, its table and the notes below it."""
    groups = {messages.group_label(one): one.group for one in remembered.benchmarks()}
    held = urls.HELD["shelf"]
    if st.session_state.get(held) not in groups:
        st.session_state[held] = next(iter(groups))
    named = {label: language.translate(label) for label in groups}
    place = st.empty()
    widgets.set_control_value(KEY, st.session_state[held])
    st.segmented_control(
        language.translate("Source"),
        list(groups),
        required=True,
        key=KEY,
        format_func=lambda label: markdown.escape(named[label]),
        on_change=urls.remember_choice,
        args=("shelf", KEY),
    )
    shown_label = next(label for label in groups if label == st.session_state[held])
    shown = [one for one in remembered.benchmarks() if one.group == groups[st.session_state[held]]]
    shown = _page(shown)
    found = remembered.overviews(shown)
    with place.container():
        widgets.headline(messages.group_headline(shown_label, found))
    widgets.table(
        lambda: tables.overview_frame(found),
        f"benchmarks-{st.session_state[held]}",
        "shelf_all",
        height=460,
        phone_columns=("benchmark", "SQ"),
        percent=("decision accuracy", "larger ahead", "chance"),
        column_config={
            **{name: st.column_config.TextColumn(width=INTERVAL_PX) for name in tables.INTERVALS},
        }
        | {
            name: _NUMBER(name, format=messages.FORMATS.get(name, "%.3f"), help=text)
            for name, text in messages.COLUMN_HELP.items()
        },
        inputs=(tuple(shown),),
    )
    markdown.caption(messages.source_sentence(shown[0].source))
    widgets.how_computed(*messages.table_notes(found, sources=False))


def _page(shown: list[Shelved]) -> list[Shelved]:
    """The benchmarks of one drawing: all, or those that the visitor chooses of a table with very many models."""
    most = max(1, remembered.MAX_CURVES // max(1, len(shown[0].models)))
    if len(shown) <= most:
        return shown
    starts = range(0, len(shown), most)
    start = st.selectbox(
        language.translate("Benchmarks"),
        starts,
        format_func=lambda at: language.translate(
            "{first} to {last} of {all}", first=at + 1, last=min(at + most, len(shown)), all=len(shown)
        ),
        key=f"shelf_page_{shown[0].source.key}",
        width=260,
    )
    return shown[start : start + most]
