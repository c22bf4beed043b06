"""The real server: healthy, its log lines of JSON with nothing that was asked for in them, ended by SIGTERM;
and a run that was open goes on.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from e2lm_core.base.settings import ROOT, Settings
from e2lm_core.runs.studio import open_studio
from tests.support import studios, workers

pytestmark = pytest.mark.slow


@contextmanager
def served(settings: Settings, log: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The container's own start on this machine: its address and process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = os.environ | studios.environment(settings)
    env |= {"E2LM_LOG": "json", "PORT": str(port)}
    env["PATH"] = f"{Path(sys.executable).parent}:{env['PATH']}"
    with log.open("wb") as file:
        server = subprocess.Popen(
            ["sh", "scripts/entrypoint.sh"], cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=file
        )
    try:
        at = f"http://127.0.0.1:{port}"
        workers.until(lambda: health(at))
        yield at, server
    finally:
        server.kill()
        server.wait()


def health(at: str) -> dict[str, Any] | None:
    """What `/healthz` says, None where nobody answers yet."""
    try:
        with urllib.request.urlopen(f"{at}/healthz", timeout=5) as answer:
            return json.load(answer)
    except urllib.error.HTTPError:
        raise
    except OSError:
        return None


def test_a_server_from_its_start_to_its_end(tmp_path: Path) -> None:
    with served(studios.settings(tmp_path), tmp_path / "log") as (at, server):
        with urllib.request.urlopen(f"{at}/curves?set=a_secret_name", timeout=10) as answer:
            identifier = answer.headers["X-Request-Id"]
            assert re.fullmatch(r"[0-9a-f]{32}", identifier)
        started = time.monotonic()
        server.send_signal(signal.SIGTERM)
        server.wait(10)
        assert time.monotonic() - started < 5
    written = (tmp_path / "log").read_text()
    lines = [json.loads(line) for line in written.splitlines()]
    assert any(line.get("request") == identifier and line["path"] == "/curves" for line in lines)
    assert "secret" not in written
    assert str(tmp_path) not in written


def test_a_run_that_was_open_goes_on_with_nobody_looking(tmp_path: Path) -> None:
    settings = studios.settings(tmp_path, ladder=studios.real_ladder(tmp_path / "ladder", steps=(100,)))
    studios.write_example(settings)
    studio = open_studio(settings)
    number = studios.start_run(studio, "little", studio.catalogue.checkpoints)
    with served(settings, tmp_path / "log") as (at, _):
        workers.until(lambda: (health(at) or {})["worker"] == "idle", 120)
        assert studio.jobs.get(number).state == "done"
