"""The starter fleet: small public models, of which any question has a curve.

Two sizes of Pythia at ten steps are downloaded and stay, so that an edit runs on them. Larger sizes are added on
request, and a rolling run fetches their checkpoints one at a time. The models share one architecture and have no
web-only twins: RC of architectures, CS and Score are undefined on them.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import NamedTuple

from e2lm_core.analysis.plan.fleet import count_checkpoints_by_model, fleet_pace, fleet_seconds
from e2lm_core.base.errors import CheckpointError, LimitError
from e2lm_core.base.formatting import join_words, quote, size
from e2lm_core.base.records import Checkpoint, Record
from e2lm_core.base.sentences import Sentence
from e2lm_core.checkpoints.families import CheckpointChoice, CheckpointLocation
from e2lm_core.checkpoints.family_catalogue import family
from e2lm_core.checkpoints.folders import ModelRoles
from e2lm_core.checkpoints.hub import added_models, on_disk
from e2lm_core.checkpoints.hub.cache import cache_usage, local_checkpoints
from e2lm_core.checkpoints.hub.client import HubClient
from e2lm_core.checkpoints.hub.download import SPARE_BYTES, wanted_files
from e2lm_core.checkpoints.tables import HALF_PRECISION_BYTES
from e2lm_core.people import access
from e2lm_core.runs import fleets, state
from e2lm_core.runs.fleets import Fleet
from e2lm_core.runs.studio import Studio

NAME = "Pythia starter"
MODELS = ("pythia-14m", "pythia-31m")
LARGER = ("pythia-70m", "pythia-160m")
STEPS = (512, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 100_000, 143_000)
EARLY_END_STEP = 95_000  # 199 billion tokens: as far as the early window of the competition's models
_PYTHIA = family("pythia")


class StarterPlan(Record):
    """Cost of the starter fleet.

    Attributes:
        models: Models whose checkpoints stay.
        larger: Models that a rolling run fetches, one checkpoint at a time.
        checkpoints: Number of checkpoints that stay.
        here: Number of these that are on this machine.
        fetch_bytes: Bytes still to be downloaded of these.
        passing_bytes: Bytes of the larger models, which pass through.
        is_listed: Whether the hub has told all sizes; otherwise they are the least that the parameters take.
        room_bytes: Bytes that the quota leaves.
        missing: Names of the checkpoints that the hub does not have.
        questions: Number of questions of the timed set; None without one.
        seconds: Time of that set's run on all models, without downloads; None before any pace is known.
        is_estimate: Whether the time is scaled from other models.
    """

    models: tuple[str, ...]
    larger: tuple[str, ...]
    checkpoints: int
    here: int
    fetch_bytes: int
    passing_bytes: int
    is_listed: bool
    room_bytes: int
    missing: tuple[str, ...]
    questions: int | None
    seconds: float | None
    is_estimate: bool


class _Planned(NamedTuple):
    """Checkpoints of one model of the fleet, the bytes of one, and the steps that the hub does not have."""

    checkpoints: tuple[Checkpoint, ...]
    bytes_each: int
    is_listed: bool
    missing: tuple[str, ...]


def starter_checkpoints(studio: Studio, larger: Sequence[str] = ()) -> tuple[Checkpoint, ...]:
    """Checkpoints of the fleet that the catalogue has, on this machine or not.

    Args:
        studio: Catalogue.
        larger: Models of `LARGER` to take in.
    """
    models = (*MODELS, *larger)
    return tuple(c for c in studio.catalogue.checkpoints if c.model.name in models and c.step in STEPS)


def plan_starter(
    studio: Studio,
    larger: Sequence[str] = (),
    questions: int | None = None,
    num_fewshot: int | None = None,
    ask_hub: bool = True,
) -> StarterPlan:
    """Bytes, room and time of the fleet; nothing is added or downloaded.

    Args:
        studio: Catalogue, queue and settings.
        larger: Models of `LARGER` to take in.
        questions: Number of questions of the set to time; None for none.
        num_fewshot: Number of few-shot examples of that set.
        ask_hub: Whether the hub may be asked for what is not added yet.

    Raises:
        CheckpointError: A model cannot be taken in, or the hub refuses (`HubUnreachable` without a connection).
    """
    if unknown := [name for name in larger if name not in LARGER]:
        raise CheckpointError(
            Sentence(
                "{unknown} is no larger model of the starter group: use {larger}.",
                unknown=quote(unknown[0]),
                larger=join_words(list(LARGER)),
            )
        )
    planned = {name: _planned(studio, name, ask_hub) for name in (*MODELS, *larger)}
    kept = [checkpoint for name in MODELS for checkpoint in planned[name].checkpoints]
    here = {checkpoint.name for checkpoint in kept if _is_here(studio, checkpoint)}
    usage = cache_usage(studio.settings)
    every = [checkpoint for one in planned.values() for checkpoint in one.checkpoints]
    seconds, is_estimate = _time(studio, every, questions, num_fewshot)
    return StarterPlan(
        models=MODELS,
        larger=tuple(larger),
        checkpoints=len(kept),
        here=len(here),
        fetch_bytes=sum(
            max(0, planned[c.model.name].bytes_each - _partial_bytes(studio, c))
            for c in kept
            if c.name not in here
        ),
        passing_bytes=sum(planned[name].bytes_each * len(planned[name].checkpoints) for name in larger),
        is_listed=all(one.is_listed for one in planned.values()),
        room_bytes=max(0, usage.quota_bytes - usage.used_bytes),
        missing=tuple(name for one in planned.values() for name in one.missing),
        questions=questions,
        seconds=seconds,
        is_estimate=is_estimate,
    )


def add_starter(studio: Studio, larger: Sequence[str] = ()) -> StarterPlan:
    """Add the fleet's checkpoints to the catalogue, after a look at the room for those that stay; returns the plan.

    A checkpoint that was added before stays at its commit; one that the hub does not have is left out.

    Args:
        studio: Catalogue and settings of the caller.
        larger: Models of `LARGER` to take in.

    Raises:
        CheckpointError: As by `plan_starter` or `added_models.add_checkpoints`; or the disk has no room.
        LimitError: The quota has no room for what is still to be downloaded.
        TaskError: The caller is a visitor.
    """
    access.require_member(studio.settings, Sentence("add checkpoints"))
    plan = plan_starter(studio, larger)
    _check_room(studio, plan)
    names = tuple(_PYTHIA.pattern.format(step=step) for step in STEPS)
    for name in (*MODELS, *larger):
        if len(_in_catalogue(studio, name)) < len(STEPS):
            added_models.add_checkpoints(studio.settings, _PYTHIA, name, CheckpointChoice(names=names))
    return plan


def save_starter(studio: Studio, larger: Sequence[str] = ()) -> Fleet:
    """Save the fleet's checkpoints in the catalogue as a model group, and return it; no set's numbers change.

    Larger models that the saved group has stay in it.

    Args:
        studio: Catalogue and settings of the caller.
        larger: Models of `LARGER` to take in.

    Raises:
        CheckpointError: None is added yet, or the caller has another group of that name.
        StoreError: The workspace cannot be written.
    """
    before = next((one for one in fleets.list_fleets(studio) if one.name == NAME), None)
    if before is not None and not set(before.models) <= {*MODELS, *LARGER}:
        raise CheckpointError(
            Sentence(
                "There is a model group {name} of other models already: save that one under another name, and remove "
                "it.",
                name=quote(NAME),
            )
        )
    models = {*larger, *(before.models if before else ())}
    checkpoints = starter_checkpoints(studio, [name for name in LARGER if name in models])
    if not checkpoints:
        raise CheckpointError(Sentence("No starter model is added yet: download them first."))
    roles = {
        name: ModelRoles(size=model.size, arch=model.arch, early_end_step=EARLY_END_STEP)
        for name in dict.fromkeys(checkpoint.model.name for checkpoint in checkpoints)
        for model in (_PYTHIA.model(name),)
    }
    fleet = Fleet(name=NAME, checkpoints=tuple(c.name for c in checkpoints), roles=roles)
    if fleet != before:
        fleets.save_fleet(studio, fleet, replace=True)
    return fleet


def _check_room(studio: Studio, plan: StarterPlan) -> None:
    if plan.fetch_bytes > plan.room_bytes:
        quota = studio.settings.hub_quota_bytes
        raise LimitError(
            Sentence(
                "The starter models need {fetch_bytes} more, and downloads may take {room_bytes} more of the {quota} "
                "allowed: evict some on Models and runs, or raise E2LM_HUB_QUOTA_GB.",
                fetch_bytes=size(plan.fetch_bytes),
                room_bytes=size(plan.room_bytes),
                quota=size(quota),
            )
        )
    free = shutil.disk_usage(studio.settings.home).free
    if plan.fetch_bytes + SPARE_BYTES > free:
        raise CheckpointError(
            Sentence(
                "The starter models need {fetch_bytes} more, and the disk has {free} free: free some space, or set "
                "E2LM_HOME to another disk.",
                fetch_bytes=size(plan.fetch_bytes),
                free=size(free),
            )
        )


def _in_catalogue(studio: Studio, model: str) -> dict[int, Checkpoint]:
    """The model's checkpoints of the fleet that the catalogue has, by step."""
    found = (c for c in studio.catalogue.checkpoints if c.model.name == model)
    return {checkpoint.step: checkpoint for checkpoint in found if checkpoint.step in STEPS}


def _planned(studio: Studio, name: str, ask_hub: bool) -> _Planned:
    model, found = _PYTHIA.model(name), _in_catalogue(studio, name)
    missing: tuple[str, ...] = ()
    if not ask_hub:
        found = {
            p.step: _unpinned(name, p) for p in _PYTHIA.known_locations(model) if p.step in STEPS
        } | found
    elif len(found) < len(STEPS):
        listed = added_models.list_remote(studio.settings, _PYTHIA, name).checkpoints
        there = {one.place.step: _unpinned(name, one.place, one.commit) for one in listed}
        found = {step: there[step] for step in STEPS if step in there} | found
        missing = tuple(f"{name} at step {step:,}" for step in STEPS if step not in found)
        if not found:
            raise CheckpointError(
                Sentence(
                    "{repo} has none of the starter's ten checkpoints: check E2LM_HUB_ENDPOINT.",
                    repo=model.repo,
                )
            )
    checkpoints = tuple(found[step] for step in sorted(found))
    absent = [one for one in checkpoints if not _is_here(studio, one)]
    if ask_hub and absent and (repo := absent[-1].repo) and (commit := absent[-1].revision):
        # All checkpoints of a model have one size, so that one listing tells it.
        _, files = HubClient(studio.settings).files(repo, commit)
        each = sum(file.bytes for file in wanted_files(repo, absent[-1].subfolder, files).values())
        return _Planned(checkpoints, each, True, missing)
    # The list of added models tells the weights alone, the parameters the least that these can take.
    weights = added_models.checkpoint_bytes(studio.settings).get(name)
    least = weights or (model.parameters or 0) * HALF_PRECISION_BYTES
    return _Planned(checkpoints, least, not absent, missing)


def absent_checkpoints(studio: Studio) -> list[Checkpoint]:
    """The kept models' checkpoints that the catalogue has and this machine lacks."""
    return [one for one in starter_checkpoints(studio) if not _is_here(studio, one)]


def _is_here(studio: Studio, checkpoint: Checkpoint) -> bool:
    """Whether the checkpoint is whole on this machine; one without a commit was never downloaded."""
    is_pinned = checkpoint.repo is None or checkpoint.revision is not None
    return is_pinned and bool(local_checkpoints((checkpoint,), studio.settings))


def _unpinned(name: str, place: CheckpointLocation, commit: str | None = None) -> Checkpoint:
    """A checkpoint that is not in the catalogue."""
    model = _PYTHIA.model(name)
    return Checkpoint(
        model=_PYTHIA.model_info(model),
        repo=model.repo,
        revision=commit,
        step=place.step,
        tokens_seen=place.tokens_seen,
    )


def _partial_bytes(studio: Studio, checkpoint: Checkpoint) -> int:
    if checkpoint.repo is None or checkpoint.revision is None:
        return 0
    return on_disk.disk_usage(studio.settings, (checkpoint,)).partial_bytes


def _time(
    studio: Studio, checkpoints: Sequence[Checkpoint], questions: int | None, num_fewshot: int | None
) -> tuple[float | None, bool]:
    """Seconds of a run of so many questions by the planner's pace, and whether that is scaled from other models."""
    if questions is None:
        return None, False
    parts = count_checkpoints_by_model(checkpoints)
    parameters = {c.model.name: c.model.parameters for c in studio.catalogue.checkpoints}
    pace = fleet_pace(parts, state.measured_pace(studio, num_fewshot), parameters)
    return fleet_seconds(questions, parts, pace), pace is not None and pace.estimated
