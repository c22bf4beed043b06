"""The real server: healthy, its log lines of JSON with nothing that was asked for in them, ended by SIGTERM."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from e2lm_core.base.settings import ROOT

pytestmark = pytest.mark.slow


def test_a_server_from_its_start_to_its_end(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = os.environ | {
        "E2LM_HOME": str(tmp_path / "home"),
        "E2LM_LOG": "json",
        "PORT": str(port),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            ["sh", "scripts/entrypoint.sh"], cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=log
        )
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
                    assert json.load(answer)["ok"]
                    break
            except ConnectionError:
                pass
            except urllib.error.URLError:
                pass
            assert time.monotonic() < deadline
            time.sleep(0.2)
        asked = f"http://127.0.0.1:{port}/curves?set=a_secret_name"
        with urllib.request.urlopen(asked, timeout=10) as answer:
            identifier = answer.headers["X-Request-Id"]
            assert re.fullmatch(r"[0-9a-f]{32}", identifier)
        started = time.monotonic()
        server.send_signal(signal.SIGTERM)
        server.wait(10)
        assert time.monotonic() - started < 5
    finally:
        server.kill()
        server.wait()
    written = (tmp_path / "log").read_text()
    lines = [json.loads(line) for line in written.splitlines()]
    assert any(line.get("request") == identifier and line["path"] == "/curves" for line in lines)
    assert "secret" not in written
    assert str(tmp_path) not in written
