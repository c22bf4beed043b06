from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch

from benchmarks.speed import engine


@pytest.mark.slow
@pytest.mark.parametrize("kind", engine.HYBRIDS)
def test_types_whose_state_runs_along_the_text_are_scored_from_it(kind: str, tmp_path: Path) -> None:
    """Beside the harness itself, on few questions: equal, and nothing is computed as the harness does it."""
    rng = random.Random(0)
    words = engine.vocabulary(rng)
    tokenizer = engine.make_tokenizer(words, rng)
    folder = engine.make_model(tmp_path, kind, tokenizer)
    threads = torch.get_num_threads()
    requests = engine.make_requests(2, 1, words, tokenizer, rng)
    theirs = engine.harness(folder, 1)(requests)
    score, backend = engine.ours(folder, 1, requests[:1])
    assert all(abs(a - b) <= 1e-4 + 2e-6 * abs(b) for a, b in zip(score(requests), theirs, strict=True))
    assert any("from the state after" in note for note in backend.notes())
    torch.set_num_threads(threads)
