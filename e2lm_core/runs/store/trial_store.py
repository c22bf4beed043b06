"""Results of a trial: in memory, over the stored ones, which stay as they are."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager

import numpy as np

from e2lm_core.base.records import Loglikelihood, Scope
from e2lm_core.runs.store.loglikelihood_store import LoglikelihoodStore
from e2lm_core.runs.store.packed_columns import DIGEST_BYTES, Keys


class TrialStore(LoglikelihoodStore):
    """Log-likelihood store that reads another one and keeps what is put into it in memory alone."""

    def __init__(self, stored: LoglikelihoodStore) -> None:
        self.database, self._stored = stored.database, stored
        self._new: dict[Scope, dict[bytes, float]] = {}
        self._new_lock = threading.Lock()

    def together(self) -> AbstractContextManager[object]:
        """Nothing is saved, so there is no transaction."""
        return contextlib.nullcontext()

    def put(self, scope: Scope, items: Iterable[tuple[bytes, Loglikelihood]]) -> int:
        """Keep results in memory; returns their number."""
        rows = {key: float(result.ll_nats) for key, result in items}
        with self._new_lock:
            self._new.setdefault(scope, {}).update(rows)
        return len(rows)

    def pack_scope(self, scope: Scope) -> bool:
        """Nothing is packed."""
        return False

    def values(self, scope: Scope, keys: Keys) -> np.ndarray:
        """[N] log-likelihoods in nats in the order of the keys, NaN if missing."""
        return self._filled(scope, keys, self._stored.values(scope, keys))

    def values_of_all(self, scopes: Sequence[Scope], keys: Keys) -> list[np.ndarray]:
        """For each scope the [N] log-likelihoods in nats of a few keys, NaN if missing."""
        stored = self._stored.values_of_all(scopes, keys)
        return [self._filled(scope, keys, values) for scope, values in zip(scopes, stored, strict=True)]

    def missing_of_all(
        self, scopes: Sequence[Scope], digests: Iterable[bytes] | Keys
    ) -> list[frozenset[bytes]]:
        """For each scope the digests without a result, stored or in memory."""
        absent = self._stored.missing_of_all(scopes, digests)
        return [
            frozenset(keys.difference(self._new.get(scope, {})))
            for scope, keys in zip(scopes, absent, strict=True)
        ]

    def _filled(self, scope: Scope, keys: Keys, values: np.ndarray) -> np.ndarray:
        new = self._new.get(scope)
        if not new:
            return values
        filled = np.array(values, float)
        for place in np.flatnonzero(np.isnan(filled)).tolist():
            filled[place] = new.get(keys.ordered[place], np.nan)
        return filled

    # --- results handed from the worker to the page --------------------------------------------------------

    def dump(self) -> dict[str, np.ndarray]:
        """Arrays that hold the results in memory.

        Returns:
            `scopes` [S] text (JSON), `sizes` [S] int, `digests` [N] bytes (S16) and `ll_nats` [N], the results of
            one scope after another.
        """
        scopes = [scope.model_dump_json() for scope in self._new]
        sizes = [len(found) for found in self._new.values()]
        blob = b"".join(key for found in self._new.values() for key in found)
        return {
            "scopes": np.array(scopes, dtype=np.str_),
            "sizes": np.array(sizes, int),
            "digests": np.frombuffer(blob, np.uint8),
            "ll_nats": np.array([ll for found in self._new.values() for ll in found.values()], float),
        }

    def load(self, arrays: dict[str, np.ndarray]) -> None:
        """Take the results of `dump` into memory.

        Args:
            arrays: As `dump` gives them: `scopes` [S], `sizes` [S], `digests` [16 N] and `ll_nats` [N].
        """
        blob, values, at = arrays["digests"].tobytes(), arrays["ll_nats"].tolist(), 0
        for text, size in zip(arrays["scopes"].tolist(), arrays["sizes"].tolist(), strict=True):
            keys = [blob[DIGEST_BYTES * place : DIGEST_BYTES * (place + 1)] for place in range(at, at + size)]
            new = dict(zip(keys, values[at : at + size], strict=True))
            self._new.setdefault(Scope.model_validate_json(text), {}).update(new)
            at += size
