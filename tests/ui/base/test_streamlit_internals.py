"""Streamlit's private parts: each function with the installed release, and where a release lacks what it uses."""

from __future__ import annotations

import ast
import builtins
from importlib.metadata import version
from inspect import unwrap
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.proto.Common_pb2 import FileURLsResponse
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.NewSession_pb2 import NewSession
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.scriptrunner import StopException
from streamlit.runtime.state import session_state
from streamlit.runtime.state.session_state import SessionState
from streamlit.testing.v1 import AppTest
from streamlit.web.server.starlette.starlette_app_utils import validate_xsrf_token

from e2lm_core.ui.base import streamlit_internals as internals
from tests.conftest import ROOT

# Types and options that Streamlit documents.
DOCUMENTED = {"streamlit.delta_generator", "streamlit.runtime.uploaded_file_manager"}


def test_the_release_is_the_one_that_was_looked_at() -> None:
    installed = ".".join(version("streamlit").split(".")[:2])
    assert installed == internals.TESTED, (
        "run this file's tests, look at each function, then name the new release"
    )


def test_no_other_module_uses_them() -> None:
    for path in sorted((ROOT / "e2lm_core").rglob("*.py")):
        if path.name == "streamlit_internals.py":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            inner = [name for name in names if name.startswith("streamlit.")]
            assert set(inner) <= DOCUMENTED, f"{path}:{node.lineno}"
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "st":
                assert not node.attr.startswith("_"), f"{path}:{node.lineno}"


def test_a_run_is_one_object_and_the_next_run_another() -> None:
    def page() -> None:
        import streamlit as st

        from e2lm_core.ui.base import streamlit_internals as internals

        run = internals.current_script_run()
        st.session_state.setdefault("runs", []).append((run, internals.current_script_run() is run))
        st.button("again", key="again")

    assert internals.current_script_run() is None
    at = AppTest.from_function(page).run()
    at.button(key="again").click().run()
    (first, same), (second, same_again) = at.session_state["runs"]
    assert (same, same_again) == (True, True)
    assert first is not None
    assert first is not second


def test_a_step_of_the_browsers_history_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from streamlit.runtime.scriptrunner_utils import script_run_context

    assert internals.is_history_navigation() is False
    run = SimpleNamespace(is_history_navigation=True)
    monkeypatch.setattr(script_run_context, "get_script_run_ctx", lambda **_: run)
    assert internals.is_history_navigation() is True
    del run.is_history_navigation  # another release
    assert internals.is_history_navigation() is False


def test_a_fragment_drawn_with_its_page_is_no_run_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    from streamlit.runtime.scriptrunner_utils import script_run_context

    assert internals.is_fragment_run() is False
    run = SimpleNamespace(fragment_ids_this_run=["a"])
    monkeypatch.setattr(script_run_context, "get_script_run_ctx", lambda **_: run)
    assert internals.is_fragment_run() is True
    run.fragment_ids_this_run = None
    assert internals.is_fragment_run() is False
    del run.fragment_ids_this_run  # another release
    assert internals.is_fragment_run() is False


def test_choices_that_the_browser_keeps_as_labels_are_told_from_other_values() -> None:
    def page() -> None:
        import streamlit as st

        from e2lm_core.ui.base import streamlit_internals as internals

        st.session_state["found"] = internals.keys_of_labelled_choices()
        st.selectbox("a", [1, 2], key="box")
        st.multiselect("b", [1, 2], key="boxes")
        st.segmented_control("c", [1, 2], key="segments")
        st.text_input("d", key="text")
        st.dataframe({"x": [1]}, on_select="rerun", key="table")
        st.button("again", key="again")

    assert internals.keys_of_labelled_choices() == []
    at = AppTest.from_function(page).run()
    at.button(key="again").click().run()
    assert set(at.session_state["found"]) == {"box", "boxes", "segments"}


def test_fragments_of_pages_that_were_left_are_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    from streamlit.runtime.scriptrunner import script_runner

    runs: list[object] = []
    monkeypatch.setattr(script_runner.ScriptRunner, "_run_script", lambda self, asked: runs.append(asked))
    assert internals.skip_fragments_of_left_pages()
    once = script_runner.ScriptRunner._run_script
    assert internals.skip_fragments_of_left_pages()
    assert script_runner.ScriptRunner._run_script is once
    runner = SimpleNamespace(_pages_manager=SimpleNamespace(current_page_script_hash="here"))
    here = SimpleNamespace(page_script_hash="here", fragment_id_queue=["a"])
    left = SimpleNamespace(page_script_hash="left", fragment_id_queue=["a"])
    going = SimpleNamespace(page_script_hash="left", fragment_id_queue=[])
    unnamed = SimpleNamespace(page_script_hash="", fragment_id_queue=["a"])
    for asked in (here, left, going, unnamed):
        script_runner.ScriptRunner._run_script(runner, asked)
    assert runs == [here, going, unnamed]
    del runner._pages_manager  # another release
    script_runner.ScriptRunner._run_script(runner, left)
    assert runs[-1] is left
    monkeypatch.delattr(script_runner.ScriptRunner, "_run_script")
    assert internals.skip_fragments_of_left_pages() is False


def short_page() -> None:
    import streamlit as st

    from e2lm_core.ui.base import streamlit_internals

    def poll(name: str) -> None:
        st.caption(name)

    with streamlit_internals.forget_left_fragments():
        st.fragment(poll)("bar")
        if "gone" in st.session_state:
            st.stop()
        st.fragment(poll)("table")


def test_a_page_that_ends_early_drops_the_fragments_of_its_last_drawing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at = AppTest.from_function(short_page).run()
    both = set(at._fragment_storage._fragments)
    assert len(both) == 2
    at.session_state["gone"] = True
    at.run()
    assert [caption.value for caption in at.caption] == ["bar"]
    (left,) = at._fragment_storage._fragments
    assert left in both
    monkeypatch.setattr(internals, "_script_run_context", lambda: None)  # another release
    with pytest.raises(StopException), internals.forget_left_fragments():
        raise StopException


def drawn_page() -> ForwardMsgQueue:
    """A page with a fragment between two elements, drawn and not sent, and the addresses for an upload."""
    queue = ForwardMsgQueue()
    queue.enqueue(ForwardMsg(new_session=NewSession(name="page")))
    for place, fragment in enumerate(("", "a", "")):
        message = ForwardMsg(delta=Delta(fragment_id=fragment))
        message.delta.new_element.markdown.body = str(place)
        message.metadata.delta_path[:] = [0, place]
        queue.enqueue(message)
    queue.enqueue(ForwardMsg(file_urls_response=FileURLsResponse(response_id="upload")))
    queue.enqueue(ForwardMsg(script_finished=ForwardMsg.FINISHED_SUCCESSFULLY))
    return queue


def session_of(queue: ForwardMsgQueue) -> Any:
    """A session of a server, of which only the queue matters."""
    return SimpleNamespace(_browser_queue=queue)


@pytest.mark.parametrize("fragments", [None, ["a"]])
def test_what_was_drawn_is_sent_though_the_next_run_begins(
    monkeypatch: pytest.MonkeyPatch, fragments: list[str] | None
) -> None:
    monkeypatch.setattr(AppSession, "_clear_queue", unwrap(AppSession._clear_queue))
    assert internals.keep_unsent_messages()
    once = AppSession._clear_queue
    assert internals.keep_unsent_messages()
    assert AppSession._clear_queue is once
    queue, whole = drawn_page(), drawn_page().flush()
    AppSession._clear_queue(session_of(queue), fragments)
    again = ForwardMsg(delta=Delta(fragment_id="a"))
    again.delta.new_element.markdown.body = "again"
    again.metadata.delta_path[:] = [0, 1]
    queue.enqueue(again)
    assert queue.flush() == [*whole, again]
    assert queue.is_empty()


def test_without_the_queues_parts_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    withdrawn: list[object] = []
    original = lambda session, fragments=None: withdrawn.append(fragments)  # noqa: E731
    monkeypatch.setattr(AppSession, "_clear_queue", original)
    assert internals.keep_unsent_messages()
    AppSession._clear_queue(SimpleNamespace(), ["a"])  # another release
    assert withdrawn == [["a"]]
    monkeypatch.setattr(AppSession, "_clear_queue", original)
    monkeypatch.setattr(ForwardMsgQueue, "__init__", lambda self: None)
    assert internals.keep_unsent_messages() is False
    assert AppSession._clear_queue is original
    monkeypatch.delattr(AppSession, "_clear_queue")
    assert internals.keep_unsent_messages() is False


def test_a_page_that_a_test_draws_is_drawn_as_streamlit_draws_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test reads what is drawn from the queue itself, where a drawing that is broken off has to be withdrawn."""

    def page() -> None:
        import streamlit as st

        if st.session_state.pop("leaves", False):
            st.title("Left")
            st.rerun()
        with st.container():
            st.button("Inside", key="inside")

    monkeypatch.setattr(AppSession, "_clear_queue", unwrap(AppSession._clear_queue))
    assert internals.keep_unsent_messages()
    at = AppTest.from_function(page)
    at.session_state["leaves"] = True
    at.run()
    assert ([one.label for one in at.button], list(at.title)) == (["Inside"], [])


def drawn_session() -> SessionState:
    """A session whose last run has set the values of two controls and one more of no control."""
    state = SessionState()
    for key in ("seen", "unseen"):
        state._set_key_widget_mapping(f"id-{key}", key)
        state[key] = "chosen"
    state["other"] = "kept"
    return state


def shown(*keys: str) -> WidgetStates:
    """A browser's request that names the controls that it shows."""
    return WidgetStates(widgets=[WidgetState(id=f"id-{key}", string_value="chosen") for key in keys])


@pytest.mark.parametrize("request_sent", [True, False])
def test_the_values_that_a_browser_has_not_drawn_are_sent_again(
    monkeypatch: pytest.MonkeyPatch, request_sent: bool
) -> None:
    monkeypatch.setattr(SessionState, "on_script_will_rerun", unwrap(SessionState.on_script_will_rerun))
    state = drawn_session()
    state.on_script_will_rerun(shown("seen"))
    assert not state._new_session_state, "Streamlit sends a value once"
    assert internals.repeat_unseen_values()
    once = SessionState.on_script_will_rerun
    assert internals.repeat_unseen_values()
    assert SessionState.on_script_will_rerun is once
    state = drawn_session()
    state.on_script_will_rerun(shown("seen") if request_sent else None)
    unseen = {"unseen": "chosen"} if request_sent else {"unseen": "chosen", "seen": "chosen"}
    assert state._new_session_state == unseen
    assert state["other"] == "kept"
    state.on_script_will_rerun(shown("seen", "unseen"))
    assert not state._new_session_state


def test_without_the_sessions_parts_no_value_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    original = unwrap(SessionState.on_script_will_rerun)
    monkeypatch.setattr(SessionState, "on_script_will_rerun", original)
    monkeypatch.setattr(session_state, "SessionState", type("Other", (), {"on_script_will_rerun": original}))
    assert internals.repeat_unseen_values() is False
    assert SessionState.on_script_will_rerun is original
    monkeypatch.delattr(session_state, "SessionState")
    assert internals.repeat_unseen_values() is False


def test_a_run_begins_while_the_one_before_it_sets_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """The value is set at the moment that another thread would need luck for."""
    find, late = SessionState._get_widget_id, iter(["one", "two"])

    def set_meanwhile(state: SessionState, key: str) -> str:
        if key == "first" and (name := next(late, None)):
            state._new_session_state[name] = True
        return find(state, key)

    monkeypatch.setattr(SessionState, "_get_widget_id", set_meanwhile)
    monkeypatch.setattr(SessionState, "_keys", unwrap(SessionState._keys))
    state = SessionState(_old_state={"kept": 1}, _new_session_state={"first": 1, "second": 2})
    with pytest.raises(RuntimeError, match="changed size during iteration"):
        state._keys()
    assert internals.list_keys_meanwhile()
    once = SessionState._keys
    assert internals.list_keys_meanwhile()
    assert SessionState._keys is once
    assert state._keys() == {"kept", "first", "second", "one", "two"}


def test_a_page_that_was_called_alone_is_left_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from streamlit.runtime.pages_manager import PagesManager

    monkeypatch.setattr(PagesManager, "uses_pages_directory", True)
    assert internals.leave_pages_directory()
    assert not internals.leave_pages_directory()


def test_sessions_and_uploads_of_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    removed: list[str] = []
    files = {"here": {"a": SimpleNamespace(data=b"12")}, "gone": {"b": SimpleNamespace(data=b"123")}}
    server = SimpleNamespace(
        _session_mgr=SimpleNamespace(num_active_sessions=lambda: 3),
        uploaded_file_mgr=SimpleNamespace(file_storage=files, remove_session_files=removed.append),
        is_active_session=lambda session: session == "here",
    )
    assert (internals.session_count(), internals.uploaded_bytes()) == (1, {})
    internals.remove_abandoned_uploads()
    monkeypatch.setattr(internals.runtime, "exists", lambda: True)
    monkeypatch.setattr(internals.runtime, "get_instance", lambda: server)
    assert internals.session_count() == 3
    assert internals.uploaded_bytes() == {"here": 2, "gone": 3}
    internals.remove_abandoned_uploads()
    assert removed == ["gone"]
    del server._session_mgr, server.uploaded_file_mgr.file_storage
    assert (internals.session_count(), internals.uploaded_bytes()) == (1, {})


def test_streamlit_takes_the_token() -> None:
    made = internals.make_xsrf_token()
    assert made is not None
    assert validate_xsrf_token(made[1], made[1])


def test_a_release_without_them_has_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def lacking(name: str, *rest: object, **more: object) -> object:
        if name.startswith(("streamlit.web.", "streamlit.runtime.")):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", lacking)
    assert internals.current_script_run() is None
    assert internals.leave_pages_directory() is False
    assert internals.skip_fragments_of_left_pages() is False
    assert internals.keep_unsent_messages() is False
    assert internals.repeat_unseen_values() is False
    assert internals.list_keys_meanwhile() is False
    assert internals.make_xsrf_token() is None


def test_the_browsers_part_is_there() -> None:
    assert (internals.STATIC_FOLDER / "index.html").is_file()
