"""`checkpoints` on the command line; `hub …` is tested in tests/checkpoints/hub."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.conftest import Cli

SMALL = "ladder-small-arch1"


def test_checkpoints(call: Cli) -> None:
    rows = call("checkpoints", "--unpack", "--json")["checkpoints"]
    assert len(rows) == 40
    first = rows[0]
    path = Path(first.pop("path"))
    assert first == {
        "model": SMALL,
        "name": f"{SMALL}/iter_0000100",
        "step": 100,
        "tokens_seen": 100_000,
        "early": True,
    }
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {p.name for p in path.iterdir()}
    assert "step" in call("checkpoints")


def test_checkpoints_that_are_still_packed_have_no_path(
    call: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call("checkpoints", "--json")
    monkeypatch.setenv("E2LM_HOME", str(tmp_path))
    rows = call("checkpoints", "--json")["checkpoints"]
    assert {row["path"] for row in rows} == {None}
