"""A disk is tried before work is trusted to it: this one is fit, and one without locks or sharing is found out."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from e2lm_core.base.errors import StoreError
from e2lm_core.deploy.home import disk_check


def test_a_disk_that_is_fit(tmp_path: Path) -> None:
    assert disk_check.missing_guarantees(tmp_path / "home") == ()
    assert disk_check.disk_risk(tmp_path / "home") is None
    assert list((tmp_path / "home").iterdir()) == []


@pytest.mark.parametrize("vfs", ["unix-none", "unix-dotfile"])
def test_a_disk_whose_database_cannot_be_shared(tmp_path: Path, vfs: str) -> None:
    # SQLite's own stand-ins for file systems without locks: no shared memory, so no WAL.
    assert disk_check.missing_guarantees(tmp_path, vfs) == ("a database that two programs share",)
    said = disk_check.disk_risk(tmp_path, vfs)
    assert said is not None
    assert said.count(". ") == 0
    assert "E2LM_HOME" in said


def test_a_disk_that_grants_every_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)
    assert disk_check.missing_guarantees(tmp_path) == ("locks that keep others out",)


def test_a_disk_that_knows_no_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", refuses)
    assert disk_check.missing_guarantees(tmp_path) == ("locks that keep others out",)


@pytest.mark.parametrize(
    ("call", "missing"), [("link", "a second name for a file"), ("replace", "files renamed over others")]
)
def test_a_disk_that_lacks_a_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, missing: str
) -> None:
    def refuses(*_: object, **__: object) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(os, call, refuses)
    assert disk_check.missing_guarantees(tmp_path) == (missing,)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be written"):
        disk_check.missing_guarantees(tmp_path / "file" / "home")
