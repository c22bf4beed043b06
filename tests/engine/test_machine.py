from __future__ import annotations

import platform
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from e2lm_core.base.errors import StudioError
from e2lm_core.engine.machine import batch_tokens, choose_device, in_order, is_out_of_memory

FAULTS = """
import resource
import torch
from e2lm_core.engine.machine import settle

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


def test_devices_and_batches() -> None:
    assert choose_device("cpu") == torch.device("cpu")
    with pytest.raises(
        StudioError, match="E2LM_DEVICE is 'cuda:99', which this machine does not have; use cpu"
    ):
        choose_device("cuda:99")
    assert batch_tokens(torch.device("cpu"), 1_000) > batch_tokens(torch.device("cpu"), 10**8) == 256
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"))
    assert not is_out_of_memory(RuntimeError("shape mismatch"))


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
        "from e2lm_core.engine.machine import settle\n"
        "before = len(gc.get_objects())\n"
        "settle()\n"
        "print(before, len(gc.get_objects()))\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    before, after = map(int, run.stdout.split())
    assert after < 0.01 * before


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


def test_results_come_in_the_order_of_the_tasks(pool: ThreadPoolExecutor) -> None:
    second_done = threading.Event()

    def first() -> str:
        assert second_done.wait(10)
        return "first"

    def second() -> str:
        second_done.set()
        return "second"

    assert list(in_order(pool, [first, second], ahead=2)) == ["first", "second"]
    assert list(in_order(pool, [], ahead=2)) == []


def test_no_more_are_made_than_are_ahead(pool: ThreadPoolExecutor) -> None:
    made: list[int] = []

    def tasks() -> Iterator[Callable[[], int]]:
        for number in range(10):
            made.append(number)
            yield lambda number=number: number

    results = in_order(pool, tasks(), ahead=3)
    assert next(results) == 0
    assert made == [0, 1, 2]
    assert next(results) == 1
    assert made == [0, 1, 2, 3]
    assert list(results) == list(range(2, 10))


@pytest.mark.parametrize("ends", ["an error of a task", "an error of the making", "the caller's own"])
def test_nothing_runs_on_after_the_end(pool: ThreadPoolExecutor, ends: str) -> None:
    begun, over, go_on = [], [], threading.Event()

    def task(number: int) -> int:
        begun.append(number)
        if number == 1:
            go_on.wait(10)
        if number == 0 and ends == "an error of a task":
            raise ValueError("the first")
        over.append(number)
        return number

    def tasks() -> Iterator[Callable[[], int]]:
        for number in range(8):
            if number == 4 and ends == "an error of the making":
                raise ValueError("the making")
            yield lambda number=number: task(number)

    results = in_order(pool, tasks(), ahead=4)
    if ends == "the caller's own":
        assert next(results) == 0
        go_on.set()
        results.close()
    else:
        threading.Timer(0.2, go_on.set).start()
        with pytest.raises(ValueError, match="the first" if "task" in ends else "the making"):
            list(results)
    finished = list(over)
    assert set(begun) - {0} <= set(finished)  # what had begun was waited for
    pool.submit(lambda: None).result()
    assert over == finished
    assert len(begun) < 8
