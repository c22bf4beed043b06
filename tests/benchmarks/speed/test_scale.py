"""How growth is told, and that the script runs."""

from __future__ import annotations

import json

import pytest

from benchmarks.prepared import made
from benchmarks.speed import scale


def test_growth_is_that_of_a_pair_from_the_nearest_large_row() -> None:
    rows = [{"pairs": pairs, "ms": ms} for pairs, ms in ((200, 9.0), (10_000, 1.0), (30_000, 1.1))]
    assert scale.growth(rows, "ms") == pytest.approx(0.1)
    assert scale.growth(rows[::-1], "ms") == pytest.approx(0.1)
    assert scale.growth([rows[0], rows[2]], "ms") == pytest.approx(1.1 / 9 - 1)  # nothing nearer is there
    assert scale.growth(rows[:1], "ms") == 0.0
    assert scale.growth([{"pairs": 100, "ms": 0.0}, {"pairs": 200, "ms": 1.0}], "ms") is None


@pytest.mark.slow
def test_every_row_computes_all_its_pairs(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(made, "RESULTS", tmp_path)
    # The memory of whoever measures is not that of the run.
    large = bytearray(int(scale.MAX_BYTES) + 10**8)
    large[::4096] = b"x" * len(large[::4096])
    scale.main(questions="12", checkpoints="3", config="tiny")
    report = json.loads((tmp_path / "scale.json").read_text())
    assert [(row["direction"], row["pairs"]) for row in report["rows"]] == [
        ("questions", 24),
        ("checkpoints", 300),
    ]
    assert 1e8 < report["peak_bytes"] < scale.MAX_BYTES
    assert "largest peak" in capsys.readouterr().out
    assert len(large) > scale.MAX_BYTES
