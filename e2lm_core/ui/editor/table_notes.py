"""Notes of the page for the question table's rows: findings, figures, effects of an edit; and the question in hand.

They are ready later than the rows, or change while a run goes on, so they reach the table by themselves.

Tested in tests/pages/test_live.py and tests/pages/writing/test_beside.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from e2lm_core.base.records import TaskSet
from e2lm_core.ui.editor import table_script
from e2lm_core.ui.editor.drafts import autosave

# Streamlit sends a component's script with each drawing, so this short one fetches the actual script once.
JS = (
    "export default async (page) => (await import(new URL(page.data.script, location.origin))).default(page);"
)


@st.cache_resource(show_spinner=False)
def _noting():
    return st.components.v2.component("studio_table_found", js=JS, isolate_styles=False)


def table_address(task: TaskSet) -> dict[str, str]:
    """Address of the table's script and of the set, for each of its components."""
    return {
        "script": f"{autosave.base_path()}{table_script.SCRIPT}?v={table_script.read_script()[1]}",
        "task": task.address,
    }


def send_note(task: TaskSet, key: str, **note: Any) -> None:
    """Send the table a note: `found` with `figures`, or `effects` by question.

    Args:
        task: The set.
        key: Key of the element.
        **note: The note.
    """
    with st.container(key=f"listening_{key}", width="content"):
        _noting()(key=f"table_{key}", data={**table_address(task), **note})


def follow_hand(task: TaskSet, shown: str, changed: Callable[[], None]) -> None:
    """Listen for the question in hand in the table; `changed` is called when it is another than `shown`."""
    with st.container(key="listening_hand", width="content"):
        _noting()(key="table_hand", data={**table_address(task), "follow": shown}, on_hand_change=changed)
