"""Requests of a set and which of them are missing in the store."""

from __future__ import annotations

from collections.abc import Sequence
from sys import getsizeof

from e2lm_core.base.errors import TaskError
from e2lm_core.base.memory.memo import Memo
from e2lm_core.base.records import RenderedDoc, Request, Scope, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.runs.store.loglikelihood_store import LoglikelihoodStore, request_digest
from e2lm_core.runs.store.packed_columns import Keys
from e2lm_core.sets.prompts.render import render_set

# Context, continuations, and the choices if the question format puts them before an ending.
_Texts = tuple[str, tuple[str, ...], tuple[str, ...]]


def render_prompts(task: TaskSet, num_fewshot: int | None = None) -> list[RenderedDoc]:
    """A set's rendered prompts in order, checked to be text that a tokenizer can read.

    Args:
        task: The set.
        num_fewshot: Number of few-shot examples; None for the set's own.

    Raises:
        TaskError: A prompt cannot be rendered, or contains a lone surrogate.
    """
    docs = render_set(task, num_fewshot)
    for number, doc in enumerate(docs, start=1):
        try:
            "".join((doc.context, *doc.continuations, *_before(doc))).encode()
        except UnicodeEncodeError as error:
            raise TaskError(
                Sentence(
                    "Question {number}: its prompt holds a half character (a lone surrogate), which no model reads; "
                    "retype the text.",
                    number=number,
                )
            ) from error
    return docs


def requests_of(doc: RenderedDoc) -> list[Request]:
    """One (context, continuation) for each choice, in the choices' order."""
    return [Request(*pair) for pair in doc.requests]


def _before(doc: RenderedDoc) -> tuple[str, ...]:
    return () if doc.ending is None else doc.choices


def keys_of(doc: RenderedDoc) -> tuple[bytes, ...]:
    """Store keys of the doc's requests, in their order; each text is hashed once."""
    texts = doc.context, doc.continuations, _before(doc)
    keys = _HASHED.get(texts)
    if keys is None:
        keys = tuple(request_digest(request) for request in requests_of(doc))
        _HASHED.put(texts, keys)
    return keys


def _bytes_of(texts: _Texts, keys: tuple[bytes, ...]) -> int:
    context, continuations, before = texts
    return _BYTES_OF_ENTRY + getsizeof(context) + sum(map(getsizeof, (*continuations, *before, *keys)))


# With this cache each process hashes only the edited questions of an edited set.
_BYTES_OF_ENTRY = 500
_HASHED: Memo[_Texts, tuple[bytes, ...]] = Memo(64 * 2**20, _bytes_of)


class RequestIndex:
    """Keys of a set's requests by doc, computed once for all checkpoints.

    Attributes:
        docs: For each doc the keys of its requests, in the choices' order.
        texts: Key → request.
    """

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
        """Position of a doc → its keys that the store lacks, in their order; complete docs are left out."""
        return self.missing_of_all(store, [scope])[0]

    def missing_of_all(
        self, store: LoglikelihoodStore, scopes: Sequence[Scope]
    ) -> list[dict[int, list[bytes]]]:
        """For each scope the missing keys by position of the doc, see `missing`."""
        return [self._by_place(absent) for absent in store.missing_of_all(scopes, self._keys)]

    def _by_place(self, absent: frozenset[bytes]) -> dict[int, list[bytes]]:
        places = sorted({place for key in absent for place in self._needed_by[key]})
        return {place: [key for key in self.docs[place] if key in absent] for place in places}
