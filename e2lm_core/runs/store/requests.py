"""Requests of a set and which of them are missing in the store."""

from __future__ import annotations

from collections.abc import Sequence
from sys import getsizeof

from e2lm_core.base.errors import TaskError
from e2lm_core.base.memory.memo import Memo
from e2lm_core.base.records import RenderedDoc, Request, Scope, TaskSet
from e2lm_core.runs.store.loglikelihood_store import LoglikelihoodStore, request_digest
from e2lm_core.runs.store.packed_columns import Keys
from e2lm_core.sets.prompts.render import render_set

_Texts = tuple[
    str, tuple[str, ...], tuple[str, ...]
]  # context, continuations, choices that are asked before an ending


def render_prompts(task: TaskSet, num_fewshot: int | None = None) -> list[RenderedDoc]:
    """A set's prompts in order, known to be text that a tokenizer takes. Raises `TaskError`."""
    docs = render_set(task, num_fewshot)
    for number, doc in enumerate(docs, start=1):
        try:
            "".join((doc.context, *doc.continuations, *_before(doc))).encode()
        except UnicodeEncodeError as error:
            raise TaskError(
                f"Question {number}: its prompt holds a half character (a lone surrogate), which no model reads; "
                "retype the text."
            ) from error
    return docs


def requests_of(doc: RenderedDoc) -> list[Request]:
    """One (context, continuation) a choice, in the choices' order."""
    return [Request(*pair) for pair in doc.requests]


def _before(doc: RenderedDoc) -> tuple[str, ...]:
    return () if doc.ending is None else doc.choices


def keys_of(doc: RenderedDoc) -> tuple[bytes, ...]:
    """The store's key of each of the doc's requests, in their order; hashed once for each text."""
    texts = doc.context, doc.continuations, _before(doc)
    keys = _HASHED.get(texts)
    if keys is None:
        keys = tuple(request_digest(request) for request in requests_of(doc))
        _HASHED.put(texts, keys)
    return keys


def _bytes_of(texts: _Texts, keys: tuple[bytes, ...]) -> int:
    context, continuations, before = texts
    return _BYTES_OF_ENTRY + getsizeof(context) + sum(map(getsizeof, (*continuations, *before, *keys)))


# Of an edited set only the edited questions are hashed, in every process that hashes it.
_BYTES_OF_ENTRY = 500
_HASHED: Memo[_Texts, tuple[bytes, ...]] = Memo(64 * 2**20, _bytes_of)


class RequestIndex:
    """The docs of a set as lists of keys, made once for all checkpoints; `texts` has each key's request."""

    def __init__(self, docs: Sequence[RenderedDoc]) -> None:
        self.docs = [keys_of(doc) for doc in docs]
        self.texts: dict[bytes, Request] = {}
        self._needed_by: dict[bytes, list[int]] = {}
        for place, (doc, keys) in enumerate(zip(docs, self.docs, strict=True)):
            for key, request in zip(keys, requests_of(doc), strict=True):
                self.texts[key] = request
                self._needed_by.setdefault(key, []).append(place)
        self._keys = Keys(self.texts)

    def __len__(self) -> int:
        return len(self.docs)

    def missing(self, store: LoglikelihoodStore, scope: Scope) -> dict[int, list[bytes]]:
        """The keys that the store does not hold, by the place of the doc that needs them, in their order."""
        return self.missing_of_all(store, [scope])[0]

    def missing_of_all(
        self, store: LoglikelihoodStore, scopes: Sequence[Scope]
    ) -> list[dict[int, list[bytes]]]:
        """The same for each of several checkpoints."""
        return [self._by_place(absent) for absent in store.missing_of_all(scopes, self._keys)]

    def _by_place(self, absent: frozenset[bytes]) -> dict[int, list[bytes]]:
        places = sorted({place for key in absent for place in self._needed_by[key]})
        return {place: [key for key in self.docs[place] if key in absent] for place in places}
