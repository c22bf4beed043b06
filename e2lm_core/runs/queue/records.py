"""Records of the queue: job, progress, event."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Literal

from e2lm_core.base.records import Record

State = Literal["queued", "running", "done", "failed", "cancelled"]


class Progress(Record):
    """How far one checkpoint is; `done`, `total`, `computed` and `reused` count questions.

    `seconds` is its share of the run's time; `note` what the engine had to say of how it computed. `tokens` went through the model, `harness_tokens` would have in lm-evaluation-harness; None where an older
    version of the studio computed it.
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
    """A run that was asked for: `payload` says of what; times are seconds since the epoch, None until they come.

    `owner` is who asked for it: one visitor's session, "" for whoever is at the machine itself. `attempt`
    counts claims; `lease_until` is when `worker` loses it unless it is heard of. `progress` has a row for
    every checkpoint that was begun.
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
        """Whether it has ended, well or not."""
        return self.state in ("done", "failed", "cancelled")


class Event(Record):
    """What happened to a job and when: submitted, claimed, reclaimed, released, cancelled, done, failed."""

    id: int
    job: int
    at: float
    what: str
    worker: str | None


class ProgressListener:
    """What a run tells whoever started it, and asks. As it stands, a run that nobody watches or shares.

    Checkpoints are named by `Checkpoint.name`. Methods are called from the threads that compute.
    """

    def report(self, progress: Progress) -> None:
        """Hear of a commit, within its transaction: raising undoes it."""

    def cancelled(self) -> bool:
        """Whether to stop; asked before every batch."""
        return False

    def previous_progress(self, checkpoint: str) -> Progress | None:
        """How far an interrupted attempt of this run got: what that computed still counts as computed."""
        return None

    def claim(self, checkpoint: str) -> bool:
        """Asked just before a checkpoint's turn; False where another worker has it, and it is left out."""
        return True

    def planned(self, checkpoint: str, missing: Sequence[bytes], requests: Collection[bytes]) -> list[bytes]:
        """The keys of which batches are made, all of `missing` among them; `requests` are those of the set.

        An interrupted run that plans the same again gets the bytes of one that was not: see `JobPlans`.
        """
        return list(missing)


ALONE = ProgressListener()
