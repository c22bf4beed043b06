"""Earlier states by replay of the journal.

Tested in tests/sets/history/test_commit.py and tests/sets/history/test_versions.py.
"""

from __future__ import annotations

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import TaskSet
from e2lm_core.sets.folder.set_cache import CachedSet
from e2lm_core.sets.history.delta import Delta, diff_states
from e2lm_core.sets.history.journal import Journal
from e2lm_core.sets.history.patch import MutableState


def state_at(log: Journal, number: int, present: CachedSet | None) -> TaskSet:
    """The set as it was after a step.

    Args:
        log: The set's journal.
        number: Number of the step.
        present: The set as its folder holds it; None if unknown.

    Raises:
        StudioError: The step is not stored, or its state cannot be read.
    """
    numbers = [entry.step.number for entry in log.entries]
    if number not in numbers:
        raise StudioError(f"{log.folder.name} has no version {number}.")
    place = numbers.index(number)
    kept = {numbers.index(n) for n in log.snapshots() if n in numbers}
    shown = _shown(log, present)
    for anchor in sorted(kept | shown, key=lambda at: (abs(at - place), at)):
        steps = range(anchor, place, -1) if anchor > place else range(anchor + 1, place + 1)
        if any(log.entries[at].packed is None for at in steps):
            continue
        try:
            held = present.task if present is not None and anchor in shown else log.snapshot(numbers[anchor])
        except StudioError:
            if anchor == place:
                raise
            continue
        state = MutableState(held)
        if not any(state.apply(log.entries[at].delta or {}, back=anchor > place) for at in steps):
            return state.task
    raise StudioError(
        f"{log.folder.name}'s version {number} cannot be opened: its files were changed outside the studio "
        "since, or its history is damaged; the set stays as it is."
    )


def delta_at(log: Journal, number: int, present: CachedSet) -> Delta:
    """The delta of a step.

    Raises:
        StudioError: It is unknown.
    """
    place = [entry.step.number for entry in log.entries].index(number)
    delta = log.entries[place].delta
    if delta is not None or place == 0:
        return delta or {}
    before = log.entries[place - 1].step.number
    return diff_states(state_at(log, before, present), state_at(log, number, present))


def _shown(log: Journal, present: CachedSet | None) -> set[int]:
    """Index of the last step with the folder's content, in a set; empty if there is none."""
    if present is None:
        return set()
    found = [at for at, entry in enumerate(log.entries) if entry.step.digest == present.digest]
    return set(found[-1:])
