"""Cache of computed values, bounded in bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")
BESIDE = 1.5  # times the largest value: small ones keep some room beside one that exceeds the limit alone


class CacheCycleError(RuntimeError):
    """Raised when the computation of a value asks for that value."""


class _Entry:
    """One version of a value, from the beginning of its computation by the thread `maker`."""

    def __init__(self, version: Hashable) -> None:
        self.version = version
        self.maker: int | None = threading.get_ident()
        self.done = threading.Event()
        self.failed = False
        self.value: Any = None
        self.bytes = 0


class Cache:
    """Values by key, each computed once for all threads; the least recently used go first.

    A key is equal for equal inputs only: it holds digests of content, never the identity of an object.

    Args:
        max_bytes: Limit of all values together. The newest value stays whatever its size.
        weigh: Bytes of a value.
    """

    def __init__(self, max_bytes: float, weigh: Callable[[Any], int]) -> None:
        self.max_bytes, self._weigh, self.bytes = max_bytes, weigh, 0
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._awaited: dict[int, _Entry] = {}  # by the waiting thread
        self._lock = threading.Lock()

    def get_or_compute(self, key: Hashable, make: Callable[[], T], version: Hashable = None) -> T:
        """Get the value of a key, or compute it; other threads that ask meanwhile wait for it.

        A computation that fails is not cached: each waiting thread then computes the value itself.

        Args:
            key: All inputs of the value.
            make: Computes the value.
            version: An input of which only the latest value is kept, such as the state of a file.

        Raises:
            CacheCycleError: `make` asks for its own key, directly or through threads that wait for each other.
            Exception: Any exception of `make`.
        """
        while True:
            with self._lock:
                entry = self._entries.get(key)
                if mine := entry is None or entry.version != version:
                    self.bytes -= entry.bytes if entry is not None else 0
                    entry = self._entries[key] = _Entry(version)
                elif entry.maker is not None:
                    self._refuse_cycle(key, entry)
                    self._awaited[threading.get_ident()] = entry
                self._entries.move_to_end(key)
            assert entry is not None
            if mine:
                return self._compute(key, entry, make)
            entry.done.wait()
            with self._lock:
                self._awaited.pop(threading.get_ident(), None)
            if not entry.failed:
                return entry.value

    def get(self, key: Hashable) -> Any | None:
        """The cached value of a key, of any version; None if there is none yet."""
        with self._lock:
            entry = self._entries.get(key)
            return entry.value if entry is not None and entry.maker is None else None

    def clear(self) -> None:
        """Evict everything."""
        with self._lock:
            self._entries.clear()
            self.bytes = 0

    def _compute(self, key: Hashable, entry: _Entry, make: Callable[[], T]) -> T:
        try:
            value = make()
            weight = self._weigh(value)
        except BaseException:  # Streamlit ends a script by raising a BaseException
            with self._lock:
                entry.failed, entry.maker = True, None
                if self._entries.get(key) is entry:
                    del self._entries[key]
            raise
        else:
            with self._lock:
                entry.value, entry.bytes, entry.maker = value, weight, None
                if self._entries.get(key) is entry:  # and not cleared meanwhile
                    self.bytes += weight
                    self._evict()
            return value
        finally:
            entry.done.set()

    def _evict(self) -> None:
        if self.bytes <= self.max_bytes:
            return
        room = max(self.max_bytes, BESIDE * max(entry.bytes for entry in self._entries.values()))
        for key in [key for key, entry in self._entries.items() if entry.maker is None][:-1]:
            if self.bytes <= room:
                return
            self.bytes -= self._entries.pop(key).bytes

    def _refuse_cycle(self, key: Hashable, entry: _Entry) -> None:
        """Raise if this thread would wait for a value that waits for this thread."""
        waited: _Entry | None = entry
        while waited is not None and waited.maker is not None:
            if waited.maker == threading.get_ident():
                raise CacheCycleError(f"The value of {key!r} is computed from itself.")
            waited = self._awaited.get(waited.maker)
