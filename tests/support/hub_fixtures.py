"""A fake hub with two families, added to by what the tests of the hub share."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from e2lm_core.base.files import folder_bytes
from e2lm_core.base.records import Checkpoint
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.catalogue import open_catalogue
from e2lm_core.checkpoints.family_catalogue import family
from e2lm_core.checkpoints.hub import added_models as hub
from e2lm_core.checkpoints.hub import cache as hub_cache
from e2lm_core.runs import starter
from e2lm_core.runs.studio import Studio
from tests.support import studios
from tests.support.fake_hub import FakeHub, Files, Repo, checkpoint, under, weights

E2LM, PYTHIA = family("e2lm"), family("pythia")
MODEL = "dense-500m-arch1"
DENSE, SMALL = f"tiiuae/{MODEL}", "EleutherAI/pythia-14m"
STEPS = (2_000, 4_000, 6_000)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)  # it reads it once, at import
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with FakeHub() as running:
        folders = {f"iter_{step:07d}": checkpoint(step) for step in STEPS}
        everything = {k: v for name, files in folders.items() for k, v in under(name, files).items()}
        running.repo(DENSE).commit("main", {"README.md": b"x", **everything})
        small = running.repo(SMALL)
        small.commit("main", checkpoint(0))
        for step in (0, 1, 512, 1_000):
            small.commit(f"step{step}", checkpoint(100 + step))
        yield running


@pytest.fixture
def settings(fake: FakeHub, tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", ladder=tmp_path / "none", hub_endpoint=fake.endpoint)


@pytest.fixture
def first(settings: Settings) -> Checkpoint:
    """The first of E2LM's checkpoints, added and not downloaded."""
    return hub.add_checkpoints(settings, E2LM, MODEL)[0]


@pytest.fixture
def studio(fake: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Studio:
    """The fake ladder beside the fake hub, for this process and for those that it starts."""
    opened = studios.studio(tmp_path)
    settings = opened.settings.model_copy(update={"hub_endpoint": fake.endpoint})
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in studios.environment(settings).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("E2LM_HUB_ENDPOINT", fake.endpoint)
    return replace(opened, settings=settings)


def fleet(fake: FakeHub, settings: Settings, count: int = 12) -> tuple[tuple[Checkpoint, ...], Settings]:
    """So many checkpoints of E2LM's, added, and the settings with a quota that holds two of them and nothing more."""
    folders = {f"iter_{2_000 * n:07d}": checkpoint(n) for n in range(1, count + 1)}
    everything = {k: v for name, files in folders.items() for k, v in under(name, files).items()}
    fake.repo(DENSE).commit("main", everything)
    added = hub.add_checkpoints(settings, E2LM, MODEL)
    return added, settings.model_copy(update={"hub_quota_bytes": 2 * bytes_of(added[-1])})


def serve_starter(
    fake: FakeHub,
    models: Sequence[str] = (*starter.MODELS, *starter.LARGER),
    steps: Sequence[int] = starter.STEPS,
    files: Callable[[str, int], Files] = lambda model, step: checkpoint(len(model) * 10**6 + step),
) -> None:
    """Repositories of the starter fleet's models, with a branch for each step."""
    for model in models:
        repo = fake.repos[f"EleutherAI/{model}"] = Repo()
        repo.commit("main", checkpoint(0))
        for step in steps:
            repo.commit(f"step{step}", files(model, step))


def bytes_of(one: Checkpoint) -> int:
    """What a checkpoint of `fleet` takes on the disk, what says so of it included."""
    files = {
        name: hub_cache.CachedFile(bytes=len(content), sha256="0" * 64)
        for name, content in checkpoint(0).items()
        if name not in ("README.md", "pytorch_model.bin")
    }
    return sum(file.bytes for file in files.values()) + len(hub_cache.completion_marker(one, files))


class Sampled:
    """Use as a context manager: the most bytes and whole checkpoints that a hub's cache held, looked at all the time."""

    def __init__(self, settings: Settings) -> None:
        self._root = settings.cache / "hub"
        self.most_bytes = self.most_whole = self.looks = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Sampled:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.003):
            self.looks += 1
            held = folder_bytes(self._root / part for part in ("whole", "partial", "gone"))
            self.most_bytes = max(self.most_bytes, held)
            whole = len(list((self._root / "whole").glob("*/*/*/*/downloaded.json")))
            self.most_whole = max(self.most_whole, whole)


def with_added(studio: Studio) -> Studio:
    """The studio after E2LM's three checkpoints of the hub were added to its catalogue."""
    hub.add_checkpoints(studio.settings, E2LM, MODEL)
    return replace(studio, catalogue=open_catalogue(studio.settings))


def sentence(error: Any) -> str:
    """The text of a refusal, after checking that it is one clear sentence."""
    text = str(error.value)
    assert "\n" not in text
    assert text.endswith(".")
    assert "Error" not in text
    return text


def weights_digest(seed: int) -> str:
    return hashlib.sha256(weights(seed)).hexdigest()
