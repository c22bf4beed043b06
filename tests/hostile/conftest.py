"""A ground for each case."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.ground import Ground, guarded


@pytest.fixture
def ground(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Iterator[Ground]:
    for reached in guarded(monkeypatch):
        yield Ground(tmp_path, reached, caplog)
