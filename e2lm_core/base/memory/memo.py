"""Bounded in-memory caches."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar, cast

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
T = TypeVar("T")


class Memo(Generic[K, V]):
    """At most `most` of weight, in the unit of `weigh(key, value)`. Safe to share between threads.

    A key must hold all that its value depends on: what was made once is never made again while it is kept.
    """

    def __init__(self, most: int, weigh: Callable[[K, V], int]) -> None:
        self._most, self._weigh = most, weigh
        self._weight = 0
        self._kept: OrderedDict[K, V] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: K) -> V | None:
        """What is kept for `key`, which counts as used now; None where nothing is."""
        with self._lock:
            value = self._kept.get(key)
            if value is not None:
                self._kept.move_to_end(key)
            return value

    def put(self, key: K, value: V) -> None:
        """Keep `value`, and forget what was not used for longest where that is too much."""
        with self._lock:
            if key in self._kept:
                return
            self._kept[key] = value
            self._weight += self._weigh(key, value)
            while self._weight > self._most:
                oldest, forgotten = self._kept.popitem(last=False)
                self._weight -= self._weigh(oldest, forgotten)


class Filled(dict[K, V]):
    """A dictionary that makes the value of a key when it is first asked for, once however many ask at once.

    It holds, lists and weighs what was asked for alone. Sent to another process it is empty there, and `make` with it.
    `once` makes the same in another way, for whoever needs it once.
    """

    def __init__(self, make: Callable[[K], V], once: Callable[[K], V] | None = None) -> None:
        super().__init__()
        self._make, self._once, self._lock = make, once, threading.RLock()

    def __missing__(self, key: K) -> V:
        with self._lock:
            if key not in self:
                self[key] = self._make(key)
            return self[key]

    def __reduce__(self) -> tuple[object, ...]:
        return Filled, (self._make, self._once)

    def passing(self, key: K) -> V:
        """The value of a key for whoever needs it once: taken where it is held, else made and not kept."""
        return self[key] if key in self else (self._once or self._make)(key)


class Each(Generic[V]):
    """What was made of each of many immutable objects, taken from before where the very same object comes again.

    An edited set shares all questions but the edited ones with the set before, so that only those are looked at.
    At most `most` of weight, in the unit of `weigh(value)`: where that is too much, only what was asked for last
    stays, and nothing where that alone is too much. Safe to share between threads.
    """

    def __init__(self, most: int, weigh: Callable[[V], int] = lambda value: 1) -> None:
        self._most, self._weigh = most, weigh
        # By key and identity, each with its object: while that is kept, no other has its identity.
        self._kept: dict[Hashable, dict[int, tuple[object, V]]] = {}
        self._weight = 0
        self._lock = threading.Lock()

    def of(self, key: Hashable, things: Sequence[T], make: Callable[[T], V]) -> list[V]:
        """`make` of each thing, in their order; `key` must hold all else that it depends on."""
        return self.of_all(key, things, lambda places: [make(things[place]) for place in places])

    def of_all(
        self, key: Hashable, things: Sequence[T], make: Callable[[Sequence[int]], Sequence[V]]
    ) -> list[V]:
        """The same, where what is not kept is made at once, of the places of its things."""
        known = self._kept.get(key, {})
        held = [known.get(id(thing)) for thing in things]
        places = [place for place, one in enumerate(held) if one is None]
        for place, value in zip(places, make(places) if places else (), strict=True):
            held[place] = things[place], value
        all_held = cast("list[tuple[object, V]]", held)
        if places:
            self._keep(key, {id(things[place]): all_held[place] for place in places}, all_held)
        return [value for _, value in all_held]

    def _keep(
        self, key: Hashable, new: dict[int, tuple[object, V]], asked: Sequence[tuple[object, V]]
    ) -> None:
        with self._lock:
            kept = self._kept.setdefault(key, {})
            self._weight += sum(self._weigh(one[1]) for identity, one in new.items() if identity not in kept)
            kept.update(new)
            if self._weight > self._most:
                last = {id(one[0]): one for one in asked}
                weight = sum(self._weigh(value) for _, value in last.values())
                self._kept = {key: last} if weight <= self._most else {}
                self._weight = weight if self._kept else 0
