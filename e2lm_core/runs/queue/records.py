"""Records of the queue: job, progress, listener of a run."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Literal

from e2lm_core.base.records import Record

State = Literal["queued", "running", "done", "failed", "cancelled"]


class Progress(Record):
    """Progress of a run at one checkpoint; counts are of questions.

    Attributes:
        name: Name of the checkpoint.
        done: Questions with results of all choices.
        total: Questions of the run.
        seconds: The checkpoint's share of the run's time.
        computed: Questions that this run computed.
        reused: Questions with results that the store had already.
        note: Note of the engine on how it computed, or reason for a wait or an omission; None without one.
        tokens: Tokens that went through the model; None if an older version of the studio computed it.
        harness_tokens: Tokens that lm-evaluation-harness would have sent; None as for `tokens`.
    """

    name: str
    done: int
    total: int
    seconds: float = 0.0
    computed: int = 0
    reused: int = 0
    note: str | None = None
    tokens: int | None = None
    harness_tokens: int | None = None


class Job(Record):
    """A run as an entry of the queue; times are seconds since the epoch, None until they come.

    Attributes:
        id: Number of the run.
        kind: Kind of the job.
        payload: Description of the run: set, checkpoints, few-shot count and options.
        priority: Higher goes first.
        state: State in the queue.
        created_at: Time of submission.
        started_at: Time of the first claim.
        finished_at: Time of the end, good or bad.
        worker: Name of the worker that leads it or led it last; None before a claim and after a release.
        attempt: Number of claims.
        lease_until: Time at which `worker` loses the job without a heartbeat.
        error: Sentence for a failed run.
        owner: Person or session of a visitor that submitted it; "" for a user of the machine itself.
        claimed_at: Time of the last claim.
        progress: One row for every checkpoint that was begun.
    """

    id: int
    kind: str
    payload: dict[str, Any]
    priority: int
    state: State
    created_at: float
    started_at: float | None
    finished_at: float | None
    worker: str | None
    attempt: int
    lease_until: float | None
    error: str | None
    owner: str = ""
    claimed_at: float | None = None
    progress: tuple[Progress, ...] = ()

    @property
    def over(self) -> bool:
        """Whether the run has ended, well or not."""
        return self.state in ("done", "failed", "cancelled")


class ProgressListener:
    """Listener of a run: hears its progress and answers its questions.

    This class itself stands for a run that is neither watched nor shared. Checkpoints are named by
    `Checkpoint.name`. Methods are called from the threads that compute.
    """

    def report(self, progress: Progress) -> None:
        """Take the progress of a commit, within its transaction: raising undoes it."""

    def cancelled(self) -> bool:
        """Whether to stop; asked before every batch."""
        return False

    def previous_progress(self, checkpoint: str) -> Progress | None:
        """Progress of an interrupted attempt of this run; its computed results still count as computed."""
        return None

    def claim(self, checkpoint: str) -> bool:
        """Claim a checkpoint before its turn; False if another worker has it, and it is left out."""
        return True

    def planned(self, checkpoint: str, missing: Sequence[bytes], requests: Collection[bytes]) -> list[bytes]:
        """Keys of which batches are made, all of `missing` among them.

        An interrupted run that plans the same again gets the same bytes as an uninterrupted one: see
        `BatchPlans`.

        Args:
            checkpoint: Name of the checkpoint.
            missing: Keys that the store lacks.
            requests: Keys of all requests of the set.
        """
        return list(missing)


ALONE = ProgressListener()
