"""Rolling run: checkpoints are downloaded, used and deleted, at most two at a time.

Two threads work side by side. Each takes the next checkpoint, downloads it if necessary, uses it and evicts
it; one downloads at a time, so the next checkpoint comes while another is used. Checkpoints that were on this
machine before, were downloaded by name or are pinned stay. While the hub is away, local checkpoints are used
and the hub is asked again at growing intervals.
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
from e2lm_core.base.files import folder_bytes
from e2lm_core.base.records import Checkpoint, Record
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.hub import added_models, cache, on_disk, rolling_leases
from e2lm_core.checkpoints.hub.client import HubUnreachable, OfflineByChoice
from e2lm_core.checkpoints.hub.download import DiskFull, download
from e2lm_core.people import access

LINES = 2  # threads, and so the most checkpoints that are downloaded at once
FIRST_WAIT_S, LAST_WAIT_S = 1.0, 300.0
PATIENCE_S = 6 * 3600.0  # without any download
GIVE_WAY_S = 0.3  # pause for other processes that wait to download
_TRIES = 3  # attempts at a partly downloaded checkpoint before another gets its turn and its room
_LOOK_S = 0.1

# here: it can be used. again: retried in its place, and its partial download is kept. later: retried after
# all others. missing: given up.
Came = Literal["here", "again", "later", "missing"]


class RollingResult(Record):
    """Downloads of a rolling run.

    Attributes:
        fetched: Number of checkpoints downloaded.
        fetched_bytes: Bytes downloaded.
        missing: Checkpoint name → sentence, for checkpoints that the hub did not give.
    """

    fetched: int = 0
    fetched_bytes: int = 0
    missing: dict[str, str] = Field(default_factory=dict)

    @property
    def sentence(self) -> str | None:
        """Sentence on missing checkpoints and the reason; None if none is missing."""
        if not self.missing:
            return None
        names = list(self.missing)
        be = "is" if len(names) == 1 else "are"
        return (
            f"{formatting.count(len(names), 'checkpoint')} {be} missing ({formatting.join_words(names)}): "
            f"{self.missing[names[0]]} What is computed is kept, and the same run again goes on from there."
        )


class RollingRun:
    """Rolling run: each checkpoint is downloaded, passed to `use` and evicted, in two threads.

    Args:
        settings: Settings of the caller.
        run: Name of the run, with which its downloads are marked.
        use: Called with each checkpoint while it is on this machine, from two threads.
        at_once: Gives the number of calls of `use` that may run at once.
        waits: Called with a downloaded checkpoint that has to wait for `use`.
        stopped: Whether to stop; asked all the time. Downloads then stay for the continuation of the run.
        told: Called with a checkpoint's name and the reason why it waits; None once it does not.
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
    ) -> None:
        self._settings, self._run = settings, run
        self._use, self._at_once, self._waits = use, at_once, waits
        self._stopped, self._told = stopped, told
        self._change = threading.Condition()
        self._fetching = threading.Lock()
        self._line: dict[Checkpoint, int] = {}  # checkpoint → place in the order, the lowest next
        self._busy = self._using = 0
        self._failed = False
        self._no_room = False  # until one is evicted
        self._tries: Counter[str] = Counter()
        self._away_since, self._failures, self._again_at = 0.0, 0, 0.0
        self._waiting: set[str] = set()
        self._fetched, self._fetched_bytes, self._missing = 0, 0, dict[str, str]()

    def roll(self, checkpoints: Sequence[Checkpoint]) -> RollingResult:
        """Use every checkpoint once, in their order as far as the hub gives them.

        Errors of `use` pass through.

        Returns:
            Counts of the downloads, and the checkpoints that the hub did not give.

        Raises:
            Cancelled: `stopped` turned true.
            TaskError: The caller is a visitor.
        """
        access.require_member(self._settings, Sentence("fetch checkpoints"))
        # Downloads of an earlier attempt come first: they take up room already.
        ordered = sorted(checkpoints, key=lambda c: not rolling_leases.is_leased(c, self._settings))
        self._line = {checkpoint: place for place, checkpoint in enumerate(ordered)}
        with ThreadPoolExecutor(LINES, thread_name_prefix="rolling") as pool:
            lines = [pool.submit(self._work) for _ in range(LINES)]
            try:
                wait(lines)
            except BaseException:  # such as an interrupt from the keyboard
                self._failed = True
                raise
        for name in self._waiting:
            self._told(name, None)
        errors = [error for line in lines if (error := line.exception()) is not None]
        if errors:
            raise min(errors, key=lambda error: isinstance(error, Cancelled))  # causes before consequences
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
            if came != "again":  # a partial download stays for the next attempt
                rolling_leases.evict_if_unused(
                    checkpoint, self._settings, checkpoint.name in added_models.pinned(self._settings)
                )
            with self._change:
                if came == "here":
                    self._no_room = False
                elif came != "missing":
                    # A checkpoint that fails repeatedly lets others go first.
                    self._line[checkpoint] = (
                        place if came != "later" else max(self._line.values(), default=place) + 1
                    )
        finally:
            with self._change:
                self._busy -= 1
                self._change.notify_all()

    # --- order ----------------------------------------------------------------------------------------------

    def _next(self) -> tuple[Checkpoint, int] | None:
        """Next checkpoint that can be taken, and its place; None once all are finished."""
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
        """First checkpoint in the order; while no download is possible, the first one on this machine."""
        waits = time.monotonic() < self._again_at or (self._no_room and self._busy > 0)
        return next(
            (c for c in sorted(self._line, key=self._line.__getitem__) if not waits or self._is_here(c)), None
        )

    def _stop_if_asked(self) -> None:
        if self._asked_to_stop():
            raise Cancelled(Sentence("The run was cancelled; what was computed is kept."))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let one thread download at a time: its room is used and counted before the next one looks."""
        while not self._fetching.acquire(timeout=_LOOK_S):
            self._stop_if_asked()
        try:
            yield
        finally:
            self._fetching.release()

    # --- downloading ----------------------------------------------------------------------------------------

    def _fetch(self, checkpoint: Checkpoint) -> Came:
        """Download the checkpoint if it is not on this machine."""
        if self._is_here(checkpoint):
            return "here"
        with self._alone():
            if time.monotonic() < self._again_at:  # the other thread has just found the hub away
                return "again"
            if not on_disk.disk_usage(self._settings, (checkpoint,)).bytes:
                rolling_leases.mark_leased(checkpoint, self._run, self._settings)
            if self._fetched:
                time.sleep(GIVE_WAY_S)
            try:
                folder = download(checkpoint, self._settings, cancelled=self._asked_to_stop)
            except (LimitError, DiskFull) as error:
                return self._without_room(checkpoint, error)
            except OfflineByChoice as error:
                return self._give_up(checkpoint, error)
            except HubUnreachable as error:
                return self._away(checkpoint, error)
            except CheckpointError as error:
                self._tries[checkpoint.name] += 1
                return "later" if self._tries[checkpoint.name] < _TRIES else self._give_up(checkpoint, error)
            return self._came(checkpoint, folder_bytes([folder]))

    def _came(self, checkpoint: Checkpoint, size: int) -> Came:
        with self._change:
            self._failures = 0
            self._fetched += 1
            self._fetched_bytes += size
        self._waits_no_more(checkpoint)
        return "here"

    def _without_room(self, checkpoint: Checkpoint, error: CheckpointError | LimitError) -> Came:
        """Wait until the other thread has evicted its checkpoint; without another there will be no room."""
        with self._change:
            if self._busy > 1:
                self._no_room = True
                return "again"
        return self._give_up(checkpoint, error)

    def _away(self, checkpoint: Checkpoint, error: HubUnreachable) -> Came:
        """Retry later because the hub is away: at growing intervals, other checkpoints in between."""
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
