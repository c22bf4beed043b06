"""Catalogue of all models and checkpoints: ladder, folders, caches, hubs."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.records import Checkpoint, ModelInfo
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints import user_folders
from e2lm_core.checkpoints.folders import SourceModels, read_cache, read_folder, step_names
from e2lm_core.checkpoints.hub.added_models import added_models
from e2lm_core.checkpoints.ladder.manifest import (
    EarlyWindow,
    LadderModel,
    Manifest,
    ladder_file,
    read_manifest,
)
from e2lm_core.checkpoints.packaged import smollm2

_Model = tuple[ModelInfo, tuple[Checkpoint, ...]]
_RENAME = "rename its folder"


@dataclass(frozen=True)
class Catalogue:
    """Catalogue of all models, in order of appearance, and their checkpoints, in step order.

    Attributes:
        models: The models.
        checkpoints: The checkpoints.
        problems: A sentence for each source that could not be read; everything else is usable all the same.
        early_window: Early window of the embedded ladder; this and all below are None without the ladder.
        context: Context window of the ladder's models, in tokens.
        trained_context: Longest input in the ladder's training, in tokens.
        taught_file: File of the ladder's training facts; None if it is missing.
        ngrams_file: File of the 13-grams of the ladder's training text; None if it is missing.
    """

    models: tuple[ModelInfo, ...]
    checkpoints: tuple[Checkpoint, ...]
    problems: tuple[str, ...] = ()
    early_window: EarlyWindow | None = None
    context: int | None = None
    trained_context: int | None = None
    taught_file: Path | None = None
    ngrams_file: Path | None = None

    def model(self, name: str) -> ModelInfo:
        """The model of that name.

        Raises:
            CheckpointError: There is no such model; the sentence names the nearest one.
        """
        for model in self.models:
            if model.name == name:
                return model
        raise CheckpointError(
            Sentence("There is no model {name}{hint}.", name=repr(name), hint=self._hint(name))
        )

    def checkpoints_of(self, model: ModelInfo | str) -> tuple[Checkpoint, ...]:
        """A model's checkpoints in step order.

        Raises:
            CheckpointError: There is no such model.
        """
        name = model if isinstance(model, str) else model.name
        self.model(name)
        return tuple(c for c in self.checkpoints if c.model.name == name)

    def match_globs(self, globs: Iterable[str]) -> tuple[Checkpoint, ...]:
        """Checkpoints with a name `model/iter_…` that fits any glob, in catalogue order.

        A model's name alone means all its checkpoints, no glob at all every checkpoint.

        Raises:
            CheckpointError: A glob fits no checkpoint.
        """
        patterns = list(globs)
        wanted: set[str] = set()
        for pattern in patterns:
            fits = {c.name for c in self.checkpoints if fnmatchcase(c.name, pattern)}
            fits |= {c.name for c in self.checkpoints if fnmatchcase(c.model.name, pattern)}
            if not fits:
                raise CheckpointError(
                    Sentence(
                        "No checkpoint matches {pattern}{hint}.",
                        pattern=repr(pattern),
                        hint=self._hint(pattern),
                    )
                )
            wanted |= fits
        return tuple(c for c in self.checkpoints if not patterns or c.name in wanted)

    def name_conflicts(self, folder: Path, found: SourceModels) -> list[str]:
        """A sentence for each model in a folder that would be left out: another one of its name is here."""
        models = [(model, self.checkpoints_of(model)) for model in self.models]
        return _name_conflicts(models, found, f"in {folder}", _RENAME)

    def _hint(self, text: str) -> str:
        if not self.checkpoints:
            reason = self.problems[0] if self.problems else None
            return (
                Sentence(": there are no checkpoints ({reason})", reason=reason)
                if reason
                else Sentence(": there are no checkpoints")
            )
        names = [c.name for c in self.checkpoints] if "/" in text else [m.name for m in self.models]
        near = difflib.get_close_matches(text, names, n=1, cutoff=0.3) or names[:1]
        return Sentence(" (there is, for instance, {near})", near=near[0])


def without_extras(checkpoints: Iterable[Checkpoint]) -> tuple[Checkpoint, ...]:
    """Those of the checkpoints that a default fleet takes."""
    return tuple(c for c in checkpoints if not c.extra)


def list_step_folders(settings: Settings) -> tuple[tuple[str, ...], ...]:
    """Names of the step folders in all local checkpoint folders; the catalogue is reread if they change."""
    try:
        added = [folder.path for folder in user_folders.folders(settings)]
    except CheckpointError:
        added = []
    packaged = smollm2.model_folder(settings)
    return tuple(step_names(folder) for folder in (*settings.checkpoints, *added, packaged))


def open_catalogue(settings: Settings) -> Catalogue:
    """Read the catalogue: ladder, checkpoint folders, models added from a hub, Hugging Face cache.

    The folders are those of `settings.checkpoints`, those added by the user, and that of an unpacked package. Never
    raises: see `problems`.
    """
    manifest, models, problems = _ladder_models(settings.ladder)
    folders = [(folder, read_folder(folder)) for folder in settings.checkpoints]
    try:
        folders += user_folders.models(settings)
    except CheckpointError as error:
        problems.append(str(error))
    folders.append((smollm2.model_folder(settings), smollm2.read_models(settings)))
    sources = [(f"in {folder}", found, _RENAME) for folder, found in folders]
    sources.append(("of a hub", added_models(settings), "remove it and add it under another name"))
    for where, found, remedy in sources:
        problems += [*found.problems, *_name_conflicts(models, found, where, remedy)]
        for added in found.models:
            _join(models, added)
    if settings.hf_cache is not None:
        for added in read_cache(settings.hf_cache).models:
            # A model added by hand under the same name takes precedence: it may lie in the cache too.
            _join(models, added)
    taught_file = settings.ladder / "facts.json"
    ngrams_file = settings.ladder / "ngrams.bin"
    return Catalogue(
        models=tuple(model for model, _ in models),
        checkpoints=tuple(c for _, checkpoints in models for c in checkpoints),
        problems=tuple(problems),
        early_window=manifest.early_window if manifest else None,
        context=manifest.context if manifest else None,
        trained_context=manifest.trained_context if manifest else None,
        taught_file=taught_file if manifest and taught_file.is_file() else None,
        ngrams_file=ngrams_file if manifest and ngrams_file.is_file() else None,
    )


def _join(models: list[_Model], added: _Model) -> None:
    """Append a model with its checkpoints, unless there is one of its name already."""
    if all(added[0].name != model.name for model, _ in models):
        models.append(added)


def _name_conflicts(models: Sequence[_Model], found: SourceModels, where: str, remedy: str) -> list[str]:
    """A sentence for each found model that has the name of another; a folder that is found twice is no other."""
    there = {model.name: own for model, own in models}
    return [
        f"The model {model.name!r} {where} is left out, since there is another of that name: {remedy}."
        for model, own in found.models
        if model.name in there and _folders(own) != _folders(there[model.name])
    ]


def _folders(checkpoints: Iterable[Checkpoint]) -> list[Path | None]:
    return [checkpoint.directory and checkpoint.directory.resolve() for checkpoint in checkpoints]


def _ladder_models(ladder: Path) -> tuple[Manifest | None, list[_Model], list[str]]:
    """The manifest, its models, and a sentence for each file that cannot be read."""
    try:
        manifest = read_manifest(ladder)
    except CheckpointError as error:
        return None, [], [str(error)]
    models: list[_Model] = []
    problems: list[str] = []
    for entry in manifest.models:
        try:
            model, checkpoints = _ladder_model(entry, ladder)
        except CheckpointError as error:
            problems.append(str(error))
            continue
        models.append((model, checkpoints))
        missing = [c.packed for c in checkpoints if c.packed is not None and not c.packed.is_file()]
        if missing:
            problems.append(
                f"{len(missing)} of {len(checkpoints)} packed files of {model.name} are missing, first "
                f"{missing[0]}: get the ladder's files again."
            )
    return manifest, models, problems


def _ladder_model(entry: LadderModel, ladder: Path) -> _Model:
    shared = ("name", "size", "arch", "role", "parameters", "seed", "twin_of", "seed_of")
    model = ModelInfo(family="ladder", **{name: getattr(entry, name) for name in shared})
    return model, tuple(
        Checkpoint(
            model=model,
            step=c.step,
            tokens_seen=c.tokens_seen,
            early=c.early,
            extra=c.extra,
            packed=ladder_file(ladder, c.file),
            subfolder=c.name,
        )
        for c in sorted(entry.checkpoints, key=lambda c: c.step)
    )
