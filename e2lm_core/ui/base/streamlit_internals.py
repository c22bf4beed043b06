"""Private parts of Streamlit that the studio uses, one function each, with an answer if a release lacks them.

All other modules use Streamlit's documented interface alone. Written against Streamlit 1.67.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit import runtime

try:  # once: each text of a page asks for its run
    from streamlit.runtime.scriptrunner_utils import script_run_context
except ImportError:
    script_run_context = None  # type: ignore[assignment]

TESTED = "1.67"  # the test of this module fails at a later minor release until each function was looked at
MAX_LISTINGS = 100  # of a session's keys, while another thread sets values
STATIC_FOLDER = Path(st.__file__).parent / "static"  # the browser's part, with index.html


def current_script_run() -> object | None:
    """An object for the current run of a page's script or fragment, another one for each; None outside of one.

    Streamlit gives each run its own cursors, which therefore identify the run.
    """
    context = _script_run_context()
    return None if context is None else getattr(context, "cursors", context)


def is_history_navigation() -> bool:
    """Whether the browser's Back or Forward has caused this run; False if it cannot be read."""
    return bool(getattr(_script_run_context(), "is_history_navigation", False))


def is_fragment_run() -> bool:
    """Whether fragments alone are redrawn, and not the page; False if it cannot be read."""
    return bool(getattr(_script_run_context(), "fragment_ids_this_run", None))


def keys_of_labelled_choices() -> list[str]:
    """Keys of the controls whose choice the browser keeps as its option's label; none if they cannot be read."""
    state = getattr(getattr(_script_run_context(), "session_state", None), "_state", None)
    controls = getattr(getattr(state, "_new_widget_state", None), "widget_metadata", {})
    keys = getattr(getattr(state, "_key_id_mapper", None), "id_key_mapping", {})
    return [
        keys[identity]
        for identity, control in controls.items()
        if identity in keys and hasattr(getattr(control.serializer, "__self__", None), "formatted_options")
    ]


def skip_fragments_of_left_pages() -> bool:
    """Let sessions skip a fragment's redrawing that was asked for on a page which has been left since.

    A poll that the browser sent before a change of pages may be handled after it. Streamlit then names the former
    page as the current one; the browser drops the elements of the page that it shows, and stops at the next message
    with "Bad delta path index".

    Returns:
        Whether they do; False for a release that lacks what is needed.
    """
    try:
        from streamlit.runtime.scriptrunner.script_runner import ScriptRunner

        run = ScriptRunner._run_script
    except (ImportError, AttributeError):
        return False
    if not hasattr(run, "__wrapped__"):

        @functools.wraps(run)
        def run_unless_left(runner: Any, asked: Any) -> None:
            if not _is_of_left_page(runner, asked):
                run(runner, asked)

        ScriptRunner._run_script = run_unless_left  # type: ignore[method-assign, assignment]
    return True


@contextlib.contextmanager
def forget_left_fragments() -> Iterator[None]:
    """Draw a page; if it ends early with `st.stop`, drop the fragments of its last drawing that it did not draw again.

    Streamlit drops them only when a page ends by itself. The poll of one that is left would then draw where the short
    page has no element, and the browser stops at that with "Bad delta path index": a blank page. A release that lacks
    what is needed keeps them.
    """
    try:
        yield
    except BaseException as error:
        if type(error).__name__ == "StopException":
            context = _script_run_context()
            clear = getattr(getattr(context, "fragment_storage", None), "clear", None)
            drawn = getattr(getattr(context, "shared", None), "new_fragment_ids", None)
            snapshot = getattr(drawn, "snapshot", None)
            if clear is not None and snapshot is not None:
                clear(new_fragment_ids=snapshot())
        raise


def keep_unsent_messages() -> bool:
    """Let a session send all that it has drawn, even if its next run begins before that is sent.

    Streamlit withdraws elements that are drawn and not sent yet when the page, or the fragment that they belong to,
    is drawn again. But a control's value that the server sets is in the first drawing only, so that none of its
    options is chosen then; a fragment that goes while its page is said to be complete lets the elements below it
    move up, and costs the first of them; and addresses for an upload are withdrawn too, which then never begins.

    Returns:
        Whether they do; False for a release that lacks what is needed.
    """
    try:
        from streamlit.runtime.app_session import AppSession
        from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

        withdraw = AppSession._clear_queue
    except (ImportError, AttributeError):
        return False
    if not hasattr(ForwardMsgQueue(), "_delta_index_map"):
        return False
    if not hasattr(withdraw, "__wrapped__"):

        @functools.wraps(withdraw)
        def begin_after_unsent(session: Any, fragment_ids_this_run: list[str] | None = None) -> None:
            if (queue := getattr(session, "_browser_queue", None)) is None:
                withdraw(session, fragment_ids_this_run)
            else:
                # A run begins: its elements come after those of the last one, and not in their place.
                queue._delta_index_map = {}

        AppSession._clear_queue = begin_after_unsent  # type: ignore[method-assign, assignment]
    return True


def repeat_unseen_values() -> bool:
    """Let a run send a control's value again which the last run has set and the browser has not drawn yet.

    Streamlit sends it once. A browser that draws two runs at once sees the second alone, and no option as chosen.
    It names the controls that it shows in each request.

    Returns:
        Whether they do; False for a release that lacks what is needed.
    """
    try:
        from streamlit.runtime.state.session_state import SessionState

        begin = SessionState.on_script_will_rerun
    except (ImportError, AttributeError):
        return False
    if not all(hasattr(SessionState(), name) for name in ("_new_session_state", "_key_id_mapper")):
        return False
    if not hasattr(begin, "__wrapped__"):

        @functools.wraps(begin)
        def begin_with_unseen(state: Any, shown: Any, **more: Any) -> None:
            ids = {key: state._key_id_mapper.get_id_from_key(key, None) for key in state._new_session_state}
            begin(state, shown, **more)
            seen = set() if shown is None else {widget.id for widget in shown.widgets}
            for key, identity in ids.items():
                if identity is not None and identity not in seen and key in state:
                    state._new_session_state.setdefault(key, state[key])

        SessionState.on_script_will_rerun = begin_with_unseen  # type: ignore[method-assign, assignment]
    return True


def list_keys_meanwhile() -> bool:
    """Let a run begin while the one before it, which is being stopped, still sets a value.

    Each runs in a thread with a lock of its own. A value that is set while the new run lists the session's keys ended
    it: the page was an error alone ("dictionary changed size during iteration"). They are listed again then.

    Returns:
        Whether they are; False for a release that lacks what is needed.
    """
    try:
        from streamlit.runtime.state.session_state import SessionState

        keys = SessionState._keys
    except (ImportError, AttributeError):
        return False
    if not hasattr(keys, "__wrapped__"):

        @functools.wraps(keys)
        def keys_meanwhile(state: Any) -> set[str]:
            for _ in range(MAX_LISTINGS):
                with contextlib.suppress(RuntimeError):
                    return keys(state)
            return keys(state)

        SessionState._keys = keys_meanwhile  # type: ignore[method-assign, assignment]
    return True


def _is_of_left_page(runner: Any, asked: Any) -> bool:
    current = getattr(getattr(runner, "_pages_manager", None), "current_page_script_hash", "")
    of = getattr(asked, "page_script_hash", "")
    return bool(getattr(asked, "fragment_id_queue", None) and current and of) and of != current


def _script_run_context() -> Any:
    get = getattr(script_run_context, "get_script_run_ctx", None)
    return None if get is None else get(suppress_warning=True)


def leave_pages_directory() -> bool:
    """Whether Streamlit took the page for a script of its own; it runs app.py from now on.

    Until app.py has run once in a server's life, a link to /curves runs pages/curves.py alone.
    """
    with contextlib.suppress(ImportError):
        from streamlit.runtime.pages_manager import PagesManager

        if getattr(PagesManager, "uses_pages_directory", False):
            PagesManager.uses_pages_directory = False
            return True
    return False


def session_count() -> int:
    """Number of sessions of the server; 1 without a server, or if it cannot be read."""
    if runtime.exists() and (manager := getattr(runtime.get_instance(), "_session_mgr", None)) is not None:
        return int(manager.num_active_sessions())
    return 1


def uploaded_bytes() -> dict[str, int]:
    """Bytes of Streamlit's current uploads by session; none if they cannot be read."""
    return {
        session: sum(len(file.data) for file in list(files.values()))
        for session, files in list(getattr(_upload_manager(), "file_storage", {}).items())
    }


def remove_abandoned_uploads() -> None:
    """Free the uploads of sessions without a browser; Streamlit itself waits two minutes for a browser."""
    for session in uploaded_bytes():
        if not runtime.get_instance().is_active_session(session):
            _upload_manager().remove_session_files(session)


def make_xsrf_token() -> tuple[str, str] | None:
    """Cookie name and a new token that Streamlit takes for its own; None if a release makes them otherwise."""
    try:
        from streamlit.web.server.starlette.starlette_app_utils import generate_xsrf_token_string
        from streamlit.web.server.starlette.starlette_server_config import XSRF_COOKIE_NAME
    except ImportError:
        return None
    return XSRF_COOKIE_NAME, generate_xsrf_token_string()


def _upload_manager() -> Any:
    return runtime.get_instance().uploaded_file_mgr if runtime.exists() else None
