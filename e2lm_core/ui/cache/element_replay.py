"""Replay of rendered elements while their inputs are unchanged.

Streamlit's own replay of elements does the work. It is for elements without widgets only.

Tested in tests/ui/cache/test_element_replay.py.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import streamlit as st

from e2lm_core.ui.base import viewport
from e2lm_core.ui.base.store import Kept

# Charts, tables and rows of cards, of all sets and pages: about 50 kB each.
MAX_ELEMENTS = 600
_TOKENS, _NUMBERS = Kept("tokens"), itertools.count(1)
_PLAIN = (str, int, float, bool, type(None))


def once(of: tuple[object, ...], draw: Callable[[], None]) -> None:
    """Draw elements, or replay them if they were drawn from the same inputs before.

    The theme and the kind of window, wide or narrow, count as inputs.

    Args:
        of: All other inputs, and a text that distinguishes the drawing from others. Texts and numbers are
            compared by value, everything else by identity: it must come from `Kept` or from the readers of
            sets and results, which return the same object for the same content.
        draw: Draws the elements; must not draw a widget.
    """
    where = (st.context.theme.type, viewport.is_narrow())
    # The arguments are passed by name: for positional ones Streamlit inspects the signature at each call.
    _replayed(token="|".join(map(_token, (*where, *of))), _draw=draw)


@st.cache_resource(max_entries=MAX_ELEMENTS, show_spinner=False)
def _replayed(token: str, _draw: Callable[[], None]) -> bool:
    _draw()
    return True


def _token(part: object) -> str:
    """A text that is unique to a value for as long as the value lives."""
    if isinstance(part, _PLAIN):
        return repr(part)
    if isinstance(part, tuple):
        return f"({','.join(map(_token, part))})"
    return f"#{_TOKENS.made_of((part,), '', lambda: next(_NUMBERS))}"
