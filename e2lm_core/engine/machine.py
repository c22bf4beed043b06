"""Which device computes, in which dtype, and how many tokens it is given at a time."""

from __future__ import annotations

import torch

from e2lm_core.base.errors import StudioError

# A batch should keep the device busy for a fraction of a second: longer, and cancelling becomes slow;
# shorter, and the cost of launching it shows. On a CPU a batch that leaves the cache is also slower.
CPU_BATCH_FLOP = 5e10
CPU_BATCH_TOKENS = (256, 1_024)
ACCELERATOR_BATCH_FLOP = 1e14
ACCELERATOR_BATCH_TOKENS = (2_048, 65_536)


def choose_device(name: str | None) -> torch.device:
    """The device of that name, or the best one found: CUDA, then MPS, then the CPU.

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
    """Tokens of a batch = FLOP of a batch / (2 · parameters), within bounds."""
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
