"""URLs of places and tabs.

A place is a page of the navigation. Its shown tab is part of the link (`?tab=`), like the set and the tab's
own parameters (`Tab.holds`: metric, filters, question), so that a colleague gets the same view; only the
shown tab is computed. A change of set or tab is a step in the browser's history. A script in the browser
writes all other parameters, and those that a bare address of the navigation lacks, into the address: without
a step in the history and without redrawing the page.

Tested in tests/ui/base/test_urls.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlencode

import streamlit as st

from e2lm_core.base.records import METRICS
from e2lm_core.ui.base import markdown

PRODUCT = "E2LM Task Studio"
_PARAMETER, _IN_LINK, _CLICKED = "tab", "tab_in_link", "tab_clicked"
_SEEN, _WRITTEN = "link_seen", "link_written"
_TITLE = "page_title"
# Link parameters beside set and tab, and their keys in the session state, shared by the controls of all
# tabs.
HELD = {
    "metric": "metric_in_hand",
    "question": "card_id",
    "view": "author_view",
    "find": "questions_find",
    "subject": "questions_subjects",
}
# `_OF_TABLE` lists the parameters that the question table itself writes into the address
# (`editor/table/source/linking.ts`).
TABLE = "Table"
_OF_TABLE = ("find", "subject", "state", "slope", "relevance", "sort", "question")
LAST_VIEW = "e2lm-last-view"  # browser storage key of the last view's address before Share
_JS = """
export default function ({ data }) {
  const note = () => {
    if (data.kept !== null)
      sessionStorage.setItem(data.store, location.pathname.split("/").pop() + location.search);
  };
  const at = new URL(location.href);
  if (!data.elsewhere.includes(at.pathname.replace(/\\/$/, "").split("/").pop())) {
    const link = new URLSearchParams(data.link);
    for (const name of [...(data.kept ?? []), "embed", "embed_options"])
      if (!link.has(name)) for (const value of at.searchParams.getAll(name)) link.append(name, value);
    if (link.toString() !== at.searchParams.toString()) {
      at.search = link.toString();
      history.replaceState(history.state, "", at);
    }
    note();
  }
  document.addEventListener("e2lm-link", note);
  return () => document.removeEventListener("e2lm-link", note);
}
"""


class Tab(NamedTuple):
    """One view of a place.

    Attributes:
        slug: Name in links, unique among all tabs.
        label: Name in the interface.
        holds: Parameters of its links, keys of `HELD`.
    """

    slug: str
    label: str
    holds: tuple[str, ...] = ()


class Place(NamedTuple):
    """A page of the navigation.

    Attributes:
        slug: Name in links.
        title: Title of the page.
        icon: Material symbol.
        tabs: Views of the page; the first one is shown first.
    """

    slug: str
    title: str
    icon: str
    tabs: tuple[Tab, ...] = ()

    @property
    def script(self) -> str:
        """Path of the page's script."""
        return f"pages/{self.slug}.py"

    @property
    def key(self) -> str:
        """Key of the control that chooses among the place's tabs."""
        return f"tab_{self.slug}"


SETS = Place("sets", "Sets", ":material/folder_open:")
QUESTIONS = Place(
    "questions",
    "Questions",
    ":material/edit_note:",
    (
        Tab("write", "Write", ("view", "question")),
        Tab("measured", "Measured", ("metric", "find", "subject")),
        Tab("suspects", "Suspects"),
        Tab("choosing", "Choosing", ("metric",)),
        Tab("relevance", "Relevance", ("question",)),
        Tab("known", "Known facts"),
    ),
)
RESULT = Place(
    "result",
    "Result",
    ":material/verified:",
    (Tab("overview", "Overview"), Tab("score", "Score", ("metric",)), Tab("published", "Published")),
)
CURVES = Place(
    "curves",
    "Curves",
    ":material/show_chart:",
    (
        Tab("accuracy", "Accuracy", ("metric",)),
        Tab("ranking", "Ranking", ("metric",)),
        Tab("one_by_one", "By question", ("metric", "question")),
        Tab("subjects", "By subject", ("metric",)),
    ),
)
DECIDE = Place(
    "decide",
    "Decide",
    ":material/balance:",
    (
        Tab("compare", "Compare", ("metric",)),
        Tab("plan", "How many questions", ("metric",)),
        Tab("groups", "Model groups", ("metric",)),
    ),
)
SHARE = Place("share", "Share", ":material/ios_share:")
MODELS = Place(
    "models",
    "Models and runs",
    ":material/play_circle:",
    (Tab("run", "Run"), Tab("checkpoints", "Models"), Tab("results", "From elsewhere")),
)
PLACES = (SETS, QUESTIONS, RESULT, CURVES, DECIDE, SHARE, MODELS)
# Every view: a place without tabs, or one of a place's tabs.
VIEWS = tuple(name for place in PLACES for name in ([tab.slug for tab in place.tabs] or [place.slug]))


def find(name: str) -> tuple[Place, str | None]:
    """The place with this slug and None, or the place and the slug of its tab with this slug.

    Raises:
        KeyError: No place and no tab has this slug.
    """
    for place in PLACES:
        if place.slug == name:
            return place, None
        if any(tab.slug == name for tab in place.tabs):
            return place, name
    raise KeyError(name)


def query(tab: str | None, name: str | None = None) -> dict[str, str]:
    """Query parameters of a link: the set, by default the selected one, and the tab."""
    name = name or st.session_state.get("set")
    return ({"set": name} if name else {}) | ({_PARAMETER: tab} if tab else {})


def address(view: str, name: str) -> str:
    """Address of a view of a set, relative to the studio's own address.

    Raises:
        KeyError: There is no such view.
    """
    place, tab = find(view)
    return f"{'' if place is SETS else place.slug}?{urlencode(query(tab, name))}"


def link(name: str, label: str, icon: str) -> None:
    """Draw a link to a place or a tab, with the selected set."""
    place, tab = find(name)
    st.page_link(place.script, label=markdown.escape(label), icon=icon, query_params=query(tab))


def go(name: str) -> None:
    """Switch to a place or a tab, with the selected set."""
    place, tab = find(name)
    st.switch_page(place.script, query_params=query(tab))


# --- what is shown, and the address that says so ----------------------------------------------------------


def current_tab(place: Place) -> str:
    """Slug of the shown tab: from the link, else the last shown one, else the first; "" without tabs.

    The link's other parameters are remembered in the session, and the browser's title is set.
    """
    clicked = st.session_state.pop(_CLICKED, False)
    said = {name: st.query_params.get_all(name) for name in st.query_params}
    # A link is new if this session has not written it: it comes from a colleague, from this page, or from
    # the browser's Back button. After a click the browser may still send the previous link. A link that the
    # script below has written is not new either: reading it would undo a click.
    is_new = not clicked and said not in (st.session_state.get(_SEEN), st.session_state.get(_WRITTEN))
    tab = _shown(place, clicked) if place.tabs else ""
    if is_new:
        _take(place, tab, said)
    st.session_state[_SEEN] = {name: st.query_params.get_all(name) for name in st.query_params}
    label = next((f"{one.label} · " for one in place.tabs if one.slug == tab), "")
    st.session_state[_TITLE] = f"{label}{place.title} · {PRODUCT}"
    st.set_page_config(page_title=st.session_state[_TITLE])
    return tab


def title_mark(mark: str) -> None:
    """Put a mark before the page's title in the browser's tab, until the title is drawn again."""
    st.set_page_config(page_title=f"{mark} · {st.session_state.get(_TITLE, PRODUCT)}")


def _shown(place: Place, clicked: bool) -> str:
    asked, left = st.query_params.get(_PARAMETER), f"{place.key}_left"
    slugs = [tab.slug for tab in place.tabs]
    if not clicked and asked in slugs and asked != st.session_state.get(_IN_LINK):
        st.session_state[place.key] = asked
    elif st.session_state.get(place.key) not in slugs:
        st.session_state[place.key] = st.session_state.get(left, slugs[0])
    tab = str(st.session_state[place.key])
    st.session_state[_IN_LINK] = st.session_state[left] = tab
    if clicked and asked != tab:
        st.query_params.from_dict(
            _values(_link(place, tab))
        )  # at once: this is a step in the browser's history
    return tab


def _take(place: Place, tab: str, said: dict[str, list[str]]) -> None:
    """Remember the parameters of a link; controls ignore unknown values."""
    for name in _holds(place, tab):
        values = [value for value in said.get(name, []) if value]
        if values and (name != "metric" or values[-1] in METRICS):
            st.session_state[HELD[name]] = values if name == "subject" else values[-1]


def _holds(place: Place, tab: str) -> tuple[str, ...]:
    return next((one.holds for one in place.tabs if one.slug == tab), ())


def _link(place: Place, tab: str) -> list[tuple[str, str]]:
    """Parameters of the link to the shown view, as pairs."""
    pairs = list(query(tab or None).items())
    for name in _holds(place, tab):
        value = st.session_state.get(HELD[name])
        if tab == "write" and st.session_state.get(HELD["view"], TABLE) == TABLE:
            continue  # the default view, which writes its question into the address itself
        values = value if isinstance(value, list) else [value]
        pairs += [(name, str(one)) for one in values if one]
    return pairs


def _values(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    """Values of each name of a link, in Streamlit's form."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values


@st.cache_resource(show_spinner=False)
def _component():
    return st.components.v2.component("studio_link", js=_JS)


def write_url(place: Place, tab: str) -> None:
    """Write the address of the shown view into the browser."""
    table = tab == "write" and st.session_state.get(HELD["view"], TABLE) == TABLE
    kept: Iterable[str] | None = None if place is SHARE else _OF_TABLE if table else ()
    turn = st.session_state["link_turn"] = st.session_state.get("link_turn", 0) + 1
    link = _link(place, tab)
    st.session_state[_WRITTEN] = _values(link)
    data = {
        "link": link,
        "kept": None if kept is None else list(kept),
        "elsewhere": [other.slug for other in PLACES if other is not place],
        "store": LAST_VIEW,
        "turn": turn,  # each drawing writes: after a step back the same page may have another address
    }
    with st.container(key="listening_link", width="content"):
        _component()(key="link", data=data)


def remember_choice(name: str, key: str) -> None:
    """Remember a control's value for links and other places; an `on_change` callback.

    Args:
        name: Name of the link parameter, a key of `HELD`.
        key: Key of the control.
    """
    st.session_state[HELD[name]] = st.session_state[key]


def tab_control(place: Place) -> None:
    """Draw the control that chooses among a place's tabs; after `current_tab`."""
    labels = {tab.slug: tab.label for tab in place.tabs}
    with st.container(key="tabs"):
        st.segmented_control(
            "View",
            list(labels),
            required=True,
            format_func=lambda slug: markdown.escape(labels[slug]),
            key=place.key,
            label_visibility="collapsed",
            on_change=_click,
        )


def _click() -> None:
    st.session_state[_CLICKED] = True
