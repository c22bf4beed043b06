"""Bulk commands of `question`: retag, duplicate, copy, shuffle, balance, replace.

commands/sets/alternatives.py and proposals.py add two more, and commands/main.py all of them to the program.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from typer import Argument, Option

from e2lm_core.base.errors import StudioError
from e2lm_core.base.formatting import count, quote
from e2lm_core.base.records import TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.commands.options import Json, Mine
from e2lm_core.commands.output import print_result, print_table
from e2lm_core.commands.sets.questions import app

Some = Annotated[
    list[str] | None,
    Argument(metavar="ID", help="The questions' ids; none for those of --subject, or with --all."),
]
OfSubject = Annotated[str | None, Option("--subject", metavar="NAME", help="The questions of this subject.")]
All = Annotated[bool, Option("--all", help="All questions of the set.")]
Seed = Annotated[int, Option("--seed", help="Random seed.")]


@app.command("retag")
def retag(
    task: Mine,
    subject: Annotated[str, Argument(metavar="SUBJECT", help='Their new subject; "" for none.')],
    ids: Some = None,
    of: OfSubject = None,
    every: All = False,
    as_json: Json = False,
) -> None:
    """Give questions another subject."""
    from e2lm_core.sets.editing import bulk_edit

    _edit(bulk_edit.retag, "Retagged", task, ids, of, every, as_json, subject)


@app.command("duplicate")
def duplicate(task: Mine, ids: Some = None, of: OfSubject = None, as_json: Json = False) -> None:
    """Put a copy of each question behind it."""
    from e2lm_core.sets.editing import bulk_edit

    _edit(bulk_edit.duplicate, "Duplicated", task, ids, of, False, as_json)


@app.command("copy")
def copy(
    task: Annotated[str, Argument(metavar="SET", help="The set that has them.")],
    other: Annotated[str, Argument(metavar="OTHER", help="A set of your own that gets them.")],
    ids: Some = None,
    of: OfSubject = None,
    every: All = False,
    as_json: Json = False,
) -> None:
    """Add copies of questions to another set, at its end."""
    from e2lm_core.sets.editing import bulk_edit

    _edit(bulk_edit.copy_to, "Copied", task, ids, of, every, as_json, other)


@app.command("shuffle")
def shuffle(
    task: Mine,
    ids: Some = None,
    of: OfSubject = None,
    every: All = False,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Shuffle the choices of questions; *all of the above* stays in its place, the right one stays right."""
    from e2lm_core.sets.editing import bulk_edit

    _edit(bulk_edit.shuffle, "Shuffled the choices of", task, ids, of, every, as_json, seed)


@app.command("balance")
def balance(
    task: Mine,
    ids: Some = None,
    of: OfSubject = None,
    every: All = False,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Spread the right answers evenly over the places, moving as few as that takes."""
    from e2lm_core.sets.editing import bulk_edit

    _edit(bulk_edit.balance, "Balanced the right answers of", task, ids, of, every, as_json, seed)


@app.command("replace")
def replace(
    task: Mine,
    text: Annotated[str, Argument(metavar="TEXT", help="What is looked for; no pattern.")],
    by: Annotated[str, Argument(metavar="BY", help="What stands there instead.")],
    ids: Some = None,
    of: OfSubject = None,
    field: Annotated[
        list[str] | None,
        Option("--field", help="question, choices, subject or note; may be repeated (default: all four)."),
    ] = None,
    exact: Annotated[bool, Option("--match-case", help="Tell upper case from lower.")] = False,
    preview: Annotated[bool, Option("--preview", help="Only list what would change.")] = False,
    as_json: Json = False,
) -> None:
    """Put another text in the place of one, in all questions or in some."""
    from e2lm_core.sets import collection
    from e2lm_core.sets.editing import bulk_edit

    settings = Settings.from_env()
    opened = collection.open_set(settings, task)
    chosen = _chosen(settings, task, ids, of, not ids and of is None)
    fields = tuple(field or bulk_edit.TEXTS)
    wanted = [q for q in opened.questions if q.id in chosen]
    rows = [one._asdict() for one in bulk_edit.find_replacements(wanted, text, by, fields, exact)]
    document = {"task": opened.address, "found": rows}
    if preview:
        print_table(as_json, document, rows, ("question", "field", "before", "after"))
        return
    said = f"{quote(text)} stands nowhere in what was looked through of {opened.address}."
    if rows:
        opened = bulk_edit.replace_text(settings, task, chosen, text, by, fields, exact)
        said = f"Replaced {quote(text)} in {count(len(rows), 'text')} of {opened.address}; "
        said += f"`undo {opened.address}` takes it back."
    print_result(as_json, document | {"questions": len(opened.questions)}, said)


def _edit(
    edit: Callable[..., TaskSet],
    done: str,
    task: str,
    ids: Sequence[str] | None,
    subject: str | None,
    every: bool,
    as_json: bool,
    *values: Any,
) -> None:
    """Make an edit of the questions meant, with its own values, and print what was done."""
    settings = Settings.from_env()
    chosen = _chosen(settings, task, ids, subject, every)
    after = edit(settings, task, chosen, *values)
    total = len(after.questions)
    print_result(
        as_json,
        {"task": after.address, "ids": chosen, "questions": total},
        f"{done} {count(len(chosen), 'question')}; {after.address} has {count(total, 'question')} now. "
        f"`undo {after.address}` takes it back.",
    )


def _chosen(
    settings: Settings, task: str, ids: Sequence[str] | None, subject: str | None, every: bool
) -> list[str]:
    """Ids of the questions meant. Raises StudioError if the options are ambiguous or match none."""
    from e2lm_core.sets import collection

    questions = collection.open_set(settings, task).questions
    if [bool(ids), subject is not None, every].count(True) != 1:
        raise StudioError("Which questions are meant is not clear: give their ids, or --subject, or --all.")
    if ids:
        return list(dict.fromkeys(ids))
    found = [q.id for q in questions if every or (q.subject or "") == subject]
    if not found:
        raise StudioError(f"{task} has no question {'yet' if every else f'of the subject {quote(subject)}'}.")
    return found
