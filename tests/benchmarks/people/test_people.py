"""Many people at once: the report's figures by hand, and a short run with the real server."""

from __future__ import annotations

import asyncio
import random

import pytest

from benchmarks.people import crowd, report, server
from benchmarks.people.crowd import Crowd
from benchmarks.people.server import Look


def test_the_waits_are_percentiles_of_what_was_seen() -> None:
    values = [n / 100 for n in range(1, 101)]
    random.Random(0).shuffle(values)
    assert report.waits(values) == {"n": 100, "p50": 0.505, "p95": 0.96, "max": 1.0}
    assert report.waits([]) is None


def test_memory_is_said_by_halves() -> None:
    points = [(float(s), 100.0 + (s if s <= 60 else 60)) for s in range(0, 121, 10)]
    told = report.memory(points, 60.0)
    assert (told["start"], told["most"], told["end"]) == (100, 160, 160)
    assert told["first_half_a_minute"] == pytest.approx(60.0)
    assert told["second_half_a_minute"] == pytest.approx(0.0)
    assert report.slope([(0.0, 1.0)]) is None


def test_a_report_counts_errors_and_cpu_seconds_a_step(capsys) -> None:
    seen = Crowd(visits=[("plan", 1.0), ("plan", 3.0)], on_disk=[0.1], shown=[0.4], errors=["a", "a"], lost=1)
    told = report.told(seen, [Look(0, 500, 600, 10, 11), Look(60, 500, 600, 13, 17)])
    assert told["server_cpu_s_a_step"] == 1.0
    assert told["all_cpu_s_a_step"] == 2.0
    assert told["errors"] == {"a": 2}
    assert told["lost_edits"] == 1
    extra = {"sessions": 1, "seconds": 60, "machine": {"load": [0]}, "beside_run": 0.5}
    report.show(told | extra)
    printed = capsys.readouterr().out
    assert "plan" in printed
    assert "50.00% done" in printed


@pytest.mark.slow
def test_two_people_visit_pages_and_edit(tmp_path) -> None:
    folder = server.prepare(tmp_path / "home", "ladder-small-arch1/*")
    with server.served(tmp_path / "home", tmp_path / "log") as (url, process):
        asyncio.run(crowd.warm(url, server.SHARED, ("write",)))
        seen = asyncio.run(
            crowd.visiting(url, server.SHARED, folder, 2, 5.0, 0.4, 1, 0.0, pages=("run", "overview"))
        )
        assert server.look(process, 0.0).server_mb > 50
    assert not seen.errors
    assert not seen.lost
    assert {page for page, _ in seen.visits} >= {"write"}
    assert seen.on_disk
    assert len(seen.on_disk) == len(seen.shown)
