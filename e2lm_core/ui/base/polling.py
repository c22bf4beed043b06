"""Poll intervals."""

from __future__ import annotations

from e2lm_core.ui.base.streamlit_internals import session_count

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


def poll_interval(base_s: float, is_own_run: bool) -> float:
    """Seconds between two looks at a run: the base interval, longer the more sessions there are.

    base_s * max(1, sessions / few), where few is `SOME_SESSIONS` for the session's own run and
    `FEW_SESSIONS` otherwise.

    Args:
        base_s: Interval in seconds with few sessions.
        is_own_run: Whether this session started the run and would notice a longer interval.
    """
    return base_s * max(1.0, session_count() / (SOME_SESSIONS if is_own_run else FEW_SESSIONS))
