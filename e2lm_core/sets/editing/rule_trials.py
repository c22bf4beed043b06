"""Register of selection rules tried on a set.

One file for each set, one line for each trial, shared by all authors; a repeated trial counts once.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from e2lm_core.base.settings import Settings
from e2lm_core.people import access

MAX_LINES = 10_000  # lines read: beyond them every new rule gets the last number


@access.reads
def record_trial(settings: Settings, name: str, trial: Sequence[str | None]) -> int:
    """Record a trial of a selection rule and return its number among those of the set.

    Args:
        settings: The caller's settings.
        name: Name of an own set, or OWNER/NAME of a shared one.
        trial: The rule, its metric and its source.

    Returns:
        Number of the trial, from 1; that of the first time for a repeated one. If the disk refuses, nothing
        is recorded, and a new trial gets the next number.
    """
    file = _file(settings, name)
    line, known = _line(trial), _known(file)
    if line in known:
        return _place(known, line)
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        # A single appending write keeps the lines of two simultaneous trials.
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            os.write(descriptor, (line + "\n").encode())
        finally:
            os.close(descriptor)
        known = _known(file)
    return _place(known, line)


@access.reads
def next_trial_number(settings: Settings, name: str, trial: Sequence[str | None]) -> int:
    """Number that a trial has, or would get now; nothing is recorded."""
    return _place(_known(_file(settings, name)), _line(trial))


def _line(trial: Sequence[str | None]) -> str:
    return json.dumps(list(trial), ensure_ascii=True)


def _place(known: Sequence[str], line: str) -> int:
    return known.index(line) + 1 if line in known else len(known) + 1


def _known(file: Path) -> list[str]:
    """Distinct trials in the order of their first lines."""
    try:
        with file.open(encoding="utf-8") as lines:
            read = [line.rstrip("\n") for _, line in zip(range(MAX_LINES), lines, strict=False)]
    except (OSError, UnicodeDecodeError):
        return []
    return list(dict.fromkeys(line for line in read if line))


def _file(settings: Settings, name: str) -> Path:
    return settings.workspace / "tried" / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.jsonl"
