"""`checkpoints` on the command line; `hub …` is tested in tests/checkpoints/hub."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.conftest import Cli
from tests.support.fake_hub import checkpoint

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


def test_folders_are_added_by_hand(call: Cli, tmp_path: Path) -> None:
    place = tmp_path / "mine" / "checkpoint-500"
    place.mkdir(parents=True)
    for name, data in checkpoint(1).items():
        (place / name).write_bytes(data)
    added = call("folders", "add", str(tmp_path), "--json")["folders"]
    assert added == [
        {"path": str(tmp_path), "models": ["mine"], "checkpoints": 1, "without_tokens": ["mine"]}
    ]
    [told] = call("folders", "add", str(tmp_path), "--tokens-per-step", "4194304", "--json")["folders"]
    assert told["without_tokens"] == []
    rows = call("checkpoints", "--json")["checkpoints"]
    assert [row["tokens_seen"] for row in rows if row["model"] == "mine"] == [500 * 4_194_304]
    assert "is no whole number" in call(
        "folders", "add", str(tmp_path), "--tokens-per-step", "mine=a", code=2
    )
    assert call("folders", "remove", str(tmp_path), "--json") == {"folders": []}
    assert call("folders", "list", "--json") == {"folders": []}


def test_checkpoints_that_are_still_packed_have_no_path(
    call: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call("checkpoints", "--json")
    monkeypatch.setenv("E2LM_HOME", str(tmp_path))
    rows = call("checkpoints", "--json")["checkpoints"]
    assert {row["path"] for row in rows} == {None}
