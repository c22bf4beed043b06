"""The hub of Spaces, and a checkout of the studio that is small."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from e2lm_core.base.settings import Settings
from tests.deploy.space.spaces import TOKEN, SpacesHub


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[SpacesHub]:
    for name, value in {"HF_HUB_OFFLINE": False, "HF_HUB_DISABLE_XET": True}.items():
        monkeypatch.setattr(constants, name, value)  # read once, at import; xet speaks to its own service
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    with SpacesHub() as running:
        monkeypatch.setenv("E2LM_HUB_ENDPOINT", running.endpoint)
        yield running


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git checkout with a few of the studio's files, in place of the real one."""
    root = tmp_path / "checkout"
    for name, text in {
        "Dockerfile": "FROM x\n",
        ".dockerignore": "tests\n**/.*\nREADME.md\nDockerfile\n",
        "README.md": "# The studio\n",
        "app.py": "app = 1\n",
        "e2lm_core/__main__.py": "",
        "ladder/weights/a.xz": "weights",
        "tests/test_app.py": "",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    git = ["git", "-C", str(root), "-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "-Af"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], check=True)
    monkeypatch.setattr("e2lm_core.deploy.space.deployment.ROOT", root)
    return root


@pytest.fixture
def settings(hub: SpacesHub, tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", hub_endpoint=hub.endpoint)
