"""Commands `tasks` and `sets`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.commands.output import Json, Task, Yes, ask_confirmation, print_result, print_table
from e2lm_core.commands.sets.question_input import (
    AnswersFrom,
    SkipBroken,
    accepted_questions,
    read_file,
    read_options,
)

app = typer.Typer(
    no_args_is_help=True,
    help="Question sets as a whole: list, create, copy, rename, delete and restore them.",
)
Mine = Annotated[str, typer.Argument(metavar="SET", help="The name of a set of your own, or OWNER/NAME.")]
New = Annotated[
    str, typer.Argument(metavar="NAME", help="2 to 60 small letters, digits and underscores, a letter first.")
]
Rows = Annotated[
    str | None,
    typer.Option(
        "--file", metavar="FILE", help="With the questions of a CSV, TSV, JSONL or JSON file; - is stdin."
    ),
]
Layout = Annotated[
    str,
    typer.Option(
        "--layout",
        metavar="LAYOUT",
        help="How it asks: cloze, letters, ending, or as the set of that name, with its examples.",
    ),
]
SHOWN = ("name", "questions", "dev", "example", "problem")


def tasks(as_json: Json = False) -> None:
    """List the question sets: your own, then the examples."""
    rows = _rows(Settings.from_env())
    print_table(as_json, {"tasks": rows}, rows, SHOWN)


@app.command("list")
def list_sets(as_json: Json = False) -> None:
    """List your sets, the examples, and what can be restored."""
    from e2lm_core.sets import collection

    settings = Settings.from_env()
    rows, deleted = _rows(settings), collection.deleted_sets(settings)
    print_table(as_json, {"sets": rows, "deleted": deleted}, rows, SHOWN)
    if deleted and not as_json:
        typer.echo(f"Deleted, and `sets restore` brings back: {', '.join(deleted)}.")


@app.command("create")
def create(
    name: New,
    file: Rows = None,
    layout: Layout = "cloze",
    answers_from: AnswersFrom = None,
    skip_broken: SkipBroken = False,
    as_json: Json = False,
) -> None:
    """Create a set, empty or with the questions of a file."""
    from e2lm_core.sets import collection
    from e2lm_core.sets.prompts import layouts

    settings = Settings.from_env()
    how = read_options(None, None, None, None, None, answers_from)
    if file is None and how is not None:
        raise StudioError("--answers-from says how a file is read: give its rows with --file.")
    questions = (
        accepted_questions(read_file(settings, file, how), file, skip_broken) if file is not None else ()
    )
    begun = layouts.resolve_layout(settings, layout).model_copy(update={"questions": tuple(questions)})
    _made(settings, collection.import_set(settings, begun, name), as_json, "Created")


@app.command("copy")
def copy(task: Task, name: New, as_json: Json = False) -> None:
    """Copy a set, an example or your own, under a new name."""
    from e2lm_core.sets import collection

    settings = Settings.from_env()
    _made(settings, collection.copy_set(settings, task, name), as_json, f"Copied {task} to")


@app.command("rename")
def rename(task: Mine, name: New, as_json: Json = False) -> None:
    """Give a set another name; its history goes with it."""
    from e2lm_core.sets import collection

    settings = Settings.from_env()
    _made(settings, collection.rename_set(settings, task, name), as_json, f"Renamed {task} to")


@app.command("delete")
def delete(task: Mine, yes: Yes = False, as_json: Json = False) -> None:
    """Delete a set, after asking; `sets restore` brings it back."""
    from e2lm_core.sets import collection

    settings = Settings.from_env()
    name = collection.editable_set(settings, task).address
    back = f"sets restore {name}"
    ask_confirmation(f"Delete {name}? `{back}` brings it back.", yes)
    collection.delete_set(settings, name)
    print_result(as_json, {"deleted": name, "back": back}, f"Deleted {name}; `{back}` brings it back.")


@app.command("restore")
def restore(
    task: Annotated[str, typer.Argument(metavar="SET", help="The name of a deleted set, see `sets list`.")],
    as_json: Json = False,
) -> None:
    """Bring a deleted set back, with its history."""
    from e2lm_core.sets import collection

    settings = Settings.from_env()
    _made(settings, collection.restore_set(settings, task), as_json, "Restored")


def _made(settings: Settings, task: TaskSet, as_json: bool, done: str) -> None:
    """Print the outcome for a set: its name, its folder, its number of questions."""
    from e2lm_core.base.formatting import count
    from e2lm_core.sets.collection import find_set

    document = {
        "name": task.address,
        "path": str(find_set(settings, task.address).folder),
        "questions": len(task.questions),
        "dev": len(task.dev),
    }
    print_result(as_json, document, f"{done} {task.address}: {count(len(task.questions), 'question')}.")


def _rows(settings: Settings) -> list[dict[str, Any]]:
    """One row per set; a set that cannot be opened has its problem."""
    from e2lm_core.sets.collection import list_sets
    from e2lm_core.sets.folder.files import read_task

    rows = []
    for info in list_sets(settings):
        row: dict[str, Any] = {"name": info.address, "path": str(info.folder), "example": info.example}
        try:
            if info.problem:
                raise StudioError(info.problem)
            task = read_task(info.folder, settings.limits).task
            row |= {"questions": len(task.questions), "dev": len(task.dev), "problem": None}
        except StudioError as error:
            row |= {"questions": None, "dev": None, "problem": str(error)}
        rows.append(row)
    return rows
