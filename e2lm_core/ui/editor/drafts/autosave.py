"""Autosave of form fields.

A script in the page listens to the form's fields and posts them to `/drafts`, at most .4 s after a change and at
once when the page is left. What could not be sent (the server is down) waits in the tab and goes with its next
page. Tested in tests/pages/writing/test_drafts.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st

from e2lm_core.ui import session
from e2lm_core.ui.app import markdown
from e2lm_core.ui.server import component_requests

REST_MS = 400
AGAIN_MS = 1500
_JS = Path(__file__).with_name("listening.js").read_text(encoding="utf-8")


class Field(NamedTuple):
    """A field of a form: its name, the keys of its widgets, and how their text is to be read.

    `kind` is "text", "maybe" (empty is None), "number", "option" (of a radio, one of `options`), "place" (of a
    radio, which one; -1 for none), "list" (a text for each key, without the empty ones at the end) or "lines" (a text for each
    line).
    """

    name: str
    keys: Sequence[str]
    kind: str
    options: Sequence[str] = ()


@st.cache_resource(show_spinner=False)
def _component():
    return st.components.v2.component("studio_typing", js=_JS)


def autosave(
    task: str,
    place: str,
    form: str,
    area: str,
    fields: Sequence[Field],
    values: dict[str, Any],
    seen: dict[str, Any],
    others: dict[str, Any] | None = None,
) -> bool:
    """Keep what is typed into the fields in the container with the key `area`.

    `values` is what the form shows, `seen` what its author saw before anything was typed, `others` are fields of
    the draft that are not in the form. True where text came late, which the server has since it drew the form.
    """
    with st.container(key=f"listening_{form}", width="content"):
        told = _component()(
            key=f"typing_{form}",
            data={
                "url": f"{base_path()}/drafts",
                "pass": component_requests.issue_token(session.studio().settings, task),
                "task": task,
                "place": place,
                "form": form,
                "area": area,
                "fields": [list(field) for field in fields],
                "values": values,
                "seen": seen,
                "rest_ms": REST_MS,
                "again_ms": AGAIN_MS,
                "others": others or {},
                "problem": st.session_state.get("typing_problem", ""),
            },
            default={"problem": ""},
            on_problem_change=_told,
            on_late_change=_told,
        )
    st.session_state["typing_problem"] = told.problem
    if told.problem:
        markdown.warning(str(told.problem)[:300], icon=":material/warning:")
    return told.late is not None


def base_path() -> str:
    """What stands before every address of the app: "" where it is the host's only one."""
    path = (st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{path}" if path else ""


def _told() -> None:
    """Only here so that the component's state is sent at all."""
