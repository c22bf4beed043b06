"""The seven places and their tabs: at which addresses they stand, which tab is shown, and links to them.

A place is a page of the navigation. Which of its tabs is shown stands in the link (`?tab=`), beside the set, so
that a colleague comes to the same view; only that one is computed. What stood at addresses of their own before
there were places is found by those as well: the server leads on from there (`server/parts.py`).
Tested in tests/ui/frame/test_addresses.py.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlencode

import streamlit as st

from e2lm_core.ui.frame import say

PRODUCT = "E2LM Task Studio"
_PARAMETER, _IN_LINK, _CLICKED = "tab", "tab_in_link", "tab_clicked"


class Tab(NamedTuple):
    """One view of a place: its name in links, that of no other tab, and what it is called."""

    slug: str
    label: str


class Place(NamedTuple):
    """A page of the navigation: its name in links, its title, its icon and its tabs, the first shown first."""

    slug: str
    title: str
    icon: str
    tabs: tuple[Tab, ...] = ()

    @property
    def script(self) -> str:
        """The page's file."""
        return f"pages/{self.slug}.py"

    @property
    def key(self) -> str:
        """Of the control that chooses among its tabs."""
        return f"tab_{self.slug}"


SETS = Place("sets", "Sets", ":material/folder_open:")
QUESTIONS = Place(
    "questions",
    "Questions",
    ":material/edit_note:",
    (
        Tab("write", "Write"),
        Tab("measured", "Measured"),
        Tab("suspects", "Suspects"),
        Tab("choosing", "Choosing"),
        Tab("relevance", "Relevance"),
    ),
)
RESULT = Place(
    "result",
    "Result",
    ":material/verified:",
    (Tab("overview", "Overview"), Tab("score", "Score"), Tab("published", "Published")),
)
CURVES = Place(
    "curves",
    "Curves",
    ":material/show_chart:",
    (
        Tab("accuracy", "Accuracy"),
        Tab("ranking", "Ranking"),
        Tab("one_by_one", "By question"),
        Tab("subjects", "By subject"),
    ),
)
DECIDE = Place(
    "decide", "Decide", ":material/balance:", (Tab("compare", "Compare"), Tab("plan", "How many questions"))
)
SHARE = Place("share", "Share", ":material/ios_share:")
MODELS = Place(
    "models",
    "Models and runs",
    ":material/play_circle:",
    (Tab("run", "Run"), Tab("checkpoints", "Models"), Tab("results", "From elsewhere")),
)
PLACES = (SETS, QUESTIONS, RESULT, CURVES, DECIDE, SHARE, MODELS)
# Pages that there were before, and the place or the tab that has taken them in.
OLD = {
    "author": "write",
    "overview": "overview",
    "plan": "plan",
    "run": "run",
    "rank_stability": "ranking",
    "relevance": "relevance",
    "score": "score",
    "compare": "compare",
    "export": "share",
    "checkpoints": "checkpoints",
    "results": "results",
}
# Every view that there is: a place without tabs, or one of a place's tabs.
VIEWS = tuple(name for place in PLACES for name in ([tab.slug for tab in place.tabs] or [place.slug]))


def find(name: str) -> tuple[Place, str | None]:
    """The place of that name, or that of the tab of that name, and the tab; None where none is named."""
    for place in PLACES:
        if place.slug == name:
            return place, None
        if any(tab.slug == name for tab in place.tabs):
            return place, name
    raise KeyError(name)


def query(tab: str | None, name: str | None = None) -> dict[str, str]:
    """What stands in a link behind the place's address: the set, by itself that in hand, and the tab."""
    name = name or st.session_state.get("set")
    return ({"set": name} if name else {}) | ({_PARAMETER: tab} if tab else {})


def address(view: str, name: str) -> str:
    """Where a view of a set stands, below the studio's own address."""
    place, tab = find(view)
    return f"{'' if place is SETS else place.slug}?{urlencode(query(tab, name))}"


def moved(old: str, parameters: list[tuple[str, str]]) -> str:
    """Where an old page's address leads to now, with what stood in the link; relative to the old one."""
    place, tab = find(OLD[old])
    kept = [(key, value) for key, value in parameters if key != _PARAMETER]
    behind = urlencode(kept + ([(_PARAMETER, tab)] if tab else []))
    return place.slug + (f"?{behind}" if behind else "")


def link(name: str, label: str, icon: str) -> None:
    """A link to a place or to a tab, with the set in hand."""
    place, tab = find(name)
    st.page_link(place.script, label=say.plain(label), icon=icon, query_params=query(tab))


def go(name: str) -> None:
    """Leave for a place or a tab, with the set in hand."""
    place, tab = find(name)
    st.switch_page(place.script, query_params=query(tab))


def chosen(place: Place) -> str:
    """Which of its tabs is shown: what the link says, else as it was left, else the first; "" where it has none.

    Link and browser's title follow.
    """
    tab = _shown(place) if place.tabs else ""
    label = next((f"{one.label} · " for one in place.tabs if one.slug == tab), "")
    st.set_page_config(page_title=f"{label}{place.title} · {PRODUCT}")
    return tab


def _shown(place: Place) -> str:
    asked, left = st.query_params.get(_PARAMETER), f"{place.key}_left"
    slugs = [tab.slug for tab in place.tabs]
    # A link that nobody here has written: of a colleague, of this page, or the browser's way back. After a click
    # the browser may still send the link that stood there before.
    clicked = st.session_state.pop(_CLICKED, False)
    if not clicked and asked in slugs and asked != st.session_state.get(_IN_LINK):
        st.session_state[place.key] = asked
    elif st.session_state.get(place.key) not in slugs:
        st.session_state[place.key] = st.session_state.get(left, slugs[0])
    tab = str(st.session_state[place.key])
    st.session_state[_IN_LINK] = st.session_state[left] = tab
    if asked != tab:
        st.query_params.update(query(tab))  # at once: each change is a step of the browser's way back
    return tab


def chooser(place: Place) -> None:
    """The control that chooses among a place's tabs; drawn after `chosen`."""
    labels = {tab.slug: tab.label for tab in place.tabs}
    with st.container(key="tabs"):
        st.segmented_control(
            "View",
            list(labels),
            required=True,
            format_func=lambda slug: say.plain(labels[slug]),
            key=place.key,
            label_visibility="collapsed",
            on_change=_click,
        )


def _click() -> None:
    st.session_state[_CLICKED] = True
