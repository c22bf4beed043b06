"""How the studies on the other generator are run: cell by cell, so that one that was stopped goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.coverage.elsewhere.generator import Cell


def finished(
    cells: Mapping[str, Cell], work: Path | None, counted: Callable[[Cell], Any], prefix: str = ""
) -> dict[str, Any]:
    """{cell: what is counted of it}; what lies in `work` is taken from there, and what is new is put there."""
    found = {}
    for name, cell in cells.items():
        kept = work / f"{prefix}{name}.json" if work else None
        if kept and kept.exists():
            found[name] = json.loads(kept.read_text(encoding="utf-8"))
            continue
        found[name] = counted(cell)
        if kept:
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps(found[name]), encoding="utf-8")
        print(name, flush=True)
    return found
