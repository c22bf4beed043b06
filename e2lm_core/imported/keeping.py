"""Imports kept under a name in the home folder, with everything that was read of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np

from e2lm_core.base.errors import StudioError
from e2lm_core.base.plain import numbers
from e2lm_core.base.records import Checkpoint, ModelInfo, Record
from e2lm_core.base.settings import Settings
from e2lm_core.imported import store as imported_store
from e2lm_core.imported.join import Curve
from e2lm_core.imported.opening import Imported
from e2lm_core.imported.records import FileSeen
from e2lm_core.scores.measurements import Measurements, ModelCurve

VERSION = 1


class Kept(Record):
    """What a list of kept imports shows."""

    name: str
    when: str
    models: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    curves: int = 0
    per_question: bool = False
    problem: str | None = None


def keep(settings: Settings, name: str, imported: Imported) -> None:
    """Raises StudioError for a name that is taken or cannot be used."""
    document = {
        "version": VERSION,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "curves": [curve.model_dump() for curve in imported.curves],
        "problems": list(imported.problems),
        "files": [seen.model_dump() for seen in imported.files],
        "measured": {label: _dump(measured) for label, measured in imported.measured.items()},
    }
    imported_store.save(settings, name, document)


def open_kept(settings: Settings, name: str) -> Imported:
    """A kept import as it was. Raises StudioError where it is missing, damaged or of a newer studio."""
    document = imported_store.load(settings, name)
    if document.get("version") != VERSION:
        raise StudioError(
            f"The kept results {name!r} are of another version of the studio: import them again."
        )
    try:
        return Imported(
            curves=tuple(Curve.model_validate(curve) for curve in document["curves"]),
            measured={label: _load(measured) for label, measured in document["measured"].items()},
            problems=tuple(document["problems"]),
            files=tuple(FileSeen.model_validate(seen) for seen in document["files"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise StudioError(
            f"The kept results {name!r} are damaged: remove them and import them again."
        ) from error


def list_kept(settings: Settings) -> list[Kept]:
    """Every kept import, newest first; one that cannot be read is listed with its reason."""
    found = []
    for name in imported_store.names(settings):
        try:
            imported = open_kept(settings, name)
        except StudioError as error:
            found.append(Kept(name=name, when="", problem=str(error)))
            continue
        found.append(
            Kept(
                name=name,
                when=str(imported_store.load(settings, name)["when"]),
                models=tuple(dict.fromkeys(curve.model.name for curve in imported.curves)),
                tasks=tuple(imported.tasks),
                curves=len(imported.curves),
                per_question=bool(imported.measured),
            )
        )
    return sorted(found, key=lambda kept: kept.when, reverse=True)


def _dump(measured: Measurements) -> dict[str, Any]:
    return {
        "task": measured.task,
        "question_ids": measured.question_ids,
        "subjects": measured.subjects,
        "gold": measured.gold.tolist(),
        "chars": [numbers(row, whole=True) for row in measured.chars],
        "gold_bytes": measured.gold_bytes.tolist(),
        "curves": [
            {
                "model": curve.model.model_dump(),
                "checkpoints": [
                    c.model_dump(include={"step", "tokens_seen", "early", "revision"})
                    for c in curve.checkpoints
                ],
                "ll": [[numbers(row) for row in checkpoint] for checkpoint in curve.ll],
            }
            for curve in measured.curves
        ],
    }


def _load(given: dict[str, Any]) -> Measurements:
    curves = []
    for curve in given["curves"]:
        model = ModelInfo.model_validate(curve["model"])
        checkpoints = tuple(Checkpoint(model=model, **own) for own in curve["checkpoints"])
        curves.append(
            ModelCurve(model=model, checkpoints=checkpoints, ll=np.array(curve["ll"], dtype=np.float64))
        )
    return Measurements(
        task=given["task"],
        question_ids=tuple(given["question_ids"]),
        subjects=tuple(given["subjects"]),
        gold=np.array(given["gold"], dtype=np.intp),
        chars=np.array(given["chars"], dtype=np.float64),
        gold_bytes=np.array(given["gold_bytes"], dtype=np.float64),
        curves=tuple(curves),
    )
