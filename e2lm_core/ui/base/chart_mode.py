"""Charts as pictures of the server, until the visitor touches one; then as Plotly's, in the whole session.

Plotly's script is half of the bytes of a first visit. A picture shows the same axes, names and colours, and the value
of a point on hover.
Tested in tests/ui/browser/test_first_picture.py.
"""

from __future__ import annotations

import zlib
from base64 import b64encode

import streamlit as st

from e2lm_core.ui.base import language, markdown

KEY = "interactive_charts"


def is_interactive() -> bool:
    """Whether the visitor has touched a chart in this session."""
    return bool(st.session_state.get(KEY))


def make_interactive() -> None:
    """Draw charts as Plotly's from now on."""
    st.session_state[KEY] = True


def show_picture(svg: str, key: str, height: int) -> None:
    """Draw a chart's picture, which a click or Enter turns into Plotly's chart.

    `st.html` allows no SVG, and a component cannot be replayed: the element carries the picture packed, and the script
    of `ui/app/chart_tools.py` unpacks it.

    Args:
        svg: Picture as of `charts.svg.figure.draw_figure`.
        key: Key of the chart's element.
        height: Its height in pixels.
    """
    st.html(
        markdown.empty_element(
            {
                "class": "studio-figure",
                "data-chart": key,
                "data-picture": b64encode(zlib.compress(svg.encode())).decode(),
                "style": f"height:{height}px",
                "title": language.translate("Click for zoom, single lines and downloads"),
            }
        )
    )
