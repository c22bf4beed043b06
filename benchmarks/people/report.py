"""What a crowd has seen, as percentiles and slopes of memory, and as the table that is printed."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any

from benchmarks.people.crowd import Crowd
from benchmarks.people.server import Look

TARGETS = {"page_p95_s": 2.0, "edit_p95_s": 1.0}


def told(seen: Crowd, looks: Sequence[Look]) -> dict[str, Any]:
    """The report: percentiles by page and of edits, errors, CPU seconds a step, memory and its slope."""
    by_page: dict[str, list[float]] = {}
    for page, waited in seen.visits:
        by_page.setdefault(page, []).append(waited)
    first, last = looks[0], looks[-1]
    steps = len(seen.visits) + len(seen.on_disk)
    middle = (first.at_s + last.at_s) / 2
    return {
        "pages": {page: waits(values) for page, values in sorted(by_page.items())},
        "all_pages": waits([waited for _, waited in seen.visits]),
        "edits_on_disk": waits(seen.on_disk),
        "edits_shown": waits(seen.shown),
        "errors": dict(Counter(seen.errors)),
        "lost_edits": seen.lost,
        "server_cpu_s_a_step": round((last.server_cpu_s - first.server_cpu_s) / max(1, steps), 4),
        "all_cpu_s_a_step": round((last.all_cpu_s - first.all_cpu_s) / max(1, steps), 4),
        "server_mb": memory([(look.at_s, look.server_mb) for look in looks], middle),
        "all_mb": memory([(look.at_s, look.all_mb) for look in looks], middle),
        "targets": TARGETS,
    }


def waits(values: Sequence[float]) -> dict[str, float] | None:
    """How many, their median, 95th percentile and worst, in seconds."""
    if not values:
        return None
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return {
        "n": len(ordered),
        "p50": round(statistics.median(ordered), 3),
        "p95": round(p95, 3),
        "max": round(ordered[-1], 3),
    }


def memory(points: Sequence[tuple[float, float]], middle: float) -> dict[str, float | None]:
    """MB at the start, the most and at the end, and MB a minute in either half."""
    values = [mb for _, mb in points]
    return {
        "start": round(values[0]),
        "most": round(max(values)),
        "end": round(values[-1]),
        "first_half_a_minute": slope([p for p in points if p[0] <= middle]),
        "second_half_a_minute": slope([p for p in points if p[0] > middle]),
    }


def slope(points: Sequence[tuple[float, float]]) -> float | None:
    """MB a minute by least squares; None of fewer than two points."""
    if len(points) < 2:
        return None
    return round(60 * statistics.linear_regression(*zip(*points, strict=True)).slope, 1)


def show(report: dict[str, Any]) -> None:
    """The report as a table."""
    print(f"{report['sessions']} sessions, {report['seconds']:.0f} s, load {report['machine']['load']}")
    rows = {**report["pages"], "ALL PAGES": report["all_pages"]}
    rows |= {"edit on disk": report["edits_on_disk"], "edit shown": report["edits_shown"]}
    print(f"{'':16} {'n':>6} {'p50':>8} {'p95':>8} {'max':>8}")
    for name, row in rows.items():
        if row:
            print(f"{name:16} {row['n']:6} {row['p50']:8.2f} {row['p95']:8.2f} {row['max']:8.2f}")
    print(f"CPU s a step: server {report['server_cpu_s_a_step']}, with workers {report['all_cpu_s_a_step']}")
    for name in ("server_mb", "all_mb"):
        m = report[name]
        print(
            f"{name}: {m['start']} at the start, {m['most']} at most, {m['end']} at the end; "
            f"a minute {m['first_half_a_minute']}, then {m['second_half_a_minute']}"
        )
    if report["beside_run"] is not None:
        print(f"the run beside: {report['beside_run']:.2%} done")
    print(f"errors: {report['errors'] or 'none'}; lost edits: {report['lost_edits']}")
