"""That it says so where there is no device, and that its share of the peak is the formula's."""

from __future__ import annotations

import json

import pytest
import torch
import typer

from benchmarks.prepared import made
from benchmarks.speed import gpu


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is there")
def test_without_a_device_it_says_so_in_a_sentence(capsys) -> None:
    with pytest.raises(typer.Exit) as caught:
        gpu.main()
    assert caught.value.exit_code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == gpu.ABSENT + "\n"


def test_the_share_of_the_peak_is_operations_over_seconds() -> None:
    config = {"hidden_size": 2, "intermediate_size": 3, "num_hidden_layers": 5}
    assert gpu.layer_parameters(config) == 5 * (4 * 4 + 3 * 6)
    row = {
        "computed_tokens": 10,
        "scored_positions": 4,
        "harness_tokens": 100,
        "ours_s": 1.0,
        "harness_s": 2.0,
    }
    found = gpu.mfu(row, config, 7, peak=1e-8)
    assert found["ours_mfu"] == pytest.approx((2 * 170 * 10 + 2 * 2 * 7 * 4) / 1e4, abs=1e-4)
    assert found["harness_mfu"] == pytest.approx((2 * 170 * 100 + 2 * 2 * 7 * 100) / 2e4, abs=1e-4)
    assert gpu.mfu(row, config, 7, None) == {"peak_tflops": None, "ours_mfu": None, "harness_mfu": None}


def test_a_card_is_known_by_its_name() -> None:
    assert gpu.peak_of("NVIDIA H100 80GB HBM3", "bfloat16") == 989.4
    assert gpu.peak_of("NVIDIA H100 PCIe", "bfloat16") == 756.0
    assert gpu.peak_of("NVIDIA L40S", "float32") == 91.6
    assert gpu.peak_of("NVIDIA L4", "float16") == 121.0
    assert gpu.peak_of("NVIDIA Unheard", "float32") is None


@pytest.mark.slow
def test_the_table_is_made_as_on_a_card(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(made, "RESULTS", tmp_path)
    monkeypatch.setattr(gpu, "BATCHES", (8,))
    gpu.main(
        models="tiny", shots="1", dtypes="float32", questions=4, repeats=1, peak_tflops=1.0, device="cpu"
    )
    (row,) = json.loads((tmp_path / "gpu.json").read_text())["rows"]
    assert row["within_bound"]
    assert row["computed_tokens"] < row["harness_tokens"]
    assert 0 < row["ours_mfu"] < 1
    assert "of the unique; MFU ours " in capsys.readouterr().out
