"""`undo`, `redo` and `versions` on the command line: what a set was before, and back to it."""

from __future__ import annotations

from e2lm_core.base.phrasing import count
from e2lm_core.base.settings import Settings
from e2lm_core.commands.output import Json, Task, say, show
from e2lm_core.commands.sets.collection import Mine


def undo(task: Mine, as_json: Json = False) -> None:
    """Take the last change of a set back; `redo` makes it again."""
    from e2lm_core.sets import collection, versions

    settings = Settings.from_env()
    action = versions.undoable(settings, collection.editable_set(settings, task).address)[0]
    saved = versions.undo(settings, task)
    document = {"task": saved.address, "undone": action, "questions": len(saved.questions)}
    say(
        as_json,
        document,
        f"Taken back in {saved.address}: {action}. It has {count(len(saved.questions), 'question')}; "
        f"`redo {saved.address}` makes the change again.",
    )


def redo(task: Mine, as_json: Json = False) -> None:
    """Make the change again that `undo` took back."""
    from e2lm_core.sets import collection, versions

    settings = Settings.from_env()
    action = versions.undoable(settings, collection.editable_set(settings, task).address)[1]
    saved = versions.redo(settings, task)
    document = {"task": saved.address, "redone": action, "questions": len(saved.questions)}
    say(
        as_json,
        document,
        f"Made again in {saved.address}: {action}. It has {count(len(saved.questions), 'question')}; "
        f"`undo {saved.address}` takes it back.",
    )


def versions(task: Task, as_json: Json = False) -> None:
    """List the kept versions of a set, oldest first; `compare` takes them by number."""
    from e2lm_core.sets import versions

    rows = [v.model_dump() for v in versions.list_versions(Settings.from_env(), task)]
    show(as_json, {"task": task, "versions": rows}, rows, ("number", "action", "shown"))
