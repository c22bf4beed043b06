"""The database of a home that an older studio has left opens in this one, with all that it held.

`version_6.sql` is what that studio wrote, as SQLite dumps it: results on four checkpoints, a run that is done, one that
was cancelled, one whose worker has died, one that waits.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from e2lm_core.base.database import MIGRATIONS
from e2lm_core.deploy.home import backup, restore
from e2lm_core.runs import results
from e2lm_core.runs.studio import Studio, open_studio
from e2lm_core.sets import collection
from tests.support import studios
from tests.support.fake_backend import FakeBackend

OLD = Path(__file__).with_name("version_6.sql")
COMPUTED = [f"ladder-{size}-arch1/iter_0000{step}" for size in ("small", "large") for step in (100, 200)]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A folder whose `home` has the old database."""
    (tmp_path / "home").mkdir()
    with contextlib.closing(sqlite3.connect(tmp_path / "home" / "studio.sqlite")) as connection:
        connection.executescript(OLD.read_text(encoding="utf-8"))
    return tmp_path


def holds_everything(studio: Studio) -> None:
    with studio.jobs.database.reading() as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("SELECT count(*) FROM results").fetchone() == (96,)
    task = collection.open_set(studio.settings, "little")
    measured = results.load_measurements(studio, task, studio.catalogue.match_globs(COMPUTED))
    assert measured.complete_checkpoints == len(COMPUTED)
    states = [(job.id, job.state, job.owner) for job in studio.jobs.recent()]
    assert states == [
        (4, "queued", "four"),
        (3, "running", "three"),
        (2, "cancelled", "two"),
        (1, "done", "one"),
    ]
    (progress,) = studio.jobs.get(3).progress
    assert (progress.done, progress.total, progress.tokens, progress.harness_tokens) == (2, 6, 40, 400)
    assert [e.what for e in studio.jobs.events(job_id=1)] == ["submitted", "claimed", "done"]


def test_an_old_database_opens_with_all_that_it_held(old: Path) -> None:
    studio = studios.studio(old)
    holds_everything(studio)
    # What was open goes on: first the one that a worker had, whose lease has run out.
    claimed = [studio.jobs.claim("new", 60.0), studio.jobs.claim("new", 60.0)]
    assert sorted(job.id for job in claimed if job) == [3, 4]


def test_an_old_home_is_backed_up_and_restored_as_it_is(old: Path) -> None:
    settings = studios.settings(old)
    studios.write_example(settings)
    path = backup.write_backup(settings, old / "b.tar.gz").path
    other = settings.model_copy(update={"home": old / "other"})
    restore.restore(other, path)
    holds_everything(open_studio(other, FakeBackend()))
