"""What is told of the studio's health, by what lives and what does not."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from pathlib import Path

import pytest

from e2lm_core.base.settings import Settings
from e2lm_core.deploy.health import WORKER_LATE_S, Health, health
from e2lm_core.runs.queue import leases
from e2lm_core.runs.studio import Studio
from tests.support import studios


@pytest.fixture
def here(tmp_path: Path) -> Studio:
    return studios.studio(tmp_path)


def test_a_new_home_is_well(tmp_path: Path) -> None:
    assert health(Settings(home=tmp_path / "new")) == Health(ok=True, database="ok", worker="idle")


def test_runs_and_their_worker(here: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    studios.start_run(here, "little", here.catalogue.checkpoints)
    assert health(here.settings, now).worker == "waiting"
    assert health(here.settings, now + WORKER_LATE_S + 9).worker == "missing"
    assert here.jobs.claim("one", 10.0) is not None
    here.jobs.submit("evaluate", {"set": "another", "checkpoints": [], "num_fewshot": None}, owner="another")
    # One that waits for its turn waits for no worker; and a clock that somebody sets says nothing of leases.
    assert health(here.settings, now + 3600).worker == "working"
    assert health(here.settings, now - 3600).worker == "working"
    later = leases.monotonic_now() + 30
    monkeypatch.setattr(leases, "monotonic_now", lambda: later)
    assert health(here.settings, now + 30).worker == "waiting"
    late = health(here.settings, now + WORKER_LATE_S + 30)
    assert (late.ok, late.worker) == (False, "missing")
    assert late.waiting_s is not None
    for open_job in here.jobs.recent():
        here.jobs.cancel(open_job.id)
    assert health(here.settings, now + 999) == Health(ok=True, database="ok", worker="idle")


def test_a_database_that_another_writes_is_busy_and_well(
    here: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("e2lm_core.deploy.health.PATIENCE_S", 0.05)
    with contextlib.closing(sqlite3.connect(here.settings.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert health(here.settings).database == "busy"
        assert health(here.settings).ok


@pytest.mark.parametrize("content", [b"no database" * 400, b""])
def test_a_damaged_database_is_not_well(tmp_path: Path, content: bytes) -> None:
    settings = Settings(home=tmp_path)
    settings.database.write_bytes(content)
    found = health(settings)
    if content:
        assert found == Health(ok=False, database="failed", worker="unknown")


def test_a_home_that_cannot_be_made_is_not_well(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert not health(Settings(home=tmp_path / "file" / "home")).ok


def test_it_tells_no_path(here: Studio) -> None:
    assert os.sep not in health(here.settings).model_dump_json()
