"""Backend protocol: log-likelihoods of requests under a checkpoint.

Tested in tests/engine/test_local.py and, for the tests' own backend, tests/engine/test_fake_backend.py.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Protocol

from e2lm_core.base.records import Checkpoint, Request, Scope, ScoredChunk

# Part of every result's key: raise it when a change of the engine changes numbers by more than float noise.
SCORING_VERSION = 1


class Backend(Protocol):
    """Scores requests under checkpoints; one instance serves all threads of a process."""

    @property
    def at_once(self) -> int:
        """How many checkpoints are best computed side by side, each from a thread of its own."""
        ...

    def scope(self, checkpoint: Checkpoint) -> Scope:
        """The part of a result's key that is about the model. Cheap: no weights are loaded.

        Raises `CheckpointError` for a checkpoint that is not on this machine or incomplete.
        """
        ...

    def chunks(
        self,
        checkpoint: Checkpoint,
        requests: Sequence[Request],
        cancelled: Callable[[], bool] | None = None,
        skip: Collection[int] = (),
    ) -> Iterator[ScoredChunk]:
        """(index, result) of every request, a list for each chunk, to be committed whole, with its tokens.

        `index` is the request's place in `requests`; log-likelihoods are in nats. The plan is made from all
        requests; chunks whose indexes are all in `skip` are not computed. So a run that resumes with the same
        requests gets the same bytes as one that was never interrupted. Raises `Cancelled` before the chunk at
        which `cancelled()` turns true, `CheckpointError`, and `TaskError` or `LimitError` for a request that
        cannot be scored.
        """
        ...

    def together(
        self, checkpoints: Sequence[Checkpoint], requests: Sequence[Request]
    ) -> list[tuple[Checkpoint, ...]]:
        """All of them, in groups of which each is best computed at once: see `chunks_of_all`."""
        ...

    def chunks_of_all(
        self,
        checkpoints: Sequence[Checkpoint],
        requests: Sequence[Request],
        cancelled: Callable[[], bool] | None = None,
        skip: Collection[int] = (),
    ) -> Iterator[Sequence[ScoredChunk]]:
        """As `chunks` of a group, each chunk with its results of every checkpoint in their order.

        No bit of a checkpoint's results depends on which others are in the group.
        """
        ...

    def prefetch(self, checkpoint: Checkpoint) -> None:
        """A hint that this checkpoint comes next: reading it may begin. Never raises."""
        ...

    def forget(self, checkpoint: Checkpoint) -> None:
        """Its files are about to go: keep nothing of its weights. Never raises."""
        ...

    def notes(self) -> list[str]:
        """What a run's record should say about how it was computed, one sentence each."""
        ...

    def prompt_tokens(self, checkpoint: Checkpoint, requests: Sequence[Request]) -> list[int]:
        """Tokens of context + continuation of each request, before any truncation."""
        ...

    def window(self, checkpoint: Checkpoint) -> int:
        """The longest input that the model takes, in tokens."""
        ...


def one_after_the_other(
    backend: Backend,
    checkpoints: Sequence[Checkpoint],
    requests: Sequence[Request],
    cancelled: Callable[[], bool] | None = None,
    skip: Collection[int] = (),
) -> Iterator[tuple[ScoredChunk, ...]]:
    """`chunks_of_all` by the `chunks` of each."""
    for place, checkpoint in enumerate(checkpoints):
        for chunk in backend.chunks(checkpoint, requests, cancelled, skip):
            yield tuple(chunk if n == place else ScoredChunk() for n in range(len(checkpoints)))
