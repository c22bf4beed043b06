"""How often pages look: at one's own run as often as one wants, at others' less often the more sessions there are."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from e2lm_core.ui.base import polling, streamlit_internals


@pytest.mark.parametrize(("sessions", "others_s"), [(1, 1.0), (4, 1.0), (20, 5.0), (50, 12.5)])
def test_others_runs_are_looked_at_less_often_the_more_sessions_there_are(
    monkeypatch: pytest.MonkeyPatch, sessions: int, others_s: float
) -> None:
    manager = SimpleNamespace(num_active_sessions=lambda: sessions)
    monkeypatch.setattr(streamlit_internals.runtime, "exists", lambda: True)
    monkeypatch.setattr(
        streamlit_internals.runtime, "get_instance", lambda: SimpleNamespace(_session_mgr=manager)
    )
    assert polling.poll_interval(1.0, is_own_run=False) == others_s
    assert polling.poll_interval(1.0, is_own_run=True) == max(1.0, sessions / 16)


def page() -> None:
    import streamlit as st

    from e2lm_core.ui.base import polling

    polling.begin_page()
    st.session_state.setdefault("drawings", 0)
    st.session_state["drawings"] += 1

    @st.fragment
    def polled() -> None:
        if st.session_state.get("over"):
            del st.session_state["over"]
            polling.redraw_page()
        st.button("poll", key="poll")

    polled()
    if st.button("below", key="below"):
        st.session_state["clicked"] = True
    polling.end_page()


def test_a_click_below_what_polls_is_not_lost_when_a_run_ends() -> None:
    """The drawing that answers the click finds the run over; it draws the page again at its end alone."""
    at = AppTest.from_function(page).run()
    at.session_state["over"] = True
    at.button(key="below").click().run()
    assert not at.exception
    assert at.session_state["clicked"]
    assert at.session_state["drawings"] == 3
    at.run()
    assert at.session_state["drawings"] == 4


def test_a_poll_redraws_the_page_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "is_fragment_run", lambda: True)
    at = AppTest.from_function(page).run()
    at.session_state["over"] = True
    at.button(key="below").click().run()
    assert "clicked" not in at.session_state
    assert at.session_state["drawings"] == 3
