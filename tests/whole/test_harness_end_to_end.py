"""What leaves the studio is what the harness runs: an exported bundle scores alike in both."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT, needs

pytestmark = pytest.mark.slow


def studio(home: Path, *arguments: str) -> dict:
    run = subprocess.run(
        [sys.executable, "-m", "e2lm_core", *arguments, "--json"],
        cwd=ROOT,
        env=os.environ | {"E2LM_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.parametrize("num_fewshot", [0, 5])
def test_an_exported_bundle_runs_in_the_harness_and_gives_the_studios_acc(tmp_path, num_fewshot):
    """0-shot from the unpacked bundle, 5-shot from the set's own folder, which is the same format."""
    needs("ladder")
    home, away = tmp_path / "home", tmp_path / "elsewhere"
    task = "ladder_general"  # the smaller of the two in groups: the same code path in half the time
    row = studio(home, "checkpoints", "--unpack")["checkpoints"][-1]
    ours = studio(home, "evaluate", task, "--checkpoints", row["name"], "--num-fewshot", str(num_fewshot))
    studio(home, "export", task, "--out", str(tmp_path / "bundle.zip"))
    with zipfile.ZipFile(tmp_path / "bundle.zip") as bundle:
        bundle.extractall(away)
    include = away if num_fewshot == 0 else ROOT / "tasks"
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "lm_eval",
            "--include_path",
            str(include),
            "--tasks",
            task,
            "--model",
            "hf",
            "--model_args",
            f"pretrained={row['path']},dtype=float32",
            "--device",
            "cpu",
            "--batch_size",
            "16",
            "--num_fewshot",
            str(num_fewshot),
            "--output_path",
            str(tmp_path / "results"),
        ],
        cwd=tmp_path,
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    [written] = (tmp_path / "results").rglob("results_*.json")
    theirs = json.loads(written.read_text())["results"][task]
    curve = ours["curves"][row["model"]]
    assert curve["acc"] == [pytest.approx(theirs["acc,none"], abs=1e-12)]
    assert curve["acc_norm"] == [pytest.approx(theirs["acc_norm,none"], abs=1e-12)]
