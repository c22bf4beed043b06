"""Replay of rendered elements while their inputs are unchanged.

Streamlit's own replay of elements does it. Only what is no widget may be drawn so.
Tested in tests/ui/cache/test_element_replay.py.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import streamlit as st

from e2lm_core.ui.app import viewport
from e2lm_core.ui.cache.store import Kept

# Charts, tables and rows of cards, of all sets and pages: about 50 kB each.
MOST = 600
_TOKENS, _NUMBERS = Kept("tokens"), itertools.count(1)
_PLAIN = (str, int, float, bool, type(None))


def once(of: tuple[object, ...], draw: Callable[[], None]) -> None:
    """Draw, or send again what was drawn of the same things in the same theme and kind of window.

    `of` holds all that the drawing depends on, and what tells it from others: texts and numbers are compared by
    what they are, all else by identity, so it must be what `Kept` and the readers of sets and results give.
    """
    where = (st.context.theme.type, viewport.is_narrow())
    # By name: of what has none, Streamlit asks the signature each time.
    _replayed(token="|".join(map(_token, (*where, *of))), _draw=draw)


@st.cache_resource(max_entries=MOST, show_spinner=False)
def _replayed(token: str, _draw: Callable[[], None]) -> bool:
    _draw()
    return True


def _token(part: object) -> str:
    """A text that is another for another part, for as long as that is kept."""
    if isinstance(part, _PLAIN):
        return repr(part)
    if isinstance(part, tuple):
        return f"({','.join(map(_token, part))})"
    return f"#{_TOKENS.made_of((part,), '', lambda: next(_NUMBERS))}"
