"""Commands `tasks`, `sets` and `import`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option, Typer

from e2lm_core.base.errors import StudioError
from e2lm_core.base.formatting import count
from e2lm_core.base.records import Question, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.commands.options import Json, Mine, Task, Yes
from e2lm_core.commands.output import ask_confirmation, print_result, print_table, warn
from e2lm_core.commands.progress import busy_indicator
from e2lm_core.commands.sets import question_input

if TYPE_CHECKING:
    from e2lm_core.sets.folder.source import Source
    from e2lm_core.sets.formats.records import ReadOptions

app = Typer(
    no_args_is_help=True,
    help="Question sets as a whole: list, create, copy, rename, delete and restore them.",
)
New = Annotated[
    str, Argument(metavar="NAME", help="2 to 60 small letters, digits and underscores, a letter first.")
]
Title = Annotated[
    str | None,
    Option("--title", metavar="TITLE", help="A title in any script, shown beside the name, which stays."),
]
SHOWN = ("name", "title", "questions", "dev", "example", "problem")


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
    back = [f"Deleted, and `sets restore` brings back: {', '.join(deleted)}."] if deleted else []
    print_table(as_json, {"sets": rows, "deleted": deleted}, rows, SHOWN, notes=back)


@app.command("create")
def create(
    name: Annotated[
        str | None,
        Argument(
            metavar="[NAME]",
            help="2 to 60 small letters, digits and underscores, a letter first (default: made from the title).",
        ),
    ] = None,
    file: Annotated[
        str | None,
        Option(
            "--file", metavar="FILE", help="With the questions of a CSV, TSV, JSONL or JSON file; - is stdin."
        ),
    ] = None,
    layout: Annotated[
        str,
        Option(
            "--layout",
            metavar="LAYOUT",
            help="How it asks: cloze, letters, ending, or as the set of that name, with its examples.",
        ),
    ] = "cloze",
    title: Title = None,
    answers_from: question_input.AnswersFrom = None,
    skip_broken: question_input.SkipBroken = False,
    as_json: Json = False,
) -> None:
    """Create a set, empty or with the questions of a file."""
    from e2lm_core.sets import collection, selection_origin
    from e2lm_core.sets.prompts import layouts

    settings = Settings.from_env()
    if name is None and not title:
        raise StudioError("A new set needs a name or a --title: give one of them.")
    name = name or collection.free_name(settings, title or "")
    how = question_input.read_options(None, None, None, None, None, answers_from)
    if file is None and how is not None:
        raise StudioError("--answers-from says how a file is read: give its rows with --file.")
    questions: tuple[Question, ...] = ()
    if file is not None:
        read = question_input.preview_file(settings, file, how)
        questions = question_input.accepted_questions(read, file, skip_broken)
    begun = layouts.resolve_layout(settings, layout).model_copy(update={"questions": questions})
    begun = selection_origin.lift_origin(begun)
    _made(settings, collection.import_set(settings, begun, name, title or ""), as_json, "Created")


@app.command("copy")
def copy(task: Task, name: New, as_json: Json = False) -> None:
    """Copy a set, an example or your own, under a new name."""
    from e2lm_core.runs import fleets
    from e2lm_core.sets import collection

    settings = Settings.from_env()
    copied = collection.copy_set(settings, task, name)
    fleets.copy_choice(settings, task, name)
    _made(settings, copied, as_json, f"Copied {task} to")


@app.command("rename")
def rename(task: Mine, name: New, as_json: Json = False) -> None:
    """Give a set another name; its history goes with it."""
    from e2lm_core.runs import fleets
    from e2lm_core.sets import collection

    settings = Settings.from_env()
    renamed = collection.rename_set(settings, task, name)
    fleets.rename_set(settings, task, name)
    _made(settings, renamed, as_json, f"Renamed {task} to")


@app.command("title")
def change_title(
    task: Mine,
    title: Annotated[str, Argument(metavar="TITLE", help="Text in any script; '' takes the title away.")],
    as_json: Json = False,
) -> None:
    """Give a set a title; its name, its links and its results stay."""
    from e2lm_core.sets import authoring

    titled = authoring.change_title(Settings.from_env(), task, title)
    document = {"name": titled.address, "title": titled.config.title or None}
    said = f"is titled {titled.config.title}" if titled.config.title else "has no title"
    print_result(as_json, document, f"{titled.address} {said}; `undo {titled.address}` takes that back.")


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
    task: Annotated[str, Argument(metavar="SET", help="The name of a deleted set, see `sets list`.")],
    as_json: Json = False,
) -> None:
    """Bring a deleted set back, with its history."""
    from e2lm_core.sets import collection

    settings = Settings.from_env()
    _made(settings, collection.restore_set(settings, task), as_json, "Restored")


def import_set(
    source: Annotated[
        str,
        Argument(
            metavar="SOURCE",
            help="A task folder, a task's YAML, a bundle (.zip), a file of questions, an installed lm-eval's task by name, a "
            "Google Sheet's address, or with --from-hub a data set.",
        ),
    ],
    name: Annotated[
        str | None, Option("--name", metavar="NAME", help="The set's name (default: the source's own).")
    ] = None,
    mapping: question_input.Map = None,
    into: Annotated[
        Path | None,
        Option("--into", metavar="DIR", help="Write the set's folder there, and not among your sets."),
    ] = None,
    kind: question_input.Format = None,
    encoding: question_input.Encoding = None,
    sheet: question_input.Sheet = None,
    header: question_input.Header = None,
    answers_from: question_input.AnswersFrom = None,
    skip_broken: question_input.SkipBroken = False,
    rows: Annotated[
        str | None,
        Option("--rows", metavar="DIR", help="A task's rows lie there: SUBSET/SPLIT.jsonl or SPLIT.jsonl."),
    ] = None,
    with_harness: Annotated[
        bool,
        Option(
            "--with-lm-eval", help="Let your own lm-eval build the task's documents; it runs the task's code."
        ),
    ] = False,
    from_hub: Annotated[
        bool,
        Option("--from-hub", help="SOURCE is a data set on the hub, OWNER/NAME; its first rows are read."),
    ] = False,
    subset: Annotated[
        str, Option("--subset", metavar="SUBSET", help="With --from-hub: its subset (default: the only one).")
    ] = "",
    split: Annotated[
        str,
        Option(
            "--split",
            metavar="SPLIT",
            help="With --from-hub: its split (default: test, validation or train).",
        ),
    ] = "",
    revision: Annotated[
        str, Option("--revision", metavar="REVISION", help="With --from-hub: a branch, tag or commit.")
    ] = "main",
    as_json: Json = False,
) -> None:
    """Import a set from a task folder, a bundle, a file of questions (tables, GIFT, Aiken, Moodle XML, QTI) or lm-eval."""
    from e2lm_core.sets import collection, google_sheets
    from e2lm_core.sets.folder import source as sources

    settings = Settings.from_env()
    how = question_input.read_options(mapping, kind, encoding, sheet, header, answers_from)
    with busy_indicator(f"Importing {source}"):
        if from_hub:
            read = _dataset(settings, source, (subset, split, revision), how, skip_broken)
        elif source.startswith("https://"):
            content = google_sheets.fetch_sheet(settings, source)
            read = sources.read_questions(settings, content, "sheet.csv", how, skip_broken)
        else:
            read = sources.read_source(settings, source, how, skip_broken, rows, with_harness)
        if into is None:
            task = collection.import_set(settings, read.task, name)
            folder = collection.find_set(settings, task.name).folder
        else:
            task, folder = sources.write_into(settings, read.task, into, name)
    warn(*read.warnings)
    document = {
        "name": task.name,
        "path": str(folder),
        "questions": len(task.questions),
        "dev": len(task.dev),
        "warnings": list(read.warnings),
    }
    where = f" in {folder}" if into is not None else ""
    print_result(as_json, document, f"Imported {task.name}{where}: {count(len(task.questions), 'question')}.")


def _dataset(
    settings: Settings, repo: str, part: tuple[str, str, str], how: ReadOptions | None, skip_broken: bool
) -> Source:
    """Set of the first rows of a data set on the hub.

    Args:
        settings: The caller's settings.
        repo: OWNER/NAME of the data set.
        part: Subset, split and revision.
        how: Settings for the rows, if they are not to be read as detected.
        skip_broken: Leave out questions with an error.
    """
    from e2lm_core.checkpoints.hub import dataset_split
    from e2lm_core.sets.folder import source as sources
    from e2lm_core.sets.formats.tables import parquet

    with dataset_split.download_split(settings, repo, *part) as found:
        data = parquet.first_rows(found.paths, settings.limits, found.origin, repo)
    return sources.read_questions(settings, data, f"{repo.rpartition('/')[2]}.parquet", how, skip_broken)


def _made(settings: Settings, task: TaskSet, as_json: bool, done: str) -> None:
    """Print the outcome for a set: its name, its folder, its number of questions."""
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
        row: dict[str, Any] = {"name": info.address, "title": info.title or None}
        row |= {"path": str(info.folder), "example": info.example}
        try:
            if info.problem:
                raise StudioError(info.problem)
            task = read_task(info.folder, settings.limits).task
            row |= {"questions": len(task.questions), "dev": len(task.dev), "problem": None}
        except StudioError as error:
            row |= {"questions": None, "dev": None, "problem": str(error)}
        rows.append(row)
    return rows
