"""Doors of a set that the mini models know too little of: links and buttons.

Tested in tests/pages/test_doors.py.
"""

from __future__ import annotations

import streamlit as st

from e2lm_core.runs.messages.doors import ADD, KNOWN, WRITE, SetDoors
from e2lm_core.ui.base import language, markdown, urls
from e2lm_core.ui.cache import element_replay

ICONS = {ADD: ":material/add_circle:", KNOWN: ":material/school:", WRITE: ":material/edit_note:"}


def share_line(found: SetDoors) -> None:
    """Draw the known share of a set with a link to each of its doors."""
    element_replay.once(("doors", found, *urls.link_inputs()), lambda: _share_line(found))


def _share_line(found: SetDoors) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="doors"):
        st.caption(markdown.fill_template(":material/school: {share}", share=found.share), width="content")
        links(found)


def links(found: SetDoors) -> None:
    """Draw a link to each door."""
    for door in found.doors:
        urls.link(door.view, door.label, ICONS[door])


def first_door(found: SetDoors, key: str) -> None:
    """Draw the first door as the primary button; the status bar has a link to each."""
    first = found.doors[0]
    if st.button(
        markdown.escape(language.translate(first.label)), key=key, icon=ICONS[first], type="primary"
    ):
        urls.go(first.view)
