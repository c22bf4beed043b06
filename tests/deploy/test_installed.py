"""The studio as a wheel: built, installed into an environment of its own, and used in a folder elsewhere."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import sysconfig
import time
import tomllib
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest

from e2lm_core.base import settings
from e2lm_core.base.errors import StudioError
from e2lm_core.commands import deploy
from tests.conftest import ROOT

pytest.importorskip("hatchling")


def build(folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    return next(folder.glob("*.whl"))


def test_the_wheel_is_told_to_hold_what_the_app_reads() -> None:
    """Each path that is put into the package is there, and the version is the product's."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    put = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert all((ROOT / path).exists() for path in put)
    assert all(inside == f"e2lm_core/installed/{path}" for path, inside in put.items())
    assert settings.FILES == settings.ROOT == ROOT  # a checkout: nothing of it lies in the package
    for used in (
        "app.py",
        "pages",
        "static",
        "tasks",
        "ladder/manifest.json",
        "ladder/facts.json",
        "ladder/ngrams.bin",
    ):
        assert used in put


def test_app_hands_its_process_to_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[str] = []
    monkeypatch.setattr(deploy.os, "execv", lambda _, command: given.extend(command))
    monkeypatch.setenv("PYTHONPATH", "")
    deploy.serve(port=9000, host="127.0.0.1")
    assert given[1:5] == ["-m", "streamlit", "run", str(ROOT / "app.py")]
    assert given[given.index("--server.port") + 1] == "9000"
    assert given[given.index("--server.address") + 1] == "127.0.0.1"


def test_where_nothing_can_listen_is_said() -> None:
    with pytest.raises(StudioError, match="cannot listen at 'nowhere at all', port 9000"):
        deploy.serve(host="nowhere at all", port=9000)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(StudioError, match="in use"):
            deploy.serve(port=taken.getsockname()[1])


@pytest.mark.slow
def test_a_wheel_works_in_a_folder_elsewhere(tmp_path: Path) -> None:
    """`e2lm` lists, copies and exports sets, and `e2lm app` serves the pages; nothing of the checkout is in reach."""
    wheel = build(tmp_path / "dist")
    names = zipfile.ZipFile(wheel).namelist()
    assert not [
        name for name in names if name.startswith(("tests/", "benchmarks/", "scripts/", "ladder/", "docs/"))
    ]
    assert wheel.stat().st_size < 60 * 2**20
    environment = tmp_path / "env"
    venv.create(environment, with_pip=False)
    # Its libraries are this interpreter's: installing them again would take minutes and show nothing of ours.
    inside = next(environment.glob("lib/python*/site-packages"))
    (inside / "libraries.pth").write_text(sysconfig.get_paths()["purelib"] + "\n", encoding="utf-8")
    python = environment / "bin" / "python"
    subprocess.run(
        [python, "-m", "pip", "install", "-q", "--no-deps", "--no-index", str(wheel)],
        check=True,
        capture_output=True,
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("E2LM_", "PYTHON"))}
    variables = {**kept, "E2LM_HOME": str(tmp_path / "home")}
    program = environment / "bin" / "e2lm"

    def run(*words: str) -> str:
        done = subprocess.run(
            [program, *words], cwd=elsewhere, env=variables, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = "import e2lm_core.base.settings as s; print(s.FILES)"
    found = subprocess.run(
        [python, "-c", where], cwd=elsewhere, env=variables, capture_output=True, text=True
    )
    assert Path(found.stdout.strip()).is_relative_to(environment)
    assert {"ladder_science", "ladder_general"} <= {
        task["name"] for task in json.loads(run("tasks", "--json"))["tasks"]
    }
    assert len(json.loads(run("checkpoints", "--json"))["checkpoints"]) > 100
    run("sets", "copy", "ladder_science", "mine", "--json")
    run("export", "mine", "--out", "mine.zip")
    assert (elsewhere / "mine.zip").stat().st_size > 10_000
    assert "Usage: e2lm " in run("--help")
    _serves(program, elsewhere, variables)


def _serves(program: Path, folder: Path, variables: dict[str, str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    served = subprocess.Popen(
        [program, "app", "--port", str(port)], cwd=folder, env=variables, stdout=subprocess.DEVNULL
    )
    try:
        answers = {
            path: _answer(f"http://127.0.0.1:{port}/{path}") for path in ("healthz", "app/static/icon.svg")
        }
        assert json.loads(answers["healthz"])["ok"] is True, answers
        assert b"<svg" in answers["app/static/icon.svg"]
    finally:
        served.terminate()
        assert served.wait(20) is not None


def _answer(url: str) -> bytes:
    for _ in range(150):
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return answer.read()
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"{url} did not answer")
