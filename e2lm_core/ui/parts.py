"""How things are drawn on every page: the finding, a chart with its table, a score, an empty state."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from .. import charts, phrasing
from ..records import Value
from .session import set_name


def header(title: str, finding: str) -> None:
    """A page's title and the one computed sentence that is its answer."""
    st.title(title, anchor=False)
    st.markdown(finding)


def chart(figure: go.Figure, key: str, alt: str) -> None:
    """Drawn as it is: the figure carries the theme's own colours, so Streamlit's are switched off."""
    st.plotly_chart(figure, theme=None, key=key, config=charts.CONFIG, alt=alt)


def narrow() -> bool:
    """Whether the browser's window is a phone's; its user agent says so before its size is known."""
    agent = st.context.headers.get("User-Agent") or ""
    return "Mobi" in agent or st.query_params.get("narrow") == "1"


def table(frame: pd.DataFrame, name: str, key: str, height: int | str = "auto", **options) -> None:
    """The numbers behind a chart, and their download."""
    st.dataframe(frame, hide_index=True, height=height, key=f"{key}_table", **options)
    st.download_button(
        "Download CSV",
        frame.to_csv(index=False).encode(),
        file_name=f"{set_name()}-{name}.csv",
        mime="text/csv",
        key=f"{key}_csv",
        icon=":material/download:",
        on_click="ignore",
    )


def score(label: str, value: Value, curve: list[float] | None = None) -> None:
    """A headline number with its formula on hover; undefined is a dash, and the hover says why."""
    help_text = phrasing.SCORE_HELP[label]
    if value.value is None:
        help_text = f"Undefined here: {value.why}\n\n{help_text}"
    st.metric(
        label,
        phrasing.score(value.value),
        delta=None if value.value is not None else "undefined",
        delta_color="off",
        delta_arrow="off",
        help=help_text,
        border=True,
        chart_data=curve if value.value is not None and curve and len(curve) > 1 else None,
        chart_type="line",
    )


def empty(sentence: str, icon: str = ":material/hourglass_empty:") -> None:
    """An empty state: what is missing, with what to do about it drawn below by the caller."""
    st.info(sentence, icon=icon)
