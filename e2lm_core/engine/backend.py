"""Backend protocol: log-likelihoods of requests under a checkpoint.

Tested in tests/engine/test_local.py and, for the tests' own backend, tests/engine/test_fake_backend.py.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Protocol

from e2lm_core.base.records import Checkpoint, Request, Scope, ScoredChunk

# Part of every result's key: raise it when a change of the engine changes results by more than rounding.
SCORING_VERSION = 1


class Backend(Protocol):
    """Scorer of requests under checkpoints; one instance serves all threads of a process."""

    @property
    def at_once(self) -> int:
        """Best number of checkpoints to compute side by side, each from a thread of its own."""
        ...

    def scope(self, checkpoint: Checkpoint) -> Scope:
        """The part of a result's key that is about the model, found without loading weights.

        Raises:
            CheckpointError: The checkpoint is not on this machine or incomplete.
        """
        ...

    def chunks(
        self,
        checkpoint: Checkpoint,
        requests: Sequence[Request],
        cancelled: Callable[[], bool] | None = None,
        skip: Collection[int] = (),
    ) -> Iterator[ScoredChunk]:
        """Yield the results of all requests in chunks, each to be committed whole.

        A result is (index in `requests`, log-likelihood in nats). The plan is made from all requests, so that
        a run that resumes with the same requests gets the same bytes as one that was never interrupted.

        Args:
            checkpoint: The checkpoint.
            requests: The requests.
            cancelled: Tells whether the run was cancelled.
            skip: Indexes of requests; a chunk with only such requests is not computed.

        Raises:
            Cancelled: `cancelled` returned true; raised before the next chunk.
            CheckpointError: The checkpoint cannot be read or scored.
            TaskError: A request cannot be scored.
            LimitError: A request is too long for the model's window or the memory.
        """
        ...

    def together(
        self, checkpoints: Sequence[Checkpoint], requests: Sequence[Request]
    ) -> list[tuple[Checkpoint, ...]]:
        """All checkpoints in groups that are best computed at once, see `chunks_of_all`."""
        ...

    def chunks_of_all(
        self,
        checkpoints: Sequence[Checkpoint],
        requests: Sequence[Request],
        cancelled: Callable[[], bool] | None = None,
        skip: Collection[int] = (),
    ) -> Iterator[Sequence[ScoredChunk]]:
        """Yield the results of a group in chunks, each with one `ScoredChunk` per checkpoint, in order.

        No bit of a checkpoint's results depends on which others are in the group. Arguments and errors are
        those of `chunks`.
        """
        ...

    def prefetch(self, checkpoint: Checkpoint) -> None:
        """Begin to read a checkpoint that comes next; a hint that never raises."""
        ...

    def forget(self, checkpoint: Checkpoint) -> None:
        """Drop all weights of a checkpoint whose files are about to be deleted; never raises."""
        ...

    def notes(self) -> list[str]:
        """Sentences for a run's record about how it was computed."""
        ...

    def prompt_tokens(self, checkpoint: Checkpoint, requests: Sequence[Request]) -> list[int]:
        """Tokens of context + continuation of each request, before any truncation."""
        ...

    def window(self, checkpoint: Checkpoint) -> int:
        """The model's longest input, in tokens."""
        ...


def one_after_the_other(
    backend: Backend,
    checkpoints: Sequence[Checkpoint],
    requests: Sequence[Request],
    cancelled: Callable[[], bool] | None = None,
    skip: Collection[int] = (),
) -> Iterator[tuple[ScoredChunk, ...]]:
    """`Backend.chunks_of_all` of a group by `Backend.chunks` of each checkpoint in turn.

    Each tuple has the chunk of one checkpoint and empty chunks for the others.
    """
    for place, checkpoint in enumerate(checkpoints):
        for chunk in backend.chunks(checkpoint, requests, cancelled, skip):
            yield tuple(chunk if n == place else ScoredChunk() for n in range(len(checkpoints)))
