"""One run of a page's script: what it asks for again and again is made once."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from e2lm_core.sets import collection
from e2lm_core.ui.base import urls
from tests.support.visits import app_in


@pytest.mark.slow
def test_a_page_lists_all_sets_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for a name that must be free, which each form of a new set asks for."""
    listed: list[str] = []
    real = collection.list_sets

    def listing(settings):
        stack = [frame.name for frame in traceback.extract_stack()]
        if "get_widget_state" not in stack:  # AppTest asks for a label between two runs
            listed.append(stack[-2])
        return real(settings)

    for visit in app_in(tmp_path, monkeypatch, tmp_path / "ladder"):
        monkeypatch.setattr(collection, "list_sets", listing)
        for view in urls.VIEWS:
            listed.clear()
            visit.open(view)
            assert sum(asking != "free_name" for asking in listed) == 1, view
