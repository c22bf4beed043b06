from __future__ import annotations

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource
import torch
from e2lm_core.engine.memory import settle

torch.set_num_threads(1)
if {settled}:
    settle()

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def batch():
    parts = [torch.ones(2**20) for _ in range(6)]  # of 4 MB each
    return sum(part[0] for part in parts)

for _ in range(3):
    batch()
before = faults()
for _ in range(50):
    batch()
print(faults() - before)
"""


def faults(settled: bool) -> int:
    run = subprocess.run(
        [sys.executable, "-c", FAULTS.format(settled=settled)], capture_output=True, text=True, check=True
    )
    return int(run.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's own settings")
def test_a_batch_gets_the_memory_of_the_one_before() -> None:
    """50 batches of 24 MB are 300,000 pages of 4 kB, if each has to be asked for."""
    assert faults(settled=True) < 10_000 < faults(settled=False)


def test_imports_are_left_out_of_collections() -> None:
    script = (
        "import gc\n"
        "import torch\n"
        "from e2lm_core.engine.memory import settle\n"
        "before = len(gc.get_objects())\n"
        "settle()\n"
        "print(before, len(gc.get_objects()))\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    before, after = map(int, run.stdout.split())
    assert after < 0.01 * before
