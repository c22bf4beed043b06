"""Packed columns: many results of one checkpoint in one database row.

A column is read as it lies on the disk, without an object for each number: 400,000 results in some ms instead
of some hundred. Its keys ascend and are stored once for all checkpoints that have the same keys.
Log-likelihoods stay the same to the bit.
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
PACKED_FROM = 20_000  # results; fewer are read fast enough row by row
_KEYS = f"S{DIGEST_BYTES}"  # ordered as in the database; zeros at the end do not count
_KEPT_KEYSETS = 4


class Keys:
    """Distinct result keys in ascending order, for lookups at many checkpoints in turn."""

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
        """[N] bytes (S16): the keys in ascending order, to search in."""
        return np.frombuffer(self.blob, _KEYS)

    @cached_property
    def blob(self) -> bytes:
        """All keys in ascending order, joined."""
        return b"".join(self.ordered)

    def select(self, numbers: np.ndarray) -> Keys:
        """Subset of the keys at ascending positions [M] int; the same object if that is all of them."""
        return self if len(numbers) == len(self) else Keys(self.ordered[number] for number in numbers)

    def mask(self, places: np.ndarray) -> frozenset[bytes]:
        """The keys at which the mask [N] bool is true."""
        return frozenset(self.ordered[place] for place in np.flatnonzero(places))

    def positions_of(self, some: Sequence[bytes]) -> np.ndarray:
        """[M] int: positions of `some`, which must be among the keys, in any order."""
        return np.searchsorted(self.array, np.frombuffer(b"".join(some), _KEYS))

    def positions_in(self, keyset: Keyset) -> np.ndarray | None:
        """[N] int: position of each key in a keyset, -1 if absent; None if both have the same keys."""
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
    """Keys of packs.

    Attributes:
        name: SHA-256 of `digests`, the same in every database.
        digests: The keys in ascending order, joined.
    """

    name: bytes
    digests: bytes


class PackedColumn(NamedTuple):
    """Results of some keys.

    Attributes:
        at: Positions [N] int of the keys.
        ll_nats: Log-likelihoods [N] in nats.
        tokens: Token counts [N] int32.
    """

    at: np.ndarray
    ll_nats: np.ndarray
    tokens: np.ndarray


class PackedResults:
    """Packs of a database, read through a connection of the caller."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, Keyset] = OrderedDict()

    def columns(
        self, connection: sqlite3.Connection, scope: int | None, keys: Keys
    ) -> Iterator[PackedColumn]:
        """For each pack of the scope its results of the keys.

        Args:
            connection: Connection to the database.
            scope: Id of the scope; None gives nothing.
            keys: The keys.

        Yields:
            Column with positions in `keys` [N] int, log-likelihoods in nats [N] and token counts [N] int32.
        """
        for at, ll_nats, tokens in self._read(connection, scope, keys, "ll_nats, tokens"):
            found = np.arange(len(keys)) if at is None else np.flatnonzero(at >= 0)
            from_ = slice(None) if at is None else at[found]
            counts = np.frombuffer(zlib.decompress(tokens), "<i4")
            yield PackedColumn(found, np.frombuffer(ll_nats, "<f8")[from_], counts[from_])

    def values(self, connection: sqlite3.Connection, scope: int | None, keys: Keys) -> np.ndarray | None:
        """[N] log-likelihoods in nats of N keys, NaN if in no pack of the scope; None if it has no packs.

        Args:
            connection: Connection to the database.
            scope: Id of the scope; None has no packs.
            keys: The keys.
        """
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
        """[N] bool: whether each key is in a pack of the scope; None if it has no packs. Reads no result.

        Args:
            connection: Connection to the database.
            scope: Id of the scope; None has no packs.
            keys: The keys.
        """
        held = None
        for at, _ in self._read(connection, scope, keys, "1"):
            here = np.ones(len(keys), bool) if at is None else at >= 0
            held = here if held is None else held | here
        return held

    def few(self, connection: sqlite3.Connection, scope: int | None, keys: Keys) -> np.ndarray | None:
        """[N] log-likelihoods in nats, NaN if in no pack; None if the packs have none of the keys.

        Faster than `values` for a few keys, since columns are read only if a pack has one of them.

        Args:
            connection: Connection to the database.
            scope: Id of the scope; None has no packs.
            keys: The keys.
        """
        held = self.holds(connection, scope, keys)
        return self.values(connection, scope, keys) if held is not None and held.any() else None

    def scopes(self, connection: sqlite3.Connection) -> frozenset[int]:
        """Ids of the scopes that have packs."""
        return frozenset(number for (number,) in connection.execute("SELECT DISTINCT scope FROM packs"))

    def _read(
        self, connection: sqlite3.Connection, scope: int | None, keys: Keys, columns: str
    ) -> Iterator[tuple[Any, ...]]:
        """For each pack the positions of the keys in it (see `Keys.positions_in`), and its columns."""
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
        """Write a pack.

        Args:
            connection: Connection to the database, in a transaction.
            scope: Id of the scope.
            digests: N keys in ascending order, joined; none may be in another pack of the scope.
            ll_nats: Log-likelihoods [N] in nats.
            tokens: Token counts [N].
        """
        name = hashlib.sha256(digests).digest()
        connection.execute(
            "INSERT INTO keysets (sha256, digests) VALUES (?, ?) ON CONFLICT DO NOTHING", (name, digests)
        )
        (number,) = connection.execute("SELECT id FROM keysets WHERE sha256 = ?", (name,)).fetchone()
        values = np.asarray(ll_nats, "<f8").tobytes()
        counts = zlib.compress(np.asarray(tokens, "<i4").tobytes(), 1)
        connection.execute("INSERT INTO packs VALUES (?, ?, ?, ?)", (scope, number, values, counts))
