"""A backend without a model: results are a function of the checkpoint's name, its step and the text.

A request's log-likelihood is −(1 + 4u) nats a token, u ∈ [0, 1) from a hash, and rises with the step the
more, the larger another hash of (context, continuation) is: so curves differ, rise and are repeatable.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence

from e2lm_core.base.errors import Cancelled
from e2lm_core.base.records import Checkpoint, Loglikelihood, Request, Scope, ScoredChunk
from e2lm_core.engine.backend import one_after_the_other

_CHUNK = 8
_WINDOW = 1_024


class FakeBackend:
    """Deterministic and instant; counts what it was asked to compute in `computed`."""

    at_once = 1

    def __init__(self) -> None:
        self.computed = 0

    def scope(self, checkpoint: Checkpoint) -> Scope:
        return Scope(
            fingerprint=f"fake:{checkpoint.name}",
            dtype="float32",
            max_length=_WINDOW,
            bos="none",
            scoring_version=0,
        )

    def chunks(
        self,
        checkpoint: Checkpoint,
        requests: Sequence[Request],
        cancelled: Callable[[], bool] | None = None,
        skip: Collection[int] = (),
    ) -> Iterator[ScoredChunk]:
        done = frozenset(skip)
        for start in range(0, len(requests), _CHUNK):
            indexes = range(start, min(start + _CHUNK, len(requests)))
            if done.issuperset(indexes):
                continue
            if cancelled is not None and cancelled():
                raise Cancelled("The run was cancelled; what it had computed is kept.")
            self.computed += len(indexes)
            chunk = [requests[i] for i in indexes]
            yield ScoredChunk(
                ((i, _result(checkpoint, requests[i])) for i in indexes),
                tokens=sum(_tokens(r.continuation) for r in chunk)
                + sum(_tokens(context) for context in {r.context for r in chunk}),
                harness_tokens=sum(self.prompt_tokens(checkpoint, chunk)),
            )

    def together(
        self, checkpoints: Sequence[Checkpoint], requests: Sequence[Request]
    ) -> list[tuple[Checkpoint, ...]]:
        return [(checkpoint,) for checkpoint in checkpoints]

    def chunks_of_all(
        self,
        checkpoints: Sequence[Checkpoint],
        requests: Sequence[Request],
        cancelled: Callable[[], bool] | None = None,
        skip: Collection[int] = (),
    ) -> Iterator[Sequence[ScoredChunk]]:
        return one_after_the_other(self, checkpoints, requests, cancelled, skip)

    def prefetch(self, checkpoint: Checkpoint) -> None:
        return

    def forget(self, checkpoint: Checkpoint) -> None:
        return

    def notes(self) -> list[str]:
        return []

    def prompt_tokens(self, checkpoint: Checkpoint, requests: Sequence[Request]) -> list[int]:
        return [_tokens(r.context) + _tokens(r.continuation) for r in requests]

    def window(self, checkpoint: Checkpoint) -> int:
        return _WINDOW


def _result(checkpoint: Checkpoint, request: Request) -> Loglikelihood:
    tokens = _tokens(request.continuation)
    start = _uniform(checkpoint.model.name, request.context, request.continuation)
    gain = _uniform("gain", request.context, request.continuation)
    progress = checkpoint.step / (checkpoint.step + 1_000)
    return Loglikelihood(-tokens * (1.0 + 4.0 * start) * (1.0 - 0.8 * gain * progress), tokens)


def _tokens(text: str) -> int:
    return max(1, len(text.split()))


def _uniform(*parts: str) -> float:
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
