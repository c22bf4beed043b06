"""A hub on this machine that has data sets: made, read and committed to, as huggingface_hub's client asks it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from huggingface_hub import constants

from e2lm_core.base.settings import Settings
from tests.deploy.space.spaces import TOKEN, Space, SpacesHub
from tests.support import studios
from tests.support.fake_hub import git_sha1


class DatasetsHub(SpacesHub):
    """`spaces` are its data sets: the protocol is that of Spaces under another name, and their files can be read."""

    def handler(self) -> type[Any]:
        hub = self

        class Handler(super().handler()):  # type: ignore[misc]
            def do_HEAD(self) -> None:
                self._serve()

            def _serve(self) -> None:
                path = unquote(self.path.partition("?")[0])
                if path.startswith("/datasets/") and "/resolve/" in path:
                    name, _, rest = path.removeprefix("/datasets/").partition("/resolve/")
                    revision, _, file = rest.partition("/")
                    there = hub.spaces.get(name)
                    if there is None or revision != there.commits[-1] or file not in there.files:
                        self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
                        return
                    data = there.files[file]
                    self._send(200, data, {"X-Repo-Commit": revision, "ETag": f'"{git_sha1(data)}"'})
                    return
                self.path = self.path.replace("/api/datasets/", "/api/spaces/", 1)
                if self.path.startswith("/datasets/"):
                    self.path = self.path.replace("/datasets/", "/spaces/", 1)
                super()._serve()

            def _create(self, asked: dict[str, Any]) -> None:
                assert asked["type"] == "dataset"
                name = f"{asked['organization'] or hub.me}/{asked['name']}"
                if name.split("/")[0] != hub.me:
                    self._send(403, b"", {})
                    return
                private = asked.get("private") or asked.get("visibility") == "private"
                made = hub.spaces[name] = Space(visibility="private" if private else "public")
                made.commit({".gitattributes": b"*.parquet filter=lfs\n"})
                self._json({"url": f"{hub.endpoint}/datasets/{name}"})

        return Handler


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[DatasetsHub]:
    for name, value in {"HF_HUB_OFFLINE": False, "HF_HUB_DISABLE_XET": True}.items():
        monkeypatch.setattr(constants, name, value)  # read once, at import; xet speaks to its own service
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    with DatasetsHub() as running:
        monkeypatch.setenv("E2LM_HUB_ENDPOINT", running.endpoint)
        yield running


@pytest.fixture
def settings(hub: DatasetsHub, tmp_path: Path) -> Settings:
    chosen = studios.settings(tmp_path).model_copy(update={"hub_endpoint": hub.endpoint})
    studios.write_example(chosen)
    return chosen


def put(hub: DatasetsHub, name: str, files: dict[str, bytes]) -> str:
    """A data set that somebody else has made; its commit."""
    hub.spaces[name] = Space()
    return hub.spaces[name].commit(files)


def told(text: str) -> Any:
    """JSON that a command has printed."""
    return json.loads(text)
