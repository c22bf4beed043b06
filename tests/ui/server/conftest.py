"""Fixture of the server's tests."""

from __future__ import annotations

import pytest
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.state.session_state import SessionState


@pytest.fixture(autouse=True)
def streamlit_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit's parts that a server replaces at its start, given back to the tests that come after."""
    for owner, name in (
        (AppSession, "_clear_queue"),
        (ScriptRunner, "_run_script"),
        (SessionState, "on_script_will_rerun"),
        (SessionState, "_keys"),
    ):
        monkeypatch.setattr(owner, name, getattr(owner, name))
