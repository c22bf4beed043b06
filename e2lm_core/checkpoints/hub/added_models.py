"""Models added from a hub: list, add, pin, remove.

A branch, tag or folder is resolved to a commit when it is added, and the commit is kept, downloaded and part
of every result's key: later changes on the hub change nothing here. `families.json` in the home folder lists
the added models. Only safetensors, the configuration and the tokenizer are downloaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from pydantic import Field

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.files import mtime_and_size
from e2lm_core.base.records import Checkpoint, ModelInfo, Record
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints import locked_json
from e2lm_core.checkpoints.families import (
    CheckpointChoice,
    CheckpointLocation,
    Family,
    FamilyModel,
    choose_checkpoints,
)
from e2lm_core.checkpoints.folders import SourceModels
from e2lm_core.checkpoints.hub.cache import evict, snapshot_folder
from e2lm_core.checkpoints.hub.client import HubClient, RemoteFile
from e2lm_core.checkpoints.hub.download import wanted_files
from e2lm_core.people import access, accounts

_FILE = "families.json"


class RemoteCheckpoint(Record):
    """Checkpoint on a hub.

    Attributes:
        place: Location in the repository.
        commit: Current commit of the location.
        bytes: Bytes of its weights; None if the listing does not tell.
    """

    place: CheckpointLocation
    commit: str
    bytes: int | None = None


class RemoteListing(Record):
    """Listing of one model on a hub: its current checkpoints in step order."""

    family: Family
    model: FamilyModel
    checkpoints: tuple[RemoteCheckpoint, ...]


class _Entry(Record):
    name: str  # branch, tag or folder by which it was added
    revision: str = Field(pattern=r"^[0-9a-f]{40}$")
    subfolder: str | None
    step: int
    tokens_seen: int | None
    early: bool | None
    pinned: bool = False


class AddedModel(Record):
    """Model of the catalogue on a hub.

    Attributes:
        model: Record of the model.
        repo: OWNER/NAME of the repository.
        checkpoints: The added checkpoints in step order.
        by: Person who added it; None if nobody signs in.
        bytes: Bytes of one checkpoint's weights as the hub lists them; all of a model have one size. None if
            unknown.
    """

    model: ModelInfo
    repo: str
    checkpoints: tuple[_Entry, ...]
    by: str | None = None
    bytes: int | None = None


class _Document(Record):
    version: int = Field(default=1, ge=1, le=1)
    added: tuple[AddedModel, ...] = ()


def list_remote(settings: Settings, family: Family, model: str) -> RemoteListing:
    """Listing of a model's current checkpoints on the hub, in step order.

    Args:
        settings: Settings.
        family: Family of the model.
        model: Name of the model in the family.

    Raises:
        CheckpointError: The family has no such model, or the hub shows no checkpoint of it.
        HubUnreachable: There is no connection; the sentence names the checkpoints that can be used offline
            (`Family.known_locations` gives those that there should be).
    """
    chosen = family.model(model)
    client = HubClient(settings)
    if family.where == "revision":
        commits = client.revisions(chosen.repo)
        listed = tuple(
            RemoteCheckpoint(place=p, commit=commits[p.name]) for p in family.locate_all(chosen, commits)
        )
    else:
        commit, files = client.files(chosen.repo, "main")
        folders = {file.path.rpartition("/")[0] for file in files} - {""}
        listed = tuple(
            RemoteCheckpoint(place=p, commit=commit, bytes=_bytes(files, p.name))
            for p in family.locate_all(chosen, folders)
        )
    if not listed:
        raise CheckpointError(
            Sentence(
                "{repo} has no branch named like {pattern}: check the name and the pattern.",
                repo=chosen.repo,
                pattern=family.pattern,
            )
            if family.where == "revision"
            else Sentence(
                "{repo} has no folder named like {pattern}: check the name and the pattern.",
                repo=chosen.repo,
                pattern=family.pattern,
            )
        )
    return RemoteListing(family=family, model=chosen, checkpoints=listed)


def add_checkpoints(
    settings: Settings, family: Family, model: str, choice: CheckpointChoice | None = None
) -> tuple[Checkpoint, ...]:
    """Add checkpoints of a model on a hub to the catalogue; returns them.

    Only the listing is downloaded. A checkpoint that was added before stays at its commit.

    Args:
        settings: Settings of the caller.
        family: Family of the model.
        model: Name of the model in the family.
        choice: Choice of checkpoints; None for all.

    Raises:
        CheckpointError: As by `list_remote`; no checkpoint fits the choice; a model of the same name is of
            another repository; or the weights are not safetensors.
        TaskError: The caller is a visitor.
    """
    access.require_member(settings, Sentence("add checkpoints"))
    listed = list_remote(settings, family, model)
    at = {entry.place: entry for entry in listed.checkpoints}
    chosen = choose_checkpoints(tuple(at), choice or CheckpointChoice())
    client = HubClient(settings)
    for place in dict.fromkeys((chosen[0], chosen[-1])):  # refused now, not after a long download
        _, files = client.files(listed.model.repo, at[place].commit)
        wanted_files(listed.model.repo, place.subfolder, files)
    new = {
        place.step: _Entry(**place.model_dump(exclude={"revision"}), revision=at[place].commit)
        for place in chosen
    }
    with _edited(settings) as models:
        added = _joined(models.get(listed.model.name), family, listed.model, new, settings.person)
        added = added.model_copy(update={"bytes": _bytes(files, chosen[-1].subfolder or "") or added.bytes})
        models[listed.model.name] = added
    return tuple(c for c in _checkpoints(added, settings) if c.step in new)


def _joined(
    before: AddedModel | None, family: Family, model: FamilyModel, new: dict[int, _Entry], by: str | None
) -> AddedModel:
    """The model with new checkpoints by step; a checkpoint that was added before stays at its commit."""
    if before is not None and before.repo != model.repo:
        raise CheckpointError(
            Sentence(
                "There is a model {name} already, of {repo}: remove it, or give this one another name.",
                name=f"{model.name!r}",
                repo=before.repo,
            )
        )
    entries = new | {entry.step: entry for entry in (before.checkpoints if before else ())}
    return AddedModel(
        model=family.model_info(model),
        repo=model.repo,
        checkpoints=tuple(entries[step] for step in sorted(entries)),
        by=before.by if before else by,
        bytes=before.bytes if before else None,
    )


def remove_checkpoints(settings: Settings, model: str, names: tuple[str, ...] = ()) -> int:
    """Remove a model, or some of its checkpoints, from the catalogue; returns the bytes freed.

    Downloads are deleted; results stay.

    Args:
        settings: Settings of the caller.
        model: Name of the model.
        names: Names of the checkpoints, as in `Checkpoint.name`; () for the whole model.

    Raises:
        CheckpointError: The model or a checkpoint was not added, or another person added it; or as by
            `cache.evict`.
    """
    with _edited(settings) as models:
        if model not in models:
            there = Sentence(" (there is {models})", models=", ".join(models)) if models else ""
            raise CheckpointError(
                Sentence("No model {model} of a hub was added{there}.", model=f"{model!r}", there=there)
            )
        entry = models[model]
        _require_own(settings, entry, Sentence("remove"))
        by_name = {c.name: c for c in _checkpoints(entry, settings)}
        if unknown := [name for name in names if name not in by_name]:
            raise CheckpointError(
                Sentence(
                    "{unknown} is not a checkpoint of {model} that was added.",
                    unknown=f"{unknown[0]!r}",
                    model=model,
                )
            )
        gone = [by_name[name] for name in names] if names else list(by_name.values())
        steps = {c.step for c in gone}
        kept = tuple(c for c in entry.checkpoints if c.step not in steps)
        if kept:
            models[model] = entry.model_copy(update={"checkpoints": kept})
        else:
            del models[model]
    return sum(evict(checkpoint, settings) for checkpoint in gone)


def evict_checkpoints(settings: Settings, checkpoints: Iterable[Checkpoint]) -> int:
    """Delete the downloads of some checkpoints; returns the bytes freed.

    Raises:
        CheckpointError: Another person added one of them, or one is pinned; or as by `cache.evict`.
    """
    chosen, models = list(checkpoints), _read(settings)
    for name in {checkpoint.model.name for checkpoint in chosen}:
        _require_own(settings, models.get(name), Sentence("evict"))
    kept = pinned(settings)
    if stays := next((c.name for c in chosen if c.name in kept), None):
        raise CheckpointError(Sentence("{stays} is pinned, so that it stays: unpin it first.", stays=stays))
    return sum(evict(checkpoint, settings) for checkpoint in chosen)


def pin(settings: Settings, checkpoints: Iterable[Checkpoint], pinned: bool = True) -> int:
    """Pin checkpoints, so that they are never evicted, or unpin them; returns the number of changes.

    Args:
        settings: Settings of the caller.
        checkpoints: The checkpoints.
        pinned: Whether to pin; False to unpin.

    Raises:
        CheckpointError: Another person added one of them, or it was not added at all.
    """
    chosen = {(c.model.name, c.step) for c in checkpoints}
    with _edited(settings) as models:
        for name in {name for name, _ in chosen}:
            _require_own(settings, models.get(name), Sentence("pin") if pinned else Sentence("unpin"))
        changed = 0
        for name, added in models.items():
            entries = [
                e.model_copy(update={"pinned": pinned}) if (name, e.step) in chosen else e
                for e in added.checkpoints
            ]
            changed += sum(now != was for now, was in zip(entries, added.checkpoints, strict=True))
            models[name] = added.model_copy(update={"checkpoints": tuple(entries)})
    return changed


def pinned(settings: Settings) -> frozenset[str]:
    """Names of all pinned checkpoints.

    Raises:
        CheckpointError: The list cannot be read.
    """
    return frozenset(
        checkpoint.name
        for added in _read(settings).values()
        for entry, checkpoint in zip(added.checkpoints, _checkpoints(added, settings), strict=True)
        if entry.pinned
    )


def checkpoint_bytes(settings: Settings) -> dict[str, int]:
    """Model name → bytes of one checkpoint's weights, for models with a size listed by the hub."""
    return {name: added.bytes for name, added in _read(settings).items() if added.bytes}


def _require_own(settings: Settings, entry: AddedModel | None, to_do: str) -> None:
    access.require_writer(settings)
    if accounts.is_administrator(settings) or (entry is not None and entry.by == settings.person):
        return
    name = "This model" if entry is None else entry.model.name
    raise CheckpointError(
        Sentence(
            "{name} was added by another: only they, or an administrator, can {to_do} it.",
            name=name,
            to_do=to_do,
        )
    )


def added_models(settings: Settings) -> SourceModels:
    """The added models for the catalogue. Never raises: see `problems`."""
    try:
        models = _read(settings)
    except CheckpointError as error:
        return SourceModels(problems=(str(error),))
    return SourceModels(tuple((added.model, _checkpoints(added, settings)) for added in models.values()))


def change_stamp(settings: Settings) -> tuple[int, int] | None:
    """(mtime in ns, bytes) of the list of added models, different after any change; None without it."""
    return mtime_and_size(settings.home / _FILE)


def _checkpoints(added: AddedModel, settings: Settings) -> tuple[Checkpoint, ...]:
    """Checkpoints of a model; `directory` is the folder of their download, complete or not."""
    checkpoints = []
    for entry in added.checkpoints:
        checkpoint = Checkpoint(
            model=added.model, repo=added.repo, **entry.model_dump(exclude={"name", "pinned"})
        )
        checkpoints.append(checkpoint.model_copy(update={"directory": snapshot_folder(checkpoint, settings)}))
    return tuple(checkpoints)


def _bytes(files: tuple[RemoteFile, ...], folder: str) -> int:
    return sum(
        file.bytes
        for file in files
        if file.path.rpartition("/")[0] == folder and file.path.endswith(".safetensors")
    )


def _read(settings: Settings) -> dict[str, AddedModel]:
    document = locked_json.read_list(settings.home / _FILE, _Document, "added models")
    return {added.model.name: added for added in document.added}


@contextmanager
def _edited(settings: Settings) -> Iterator[dict[str, AddedModel]]:
    """The added models by name, written back if the block ends without an error; one process at a time."""
    with locked_json.lock_list(settings.home / _FILE):
        models = _read(settings)
        yield models
        locked_json.write_list(settings.home / _FILE, _Document(added=tuple(models.values())))
