from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace

import pytest
import streamlit as st

from e2lm_core.ui.server import memory


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    st.cache_resource.clear()
    yield
    gc.unfreeze()
    st.cache_resource.clear()


def test_what_was_imported_is_left_out_of_later_collections(monkeypatch: pytest.MonkeyPatch) -> None:
    gc.unfreeze()
    memory.freeze_imports()
    kept = gc.get_freeze_count()
    assert kept > 10_000
    made = [[] for _ in range(1_000)]
    memory.freeze_imports()
    assert gc.get_freeze_count() <= kept  # nothing was imported
    for number in range(30):
        monkeypatch.setitem(sys.modules, f"a_page_imports_{number}", ModuleType(f"a_page_imports_{number}"))
    memory.freeze_imports()
    assert gc.get_freeze_count() > kept
    assert len(made) == 1_000


def test_garbage_is_collected_before(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(memory.gc, "collect", lambda: done.append("collect"))
    monkeypatch.setattr(memory.gc, "freeze", lambda: done.append("freeze"))
    memory.freeze_imports()
    assert done == ["collect", "freeze"]


def test_what_sessions_left_behind_goes_back_and_idle_processes_end(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(memory.gc, "collect", lambda: done.append("collect"))
    monkeypatch.setattr(memory.process_pool, "rest", lambda: done.append("rest"))
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda _: SimpleNamespace(malloc_trim=done.append))
    memory.release_memory()
    assert done == ["collect", "rest", 0]
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda _: SimpleNamespace())
    memory.release_memory()
