"""Stale-while-revalidate for results of an edited set.

A set whose results are new is not shown until what pages asked of its last ones is computed of these as well,
beside the pages: nobody waits for figures that another's edit made old, and what stands on a page belongs together.
Tested in tests/ui/cache/test_stale_while_revalidate.py.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace

from e2lm_core.base.records import TaskSet
from e2lm_core.scores.measurements import Measurements
from e2lm_core.ui.cache.sizeof import weigh
from e2lm_core.ui.cache.store import Kept

# A page waits so long for figures of new results before it shows those of the last.
WAIT_S = 0.25
# An edit's run is queued a moment after it was saved: so long a set without a run may have one still.
QUEUED_S = 5.0
# What no page has asked for so long is not computed beforehand.
ASKED_S = 900.0
# That is held for sets whose next results are awaited, beyond the newest.
MOST_BYTES = 150 * 2**20
# Another set by the same name shares few questions with it: it is never shown in its place.
ALIKE = 0.5
log = logging.getLogger(__name__)

Recipe = Callable[[Measurements], object]
_ASKED = Kept("asked")
_here = threading.local()


@dataclass(frozen=True)
class Shown:
    """A version of a set with what was measured of it; `before` says that the set has changed since.

    `number` is the version's in the set's history, None where it has none.
    """

    task: TaskSet
    measurements: Measurements
    number: int | None = None
    before: bool = False

    @property
    def whole(self) -> bool:
        """Whether all checkpoints are complete."""
        return 0 < self.measurements.checkpoints == self.measurements.complete_checkpoints


@dataclass
class _Place:
    shown: Shown
    since: float = -math.inf  # by the monotonic clock, since when this is shown
    lock: threading.Lock = field(default_factory=threading.Lock)
    ready: threading.Event | None = None  # of those that are being computed
    idle_since: float | None = None  # since when results are lacking and no run brings them


class Settled:
    """What is shown of each set, by a key that says which set on which fleet. Safe to share between threads."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._places: OrderedDict[Hashable, _Place] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, key: Hashable, now: Shown, goes_on: bool, beside: bool, apart_s: float = 0.0) -> Shown:
        """What a page shows of a set whose present version is `now`.

        While a run of it `goes_on` and it is not whole, its last whole version; where it is whole, itself, as soon
        as what pages asked of the last is computed of it: `beside`, in a thread of its own, else on demand. Each
        such version is shown for `apart_s` at least.
        """
        with self._lock:
            place = self._places.setdefault(key, _Place(now))
            self._places.move_to_end(key)
        with place.lock:
            shown = place.shown
            if now.whole or goes_on:
                place.idle_since = None
            elif place.idle_since is None:
                place.idle_since = time.monotonic()
            idle_s = 0.0 if place.idle_since is None else time.monotonic() - place.idle_since
            if not _awaits(shown, now, goes_on or (beside and idle_s < QUEUED_S), beside):
                place.shown = now
                if shown.measurements is not now.measurements:
                    self._forget()
                return now
            if now.whole and place.ready is None and time.monotonic() - place.since >= apart_s:
                place.ready = threading.Event()
                args = (place, now, place.ready)
                threading.Thread(target=self._prepare, args=args, name="figures", daemon=True).start()
            ready = place.ready if now.whole else None
        if ready is not None:
            ready.wait(WAIT_S)
        with place.lock:
            return replace(place.shown, before=place.shown.measurements is not now.measurements)

    def _prepare(self, place: _Place, now: Shown, ready: threading.Event) -> None:
        try:
            prepare(place.shown.measurements, now.measurements)
        finally:
            with place.lock:
                place.shown, place.since, place.ready = now, time.monotonic(), None
            ready.set()

    def _forget(self) -> None:
        with self._lock:
            weights = {key: weigh(place.shown.measurements) for key, place in self._places.items()}
            total = sum(weights.values())
            for key, weight in list(weights.items())[:-1]:
                if total <= self._most:
                    break
                del self._places[key]
                total -= weight


def _awaits(shown: Shown, now: Shown, goes_on: bool, beside: bool) -> bool:
    """Whether what was shown stays for now."""
    if shown.measurements is now.measurements or not shown.whole or not _alike(shown.task, now.task):
        return False
    return beside if now.whole else goes_on


def _alike(one: TaskSet, other: TaskSet) -> bool:
    """Whether many questions are the same in text or in choices: ids alone are given anew to a set that is made anew."""
    texts = {question.id: question for question in one.questions}
    same = sum(
        (there := texts.get(question.id)) is not None
        and (there.question == question.question or there.choices == question.choices)
        for question in other.questions
    )
    return same >= ALIKE * max(len(one.questions), len(other.questions), 1)


# --- what pages ask of measurements -----------------------------------------------------------------------


def asked(measurements: Measurements, key: Hashable, recipe: Recipe) -> None:
    """A page asks this of these measurements: of the next ones it is computed before they are shown."""
    if not getattr(_here, "preparing", False):
        _asked_of(measurements)[key] = (recipe, time.monotonic())


def prepare(before: Measurements, now: Measurements) -> None:
    """Compute of the new measurements what pages asked of those before; what fails is computed on demand, and said."""
    _here.preparing = True
    since = time.monotonic() - ASKED_S
    for key, (recipe, at) in list(_asked_of(before).items()):
        if at < since:
            continue
        _asked_of(now).setdefault(key, (recipe, at))
        try:
            recipe(now)
        except Exception as error:  # whoever asks for it is told
            log.info("Not computed beforehand: %s", type(error).__name__)


def _asked_of(measurements: Measurements) -> dict[Hashable, tuple[Recipe, float]]:
    return _ASKED.made_of((measurements,), "", dict)
