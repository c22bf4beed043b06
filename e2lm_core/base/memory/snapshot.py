"""Read-only access to a database on a disk that cannot be written, its journal included.

SQLite itself reads one where the journal's index lies beside it, or where the journal is empty. Else both are copied
to the machine's own place for what passes, and read there; the copy goes with the process.
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

_copies: dict[tuple[object, ...], tempfile.TemporaryDirectory[str]] = {}
_one_at_a_time = threading.Lock()


def can_write(path: Path) -> bool:
    """Whether a database there can be written, journal and all; one that is not there, whether it can be made."""
    folder = path.parent
    if not folder.is_dir():
        return True  # whoever makes the folder finds out
    return os.access(folder, os.W_OK | os.X_OK) and (not path.exists() or os.access(path, os.W_OK))


def open_read_only(path: Path, timeout_s: float) -> sqlite3.Connection:
    """A connection in autocommit mode that changes nothing. Raises sqlite3.Error, OSError where there is no room."""
    journal = path.with_name(f"{path.name}-wal")
    is_whole = not journal.exists() or journal.stat().st_size == 0
    for options in ("mode=ro", "mode=ro&immutable=1") if is_whole else ("mode=ro",):
        connection = _connection(f"file:{quote(str(path))}?{options}", timeout_s)
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError:  # no index of the journal, and none can be made
            connection.close()
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    return _connection(f"file:{quote(str(copy_database(path)))}", timeout_s)


def copy_database(path: Path) -> Path:
    """The database with its journal, copied once for this process; an empty place where there is none. Raises OSError."""
    files = [path, path.with_name(f"{path.name}-wal")]
    stamp: tuple[object, ...] = (os.getpid(), path, *(_stamp(file) for file in files))
    with _one_at_a_time:
        if stamp not in _copies:
            folder = tempfile.TemporaryDirectory(prefix="e2lm-snapshot-")
            for file in files:
                with contextlib.suppress(FileNotFoundError):
                    shutil.copyfile(file, Path(folder.name) / file.name)
            _copies[stamp] = folder
        return Path(_copies[stamp].name) / path.name


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        stat = file.stat()
    except FileNotFoundError:
        return None
    return stat.st_mtime_ns, stat.st_size


def _connection(address: str, timeout_s: float) -> sqlite3.Connection:
    connection = sqlite3.connect(address, uri=True, timeout=timeout_s, isolation_level=None)
    connection.execute("PRAGMA query_only = ON")
    return connection
