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

# Modules; fewer are left to the next time.
_MANY = 20
# Of the C library: each redraw is a thread, and threads by themselves get up to eight heaps a core.
_ARENA_MAX, _ARENAS = -8, 2
TENDED_EVERY_S = 60.0


def freeze_imports() -> None:
    """Take what is there out of all later collections, once a page has imported something.

    With torch's and transformers' objects a full collection takes up to .4 s, in the middle of an edit.
    """
    kept = _kept()
    if len(sys.modules) - kept["modules"] >= _MANY:
        # What is garbage now would stay as well.
        gc.collect()
        gc.freeze()
        kept["modules"] = len(sys.modules)


@st.cache_resource(show_spinner=False)
def _kept() -> dict[str, int]:
    return {"modules": 0}


async def collect_periodically() -> None:
    """Once a minute, until cancelled, give back what nobody needs any more."""
    _c_library("mallopt", _ARENA_MAX, _ARENAS)
    while True:
        await asyncio.sleep(TENDED_EVERY_S)
        await asyncio.to_thread(release_memory)


def release_memory() -> None:
    """Collect what sessions left behind, end idle processes beside the pages, and return free pages to the system."""
    gc.collect()
    process_pool.rest()
    _c_library("malloc_trim", 0)


def _c_library(function: str, *arguments: int) -> None:
    """Call it where the C library has it; with another one its memory stays as it is."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        getattr(ctypes.CDLL(None), function)(*arguments)
