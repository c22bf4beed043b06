"""Autosave of form fields.

A script in the page listens to the form's fields and posts them to `/drafts`, at most 0.4 s after a change
and at once when the page is left. Text that could not be sent (the server is down) waits in the browser's
tab and is sent with its next page.

Tested in tests/pages/writing/test_drafts.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st

from e2lm_core.ui import session
from e2lm_core.ui.base import markdown
from e2lm_core.ui.requests import component_requests

REST_MS = 400
AGAIN_MS = 1500
HELD_MS = 8000  # fields of a form whose saving is not answered take text again after that
_JS = Path(__file__).with_name("listening.js").read_text(encoding="utf-8")


class Field(NamedTuple):
    """A field of a form, as the script reads it.

    Attributes:
        name: Name of the field.
        keys: Keys of its widgets.
        kind: Type of its value: "text", "maybe" (text, empty is None), "number", "option" (the selected one
            of `options` in a radio), "place" (index of the selected radio option, -1 for none), "list" (a
            text for each key, without empty ones at the end) or "lines" (a text for each line).
        options: Options of a radio of the kind "option".
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
    """Save text typed into a form as a draft.

    Args:
        task: Address of the set.
        place: Place of the draft, see `Draft.place`.
        form: Name of the form.
        area: Key of the container that holds the form's fields.
        fields: The fields.
        values: Values that the form shows.
        seen: Values that the author saw before typing.
        others: Fields of the draft that are not in the form.

    Returns:
        Whether text from an earlier page was saved after the form was drawn: the form is out of date then.
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
                "held_ms": HELD_MS,
                "ending": ", ".join(f".st-key-{key}" for key in ending_buttons(form)),
                "others": others or {},
                "problem": st.session_state.get("typing_problem", ""),
            },
            default={"problem": ""},
            on_problem_change=ignore_change,
            on_late_change=ignore_change,
        )
    st.session_state["typing_problem"] = told.problem
    if told.problem:
        markdown.warning(str(told.problem)[:300], icon=":material/warning:")
    return told.late is not None


def ending_buttons(form: str) -> tuple[str, str]:
    """Keys of the buttons that end a form: save and discard."""
    return f"save_{form}", f"discard_{form}"


def base_path() -> str:
    """Path in front of every address of the app; "" if it is at the root of its host."""
    path = (st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{path}" if path else ""


def ignore_change() -> None:
    """Do nothing: Streamlit sends the component's state only if there is a callback."""
