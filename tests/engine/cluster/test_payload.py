"""What is sent comes back as it was, and holds no path."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from e2lm_core.base.records import Loglikelihood, ScoredChunk
from e2lm_core.engine.batches.tokenise import Encoded
from e2lm_core.engine.cluster import payload


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.int64, torch.bool])
def test_tensors_come_back_bit_for_bit(dtype: torch.dtype) -> None:
    torch.manual_seed(1)
    weights = {
        "matrix": torch.randn(5, 3).to(dtype),
        "turned": torch.randn(4, 6).to(dtype).T,
        "number": torch.tensor(1.5).to(dtype),
        "empty": torch.zeros(0, 3).to(dtype),
    }
    sent = payload.tensors_to_arrays(weights)
    for _, _, data in sent.values():
        data.setflags(write=False)  # as shared memory is
    back = payload.arrays_to_tensors(sent)
    assert back.keys() == weights.keys()
    for name, tensor in weights.items():
        assert back[name].dtype == dtype
        assert torch.equal(back[name], tensor)


def test_requests_come_back() -> None:
    encoded = [
        Encoded(np.array(a, np.int32), np.array(b, np.int32)) for a, b in (([1, 2, 3], [3, 4]), ([7], [8]))
    ]
    sent = payload.pack_requests(encoded)
    back = payload.unpack_requests(sent)
    assert all(
        np.array_equal(x, y) for a, b in zip(encoded, back, strict=True) for x, y in zip(a, b, strict=True)
    )
    assert payload.key_of(sent) == payload.key_of(payload.pack_requests(encoded))
    assert payload.key_of(sent) != payload.key_of(payload.pack_requests(encoded[::-1]))
    assert payload.unpack_requests(payload.pack_requests([])) == []


def test_results_come_back_bit_for_bit() -> None:
    chunk = ScoredChunk(
        [(3, Loglikelihood(-1.1, 2)), (0, Loglikelihood(-(2**0.5), 1))], tokens=9, harness_tokens=30
    )
    back = payload.from_piece(payload.to_piece(chunk))
    assert back == chunk
    assert (back.tokens, back.harness_tokens) == (9, 30)


def test_a_configuration_loses_its_paths_and_nothing_else() -> None:
    config = {
        "model_type": "llama",
        "_name_or_path": "/home/somebody/run7",
        "rope": {"kind": "default", "name_or_path": "x", "file": "~/notes"},
        "layers": [{"window": 8, "cache": "/scratch/x"}],
        "hidden_size": 8,
    }
    assert json.loads(payload.without_paths(json.dumps(config))) == {
        "model_type": "llama",
        "rope": {"kind": "default"},
        "layers": [{"window": 8}],
        "hidden_size": 8,
    }
