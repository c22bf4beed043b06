"""Garbage collection of the server process.

Tested in tests/whole/test_memory.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import sys

import streamlit as st

from e2lm_core.ui.cache import process_pool

# Number of newly imported modules that are worth a collection; fewer wait for the next time.
_MANY = 20
# A parameter of the C library and its value: each redraw is a thread, and by default threads get up to eight
# heaps a core.
_ARENA_MAX, _ARENAS = -8, 2
TENDED_EVERY_S = 60.0


def freeze_imports() -> None:
    """Exempt all present objects from later collections, once a page has imported many modules.

    With the objects of torch and transformers a full collection takes up to 0.4 s, in the middle of an edit.
    """
    kept = _kept()
    if len(sys.modules) - kept["modules"] >= _MANY:
        # Present garbage would otherwise be exempt too.
        gc.collect()
        gc.freeze()
        kept["modules"] = len(sys.modules)


@st.cache_resource(show_spinner=False)
def _kept() -> dict[str, int]:
    return {"modules": 0}


async def collect_periodically() -> None:
    """Release unused memory once a minute, until cancelled."""
    _c_library("mallopt", _ARENA_MAX, _ARENAS)
    while True:
        await asyncio.sleep(TENDED_EVERY_S)
        await asyncio.to_thread(release_memory)


def release_memory() -> None:
    """Collect garbage of ended sessions, end idle worker processes, return free memory to the system."""
    gc.collect()
    process_pool.rest()
    _c_library("malloc_trim", 0)


def _c_library(function: str, *arguments: int) -> None:
    """Call a function of the C library, if it has that function."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        getattr(ctypes.CDLL(None), function)(*arguments)
