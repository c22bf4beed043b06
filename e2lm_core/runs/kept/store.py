"""The store of log-likelihoods, by model and by digest of context and continuation: none is computed twice."""

from __future__ import annotations

import hashlib
import itertools
import math
import os
import struct
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

from e2lm_core.base.database import Database, opened
from e2lm_core.base.errors import StoreError
from e2lm_core.base.records import Loglikelihood, Request, Scope
from e2lm_core.runs.kept import shipped

DIGEST_BYTES = 16
_PER_QUERY = 10_000  # SQLite takes 32,766 variables in one statement
_SCAN_FROM, _SCAN_SHARE = 2_000, 1 / 3  # so many keys, and at least this share of the scope: read it in a run
_KEPT_KEYS = 1_000_000  # about 50 MB: what an edit of a few hundred questions asks again at every checkpoint
FEW_KEYS = 200  # that are looked for in many scopes together: a look is most of what each takes
_SCOPE = "fingerprint, dtype, max_length, bos, scoring_version"


def digest(request: Request) -> bytes:
    """sha256(len(context) ‖ context ‖ len(continuation) ‖ continuation), first 16 bytes.

    Lengths are of the UTF-8 bytes, as 8-byte little-endian integers: ("ab", "c") and ("a", "bc") differ.
    """
    hasher = hashlib.sha256()
    for text in request:
        # Lone surrogates come out of JSON escapes; two texts that differ must never share a key.
        raw = text.encode("utf-8", "surrogatepass")
        hasher.update(struct.pack("<Q", len(raw)))
        hasher.update(raw)
    return hasher.digest()[:DIGEST_BYTES]


class Store:
    """One row per (scope, digest). Safe to use from several threads and processes at once.

    `with_shipped`: what was never computed here is looked for in what the package brings (`kept.shipped`).
    """

    def __init__(self, database: Path | Database, with_shipped: bool = False) -> None:
        self.database, self._with_shipped = opened(database), with_shipped
        # {(scope, the database file's inode): digests}
        self._present: OrderedDict[tuple[Scope, int], set[bytes]] = OrderedDict()
        self._present_keys = (
            0  # of all of them: an edit asks at every checkpoint, so they are not counted each time
        )
        self._lock = threading.Lock()

    def put(self, scope: Scope, items: Iterable[tuple[bytes, Loglikelihood]]) -> int:
        """Save all items in one transaction and return how many are new; a result once saved stays.

        Raises `StoreError` for a log-likelihood that is not a number: then none is saved.
        """
        rows = list(items)
        if any(math.isnan(result.ll_nats) for _, result in rows):
            raise StoreError(
                f"A log-likelihood of {scope.fingerprint} in {scope.dtype} is not a number, so nothing of its "
                "batch was saved: try E2LM_DTYPE=float32, or leave out that checkpoint."
            )
        with self.database.transaction() as connection:
            connection.execute(
                f"INSERT INTO scopes ({_SCOPE}) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", _key(scope)
            )
            number = self._scope_id(scope)
            before = connection.total_changes
            connection.executemany(
                "INSERT INTO results (scope, digest, ll_nats, tokens) VALUES (?, ?, ?, ?) "
                "ON CONFLICT DO NOTHING",
                # In key order the tree is filled from left to right, several times faster than at random.
                sorted((number, key, float(ll), int(tokens)) for key, (ll, tokens) in rows),
            )
            return connection.total_changes - before

    def get(self, scope: Scope, digests: Iterable[bytes]) -> dict[bytes, Loglikelihood]:
        """What is known of `digests`; the missing ones are left out."""
        wanted = set(digests)
        rows = self._rows("digest, ll_nats, tokens", scope, wanted)
        return {key: Loglikelihood(ll, tokens) for key, ll, tokens in self._with_brought(scope, wanted, rows)}

    def ll_nats(self, scope: Scope, digests: Iterable[bytes]) -> dict[bytes, float]:
        """As `get`, without tokens, in the order of the keys: a page reads hundreds of thousands at once."""
        wanted = set(digests)
        rows = self._rows("digest, ll_nats", scope, wanted)
        return {row[0]: row[1] for row in self._with_brought(scope, wanted, rows)}

    def ll_nats_of_all(self, scopes: Sequence[Scope], digests: Iterable[bytes]) -> list[dict[bytes, float]]:
        """`ll_nats` of each scope, for a few thousand keys at most: one look for all of them."""
        wanted = set(digests)
        by_scope = self._rows_of_all("digest, ll_nats", scopes, wanted)
        return [
            {row[0]: row[1] for row in self._with_brought(scope, wanted, rows)}
            for scope, rows in zip(scopes, by_scope, strict=True)
        ]

    def absent(self, scope: Scope, digests: Iterable[bytes]) -> set[bytes]:
        """Those of `digests` that are not there."""
        return self.absent_of_all([scope], digests)[0]

    def absent_of_all(self, scopes: Sequence[Scope], digests: Iterable[bytes]) -> list[set[bytes]]:
        """The same for each scope: few keys are looked for in all of them at once."""
        here = self._absent_here(scopes, digests)
        return [
            absent - self._brought(scope) if absent else absent
            for scope, absent in zip(scopes, here, strict=True)
        ]

    def brings(self, scopes: Iterable[Scope], digests: Collection[bytes]) -> bool:
        """Whether anything of `digests` was never computed here, and is there because the package brings it."""
        brought = ((scope, self._brought(scope).intersection(digests)) for scope in scopes)
        return any(keys and self._absent_here([scope], keys)[0] for scope, keys in brought)

    def _brought(self, scope: Scope) -> frozenset[bytes]:
        found = shipped.load() if self._with_shipped else None
        return found.known if found is not None and scope in found.place else frozenset()

    def _with_brought(
        self, scope: Scope, wanted: set[bytes], rows: list[tuple[Any, ...]]
    ) -> list[tuple[Any, ...]]:
        """The rows and what the package brings beside them, in the order of their keys."""
        found = shipped.load() if self._with_shipped and len(rows) < len(wanted) else None
        if found is None or scope not in found.place:
            return rows
        brought = found.rows(scope, wanted.difference(map(itemgetter(0), rows)))
        return sorted(rows + brought, key=itemgetter(0)) if rows else list(brought)

    def _absent_here(self, scopes: Sequence[Scope], digests: Iterable[bytes]) -> list[set[bytes]]:
        """What was never computed here. What was found once is not looked up again: results stay."""
        wanted = set(digests)
        try:
            file = os.stat(self.database.path).st_ino  # another file in its place holds other results
        except FileNotFoundError:
            file = 0
        with self._lock:
            unknown = [wanted - self._present.get((scope, file), set()) for scope in scopes]
        any_of = set().union(*unknown)
        if not any_of:
            return unknown
        if len(any_of) <= FEW_KEYS:
            rows = self._rows_of_all("digest", scopes, any_of)
        else:
            rows = [self._rows("digest", *asked) for asked in zip(scopes, unknown, strict=True)]
        present = [{key for (key,) in found} for found in rows]
        # What a transaction has not saved for good may yet be rolled back.
        if file and not self.database.connection().in_transaction:
            for scope, keys in zip(scopes, present, strict=True):
                self._note_present((scope, file), keys)
        return [absent - keys for absent, keys in zip(unknown, present, strict=True)]

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

    def count(self, scope: Scope) -> int:
        """How many results of the scope were computed here."""
        with self.database.reading() as connection:
            row = connection.execute(
                "SELECT count(*) FROM results WHERE scope = ?", (self._scope_id(scope),)
            ).fetchone()
        return int(row[0])

    def _rows(self, columns: str, scope: Scope, digests: Iterable[bytes]) -> list[tuple[Any, ...]]:
        """`columns` begin with the digest, in whose order the rows come."""
        number = self._scope_id(scope)
        wanted = set(digests) if number is not None else set()
        query = f"SELECT {columns} FROM results WHERE scope = ?"
        if len(wanted) >= _SCAN_FROM and self._is_most_of(number, len(wanted)):
            # In a run they come five times faster than looked up one by one.
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
        """As `_rows` of each scope."""
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

    def _is_most_of(self, number: int | None, keys: int) -> bool:
        """Whether so many keys are at least a third of what the scope holds; looks no further than needed."""
        most = int(keys / _SCAN_SHARE)
        with self.database.reading() as connection:
            (count,) = connection.execute(
                "SELECT count(*) FROM (SELECT 1 FROM results WHERE scope = ? LIMIT ?)", (number, most + 1)
            ).fetchone()
        return bool(count <= most)

    def close(self) -> None:
        """Close the calling thread's connection."""
        self.database.close()

    def _scope_id(self, scope: Scope) -> int | None:
        with self.database.reading() as connection:
            row = connection.execute(
                f"SELECT id FROM scopes WHERE ({_SCOPE}) = (?, ?, ?, ?, ?)", _key(scope)
            ).fetchone()
        return None if row is None else int(row[0])


def _key(scope: Scope) -> tuple[str, str, int, str, int]:
    return scope.fingerprint, scope.dtype, scope.max_length, scope.bos, scope.scoring_version
