"""SQLite database of results, jobs and digests: connections, schema, error messages.

The file is in WAL mode, so that pages read while a worker writes. `PRAGMA user_version` is the version of its
schema; a file of another version, of another program or with damage is refused before anything in it is
changed.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from e2lm_core.base.errors import StoreError
from e2lm_core.base.memory import snapshot
from e2lm_core.base.sentences import Sentence

# A page reports within three seconds that another program holds the database; a worker can wait longer.
PATIENCE_S = 2.5
WORKERS_PATIENCE_S = 30.0
TURN_S = 0.1  # a thread's wait for another thread of its process, before it waits as for another program
# 16 MB: from this size on a commit moves the journal into the file, which takes time; see `flush_journal`.
JOURNAL_PAGES = 4_000
_MAGIC = b"SQLite format 3\0"

SCHEMA_VERSION = 10
_SCHEMA = Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")


def connect(path: Path, patience_s: float = PATIENCE_S) -> sqlite3.Connection:
    """An open connection in autocommit mode, to a database with the current schema.

    On a disk that cannot be written the connection reads, with the journal, and refuses to write.

    Args:
        path: The database file; it is left as it was on an error.
        patience_s: Wait for another program's write, in seconds.

    Raises:
        StoreError: The file is damaged, of another version, of another program or out of reach.
    """
    with translate_errors(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _refuse_other_bytes(path)
            if not snapshot.can_write(path):
                return _connect_to_read(path, patience_s)
        except OSError as error:
            raise StoreError(
                Sentence(
                    "The results database {path} cannot be opened ({strerror}): set E2LM_HOME to a folder that you "
                    "can write to.",
                    path=path,
                    strerror=error.strerror,
                )
            ) from error
        connection = sqlite3.connect(path, timeout=patience_s, isolation_level=None)
        try:
            _prepare(connection, path, patience_s)
        except BaseException:
            connection.close()
            raise
        _opened_here.add(_identity(path))  # a file that was created just now was not added before
        return connection


def _connect_to_read(path: Path, patience_s: float) -> sqlite3.Connection:
    if path.exists():
        connection = snapshot.open_read_only(path, patience_s)
        try:
            if not _is_empty(connection, path):
                return connection
        except BaseException:
            connection.close()
            raise
        connection.close()
    # A file that is empty or does not exist yet gets its schema in a copy.
    copy = snapshot.copy_database(path)
    connection = sqlite3.connect(copy, timeout=patience_s, isolation_level=None)
    _prepare(connection, copy, patience_s)
    connection.execute("PRAGMA query_only = ON")
    return connection


@contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Turn SQLite errors with an external cause, such as a full disk, into one sentence each.

    Any other error is a defect and passes unchanged.

    Raises:
        StoreError: The database is damaged, locked or not writable, or its disk is full or fails.
    """
    try:
        yield
    except sqlite3.Error as error:
        sentence = _sentence(path, error)
        if sentence is None:
            raise
        raise StoreError(sentence) from error


class Database:
    """A database file for all threads of a process.

    Each thread has one connection, made on first use and again after a fork.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.patience_s = path, PATIENCE_S
        self._local, self._turn = threading.local(), (os.getpid(), threading.Lock())
        self.connection()  # an unusable file is refused here rather than in the first query

    def connection(self) -> sqlite3.Connection:
        """The calling thread's connection, in autocommit mode.

        Raises:
            StoreError: The database cannot be opened, see `connect`.
        """
        process, connection = self._of_thread()
        if connection is None or process != os.getpid():
            connection = connect(self.path, patience_s=self.patience_s)
            self._local.opened = (os.getpid(), connection)
        return connection

    @property
    def is_writable(self) -> bool:
        """Whether the disk can be written; otherwise this process only reads."""
        return not self.connection().execute("PRAGMA query_only").fetchone()[0]

    def set_busy_timeout(self, patience_s: float = WORKERS_PATIENCE_S) -> None:
        """Set the wait for another program's write, for this thread and for connections made later."""
        self.patience_s = patience_s
        with self.reading() as connection:
            connection.execute(f"PRAGMA busy_timeout = {round(patience_s * 1000)}")

    def _of_thread(self) -> tuple[int, sqlite3.Connection | None]:
        """(process, connection): this thread's connection and its process, another one before a fork."""
        return getattr(self._local, "opened", (0, None))

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The thread's connection, for statements that change nothing.

        Raises:
            StoreError: The database cannot be opened or read.
        """
        with translate_errors(self.path):
            yield self.connection()

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """The thread's connection, with all reads inside the context from one moment.

        Raises:
            StoreError: The database cannot be opened or read.
        """
        with self.reading() as connection:
            if connection.in_transaction:
                yield connection
                return
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                if connection.in_transaction:
                    connection.execute("COMMIT")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The thread's connection in a transaction: all statements inside are saved, or none.

        A transaction inside another joins it, so that results and progress are saved together.

        Raises:
            StoreError: The database cannot be opened or written.
        """
        with translate_errors(self.path):
            connection = self.connection()
            if connection.in_transaction:
                yield connection
                return
            with self._my_turn():
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    if connection.in_transaction:  # SQLite itself rolls back on a full disk
                        connection.execute("ROLLBACK")
                    raise

    @contextmanager
    def _my_turn(self) -> Iterator[None]:
        """Let the threads of one process write in turn without delay.

        SQLite itself retries at intervals that grow to a tenth of a second.
        """
        process, lock = self._turn
        if process != os.getpid():  # after a fork the lock may belong to a thread of the parent
            lock = threading.Lock()
            self._turn = (os.getpid(), lock)
        mine = lock.acquire(timeout=TURN_S)
        try:
            yield
        finally:
            if mine:
                lock.release()

    def flush_journal(self) -> None:
        """Move the journal's content into the database file, as far as no reader needs it; takes disk time.

        Raises:
            StoreError: The database cannot be opened or written.
        """
        with self.reading() as connection:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def close(self) -> None:
        """Close the calling thread's connection; the others close as their threads end."""
        process, connection = self._of_thread()
        if connection is not None and process == os.getpid():
            connection.close()
        self._local.opened = (0, None)


def change_stamp(path: Path) -> tuple[int, int]:
    """Stamp that changes with every write to the database, by any process.

    It costs a look at two files: the modification times of the database and its journal, in ns, 0 for a
    missing file.
    """
    stamps = []
    for file in (str(path), f"{path}-wal"):
        try:
            stamps.append(os.stat(file).st_mtime_ns)
        except FileNotFoundError:
            stamps.append(0)
    return stamps[0], stamps[1]


def open_database(database: Path | Database) -> Database:
    """Return the database, opened if a path is given.

    Raises:
        StoreError: The database cannot be opened, see `connect`.
    """
    return database if isinstance(database, Database) else Database(database)


_opened_here: set[tuple[int, int]] = set()  # (device, inode) of the databases that this process has opened
_opening = threading.Lock()


def _refuse_other_bytes(path: Path) -> None:
    """Refuse a file that is not a SQLite database.

    SQLite would report the same, but only after it has looked for journals to replay into the file.

    This happens only before this process first opens the file. Closing any handle on it would drop the locks
    of every connection of the process (POSIX); another process would then take itself for the last one and
    delete the journal that is in use, and the two would never again see each other's writes.
    """
    with _opening:
        if not path.exists() or _identity(path) in _opened_here:
            return
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
        if start and start != _MAGIC:
            raise StoreError(_damaged(path))
        _opened_here.add(_identity(path))


def _identity(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_dev, stat.st_ino


def _prepare(connection: sqlite3.Connection, path: Path, patience_s: float) -> None:
    is_empty = _is_empty(connection, path)
    _use_wal(connection, path, patience_s)
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {JOURNAL_PAGES}")
    connection.execute("PRAGMA foreign_keys = ON")
    if is_empty:
        _create_tables(connection, path)


def _is_empty(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether a database has no tables yet; raises StoreError if its tables are not of the current schema."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if version not in (0, SCHEMA_VERSION):
        remedy = (
            Sentence("update the studio")
            if version > SCHEMA_VERSION
            else Sentence("open it with the studio that wrote it")
        )
        raise StoreError(
            Sentence(
                "The results database {path} is of version {version} and this studio reads version {schema_version} "
                "only: {remedy}, or set E2LM_HOME to another folder.",
                path=path,
                version=version,
                schema_version=SCHEMA_VERSION,
                remedy=remedy,
            )
        )
    if version == 0 and tables:
        raise StoreError(
            Sentence(
                "The database {path} belongs to another program: set E2LM_HOME to another folder, or move the file "
                "aside.",
                path=path,
            )
        )
    return version == 0


def _use_wal(connection: sqlite3.Connection, path: Path, patience_s: float) -> None:
    # The switch needs exclusive access and, unlike other statements, does not wait for it.
    deadline = time.monotonic() + patience_s
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            break
        except sqlite3.OperationalError as error:
            if _primary_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
    if mode != "wal":
        raise StoreError(
            Sentence(
                "The disk of {path} does not let two programs share a database (no WAL): set E2LM_HOME to a folder "
                "on this machine's own disk.",
                path=path,
            )
        )


def _create_tables(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have created them while this one waited for the lock.
        if _is_empty(connection, path):
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _primary_code(error: sqlite3.Error) -> int | None:
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _damaged(path: Path) -> Sentence:
    return Sentence(
        "The results database {path} is damaged or not a database: move it aside (for instance to {name}.damaged) and "
        "start again; results will be computed anew.",
        path=str(path),
        name=path.name,
    )


def _sentence(path: Path, error: sqlite3.Error) -> Sentence | None:
    match _primary_code(error):
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return _damaged(path)
        case sqlite3.SQLITE_FULL:
            return Sentence(
                "The disk is full, so nothing more was saved to {path}: free some space and go on; what was saved "
                "before is kept.",
                path=str(path),
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return Sentence(
                "The results database {path} is held by another program, so nothing was saved: try again in a moment, "
                "or close that program.",
                path=str(path),
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return Sentence(
                "The results database {path} cannot be opened for writing: set E2LM_HOME to a folder that you can "
                "write to.",
                path=str(path),
            )
        case sqlite3.SQLITE_IOERR:
            return Sentence(
                "The disk failed while {path} was read or written ({error}): check its free space and health; what "
                "was saved before is kept.",
                path=str(path),
                error=str(error),
            )
        case _:
            return None
