"""URLs of places and tabs.

A place is a page of the navigation. Its shown tab is part of the link (`?tab=`), like the set and the tab's
own parameters (`Tab.holds`: metric, filters, question), so that a colleague gets the same view; only the
shown tab is computed. A change of set or tab is a step in the browser's history. A script in the browser
writes all other parameters, and those that a bare address of the navigation lacks, into the address: without
a step in the history and without redrawing the page.

An address is read where it was asked for: at a visit's beginning, in another place, by the browser's Back and
Forward, by a link. With any other redrawing the browser sends an address too, often one of before the last
click: the session is right then, and the address follows it.

Tested in tests/ui/base/test_urls.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlencode

import streamlit as st

from e2lm_core.base.records import METRICS
from e2lm_core.ui.base import language, markdown, streamlit_internals

PRODUCT = "E2LM Task Studio"
_PARAMETER, _CLICKED = "tab", "tab_clicked"
_FOLLOWED = "followed"  # stands in a link within a place: the browser says nowhere else that it was followed
_ASKED, _PLACE, _LINKED_SET = "link_asked_for", "place_drawn", "set_in_link"
LINKED_QUESTION = "question_in_link"
_TITLE = "page_title"
# Link parameters beside set and tab, and their keys in the session state, shared by the controls of all
# tabs.
HELD = {
    "metric": "metric_in_hand",
    "question": "card_id",
    "view": "author_view",
    "find": "questions_find",
    "subject": "questions_subjects",
    "beside": "shelf_beside",
    "shelf": "shelf_group",
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
        label: Name in the interface, in English.
        holds: Parameters of its links, keys of `HELD`.
    """

    slug: str
    label: str
    holds: tuple[str, ...] = ()


class Place(NamedTuple):
    """A page of the navigation.

    Attributes:
        slug: Name in links.
        title: Title of the page, in English.
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
        Tab("problems", "Problems"),
        Tab("measured", "Measured", ("metric", "find", "subject")),
        Tab("map", "Map"),
        Tab("suspects", "Suspects"),
        Tab("choosing", "Choosing", ("metric",)),
        Tab("alternatives", "Alternatives", ("question",)),
        Tab("relevance", "Relevance", ("question",)),
        Tab("known", "Known facts"),
    ),
)
RESULT = Place(
    "result",
    "Result",
    ":material/verified:",
    (
        Tab("overview", "Overview", ("beside",)),
        Tab("score", "Score", ("metric",)),
        Tab("published", "Published"),
        Tab("shelf", "Public benchmarks", ("shelf",)),
    ),
)
CURVES = Place(
    "curves",
    "Curves",
    ":material/show_chart:",
    (
        Tab("accuracy", "Accuracy", ("metric", "beside")),
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
        Tab("ahead", "Ahead at the end", ("metric",)),
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


def link(name: str, label: str, icon: str, question: str | None = None) -> None:
    """Draw a link to a place or a tab, with the selected set, and to one of its questions by id if one is given."""
    place, tab = find(name)
    followed = {_FOLLOWED: "1"} if st.session_state.get(_PLACE) == place.slug else {}
    more = {} if question is None else {"question": question}
    st.page_link(
        place.script,
        label=markdown.escape(language.translate(label)),
        icon=icon,
        query_params=query(tab) | more | followed,
    )


def link_inputs() -> tuple[str | None, str | None]:
    """Selected set and drawn place, on which every link depends."""
    return st.session_state.get("set"), st.session_state.get(_PLACE)


def go(name: str) -> None:
    """Switch to a place or a tab, with the selected set."""
    place, tab = find(name)
    st.session_state[_ASKED] = True
    st.switch_page(place.script, query_params=query(tab))


# --- what is shown, and the address that says so ----------------------------------------------------------


def note_asked_address() -> None:
    """Note that this drawing's address was asked for, should the drawing be broken off before it is read."""
    if _FOLLOWED in st.query_params:
        st.session_state[_ASKED] = True
        del st.query_params[_FOLLOWED]  # at once: this is a step in the browser's history
    if streamlit_internals.is_history_navigation():
        st.session_state[_ASKED] = True
        st.session_state.pop(_CLICKED, None)


def current_tab(place: Place) -> str:
    """Slug of the shown tab: from an address that was asked for, else the last shown one, else the first.

    "" for a place without tabs. The address's other parameters are remembered in the session, and the browser's
    title is set.
    """
    note_asked_address()
    is_clicked = st.session_state.get(_CLICKED) == place.slug
    is_asked = st.session_state.pop(_ASKED, False) or st.session_state.get(_PLACE) != place.slug
    st.session_state[_PLACE] = place.slug
    said = {name: st.query_params.get_all(name) for name in st.query_params}
    is_link = is_asked and not is_clicked
    tab = _shown(place, is_link, is_clicked) if place.tabs else ""
    # Only now: sending may break this drawing off for the browser's next request, and the step would be missing.
    st.session_state.pop(_CLICKED, None)
    if is_link:
        _take(place, tab, said)
    label = next((f"{language.translate(one.label)} · " for one in place.tabs if one.slug == tab), "")
    st.session_state[_TITLE] = f"{label}{language.translate(place.title)} · {PRODUCT}"
    st.set_page_config(page_title=st.session_state[_TITLE])
    return tab


def linked_set() -> str | None:
    """Address of the set of a link that was followed, once; None without one."""
    return st.session_state.pop(_LINKED_SET, None)


def missing_question(ids: Iterable[str]) -> str | None:
    """Id of the question that a link asked for and the set lacks, until another is in hand; None otherwise.

    It leaves the address.
    """
    asked, held = st.session_state.get(LINKED_QUESTION), HELD["question"]
    if asked is None or asked in ids:
        return None
    if st.session_state.get(held) == asked:
        del st.session_state[held]
    return None if held in st.session_state else str(asked)


def title_mark(mark: str) -> None:
    """Put a mark before the page's title in the browser's tab, until the title is drawn again."""
    st.set_page_config(page_title=f"{mark} · {st.session_state.get(_TITLE, PRODUCT)}")


def _shown(place: Place, is_link: bool, is_clicked: bool) -> str:
    asked, left = st.query_params.get(_PARAMETER), f"{place.key}_left"
    slugs = [tab.slug for tab in place.tabs]
    if is_link and asked in slugs:
        st.session_state[place.key] = asked
    elif st.session_state.get(place.key) not in slugs:
        st.session_state[place.key] = st.session_state.get(left, slugs[0])
    tab = st.session_state[left] = str(st.session_state[place.key])
    if is_clicked and asked != tab:
        st.query_params.from_dict(
            _values(_link(place, tab))
        )  # at once: this is a step in the browser's history
    return tab


def _take(place: Place, tab: str, said: dict[str, list[str]]) -> None:
    """Remember the parameters of a link; controls ignore unknown values."""
    if name := next(iter(said.get("set", [])), ""):
        st.session_state[_LINKED_SET] = name
    for name in _holds(place, tab):
        values = [value for value in said.get(name, []) if value]
        if values and (name != "metric" or values[-1] in METRICS):
            st.session_state[HELD[name]] = values if name == "subject" else values[-1]
            if name == "question":
                st.session_state[LINKED_QUESTION] = values[-1]


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
    data = {
        "link": _link(place, tab),
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
            language.translate("View"),
            list(labels),
            required=True,
            format_func=lambda slug: markdown.escape(language.translate(labels[slug])),
            key=place.key,
            label_visibility="collapsed",
            on_change=_click,
            args=(place.slug,),
        )


def _click(place: str) -> None:
    st.session_state[_CLICKED] = place
