"""Commands `undo`, `redo`, `versions` and `version`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option, Typer, echo

from e2lm_core.base.errors import TaskError
from e2lm_core.base.formatting import count, escape_control_characters, quote
from e2lm_core.base.settings import Settings
from e2lm_core.commands.options import Json, Mine, Task
from e2lm_core.commands.output import print_result, print_table, warn

if TYPE_CHECKING:
    from e2lm_core.sets.history.field_diff import Difference

app = Typer(no_args_is_help=True, help="One version of a set: name it, show what differs, restore it.")
Which = Annotated[str, Argument(metavar="VERSION", help="Its number or its name, see `versions`.")]
SHOWN = ("number", "action", "who", "at", "name", "shown")
_MARKS = {"same": "{}", "out": "[-{}-]", "in": "{{+{}+}}"}


def undo(task: Mine, as_json: Json = False) -> None:
    """Take your last change of a set back; `redo` makes it again."""
    _move(task, as_json, back=True)


def redo(task: Mine, as_json: Json = False) -> None:
    """Make the change again that `undo` took back."""
    _move(task, as_json, back=False)


def _move(task: str, as_json: bool, back: bool) -> None:
    from e2lm_core.sets import collection, versions

    settings = Settings.from_env()
    name = collection.editable_set(settings, task).address
    action = versions.available_undo(settings, name)[0 if back else 1]
    moved = (versions.undo_with_note if back else versions.redo_with_note)(settings, name)
    done, again = ("undone", "redo") if back else ("redone", "undo")
    questions = len(moved.task.questions)
    document = {"task": name, done: action, "left": moved.sentence, "questions": questions}
    said = f"{'Taken back' if back else 'Made again'} in {name}: {action}."
    left = f" {moved.sentence}" if moved.sentence else ""
    what = "makes the change again" if back else "takes it back"
    has = f"It has {count(questions, 'question')}"
    print_result(as_json, document, f"{said}{left} {has}; `{again} {name}` {what}.")


def versions(task: Task, as_json: Json = False) -> None:
    """List the kept versions of a set, oldest first; `compare` takes them by number."""
    from e2lm_core.sets import versions

    settings = Settings.from_env()
    rows = [v.model_dump() for v in versions.list_versions(settings, task)]
    lost = versions.history_damage(settings, task)
    if rows or as_json or lost is None:
        print_table(as_json, {"task": task, "versions": rows}, rows, SHOWN)
    warn(lost)


@app.command("name")
def name_version(
    task: Mine,
    version: Which,
    name: Annotated[str, Argument(metavar="NAME", help="What it is called; '' takes the name away.")],
    as_json: Json = False,
) -> None:
    """Give a version a name; one with a name is kept however many follow."""
    from e2lm_core.sets import versions

    settings = Settings.from_env()
    number = _number(settings, task, version)
    versions.name_version(settings, task, number, name)
    called = next(v.name for v in versions.list_versions(settings, task) if v.number == number)
    what = f"is called {quote(called)}" if called else "has no name"
    document = {"task": task, "number": number, "name": called}
    print_result(as_json, document, f"Version {number} of {task} {what}.")


@app.command("diff")
def diff(
    task: Task,
    first: Which,
    second: Annotated[
        str | None,
        Argument(metavar="[OTHER]", help="The number or name of another (default: the set as it is)."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what differs between two versions: [-words gone-] and {+words new+}."""
    from e2lm_core.sets import versions

    settings = Settings.from_env()
    old = _number(settings, task, first)
    new = None if second is None else _number(settings, task, second)
    found = versions.differences(settings, task, old, new)
    if as_json:
        rows = [difference.model_dump() for difference in found]
        print_table(True, {"task": task, "first": old, "second": new, "differences": rows}, ())
    else:
        echo("\n".join(map(_line, found)) or "Nothing differs.")


@app.command("restore")
def restore(
    task: Mine,
    version: Which,
    preview: Annotated[
        bool, Option("--preview", help="Show which questions would change, and restore nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a set again what it was in a version; `undo` takes that back."""
    from e2lm_core.sets import versions

    settings = Settings.from_env()
    number = _number(settings, task, version)
    if preview:
        found = versions.preview_restore(settings, task, number)
        document = {"task": task, "sentence": found.sentence} | found.model_dump()
        if as_json:
            print_result(True, document, "")
        else:
            echo("\n".join([found.sentence, *map(_line, found.differences)]))
        return
    restored = versions.restore_version(settings, task, number)
    questions = len(restored.questions)
    print_result(
        as_json,
        {"task": restored.address, "restored": number, "questions": questions},
        f"{restored.address} is again as in version {number}, with {count(questions, 'question')}; "
        f"`undo {restored.address}` takes that back.",
    )


def _number(settings: Settings, task: str, version: str) -> int:
    """Number of a version given by number or name. Raises TaskError if there is none."""
    from e2lm_core.sets import versions

    kept = versions.list_versions(settings, task)
    for called in kept:
        if version in (called.name, str(called.number)):
            return called.number
    has = f"it has {kept[0].number} to {kept[-1].number}" if kept else "it was never edited"
    raise TaskError(f"{task} has no version {quote(version)}: {has}; see `versions {task}`.")


def _line(difference: Difference) -> str:
    """A difference on one line: its field, and the old and the new text in one."""
    where = f"{difference.question or 'prompt'}{f', {difference.field}' if difference.field else ''}"
    text = "".join(_MARKS[kind].format(part) for kind, part in difference.parts)
    return escape_control_characters(f"{where}: {text}")
