"""The visitor's session: settings, current set, theme.

Tested in tests/pages/test_pages.py.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import TypeVar

import streamlit as st

from e2lm_core.base.errors import StudioError
from e2lm_core.base.files import folder_stamp
from e2lm_core.base.records import TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.charts.palette import Theme, theme
from e2lm_core.checkpoints import user_folders
from e2lm_core.checkpoints.catalogue import list_step_folders, open_catalogue
from e2lm_core.checkpoints.hub import added_models as hub
from e2lm_core.runs.studio import Studio, open_studio
from e2lm_core.sets import collection
from e2lm_core.sets.collection import SetInfo
from e2lm_core.sets.versions import Version, list_versions
from e2lm_core.ui.base import local_request, markdown, page_cache, streamlit_internals, urls
from e2lm_core.ui.requests import sign_in
from e2lm_core.ui.requests.middleware import browser_cookie

T = TypeVar("T")
FIRST_SET = "ladder_science"
_CHOSEN = "set_chosen"
_OF_ONE_SET = (*(urls.HELD[name] for name in ("question", "find", "subject")), urls.LINKED_QUESTION)


def studio() -> Studio:
    """The studio with the caller's settings; safe to use from several threads.

    All visitors share its parts. Its catalogue is read again when any process has added or removed a folder
    or a hub model, and when training has written another checkpoint into a folder.
    """
    return once_a_run("studio", _asking)


@contextmanager
def settings_for_visitor(settings: Settings) -> Iterator[None]:
    """Use these settings as the caller's in this thread, which draws no page."""
    _run.settings = settings
    try:
        yield
    finally:
        _run.settings = None


def studio_of(settings: Settings) -> Studio:
    """The studio with the given settings, for callers without a page."""
    return replace(_shared(), settings=settings)


def _shared() -> Studio:
    settings = _opened().settings
    return _studio(
        hub.change_stamp(settings), user_folders.change_stamp(settings), list_step_folders(settings)
    )


def _asking() -> Studio:
    if (settings := getattr(_run, "settings", None)) is not None:
        return studio_of(settings)
    shared = _shared()
    return replace(shared, settings=_without_token(sign_in.current_person(shared.settings, author())))


def _without_token(settings: Settings) -> Settings:
    """Settings with the deployer's hub token only for a local user, or for its named owners."""
    if settings.hub_token_for is not None or (settings.auth == "none" and local_request.is_local_request()):
        return settings
    return settings.model_copy(update={"hub_token_for": ()})


def author() -> str:
    """Author in histories without sign-in: the session's browser, unchanged by a reload."""
    cookie = browser_cookie.is_valid_cookie(
        st.context.cookies.get(browser_cookie.COOKIE)
    ) or st.session_state.setdefault("browser", uuid.uuid4().hex)
    return browser_cookie.author(cookie)


def opened_settings() -> Settings:
    """Settings of the server, without a caller."""
    return _opened().settings


@st.cache_resource(show_spinner=False)
def _opened() -> Studio:
    return open_studio()


@st.cache_resource(max_entries=1, show_spinner=False)
def _studio(
    added: tuple[int, int] | None, folders: tuple[int, int] | None, steps: tuple[tuple[str, ...], ...]
) -> Studio:
    return replace(_opened(), catalogue=open_catalogue(_opened().settings))


def spinner(sentence: str) -> AbstractContextManager[None]:
    """Show the reason of a wait while it lasts; nothing outside of a page."""
    if streamlit_internals.current_script_run() is None:
        return nullcontext()
    return st.spinner(markdown.escape(sentence))


def current_theme() -> Theme:
    """Colours of the theme that the visitor's browser shows."""
    return theme(st.context.theme.type)


def redraw_through_app() -> None:
    """Redraw the page through app.py, with navigation and theme, if it was called as its own script.

    Until app.py has run once in a server's life, Streamlit takes a link to /curves for a separate script.
    """
    if streamlit_internals.leave_pages_directory():
        st.rerun()


# --- one run of a page's script -------------------------------------------------------------------------

_run = threading.local()


def once_a_run(key: str, make: Callable[[], T]) -> T:
    """Get a value, computed once in each run of a page's script; each time outside of a page."""
    run = streamlit_internals.current_script_run()
    if run is None:
        return make()
    if getattr(_run, "of", None) is not run:
        _run.of, _run.made = run, {}
    if key not in _run.made:
        _run.made[key] = make()
    return _run.made[key]


def forget_in_run(key: str) -> None:
    """Drop a value of `once_a_run` that an action of the page has changed."""
    getattr(_run, "made", {}).pop(key, None)


def begin_run() -> None:
    """Drop the values of this run: callbacks, which run before the page, may have changed their inputs."""
    _run.of = None


# --- the set in hand ----------------------------------------------------------------------------------


def current_set_name() -> str | None:
    """Address of the selected set: of a new link, else the session's, else the science example, else any.

    None where there is no set, or the selected one is missing: it is never replaced by another.
    """
    names = _names()
    if linked := urls.linked_set():  # from a colleague, or the browser's Back button
        owner, _, own = linked.partition("/")
        set_current_set(own if own and owner == studio().settings.person else linked)
        st.session_state.pop(_CHOSEN, None)
    elif st.query_params.get("set"):  # not in another place, whose address is bare
        _take_step()
    if _gone(names):
        return None
    wish = st.session_state.get("set") or FIRST_SET
    name = wish if wish in names or "/" in wish else next(iter(names), None)
    if name is not None:
        set_current_set(name)
    return name


def set_current_set(name: str) -> None:
    """Select a set in this session; the link follows with the next drawing or a change of place."""
    if st.session_state.get("set", name) != name:
        forget_in_run("sets")  # it may be new
        forget_in_run("labels")
        for key in _OF_ONE_SET:
            st.session_state.pop(key, None)
    st.session_state["set"] = name


def all_sets() -> list[SetInfo]:
    """All sets of the caller, as `collection.list_sets`; listed once in a run of the page."""
    return once_a_run("sets", lambda: collection.list_sets(studio().settings))


def set_label(address: str) -> str:
    """Title of a set in lists and headings, or its address; no two sets of the caller look the same."""
    return once_a_run("labels", lambda: collection.set_labels(all_sets())).get(address, address)


def set_entry(address: str) -> SetInfo:
    """Entry of a set of the caller, as `collection.find_set`: of the list of this run of the page if it is there.

    Raises:
        TaskError: There is no such set, or it is not shared with the caller.
    """
    listed = next((info for info in all_sets() if info.address == address), None)
    return listed or collection.find_set(studio().settings, address)


def versions_of_set(address: str) -> list[Version]:
    """Kept versions of a set, as `versions.list_versions`; read once in a run of the page."""
    return once_a_run(f"versions {address}", lambda: list_versions(studio().settings, address))


def _names() -> list[str]:
    return [info.address for info in all_sets() if not info.problem]


def _gone(names: Sequence[str]) -> str | None:
    """The selected set if it is missing while others exist: deleted, renamed, unshared or unknown."""
    chosen = st.session_state.get("set")
    if not names or not chosen or chosen in names or ("/" in chosen and _opens(chosen)):
        return None
    return chosen


def missing_set() -> str | None:
    """Address of the selected set if it is missing; None if it exists or none was selected."""
    current_set_name()
    return _gone(_names())


def _opens(address: str) -> bool:
    """Whether another person's unlisted set can be opened: administrators read all."""
    try:
        return bool(collection.find_set(studio().settings, address))
    except StudioError:
        return False


def choose_set(name: str) -> None:
    """Select a set in this session and in the link, as a step in the browser's history."""
    set_current_set(name)
    st.session_state[_CHOSEN] = name
    _take_step()


def _take_step() -> None:
    """Write a set that was just chosen into the address; again if that was broken off for the browser's next request."""
    chosen = st.session_state.get(_CHOSEN)
    if chosen is not None and chosen == st.session_state.get("set") != st.query_params.get("set"):
        # Other parameters that the browser sends date from the loading of the page: view, filters, a
        # question of the other set.
        st.query_params.from_dict(urls.query(st.query_params.get("tab"), chosen))
    st.session_state.pop(_CHOSEN, None)


def is_example(name: str) -> bool:
    """Whether the caller cannot edit a set: an example, a set shared for viewing, or a read-only session."""
    info = set_entry(name)
    return info.example or info.role == "reader" or studio().settings.readonly


def file_name(name: str) -> str:
    """A set's address as part of a file name."""
    return name.replace("/", "-")


def read_set(name: str, settings: Settings | None = None) -> TaskSet:
    """Read a set by its address; it is read again when its files have changed.

    Args:
        name: Address of the set.
        settings: Settings of a caller without a page; None for the session's.

    Raises:
        StudioError: The set cannot be read.
    """
    info = set_entry(name) if settings is None else collection.find_set(settings, name)
    limits = (settings or studio().settings).limits

    def read() -> TaskSet:
        return collection.open_found_set(info, limits)

    # By folder, which only readers of the set can reach; all of them share one object.
    inputs = (info.folder, info.owner, info.yaml)
    return page_cache.get_or_compute("set", inputs, read, version=folder_stamp(info.folder))
