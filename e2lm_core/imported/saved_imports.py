"""Saved imports in the home: save, list, open, remove, restore."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from e2lm_core.base import atomic
from e2lm_core.base.errors import LimitError, StudioError
from e2lm_core.base.json_values import to_json_numbers
from e2lm_core.base.records import Checkpoint, ModelInfo, Record
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Limits, Settings
from e2lm_core.base.untrusted import safejson
from e2lm_core.base.untrusted.regular_files import read_regular
from e2lm_core.imported.records import Curve, FileSeen, Imported
from e2lm_core.people import access, quotas
from e2lm_core.scores.measurements import Measurements, ModelCurve

VERSION = 1
MAX_BYTES = 2 * Limits().max_file_bytes
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
_SUFFIX = ".json"


class SavedImport(Record):
    """Line of the list of saved imports.

    Attributes:
        name: Name under which it is saved.
        when: Date of saving as ISO 8601 text; empty if the import cannot be read.
        models: Names of its models.
        tasks: Names of its tasks.
        curves: Number of its curves.
        per_question: Whether it holds samples.
        problem: Reason why it cannot be read; None if it can.
    """

    name: str
    when: str
    models: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    curves: int = 0
    per_question: bool = False
    problem: str | None = None


def imports_folder(settings: Settings) -> Path:
    """Folder of the saved imports, which need not exist yet."""
    return settings.workspace / "results"


def saved_names(settings: Settings) -> list[str]:
    """Names of the saved imports in alphabetical order."""
    return _names(imports_folder(settings))


def removed_imports(settings: Settings) -> list[str]:
    """Names of the removed imports that can be restored, in alphabetical order."""
    return _names(imports_folder(settings) / "removed")


def save_import(settings: Settings, name: str, imported: Imported) -> None:
    """Save an import under a name.

    Raises:
        StudioError: The name is taken or not allowed.
        TaskError: The caller may only read.
        LimitError: The import is too large, or the caller's quota is used up.
    """
    access.require_writer(settings)
    quotas.check_quota(settings, "results")
    quotas.check_quota(settings, "bytes", 0)
    document = {
        "version": VERSION,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "curves": [curve.model_dump() for curve in imported.curves],
        "problems": list(imported.problems),
        "files": [seen.model_dump() for seen in imported.files],
        "measured": {label: _document(measured) for label, measured in imported.measured.items()},
    }
    _write(settings, name, document)


def open_saved(settings: Settings, name: str) -> Imported:
    """Saved import of a name.

    Raises:
        StudioError: It is missing, damaged, or of another version of the studio.
    """
    return _imported(_read(settings, name), name)


def list_saved(settings: Settings) -> list[SavedImport]:
    """All saved imports, newest first; an unreadable one is listed with its reason."""
    return sorted(
        (_line(settings, name) for name in saved_names(settings)), key=lambda kept: kept.when, reverse=True
    )


def remove_import(settings: Settings, name: str) -> None:
    """Move saved results to the removed ones, in place of any removed earlier under the same name.

    Raises:
        StudioError: The name is not allowed, nothing is saved under it, or the file cannot be moved.
        TaskError: The caller may only read.
    """
    access.require_writer(settings)
    _check_name(name)
    path = _path(settings, name)
    if not path.is_file():
        raise StudioError(
            Sentence("No results named {name} are kept, so there is nothing to remove.", name=f"{name!r}")
        )
    _move(path, imports_folder(settings) / "removed" / path.name, name)


def restore_import(settings: Settings, name: str) -> None:
    """Restore removed results.

    Raises:
        StudioError: The name is not allowed, nothing was removed under it, it was taken since, or the file
            cannot be moved.
        TaskError: The caller may only read.
        LimitError: The caller's quota is used up.
    """
    access.require_writer(settings)
    quotas.check_quota(settings, "results")
    _check_name(name)
    aside = imports_folder(settings) / "removed" / f"{name}{_SUFFIX}"
    if not aside.is_file():
        raise StudioError(
            Sentence(
                "No results named {name} were removed, so there is nothing to restore.", name=f"{name!r}"
            )
        )
    if _path(settings, name).exists():
        raise StudioError(
            Sentence("Results named {name} are kept already: remove those first.", name=f"{name!r}")
        )
    _move(aside, _path(settings, name), name)


# --- within -------------------------------------------------------------------------------------------


def _line(settings: Settings, name: str) -> SavedImport:
    try:
        document = _read(settings, name)
        imported = _imported(document, name)
    except StudioError as error:
        return SavedImport(name=name, when="", problem=str(error))
    return SavedImport(
        name=name,
        when=str(document.get("when", "")),
        models=tuple(dict.fromkeys(curve.model.name for curve in imported.curves)),
        tasks=tuple(imported.tasks),
        curves=len(imported.curves),
        per_question=bool(imported.measured),
    )


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise StudioError(
            Sentence(
                "{name} cannot name results: use 1 to 64 letters, digits, dots, dashes and underscores.",
                name=f"{name[:80]!r}",
            )
        )


def _path(settings: Settings, name: str) -> Path:
    return imports_folder(settings) / f"{name}{_SUFFIX}"


def _names(place: Path) -> list[str]:
    return sorted((p.stem for p in place.glob(f"*{_SUFFIX}") if p.is_file()), key=str.lower)


def _move(source: Path, target: Path, name: str) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)
    except OSError as error:
        raise StudioError(
            Sentence(
                "The results {name} cannot be moved ({strerror}): check the home folder's rights.",
                name=f"{name!r}",
                strerror=error.strerror,
            )
        ) from error


def _write(settings: Settings, name: str, document: Mapping[str, Any]) -> None:
    _check_name(name)
    path = _path(settings, name)
    if path.exists():
        raise StudioError(
            Sentence(
                "Results named {name} are kept already: choose another name or remove those.",
                name=f"{name!r}",
            )
        )
    data = json.dumps(document, allow_nan=False).encode()
    if len(data) > settings.limits.max_file_bytes:
        raise LimitError(
            Sentence(
                "These results take {data} MB; at most {max_file_bytes} MB are kept: import fewer models or tasks at "
                "once.",
                data=f"{len(data) / 2**20:,.0f}",
                max_file_bytes=str(settings.limits.max_file_bytes // 2**20),
            )
        )
    atomic.replace_file(path, data)


def _read(settings: Settings, name: str) -> dict[str, Any]:
    _check_name(name)
    path = _path(settings, name)
    try:
        document = safejson.loads(read_regular(path, MAX_BYTES).decode())
    except FileNotFoundError as error:
        kept = ", ".join(saved_names(settings)) or Sentence("none are")
        raise StudioError(
            Sentence("No results named {name} are kept ({kept}).", name=f"{name!r}", kept=kept)
        ) from error
    except (OSError, ValueError) as error:
        raise StudioError(
            Sentence(
                "The kept results {name} cannot be read: remove them and import them again.", name=f"{name!r}"
            )
        ) from error
    if not isinstance(document, dict):
        raise StudioError(
            Sentence(
                "The kept results {name} are damaged: remove them and import them again.", name=f"{name!r}"
            )
        )
    return document


def _imported(document: Mapping[str, Any], name: str) -> Imported:
    if document.get("version") != VERSION:
        raise StudioError(
            Sentence(
                "The kept results {name} are of another version of the studio: import them again.",
                name=f"{name!r}",
            )
        )
    try:
        return Imported(
            curves=tuple(Curve.model_validate(curve) for curve in document["curves"]),
            measured={label: _measurements(measured) for label, measured in document["measured"].items()},
            problems=tuple(document["problems"]),
            files=tuple(FileSeen.model_validate(seen) for seen in document["files"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise StudioError(
            Sentence(
                "The kept results {name} are damaged: remove them and import them again.", name=f"{name!r}"
            )
        ) from error


def _document(measured: Measurements) -> dict[str, Any]:
    return {
        "task": measured.task,
        "question_ids": measured.question_ids,
        "subjects": measured.subjects,
        "gold": measured.gold.tolist(),
        "chars": [to_json_numbers(row, as_integers=True) for row in measured.chars],
        "gold_bytes": measured.gold_bytes.tolist(),
        "curves": [
            {
                "model": curve.model.model_dump(),
                "checkpoints": [
                    c.model_dump(include={"step", "tokens_seen", "early", "revision"})
                    for c in curve.checkpoints
                ],
                "ll": [[to_json_numbers(row) for row in checkpoint] for checkpoint in curve.ll],
            }
            for curve in measured.curves
        ],
    }


def _measurements(document: Mapping[str, Any]) -> Measurements:
    curves = []
    for curve in document["curves"]:
        model = ModelInfo.model_validate(curve["model"])
        checkpoints = tuple(Checkpoint(model=model, **place) for place in curve["checkpoints"])
        curves.append(
            ModelCurve(model=model, checkpoints=checkpoints, ll=np.array(curve["ll"], dtype=np.float64))
        )
    return Measurements(
        task=document["task"],
        question_ids=tuple(document["question_ids"]),
        subjects=tuple(document["subjects"]),
        gold=np.array(document["gold"], dtype=np.intp),
        chars=np.array(document["chars"], dtype=np.float64),
        gold_bytes=np.array(document["gold_bytes"], dtype=np.float64),
        curves=tuple(curves),
    )
