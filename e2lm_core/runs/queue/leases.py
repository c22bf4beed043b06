"""Leases on a monotonic clock.

The wall clock may be set back or forward by an hour during a run. So leases count the seconds since the
machine was started, sleep included: the same for all processes, and never set. A lease from before the last
start lies ahead of that clock, or is older than itself, and is over either way.
"""

from __future__ import annotations

import time


def monotonic_now() -> float:
    """Seconds since the machine was started."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


# `lease_until` is the end by the wall clock, for readers.
SET_COLUMNS = "lease_until = ?, lease_from = ?, lease_s = ?"


def new_lease(lease_s: float) -> tuple[float, float, float]:
    """Values of `SET_COLUMNS` for a lease of `lease_s` seconds from now."""
    return time.time() + lease_s, monotonic_now(), lease_s


def lease_condition(now: float, table: str = "") -> str:
    """SQL condition for a row with `lease_from` and `lease_s` to be under lease at the time `now`.

    Args:
        now: Seconds since the machine was started, see `monotonic_now`.
        table: Name or alias of the table; "" for column names alone.
    """
    begun, lasts = (f"{table}.{name}" if table else name for name in ("lease_from", "lease_s"))
    return f"(coalesce({begun} <= {now!r} AND {now!r} - {begun} <= {lasts}, 0))"
