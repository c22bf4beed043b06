"""SQLite cache of embeddings and fitted classifiers.

Tested in tests/relevance/test_embeddings.py.

Where its disk cannot be written, what is there is read and nothing is kept: it costs time alone.
A rollback journal rather than WAL: the file is then one file, which can be thrown away and made again
when it is damaged. Every call opens its own connection, so that threads and processes may share it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from e2lm_core.base.errors import StudioError
from e2lm_core.base.memory import snapshot

_SCHEMA = """
CREATE TABLE IF NOT EXISTS embedding (key BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fit (key BLOB PRIMARY KEY, arrays BLOB NOT NULL) WITHOUT ROWID;
"""
_LOOK_UP = 500  # SQLite bounds the number of parameters of a statement
_WAIT_SECONDS = 30.0


class EmbeddingError(StudioError):
    """The embedding model or its cache is not usable."""


Vector = np.ndarray[Any, np.dtype[np.float32]]


class EmbeddingCache:
    """Every method raises EmbeddingError when the file can be neither read nor written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Vector]:
        """The vectors of those keys that are kept."""
        kept: dict[bytes, Vector] = {}
        wanted = list(dict.fromkeys(keys))
        with self._connection() as connection:
            for start in range(0, len(wanted), _LOOK_UP):
                part = wanted[start : start + _LOOK_UP]
                marks = ",".join("?" * len(part))
                rows = connection.execute(f"SELECT key, vector FROM embedding WHERE key IN ({marks})", part)
                kept.update((key, np.frombuffer(vector, dtype="<f4")) for key, vector in rows)
        return kept

    def put(self, vectors: Mapping[bytes, Vector]) -> None:
        """Keep vectors, in one transaction; one that is there already stays."""
        if not self._is_writable:
            return
        rows = [(key, np.asarray(vector, dtype="<f4").tobytes()) for key, vector in vectors.items()]
        with self._connection() as connection:
            connection.executemany("INSERT OR IGNORE INTO embedding VALUES (?, ?)", rows)

    def get_fit(self, key: bytes) -> bytes | None:
        """The arrays of a fitted classifier, as they were put; None where none is kept."""
        with self._connection() as connection:
            row = connection.execute("SELECT arrays FROM fit WHERE key = ?", (key,)).fetchone()
        return None if row is None else bytes(row[0])

    def put_fit(self, key: bytes, arrays: bytes) -> None:
        """Keep a fitted classifier, in the place of one of the same key."""
        if not self._is_writable:
            return
        with self._connection() as connection:
            connection.execute("INSERT OR REPLACE INTO fit VALUES (?, ?)", (key, arrays))

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._open()
            try:
                with connection:
                    yield connection
            finally:
                connection.close()
        except (sqlite3.Error, OSError) as error:
            raise EmbeddingError(
                f"The cache of embeddings {self.path} cannot be used ({error}): make sure that its folder can "
                "be written and has free space, or delete the file; it is made again."
            ) from error

    @property
    def _is_writable(self) -> bool:
        there = next(folder for folder in self.path.parents if folder.is_dir())
        return os.access(there, os.W_OK) and snapshot.can_write(self.path)

    def _open(self) -> sqlite3.Connection:
        if not self._is_writable:
            if self.path.exists():
                return snapshot.open_read_only(self.path, _WAIT_SECONDS)
            connection = sqlite3.connect(":memory:")
            connection.executescript(_SCHEMA)
            return connection
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=_WAIT_SECONDS)
        try:
            connection.executescript(_SCHEMA)
        except sqlite3.Error:
            connection.close()
            raise
        return connection
