"""Read-only access to a database on a disk that cannot be written, its journal included.

SQLite itself reads a database if the journal's index lies beside it, or if the journal is empty. Otherwise
both are copied to the machine's temporary folder and read there; the copy ends with the process.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
import threading
from pathlib import Path
from urllib.parse import quote

from e2lm_core.base.files import mtime_and_size

_copies: dict[tuple[object, ...], tempfile.TemporaryDirectory[str]] = {}
_one_at_a_time = threading.Lock()


def can_write(path: Path) -> bool:
    """Whether a database and its journal can be written or, for a missing file, created."""
    folder = path.parent
    if not folder.is_dir():
        return True  # an error shows when the folder is made
    return os.access(folder, os.W_OK | os.X_OK) and (not path.exists() or os.access(path, os.W_OK))


def open_read_only(path: Path, timeout_s: float) -> sqlite3.Connection:
    """A connection in autocommit mode that changes nothing.

    Args:
        path: The database file.
        timeout_s: Wait for another program's lock, in seconds.

    Raises:
        sqlite3.Error: The file cannot be read as a database.
        OSError: There is no room for a copy.
    """
    journal = path.with_name(f"{path.name}-wal")
    is_whole = not journal.exists() or journal.stat().st_size == 0
    for options in ("mode=ro", "mode=ro&immutable=1") if is_whole else ("mode=ro",):
        connection = _connection(f"file:{quote(str(path))}?{options}", timeout_s)
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError:  # the journal has no index, and none can be made
            connection.close()
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    return _connection(f"file:{quote(str(copy_database(path)))}", timeout_s)


def copy_database(path: Path) -> Path:
    """Path of a copy of the database with its journal, made once per process and state.

    The path leads to no file if there is no database.

    Raises:
        OSError: The copy cannot be written.
    """
    files = [path, path.with_name(f"{path.name}-wal")]
    stamp: tuple[object, ...] = (os.getpid(), path, *map(mtime_and_size, files))
    with _one_at_a_time:
        if stamp not in _copies:
            folder = tempfile.TemporaryDirectory(prefix="e2lm-snapshot-")
            for file in files:
                with contextlib.suppress(FileNotFoundError):
                    shutil.copyfile(file, Path(folder.name) / file.name)
            _copies[stamp] = folder
        return Path(_copies[stamp].name) / path.name


def _connection(address: str, timeout_s: float) -> sqlite3.Connection:
    connection = sqlite3.connect(address, uri=True, timeout=timeout_s, isolation_level=None)
    connection.execute("PRAGMA query_only = ON")
    return connection
