"""The program over a home with the example `little` and the user's copy of it, `mine`, anew for each test."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from e2lm_core.base.settings import Settings
from e2lm_core.sets import collection
from tests.support import studios

Pipe = Callable[[str], None]


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    settings = studios.settings(tmp_path)
    studios.write_example(settings)
    collection.copy_set(settings, "little", "mine")
    return settings


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Pipe:
    """What is piped into the program."""

    def piped(text: str) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8"))

    return piped
