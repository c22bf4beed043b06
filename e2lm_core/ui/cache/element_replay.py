"""Replay of rendered elements while their inputs are unchanged.

Streamlit's own replay of elements does the work. It is for elements without widgets only.

Tested in tests/ui/cache/test_element_replay.py.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from e2lm_core.ui.base import chart_mode, language, page_cache, viewport

# Charts, tables and rows of cards, of all sets and pages: about 50 kB each.
MAX_ELEMENTS = 600


def once(inputs: tuple[object, ...], draw: Callable[[], None]) -> None:
    """Draw elements, or replay them if they were drawn from the same inputs before.

    The theme, the kind of window, wide or narrow, the visitor's language, and whether charts are pictures count as
    inputs.

    Args:
        inputs: All other inputs, see `page_cache.content_key`, and a text that distinguishes the drawing from
            others.
        draw: Draws the elements; must not draw a widget.
    """
    given = (
        st.context.theme.type,
        viewport.is_narrow(),
        language.current(),
        chart_mode.is_interactive(),
        *inputs,
    )
    key = repr(page_cache.content_key(given))
    # The arguments are passed by name: for positional ones Streamlit inspects the signature at each call.
    _replayed(key=key, _draw=draw)


@st.cache_resource(max_entries=MAX_ELEMENTS, show_spinner=False)
def _replayed(key: str, _draw: Callable[[], None]) -> bool:
    _draw()
    return True
