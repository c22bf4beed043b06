"""The app over a small ladder, visited by one browser that is known."""

from __future__ import annotations

import pytest

from e2lm_core.ui import session

ME = "a" * 12


@pytest.fixture(autouse=True)
def known(monkeypatch) -> None:
    monkeypatch.setattr(session, "author", lambda: ME)
