"""Rolling run: checkpoints are downloaded, used and deleted, at most two at a time.

Two lines work side by side. Each takes the next checkpoint, fetches it where it is not here, uses it and lets it go;
one fetches at a time, so while one is used the next one comes. What was here before, was asked for by name or is
pinned stays. While the hub is away, what is here is used and the hub is asked again, ever less often.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Literal

from pydantic import Field

from e2lm_core.base import formatting
from e2lm_core.base.errors import Cancelled, CheckpointError, LimitError
from e2lm_core.base.records import Checkpoint, Record
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.hub import added_models, cache, on_disk, rolling_leases
from e2lm_core.checkpoints.hub.client import HubUnreachable, OfflineByChoice
from e2lm_core.checkpoints.hub.download import DiskFull, DownloadProgress, download
from e2lm_core.people import access

LINES = 2  # so many checkpoints are here at once, at most
FIRST_WAIT_S, LAST_WAIT_S = 1.0, 300.0
PATIENCE_S = 6 * 3600.0  # without anything fetched
GIVE_WAY_S = 0.3  # to others who wait for their turn to download
_TRIES = 3  # at a checkpoint of which a part is here, before another gets its turn and its room
_LOOK_S = 0.1

# here: it can be used. again: in its place, with what is here of it. later: after all others. missing: not at all.
Came = Literal["here", "again", "later", "missing"]


class RollingResult(Record):
    """What a rolling run fetched, and what the hub did not give: its sentence by the checkpoint's name."""

    fetched: int = 0
    fetched_bytes: int = 0
    missing: dict[str, str] = Field(default_factory=dict)

    @property
    def sentence(self) -> str | None:
        """What is missing and why; None where nothing is."""
        if not self.missing:
            return None
        names = list(self.missing)
        be = "is" if len(names) == 1 else "are"
        return (
            f"{formatting.count(len(names), 'checkpoint')} {be} missing ({formatting.join_words(names)}): "
            f"{self.missing[names[0]]} What is computed is kept, and the same run again goes on from there."
        )


class RollingRun:
    """One rolling run of the name `run`: `use` is called with each checkpoint while it is here, from two threads.

    `use` runs at most `at_once` times at once; `waits` is called with one that is here before its turn. `told` hears of a checkpoint what it waits for, None once it does not;
    `progress` what is written. `stopped` is asked all the time: what is here then stays for the run's going on.
    """

    def __init__(
        self,
        settings: Settings,
        run: str,
        use: Callable[[Checkpoint], None],
        at_once: Callable[[], int] = lambda: 1,
        waits: Callable[[Checkpoint], None] = lambda checkpoint: None,
        stopped: Callable[[], bool] = lambda: False,
        told: Callable[[str, str | None], None] = lambda name, sentence: None,
        progress: Callable[[DownloadProgress], None] | None = None,
    ) -> None:
        self._settings, self._run = settings, run
        self._use, self._at_once, self._waits = use, at_once, waits
        self._stopped, self._told, self._progress = stopped, told, progress
        self._change = threading.Condition()
        self._fetching = threading.Lock()
        self._line: dict[Checkpoint, int] = {}  # with its place: the least is next
        self._busy = self._using = 0
        self._failed = False
        self._no_room = False  # until one is let go
        self._tries: Counter[str] = Counter()
        self._away_since, self._failures, self._again_at = 0.0, 0, 0.0
        self._waiting: set[str] = set()
        self._fetched, self._fetched_bytes, self._missing = 0, 0, dict[str, str]()

    def roll(self, checkpoints: Sequence[Checkpoint]) -> RollingResult:
        """Use every checkpoint once, in their order as far as the hub gives them; what it does not is `missing`.

        Raises what `use` raises, `Cancelled` once `stopped` says so, TaskError for a visitor.
        """
        access.require_member(self._settings, "fetch checkpoints")
        # What an earlier attempt has fetched comes first: it takes room already.
        ordered = sorted(checkpoints, key=lambda c: not rolling_leases.is_leased(c, self._settings))
        self._line = {checkpoint: place for place, checkpoint in enumerate(ordered)}
        with ThreadPoolExecutor(LINES, thread_name_prefix="rolling") as pool:
            lines = [pool.submit(self._work) for _ in range(LINES)]
            try:
                wait(lines)
            except BaseException:  # the keyboard's stop
                self._failed = True
                raise
        for name in self._waiting:
            self._told(name, None)
        errors = [error for line in lines if (error := line.exception()) is not None]
        if errors:
            raise min(errors, key=lambda error: isinstance(error, Cancelled))  # one that caused the others
        missing = {c.name: self._missing[c.name] for c in checkpoints if c.name in self._missing}
        return RollingResult(fetched=self._fetched, fetched_bytes=self._fetched_bytes, missing=missing)

    def _work(self) -> None:
        try:
            while (taken := self._next()) is not None:
                self._one(*taken)
        except BaseException:
            self._failed = True
            raise

    def _one(self, checkpoint: Checkpoint, place: int) -> None:
        try:
            with rolling_leases.hold(checkpoint, self._settings):
                came = self._fetch(checkpoint)
                if came == "here":
                    self._in_use(checkpoint)
            if came != "again":  # what is here of it stays for its next attempt
                rolling_leases.evict_if_unused(
                    checkpoint, self._settings, checkpoint.name in added_models.pinned(self._settings)
                )
            with self._change:
                if came == "here":
                    self._no_room = False
                elif came != "missing":
                    # One that will not come lets others go first.
                    self._line[checkpoint] = (
                        place if came != "later" else max(self._line.values(), default=place) + 1
                    )
        finally:
            with self._change:
                self._busy -= 1
                self._change.notify_all()

    # --- whose turn it is -----------------------------------------------------------------------------------

    def _next(self) -> tuple[Checkpoint, int] | None:
        """The next checkpoint that can be taken, and its place; None once all are done with."""
        with self._change:
            while self._line or self._busy:
                self._stop_if_asked()
                found = self._first_that_can()
                if found is not None:
                    self._busy += 1
                    return found, self._line.pop(found)
                self._change.wait(_LOOK_S)
        return None

    def _first_that_can(self) -> Checkpoint | None:
        """The first in the line; while nothing can be fetched the first that is here."""
        waits = time.monotonic() < self._again_at or (self._no_room and self._busy > 0)
        return next(
            (c for c in sorted(self._line, key=self._line.__getitem__) if not waits or self._is_here(c)), None
        )

    def _stop_if_asked(self) -> None:
        if self._asked_to_stop():
            raise Cancelled("The run was cancelled; what was computed is kept.")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One fetches at a time: what was found to have room is then there, and counted, before the next looks."""
        while not self._fetching.acquire(timeout=_LOOK_S):
            self._stop_if_asked()
        try:
            yield
        finally:
            self._fetching.release()

    # --- fetching -------------------------------------------------------------------------------------------

    def _fetch(self, checkpoint: Checkpoint) -> Came:
        """Fetch the checkpoint where it is not here."""
        if self._is_here(checkpoint):
            return "here"
        with self._alone():
            if time.monotonic() < self._again_at:  # the other line has just met the hub away
                return "again"
            if not on_disk.disk_usage(self._settings, (checkpoint,)).bytes:
                rolling_leases.mark_leased(checkpoint, self._run, self._settings)
            if self._fetched:
                time.sleep(GIVE_WAY_S)
            try:
                folder = download(checkpoint, self._settings, self._progress, self._asked_to_stop)
            except (LimitError, DiskFull) as error:
                return self._without_room(checkpoint, error)
            except OfflineByChoice as error:
                return self._give_up(checkpoint, error)
            except HubUnreachable as error:
                return self._away(checkpoint, error)
            except CheckpointError as error:
                self._tries[checkpoint.name] += 1
                return "later" if self._tries[checkpoint.name] < _TRIES else self._give_up(checkpoint, error)
            return self._came(checkpoint, on_disk.folder_bytes([folder]))

    def _came(self, checkpoint: Checkpoint, size: int) -> Came:
        with self._change:
            self._failures = 0
            self._fetched += 1
            self._fetched_bytes += size
        self._waits_no_more(checkpoint)
        return "here"

    def _without_room(self, checkpoint: Checkpoint, error: CheckpointError | LimitError) -> Came:
        """It waits until the other line has let its own go; where there is none, there will be no room."""
        with self._change:
            if self._busy > 1:
                self._no_room = True
                return "again"
        return self._give_up(checkpoint, error)

    def _away(self, checkpoint: Checkpoint, error: HubUnreachable) -> Came:
        """The hub gives nothing just now: it is asked again, less and less often, and by and by for others first."""
        now = time.monotonic()
        with self._change:
            self._away_since = self._away_since if self._failures else now
            self._failures += 1
            if self._failures > _TRIES and now - self._away_since > PATIENCE_S:
                return self._give_up(checkpoint, error)
            pause = min(LAST_WAIT_S, FIRST_WAIT_S * 2 ** (self._failures - 1))
            self._again_at = now + pause
        self._tries[checkpoint.name] += 1
        self._waiting.add(checkpoint.name)
        self._told(checkpoint.name, f"{error} The next attempt is in {formatting.duration(pause)}.")
        return "again" if self._tries[checkpoint.name] % _TRIES else "later"

    def _give_up(self, checkpoint: Checkpoint, error: Exception) -> Came:
        self._missing[checkpoint.name] = str(error)
        self._waits_no_more(checkpoint)
        return "missing"

    def _waits_no_more(self, checkpoint: Checkpoint) -> None:
        if checkpoint.name in self._waiting:
            self._waiting.discard(checkpoint.name)
            self._told(checkpoint.name, None)

    def _asked_to_stop(self) -> bool:
        return self._failed or self._stopped()

    def _is_here(self, checkpoint: Checkpoint) -> bool:
        return checkpoint.repo is None or cache.find_snapshot(checkpoint, self._settings) is not None

    # --- using ----------------------------------------------------------------------------------------------

    def _in_use(self, checkpoint: Checkpoint) -> None:
        most = max(1, self._at_once())
        if self._using >= most:
            self._waits(checkpoint)
        with self._change:
            while self._using >= most:
                self._stop_if_asked()
                self._change.wait(_LOOK_S)
            self._stop_if_asked()
            self._using += 1
        try:
            self._use(checkpoint)
        finally:
            with self._change:
                self._using -= 1
                self._change.notify_all()
