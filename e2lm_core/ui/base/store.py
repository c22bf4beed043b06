"""Process-wide cache, bounded by estimated bytes.

All sessions of a server share one store. A value derived from an object is found only by code that holds the
object itself, so nobody gets values of another person's set; `results` makes equal sets one object.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from e2lm_core.ui.base.sizeof import weigh

T = TypeVar("T")
# Limit on all computed values of pages together with their inputs.
MAX_BYTES = 160 * 2**20
BESIDE = 1.5


@dataclass
class _Slot:
    """One cached value; `done` is set after its computation, `failed` if that has failed."""

    version: Hashable = None
    done: threading.Event = field(default_factory=threading.Event)
    failed: bool = False
    value: Any = None
    counted: bool = False


@dataclass
class _Counted:
    """Size of an object in bytes, and number of groups that hold it."""

    bytes: int
    times: int = 0


@dataclass
class _Group:
    """All values derived from the same objects.

    The objects are kept too: while they live, no other object can have their identity.
    """

    objects: tuple[object, ...]
    place: tuple[Hashable, ...]
    bytes: int = 0
    slots: dict[Hashable, _Slot] = field(default_factory=dict)


class Store:
    """Cached values by their input objects and a key, each computed once for all threads.

    Beyond `most` bytes, or `BESIDE` times the heaviest group if that is more, the least recently used groups
    (all values of the same objects) are evicted; the newest group stays whatever its size. An object in
    several groups counts once: otherwise the groups of one large object would evict each other. Safe to
    share between threads.
    """

    def __init__(self, most: int) -> None:
        self.most, self.bytes = most, 0
        self._groups: OrderedDict[tuple[Hashable, ...], _Group] = OrderedDict()
        self._counted: dict[int, _Counted] = {}  # by identity, which is stable while a group holds the object
        self._lock = threading.Lock()

    def made_of(
        self, objects: tuple[object, ...], key: Hashable, make: Callable[[], T], version: Hashable = None
    ) -> T:
        """Get the value for these objects and this key, or compute it once.

        A failed computation is not cached; each waiting thread then computes the value itself. `make` may
        ask for other values.

        Args:
            objects: Objects that the value is derived from, compared by identity.
            key: Distinguishes values of the same objects, compared by equality.
            make: Computes the value.
            version: Only the value of the version asked for last is kept.

        Raises:
            Exception: Any exception that `make` raises.
        """
        place = tuple(map(id, objects)) if objects else (key,)
        while True:
            with self._lock:
                group = self._groups.get(place)
                if group is None:
                    group = self._groups[place] = _Group(objects, place)
                    for thing in objects:
                        self._count(group, thing)
                self._groups.move_to_end(place)
                slot = group.slots.get(key)
                if slot is not None and slot.version != version:
                    if slot.counted:
                        self._discount(group, slot.value)
                    slot = None
                if mine := slot is None:
                    slot = group.slots[key] = _Slot(version)
            assert slot is not None
            if mine:
                return self._make(group, key, slot, make)
            slot.done.wait()
            if not slot.failed:
                return slot.value

    def last(self, key: Hashable) -> Any | None:
        """The value stored last under a key without objects, of any version; None if there is none."""
        with self._lock:
            group = self._groups.get((key,))
            slot = group.slots.get(key) if group else None
        return slot.value if slot and slot.done.is_set() else None

    def has(self, objects: tuple[object, ...], key: Hashable) -> bool:
        """Whether a value for these objects and this key is cached, of any version."""
        with self._lock:
            group = self._groups.get(tuple(map(id, objects)) if objects else (key,))
            slot = group.slots.get(key) if group else None
        return slot is not None and slot.done.is_set() and not slot.failed

    def clear(self) -> None:
        """Evict everything."""
        with self._lock:
            self._groups.clear()
            self._counted.clear()
            self.bytes = 0

    def _make(self, group: _Group, key: Hashable, slot: _Slot, make: Callable[[], T]) -> T:
        try:
            value = make()
            weight = weigh(value)
        except BaseException:  # Streamlit ends a script by raising a BaseException
            slot.failed = True
            with self._lock:
                if group.slots.get(key) is slot:
                    del group.slots[key]
            raise
        else:
            slot.value = value
            with self._lock:
                # Otherwise the slot has been evicted meanwhile, or replaced by another version.
                if self._groups.get(group.place) is group and group.slots.get(key) is slot:
                    slot.counted = True
                    self._count(group, value, weight)
                self._forget()
            return value
        finally:
            slot.done.set()

    def _count(self, group: _Group, thing: object, weight: int | None = None) -> None:
        counted = self._counted.get(id(thing))
        if counted is None:
            counted = self._counted[id(thing)] = _Counted(weigh(thing) if weight is None else weight)
            self.bytes += counted.bytes
        counted.times += 1
        group.bytes += counted.bytes

    def _discount(self, group: _Group, thing: object) -> None:
        counted = self._counted[id(thing)]
        counted.times -= 1
        group.bytes -= counted.bytes
        if not counted.times:
            self.bytes -= counted.bytes
            del self._counted[id(thing)]

    def _forget(self) -> None:
        if self.bytes <= self.most:
            return
        most = room(self.most, [group.bytes for group in self._groups.values()])
        while self.bytes > most and len(self._groups) > 1:
            _, oldest = self._groups.popitem(last=False)
            values = [slot.value for slot in oldest.slots.values() if slot.counted]
            for thing in (*oldest.objects, *values):
                self._discount(oldest, thing)


def room(most: int, weights: Sequence[int]) -> float:
    """Limit in bytes: `most`, or `BESIDE` times the heaviest weight if that is more.

    Small values keep some room beside one that exceeds the limit alone: otherwise they would evict each
    other.
    """
    return max(most, BESIDE * max(weights, default=0))


_ALL = Store(MAX_BYTES)


def forget() -> None:
    """Evict all cached values, for tests and for an exchanged home."""
    _ALL.clear()


class Kept:
    """Cached values of one kind, in the server's one store."""

    def __init__(self, kind: str, store: Store = _ALL) -> None:
        self._kind, self._store = kind, store

    def made_of(
        self, objects: tuple[object, ...], key: Hashable, make: Callable[[], T], version: Hashable = None
    ) -> T:
        """Get a value or compute it once, see `Store.made_of`.

        Without objects the key must hold everything that the value depends on, and its owner.
        """
        return self._store.made_of(objects, (self._kind, key), make, version)

    def has(self, objects: tuple[object, ...], key: Hashable) -> bool:
        """See `Store.has`."""
        return self._store.has(objects, (self._kind, key))

    def last(self, key: Hashable) -> Any | None:
        """See `Store.last`."""
        return self._store.last((self._kind, key))
