"""Checkpoint folders added by the user, kept in the home.

They are read in place, like those of E2LM_CHECKPOINTS; `folders.json` in the home folder lists them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pydantic import Field

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.files import mtime_and_size
from e2lm_core.base.formatting import join_words
from e2lm_core.base.records import Checkpoint, Record
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings, expand_home
from e2lm_core.checkpoints import locked_json
from e2lm_core.checkpoints.folders import (
    MAX_TOKENS_A_STEP,
    SourceModels,
    adapter_sentence,
    read_folder,
    step_of,
)
from e2lm_core.checkpoints.hub import hf_cache
from e2lm_core.people import access, accounts

_FILE = "folders.json"
SHOWN = 3  # names of folders in a sentence


class UserFolder(Record):
    """Checkpoint folder that the user has added.

    Attributes:
        path: The folder.
        tokens_per_step: Model name → tokens per step as the user gave them, for models without another rule.
    """

    path: Path
    tokens_per_step: dict[str, int] = Field(default_factory=dict)


class _Document(Record):
    folders: tuple[UserFolder, ...] = ()


def inspect_folder(path: str | Path) -> tuple[Path, SourceModels]:
    """Resolved path of a folder, and the models in it.

    Raises:
        CheckpointError: There is no such folder, or it has no checkpoints.
    """
    folder = expand_home(str(path).strip())
    try:
        folder = folder.resolve()
        there = folder.is_dir()
    except (OSError, ValueError, RuntimeError):  # such as a NUL in the name or a link to itself
        there = False
    if not there:
        raise CheckpointError(
            Sentence(
                "There is no folder {path}: give the path of one on this machine.",
                path=f"{str(path)[:200]!r}",
            )
        )
    found = read_folder(folder)
    if not found.models:
        raise CheckpointError(found.problems[0])
    return folder, found


def models_without_tokens(inspected: SourceModels) -> list[str]:
    """Names of the models with unknown tokens seen, for which the user is asked."""
    return [model.name for model, own in inspected.models if any(c.tokens_seen is None for c in own)]


def adapter_warnings(found: SourceModels) -> list[str]:
    """A sentence for each model with an adapter next to it, which is not applied."""
    firsts = (
        next((said for c in own if c.directory and (said := adapter_sentence(c.directory))), None)
        for _, own in found.models
    )
    return [said for said in firsts if said is not None]


def skipped_sentence(folder: Path, found: SourceModels) -> str | None:
    """Sentence that names a folder's models that are no checkpoint by their place or name; None without one."""
    if hf_cache.is_cache(folder):
        return None
    read = {c.directory for _, own in found.models for c in own}
    models = {place.parent for place in read if place is not None}
    skipped: list[Path] = []
    for pattern in ("*", "*/*", "*/*/*"):
        for place in sorted(path.parent for path in folder.glob(f"{pattern}/config.json")):
            is_placed = step_of(place.name) is not None and pattern != "*/*/*"  # its model's problem is told
            is_part = place in models or not {place, *place.parents}.isdisjoint({*read, *skipped})
            if not (
                is_placed or is_part or any(part.startswith(".") for part in place.relative_to(folder).parts)
            ):
                skipped.append(place)
    if not skipped:
        return None
    return Sentence(
        "Left out, since a checkpoint's folder tells its step (MODEL/step1000, iter_…, checkpoint-… or global_step…): "
        "{names}. Rename them to add them.",
        names=join_words([str(place.relative_to(folder)) for place in skipped], SHOWN),
    )


def add_folder(
    settings: Settings, path: str | Path, tokens_per_step: Mapping[str, int] | None = None
) -> UserFolder:
    """Add a folder to the catalogue, or set tokens per step for its models. Nothing is copied.

    Args:
        settings: Settings of the caller.
        path: Path of the folder.
        tokens_per_step: Model name → tokens per step; earlier values of other models stay.

    Raises:
        CheckpointError: The folder has no checkpoints or no such model, a number of tokens is out of range,
            or the list of folders cannot be read or written.
        TaskError: The caller is a visitor.
        StudioError: The caller is no administrator, who alone decides which folders of the machine are read.
    """
    access.require_member(settings, Sentence("add folders"))
    accounts.require_administrator(settings, Sentence("add folders of this machine"))
    folder, found = inspect_folder(path)
    known = {model.name for model, _ in found.models}
    for name, tokens in (tokens_per_step or {}).items():
        if name not in known:
            raise CheckpointError(
                Sentence(
                    "{folder} has no model {name}: it has {known}.",
                    folder=folder,
                    name=f"{name[:80]!r}",
                    known=join_words(sorted(known)),
                )
            )
        if not 0 < tokens < MAX_TOKENS_A_STEP:
            raise CheckpointError(
                Sentence(
                    "A step of {name} cannot mean {tokens} tokens: give a whole number above 0.",
                    name=name,
                    tokens=tokens,
                )
            )
    with _edited(settings) as folders:
        before = folders.get(folder, UserFolder(path=folder))
        folders[folder] = UserFolder(
            path=folder, tokens_per_step=before.tokens_per_step | dict(tokens_per_step or {})
        )
        return folders[folder]


def remove_folder(settings: Settings, path: str | Path) -> None:
    """Remove a folder from the catalogue; its files and all results stay.

    Raises:
        CheckpointError: The folder was not added, or the list cannot be read or written.
        StudioError: The caller is no administrator.
    """
    accounts.require_administrator(settings, Sentence("remove folders of this machine"))
    with _edited(settings) as folders:
        folder = next(
            (f for f in folders if str(f) == str(path) or f == expand_home(str(path)).absolute()), None
        )
        if folder is None:
            there = join_words([str(f) for f in folders]) or Sentence("none was")
            raise CheckpointError(
                Sentence(
                    "The folder {path} was not added ({there}).", path=f"{str(path)[:200]!r}", there=there
                )
            )
        del folders[folder]


def folders(settings: Settings) -> tuple[UserFolder, ...]:
    """The added folders.

    Raises:
        CheckpointError: The list cannot be read.
    """
    return tuple(_read(settings).values())


def models(settings: Settings) -> list[tuple[Path, SourceModels]]:
    """Current models of each added folder, with tokens seen by the user's tokens per step.

    Raises:
        CheckpointError: The list cannot be read.
    """
    return [
        (given.path, _counted(read_folder(given.path), given.tokens_per_step)) for given in folders(settings)
    ]


def change_stamp(settings: Settings) -> tuple[int, int] | None:
    """(mtime in ns, bytes) of the list of folders, different after any change of it; None without it."""
    return mtime_and_size(settings.home / _FILE)


# --- private helpers ----------------------------------------------------------------------------------


def _counted(found: SourceModels, tokens_per_step: Mapping[str, int]) -> SourceModels:
    def counted(checkpoint: Checkpoint) -> Checkpoint:
        rule = tokens_per_step.get(checkpoint.model.name)
        if rule is None or checkpoint.tokens_seen is not None:
            return checkpoint
        return checkpoint.model_copy(update={"tokens_seen": rule * checkpoint.step})

    return SourceModels(
        tuple((model, tuple(map(counted, own))) for model, own in found.models), found.problems
    )


def _read(settings: Settings) -> dict[Path, UserFolder]:
    document = locked_json.read_list(settings.home / _FILE, _Document, "folders")
    return {given.path: given for given in document.folders}


@contextmanager
def _edited(settings: Settings) -> Iterator[dict[Path, UserFolder]]:
    """The folders by path, written back if the block ends without an error; one process at a time."""
    with locked_json.lock_list(settings.home / _FILE):
        folders = _read(settings)
        yield folders
        locked_json.write_list(settings.home / _FILE, _Document(folders=tuple(folders.values())))
