"""Stale-while-revalidate for results of an edited set.

New results of a set are shown only after everything that pages derived from its last results has been
computed from the new ones, in the background: nobody waits for figures that another person's edit has
invalidated, and all numbers of a page belong to one version.

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
from e2lm_core.ui.base import page_cache
from e2lm_core.ui.base.sizeof import weigh

# Seconds that a page waits for figures of new results before it shows the last ones.
WAIT_S = 0.25
# The run of an edit is queued a moment after the edit was saved: for these seconds a set without a run is
# expected to get one.
QUEUED_S = 5.0
# A figure that no page has asked for in these seconds is not computed in advance.
ASKED_S = 900.0
# Limit on the last results that are kept for sets with awaited results, in addition to the newest.
MAX_BYTES = 150 * 2**20
# Another set with the same name shares fewer questions than this, and is never shown in place of the first.
ALIKE = 0.5
log = logging.getLogger(__name__)

Recipe = Callable[[Measurements], object]
_here = threading.local()


@dataclass(frozen=True)
class Shown:
    """A version of a set with its measurements, as pages show them.

    Attributes:
        task: The version of the set.
        measurements: Its results.
        number: The version's number in the set's history; None if it has none.
        before: Whether the set has changed since.
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
    since: float = -math.inf  # time by the monotonic clock at which this version was first shown
    lock: threading.Lock = field(default_factory=threading.Lock)
    ready: threading.Event | None = None  # set when the figures in preparation are done
    idle_since: float | None = None  # time since which results are missing and no run adds them


class Settled:
    """Shown results of each set, by a key for the set and its fleet. Safe to share between threads."""

    def __init__(self, most_bytes: int = MAX_BYTES) -> None:
        self._most = most_bytes
        self._places: OrderedDict[Hashable, _Place] = OrderedDict()
        self._lock = threading.Lock()

    def version_to_show(
        self, key: Hashable, now: Shown, goes_on: bool, beside: bool, apart_s: float = 0.0
    ) -> Shown:
        """The version of a set to show: the current one, or the last complete one while results are awaited.

        While a run goes on and the current version is incomplete, the last complete version is shown. A
        complete current version is shown as soon as everything that pages derived from the last one has been
        computed from it.

        Args:
            key: Set and fleet.
            now: The current version.
            goes_on: Whether a run of the set goes on.
            beside: Whether derived values are computed in advance, in a thread of its own; else on demand.
            apart_s: Seconds for which each such version is shown at least.
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
    """Whether the last shown version stays in place of the current one."""
    if shown.measurements is now.measurements or not shown.whole or not _alike(shown.task, now.task):
        return False
    return beside if now.whole else goes_on


def _alike(one: TaskSet, other: TaskSet) -> bool:
    """Whether two sets share at least half of their questions.

    Questions match by id and by text or choices: by id alone two different sets would match.
    """
    texts = {question.id: question for question in one.questions}
    same = sum(
        (there := texts.get(question.id)) is not None
        and (there.question == question.question or there.choices == question.choices)
        for question in other.questions
    )
    return same >= ALIKE * max(len(one.questions), len(other.questions), 1)


# --- what pages ask of measurements -----------------------------------------------------------------------


def register_recipe(measurements: Measurements, key: Hashable, recipe: Recipe) -> None:
    """Register a value that a page derives from measurements, to be recomputed for the next ones.

    Args:
        measurements: The measurements that the page shows.
        key: Key of the value.
        recipe: Computes the value from new measurements before these are shown.
    """
    if not getattr(_here, "preparing", False):
        _asked_of(measurements)[key] = (recipe, time.monotonic())


def prepare(before: Measurements, now: Measurements) -> None:
    """Compute from new measurements everything that pages derived from the previous ones.

    A failed computation is logged and repeated on demand.
    """
    _here.preparing = True
    since = time.monotonic() - ASKED_S
    for key, (recipe, at) in list(_asked_of(before).items()):
        if at < since:
            continue
        _asked_of(now).setdefault(key, (recipe, at))
        try:
            recipe(now)
        except Exception as error:  # the page that asks for it again shows the error
            log.info("Not computed beforehand: %s", type(error).__name__)


def _asked_of(measurements: Measurements) -> dict[Hashable, tuple[Recipe, float]]:
    return page_cache.get_or_compute("recipes", (measurements,), dict)
