"""What visits are summed up to, when a server listens, and that a visit of the studio and of an empty app is measured."""

from __future__ import annotations

import json
import socket

import pytest

from benchmarks.speed import first
from tests.conftest import needs


def test_visits_are_told_by_their_medians_and_the_least() -> None:
    taken = [{"first_ms": ms, "mb": 2.5} for ms in (900.0, 700.0, 2000.0)]
    assert first.summary(taken) == {"first_ms": 900.0, "mb": 2.5, "first_ms_least": 700.0}


def test_a_server_listens_once_it_takes_connections() -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{one.getsockname()[1]}"
        assert not first.listens(url)
        one.listen()
        assert first.listens(url)


@pytest.mark.slow
def test_a_warm_studio_and_one_that_has_just_started_are_visited(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("CHROMIUM", str(needs("chromium")))
    monkeypatch.setenv("E2LM_LADDER", str(needs("ladder")))
    monkeypatch.setattr(first, "RESULTS", tmp_path)
    first.main(visits=1, starts=1)
    report = json.loads((tmp_path / "first.json").read_text())
    warm, line, cold = (
        report[name]
        for name in ("the studio's first picture", "one line of text", "the studio, just started")
    )
    assert warm["mb"] < line["mb"] + 1  # without the script of charts, 4.7 MB
    for row in (warm, cold):
        assert 0 < row["paint_ms"] <= row["frame_ms"] <= row["first_ms"]
    assert cold["listens_ms"] > 0
    assert "just started" in capsys.readouterr().out
