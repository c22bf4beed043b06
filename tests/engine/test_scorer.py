from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch

from e2lm_core.base.errors import Cancelled, LimitError
from e2lm_core.base.records import Loglikelihood, Request
from e2lm_core.base.settings import Settings
from e2lm_core.engine import scorer
from e2lm_core.engine.batches import tree
from e2lm_core.engine.check import selfcheck
from e2lm_core.engine.forward import attention, forward, tensors
from e2lm_core.engine.forward.tensors import PackedBatch
from e2lm_core.engine.local import LocalBackend
from tests.support import tiny_models

SHOTS = "Question: What pumps blood through the body?\nAnswer: the heart\n\n" * 8
WORDS = [
    "iron",
    "planet",
    "heart",
    "lungs",
    "insect",
    "water",
    "Celsius",
    "oxygen",
    "spider",
    "body",
    "legs",
    "air",
]
QUESTIONS = [" ".join(random.Random(n).choices(WORDS, k=8)) for n in range(24)]
REQUESTS = [
    Request(f"{SHOTS}Question: {words}?\nAnswer:", choice)
    for words in QUESTIONS
    for choice in (" six", " six legs", " oxygen from the air", " iron")
]


@pytest.fixture(autouse=True)
def nothing_is_stacked(monkeypatch: pytest.MonkeyPatch) -> None:
    """These texts are few: they would be computed by `stack`, which has tests of its own."""
    monkeypatch.setattr(scorer, "STACKED_TOKENS", 0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.make(tmp_path_factory.mktemp("model"), window=512)


@pytest.fixture
def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalBackend:
    monkeypatch.setattr(scorer, "batch_tokens", lambda *_: 100)  # several chunks of several rows
    return LocalBackend(Settings(home=tmp_path, device="cpu", threads=1))


def score(
    backend: LocalBackend, folder: Path, requests: list[Request] = REQUESTS
) -> dict[int, Loglikelihood]:
    return dict(chain.from_iterable(backend.chunks(tiny_models.checkpoint(folder), requests)))


def plainly(folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> dict[int, Loglikelihood]:
    with monkeypatch.context() as patch:
        patch.setattr(scorer, "compare", lambda *_: selfcheck.Verdict("plain", "by the test"))
        return score(LocalBackend(Settings(home=home, device="cpu")), folder)


def close(a: dict[int, Loglikelihood], b: dict[int, Loglikelihood]) -> bool:
    return a.keys() == b.keys() and all(
        abs(a[i].ll_nats - b[i].ll_nats) <= 1e-4 + 2e-6 * abs(b[i].ll_nats) and a[i].tokens == b[i].tokens
        for i in a
    )


def test_packed_equals_plain(
    backend: LocalBackend, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert close(score(backend, folder), plainly(folder, tmp_path, monkeypatch))
    assert backend.notes() == []


def test_a_chunk_says_what_it_took_and_what_the_harness_would_have_sent(
    backend: LocalBackend, folder: Path
) -> None:
    checkpoint = tiny_models.checkpoint(folder)
    chunks = list(backend.chunks(checkpoint, REQUESTS))
    # The harness leaves the last token out: nothing follows it.
    sent = sum(tokens - 1 for tokens in backend.prompt_tokens(checkpoint, REQUESTS))
    assert len(chunks) > 1
    assert sum(chunk.harness_tokens for chunk in chunks) == sent
    assert 0 < sum(chunk.tokens for chunk in chunks) < 0.6 * sent


def leaking_bias(ends: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """What a forgotten tree mask looks like: every choice sees the choices before it."""
    return real_tree_bias(torch.full_like(ends, ends.shape[1]), places)


real_tree_bias = attention.tree_bias


def test_a_broken_mask_is_caught_said_and_avoided(
    backend: LocalBackend, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = plainly(folder, tmp_path, monkeypatch)
    monkeypatch.setattr(tensors, "tree_bias", leaking_bias)
    assert close(score(backend, folder), expected)
    (note,) = backend.notes()
    assert "llama models are scored from the state after" in note
    assert "packed rows differed from them by" in note


def test_wrong_positions_are_caught(
    backend: LocalBackend, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = plainly(folder, tmp_path, monkeypatch)
    real = tree._row

    def shifted(*args: Any) -> Any:
        row = real(*args)
        row.positions[:] = row.positions[::-1].copy()
        return row

    monkeypatch.setattr(tree, "_row", shifted)
    assert close(score(backend, folder), expected)
    assert len(backend.notes()) == 1


@pytest.mark.parametrize("way", ["joined", "merged"])
def test_both_ways_of_attention_give_the_same(
    way: str, backend: LocalBackend, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, used = score(backend, folder), []

    def counted(*args: Any) -> torch.Tensor:
        used.append(way)
        return real(*args)

    real = getattr(attention, way)
    for name in ("joined", "merged"):
        monkeypatch.setattr(attention, name, counted)
    other = LocalBackend(backend.settings)
    assert close(score(other, folder), expected)
    assert other.notes() == []
    assert used


def test_chunks_are_whole_and_skipping_changes_no_byte(backend: LocalBackend, folder: Path) -> None:
    checkpoint = tiny_models.checkpoint(folder)
    chunks = list(backend.chunks(checkpoint, REQUESTS))
    assert len(chunks) > 1
    everything = dict(pair for chunk in chunks for pair in chunk)
    for done in range(len(chunks)):
        have = {i for chunk in chunks[:done] for i, _ in chunk}
        again = [pair for chunk in backend.chunks(checkpoint, REQUESTS, skip=have) for pair in chunk]
        assert {i for i, _ in again} == set(everything) - have
        assert all(everything[i] == result for i, result in again)


def test_cancelling_takes_effect_before_the_next_batch(backend: LocalBackend, folder: Path) -> None:
    seen: list[Any] = []
    stream = backend.chunks(tiny_models.checkpoint(folder), REQUESTS, cancelled=lambda: len(seen) == 1)
    with pytest.raises(Cancelled):
        seen.extend(stream)
    assert len(seen) == 1


@pytest.fixture
def side_by_side(backend: LocalBackend) -> LocalBackend:
    """Two chunks at once."""
    return LocalBackend(backend.settings.model_copy(update={"threads": 2}))


def test_chunks_side_by_side_are_those_of_one_thread(
    backend: LocalBackend, side_by_side: LocalBackend, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = tiny_models.checkpoint(folder)
    one_by_one = list(backend.chunks(checkpoint, REQUESTS))
    score(side_by_side, folder)  # what is found out once
    both, real, met = threading.Barrier(2), forward.packed, []

    def together(*args: Any) -> Any:
        with contextlib.suppress(threading.BrokenBarrierError):  # the last of an odd number
            met.append(both.wait(1))
        return real(*args)

    monkeypatch.setattr(forward, "packed", together)
    assert list(side_by_side.chunks(checkpoint, REQUESTS)) == one_by_one
    assert len(met) > 3


@pytest.mark.parametrize("way", ["library", "plain"])
def test_a_module_of_transformers_is_for_one_thread(
    way: Literal["library", "plain"],
    side_by_side: LocalBackend,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Some change their rotary frequencies in every call: two at once would get each other's."""
    monkeypatch.setattr(scorer, "compare", lambda *_: selfcheck.Verdict(way, "by the test"))
    name = "plain" if way == "plain" else "packed"
    busy, real, calls = threading.Lock(), getattr(forward, name), []

    def alone(*args: Any) -> Any:
        calls.append(args)
        assert busy.acquire(blocking=False)
        try:
            time.sleep(0.01)
            return real(*args)
        finally:
            busy.release()

    monkeypatch.setattr(forward, name, alone)
    score(side_by_side, folder)
    assert len(calls) > 3


def test_cancelling_side_by_side_keeps_what_has_begun(
    side_by_side: LocalBackend, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = list(side_by_side.chunks(tiny_models.checkpoint(folder), REQUESTS))
    seen: list[Any] = []
    begun: list[Any] = []
    real = forward.packed
    monkeypatch.setattr(forward, "packed", lambda *args: (begun.append(args), real(*args))[1])
    stream = side_by_side.chunks(tiny_models.checkpoint(folder), REQUESTS, cancelled=lambda: len(seen) == 1)
    with pytest.raises(Cancelled):
        seen.extend(stream)
    assert 2 <= len(begun) <= 3 < len(whole)  # two at a time, and the one that waited meanwhile
    assert seen == whole[: len(begun)]


def running_out(most: int, real: Callable[..., Any]) -> Callable[..., Any]:
    def packed(model: Any, batch: PackedBatch, trunk: Any = None) -> Any:
        if batch.ids.numel() > most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(model, batch, trunk)

    return packed


def test_batches_are_halved_when_memory_runs_out_and_it_is_remembered(
    backend: LocalBackend, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = score(backend, folder)
    monkeypatch.setattr(forward, "packed", running_out(70, forward.packed))
    assert close(score(backend, folder), expected)
    assert any("memory of cpu ran out" in note for note in backend.notes())
    monkeypatch.setattr(forward, "packed", running_out(0, forward.packed))
    with pytest.raises(LimitError, match="does not fit into the memory of cpu"):
        score(backend, folder)


def test_other_errors_are_not_taken_for_memory(
    backend: LocalBackend, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    score(backend, folder)

    def broken(*_: Any) -> Any:
        raise RuntimeError("shape mismatch")

    monkeypatch.setattr(forward, "packed", broken)
    with pytest.raises(RuntimeError, match="shape mismatch"):
        score(backend, folder)


def test_the_head_in_slices_gives_the_same(
    backend: LocalBackend, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = score(backend, folder)
    monkeypatch.setattr(forward, "_HEAD_ELEMENTS", 3 * tiny_models.VOCABULARY)
    assert close(score(backend, folder), expected)


def test_half_precision_is_near_and_its_scope_is_another(folder: Path, tmp_path: Path) -> None:
    full = LocalBackend(Settings(home=tmp_path, device="cpu"))
    half = LocalBackend(Settings(home=tmp_path, device="cpu", dtype="bfloat16"))
    a, b = score(full, folder), score(half, folder)
    errors = np.array([abs(a[i].ll_nats - b[i].ll_nats) / a[i].tokens for i in a])
    assert errors.max() < 1.0
    assert half.notes() == []
    checkpoint = tiny_models.checkpoint(folder)
    assert full.scope(checkpoint) != half.scope(checkpoint)
