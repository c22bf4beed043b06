"""What tests of commands stand on: a home with the set `little` over a ladder of tiny models, and the program."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from e2lm_core.base.settings import Settings
from e2lm_core.commands import main as main_commands
from e2lm_core.commands import progress
from e2lm_core.runs import evaluate
from e2lm_core.runs.studio import open_studio
from e2lm_core.sets import collection
from tests.support import studios

Cli = Callable[..., Any]


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine that is busy a command would say how far it is, beside the sentence that is looked at."""
    monkeypatch.setattr(progress, "QUIET_S", 3_600.0)


@pytest.fixture(scope="session")
def ladder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return studios.real_ladder(tmp_path_factory.mktemp("ladder") / "ladder")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, ladder: Path) -> Settings:
    settings = studios.settings(tmp_path_factory.mktemp("here"), ladder=ladder)
    studios.write_example(settings)
    return settings


@pytest.fixture(scope="module")
def computed(here: Settings) -> Settings:
    """The home once `little` is computed on every checkpoint."""
    studio = open_studio(here)
    evaluate.evaluate(studio, collection.open_set(here, "little"), studio.catalogue.checkpoints)
    studio.store.database.close()
    return here


@pytest.fixture
def call(here: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a command: its stdout, as JSON where that was asked for; with the `code` 2 its one sentence."""
    for name, value in studios.environment(here).items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str, code: int = 0) -> Any:
        with pytest.raises(SystemExit) as end:
            main_commands.main(arguments)
        out, err = capsys.readouterr()
        assert end.value.code == code, err
        if code == 2:
            assert err.count("\n") == 1
            return err
        return json.loads(out) if "--json" in arguments else out

    return run
