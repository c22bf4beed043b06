"""Process-wide cache, bounded by estimated bytes.

All sessions of a server share one store. What is made of an object can be asked for only by whoever holds that
object, so nobody finds what another's set was made into; `results` sees that equal sets are one object.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from e2lm_core.ui.cache.sizeof import weigh

T = TypeVar("T")
# Of everything that pages have computed, with what it was computed from.
MOST_BYTES = 160 * 2**20
BESIDE = 1.5


@dataclass
class _Slot:
    """One value; `done` once it is there, or its maker has failed and `failed` is set."""

    version: Hashable = None
    done: threading.Event = field(default_factory=threading.Event)
    failed: bool = False
    value: Any = None
    counted: bool = False


@dataclass
class _Counted:
    """What one thing weighs, and how many times groups hold it."""

    bytes: int
    times: int = 0


@dataclass
class _Group:
    """All that was made of the same objects. The objects are kept too: while they live, none has their identity."""

    objects: tuple[object, ...]
    place: tuple[Hashable, ...]
    bytes: int = 0
    slots: dict[Hashable, _Slot] = field(default_factory=dict)


class Store:
    """Values by the objects that they were made of and a key, each made once, however many ask at once.

    Where all weighs more than `most` bytes, or `BESIDE` times the heaviest group where that is more, what was made of
    the objects that nobody asked about for longest is forgotten, all of it; the newest stays whatever it weighs. What
    several groups hold is counted once: else the groups of one heavy object would drive each other out.
    Safe to share between threads.
    """

    def __init__(self, most: int) -> None:
        self.most, self.bytes = most, 0
        self._groups: OrderedDict[tuple[Hashable, ...], _Group] = OrderedDict()
        self._counted: dict[int, _Counted] = {}  # by identity, which stays theirs while groups hold them
        self._lock = threading.Lock()

    def made_of(
        self, objects: tuple[object, ...], key: Hashable, make: Callable[[], T], version: Hashable = None
    ) -> T:
        """What `make` gives, made once for these objects (compared by identity) and this key (by equality).

        Of several versions only the one that was asked for last is kept. Nothing is kept where `make` raises;
        whoever waited for it then makes it himself. `make` may ask for other values.
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
        """What was made last under a key alone, of whatever version; None where nothing was."""
        with self._lock:
            group = self._groups.get((key,))
            slot = group.slots.get(key) if group else None
        return slot.value if slot and slot.done.is_set() else None

    def has(self, objects: tuple[object, ...], key: Hashable) -> bool:
        """Whether something was made of these objects under this key and is kept, of whatever version."""
        with self._lock:
            group = self._groups.get(tuple(map(id, objects)) if objects else (key,))
            slot = group.slots.get(key) if group else None
        return slot is not None and slot.done.is_set() and not slot.failed

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._groups.clear()
            self._counted.clear()
            self.bytes = 0

    def _make(self, group: _Group, key: Hashable, slot: _Slot, make: Callable[[], T]) -> T:
        try:
            value = make()
            weight = weigh(value)
        except BaseException:  # Streamlit ends a script by raising what is no Exception
            slot.failed = True
            with self._lock:
                if group.slots.get(key) is slot:
                    del group.slots[key]
            raise
        else:
            slot.value = value
            with self._lock:
                # Else it was forgotten meanwhile, or another version has taken its place.
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
    """For how much there is room among these weights: beside what alone weighs too much, little things have some.

    Else it and they would drive each other out.
    """
    return max(most, BESIDE * max(weights, default=0))


_ALL = Store(MOST_BYTES)


def forget() -> None:
    """Forget all that is kept, for tests and for a home that was exchanged."""
    _ALL.clear()


class Kept:
    """Values of one kind, kept for everybody in the one store of the server."""

    def __init__(self, kind: str, store: Store = _ALL) -> None:
        self._kind, self._store = kind, store

    def made_of(
        self, objects: tuple[object, ...], key: Hashable, make: Callable[[], T], version: Hashable = None
    ) -> T:
        """See `Store.made_of`. Without objects the key must hold all that the value depends on, and whose it is."""
        return self._store.made_of(objects, (self._kind, key), make, version)

    def has(self, objects: tuple[object, ...], key: Hashable) -> bool:
        """See `Store.has`."""
        return self._store.has(objects, (self._kind, key))

    def last(self, key: Hashable) -> Any | None:
        """See `Store.last`."""
        return self._store.last((self._kind, key))
