"""The program: what its start loads, and that nothing a reader does to it is a traceback."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import e2lm_core
from e2lm_core.base.settings import Settings
from e2lm_core.commands import main as main_commands
from e2lm_core.sets import collection
from tests.commands.conftest import Cli
from tests.conftest import ROOT
from tests.house import documented
from tests.support import studios

HEAVY = {
    "numpy",
    "pandas",
    "scipy",
    "torch",
    "transformers",
    "plotly",
    "pyarrow",
    "streamlit",
    "huggingface_hub",
}


def test_listing_sets_loads_no_heavy_library(here: Settings) -> None:
    script = (
        "import sys; from e2lm_core.commands.main import app; app(['tasks'], standalone_mode=False);"
        f"print(sorted({HEAVY!r} & set(sys.modules)))"
    )
    environment = os.environ | studios.environment(here)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


GROUPS = sorted({name.split()[0] for name in documented.commands() if " " in name})


@pytest.mark.parametrize("group", ["", *GROUPS])
def test_the_program_and_every_group_alone_print_their_help(call: Cli, group: str) -> None:
    words = group.split()
    shown = call(*words)
    assert shown == call(*words, "--help") == call(*words, "-h")
    assert shown.startswith(f"Usage: python -m e2lm_core {group}".rstrip())
    assert "\nCommands:\n" in shown


def test_a_command_has_its_short_help_too(call: Cli) -> None:
    assert call("sets", "list", "-h") == call("sets", "list", "--help")


def test_the_version_is_the_products(call: Cli) -> None:
    assert call("--version") == f"e2lm {e2lm_core.__version__}\n"


def test_the_installed_program_completes_its_commands(call: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/e2lm"])
    for line, found in (("e2lm sc", ["score"]), ("e2lm sets re", ["rename", "restore"])):
        asked = {"_E2LM_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
        with monkeypatch.context() as patch:
            for name, value in asked.items():
                patch.setenv(name, value)
            assert call().split() == found


@pytest.mark.parametrize("option", ["--install-completion", "--show-completion"])
def test_completion_is_of_the_installed_program_alone(call: Cli, option: str) -> None:
    assert call(option, code=2) == (
        f"{option} is for the installed program: run `pip install .`, then `e2lm {option}`.\n"
    )


def test_a_misspelt_variable_is_said_on_stderr(
    call: Cli, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("E2LM_THREAD", "2")
    with pytest.raises(SystemExit) as end:
        main_commands.main(["sets", "list", "--json"])
    out, err = capsys.readouterr()
    assert end.value.code == 0
    assert json.loads(out)["sets"]
    assert "did you mean E2LM_THREADS?" in err


@pytest.mark.slow
def test_whoever_stops_reading_is_no_failure(here: Settings) -> None:
    command = f"{sys.executable} -m e2lm_core evaluate little --questions --json | head -c 10"
    environment = os.environ | studios.environment(here)
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=ROOT, env=environment, capture_output=True, check=False
    )
    assert b"Traceback" not in done.stderr
    assert b"BrokenPipe" not in done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("relevance", "~nosuchuser/x"), "no question set '~nosuchuser/x'"),
        (("relevance", "~nosuchuser/x.jsonl"), "cannot be read"),
        (("score", "~nosuchuser/x"), "no question set"),
        (("relevance", "/dev/zero"), "no question set"),
        (("sq", "/dev/zero"), "is no file"),
        (("sq", "~nosuchuser/x"), "cannot be read"),
        (("import-results", "/dev/zero"), "no file or folder"),
        (("score", "x" * 200_000), "no question set 'xxx"),
        (("score", "a b " * 50_000), "little"),
        (("sq", "x" * 200_000), "cannot be read"),
        (("x" * 200_000,), "No such command"),
        (("score", "little", "--" + "x" * 200_000), "No such option"),
        (("score", "little", "--num-fewshot", "9" * 5_000), "--num-fewshot"),
        (("score", "little", "--num-fewshot", "x" * 200_000), "--num-fewshot"),
        (("check", "little", "--profile", "x" * 200_000), "use plain or competition"),
        (("score", "\udcff"), r"'\udcff' is no text in UTF-8"),
        (("compare", "little", "--metric", "\ud800"), r"'\ud800' is no text in UTF-8"),
        (("sq", "a\0b"), r"'a\x00b' is no text in UTF-8"),
        (("score", "\x1b[31mred"), r"'\x1b[31mred'"),
    ],
    ids=lambda part: (
        " ".join(part)[:40].encode("ascii", "replace").decode() if isinstance(part, tuple) else ""
    ),
)
def test_hostile_arguments_are_one_short_sentence(call: Cli, words: tuple[str, ...], says: str) -> None:
    said = call(*words, code=2)
    assert says in said
    assert len(said) <= 301
    assert said.rstrip("\n").isprintable()


@pytest.mark.parametrize("command", ["sq", "relevance", "import-results"])
def test_a_pipe_that_nobody_fills_is_refused_at_once(call: Cli, tmp_path: Path, command: str) -> None:
    pipe = tmp_path / "curves.jsonl"
    os.mkfifo(pipe)
    assert "no file" in call(command, str(pipe), code=2)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("E2LM_THREADS", "²", "E2LM_THREADS is '²'; use a whole number"),
        ("E2LM_THREADS", "--1", "E2LM_THREADS is '--1'; use a whole number"),
        ("E2LM_THREADS", "9" * 5_000, "use a whole number"),
        ("E2LM_HOME", "~nosuchuser/x", "nobody here has that name"),
        ("E2LM_HOME", "/" + "x" * 5_000, "cannot"),
        ("E2LM_DEVICE", "x" * 5_000, "E2LM_DEVICE"),
    ],
)
def test_hostile_settings_are_one_short_sentence(
    call: Cli, monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(name, value)
    said = call("evaluate", "little", "--num-fewshot", "2", code=2)  # of which nothing is kept
    assert says in said
    assert len(said) <= 301


def hostile_calls(folder: Path) -> Iterator[list[str]]:
    """Every command with each of its parameters hostile and the others as they should be."""
    pipe = folder / "pipe.jsonl"
    os.mkfifo(pipe)
    values = ("x" * 200_000, "~nosuchuser/x", "/dev/zero", "\x1b[31m²", str(pipe))
    usual = {
        "--width": "0.05",
        "--rule": "easiest-half",
        "NAME": "other",
        "SET": "own",
        "ID": "q1",
        "PATH": str(folder),
    }
    for name, command in documented.commands().items():
        for hostile in (p for p in command.params if p.name != "help" and not getattr(p, "is_flag", False)):
            for value in values:
                words = [name.split(), ["--yes"] if any(p.name == "yes" for p in command.params) else []]
                for parameter in command.params:
                    is_option = parameter.param_type_name == "option"
                    key = parameter.opts[0] if is_option else (parameter.metavar or "").strip("[]")
                    given = value if parameter is hostile else usual.get(key, "little")
                    writes = key == "--out" or name == "backup"
                    if parameter is hostile and writes and given == str(pipe):
                        given = "/dev/full"  # a pipe waits for its reader, as everywhere
                    if parameter is hostile or parameter.required:
                        words.append([key, given] if is_option else [given])
                yield [word for part in words for word in part]


def _too_long(*_: object) -> None:
    raise TimeoutError("A command did not end within a minute.")


@pytest.mark.slow
def test_every_parameter_of_every_command_may_be_hostile(
    call: Cli,
    computed: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    collection.copy_set(computed, "little", "own")
    before = studios.tree(computed.tasks)
    signal.signal(signal.SIGALRM, _too_long)
    for words in hostile_calls(tmp_path):
        for _ in range(2):  # a machine may be slow for a moment; what takes long by itself does so again
            monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO()))
            began = time.process_time()
            signal.alarm(60)  # what waits for a pipe's other end would wait for ever
            with pytest.raises(SystemExit) as end:
                main_commands.main(words)
            signal.alarm(0)
            took = time.process_time() - began
            said = capsys.readouterr().err
            if took < 2:
                break
        shown = " ".join(words)[:120]
        assert end.value.code in (0, 2), (shown, said)
        assert took < 2, (shown, took)
        if end.value.code:
            assert len(said) <= 301, shown
            assert said.removesuffix("\n").isprintable(), (shown, said)
    assert studios.tree(computed.tasks) == before
