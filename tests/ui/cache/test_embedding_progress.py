"""Relevance in the background: texts a few at a time, cancelled and gone on with, refused in a sentence."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from e2lm_core.base.errors import TaskError
from e2lm_core.relevance import judge
from e2lm_core.ui.cache import embedding_progress, results
from e2lm_core.ui.cache.embedding_progress import EmbeddingJob
from tests.relevance.made import judged
from tests.support import studios


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was embedded; a hundred texts are to be, and the judgement is ready made."""
    done: list[str] = []
    texts = [f"text {n}" for n in range(100)]
    monkeypatch.setattr(judge, "missing_texts", lambda *_: [t for t in texts if t not in done])
    monkeypatch.setattr(judge, "embed", lambda _, some, __: done.extend(some))
    monkeypatch.setattr(results, "judged", lambda *_: judged([0.9], ["physics"]))
    return done


@pytest.fixture
def begin(tmp_path: Path) -> Callable[[], EmbeddingJob]:
    return lambda: EmbeddingJob(studios.settings(tmp_path), studios.task(), None)


def test_all_is_embedded_and_told(kept: list[str], begin: Callable[[], EmbeddingJob]) -> None:
    work = begin().start()
    work.wait(5)
    assert (work.over, work.cancelled, work.error) == (True, False, None)
    assert (work.done, work.total, len(kept)) == (100, 100, 100)


def test_it_stops_between_two_parts_and_goes_on_from_there(
    kept: list[str], begin: Callable[[], EmbeddingJob], monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def embed(_: object, some: list[str], __: object) -> None:
        kept.extend(some)
        reached.set()
        go_on.wait(5)

    monkeypatch.setattr(judge, "embed", embed)
    work = begin().start()
    assert reached.wait(5)
    work.cancel()
    go_on.set()
    work.wait(5)
    assert (work.cancelled, len(kept)) == (True, embedding_progress.CHUNK)
    work.start().wait(5)
    assert (work.cancelled, len(kept), work.total) == (False, 100, 100 - embedding_progress.CHUNK)


def test_a_refusal_is_its_sentence_and_a_fault_is_one_of_ours(
    kept: list[str], begin: Callable[[], EmbeddingJob], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise TaskError("Question 1 holds half a character: retype it.")

    monkeypatch.setattr(judge, "missing_texts", refuse)
    work = begin().start()
    work.wait(5)
    assert work.error == "Question 1 holds half a character: retype it."
    monkeypatch.setattr(judge, "missing_texts", lambda *_: 1 / 0)
    work.start().wait(5)
    assert "error of the studio's own" in (work.error or "")
