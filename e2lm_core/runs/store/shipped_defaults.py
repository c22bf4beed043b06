"""Default checkpoints of sets, and whether their results are shipped.

Tested in tests/runs/store/test_shipped_results.py.
"""

from __future__ import annotations

from collections.abc import Sequence

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Checkpoint, TaskSet
from e2lm_core.checkpoints.catalogue import without_extras
from e2lm_core.runs.store import shipped_results
from e2lm_core.runs.store.requests import keys_of
from e2lm_core.runs.studio import Studio
from e2lm_core.sets import collection
from e2lm_core.sets.prompts.render import render_set


def default_checkpoints(studio: Studio, set_name: str) -> tuple[Checkpoint, ...]:
    """Checkpoints that a set is shown with before its first run, and before a fleet is chosen for it.

    Those of the built-in ladder, for an example those with shipped results; without a ladder all local ones.
    """
    at_hand = without_extras(studio.local_checkpoints)
    packed = tuple(c for c in at_hand if c.packed is not None) or at_hand
    brought = shipped_results.load_shipped() if studio.settings.shipped else None
    if brought is None or not _is_example(studio, set_name):
        return packed
    return tuple(c for c in packed if studio.backend.scope(c) in brought.place) or packed


def _is_example(studio: Studio, set_name: str) -> bool:
    try:
        return collection.find_set(studio.settings, set_name).example
    except StudioError:  # the set was deleted meanwhile
        return False


def shows_shipped_results(
    studio: Studio, task: TaskSet, checkpoints: Sequence[Checkpoint], num_fewshot: int | None
) -> bool:
    """Whether some of the set's results at these checkpoints are shipped ones.

    Args:
        studio: Store, backend and settings.
        task: The set.
        checkpoints: Checkpoints to look at.
        num_fewshot: Number of few-shot examples; None for the set's own.
    """
    if not studio.settings.shipped:
        return False
    keys = {key for doc in render_set(task, num_fewshot) for key in keys_of(doc)}
    return studio.store.uses_shipped(map(studio.backend.scope, checkpoints), keys)
