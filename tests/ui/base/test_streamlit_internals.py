"""Streamlit's private parts: each function with the installed release, and where a release lacks what it uses."""

from __future__ import annotations

import ast
import builtins
from importlib.metadata import version
from types import SimpleNamespace

import pytest
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
    assert internals.make_xsrf_token() is None


def test_the_browsers_part_is_there() -> None:
    assert (internals.STATIC_FOLDER / "index.html").is_file()
