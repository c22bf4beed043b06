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

T = TypeVar("T")
# A batch should keep the device busy for a fraction of a second: longer, and cancelling becomes slow;
# shorter, and the cost of launching it shows. On a CPU a batch that leaves the cache is also slower.
CPU_BATCH_FLOP = 2.5e10
CPU_BATCH_TOKENS = (256, 1_024)
ACCELERATOR_BATCH_FLOP = 1e14
ACCELERATOR_BATCH_TOKENS = (2_048, 65_536)
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h of glibc
_KEPT_BYTES = 256 * 2**20  # free at the heap's end, in each thread
_HEAP_BYTES = 32 * 2**20  # the largest tensor that comes from the heap; glibc takes no higher figure


def choose_device(name: str | None) -> torch.device:
    """The device of that name (E2LM_DEVICE), or the best one there: CUDA, then MPS, then the CPU.

    Raises `StudioError` where the name is not a device of this machine.
    """
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if name is None:
        return torch.device("cuda" if cuda else "mps" if mps else "cpu")
    there = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count())), *(["mps"] if mps else [])]
    wanted = "cuda:0" if name == "cuda" else name
    if wanted not in there:
        raise StudioError(
            f"E2LM_DEVICE is {name!r}, which this machine does not have; use {', '.join(there)}."
        )
    return torch.device(wanted)


def batch_tokens(device: torch.device, parameters: int) -> int:
    """Tokens of a batch = FLOP of a batch / (2 · parameters), within the device's bounds."""
    on_cpu = device.type == "cpu"
    flop = CPU_BATCH_FLOP if on_cpu else ACCELERATOR_BATCH_FLOP
    low, high = CPU_BATCH_TOKENS if on_cpu else ACCELERATOR_BATCH_TOKENS
    return int(min(high, max(low, flop / (2 * max(1, parameters)))))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device or the host could not give the memory that was asked for."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and (
        "out of memory" in text or "can't allocate memory" in text or "not enough memory" in text
    )


@cache
def settle() -> None:
    """Keep imported objects and freed tensors from being handled again; once a process, after the imports.

    The objects of torch and transformers are left out of garbage collections, of which a full one took 0.2 s,
    amid an edit as well. And glibc keeps what a batch frees for the next one, instead of giving it back to
    the system and getting it anew page by page: up to a tenth of a small model's time. With another C library
    that stays as it is.
    """
    gc.freeze()
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return
    mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
    mallopt(_MMAP_THRESHOLD, _HEAP_BYTES)


def in_order(pool: Executor, tasks: Iterable[Callable[[], T]], ahead: int) -> Iterator[T]:
    """Each task's result; at most `ahead` tasks are given to the pool whose results nobody has taken.

    Where a task or the making of one raises, or the caller takes no more, those that have not begun are
    dropped and those that have are waited for: nothing runs on after the iterator's end.
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
