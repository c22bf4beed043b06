"""What a process that scores does with its memory: neither the imports nor a batch's tensors are handled again."""

from __future__ import annotations

import ctypes
import gc
from functools import cache

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h of glibc
_KEPT_BYTES = 256 * 2**20  # free at the heap's end, in each thread
_HEAP_BYTES = 32 * 2**20  # the largest tensor that comes from the heap; glibc takes no higher figure


@cache
def settle() -> None:
    """Once in a process, when torch and transformers are imported.

    Their objects are left out of garbage collections, of which a full one took .2 s, amid an edit as well.
    And glibc keeps what a batch frees for the next one, instead of giving it back to the system and getting
    it anew page by page: up to a tenth of a small model's time. With another C library that stays as it is.
    """
    gc.freeze()
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return
    mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
    mallopt(_MMAP_THRESHOLD, _HEAP_BYTES)
