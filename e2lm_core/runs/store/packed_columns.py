"""Packed columns: many results of one checkpoint in one database row.

A column is read as it lies on the disk, without an object for each number: 400,000 results in some ms instead of
some hundred. Its keys ascend and lie there once for all checkpoints that have the same. Log-likelihoods stay the
same to the bit.
"""

from __future__ import annotations

import hashlib
import sqlite3
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

DIGEST_BYTES = 16
PACKED_FROM = 20_000  # results: fewer are read soon enough one by one
_KEYS = f"S{DIGEST_BYTES}"  # compares as the database does; zeros at the end are no part of the order
_KEPT_KEYSETS = 4


class Keys:
    """Keys of results, each once, ascending; asked of many checkpoints in turn."""

    def __init__(self, digests: Iterable[bytes]) -> None:
        self.all = frozenset(digests)
        self._places: dict[bytes, np.ndarray | None] = {}

    def __len__(self) -> int:
        return len(self.all)

    @cached_property
    def ordered(self) -> list[bytes]:
        """The keys, ascending."""
        return sorted(self.all)

    @cached_property
    def array(self) -> np.ndarray:
        """[N] the keys, ascending, to search in."""
        return np.frombuffer(self.blob, _KEYS)

    @cached_property
    def blob(self) -> bytes:
        """All in a row."""
        return b"".join(self.ordered)

    def select(self, numbers: np.ndarray) -> Keys:
        """Those with these numbers [M], which ascend; the same keys where that is all."""
        return self if len(numbers) == len(self) else Keys(self.ordered[number] for number in numbers)

    def mask(self, places: np.ndarray) -> frozenset[bytes]:
        """The keys at `places` [N], a mask."""
        return frozenset(self.ordered[place] for place in np.flatnonzero(places))

    def positions_of(self, some: Sequence[bytes]) -> np.ndarray:
        """[M] where `some` are, which are among the keys, in any order."""
        return np.searchsorted(self.array, np.frombuffer(b"".join(some), _KEYS))

    def positions_in(self, keyset: Keyset) -> np.ndarray | None:
        """[N] where each key is in `keyset`, -1 where it is not; None where both are the same keys."""
        if keyset.name not in self._places:
            self._places[keyset.name] = self._searched(keyset)
        return self._places[keyset.name]

    def _searched(self, keyset: Keyset) -> np.ndarray | None:
        if keyset.digests == self.blob:
            return None
        there = np.frombuffer(keyset.digests, _KEYS)
        at = np.searchsorted(there, self.array)
        at[at == len(there)] = 0
        return np.where(there[at] == self.array, at, -1)


class Keyset(NamedTuple):
    """The keys of packs; `name` is their SHA-256, the same in every database."""

    name: bytes
    digests: bytes


class PackedColumn(NamedTuple):
    """Of some keys, by their places [N]: log-likelihoods in nats [N], and tokens [N]."""

    at: np.ndarray
    ll_nats: np.ndarray
    tokens: np.ndarray


class PackedResults:
    """The packs of a database, read through a connection that the caller holds."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, Keyset] = OrderedDict()

    def columns(
        self, connection: sqlite3.Connection, scope: int | None, keys: Keys
    ) -> Iterator[PackedColumn]:
        """What each pack of the scope holds of `keys`."""
        for at, ll_nats, tokens in self._read(connection, scope, keys, "ll_nats, tokens"):
            found = np.arange(len(keys)) if at is None else np.flatnonzero(at >= 0)
            from_ = slice(None) if at is None else at[found]
            counts = np.frombuffer(zlib.decompress(tokens), "<i4")
            yield PackedColumn(found, np.frombuffer(ll_nats, "<f8")[from_], counts[from_])

    def values(self, connection: sqlite3.Connection, scope: int | None, keys: Keys) -> np.ndarray | None:
        """[N] log-likelihoods in nats, NaN for what is in no pack of the scope; None where it has no packs."""
        values = None
        for at, ll_nats in self._read(connection, scope, keys, "ll_nats"):
            column = np.frombuffer(ll_nats, "<f8")
            values = np.full(len(keys), np.nan) if values is None else values
            if at is None:
                values[:] = column
            else:
                values[at >= 0] = column[at[at >= 0]]
        return values

    def holds(self, connection: sqlite3.Connection, scope: int | None, keys: Keys) -> np.ndarray | None:
        """[N] whether each key is in a pack of the scope; None where it has none. Reads no result."""
        held = None
        for at, _ in self._read(connection, scope, keys, "1"):
            here = np.ones(len(keys), bool) if at is None else at >= 0
            held = here if held is None else held | here
        return held

    def few(self, connection: sqlite3.Connection, scope: int | None, keys: Keys) -> np.ndarray | None:
        """As `values`, which reads the columns, but None also where no pack holds any of the keys."""
        held = self.holds(connection, scope, keys)
        return self.values(connection, scope, keys) if held is not None and held.any() else None

    def scopes(self, connection: sqlite3.Connection) -> frozenset[int]:
        """The scopes that have packs."""
        return frozenset(number for (number,) in connection.execute("SELECT DISTINCT scope FROM packs"))

    def _read(
        self, connection: sqlite3.Connection, scope: int | None, keys: Keys, columns: str
    ) -> Iterator[tuple[Any, ...]]:
        """Of each pack: where it holds each of `keys` (see `Keys.places_in`), and its columns."""
        query = (
            f"SELECT sha256, {columns} FROM packs JOIN keysets ON id = keyset WHERE scope = ? ORDER BY keyset"
        )
        for name, *read in connection.execute(query, (scope,)).fetchall():
            yield keys.positions_in(self._keyset(connection, name)), *read

    def _keyset(self, connection: sqlite3.Connection, name: bytes) -> Keyset:
        keyset = self._kept.get(name)
        if keyset is None:
            query = "SELECT digests FROM keysets WHERE sha256 = ?"
            keyset = self._kept[name] = Keyset(name, *connection.execute(query, (name,)).fetchone())
            while len(self._kept) > _KEPT_KEYSETS:
                self._kept.popitem(last=False)
        return keyset

    def put(
        self,
        connection: sqlite3.Connection,
        scope: int,
        digests: bytes,
        ll_nats: Sequence[float] | np.ndarray,
        tokens: Sequence[int] | np.ndarray,
    ) -> None:
        """Write a pack: keys in a row, which ascend and are in no other pack of the scope, log-likelihoods, tokens."""
        name = hashlib.sha256(digests).digest()
        connection.execute(
            "INSERT INTO keysets (sha256, digests) VALUES (?, ?) ON CONFLICT DO NOTHING", (name, digests)
        )
        (number,) = connection.execute("SELECT id FROM keysets WHERE sha256 = ?", (name,)).fetchone()
        values = np.asarray(ll_nats, "<f8").tobytes()
        counts = zlib.compress(np.asarray(tokens, "<i4").tobytes(), 1)
        connection.execute("INSERT INTO packs VALUES (?, ?, ?, ?)", (scope, number, values, counts))

    def count(self, connection: sqlite3.Connection, scope: int | None) -> int:
        """How many results the scope's packs hold."""
        query = "SELECT coalesce(sum(length(ll_nats)), 0) FROM packs WHERE scope = ?"
        return int(connection.execute(query, (scope,)).fetchone()[0]) // 8
