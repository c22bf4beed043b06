"""Poll intervals."""

from __future__ import annotations

from streamlit import runtime

# A chart is drawn whole, which takes the browser a moment.
CHARTS_S = 2.0
# A line of text or a bar: the strip, a run's table, a download.
PROGRESS_S = 1.0
# An edit's first points are there in less than a second, and somebody waits for them.
EDIT_S = 0.5
# So many sessions look as often as they like at what others do; more take turns.
FEW_SESSIONS = 4
# So many may each follow a run of their own as closely as they like.
SOME_SESSIONS = 16


def poll_interval(base_s: float, is_own_run: bool) -> float:
    """How often to look at a run: whoever started it as often as that wants, others less often the more they are.

    The same holds of one's own where a moment more is not noticed: `mine` is false then. Where many are here, one's
    own waits a little too.
    """
    return base_s * max(1.0, session_count() / (SOME_SESSIONS if is_own_run else FEW_SESSIONS))


def session_count() -> int:
    """How many sessions the server has; 1 where there is no server, or none that tells."""
    if runtime.exists() and (known := getattr(runtime.get_instance(), "_session_mgr", None)) is not None:
        return int(known.num_active_sessions())
    return 1
