"""The catalogue of checkpoints, and the folder of each that transformers and the harness load."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.records import Checkpoint, ModelInfo
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.folders import read_folder
from e2lm_core.checkpoints.hub.added import added_models
from e2lm_core.checkpoints.ladder.manifest import (
    EarlyWindow,
    LadderModel,
    Manifest,
    ladder_file,
    read_manifest,
)

_Found = tuple[ModelInfo, tuple[Checkpoint, ...]]


@dataclass(frozen=True)
class Catalogue:
    """Every model and checkpoint there is, models in order of appearance and checkpoints in step order.

    `problems` holds one sentence for each thing that could not be read; the rest is usable all the same.
    `early_window`, `context` (the longest input the ladder takes), `trained_context`, `taught_file` and `ngrams_file`
    are the ladder's, None without one.
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
        """Raises `CheckpointError` for an unknown name."""
        for model in self.models:
            if model.name == name:
                return model
        raise CheckpointError(f"There is no model {name!r}{self._hint(name)}.")

    def of(self, model: ModelInfo | str) -> tuple[Checkpoint, ...]:
        """A model's checkpoints in step order."""
        name = model if isinstance(model, str) else model.name
        self.model(name)
        return tuple(c for c in self.checkpoints if c.model.name == name)

    def match(self, globs: Iterable[str]) -> tuple[Checkpoint, ...]:
        """Those whose `model/iter_…` fits any glob, in catalogue order; a model's name alone means all of it.

        No glob at all means every checkpoint. Raises `CheckpointError` for a glob that fits none.
        """
        patterns = list(globs)
        wanted: set[str] = set()
        for pattern in patterns:
            fits = {c.name for c in self.checkpoints if fnmatchcase(c.name, pattern)}
            fits |= {c.name for c in self.checkpoints if fnmatchcase(c.model.name, pattern)}
            if not fits:
                raise CheckpointError(f"No checkpoint matches {pattern!r}{self._hint(pattern)}.")
            wanted |= fits
        return tuple(c for c in self.checkpoints if not patterns or c.name in wanted)

    def _hint(self, text: str) -> str:
        if not self.checkpoints:
            return ": there are no checkpoints" + (f" ({self.problems[0]})" if self.problems else "")
        names = [c.name for c in self.checkpoints] if "/" in text else [m.name for m in self.models]
        near = difflib.get_close_matches(text, names, n=1, cutoff=0.3) or names[:1]
        return f" (there is, for instance, {near[0]})"


def open_catalogue(settings: Settings) -> Catalogue:
    """The embedded ladder, the folders of `settings.checkpoints` and the models added from a hub.

    Never raises: see `problems`.
    """
    manifest, found, problems = _ladder_models(settings.ladder)
    for folder in settings.checkpoints:
        local = read_folder(folder)
        problems.extend(local.problems)
        for model, checkpoints in local.models:
            if any(model.name == other.name for other, _ in found):
                problems.append(
                    f"The model {model.name!r} in {folder} is left out, since there is another of that name: "
                    "rename its folder."
                )
            else:
                found.append((model, checkpoints))
    hub = added_models(settings)
    problems.extend(hub.problems)
    for model, checkpoints in hub.models:
        if any(model.name == other.name for other, _ in found):
            problems.append(
                f"The model {model.name!r} of a hub is left out, since there is another of that name: remove it "
                "and add it under another name."
            )
        else:
            found.append((model, checkpoints))
    taught_file = settings.ladder / "facts.json"
    ngrams_file = settings.ladder / "ngrams.bin"
    return Catalogue(
        models=tuple(model for model, _ in found),
        checkpoints=tuple(c for _, checkpoints in found for c in checkpoints),
        problems=tuple(problems),
        early_window=manifest.early_window if manifest else None,
        context=manifest.context if manifest else None,
        trained_context=manifest.trained_context if manifest else None,
        taught_file=taught_file if manifest and taught_file.is_file() else None,
        ngrams_file=ngrams_file if manifest and ngrams_file.is_file() else None,
    )


def _ladder_models(ladder: Path) -> tuple[Manifest | None, list[_Found], list[str]]:
    try:
        manifest = read_manifest(ladder)
    except CheckpointError as error:
        return None, [], [str(error)]
    found: list[_Found] = []
    problems: list[str] = []
    for entry in manifest.models:
        try:
            model, checkpoints = _ladder_model(entry, ladder)
        except CheckpointError as error:
            problems.append(str(error))
            continue
        found.append((model, checkpoints))
        missing = [c.packed for c in checkpoints if c.packed is not None and not c.packed.is_file()]
        if missing:
            problems.append(
                f"{len(missing)} of {len(checkpoints)} packed files of {model.name} are missing, first "
                f"{missing[0]}: get the ladder's files again."
            )
    return manifest, found, problems


def _ladder_model(entry: LadderModel, ladder: Path) -> _Found:
    shared = ("name", "size", "arch", "role", "parameters", "seed", "twin_of", "seed_of")
    model = ModelInfo(family="ladder", **{name: getattr(entry, name) for name in shared})
    return model, tuple(
        Checkpoint(
            model=model,
            step=c.step,
            tokens_seen=c.tokens_seen,
            early=c.early,
            packed=ladder_file(ladder, c.file),
            subfolder=c.name,
        )
        for c in sorted(entry.checkpoints, key=lambda c: c.step)
    )
