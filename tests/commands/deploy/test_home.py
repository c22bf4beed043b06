"""`backup` and `restore`: a home as a file and back."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2lm_core.base.settings import Settings
from e2lm_core.sets import collection
from tests.commands.conftest import Cli


@pytest.fixture
def file(call: Cli, here: Settings, tmp_path: Path) -> Path:
    if not (here.sets / "mine").is_dir():
        collection.copy_set(here, "little", "mine")
    made = call("backup", str(tmp_path / "home.tar.gz"), "--json")
    assert (made["sets"], made["bytes"]) == (1, (tmp_path / "home.tar.gz").stat().st_size)
    return tmp_path / "home.tar.gz"


def test_a_backup_makes_no_folder(call: Cli, tmp_path: Path) -> None:
    assert "There is no folder" in call("backup", str(tmp_path / "none" / "home.tar.gz"), code=2)
    assert "is a folder" in call("backup", "", code=2)
    assert not (tmp_path / "none").exists()


def test_back_into_the_same_home(call: Cli, here: Settings, file: Path) -> None:
    assert "is not empty: with --yes" in call("restore", str(file), code=2)
    restored = call("restore", str(file), "--yes", "--json")
    assert restored["sets"] == 1
    assert (Path(restored["aside"]) / "sets" / "mine").is_dir()
    assert collection.open_set(here, "mine").questions


def test_into_an_empty_home(call: Cli, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("E2LM_HOME", str(tmp_path / "other"))
    assert "sets" in call("restore", str(file))
    assert (tmp_path / "other" / "sets" / "mine" / "mine.yaml").is_file()
    assert "no backup" in call("restore", __file__, "--yes", code=2)
