"""Sets, checkpoints and results that options of commands name.

Tested in tests/commands/test_output.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from e2lm_core.base.errors import CheckpointError, StudioError
from e2lm_core.base.formatting import one_line, quote
from e2lm_core.base.records import METRICS, RC_READINGS, Checkpoint, TaskSet
from e2lm_core.base.settings import Settings, backend_of
from e2lm_core.commands.output import warn

if TYPE_CHECKING:
    from e2lm_core.runs.studio import Studio
    from e2lm_core.scores.measurements import Measurements


class LoadedSet(NamedTuple):
    """A set with its stored results.

    Attributes:
        studio: Studio with the caller's settings.
        task: The set.
        measured: Its stored results on the chosen checkpoints.
    """

    studio: Studio
    task: TaskSet
    measured: Measurements


def open_task(settings: Settings, name: str) -> TaskSet:
    """Set of a name or folder; warnings about its folder are printed on stderr.

    Raises:
        TaskError: There is no such set, or its folder cannot be read.
    """
    from e2lm_core.sets.collection import find_set
    from e2lm_core.sets.folder.files import read_task

    info = find_set(settings, name)
    read = read_task(info.folder, settings.limits, yaml=info.yaml)
    warn(*read.warnings)
    return read.task


def open_studio(backend: str | None = None) -> Studio:
    """Studio that computes on the backend of the command line, else of the environment.

    Raises:
        StudioError: There is no such backend.
    """
    from e2lm_core.runs import studio

    settings = Settings.from_env()
    if backend is not None:
        settings = settings.model_copy(update={"backend": backend_of(backend, "--backend")})
    return studio.open_studio(settings)


def chosen_checkpoints(studio: Studio, globs: Sequence[str] | None) -> tuple[Checkpoint, ...]:
    """Checkpoints that match globs; without globs, all on this computer.

    Unusable ones are left out, with a sentence on stderr.

    Raises:
        CheckpointError: A glob matches none, or none can be used.
    """
    if not globs:
        chosen, left_out = studio.local_checkpoints, studio.unusable_notes
    else:
        chosen, left_out = studio.usable_checkpoints(studio.catalogue.match_globs(globs))
    if left_out and not chosen:
        raise CheckpointError(left_out[0])
    warn(*map(one_line, left_out))
    return chosen


def open_measured(
    name: str, globs: Sequence[str] | None, num_fewshot: int | None, partly: bool = False
) -> LoadedSet:
    """Set of a name or folder with its stored results on the chosen checkpoints; computes nothing.

    Args:
        name: Name or folder of the set.
        globs: Globs of checkpoints; None for all on this computer.
        num_fewshot: Examples in the prompt; None for the set's own number.
        partly: Whether incomplete checkpoints suffice; warnings about the set are then not printed.

    Raises:
        TaskError: There is no such set.
        StudioError: No checkpoint is complete, or with `partly` no question has a result.
    """
    from e2lm_core.runs.results import load_measurements
    from e2lm_core.sets.collection import open_set

    studio = open_studio()
    task = open_set(studio.settings, name) if partly else open_task(studio.settings, name)
    measured = load_measurements(studio, task, chosen_checkpoints(studio, globs), num_fewshot)
    if not (measured.complete_pairs if partly else measured.complete_checkpoints):
        raise StudioError(f"{task.name} has no results yet: run `evaluate {name}` first.")
    return LoadedSet(studio, task, measured)


def require_reading(name: str) -> None:
    """Check the name of an RC definition.

    Raises:
        StudioError: There is no such definition.
    """
    if name not in RC_READINGS:
        known = f"{', '.join(RC_READINGS[:-1])} or {RC_READINGS[-1]}"
        raise StudioError(f"There is no reading {quote(name)} of RC: use {known}.")


def require_metrics(metrics: Iterable[str], allowed: str = f"one of {', '.join(METRICS)}") -> None:
    """Check the names of metrics.

    Raises:
        StudioError: A metric does not exist; the sentence names the `allowed` ones.
    """
    for metric in metrics:
        if metric not in METRICS:
            raise StudioError(f"The metric {quote(metric)} does not exist: use {allowed}.")
