"""Fleets: named choices of models and checkpoints, with the models' roles, and the fleet of each set.

Every number of a set is of its fleet: the one that was chosen for it or that it was last run on, else the built-in
ladder. Fleets lie in the workspace, one file each (`fleets/NAME.json`, `set_fleets/ADDRESS.json`), and never in a
set: its bundle is the same whatever it was measured on, and each person has a fleet of their own for a shared set.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from pydantic import Field

from e2lm_core.base.atomic import replace_file
from e2lm_core.base.errors import CheckpointError, StoreError, StudioError
from e2lm_core.base.formatting import join_words
from e2lm_core.base.formatting import quote as quoted
from e2lm_core.base.records import Checkpoint, ModelInfo, Record
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings, expand_home
from e2lm_core.checkpoints.catalogue import without_extras
from e2lm_core.checkpoints.folders import ModelRoles
from e2lm_core.checkpoints.locked_json import read_record
from e2lm_core.checkpoints.packaged import smollm2
from e2lm_core.people import access
from e2lm_core.runs.store import shipped_defaults
from e2lm_core.runs.studio import Studio

LADDER = "ladder"  # the built-in models
HERE = "here"  # all checkpoints on this machine, where the ladder is not installed
MAX_NAME = 60
MAX_FILE_NAME = 200  # characters of a name in the name of its file
NAME = re.compile(r"[A-Za-z0-9_]+")  # of a set in the collection


class Fleet(Record):
    """A choice of models and checkpoints.

    Attributes:
        name: Its name; "" for the checkpoints of a run, which nobody named.
        checkpoints: Names of the checkpoints, `model/step`.
        roles: Model name → roles in this fleet, in place of those of the catalogue.
    """

    name: str = ""
    checkpoints: tuple[str, ...]
    roles: dict[str, ModelRoles] = Field(default_factory=dict)

    @property
    def models(self) -> tuple[str, ...]:
        """Names of its models, each once."""
        return tuple(dict.fromkeys(name.split("/")[0] for name in self.checkpoints))


class SetFleet(Record):
    """The fleet of a set and its few-shot count; None for the set's own.

    A fleet with the name of a saved one is that one as it is now.
    """

    fleet: Fleet
    num_fewshot: int | None = None


@dataclass(frozen=True)
class OpenFleet:
    """A fleet on this machine.

    Attributes:
        name: Name of the fleet; "" for that of a run.
        checkpoints: Checkpoints with readable results, with the fleet's roles.
        num_fewshot: Few-shot count of the set's last run; None for the set's own.
        missing: Names of its checkpoints that are not on this machine, or cannot be used.
        unusable: Names of those of them that are here and cannot be used.
        problems: A sentence for each model with such checkpoints.
        instead: Whether none of its checkpoints is here, so that `checkpoints` are the default ones.
        roles: Roles that the fleet declares, which `checkpoints` have already.
    """

    name: str
    checkpoints: tuple[Checkpoint, ...]
    num_fewshot: int | None = None
    missing: tuple[str, ...] = ()
    unusable: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    instead: bool = False
    roles: Mapping[str, ModelRoles] = field(default_factory=dict, hash=False)

    @cached_property
    def digest(self) -> str:
        """Digest of everything that numbers depend on: checkpoints and roles, not the name."""
        digest = hashlib.blake2b(repr(self.num_fewshot).encode(), digest_size=8)
        for checkpoint in self.checkpoints:
            facts = (checkpoint.name, checkpoint.tokens_seen, checkpoint.early, checkpoint.model)
            digest.update(repr(facts).encode())
        return digest.hexdigest()

    @property
    def run_arguments(self) -> tuple[tuple[Checkpoint, ...], int | None]:
        """Checkpoints and few-shot count, as a run of the fleet and its measurements take them."""
        return self.checkpoints, self.num_fewshot

    @property
    def models(self) -> tuple[str, ...]:
        """Names of its models on this machine, each once."""
        return tuple(dict.fromkeys(checkpoint.model.name for checkpoint in self.checkpoints))

    def document(self) -> dict[str, Any]:
        """Fleet as JSON: `{name, digest, models, checkpoints, missing}`; the name is null for that of a run."""
        return {
            "name": self.name or None,
            "digest": self.digest,
            "models": list(self.models),
            "checkpoints": len(self.checkpoints),
            "missing": list(self.missing),
        }


# --- named fleets -----------------------------------------------------------------------------------------


def list_fleets(studio: Studio) -> tuple[Fleet, ...]:
    """Fleets that can be chosen: the ladder, hub families and packaged models here, saved ones by name."""
    saved = {fleet.name: fleet for fleet in saved_fleets(studio.settings)}
    return (*(fleet for fleet in _built_in(studio) if fleet.name not in saved), *saved.values())


def find_fleet(studio: Studio, name: str) -> Fleet:
    """Fleet of that name.

    Raises:
        CheckpointError: There is none; the sentence names those there are.
    """
    fleets = {fleet.name: fleet for fleet in list_fleets(studio)}
    if name not in fleets:
        known = join_words(list(fleets)) or Sentence("none")
        raise CheckpointError(
            Sentence(
                "There is no model group {name}: use one of those here ({known}), or make it with `fleet make`.",
                name=quoted(name),
                known=known,
            )
        )
    return fleets[name]


def save_fleet(studio: Studio, fleet: Fleet, replace: bool = False) -> None:
    """Save a fleet under its name.

    Args:
        studio: Catalogue and settings of the caller.
        fleet: The fleet.
        replace: Whether it may take the place of a saved one.

    Raises:
        CheckpointError: The name is taken or cannot be used, a checkpoint is unknown, or a role is of no model of
            the fleet.
        StoreError: The workspace cannot be written.
    """
    access.require_writer(studio.settings)
    name = fleet.name
    in_file_name = len(quote(name, safe=" ")) <= MAX_FILE_NAME
    if not name.strip() or len(name) > MAX_NAME or not name.isprintable() or not in_file_name:
        raise CheckpointError(
            Sentence(
                "A model group needs a name of 1 to {max_name} characters in one line (fewer outside Latin script).",
                max_name=str(MAX_NAME),
            )
        )
    if name in {LADDER, HERE, *(one.name for one in _built_in(studio))}:
        raise CheckpointError(
            Sentence(
                "{name} is a built-in model group and stays as it is: use another name.", name=quoted(name)
            )
        )
    if not replace and _saved(studio.settings, name):
        raise CheckpointError(
            Sentence(
                "There is a model group {name} already: use another name, or replace it.", name=quoted(name)
            )
        )
    _check(studio, fleet)
    _write(_file(studio.settings, name), fleet)


def delete_fleet(studio: Studio, name: str) -> None:
    """Delete a saved fleet; sets that have it keep its checkpoints and roles.

    Raises:
        CheckpointError: There is no saved fleet of that name.
        StoreError: The workspace cannot be written.
    """
    access.require_writer(studio.settings)
    fleet = _saved(studio.settings, name)
    if fleet is None:
        find_fleet(studio, name)
        raise CheckpointError(
            Sentence("{name} is a built-in model group and cannot be deleted.", name=quoted(name))
        )
    _replace_saved(studio.settings, fleet, "")


def rename_fleet(settings: Settings, name: str, new: str) -> None:
    """Give a saved fleet another name, also in the sets that have it.

    Args:
        settings: Settings of the caller.
        name: Name of a saved fleet.
        new: A name that no fleet has.

    Raises:
        StoreError: The workspace cannot be written.
    """
    if (fleet := _saved(settings, name)) is not None:
        _write(_file(settings, new), fleet.model_copy(update={"name": new}))
        _replace_saved(settings, fleet, new)


def _replace_saved(settings: Settings, fleet: Fleet, new: str) -> None:
    """Delete a saved fleet; sets that have it have the same checkpoints and roles under another name, or none."""
    for path in _folder(settings, "set_fleets").glob("*.json"):
        chosen = read_record(path, SetFleet)
        if chosen is not None and chosen.fleet.name == fleet.name:
            last = fleet.model_copy(update={"name": new})
            _write(path, chosen.model_copy(update={"fleet": last}))
    _file(settings, fleet.name).unlink(missing_ok=True)


def _check(studio: Studio, fleet: Fleet) -> None:
    known = {checkpoint.name for checkpoint in studio.catalogue.checkpoints}
    if not fleet.checkpoints:
        raise CheckpointError(Sentence("A model group needs a checkpoint: choose at least one."))
    if unknown := [name for name in fleet.checkpoints if name not in known]:
        raise CheckpointError(
            Sentence("There is no checkpoint {unknown}: see `checkpoints`.", unknown=quoted(unknown[0]))
        )
    chosen = [c for c in studio.catalogue.checkpoints if c.name in set(fleet.checkpoints)]
    facts = {c.model.name: c.model for c in apply_roles(chosen, fleet.roles)}
    for model, roles in fleet.roles.items():
        if model not in fleet.models:
            raise CheckpointError(
                Sentence("{model} has a role and is no model of the group: add its checkpoints.", model=model)
            )
        for key, other in (("twin_of", roles.twin_of), ("seed_of", roles.seed_of)):
            if other is not None:
                _check_relation(facts, model, key, other)


def _check_relation(facts: Mapping[str, ModelInfo], model: str, key: str, other: str) -> None:
    """Check that the model of which another is a seed or a twin is another one of the group, and none itself."""
    others = [name for name in facts if name != model]
    if not others:
        raise CheckpointError(
            Sentence(
                "{model}: {key} names another model of the group, which has no other: add its checkpoints.",
                model=model,
                key=key,
            )
        )
    if other not in others:
        raise CheckpointError(
            Sentence(
                "{model}: {key} is {other}, which is no other model of the group (use one of {value}).",
                model=model,
                key=key,
                other=quoted(other),
                value=join_words(others),
            )
        )
    if (root := getattr(facts[other], key)) is not None:
        raise CheckpointError(
            Sentence(
                "{model}: {key} is {other}, which has {root} as its own {key}: name a model without one.",
                model=model,
                key=key,
                other=quoted(other),
                root=quoted(root),
            )
        )


def _built_in(studio: Studio) -> tuple[Fleet, ...]:
    families: dict[str, list[str]] = {}
    for checkpoint in without_extras(studio.local_checkpoints):
        if checkpoint.packed is not None:
            families.setdefault(LADDER, []).append(checkpoint.name)
        elif checkpoint.model.name == smollm2.NAME:
            families.setdefault(smollm2.NAME, []).append(checkpoint.name)
        elif checkpoint.repo is not None and checkpoint.model.family != "local":
            families.setdefault(checkpoint.model.family, []).append(checkpoint.name)
    return tuple(Fleet(name=name, checkpoints=tuple(names)) for name, names in families.items())


# --- fleet of a set ---------------------------------------------------------------------------------------


def default_fleet(studio: Studio, address: str) -> OpenFleet:
    """Fleet of a set that was never run and for which none was chosen."""
    checkpoints = shipped_defaults.default_checkpoints(studio, address)
    return OpenFleet(LADDER if all(c.packed is not None for c in checkpoints) else HERE, checkpoints)


def open_fleet(studio: Studio, fleet: Fleet, num_fewshot: int | None = None) -> OpenFleet:
    """A fleet's checkpoints with readable results, with its roles, in the catalogue's order.

    Checkpoints that a rolling run scored and evicted are readable too.
    """
    wanted, here = set(fleet.checkpoints), {checkpoint.name for checkpoint in studio.local_checkpoints}
    found = [
        checkpoint
        for checkpoint in studio.catalogue.checkpoints
        if checkpoint.name in wanted and (checkpoint.name in here or studio.is_readable(checkpoint))
    ]
    there = {checkpoint.name for checkpoint in found}
    missing = tuple(name for name in fleet.checkpoints if name not in there)
    lost = [c for c in studio.catalogue.checkpoints if c.name in set(missing)] if missing else []
    gone, problems = studio.usable_checkpoints(lost)
    unusable = tuple(sorted({c.name for c in lost} - {c.name for c in gone}))
    return OpenFleet(
        fleet.name,
        apply_roles(found, fleet.roles),
        num_fewshot,
        missing,
        unusable,
        problems,
        roles=fleet.roles,
    )


def apply_roles(checkpoints: Iterable[Checkpoint], roles: Mapping[str, ModelRoles]) -> tuple[Checkpoint, ...]:
    """Checkpoints with the declared roles of their models in place of the catalogue's."""
    return tuple(
        checkpoint
        if (declared := roles.get(checkpoint.model.name)) is None
        else _with_roles(checkpoint, declared)
        for checkpoint in checkpoints
    )


def _with_roles(checkpoint: Checkpoint, roles: ModelRoles) -> Checkpoint:
    declared = roles.model_dump(exclude_unset=True)
    end, tokens = declared.pop("early_end_step", None), declared.pop("tokens_per_step", None)
    new: dict[str, Any] = {"model": checkpoint.model.model_copy(update=declared)}
    if end is not None:
        new["early"] = checkpoint.step <= end
    if tokens is not None:
        new["tokens_seen"] = checkpoint.step * tokens
    return checkpoint.model_copy(update=new)


def choose_fleet(studio: Studio, address: str, fleet: Fleet, num_fewshot: int | None = None) -> None:
    """Make a fleet that of a set, for the caller.

    Args:
        studio: Settings of the caller.
        address: Address of the set, or the path of its folder.
        fleet: The fleet.
        num_fewshot: Few-shot count; None for the set's own.

    Raises:
        TaskError: The caller is a visitor who may only read.
        StoreError: The workspace cannot be written.
    """
    access.require_writer(studio.settings)
    wanted = SetFleet(fleet=fleet, num_fewshot=num_fewshot)
    path = _set_file(studio.settings, address)
    if read_record(path, SetFleet) != wanted:
        _write(path, wanted)


def remember_run(
    studio: Studio, address: str, checkpoints: Sequence[Checkpoint], num_fewshot: int | None
) -> None:
    """Make the checkpoints of a run the set's fleet, for the caller.

    A fleet with exactly these checkpoints keeps its name; otherwise the run's is unnamed, with the roles that its
    models had in the set's fleet before.

    Raises:
        StoreError: The workspace cannot be written.
    """
    fleet = name_fleet(studio, address, tuple(checkpoint.name for checkpoint in checkpoints))
    choose_fleet(studio, address, fleet, num_fewshot)


def copy_choice(settings: Settings, source: str, name: str) -> None:
    """Let a copy of a set have the fleet of its source; one that a set of that name had before is forgotten."""
    chosen, path = chosen_fleet(settings, source), _set_file(settings, name)
    with suppress(OSError, StudioError):
        if chosen is None:
            path.unlink(missing_ok=True)
        else:
            _write(path, chosen)


def rename_set(settings: Settings, address: str, new: str) -> None:
    """Let a renamed set keep its fleet."""
    with suppress(OSError):
        _set_file(settings, address).replace(_set_file(settings, new))


def change_stamp(settings: Settings) -> tuple[int, int]:
    """Stamp that changes with every change of a fleet or of a set's fleet in the caller's workspace."""
    workspace, stamps = str(settings.workspace), []  # no Path for each folder: a page asks ten times
    for name in ("fleets", "set_fleets"):
        try:
            stamps.append(os.stat(f"{workspace}/{name}").st_mtime_ns)
        except OSError:
            stamps.append(0)
    return stamps[0], stamps[1]


def name_fleet(studio: Studio, address: str, names: tuple[str, ...]) -> Fleet:
    """Fleet of these checkpoints: the set's, the ladder or a saved one if it has the same; else an unnamed one.

    An unnamed one keeps the roles that its models have in the set's fleet.

    Args:
        studio: Catalogue and settings of the caller.
        address: Address of the set, or the path of its folder.
        names: Names of the checkpoints.
    """
    before, wanted = chosen_fleet(studio.settings, address), set(names)
    if before is not None and wanted == set(before.fleet.checkpoints):
        return before.fleet
    default = default_fleet(studio, address)
    stand_in = {checkpoint.name for checkpoint in default.checkpoints}
    if before is not None:  # a run of all of it that is on this machine, or of its stand-ins, forgets nothing
        here = {checkpoint.name for checkpoint in open_fleet(studio, before.fleet).checkpoints}
        if wanted == (here or stand_in):
            return before.fleet
    if wanted == stand_in and default.name == LADDER:
        return Fleet(name=LADDER, checkpoints=names)
    for name in saved_names(studio.settings):
        saved = _saved(studio.settings, name)
        if saved is not None and wanted == set(saved.checkpoints):
            return saved
    models = {name.split("/")[0] for name in names}
    roles = before.fleet.roles if before is not None else {}
    return Fleet(checkpoints=names, roles={model: one for model, one in roles.items() if model in models})


def chosen_fleet(settings: Settings, address: str) -> SetFleet | None:
    """Stored fleet of a set for the caller, a saved one as it is now; None without one.

    Raises:
        TaskError: The caller may not open the set.
    """
    chosen = read_record(_set_file(settings, address), SetFleet)
    if chosen is None or not chosen.fleet.name:
        return chosen
    saved = _saved(settings, chosen.fleet.name)
    return chosen if saved is None else chosen.model_copy(update={"fleet": saved})


# --- files ------------------------------------------------------------------------------------------------


def _folder(settings: Settings, name: str) -> Path:
    return settings.workspace / name


def _file(settings: Settings, name: str) -> Path:
    return _folder(settings, "fleets") / f"{quote(name, safe=' ')}.json"


def is_in_collection(settings: Settings, address: str) -> bool:
    """Whether an address is a name or OWNER/NAME, and not the path of a folder.

    Raises:
        TaskError: The caller may not open the set.
    """
    place = access.resolve_set(settings, address)
    return place.owner is not None or NAME.fullmatch(place.name) is not None


def _set_file(settings: Settings, address: str) -> Path:
    """File of a set's fleet; a set outside the collection goes by its path, of which a digest stands in the name."""
    place = access.resolve_set(settings, address)
    key = place.name if place.owner is None else f"{place.owner}/{place.name}"
    if not is_in_collection(settings, address):
        path = expand_home(key).resolve()
        key = f"{path.name[:MAX_NAME]} {hashlib.blake2b(str(path).encode(), digest_size=8).hexdigest()}"
    return _folder(settings, "set_fleets") / f"{quote(key, safe=' ')}.json"


def saved_names(settings: Settings) -> list[str]:
    """Names of the caller's saved fleets, sorted."""
    return sorted(unquote(path.stem) for path in _folder(settings, "fleets").glob("*.json"))


def saved_fleets(settings: Settings) -> list[Fleet]:
    """Readable saved fleets of the caller, by name."""
    return [fleet for name in saved_names(settings) if (fleet := _saved(settings, name)) is not None]


def _saved(settings: Settings, name: str) -> Fleet | None:
    return read_record(_file(settings, name), Fleet)


def _write(path: Path, record: Record) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, (record.model_dump_json(indent=1, exclude_unset=True) + "\n").encode())
    except (OSError, StudioError) as error:
        problem = error.strerror if isinstance(error, OSError) else str(error)
        raise StoreError(
            Sentence(
                "The choice of models could not be saved ({problem}): check the home's disk and its rights, and try "
                "again.",
                problem=problem,
            )
        ) from error
