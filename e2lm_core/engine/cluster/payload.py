"""Messages between driver and nodes."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from e2lm_core.base.records import Loglikelihood, ScoredChunk
from e2lm_core.engine.batches.tokenise import Encoded

Arrays = dict[str, tuple[str, tuple[int, ...], NDArray[np.uint8]]]  # name: (dtype, shape, bytes)
_NAMES = {"_name_or_path", "name_or_path"}
_PATHS = ("/", "~", "file:", "\\")


@dataclass(frozen=True)
class NodeFiles:
    """A checkpoint that each node reads from its own disk: by name and fingerprint, or from a hub at a commit."""

    name: str
    fingerprint: str
    repo: str | None
    revision: str | None
    subfolder: str | None


@dataclass(frozen=True)
class SentModel:
    """A checkpoint as a node gets it: `weights` [a reference to] its arrays, or None where it has `files`.

    `key` tells it from all others, `label` is what sentences call it; `config` is its config.json.
    """

    key: str
    label: str
    config_digest: str
    config: str
    weights: tuple[Any, ...] = ()
    files: NodeFiles | None = None


@dataclass(frozen=True)
class SentText:
    """Requests as tokens: `key` tells them from all others, `tokens` [a reference to] their arrays."""

    key: str
    tokens: tuple[Any, ...]


@dataclass(frozen=True)
class Piece:
    """A chunk's results: places in the list of requests [R], log-likelihoods [R] in nats, targets [R]."""

    indexes: NDArray[np.int32]
    ll_nats: NDArray[np.float64]
    counts: NDArray[np.int32]
    tokens: int
    harness_tokens: int


@dataclass(frozen=True)
class Reply:
    """What a node answers: whole chunks, whether they were the last, what is to be noted, what went wrong.

    `error` is (name of a `StudioError`, its text); `cpu_s` the processor time since the last reply.
    """

    pieces: tuple[Piece, ...] = ()
    done: bool = False
    notes: tuple[str, ...] = ()
    error: tuple[str, str] | None = None
    cpu_s: float = 0.0


def without_paths(config: str) -> str:
    """A config.json less the names of folders that its training or its library has left in it."""

    def cleaned(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: cleaned(one)
                for key, one in value.items()
                if key not in _NAMES and not (isinstance(one, str) and one.startswith(_PATHS))
            }
        return [cleaned(one) for one in value] if isinstance(value, list) else value

    return json.dumps(cleaned(json.loads(config)), sort_keys=True)


def tensors_to_arrays(weights: dict[str, torch.Tensor]) -> Arrays:
    """Tensors as bytes, which go into shared memory as they are, whatever their dtype."""
    return {
        name: (
            str(tensor.dtype).removeprefix("torch."),
            tuple(tensor.shape),
            tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy(),
        )
        for name, tensor in weights.items()
    }


def arrays_to_tensors(found: Arrays) -> dict[str, torch.Tensor]:
    """The tensors of `arrays`, in the memory where those lie: nobody may write to them."""
    made = {}
    with warnings.catch_warnings():  # of memory that is not writable: scoring writes to no weight
        warnings.simplefilter("ignore")
        for name, (dtype, shape, data) in found.items():
            kind = getattr(torch, dtype)
            flat = torch.frombuffer(data, dtype=kind) if data.size else torch.empty(0, dtype=kind)
            made[name] = flat.reshape(shape)
    return made


def pack_requests(encoded: Sequence[Encoded]) -> dict[str, NDArray[np.int32]]:
    """Requests' tokens in four arrays: `inputs` and `targets` one after the other, with how many each has."""
    empty = np.zeros(0, np.int32)
    return {
        "inputs": np.concatenate([empty, *(e.inputs for e in encoded)]).astype(np.int32),
        "targets": np.concatenate([empty, *(e.targets for e in encoded)]).astype(np.int32),
        "of_inputs": np.array([len(e.inputs) for e in encoded], np.int32),
        "of_targets": np.array([len(e.targets) for e in encoded], np.int32),
    }


def unpack_requests(found: dict[str, NDArray[np.int32]]) -> list[Encoded]:
    """The requests of `packed`."""
    inputs = np.split(found["inputs"].copy(), np.cumsum(found["of_inputs"])[:-1])
    targets = np.split(found["targets"].copy(), np.cumsum(found["of_targets"])[:-1])
    if not len(found["of_inputs"]):
        return []
    return [Encoded(a, b) for a, b in zip(inputs, targets, strict=True)]


def key_of(found: dict[str, NDArray[np.int32]]) -> str:
    """sha256 over the arrays of `packed`."""
    digest = hashlib.sha256()
    for name, values in sorted(found.items()):
        digest.update(f"{name}:{len(values)}:".encode() + values.tobytes())
    return digest.hexdigest()


def to_piece(scored: ScoredChunk) -> Piece:
    """A chunk's results as arrays."""
    return Piece(
        indexes=np.array([index for index, _ in scored], np.int32),
        ll_nats=np.array([result.ll_nats for _, result in scored], np.float64),
        counts=np.array([result.tokens for _, result in scored], np.int32),
        tokens=scored.tokens,
        harness_tokens=scored.harness_tokens,
    )


def from_piece(found: Piece) -> ScoredChunk:
    """The chunk of a `Piece`, its numbers as they were."""
    results: Iterable[tuple[int, Loglikelihood]] = (
        (index, Loglikelihood(ll, count))
        for index, ll, count in zip(
            found.indexes.tolist(), found.ll_nats.tolist(), found.counts.tolist(), strict=True
        )
    )
    return ScoredChunk(results, found.tokens, found.harness_tokens)
