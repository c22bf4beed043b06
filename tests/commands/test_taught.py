"""Every command that reads results says what their models were never taught, in its JSON and to people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from e2lm_core.base.settings import Settings
from e2lm_core.commands import main as main_commands
from tests.commands.conftest import Cli
from tests.support import studios

SAID = "The built-in mini models never learned these facts, so their results on this set mean nothing."
# What a command wants beside the name of a set.
ALSO = {
    "choose": ("--rule", "easiest-half"),
    "order": ("--as-letters",),
    "compare": ("little",),
    "plan": ("--width", "0.1"),
    "report": ("--out", "report.html"),
}


def of_results() -> Iterator[str]:
    """The commands that take `--checkpoints`: those on whose results they report."""
    for name, command in typer.main.get_command(main_commands.app).commands.items():
        if any(parameter.name == "checkpoints" for parameter in command.params):
            yield name


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """`unknown`, of which the models were taught nothing, and `little`, of which they were taught all."""
    folder = tmp_path_factory.mktemp("taught")
    settings = studios.settings(folder, studios.real_ladder(folder / "ladder"))
    studios.write_example(settings, studios.task(40))
    studios.write_example(settings, studios.unknown())
    studios.learn(settings)
    studios.learn(settings, "unknown", taught=False)
    return settings


def test_the_list_has_what_is_known() -> None:
    known = {"evaluate", "score", "ranks", "parting", "questions", "suspects", *ALSO}
    assert known <= set(of_results())


SLOW = [
    pytest.param(name, marks=pytest.mark.slow if name == "report" else ()) for name in sorted(of_results())
]


@pytest.mark.parametrize("name", SLOW)
def test_a_command_says_what_was_never_taught(
    name: str, call: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = (name, "unknown", *ALSO.get(name, ()))
    if name == "plan":  # refuses, and says why
        assert "never learned these facts" in call(*arguments, code=2)
        assert call(name, "little", *ALSO[name], "--json")["taught"]["sentence"] is None
        return
    told = call(*arguments, "--json")["taught"]
    told = told["first"] if name == "compare" else told
    assert told["questions"] == 0
    assert told["sentence"].startswith(SAID)
    assert SAID in call(*arguments)
    if name != "compare":
        assert call(name, "little", *ALSO.get(name, ()), "--json")["taught"]["sentence"] is None


@pytest.mark.slow
def test_the_report_says_it(call: Cli, tmp_path: Path) -> None:
    call("report", "unknown", "--out", str(tmp_path / "report.html"))
    assert SAID in (tmp_path / "report.html").read_text(encoding="utf-8")
