"""Capability check of a disk: locking, atomic rename, fsync.

A mounted volume may be object storage behind a file system: one that lets two programs write at once, or
forgets confirmed writes, loses work silently. The check tries everything that a program can observe: files
renamed and flushed, exclusive locks (those of the sets, and SQLite's), and a database in WAL mode that two
programs share.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from e2lm_core.base.errors import StoreError
from e2lm_core.base.files import open_lock_file, take_lock

_PATIENCE_S = 20.0
# The second program: it reads the row just written and tries to take a lock that must be refused.
_OTHER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], uri=True, timeout=0, isolation_level=None)
print(connection.execute("SELECT count(*) FROM tried").fetchone()[0])
try:
    connection.execute("BEGIN IMMEDIATE")
    print("free")
except sqlite3.OperationalError:
    print("locked")
"""


def missing_guarantees(folder: Path, vfs: str = "") -> tuple[str, ...]:
    """Capabilities that the disk below `folder` lacks, in a few words each; empty for a fit disk.

    Args:
        folder: Folder to test, created if needed.
        vfs: Another locking method of SQLite, for tests; empty for the default.

    Raises:
        StoreError: The folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tried = Path(tempfile.mkdtemp(prefix=".disk-", dir=folder))
    except OSError as error:
        raise StoreError(
            f"{folder} cannot be written ({error.strerror}): set E2LM_HOME to a folder that you can write to."
        ) from error
    try:
        return tuple(
            name
            for name, holds in (
                ("files renamed over others", _renames),
                ("a second name for a file", _links),
                ("locks that keep others out", _locks),
                ("a database that two programs share", lambda at: _shares_a_database(at, vfs)),
            )
            if not _tried(holds, tried)
        )
    finally:
        shutil.rmtree(tried, ignore_errors=True)


def disk_risk(folder: Path, vfs: str = "") -> str | None:
    """Sentence for the operator if the disk below `folder` is not fit; None if it is.

    Args:
        folder: Folder to test, created if needed.
        vfs: Another locking method of SQLite, for tests; empty for the default.

    Raises:
        StoreError: The folder cannot be written.
    """
    missing = missing_guarantees(folder, vfs)
    if not missing:
        return None
    return (
        f"The disk of {folder} does not give what the studio needs of it ({', '.join(missing)}), so work may be "
        "lost there: set E2LM_HOME to a folder on this machine's own disk, and E2LM_BACKUP to a file on that one."
    )


def _tried(holds: Callable[[Path], bool], folder: Path) -> bool:
    try:
        return holds(folder)
    except (OSError, sqlite3.Error, subprocess.SubprocessError, ValueError):
        return False


def _renames(folder: Path) -> bool:
    """Whether a file replaces another in one step, and both file and folder can be flushed."""
    old, new = folder / "old", folder / "new"
    old.write_bytes(b"old")
    with new.open("wb") as file:
        file.write(b"new")
        file.flush()
        os.fsync(file.fileno())
    new.replace(old)
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    return old.read_bytes() == b"new" and not new.exists()


def _links(folder: Path) -> bool:
    """Whether a file gets a second name, but none that is taken: so one of two programs creates a key."""
    (folder / "first").write_bytes(b"x")
    os.link(folder / "first", folder / "second")
    try:
        os.link(folder / "first", folder / "second")
    except FileExistsError:
        return (folder / "second").read_bytes() == b"x"
    return False


def _locks(folder: Path) -> bool:
    """Whether the lock of a set excludes a second writer until the first is done."""
    with open_lock_file(folder / "lock") as second:
        with open_lock_file(folder / "lock") as first:
            if not take_lock(first) or take_lock(second):
                return False
        return take_lock(second)


def _shares_a_database(folder: Path, vfs: str) -> bool:
    """Whether in WAL mode another process sees the last commit and cannot write while this one does."""
    address = f"file:{folder / 'tried.sqlite'}" + (f"?vfs={vfs}" if vfs else "")
    with contextlib.closing(
        sqlite3.connect(address, uri=True, timeout=0, isolation_level=None)
    ) as connection:
        if connection.execute("PRAGMA journal_mode = WAL").fetchone() != ("wal",):
            return False
        connection.execute("CREATE TABLE tried (n INTEGER)")
        connection.execute("INSERT INTO tried VALUES (1)")
        connection.execute("BEGIN IMMEDIATE")
        other = subprocess.run(
            [sys.executable, "-I", "-c", _OTHER, address],
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=True,
        )
        connection.execute("ROLLBACK")
        return other.stdout.split() == ["1", "locked"]
