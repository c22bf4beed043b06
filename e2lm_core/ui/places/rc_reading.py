"""Controls for the RC definition and for the metric beside it.

Tested in tests/pages/test_score.py.
"""

from __future__ import annotations

import streamlit as st

from e2lm_core.scores.ranking import readings
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import language, viewport
from e2lm_core.ui.cache import results


def score_controls(metric_key: str, page: str) -> None:
    """Draw the controls for the metric and the RC definition side by side.

    Args:
        metric_key: Key of the metric's control.
        page: Page of the RC control, see `rc_reading_control`.
    """
    with st.container(horizontal=not viewport.is_narrow(), vertical_alignment="bottom", gap="medium"):
        widgets.metric_control(metric_key, explained=True)
        rc_reading_control(page)


def rc_reading_control(page: str) -> None:
    """Draw the control of a page for the RC definition, which then holds for all pages of the session."""
    names, key = list(readings.READINGS), f"{page}_rc"

    def keep() -> None:
        st.session_state[results.READING] = st.session_state[key]

    st.selectbox(
        language.translate("RC"),
        names,
        index=names.index(results.reading()),
        format_func=lambda name: language.translate(readings.LABELS[name]),
        key=key,
        on_change=keep,
        width=280,
        help=widgets.explained_lines(
            {language.translate(readings.LABELS[name]): readings.HELP[name] for name in names}
        ),
    )
