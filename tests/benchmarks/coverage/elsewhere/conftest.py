"""Sources of the other generator that are small enough for a test."""

from __future__ import annotations

import pytest

from benchmarks.coverage.elsewhere import generator


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator, "SOURCE", 1000)
    monkeypatch.setattr(generator, "FRESH", 20)
    monkeypatch.setattr(generator, "RESAMPLES", 60)
