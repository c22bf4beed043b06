"""Polling: its intervals, and redrawing the page from what polls."""

from __future__ import annotations

import streamlit as st

from e2lm_core.ui.base.streamlit_internals import is_fragment_run, session_count

# A chart is redrawn as a whole, which takes the browser a moment.
CHARTS_S = 2.0
# Small elements are polled more often: the status bar, a run's table, a download.
PROGRESS_S = 1.0
# The first points after an edit arrive in less than a second, and the author waits for them.
EDIT_S = 0.5
# Up to this number of sessions, runs of others are polled at the base interval; beyond it, less often.
FEW_SESSIONS = 4
# Up to this number of sessions, a session's own run is polled at the base interval.
SOME_SESSIONS = 16

_ASKED = "redraw_at_end"


def poll_interval(base_s: float, is_own_run: bool) -> float:
    """Seconds between two looks at a run: the base interval, longer the more sessions there are.

    base_s * max(1, sessions / few), where few is `SOME_SESSIONS` for the session's own run and
    `FEW_SESSIONS` otherwise.

    Args:
        base_s: Interval in seconds with few sessions.
        is_own_run: Whether this session started the run and would notice a longer interval.
    """
    return base_s * max(1.0, session_count() / (SOME_SESSIONS if is_own_run else FEW_SESSIONS))


def redraw_page() -> None:
    """Redraw the page from within a fragment that polls: at once, or at the page's end while the page itself is drawn.

    A page's drawing is not broken off, since it may be the answer to a click on a button further below, which
    would be lost.
    """
    if is_fragment_run():
        st.rerun()
    st.session_state[_ASKED] = True


def begin_page() -> None:
    """Forget what a drawing that was broken off has asked for."""
    st.session_state.pop(_ASKED, None)


def end_page() -> None:
    """Redraw the page if a fragment has asked for it meanwhile."""
    if st.session_state.pop(_ASKED, False):
        st.rerun()
