"""A database on a disk that cannot be written: read whole, journal and all, and never changed."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from e2lm_core.base.database import connect
from e2lm_core.base.memory import snapshot
from tests.base.memory import unwritable
from tests.support import studios

PROGRAM = """
import json, sys
from pathlib import Path
from e2lm_core.base.database import Database
from e2lm_core.base.errors import StoreError
said = {}
for folder in sorted(Path(HOME).iterdir()):
    database = Database(folder / "studio.sqlite")
    with database.reading() as connection:
        rows = [row[0] for row in connection.execute("SELECT fingerprint FROM scopes ORDER BY id")]
    try:
        with database.transaction() as connection:
            connection.execute("DELETE FROM scopes")
        refused = ""
    except StoreError as error:
        refused = str(error)
    said[folder.name] = [rows, database.is_writable, refused]
print(json.dumps(said))
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Databases as a studio may have left them: closed, killed with a journal, with and without its index, empty, none."""
    home = tmp_path / "home"
    for name in ("closed", "killed", "without_index", "empty", "none"):
        (home / name).mkdir(parents=True)
    made = tmp_path / "made" / "studio.sqlite"
    connection = connect(made)
    connection.execute("INSERT INTO scopes VALUES (1, 'a', 'float32', 10, 'none', 1)")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute("INSERT INTO scopes VALUES (2, 'b', 'float32', 10, 'none', 1)")  # in the journal alone
    for end in ("", "-wal", "-shm"):
        for name in ("killed", *(["without_index"] if end != "-shm" else [])):
            shutil.copy(f"{made}{end}", home / name / f"studio.sqlite{end}")
    connection.close()
    shutil.copy(made, home / "closed" / "studio.sqlite")
    (home / "empty" / "studio.sqlite").touch()
    return home


def test_all_that_was_saved_is_read_and_nothing_is_changed(home: Path) -> None:
    before = studios.tree(home)
    said = json.loads(unwritable.run_in(home, PROGRAM.replace("HOME", repr(str(home)))))
    rows = {name: told[0] for name, told in said.items()}
    both = ["a", "b"]
    assert rows == {"closed": both, "killed": both, "without_index": both, "empty": [], "none": []}
    assert not any(told[1] for told in said.values())
    assert all("cannot be opened for writing" in told[2] for told in said.values())
    assert studios.tree(home) == before


def test_a_place_that_can_be_written_is_told_from_one_that_cannot(tmp_path: Path) -> None:
    assert snapshot.can_write(tmp_path / "new.sqlite")
    assert snapshot.can_write(tmp_path / "no" / "folder" / "yet.sqlite")


def test_a_copy_is_made_once_and_anew_when_the_database_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "studio.sqlite"
    with closing(connect(path)):
        pass
    first = snapshot.copy_database(path)
    assert snapshot.copy_database(path) == first
    with closing(connect(path)) as connection:
        connection.execute("INSERT INTO scopes VALUES (1, 'a', 'float32', 10, 'none', 1)")
    assert snapshot.copy_database(path) != first
    with closing(snapshot.open_read_only(path, 1.0)) as connection:
        assert connection.execute("SELECT count(*) FROM scopes").fetchone() == (1,)
