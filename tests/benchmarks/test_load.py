"""That the script runs and says what its figures are of; its timings belong to a quiet machine."""

from __future__ import annotations

import json

import pytest
import typer

from benchmarks.prepared import made
from benchmarks.speed import load


@pytest.mark.slow
def test_the_ratios_are_those_of_its_own_seconds(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(made, "RESULTS", tmp_path)
    load.main(config="tiny", repeats=2)
    report = json.loads((tmp_path / "load.json").read_text())
    (row,) = report["rows"]
    assert row["parameters"] == 3_072 * 64 + 2 * (4 * 64 * 64 + 3 * 64 * 176 + 2 * 64) + 64
    assert row["file_bytes"] > 4 * row["parameters"]
    reading, first = (
        row[f"{name}_s"]["median"] for name in ("reading_its_bytes", "first_of_its_architecture")
    )
    assert row["first_over_reading"] == pytest.approx(first / reading, abs=1e-3)
    assert row["apart"].keys() == {"importing_s", "fingerprint_s", "first_scores_with_self_check_s"}
    assert "over reading its bytes: first" in capsys.readouterr().out


def test_an_unknown_model_is_refused_in_a_sentence() -> None:
    with pytest.raises(
        typer.BadParameter, match="there is no configuration 'huge': use one of tiny, 110m, 500m"
    ):
        load.main(config="huge")
