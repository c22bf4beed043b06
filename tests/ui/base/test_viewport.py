"""Which windows are narrow: what the browser said, and before that what its user agent lets one guess."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from e2lm_core.ui.base import viewport

PHONE = "Mozilla/5.0 (Linux; Android 15; Mobile) AppleWebKit/537.36 Mobile Safari/537.36"
DESKTOP = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Safari/537.36"


@pytest.mark.parametrize(
    ("told", "agent", "narrow"),
    [
        (None, PHONE, True),
        (None, DESKTOP, False),
        (None, None, False),
        (True, DESKTOP, True),
        (False, PHONE, False),
    ],
)
def test_the_browser_is_believed_and_before_it_speaks_its_user_agent(
    monkeypatch: pytest.MonkeyPatch, told: bool | None, agent: str | None, narrow: bool
) -> None:
    state = {} if told is None else {"narrow": told}
    headers = {} if agent is None else {"User-Agent": agent}
    visitor = SimpleNamespace(session_state=state, context=SimpleNamespace(headers=headers))
    monkeypatch.setattr(viewport, "st", visitor)
    assert viewport.is_narrow() is narrow
