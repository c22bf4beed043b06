"""Keeps imported modules out of garbage collections, which would stop an edit for up to .4 s.

Tested in tests/whole/test_memory.py.
"""

from __future__ import annotations

import gc
import sys

import streamlit as st

# Modules; fewer are left to the next time.
_MANY = 20


def keep_imports() -> None:
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
