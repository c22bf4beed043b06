"""`tasks` and `versions` on the command line: the question sets there are, and what a set was before."""

from __future__ import annotations

from typing import Any

from e2lm_core.base.errors import StudioError
from e2lm_core.base.settings import Settings
from e2lm_core.commands.output import Json, Task, show


def tasks(as_json: Json = False) -> None:
    """List the question sets: your own, then the examples."""
    from e2lm_core.sets.collection import list_sets
    from e2lm_core.sets.folder.files import read_task

    settings = Settings.from_env()
    rows = []
    for info in list_sets(settings):
        row: dict[str, Any] = {"name": info.name, "path": str(info.folder), "example": info.example}
        try:
            if info.problem:
                raise StudioError(info.problem)
            task = read_task(info.folder, settings.limits).task
            row |= {"questions": len(task.questions), "dev": len(task.dev), "problem": None}
        except StudioError as error:
            row |= {"questions": None, "dev": None, "problem": str(error)}
        rows.append(row)
    show(as_json, {"tasks": rows}, rows, ("name", "questions", "dev", "example", "problem"))


def versions(task: Task, as_json: Json = False) -> None:
    """List the kept versions of a set, oldest first; `compare` takes them by number."""
    from e2lm_core.sets import versions

    rows = [v.model_dump() for v in versions.list_versions(Settings.from_env(), task)]
    show(as_json, {"task": task, "versions": rows}, rows, ("number", "action", "shown"))
