"""What a browser session computed once, found again by the very objects that it was computed from."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Any, TypeVar

import streamlit as st

T = TypeVar("T")


class Kept:
    """Values of one kind, in the session of whoever looks at the page.

    `size` is how many are kept or, with `weight`, how much they may weigh together: the oldest leave first, and the
    newest stays whatever it weighs. A size of None keeps all that was made of the latest objects, nothing of others.
    """

    def __init__(self, kind: str, size: int | None, weight: Callable[[Any], int] = lambda _: 1) -> None:
        self._kind, self._size, self._weight = kind, size, weight

    def made_of(self, objects: tuple[object, ...], key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, made once for these objects (compared by identity) and this key (by equality).

        Nothing is kept where `make` raises.
        """
        place = (tuple(map(id, objects)), key)
        if self._size is None and any(other[0] != place[0] for other in self._entries):
            self._entries.clear()
        if place not in self._entries:
            self._add(place, objects, make())
        return self._entries[place][1]

    def take(self, key: Hashable) -> Any | None:
        """Take out what `put` kept under a key; None where there is none."""
        return self._entries.pop(((), key), (None, None))[1]

    def put(self, key: Hashable, value: Any) -> None:
        """Keep a value under a key alone, as the newest."""
        self._entries.pop(((), key), None)
        self._add(((), key), (), value)

    def items(self) -> Iterator[tuple[Any, Any]]:
        """(key, value) of all that is kept, the oldest first."""
        return ((key, value) for (_, key), (_, value) in self._entries.items())

    @property
    def _entries(self) -> dict[tuple[tuple[int, ...], Hashable], tuple[tuple[object, ...], Any]]:
        return st.session_state.setdefault("kept", {}).setdefault(self._kind, {})

    def _add(self, place: tuple[tuple[int, ...], Hashable], objects: tuple[object, ...], value: Any) -> None:
        # The objects are kept too: while they live, no other object can have their identity.
        entries = self._entries
        entries[place] = (objects, value)
        while self._size is not None and len(entries) > 1 and self._total() > self._size:
            del entries[next(iter(entries))]

    def _total(self) -> int:
        return sum(self._weight(value) for _, value in self._entries.values())
