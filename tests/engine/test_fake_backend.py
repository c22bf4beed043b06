from __future__ import annotations

import math
from itertools import chain

import pytest

from e2lm_core.base.errors import Cancelled
from e2lm_core.base.records import Checkpoint, ModelInfo, Request
from tests.support.fake_backend import FakeBackend

REQUESTS = [Request(f"Question {n}?", f" choice {c}") for n in range(5) for c in range(4)]


def checkpoint(step: int) -> Checkpoint:
    return Checkpoint(model=ModelInfo(name="m", family="fake"), step=step)


def test_results_are_a_function_of_checkpoint_and_text() -> None:
    first = dict(chain.from_iterable(FakeBackend().chunks(checkpoint(10), REQUESTS)))
    reverse = dict(chain.from_iterable(FakeBackend().chunks(checkpoint(10), REQUESTS[::-1])))
    assert sorted(first) == list(range(20))
    assert all(first[i] == reverse[19 - i] for i in range(20))
    later = dict(chain.from_iterable(FakeBackend().chunks(checkpoint(9_000), REQUESTS)))
    assert all(later[i].ll_nats > first[i].ll_nats for i in range(20))
    assert all(math.isfinite(r.ll_nats) and r.ll_nats < 0 for r in later.values())
    assert FakeBackend().scope(checkpoint(10)) != FakeBackend().scope(checkpoint(11))


def test_it_skips_counts_and_cancels() -> None:
    backend = FakeBackend()
    chunks = list(backend.chunks(checkpoint(1), REQUESTS, skip=range(8)))
    assert [i for chunk in chunks for i, _ in chunk] == list(range(8, 20))
    assert backend.computed == 12
    # A chunk of 8 is two questions: each of their prompts once here, once a choice in the harness.
    assert (chunks[0].tokens, chunks[0].harness_tokens) == (2 * 2 + 8 * 2, 8 * (2 + 2))
    with pytest.raises(Cancelled):
        list(chain.from_iterable(backend.chunks(checkpoint(1), REQUESTS, cancelled=lambda: True)))
    assert backend.prompt_tokens(checkpoint(1), [Request("two words", " one")]) == [3]
    assert backend.window(checkpoint(1)) > 0
