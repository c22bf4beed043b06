"""A run's seconds as those who are at work share them, on a clock of our own."""

from __future__ import annotations

import pytest

from e2lm_core.runs.queue import timings


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    at = [100.0]
    monkeypatch.setattr(timings.time, "monotonic", lambda: at[0])
    return at


def test_seconds_are_shared_by_who_is_at_work(clock: list[float]) -> None:
    shared = timings.SharedTime()
    clock[0] += 50  # nobody is at work
    with shared.working():
        first = shared.seconds()
        clock[0] += 2
        with shared.working():
            second = shared.seconds()
            clock[0] += 6
            second_took = shared.seconds() - second
        clock[0] += 1
        first_took = shared.seconds() - first
    assert first == 0
    assert second_took == pytest.approx(6 / 2)
    assert first_took == pytest.approx(2 + 6 / 2 + 1)
    assert first_took + second_took == pytest.approx(9)  # what the run took


def test_a_group_shares_what_is_its_own(clock: list[float]) -> None:
    shared = timings.SharedTime()
    with shared.working():
        clock[0] += 12
        assert shared.seconds(among=4) == pytest.approx(3)
