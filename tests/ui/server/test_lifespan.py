"""The server says at its start what does not bode well for saved work."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from e2lm_core.base.memory import mapped
from e2lm_core.base.settings import ROOT, Settings
from e2lm_core.deploy.home import mounts
from e2lm_core.ui.cache import measurements
from e2lm_core.ui.server import lifespan

PROGRAM = """
import asyncio
from e2lm_core.ui.server import lifespan
async def live():
    async with lifespan.running(None):
        pass
asyncio.run(live())
"""


def test_start_and_end_are_told(tmp_path: Path) -> None:
    env = os.environ | {"E2LM_HOME": str(tmp_path), "E2LM_LOG": "json", "SPACE_ID": "me/studio"}
    left = measurements.mapped_in(Settings.from_env(env)) / f"of-one-that-was-killed{mapped.SUFFIX}"
    left.parent.mkdir(parents=True)
    left.touch()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [(line["level"], line["what"].split()[0]) for line in lines] == [
        ("warning", "What"),
        ("info", "started"),
        ("info", "stopped"),
    ]
    assert not left.exists()


def test_a_home_that_cannot_be_written_is_told_and_the_server_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("E2LM_HOME", str(tmp_path / "file" / "home"))
    monkeypatch.delenv("E2LM_LOG", raising=False)
    monkeypatch.setattr(mounts, "MARKS", ())

    async def live() -> None:
        async with lifespan.running(None):
            pass

    with caplog.at_level(logging.WARNING, "e2lm"):
        asyncio.run(live())
    assert "cannot be written" in caplog.text
