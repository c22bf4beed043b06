"""Sets, checkpoints and results that options of commands name.

Tested in tests/commands/test_output.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from e2lm_core.base.errors import CheckpointError, StudioError
from e2lm_core.base.formatting import one_line, quote
from e2lm_core.base.records import METRICS, RC_READINGS, Checkpoint, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings, backend_of
from e2lm_core.commands.output import warn

if TYPE_CHECKING:
    from e2lm_core.runs.fleets import OpenFleet
    from e2lm_core.runs.studio import Studio
    from e2lm_core.scores.measurements import Measurements


class LoadedSet(NamedTuple):
    """A set with its stored results.

    Attributes:
        studio: Studio with the caller's settings.
        task: The set.
        measured: Its stored results on the fleet.
        fleet: Fleet that they are of.
    """

    studio: Studio
    task: TaskSet
    measured: Measurements
    fleet: OpenFleet


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


def chosen_checkpoints(studio: Studio, globs: Sequence[str]) -> tuple[Checkpoint, ...]:
    """Checkpoints that match globs, without unusable ones, of which a sentence is printed on stderr.

    Raises:
        CheckpointError: A glob matches none, or none can be used.
    """
    chosen, left_out = studio.usable_checkpoints(studio.catalogue.match_globs(globs))
    if left_out and not chosen:
        raise CheckpointError(left_out[0])
    warn(*map(one_line, left_out))
    return chosen


def open_fleet(
    studio: Studio,
    name: str,
    globs: Sequence[str] | None = None,
    fleet: str | None = None,
    num_fewshot: int | None = None,
) -> OpenFleet:
    """Fleet that a command is about: checkpoints by globs, a fleet by name, else that of the set.

    What of it is not on this computer is said on stderr.

    Args:
        studio: Studio with the caller's settings.
        name: Name or folder of the set.
        globs: Globs of checkpoints.
        fleet: Name of a fleet.
        num_fewshot: Examples in the prompt; None for the fleet's number.

    Raises:
        CheckpointError: A glob matches none, there is no such fleet, or none of its checkpoints can be used.
        StudioError: Globs and a fleet were given.
    """
    from e2lm_core.runs import fleets, state
    from e2lm_core.runs.messages.fleets import missing_sentence

    if globs and fleet is not None:
        raise StudioError("--checkpoints and --fleet both say which checkpoints: give one of them.")
    if globs:
        names = tuple(checkpoint.name for checkpoint in chosen_checkpoints(studio, globs))
        opened = fleets.open_fleet(studio, fleets.name_fleet(studio, name, names))
    elif fleet is not None:
        opened = fleets.open_fleet(studio, fleets.find_fleet(studio, fleet))
    else:
        opened = state.fleet_of_set(studio, name)
    if not opened.checkpoints and opened.problems:
        raise CheckpointError(opened.problems[0])
    lost = missing_sentence(opened)
    if lost and not opened.checkpoints and not opened.instead:
        raise CheckpointError(lost)
    warn(*map(one_line, opened.problems), lost)
    return opened if num_fewshot is None else replace(opened, num_fewshot=num_fewshot)


def open_measured(
    name: str,
    globs: Sequence[str] | None,
    num_fewshot: int | None,
    partly: bool = False,
    fleet: str | None = None,
) -> LoadedSet:
    """Set of a name or folder with its stored results on a fleet; computes nothing.

    Args:
        name: Name or folder of the set.
        globs: Globs of checkpoints; None for those of the fleet.
        num_fewshot: Examples in the prompt; None for the last run's number.
        partly: Whether incomplete checkpoints suffice; warnings about the set are then not printed.
        fleet: Name of a fleet; None for that of the set.

    Raises:
        TaskError: There is no such set.
        StudioError: No checkpoint is complete, or with `partly` no question has a result.
    """
    loaded = open_stored(name, globs, num_fewshot, fleet=fleet, warns=not partly)
    task, measured = loaded.task, loaded.measured
    if not measured.complete_pairs:
        raise StudioError(f"{task.name} has no results yet: run `evaluate {name}` first.")
    if not (partly or measured.complete_checkpoints):
        raise StudioError(lacking_sentence(loaded, name))
    return loaded


def lacking_sentence(loaded: LoadedSet, name: str) -> str:
    """Sentence that counts the questions without results.

    Args:
        loaded: The set with its results.
        name: Name or folder that the set was opened by.
    """
    from e2lm_core.runs.state import coverage_of

    return Sentence(
        "{number} of {all} questions of {set} lacks results, since it changed or a run stopped: run `evaluate "
        "{name}`, which computes only what is missing.",
        "{number} of {all} questions of {set} lack results, since they changed or a run stopped: run `evaluate "
        "{name}`, which computes only what is missing.",
        number=len(coverage_of(loaded.measured).stale),
        all=str(len(loaded.task.questions)),
        set=loaded.task.name,
        name=name,
    )


def open_stored(
    name: str,
    globs: Sequence[str] | None,
    num_fewshot: int | None,
    fleet: str | None = None,
    warns: bool = True,
) -> LoadedSet:
    """Set of a name or folder with the results that are stored of it, if any.

    Args:
        name: Name or folder of the set.
        globs: Globs of checkpoints; None for those of the fleet.
        num_fewshot: Examples in the prompt; None for the last run's number.
        fleet: Name of a fleet; None for that of the set.
        warns: Whether warnings about the set are printed.

    Raises:
        TaskError: There is no such set.
        CheckpointError: A glob matches none, there is no such fleet, or none of its checkpoints can be used.
        StudioError: Globs and a fleet were given.
    """
    from e2lm_core.runs.store.control_results import load_judged
    from e2lm_core.sets.collection import open_set

    studio = open_studio()
    task = open_task(studio.settings, name) if warns else open_set(studio.settings, name)
    opened = open_fleet(studio, name, globs, fleet, num_fewshot)
    return LoadedSet(studio, task, load_judged(studio, task, *opened.run_arguments), opened)


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
