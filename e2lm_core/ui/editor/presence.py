"""Display of other editors and their changes.

A script in the page asks the server every few seconds (`/presence`); only news wakes this fragment. The
question table fetches news itself, also during typing. The script also keeps the page's shortcuts out of
text fields: Ctrl+Z in a field undoes typing, never the last change of the set.

Tested in tests/pages/writing/test_writers.py.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from e2lm_core.base import formatting
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.sets import versions
from e2lm_core.sets.editing import drafts, presence
from e2lm_core.ui import session
from e2lm_core.ui.base import language, markdown, polling
from e2lm_core.ui.editor.drafts import autosave
from e2lm_core.ui.requests import component_requests

LOOK_MS, HIDDEN_LOOK_MS, IDLE_MS = 3000, 30_000, 1500
_JS = Path(__file__).with_name("presence.js").read_text(encoding="utf-8")


@st.cache_resource(show_spinner=False)
def _component():
    return st.components.v2.component("studio_presence", js=_JS)


def presence_panel(task: TaskSet, last_change: str) -> None:
    """Draw the other authors who have the set open, their changes not shown yet, and the last change."""
    stamp = presence.change_stamp(session.studio().settings, task.address)
    st.session_state["author_drawn"] = (task, stamp, last_change)
    _watched()


@st.fragment
def _watched() -> None:
    drawn, stamp, last_change = st.session_state["author_drawn"]
    with st.container(key="presence_line", horizontal=True, vertical_alignment="center", gap="small"):
        heard = _listen(drawn.address, stamp)
        if last_change:
            st.caption(markdown.fill_template(":material/history: {said}", said=last_change), width="content")
        if heard.get("others"):
            st.caption(
                markdown.fill_template(":material/group: {who}", who=_who(heard["others"])), width="content"
            )
        # The script's report may be older than the drawing.
        if not heard or presence.change_stamp(session.studio().settings, drawn.address) == stamp:
            return
        task, busy = _present(drawn), heard.get("busy")
        if task is None or busy == "idle":
            polling.redraw_page()  # which reports a missing set
            return
        if changed := _changed(drawn, task):
            st.caption(markdown.fill_template("{changed} by another.", changed=changed), width="content")
            if st.button(language.translate("Show"), key="presence_show", icon=":material/sync:"):
                st.rerun(scope="app")


def _listen(name: str, stamp: str) -> dict:
    settings = session.studio().settings
    others = st.session_state.get("author_others", [])
    with st.container(key="listening_presence", width="content"):
        told = _component()(
            key="presence",
            data={
                "url": f"{autosave.base_path()}/presence",
                "pass": component_requests.issue_token(settings, name),
                "drawn": stamp,
                "typed": drafts.drafts_stamp(settings, name),
                "others": others,
                "look_ms": LOOK_MS,
                "hidden_look_ms": HIDDEN_LOOK_MS,
                "idle_ms": IDLE_MS,
            },
            default={"heard": {}},
            on_heard_change=autosave.ignore_change,
        )
    heard = dict(told.heard or {})
    st.session_state["author_others"] = list(heard.get("others", []))
    return heard


def _present(drawn: TaskSet) -> TaskSet | None:
    """The current set; None if it is gone."""
    try:
        return session.read_set(drawn.address)
    except (StudioError, OSError):
        return None


def _changed(before: TaskSet, now: TaskSet) -> str:
    """Changes since the set was drawn, for example: 2 questions were changed. "" without a visible change."""
    old, new = {q.id: q for q in before.questions}, {q.id: q for q in now.questions}
    number = sum(old.get(identity) != new.get(identity) for identity in old.keys() | new.keys())
    if number:
        return Sentence("{number} question was changed", "{number} questions were changed", number=number)
    return Sentence("The prompt was changed") if before.config != now.config else ""


def _who(others: list[str]) -> str:
    """Sentence on the other present authors; browsers have no name."""
    people = [name for name in others if not versions.BROWSER.fullmatch(name)]
    browsers = len(others) - len(people)
    said = people + ([formatting.count(browsers, "other browser")] if browsers else [])
    return Sentence(
        "{who} has this set open",
        "{who} have this set open",
        number=len(others),
        who=formatting.join_words(said),
    )
