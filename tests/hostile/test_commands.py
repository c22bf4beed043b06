"""The command line with what a stranger might give it: paths that are none, names, numbers, hostile files."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence

import pytest

from e2lm_core.base.settings import Settings
from e2lm_core.commands import main as main_commands
from e2lm_core.sets import collection
from tests.conftest import ROOT
from tests.hostile.ground import Ground, check_sentence
from tests.support import studios

DIGITS = "9" * 400
DEEP = "[" * 100_000


@pytest.fixture
def here(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> Settings:
    settings = studios.settings(ground.folder)
    studios.write_example(settings)
    collection.copy_set(settings, "little", "mine")
    for name, value in studios.environment(settings).items():
        monkeypatch.setenv(name, value)
    os.mkfifo(ground.folder / "pipe")
    (ground.folder / "loop").symlink_to(ground.folder / "loop")
    for name, text in FILES.items():
        (ground.folder / name).write_text(text, encoding="utf-8", errors="surrogatepass")
    return settings


ROW = {"question": "Why?", "choices": ["one", "two"], "answer": 0}
FILES = {
    "deep.json": DEEP,
    "deep.jsonl": DEEP,
    "digits.json": '{"data": {"m": {"iteration": [1], "gtokens": [1], "b": [' + DIGITS + "]}}}",
    "iteration.json": '{"data": {"m": {"iteration": [' + DIGITS + '], "gtokens": [1], "b": [1]}}}',
    "name.json": '{"data": {"' + "x" * 100_000 + '": {"iteration": 1}}}',
    "escape.json": '{"data": {"\\u001b[31m": {"iteration": 1}}}',
    "half.json": '{"data": {"\\ud800": {"iteration": 1}}}',
    "digits.jsonl": json.dumps(ROW | {"answer": 1}).replace("1}", DIGITS + "}"),
    "half.jsonl": json.dumps(ROW | {"question": "\ud800"}),
    "extra.jsonl": json.dumps(ROW | {"more": "\ud800"}),
    "commas.csv": "question,A,B,answer" + "," * 5_000 + "\n" + "x\n" * 5_000,
    "empty": "",
}
# What the command must refuse; HERE is the ground.
COMMANDS: dict[str, Sequence[str]] = {
    **{
        f"sq {name}": ("sq", f"HERE/{name}") for name in ("pipe", "loop", "deep.json", "digits.json", "empty")
    },
    **{
        f"sq {name}": ("sq", f"HERE/{name}")
        for name in ("iteration.json", "name.json", "escape.json", "half.json")
    },
    **{
        f"sq {path}": ("sq", path)
        for path in ("/dev/zero", "/dev/full", "/proc/self/mem", "~nosuchuser/x", "x" * 9_000)
    },
    **{f"import-results {name}": ("import-results", f"HERE/{name}") for name in FILES},
    **{
        f"import-results {path}": ("import-results", path)
        for path in ("/dev/zero", "HERE/pipe", "HERE/loop", "~nosuchuser/x", "x" * 9_000, "/proc/self/mem")
    },
    **{
        f"relevance {path}": ("relevance", path)
        for path in (
            "~nosuchuser/x",
            "~nosuchuser/x.jsonl",
            "HERE/deep.jsonl",
            "HERE/half.jsonl",
            "/dev/zero",
        )
    },
    **{
        f"question add {name}": ("question", "add", "mine", "--file", f"HERE/{name}")
        for name in (
            "deep.json",
            "deep.jsonl",
            "digits.jsonl",
            "half.jsonl",
            "extra.jsonl",
            "commas.csv",
            "pipe",
            "loop",
        )
    },
    **{
        f"{command} {path}": (command, path)
        for command in ("check", "questions", "score")
        for path in ("~nosuchuser/x", "HERE/pipe", "HERE/loop", "/dev/zero", "x" * 9_000, "../" * 300)
    },
    "a name of digits": ("results", "show", DIGITS),
    "a name that leads out": ("results", "show", "../../canary"),
    "a name to keep": ("import-results", "HERE/digits.json", "--keep", "../../canary"),
    "shots": ("score", "little", "--num-fewshot", DIGITS),
}


def ended(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as end:
        main_commands.main(arguments)
    out, err = capsys.readouterr()
    assert (end.value.code, out) == (2, "")
    [line] = err.splitlines()
    check_sentence(line)
    return line


FAST = ("sq ", "question", "check", "a name", "shots", "relevance HERE")


@pytest.mark.parametrize(
    "name", [n if n.startswith(FAST) else pytest.param(n, marks=pytest.mark.slow) for n in COMMANDS]
)
def test_a_command(ground: Ground, here: Settings, capsys: pytest.CaptureFixture[str], name: str) -> None:
    arguments = [word.replace("HERE", str(ground.folder)) for word in COMMANDS[name]]
    ground.tried(lambda: ended(arguments, capsys))


ENVIRONMENT = {
    "E2LM_HOME": ("~nosuchuser/x", "a" * 9_000),
    "E2LM_THREADS": ("²", "--1", DIGITS, "0", "x" * 9_000),
    "E2LM_DTYPE": ("x" * 9_000, "\x1b[31m"),
    "E2LM_HUB_QUOTA_GB": (DIGITS, "²", "-1", "nan"),
    "E2LM_CHECKPOINTS": ("~nosuchuser/x",),
    "E2LM_HUB_ENDPOINT": ("file:///etc/passwd", "x" * 9_000),
}


@pytest.mark.parametrize(
    ("variable", "value"),
    [(variable, value) for variable, values in ENVIRONMENT.items() for value in values],
    ids=lambda text: text[:20].encode("ascii", "backslashreplace").decode().replace("\x1b", ""),
)
def test_an_environment(
    ground: Ground,
    here: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    value: str,
) -> None:
    monkeypatch.setenv(variable, value)
    ground.tried(lambda: ended(["tasks"], capsys))


# `python -m e2lm_core` that leaves behind what the kernel counted of it.
AS_STARTED = """
import atexit, pathlib, runpy, sys
to = pathlib.Path(sys.argv.pop(1))
atexit.register(lambda: to.write_text(pathlib.Path("/proc/self/status").read_text()))
sys.argv[0] = "e2lm_core"
runpy.run_module("e2lm_core", run_name="__main__", alter_sys=True)
"""
PROCESSES = (
    "sq deep.json",
    "sq pipe",
    "import-results deep.json",
    "import-results commas.csv",
    "question add deep.json",
)


@pytest.mark.slow
@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_of_its_own(ground: Ground, here: Settings, name: str) -> None:
    """The same as a user starts it, with the peak of its memory from the kernel."""
    arguments = [word.replace("HERE", str(ground.folder)) for word in COMMANDS[name]]
    start = time.monotonic()
    with (ground.folder / "out").open("w") as out, (ground.folder / "err").open("w") as err:
        command = [sys.executable, "-c", AS_STARTED, str(ground.folder / "status"), *arguments]
        environment = {**os.environ, **studios.environment(here)}
        process = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=out, stderr=err, timeout=60, check=False
        )
    assert time.monotonic() - start < 30
    peak = re.search(r"VmHWM:\s+(\d+)", (ground.folder / "status").read_text(encoding="ascii"))
    assert peak is not None
    assert int(peak[1]) < 300 * 2**10  # kB, all libraries among it
    said = (ground.folder / "err").read_text(encoding="utf-8")
    assert (process.returncode, (ground.folder / "out").read_text(encoding="utf-8")) == (2, ""), said
    [line] = said.splitlines()
    check_sentence(line)


def test_the_canary_is_seen(ground: Ground) -> None:
    def kills() -> None:
        (ground.folder / "canary").write_text("dead", encoding="utf-8")

    with pytest.raises(AssertionError):
        ground.tried(kills)


def test_a_connection_is_seen(ground: Ground) -> None:
    import socket
    from contextlib import suppress

    def reaches() -> None:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", 9))

    with pytest.raises(AssertionError):
        ground.tried(reaches)


def test_a_long_sentence_is_seen(ground: Ground) -> None:
    for said in ("x" * 301 + ".", "two\nlines.", "\x1b[31m.", "no end"):
        with pytest.raises(AssertionError):
            check_sentence(said)
