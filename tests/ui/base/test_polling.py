"""How often pages look: at one's own run as often as one wants, at others' less often the more sessions there are."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

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
