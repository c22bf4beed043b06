"""Short forms of what is measured on a Ray cluster: kills of each kind, the planner beside a run, one worker against two."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks.cluster import fleet
from tests.conftest import ROOT, needs


def run(module: str, *options: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.cluster.{module}", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-2_000:]
    return done.stdout


@pytest.mark.slow
def test_an_actor_a_node_and_the_driver_are_killed() -> None:
    """Longer than other slow tests: some ten processes of a real cluster each import torch, and nodes are missed
    only after seconds."""
    needs("ray")
    said = run("kills", "--kills", "3", "--checkpoints", "3")
    assert "3 kills (1 actor, 1 node, 1 driver)" in said
    assert "0 different, 0 miscounted" in said


@pytest.mark.slow
def test_the_planner_stands_beside_a_run() -> None:
    assert "planned" in run("fleet", "--short", "--only", "30m")


def test_the_studys_page() -> None:
    row = {
        "fleet": "ladder",
        "backend": "local",
        "checkpoints": 153,
        "questions": 412,
        "calibrated_on": "27 × 50 and 150",
        "calibration_s": 20.0,
        "planned_s": 30.0,
        "took_s": 33.0,
        "ratio": 30 / 33,
        "load": [1.0, 2.0],
    }
    assert "| ladder | local | 153 × 412 |" in fleet.page([row])
