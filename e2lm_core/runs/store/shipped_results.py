"""Results of the example sets shipped with the package.

Rows have the store's own keys: checkpoint, dtype, window, BOS rule and scoring version, and the digest of the
two texts. A set, checkpoint or engine that has changed since finds none of them. Log-likelihoods are kept to
the bit, sorted by byte position and key, which compresses them to half. Written by `python -m
scripts.shipped_results`, which runs the example sets; tested in tests/runs/store/test_shipped_results.py.
"""

from __future__ import annotations

import functools
import io
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from e2lm_core.base.records import Loglikelihood, Record, Scope

FILE = Path(__file__).parent / "shipped.npz"
_BYTES = 8  # of a float64


class ShippedInfo(Record):
    """Origin of the shipped results.

    Attributes:
        date: Day of the computation, as 2026-11-26.
        studio: Version of the studio.
        torch: Version of torch.
        device: Kind of device.
    """

    date: str
    studio: str
    torch: str
    device: str


@dataclass(frozen=True)
class ShippedResults:
    """Shipped results of K checkpoints with the same N keys.

    Attributes:
        made: Origin of the results.
        keys: The keys in ascending order.
        place: Scope of a checkpoint → row of the arrays.
        ll_nats: Log-likelihoods [K, N] in nats.
        tokens: Token counts [K, N] int32.
    """

    made: ShippedInfo
    keys: tuple[bytes, ...]
    place: Mapping[Scope, int]
    ll_nats: np.ndarray
    tokens: np.ndarray

    @functools.cached_property
    def key_set(self) -> frozenset[bytes]:
        """The keys as a set, for membership tests."""
        return frozenset(self.keys)

    @functools.cached_property
    def _at(self) -> dict[bytes, int]:
        return {key: at for at, key in enumerate(self.keys)}

    def rows(self, scope: Scope, wanted: Collection[bytes]) -> list[tuple[bytes, float, int]]:
        """(key, log-likelihood in nats, tokens) of the shipped ones among the wanted keys, in key order."""
        row, asked = self.place.get(scope), self.key_set.intersection(wanted)
        if row is None or not asked:
            return []
        at = sorted(map(self._at.__getitem__, asked))
        values = zip(self.ll_nats[row, at].tolist(), self.tokens[row, at].tolist(), strict=True)
        return [(self.keys[place], *both) for place, both in zip(at, values, strict=True)]


@functools.cache
def load_shipped() -> ShippedResults | None:
    """The shipped results, read once per process; None if the package has none."""
    return unpack_results(FILE.read_bytes()) if FILE.exists() else None


def pack_results(info: ShippedInfo, results: Mapping[Scope, Mapping[bytes, Loglikelihood]]) -> bytes:
    """Bytes of the file of shipped results.

    Args:
        info: Origin of the results.
        results: Scope → key → result; all scopes have the same keys.
    """
    scopes = list(results)
    keys = sorted(results[scopes[0]])
    ordered = [[results[scope][key] for key in keys] for scope in scopes]
    values = np.array([[result.ll_nats for result in row] for row in ordered], "<f8")
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        allow_pickle=False,
        made=_text(info.model_dump()),
        scopes=_text([scope.model_dump() for scope in scopes]),
        keys=np.frombuffer(b"".join(keys), np.uint8).reshape(len(keys), -1),
        planes=np.ascontiguousarray(values.view(np.uint8).reshape(*values.shape, _BYTES).transpose(2, 1, 0)),
        tokens=np.array([[result.tokens for result in row] for row in zip(*ordered, strict=True)], np.int32),
    )
    return buffer.getvalue()


def unpack_results(data: bytes) -> ShippedResults:
    """Shipped results from the bytes of `pack_results`."""
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        planes = np.ascontiguousarray(arrays["planes"].transpose(2, 1, 0))
        scopes = [Scope.model_validate(scope) for scope in json.loads(arrays["scopes"].tobytes())]
        return ShippedResults(
            made=ShippedInfo.model_validate(json.loads(arrays["made"].tobytes())),
            keys=tuple(row.tobytes() for row in arrays["keys"]),
            place={scope: row for row, scope in enumerate(scopes)},
            ll_nats=planes.view("<f8")[:, :, 0],
            tokens=arrays["tokens"].T,
        )


def _text(value: Mapping[str, object] | Sequence[object]) -> np.ndarray:
    return np.frombuffer(json.dumps(value).encode(), np.uint8)
