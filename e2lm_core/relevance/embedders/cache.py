"""SQLite cache of embeddings and fitted classifiers.

Tested in tests/relevance/test_embeddings.py.

On a disk that cannot be written, existing entries are read and none is added, which only costs time. The
journal is a rollback journal rather than WAL: the cache is then one file, which can be deleted and made again
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
from e2lm_core.base.sentences import Sentence

_SCHEMA = """
CREATE TABLE IF NOT EXISTS embedding (key BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fit (key BLOB PRIMARY KEY, arrays BLOB NOT NULL) WITHOUT ROWID;
"""
_LOOK_UP = 500  # SQLite bounds the number of parameters of a statement
_WAIT_SECONDS = 30.0


class EmbeddingError(StudioError):
    """Error of an embedding model or of its cache that is not usable."""


Vector = np.ndarray[Any, np.dtype[np.float32]]


class EmbeddingCache:
    """Cache of embeddings and fitted classifiers in one SQLite file.

    Every method raises EmbeddingError when the file can be neither read nor written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Vector]:
        """Cached vectors [D], float32, by key; a key without a vector is left out.

        Raises:
            EmbeddingError: The file can be neither read nor written.
        """
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
        """Save vectors [D], float32, by key in one transaction; existing ones are unchanged.

        Raises:
            EmbeddingError: The file can be neither read nor written.
        """
        if not self._is_writable:
            return
        rows = [(key, np.asarray(vector, dtype="<f4").tobytes()) for key, vector in vectors.items()]
        with self._connection() as connection:
            connection.executemany("INSERT OR IGNORE INTO embedding VALUES (?, ?)", rows)

    def get_fit(self, key: bytes) -> bytes | None:
        """Saved bytes of a fitted classifier; None where there is none.

        Raises:
            EmbeddingError: The file can be neither read nor written.
        """
        with self._connection() as connection:
            row = connection.execute("SELECT arrays FROM fit WHERE key = ?", (key,)).fetchone()
        return None if row is None else bytes(row[0])

    def put_fit(self, key: bytes, arrays: bytes) -> None:
        """Save the bytes of a fitted classifier, replacing those of the same key.

        Raises:
            EmbeddingError: The file can be neither read nor written.
        """
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
                Sentence(
                    "The cache of embeddings {path} cannot be used ({error}): make sure that its folder can be "
                    "written and has free space, or delete the file; it is made again.",
                    path=self.path,
                    error=str(error),
                )
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
