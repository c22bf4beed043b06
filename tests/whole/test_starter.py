"""The starter fleet by command, from *not known* to a first curve: real tiny Pythias behind a hub on this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from e2lm_core.base.settings import ROOT, Settings
from e2lm_core.checkpoints.hub import cache
from e2lm_core.commands import main as main_commands
from e2lm_core.runs import starter
from e2lm_core.runs.studio import open_studio
from tests.support import studios, tiny_models
from tests.support.fake_hub import FakeHub, Files, sha256
from tests.support.hub_fixtures import fake, serve_starter
from tests.support.workers import until

__all__ = ["fake"]  # fixture
pytestmark = pytest.mark.slow
COUNT = len(starter.MODELS) * len(starter.STEPS)
QUESTIONS = 30
Call = Callable[..., Any]


@pytest.fixture(scope="module")
def pythias(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], Files]:
    """Files of each checkpoint: GPT-NeoX of random weights."""
    folder, made = tmp_path_factory.mktemp("pythias"), {}
    for number, model in enumerate((*starter.MODELS, starter.LARGER[0])):
        for step in starter.STEPS:
            place = tiny_models.make(folder / model / str(step), "neox", seed=10**6 * number + step)
            made[model, step] = {path.name: path.read_bytes() for path in place.iterdir()}
    return made


@pytest.fixture
def home(
    tmp_path: Path, fake: FakeHub, pythias: dict[tuple[str, int], Files], monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """A home with a set of which the built-in models know nothing."""
    served = (*starter.MODELS, starter.LARGER[0])
    serve_starter(fake, served, files=lambda model, step: pythias[model, step])
    settings = studios.settings(tmp_path, studios.real_ladder(tmp_path / "ladder", steps=(100, 200)))
    studios.write_example(settings, studios.task(count=QUESTIONS))
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in studios.environment(settings).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("E2LM_HUB_ENDPOINT", fake.endpoint)
    return settings.model_copy(update={"hub_endpoint": fake.endpoint})


@pytest.fixture
def call(home: Settings, capsys: pytest.CaptureFixture[str]) -> Call:
    def run(*words: str, code: int = 0) -> Any:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main_commands.main(words)
        out, err = capsys.readouterr()
        assert end.value.code == code, err
        if code:
            return err.strip()
        return json.loads(out) if "--json" in words else out + err

    return run


def whole(home: Settings, *larger: str) -> list[str]:
    checkpoints = starter.starter_checkpoints(open_studio(home), larger)
    return [one.name for one in checkpoints if cache.find_snapshot(one, home)]


def test_from_not_known_to_a_first_curve_and_an_edit(
    call: Call, home: Settings, fake: FakeHub, pythias: dict[tuple[str, int], Files]
) -> None:
    known = call("evaluate", "little", "--json")["taught"]
    assert known["questions"] == 0
    assert "never learned these facts" in known["sentence"]

    told = call("hub", "starter", "little")
    assert "They give curves, SQ and the order of the sizes" in told
    assert "They never give RC of architectures, CS or Score" in told
    assert "A run of 30 questions takes" in told
    assert fake.fetched() == []

    # Killed while the fourth one's weights come, and gone on with: no file that was whole is asked for again.
    fake.bytes_a_second = 2e6
    command = [sys.executable, "-m", "e2lm_core", "hub", "starter", "little", "--download", "--use"]
    process = subprocess.Popen(
        command, env=dict(os.environ), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    until(lambda: len(fake.fetched()) == 3)
    fake.bytes_a_second = 2e4  # a file takes half a minute now
    until(lambda: len(fake.fetched()) == 4)
    process.send_signal(signal.SIGKILL)
    process.wait()
    had, partial = whole(home), home.cache / "hub" / "partial"
    assert len(had) == 3
    assert {p.name for p in partial.rglob("*.json")} >= {"config.json", "tokenizer.json"}
    assert call("fleet", "list", "--json")["fleets"][-1]["missing"] == COUNT - len(had)
    assert call("score", "little", "--json")["fleet"]["name"] == "ladder", "never silently"
    before, fake.bytes_a_second = Counter(fake.fetched()), None
    ended = call("hub", "starter", "little", "--download", "--use", "--json")
    assert (ended["here"], ended["checkpoints"], ended["fleet"]["name"]) == (COUNT, COUNT, starter.NAME)
    assert len(whole(home)) == COUNT
    again = Counter(fake.fetched()) - before
    digests = {name: sha256(pythias[name]["model.safetensors"]) for name in pythias}
    of_whole = {
        f"/storage/{digests[model, step]}"
        for model in starter.MODELS
        for step in starter.STEPS
        if f"{model}/iter_{step:07d}" in had
    }
    assert not of_whole & again.keys()
    assert max(again.values()) == 1
    assert len(again) == COUNT - len(had)
    asked = Counter(path for method, path, _ in fake.seen if method == "GET" and "/resolve/" in path)
    assert max(asked.values()) == 1, "nor the small files of the fourth"

    ran = call("evaluate", "little", "--json")
    assert (ran["computed"], ran["taught"]) == (COUNT * QUESTIONS, None)
    assert {name: len(curve["acc"]) for name, curve in ran["curves"].items()} == dict.fromkeys(
        starter.MODELS, 10
    )
    assert all(None not in curve["acc"] for curve in ran["curves"].values())
    assert {ran["sq"][name]["acc"]["points"] for name in starter.MODELS} == {8}

    scores = call("score", "little", "--json")["metrics"]["acc"]
    assert scores["sq"]["overall"]["value"] is not None
    for part in ("rc", "cs", "score"):
        assert scores[part]["value"] is None
        assert scores[part]["why"]
    assert set(call("ranks", "little", "--json")["models"]) == set(starter.MODELS)

    call("sets", "copy", "little", "mine")
    call("question", "edit", "mine", "q1", "--set", "question=What is the double of one?")
    edited = call("evaluate", "mine", "--json")
    assert (edited["computed"], edited["reused"]) == (COUNT, COUNT * (QUESTIONS - 1))
    assert edited["fleet"]["name"] == starter.NAME


def test_a_larger_size_passes_through(
    call: Call, home: Settings, monkeypatch: pytest.MonkeyPatch, pythias: dict[tuple[str, int], Files]
) -> None:
    each = sum(len(data) for data in pythias[starter.MODELS[0], starter.STEPS[0]].values()) + 2_000
    monkeypatch.setenv("E2LM_HUB_QUOTA_GB", f"{(COUNT + 2) * each / 1e9:.9f}")
    larger = starter.LARGER[0]
    told = call("hub", "starter", "little", "--also", larger, "--download", "--use")
    assert f"{larger} are downloaded" not in told
    assert f"{larger} is downloaded one checkpoint at a time, scored and deleted" in told
    assert len(whole(home)) == len(whole(home, larger)) == COUNT
    ran = call("evaluate", "little", "--fleet", starter.NAME, "--rolling", "--json")
    assert (ran["rolling"]["fetched"], ran["rolling"]["missing"]) == (len(starter.STEPS), {})
    assert len(whole(home, larger)) == COUNT, "the larger one is let go, the small ones stay"
    scores = call("score", "little", "--json")
    assert scores["fleet"]["name"] == starter.NAME
    assert scores["fleet"]["missing"] == []
    assert set(scores["fleet"]["models"]) == {*starter.MODELS, larger}


def test_a_quota_that_is_too_small_and_a_hub_that_is_away(
    call: Call, home: Settings, monkeypatch: pytest.MonkeyPatch, fake: FakeHub
) -> None:
    monkeypatch.setenv("E2LM_HUB_QUOTA_GB", "0.0005")
    said = call("hub", "starter", "--download", code=2)
    assert said.startswith("The starter models need")
    assert fake.fetched() == []
    monkeypatch.delenv("E2LM_HUB_QUOTA_GB")
    monkeypatch.setenv("E2LM_HUB_ENDPOINT", "http://127.0.0.1:9")
    assert "at least 891 MB" in call("hub", "starter"), "the preview works without the hub"
    assert "cannot be reached" in call("hub", "starter", "--download", code=2)
    assert "--use makes the group" in call("hub", "starter", "--use", code=2)
    assert whole(home) == []
