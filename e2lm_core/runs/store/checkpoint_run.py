"""Run of one set at one checkpoint: missing requests, commits, errors, result.

Files of a folder may be written to at any time. Their state is read before their fingerprint is taken and
again before each commit, so all reading and computing lies in between. If the two differ, uncommitted results
are dropped, and the checkpoint is begun again with the files as they are then.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence

from e2lm_core.base import formatting
from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.records import Checkpoint, Loglikelihood, Scope, ScoredChunk
from e2lm_core.checkpoints.fingerprints import checkpoint_state
from e2lm_core.runs.queue.records import Progress, ProgressListener
from e2lm_core.runs.store import divergence
from e2lm_core.runs.store.packed_columns import PACKED_FROM
from e2lm_core.runs.store.requests import RequestIndex
from e2lm_core.runs.studio import Studio

MAX_BEGINNINGS = 3  # attempts at a checkpoint with files that are written to meanwhile


class CheckpointRun:
    """Run of one set at one checkpoint.

    Attributes:
        missing: Keys that are to be computed, each once, in their order.
        scope: The key of its results; None if its files cannot be used.
        problem: The sentence for a checkpoint that is left out; None while it goes on.
        is_to_begin: Whether it has to be begun again, by `begin`.
    """

    def __init__(
        self,
        studio: Studio,
        asked: RequestIndex,
        checkpoint: Checkpoint,
        progressing: ProgressListener,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the fingerprint; `now` gives seconds, shared by all checkpoints at work (see `SharedTime`)."""
        self._studio, self.asked, self._progressing = studio, asked, progressing
        self.checkpoint, self._now, self._started = checkpoint, now, now()
        self._before = progressing.previous_progress(checkpoint.name) or Progress(
            name=checkpoint.name, done=0, total=0
        )
        self._tokens = self._before.tokens or 0
        self._harness_tokens = self._before.harness_tokens or 0
        self._beginnings = 0
        self.problem: str | None = None
        self.take_fingerprint()

    def take_fingerprint(self) -> None:
        """Take the fingerprint of the checkpoint's files as they are now, and drop uncommitted results."""
        self.is_to_begin = True
        self._beginnings += 1
        self._uncommitted: list[tuple[bytes, Loglikelihood]] = []
        self.missing: list[bytes] = []
        self._left: list[set[bytes]] = [set()] * len(self.asked)  # all of them, until it has begun
        self._new = len(self.asked)
        self._state = checkpoint_state(self.checkpoint)
        self.scope: Scope | None = None
        try:
            self.problem = self._studio.checkpoint_problem(self.checkpoint)
            if self.problem is None:
                self.scope = self._studio.backend.scope(self.checkpoint)
        except CheckpointError as error:
            self.fail(error)

    def begin(self, missing: Mapping[int, Sequence[bytes]] | None = None) -> None:
        """Begin with the keys that the store lacks; `missing` as `RequestIndex` found them for `scope`."""
        if self.scope is None:
            return
        if missing is None:
            missing = self.asked.missing(self._studio.store, self.scope)
        self.is_to_begin = False
        self.missing = list(dict.fromkeys(key for keys in missing.values() for key in keys))
        self._left = [set(keys) for keys in missing.values()]
        self._new = len(missing)

    @property
    def is_active(self) -> bool:
        """Whether computed results of the checkpoint are still wanted."""
        return self.problem is None and not self.is_to_begin

    def plan_requests(self) -> tuple[list[bytes], list[int]]:
        """Keys of which batches are made, and the positions of those that are stored already."""
        keys = self._progressing.planned(self.checkpoint.name, self.missing, self.asked.texts.keys())
        missing = set(self.missing)
        return keys, [index for index, key in enumerate(keys) if key not in missing]

    def add(self, chunk: ScoredChunk, planned: Sequence[bytes]) -> None:
        """Take computed results, to be committed; log-likelihoods that are not numbers end the checkpoint."""
        if not self.is_active:
            return
        if any(not math.isfinite(result.ll_nats) for _, result in chunk):
            if not self._has_moved():
                self.problem = divergence.note_divergence(self.checkpoint, self._studio.settings)
            return
        self._uncommitted += [(planned[index], result) for index, result in chunk]
        self._tokens += chunk.tokens
        self._harness_tokens += chunk.harness_tokens

    def fail(self, error: CheckpointError) -> None:
        """Take an error: the checkpoint is left out, or begun again if its files were written to."""
        if not self._has_moved():
            self.problem = str(error)

    def commit(self) -> None:
        """Save and report the results since the last commit; drop them if the files were written to."""
        if not self.is_active or self._has_moved():
            return
        assert self.scope is not None
        done = {key for key, _ in self._uncommitted}
        self._left = [rest for keys in self._left if (rest := keys - done)]
        # Results and progress are saved together or not at all: a kill in between counts nothing twice.
        with self._studio.store.together():
            self._studio.store.put(self.scope, self._uncommitted)
            if not self._left and len(self.asked.texts) >= PACKED_FROM:
                self._studio.store.pack_scope(self.scope)
            self._progressing.report(self.result())
        self._uncommitted.clear()

    def result(self) -> Progress:
        """Progress of the checkpoint; `seconds` are its share, so those of all add up to the run's time."""
        total, left = len(self.asked), len(self._left)
        already = min(self._before.computed, total - self._new)
        return Progress(
            name=self.checkpoint.name,
            done=total - left,
            total=total,
            computed=already + self._new - left,
            reused=total - self._new - already,
            seconds=self._before.seconds + self._now() - self._started,
            note=self.problem or " ".join(self._studio.backend.notes()) or None,
            tokens=self._tokens,
            harness_tokens=self._harness_tokens,
        )

    def _has_moved(self) -> bool:
        """Whether files were written to since the fingerprint; uncommitted results are then dropped."""
        now = checkpoint_state(self.checkpoint)
        if now == self._state:
            return False
        self._uncommitted.clear()
        self.is_to_begin = True
        if self._beginnings >= MAX_BEGINNINGS:
            changed = sorted({name for name, _ in {*now} ^ {*self._state}})
            self.problem = (
                f"{self.checkpoint.name} is left out: {formatting.join_words(changed)} in {self.checkpoint.directory} "
                "changed while it was scored. Run it again once nothing writes there."
            )
        return True
