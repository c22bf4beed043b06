"""What a set asks of every checkpoint, by the store's keys, and what of it is not there yet."""

from __future__ import annotations

from collections.abc import Sequence

from e2lm_core.base.records import RenderedDoc, Request, Scope
from e2lm_core.runs.store import Store, digest


def requests_of(doc: RenderedDoc) -> list[Request]:
    return [Request(doc.context, continuation) for continuation in doc.continuations]


class Asked:
    """The docs of a set as lists of keys, made once for all checkpoints; `texts` has each key's request."""

    def __init__(self, docs: Sequence[RenderedDoc]) -> None:
        self.texts: dict[bytes, Request] = {}
        self.docs: list[list[bytes]] = []
        self._needed_by: dict[bytes, list[int]] = {}
        for place, doc in enumerate(docs):
            keys = []
            for request in requests_of(doc):
                key = digest(request)
                keys.append(key)
                self.texts[key] = request
                self._needed_by.setdefault(key, []).append(place)
            self.docs.append(keys)
        self._keys = frozenset(self.texts)

    def __len__(self) -> int:
        return len(self.docs)

    def missing(self, store: Store, scope: Scope) -> dict[int, list[bytes]]:
        """The keys that the store does not hold, by the place of the doc that needs them, in their order."""
        absent = store.absent(scope, self._keys)
        places = sorted({place for key in absent for place in self._needed_by[key]})
        return {place: [key for key in self.docs[place] if key in absent] for place in places}
