"""Cache of measurements by content.

Tested in tests/ui/cache/test_measurements.py.
"""

from __future__ import annotations

import functools
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from e2lm_core.base.cache import BESIDE
from e2lm_core.base.database import change_stamp
from e2lm_core.base.memory import mapped
from e2lm_core.base.records import Checkpoint, ModelInfo, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.runs import results as reading
from e2lm_core.runs.studio import Studio
from e2lm_core.scores.measurements import Measurements
from e2lm_core.ui.base.sizeof import weigh

Fleet = tuple[str, ...]  # name, commit and facts of each checkpoint
Stamp = tuple[int, int]
# The limit holds for all sessions together: one set of the usual largest size and its version before, or
# many small ones. Beside a set that exceeds it alone there is room for small ones, such as its control.
MEASURED_BYTES = 300 * 2**20
# A set with many authors has a new version every second, and each author looks at two. Read again they would
# be other objects, and everything would be computed again from them.
MEASURED = 64
# Results that nobody computes (an edit overtaken by another, an example that was never run) are looked for
# at intervals that grow up to this factor.
MAX_PATIENCE = 4


@dataclass
class _Entry:
    lock: threading.Lock = field(default_factory=threading.Lock)
    stamp: Stamp | None = None
    measurements: Measurements | None = None
    read_at: float = 0.0  # by the monotonic clock
    in_vain: int = 0  # consecutive looks without a new result
    bytes: int = 0

    @property
    def patience(self) -> int:
        """Factor on the usual waiting time before the next look."""
        return min(2 ** max(0, self.in_vain - 1), MAX_PATIENCE)


_Key = tuple[Path, str, Fleet, int]


class Measured:
    """Measurements by (database, digest of the set, fleet, few-shot count), the last used last."""

    def __init__(self, most_bytes: int = MEASURED_BYTES) -> None:
        self._most = most_bytes
        self._entries: OrderedDict[_Key, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def get(
        self,
        studio: Studio,
        task: TaskSet,
        digest: str,
        checkpoints: Sequence[Checkpoint],
        num_fewshot: int,
        apart_s: float = 0.0,
        facts: bool = True,
    ) -> Measurements:
        """Current results of a set; results that were read before are not read again and are the same object.

        One thread at a time reads a set, the others wait for it.

        Args:
            studio: The caller's studio.
            task: The set.
            digest: Digest of the set's content.
            checkpoints: The fleet.
            num_fewshot: Number of few-shot examples.
            apart_s: Minimum time in seconds between two looks for results that a run adds, longer after
                looks in vain: everything derived from the results is computed again each time.
            facts: As in `results.load_measurements`.

        Raises:
            StudioError: The prompts of the set cannot be rendered.
        """
        database = studio.settings.database
        key = (database, digest, identities(checkpoints), num_fewshot)
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
            self._entries.move_to_end(key)
        with entry.lock:
            stamp, then = change_stamp(database), entry.measurements
            if then is None:
                like, folder = self._alike(key), mapped_in(studio.settings)
                now = reading.load_measurements(studio, task, checkpoints, num_fewshot, like, folder, facts)
            elif entry.stamp == stamp or time.monotonic() - entry.read_at < apart_s * entry.patience:
                return then
            else:
                now = reading.refresh(studio, then, mapped_in(studio.settings))
            entry.in_vain = entry.in_vain + 1 if now is then else 0
            entry.stamp, entry.measurements, entry.read_at = stamp, now, time.monotonic()
        if now is not then:
            entry.bytes = weigh(now)
            self._forget()
        return now

    def last(
        self, studio: Studio, digest: str, checkpoints: Sequence[Checkpoint], num_fewshot: int
    ) -> Measurements | None:
        """Results of a set as they were last read, without another look; None if nobody has read them.

        Arguments as in `get`.
        """
        with self._lock:
            entry = self._entries.get(
                (studio.settings.database, digest, identities(checkpoints), num_fewshot)
            )
        return entry.measurements if entry else None

    def let_go(self, database: Path, name: str) -> None:
        """Evict all versions of the sets of a name, and remove the files of their results.

        Sessions that still show one keep their copy; another set of that name is read again.
        """
        with self._lock:
            gone = [
                key
                for key, entry in self._entries.items()
                if key[0] == database and entry.measurements and entry.measurements.task == name
            ]
            entries = [self._entries.pop(key) for key in gone]
        for entry in entries:
            for curve in entry.measurements.curves if entry.measurements else ():
                whole = mapped.whole_of(curve.ll)
                if whole is not None and whole.path is not None:
                    mapped.remove(whole.path)

    def _alike(self, key: _Key) -> Measurements | None:
        """The latest results of the same set, or of another one on the same checkpoints.

        Results that the two share are not read again.
        """
        database, digest, fleet, num_fewshot = key
        with self._lock:
            alike = [
                entry.measurements
                for (where, other, on, shots), entry in self._entries.items()
                if (where, shots) == (database, num_fewshot)
                and (on == fleet or other == digest)
                and entry.measurements is not None
            ]
        return alike[-1] if alike else None

    def _forget(self) -> None:
        with self._lock:
            weights = [entry.bytes for entry in self._entries.values()]
            total, most = sum(weights), max(self._most, BESIDE * max(weights))
            for key, entry in list(self._entries.items())[:-1]:
                if total <= most and len(self._entries) <= MEASURED:
                    break
                del self._entries[key]
                total -= entry.bytes


def mapped_in(settings: Settings) -> Path:
    """Folder of the memory-mapped results of large sets, in use as long as the server runs."""
    return settings.cache / "mapped"


def identities(checkpoints: Sequence[Checkpoint]) -> Fleet:
    """Name, commit, and everything else of each checkpoint that numbers depend on.

    A model that was removed and added again has the same names at another commit, and roles can be declared anew.
    """
    return tuple(f"{c.name} {c.revision} {_facts(c.model, c.tokens_seen, c.early)}" for c in checkpoints)


@functools.lru_cache(maxsize=16_384)
def _facts(model: ModelInfo, tokens_seen: int | None, early: bool | None) -> str:
    return repr((model, tokens_seen, early))
