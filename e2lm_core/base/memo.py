"""What was made of a key is kept within a bound of memory, the least recently used forgotten first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


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
