"""The study of crossings in small: what it counts, and that a sure claim is rarely too early."""

from __future__ import annotations

import pytest

from benchmarks.coverage import parting


def test_sure_places_are_late_rather_than_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parting, "SOURCE", 2000)
    monkeypatch.setattr(parting, "RESAMPLES", 100)
    monkeypatch.setattr(parting, "QUESTIONS", (100,))
    found = list(parting.sets_of("slow", fleet=0, sets=2))
    assert {key[3] for key, _ in found} == {"above chance", "neighbours part", "others part"}
    assert len(found) == 2 * 2 * (6 + 5)  # sets, metrics, models and pairs
    early = [early for _, (early, *_) in found]
    assert sum(early) <= 2
    assert all(lag >= 0 for _, (early, _, _, lag, _) in found if not early)
