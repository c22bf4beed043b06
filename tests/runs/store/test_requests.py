"""What a set asks, by keys, and what of it is missing."""

from __future__ import annotations

from e2lm_core.base.records import Loglikelihood, RenderedDoc, Request, Scope
from e2lm_core.runs.store.loglikelihood_store import LoglikelihoodStore, request_digest
from e2lm_core.runs.store.requests import RequestIndex, keys_of

SCOPE = Scope(fingerprint="f", dtype="float32", max_length=64, bos="none", scoring_version=1)


def doc(identity: str, context: str, *choices: str) -> RenderedDoc:
    return RenderedDoc(
        question_id=identity,
        context=context,
        continuations=tuple(f" {c}" for c in choices),
        choices=choices,
        gold=0,
    )


def key(context: str, choice: str) -> bytes:
    return request_digest(Request(context, f" {choice}"))


def test_what_is_missing_is_said_doc_by_doc_in_the_order_of_the_set(tmp_path):
    store = LoglikelihoodStore(tmp_path / "studio.sqlite")
    asked = RequestIndex([doc("a", "A:", "x", "y"), doc("b", "B:", "x", "y"), doc("c", "A:", "y", "z")])
    assert len(asked) == 3
    assert asked.texts[key("B:", "x")] == Request("B:", " x")
    store.put(SCOPE, [(key("A:", "x"), Loglikelihood(-1, 1)), (key("B:", "x"), Loglikelihood(-1, 1))])
    assert asked.missing(store, SCOPE) == {
        0: [key("A:", "y")],
        1: [key("B:", "y")],
        2: [key("A:", "y"), key("A:", "z")],
    }
    store.put(SCOPE, [(key("A:", "y"), Loglikelihood(-1, 1)), (key("B:", "y"), Loglikelihood(-1, 1))])
    assert asked.missing(store, SCOPE) == {2: [key("A:", "z")]}
    other = SCOPE.model_copy(update={"fingerprint": "another"})
    store.put(other, [(key("A:", "x"), Loglikelihood(-1, 1))])
    of_all = asked.missing_of_all(store, [SCOPE, other, SCOPE])
    assert of_all == [asked.missing(store, scope) for scope in (SCOPE, other, SCOPE)]
    store.put(SCOPE, [(key("A:", "z"), Loglikelihood(-1, 1))])
    assert asked.missing(store, SCOPE) == {}


def test_a_set_without_questions_asks_nothing(tmp_path):
    assert RequestIndex([]).missing(LoglikelihoodStore(tmp_path / "studio.sqlite"), SCOPE) == {}


def test_keys_are_those_of_the_texts_whatever_was_hashed_before():
    docs = [
        doc("a", "A:", "x", "y"),
        doc("b", "A:", "y", "x"),
        doc("c", "A: x", "y"),
        doc("d", "A:", "x", "y"),
    ]
    for one in (*docs, *docs):
        assert keys_of(one) == tuple(request_digest(Request(one.context, c)) for c in one.continuations)
