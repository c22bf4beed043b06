"""What the C library does with memory that a batch has freed: it is kept for the next one."""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h of glibc
_KEPT_BYTES = 256 * 2**20  # free at the heap's end, in each thread
_HEAP_BYTES = 32 * 2**20  # the largest tensor that comes from the heap; glibc takes no higher figure


def keep_freed_memory() -> None:
    """Otherwise glibc gives a batch's tensors back to the system, and gets them anew page by page: up to a
    tenth of a small model's time. Nothing happens where the C library is another."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return
    mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
    mallopt(_MMAP_THRESHOLD, _HEAP_BYTES)
