"""Register of selection rules tried on a set.

Kept beside the set, a line each, for all who choose among its questions; what was tried once counts once.
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

MOST = 10_000  # lines that are read: beyond them every rule has the last one's place


@access.reads
def record_trial(settings: Settings, name: str, trial: Sequence[str | None]) -> int:
    """The place of a trial (a rule, its metric and its source) among those of the set, from 1; noted where it is new.

    Raises no OSError: on a disk that refuses, it is as many as are known and one.
    """
    file = _file(settings, name)
    line, known = _line(trial), _known(file)
    if line in known:
        return _place(known, line)
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        # One write, at the file's end: two who try at once both stand in it.
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            os.write(descriptor, (line + "\n").encode())
        finally:
            os.close(descriptor)
        known = _known(file)
    return _place(known, line)


@access.reads
def next_trial_number(settings: Settings, name: str, trial: Sequence[str | None]) -> int:
    """The place of a trial that is not noted: that which it has, or would have now."""
    return _place(_known(_file(settings, name)), _line(trial))


@access.reads
def trial_count(settings: Settings, name: str) -> int:
    """How many rules were tried on the set."""
    return len(_known(_file(settings, name)))


def _line(trial: Sequence[str | None]) -> str:
    return json.dumps(list(trial), ensure_ascii=True)


def _place(known: Sequence[str], line: str) -> int:
    return known.index(line) + 1 if line in known else len(known) + 1


def _known(file: Path) -> list[str]:
    """The trials in the order of their first lines."""
    try:
        with file.open(encoding="utf-8") as lines:
            read = [line.rstrip("\n") for _, line in zip(range(MOST), lines, strict=False)]
    except (OSError, UnicodeDecodeError):
        return []
    return list(dict.fromkeys(line for line in read if line))


def _file(settings: Settings, name: str) -> Path:
    return settings.workspace / "tried" / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.jsonl"
