"""Log-likelihood store, keyed by scope and content digest."""

from __future__ import annotations

import hashlib
import itertools
import math
import os
import struct
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from e2lm_core.base.database import Database, open_database
from e2lm_core.base.errors import StoreError
from e2lm_core.base.records import Loglikelihood, Request, Scope
from e2lm_core.base.sentences import Sentence
from e2lm_core.runs.store import shipped_results
from e2lm_core.runs.store.packed_columns import DIGEST_BYTES, PACKED_FROM, Keys, PackedResults

_PER_QUERY = 10_000  # SQLite takes 32,766 variables in one statement
# From so many keys, and at least this share of the scope, all of it is read in one go.
_SCAN_FROM, _SCAN_SHARE = 2_000, 1 / 3
_KEPT_KEYS = 1_000_000  # about 50 MB: keys that an edit of some hundred questions asks at all checkpoints
FEW_KEYS = 200  # looked up in many scopes by one query: for so few the query takes most of the time
_NONE: frozenset[bytes] = frozenset()
_SCOPE = "fingerprint, dtype, max_length, bos, scoring_version"


def request_digest(request: Request) -> bytes:
    """sha256(len(context) ‖ context ‖ len(continuation) ‖ continuation), first 16 bytes.

    Lengths are of the UTF-8 bytes, as 8-byte little-endian integers: ("ab", "c") and ("a", "bc") differ.
    """
    hasher = hashlib.sha256()
    for text in request:
        # Lone surrogates come from JSON escapes; two different texts must never share a key.
        raw = text.encode("utf-8", "surrogatepass")
        hasher.update(struct.pack("<Q", len(raw)))
        hasher.update(raw)
    return hasher.digest()[:DIGEST_BYTES]


class LoglikelihoodStore:
    """Stored log-likelihoods by scope and request digest, safe for several threads and processes.

    A result is one row of the database; many results of one scope lie in one row as columns (`pack_scope`).
    With `with_shipped`, results that were never computed on this machine are taken from the shipped ones
    (`store.shipped_results`).
    """

    def __init__(self, database: Path | Database, with_shipped: bool = False) -> None:
        self.database, self._with_shipped = open_database(database), with_shipped
        # {(scope, the database file's inode): digests}
        self._present: OrderedDict[tuple[Scope, int], set[bytes]] = OrderedDict()
        # Total over `_present`, kept here since an edit asks at every checkpoint.
        self._present_keys = 0
        self._lock = threading.Lock()
        self._packs = PackedResults()

    def together(self) -> AbstractContextManager[object]:
        """One transaction around several calls; results are saved together or not at all."""
        return self.database.transaction()

    def put(self, scope: Scope, items: Iterable[tuple[bytes, Loglikelihood]]) -> int:
        """Save results in one transaction; a result once saved stays.

        Args:
            scope: Scope of the results.
            items: Request digests with their log-likelihoods in nats and token counts.

        Returns:
            Number of new results.

        Raises:
            StoreError: A log-likelihood is not a number; none is saved.
        """
        rows = list(items)
        if any(math.isnan(result.ll_nats) for _, result in rows):
            raise StoreError(
                Sentence(
                    "A log-likelihood of {fingerprint} in {dtype} is not a number, so nothing of its batch was "
                    "saved: try E2LM_DTYPE=float32, or leave out that checkpoint.",
                    fingerprint=scope.fingerprint,
                    dtype=scope.dtype,
                )
            )
        with self.database.transaction() as connection:
            connection.execute(
                f"INSERT INTO scopes ({_SCOPE}) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", _key(scope)
            )
            number = self._scope_id(scope)
            assert number is not None
            (fresh,) = self._not_packed([scope], Keys(key for key, _ in rows))
            before = connection.total_changes
            connection.executemany(
                "INSERT INTO results (scope, digest, ll_nats, tokens) VALUES (?, ?, ?, ?) "
                "ON CONFLICT DO NOTHING",
                # In key order the tree is filled from left to right, several times faster than at random.
                sorted((number, key, float(ll), int(tokens)) for key, (ll, tokens) in rows if key in fresh),
            )
            return connection.total_changes - before

    def pack_scope(self, scope: Scope) -> bool:
        """Pack the scope's results as columns; False if they are fewer than `PACKED_FROM`."""
        with self.database.transaction() as connection:
            number = self._scope_id(scope)
            if number is None or self._is_at_most(number, PACKED_FROM - 1):
                return False
            query = "SELECT digest, ll_nats, tokens FROM results WHERE scope = ? ORDER BY digest"
            digests, ll_nats, tokens = zip(*connection.execute(query, (number,)), strict=True)
            self._packs.put(connection, number, b"".join(digests), ll_nats, tokens)
            connection.execute("DELETE FROM results WHERE scope = ?", (number,))
            return True

    def get(self, scope: Scope, digests: Iterable[bytes]) -> dict[bytes, Loglikelihood]:
        """Digest → result of those requests that are stored, in the order of the keys."""
        keys = Keys(digests)
        rows: list[tuple[bytes, float, int]] = []
        with self.database.snapshot() as connection:
            number = self._scope_id(scope)
            for column in self._packs.columns(connection, number, keys):
                there = (keys.ordered[at] for at in column.at)
                rows += zip(there, column.ll_nats.tolist(), column.tokens.tolist(), strict=True)
            wanted = keys.all.difference(map(itemgetter(0), rows))
            rows += self._with_brought(scope, wanted, self._rows("digest, ll_nats, tokens", scope, wanted))
        return {key: Loglikelihood(ll, tokens) for key, ll, tokens in sorted(rows)}

    def values(self, scope: Scope, keys: Keys) -> np.ndarray:
        """[N] log-likelihoods in nats in the order of the N keys, NaN if missing.

        For pages, which read millions at a time.
        """
        with self.database.snapshot() as connection:
            packed = self._packs.values(connection, self._scope_id(scope), keys)
            wanted = keys.all if packed is None else keys.mask(np.isnan(packed))
            rows = self._rows("digest, ll_nats", scope, wanted)
        return self._together(scope, keys, wanted, rows, packed)

    def values_of_all(self, scopes: Sequence[Scope], keys: Keys) -> list[np.ndarray]:
        """For each scope the [N] log-likelihoods in nats of a few keys, NaN if missing, by one query."""
        with self.database.snapshot() as connection:
            rows = self._rows_of_all("digest, ll_nats", scopes, keys.all)
            packed: list[np.ndarray | None] = [None] * len(scopes)
            if self._packs.scopes(connection):
                packed = [self._packs.few(connection, self._scope_id(scope), keys) for scope in scopes]
        return [
            self._together(scope, keys, keys.all, found, column)
            for scope, found, column in zip(scopes, rows, packed, strict=True)
        ]

    def _together(
        self,
        scope: Scope,
        keys: Keys,
        wanted: frozenset[bytes],
        rows: list[tuple[Any, ...]],
        packed: np.ndarray | None,
    ) -> np.ndarray:
        """[N] log-likelihoods in nats from packs, rows and shipped results; NaN if missing.

        `wanted` are the keys that no pack has.
        """
        rows = self._with_brought(scope, wanted, rows)
        found = np.fromiter(map(itemgetter(1), rows), float, len(rows))
        if len(rows) == len(keys):  # all of them, in their order: no look-ups
            return found
        values = np.full(len(keys), np.nan) if packed is None else packed
        values[keys.positions_of(list(map(itemgetter(0), rows)))] = found
        return values

    def missing(self, scope: Scope, digests: Iterable[bytes] | Keys) -> frozenset[bytes]:
        """Those of the digests that have no result in the scope."""
        return self.missing_of_all([scope], digests)[0]

    def missing_of_all(
        self, scopes: Sequence[Scope], digests: Iterable[bytes] | Keys
    ) -> list[frozenset[bytes]]:
        """For each scope the digests without a result; few digests are looked up in all scopes at once."""
        here = self._absent_here(scopes, digests)
        return [
            absent - self._brought(scope) if absent else absent
            for scope, absent in zip(scopes, here, strict=True)
        ]

    def uses_shipped(self, scopes: Iterable[Scope], digests: Collection[bytes]) -> bool:
        """Whether a result of the digests is a shipped one that was never computed on this machine."""
        brought = ((scope, self._brought(scope).intersection(digests)) for scope in scopes)
        return any(keys and self._absent_here([scope], keys)[0] for scope, keys in brought)

    def _brought(self, scope: Scope) -> frozenset[bytes]:
        found = shipped_results.load_shipped() if self._with_shipped else None
        return found.key_set if found is not None and scope in found.place else frozenset()

    def _with_brought(
        self, scope: Scope, wanted: frozenset[bytes], rows: list[tuple[Any, ...]]
    ) -> list[tuple[Any, ...]]:
        """Rows together with shipped results of the other wanted keys, in the order of the keys."""
        found = shipped_results.load_shipped() if self._with_shipped and len(rows) < len(wanted) else None
        if found is None or scope not in found.place:
            return rows
        brought = found.rows(scope, wanted - set(map(itemgetter(0), rows)))
        return sorted(rows + brought, key=itemgetter(0)) if rows else list(brought)

    def _not_packed(self, scopes: Sequence[Scope], keys: Keys) -> list[frozenset[bytes]]:
        """For each scope the keys that are in none of its packs."""
        with self.database.reading() as connection:
            if not self._packs.scopes(connection):
                return [keys.all] * len(scopes)
            held = [self._packs.holds(connection, self._scope_id(scope), keys) for scope in scopes]
            return [keys.all if here is None else keys.mask(~here) for here in held]

    def _absent_here(
        self, scopes: Sequence[Scope], digests: Iterable[bytes] | Keys
    ) -> list[frozenset[bytes]]:
        """For each scope the digests that were never computed on this machine.

        Digests that were found once are not looked up again, since results stay.
        """
        keys = digests if isinstance(digests, Keys) else Keys(digests)
        try:
            file = os.stat(self.database.path).st_ino  # a replaced database holds other results
        except FileNotFoundError:
            file = 0
        with self._lock:
            unknown = [keys.all - self._present.get((scope, file), _NONE) for scope in scopes]
        if not any(unknown):
            return unknown
        with self.database.snapshot():
            pairs = zip(unknown, self._not_packed(scopes, keys), strict=True)
            unknown = [one if other is keys.all else one & other for one, other in pairs]
            any_of = _NONE.union(*unknown)
            if len(any_of) <= FEW_KEYS:
                rows = self._rows_of_all("digest", scopes, any_of)
            else:
                rows = [self._rows("digest", *asked) for asked in zip(scopes, unknown, strict=True)]
        present = [{row[0] for row in found} for found in rows]
        # Results of an open transaction may still be rolled back, so they are not noted as present.
        if file and not self.database.connection().in_transaction:
            for scope, found in zip(scopes, present, strict=True):
                self._note_present((scope, file), found)
        return [absent - found for absent, found in zip(unknown, present, strict=True)]

    def _note_present(self, place: tuple[Scope, int], keys: set[bytes]) -> None:
        if not keys:
            return
        with self._lock:
            kept = self._present.setdefault(place, set())
            self._present_keys += len(keys - kept)
            kept.update(keys)
            self._present.move_to_end(place)
            while self._present_keys > _KEPT_KEYS:
                self._present_keys -= len(self._present.popitem(last=False)[1])

    def _rows(self, columns: str, scope: Scope, wanted: frozenset[bytes]) -> list[tuple[Any, ...]]:
        """Rows of the scope in the order of the digest, with which `columns` begin."""
        number = self._scope_id(scope)
        if number is None:
            return []
        query = f"SELECT {columns} FROM results WHERE scope = ?"
        if len(wanted) >= _SCAN_FROM and self._is_at_most(number, int(len(wanted) / _SCAN_SHARE)):
            # One scan is five times faster than looking them up one by one.
            with self.database.reading() as connection:
                rows = connection.execute(f"{query} ORDER BY digest", (number,)).fetchall()
            if wanted.issuperset(map(itemgetter(0), rows)):
                return rows
            return [row for row in rows if row[0] in wanted]
        ordered, rows = iter(sorted(wanted)), []
        while part := tuple(itertools.islice(ordered, _PER_QUERY)):
            marks = ",".join("?" * len(part))
            with self.database.reading() as connection:
                rows += connection.execute(
                    f"{query} AND digest IN ({marks}) ORDER BY digest", (number, *part)
                ).fetchall()
        return rows

    def _rows_of_all(
        self, columns: str, scopes: Sequence[Scope], digests: Collection[bytes]
    ) -> list[list[tuple[Any, ...]]]:
        """For each scope its rows as by `_rows`, in one query."""
        with self.database.reading() as connection:
            ids = {tuple(key): n for n, *key in connection.execute(f"SELECT id, {_SCOPE} FROM scopes")}
            numbers = [ids.get(_key(scope)) for scope in scopes]
            known = [number for number in numbers if number is not None]
            marks = [",".join("?" * len(part)) for part in (known, digests)]
            found = connection.execute(
                f"SELECT scope, {columns} FROM results WHERE scope IN ({marks[0]}) AND digest IN ({marks[1]}) "
                "ORDER BY scope, digest",
                (*known, *sorted(digests)),
            ).fetchall()
        rows: dict[int | None, list[tuple[Any, ...]]] = {}
        for number, *row in found:
            rows.setdefault(number, []).append(tuple(row))
        return [rows.get(number, []) for number in numbers]

    def _is_at_most(self, number: int | None, most: int) -> bool:
        """Whether the scope has at most so many rows; counts no further than needed."""
        with self.database.reading() as connection:
            (count,) = connection.execute(
                "SELECT count(*) FROM (SELECT 1 FROM results WHERE scope = ? LIMIT ?)", (number, most + 1)
            ).fetchone()
        return bool(count <= most)

    def _scope_id(self, scope: Scope) -> int | None:
        with self.database.reading() as connection:
            row = connection.execute(
                f"SELECT id FROM scopes WHERE ({_SCOPE}) = (?, ?, ?, ?, ?)", _key(scope)
            ).fetchone()
        return None if row is None else int(row[0])


def _key(scope: Scope) -> tuple[str, str, int, str, int]:
    return scope.fingerprint, scope.dtype, scope.max_length, scope.bos, scope.scoring_version
