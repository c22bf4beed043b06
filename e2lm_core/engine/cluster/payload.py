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
    """A checkpoint that each node reads from its own disk, or from a hub at a commit.

    Attributes:
        name: Name of the checkpoint.
        fingerprint: Fingerprint that the files on the node have to have.
        repo: Hub repository; None for a local checkpoint.
        revision: Commit in the repository.
        subfolder: Folder within the repository.
    """

    name: str
    fingerprint: str
    repo: str | None
    revision: str | None
    subfolder: str | None


@dataclass(frozen=True)
class SentModel:
    """A checkpoint as it is sent to a node.

    Attributes:
        key: Fingerprint that identifies the checkpoint.
        label: Name of the checkpoint in sentences.
        config_digest: Digest of the configuration.
        config: Text of its config.json.
        weights: Tuple of one reference to the arrays, or of the arrays; empty if nodes read `files`.
        files: The files that nodes read themselves; None if `weights` are sent.
    """

    key: str
    label: str
    config_digest: str
    config: str
    weights: tuple[Any, ...] = ()
    files: NodeFiles | None = None


@dataclass(frozen=True)
class SentText:
    """Requests as tokens.

    Attributes:
        key: Digest that identifies them.
        tokens: Tuple of one reference to their arrays, or of the arrays.
    """

    key: str
    tokens: tuple[Any, ...]


@dataclass(frozen=True)
class Piece:
    """Results of a chunk with R requests, as arrays.

    Attributes:
        indexes: Indexes of the requests [R], int32.
        ll_nats: Log-likelihoods [R] in nats.
        counts: Numbers of targets [R], int32.
        tokens: Tokens that were computed, without padding.
        harness_tokens: Tokens that lm-evaluation-harness would have computed.
    """

    indexes: NDArray[np.int32]
    ll_nats: NDArray[np.float64]
    counts: NDArray[np.int32]
    tokens: int
    harness_tokens: int


@dataclass(frozen=True)
class Reply:
    """A node's reply.

    Attributes:
        pieces: Complete chunks.
        done: Whether these were the last ones.
        notes: Sentences for the run's record.
        error: (name of a `StudioError`, its text); None without an error.
        cpu_s: Processor time since the last reply, in seconds.
    """

    pieces: tuple[Piece, ...] = ()
    done: bool = False
    notes: tuple[str, ...] = ()
    error: tuple[str, str] | None = None
    cpu_s: float = 0.0


def without_paths(config: str) -> str:
    """A config.json without the folder names that training or a library has left in it."""

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
    """Tensors as bytes, which go into shared memory unchanged, whatever their dtype.

    Args:
        weights: Tensors [...] of any dtype on the CPU, by name.

    Returns:
        (dtype, shape, bytes [N] uint8) by name.
    """
    return {
        name: (
            str(tensor.dtype).removeprefix("torch."),
            tuple(tensor.shape),
            tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy(),
        )
        for name, tensor in weights.items()
    }


def arrays_to_tensors(found: Arrays) -> dict[str, torch.Tensor]:
    """Tensors of `tensors_to_arrays`, in the memory of the arrays, which must not be written to.

    Args:
        found: (dtype, shape, bytes [N] uint8) by name.

    Returns:
        Tensors [...] by name.
    """
    made = {}
    with warnings.catch_warnings():  # torch warns of read-only memory, but scoring writes to no weight
        warnings.simplefilter("ignore")
        for name, (dtype, shape, data) in found.items():
            kind = getattr(torch, dtype)
            flat = torch.frombuffer(data, dtype=kind) if data.size else torch.empty(0, dtype=kind)
            made[name] = flat.reshape(shape)
    return made


def pack_requests(encoded: Sequence[Encoded]) -> dict[str, NDArray[np.int32]]:
    """Tokens of requests in four int32 arrays, by name.

    Returns:
        `inputs` [N] and `targets` [N], each for all R requests one after the other; `of_inputs` [R] and
        `of_targets` [R], the number of each request.
    """
    empty = np.zeros(0, np.int32)
    return {
        "inputs": np.concatenate([empty, *(e.inputs for e in encoded)]).astype(np.int32),
        "targets": np.concatenate([empty, *(e.targets for e in encoded)]).astype(np.int32),
        "of_inputs": np.array([len(e.inputs) for e in encoded], np.int32),
        "of_targets": np.array([len(e.targets) for e in encoded], np.int32),
    }


def unpack_requests(found: dict[str, NDArray[np.int32]]) -> list[Encoded]:
    """The requests of the four int32 arrays [N] and [R] from `pack_requests`."""
    inputs = np.split(found["inputs"].copy(), np.cumsum(found["of_inputs"])[:-1])
    targets = np.split(found["targets"].copy(), np.cumsum(found["of_targets"])[:-1])
    if not len(found["of_inputs"]):
        return []
    return [Encoded(a, b) for a, b in zip(inputs, targets, strict=True)]


def key_of(found: dict[str, NDArray[np.int32]]) -> str:
    """SHA-256 over the int32 arrays [N] and [R] from `pack_requests`."""
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
    """The chunk of a `Piece`, with equal numbers."""
    results: Iterable[tuple[int, Loglikelihood]] = (
        (index, Loglikelihood(ll, count))
        for index, ll, count in zip(
            found.indexes.tolist(), found.ll_nats.tolist(), found.counts.tolist(), strict=True
        )
    )
    return ScoredChunk(results, found.tokens, found.harness_tokens)
