"""Device, memory and cores of this machine."""

from __future__ import annotations

import ctypes
import gc
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, wait
from functools import cache
from typing import TypeVar

import torch

from e2lm_core.base.errors import StudioError
from e2lm_core.base.sentences import Sentence

T = TypeVar("T")
# A batch should keep the device busy for a fraction of a second: a longer one makes cancelling slow, and a
# shorter one spends much of its time on the launch. On a CPU a batch that exceeds the cache is also slower.
CPU_BATCH_FLOP = 2.5e10
CPU_BATCH_TOKENS = (256, 1_024)
ACCELERATOR_BATCH_FLOP = 1e14
ACCELERATOR_BATCH_TOKENS = (2_048, 65_536)
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h of glibc
_KEPT_BYTES = 256 * 2**20  # free memory that stays at the end of each thread's heap
_HEAP_BYTES = 32 * 2**20  # the largest tensor that comes from the heap; glibc takes no higher figure


def choose_device(name: str | None) -> torch.device:
    """The device named by E2LM_DEVICE, or the best one available: CUDA, then MPS, then the CPU.

    Raises:
        StudioError: The name is not a device of this machine.
    """
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if name is None:
        return torch.device("cuda" if cuda else "mps" if mps else "cpu")
    there = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count())), *(["mps"] if mps else [])]
    wanted = "cuda:0" if name == "cuda" else name
    if wanted not in there:
        raise StudioError(
            Sentence(
                "E2LM_DEVICE is {name}, which this machine does not have; use {there}.",
                name=repr(name),
                there=", ".join(there),
            )
        )
    return torch.device(wanted)


def batch_tokens(device: torch.device, parameters: int) -> int:
    """Tokens of a batch: FLOP of a batch / (2 · parameters), within the device's bounds."""
    on_cpu = device.type == "cpu"
    flop = CPU_BATCH_FLOP if on_cpu else ACCELERATOR_BATCH_FLOP
    low, high = CPU_BATCH_TOKENS if on_cpu else ACCELERATOR_BATCH_TOKENS
    return int(min(high, max(low, flop / (2 * max(1, parameters)))))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that a device or the host ran out of memory."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and (
        "out of memory" in text or "can't allocate memory" in text or "not enough memory" in text
    )


@cache
def settle() -> None:
    """Exclude imported objects from garbage collection and keep freed memory in the process.

    It takes effect once per process and is called after the imports. A full collection of the objects of
    torch and transformers took 0.2 s, in the middle of an edit too. glibc then keeps the memory that a batch
    frees for the next one, instead of returning it to the system and getting it anew page by page, which took
    up to a tenth of a small model's time. Another C library is left unchanged.
    """
    gc.freeze()
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return
    mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
    mallopt(_MMAP_THRESHOLD, _HEAP_BYTES)


def in_order(pool: Executor, tasks: Iterable[Callable[[], T]], ahead: int) -> Iterator[T]:
    """Yield each task's result, in order.

    If a task or the making of one raises, or the caller stops, tasks that have not begun are dropped and the
    others are waited for: nothing runs on after the iterator's end.

    Args:
        pool: Runs the tasks.
        tasks: The tasks, made one by one.
        ahead: Largest number of tasks in the pool with results that are not yet taken.
    """
    pending: deque[Future[T]] = deque()
    try:
        for task in tasks:
            pending.append(pool.submit(task))
            if len(pending) >= ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        wait([future for future in pending if not future.cancel()])
