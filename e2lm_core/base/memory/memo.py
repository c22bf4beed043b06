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
    """Cache of bounded weight that evicts the least recently used value; safe to share between threads.

    A key must hold all inputs of its value, because a cached value is never computed again.

    Args:
        most: Largest total weight, in the unit of `weigh`.
        weigh: Weight of a key and its value.
    """

    def __init__(self, most: int, weigh: Callable[[K, V], int]) -> None:
        self._most, self._weigh = most, weigh
        self._weight = 0
        self._kept: OrderedDict[K, V] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: K) -> V | None:
        """The cached value of `key`, which counts as used now; None if there is none."""
        with self._lock:
            value = self._kept.get(key)
            if value is not None:
                self._kept.move_to_end(key)
            return value

    def put(self, key: K, value: V) -> None:
        """Cache `value`, and evict the least recently used values beyond the largest weight."""
        with self._lock:
            if key in self._kept:
                return
            self._kept[key] = value
            self._weight += self._weigh(key, value)
            while self._weight > self._most:
                oldest, forgotten = self._kept.popitem(last=False)
                self._weight -= self._weigh(oldest, forgotten)


class Filled(dict[K, V]):
    """Dictionary that makes the value of a key on first access, only once for all threads.

    It holds, lists and weighs only the values made so far. A copy sent to another process is empty, with
    `make`.

    Args:
        make: Makes the value of a key.
        once: Makes the same value in another way, for single use; `make` if None.
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
        """The value of a key for single use: the held one, else a new one that is not kept."""
        return self[key] if key in self else (self._once or self._make)(key)


class Each(Generic[V]):
    """Cache of a value for each of many immutable objects, found again by the object's identity.

    An edited set shares all questions but the edited ones with the set before, so that only those are
    computed. Beyond the largest weight only the values of the last request stay, and none if these alone are
    too heavy. Safe to share between threads.

    Args:
        most: Largest total weight, in the unit of `weigh`.
        weigh: Weight of a value.
    """

    def __init__(self, most: int, weigh: Callable[[V], int] = lambda value: 1) -> None:
        self._most, self._weigh = most, weigh
        # Values by key and identity, each with its object: while it is kept, no other has its identity.
        self._kept: dict[Hashable, dict[int, tuple[object, V]]] = {}
        self._weight = 0
        self._lock = threading.Lock()

    def values_of(self, key: Hashable, things: Sequence[T], make: Callable[[T], V]) -> list[V]:
        """Value of each object, in order; `make` is called for those that are not cached.

        Args:
            key: All other inputs of the values.
            things: The objects.
            make: Makes the value of one object.
        """
        return self.of_all(key, things, lambda places: [make(things[place]) for place in places])

    def of_all(
        self, key: Hashable, things: Sequence[T], make: Callable[[Sequence[int]], Sequence[V]]
    ) -> list[V]:
        """Value of each object, in order; `make` is called once for all that are not cached.

        Args:
            key: All other inputs of the values.
            things: The objects.
            make: Makes the values of the objects at the given indexes.
        """
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
