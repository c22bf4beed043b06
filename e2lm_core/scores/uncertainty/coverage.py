"""Reads the measured coverage of the intervals, `coverage.json`, which `benchmarks/coverage/scores.py` writes."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from e2lm_core.scores.uncertainty.rules import CoverageTable

FILE = Path(__file__).parent / "coverage.json"


@lru_cache(maxsize=1)
def load() -> CoverageTable:
    """The table that ships with the studio."""
    return CoverageTable.of(json.loads(FILE.read_text(encoding="utf-8")))
