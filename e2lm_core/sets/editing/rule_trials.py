"""Register of selection rules tried on the same questions.

A trial is a rule, its metric, its source and its models, and the rules that chose the set before. It is counted on the
questions' texts, so that a copy and another fleet count on, and on the set's name, so that an edit does too. A trial on
a set that a rule made counts on from the parent, and on the parent as well: all ways from one set count together. The files are shared by all authors of a workspace; a repeated trial counts once.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from e2lm_core.base.records import SelectionOrigin, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.people import access
from e2lm_core.sets import selection_origin

MAX_LINES = 10_000  # lines read: beyond them every new rule gets the last number


@access.reads
def record_trial(
    settings: Settings, name: str, trial: Sequence[str | None], task: TaskSet, models: Sequence[str]
) -> int:
    """Record a trial of a selection rule and return its number among those of the same questions.

    Args:
        settings: The caller's settings.
        name: Name of an own set, or OWNER/NAME of a shared one.
        trial: The rule, its metric and its source.
        task: The set.
        models: Names of the models whose results the rule reads.

    Returns:
        Number of the trial, from 1; that of the first time for a repeated one. If the disk refuses, nothing
        is recorded, and a new trial gets the next number.
    """
    files = _files(settings, name, task)
    line, known = _line(trial, models, task), _known(files)
    if line not in known:
        known.append(line)
    for file in files:
        has = {*_lines(file)}
        if lacking := [one for one in known if one not in has]:
            _append(file, lacking)
    known = _known(files)  # again, since another may have recorded a trial at the same time
    return known.index(line) + 1 if line in known else len(known) + 1


@access.reads
def next_trial_number(
    settings: Settings, name: str, trial: Sequence[str | None], task: TaskSet, models: Sequence[str]
) -> int:
    """Number that a trial has, or would get now; nothing is recorded."""
    line, known = _line(trial, models, task), _known(_files(settings, name, task))
    return known.index(line) + 1 if line in known else len(known) + 1


def _append(file: Path, lines: Sequence[str]) -> None:
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        # A single appending write keeps the lines of two simultaneous trials.
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            os.write(descriptor, "".join(f"{line}\n" for line in lines).encode())
        finally:
            os.close(descriptor)


def _line(trial: Sequence[str | None], models: Sequence[str], task: TaskSet) -> str:
    """Line of a trial; one on a set that no rule made has no part for the rules before."""
    before = [[one.rule, one.source] for one in _origins(task)]
    return json.dumps(
        [*trial, selection_origin.models_digest(models), *([before] if before else [])], ensure_ascii=True
    )


def _origins(task: TaskSet) -> Iterator[SelectionOrigin]:
    """Rules that made a set, the last one first."""
    origin = selection_origin.origin_of_set(task)
    while origin is not None:
        yield origin
        origin = origin.earlier


def _known(files: Sequence[Path]) -> list[str]:
    """Distinct trials of all files, those of the questions' first."""
    return list(dict.fromkeys(line for file in files for line in _lines(file)))


def _lines(file: Path) -> list[str]:
    """Distinct trials of a file in the order of their first lines."""
    try:
        with file.open(encoding="utf-8") as lines:
            read = [line.rstrip("\n") for _, line in zip(range(MAX_LINES), lines, strict=False)]
    except (OSError, UnicodeDecodeError):
        return []
    return list(dict.fromkeys(line for line in read if line))


def _files(settings: Settings, name: str, task: TaskSet) -> list[Path]:
    """Files of the questions' texts and of the set's name, then those of the sets that it was chosen of."""
    before = [f"questions {origin.parent_digest}" for origin in _origins(task)]
    keys = [f"questions {task.questions_digest}", name, *before]
    digests = [hashlib.sha256(key.encode()).hexdigest()[:32] for key in keys]
    return [settings.workspace / "tried" / f"{digest}.jsonl" for digest in digests]
