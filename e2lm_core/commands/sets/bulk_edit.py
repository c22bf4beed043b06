"""Bulk commands of `question`: retag, duplicate, copy, shuffle, balance, replace.

commands/main.py adds them to the other commands of `question`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from e2lm_core.base.errors import StudioError
from e2lm_core.base.formatting import count, quote
from e2lm_core.base.records import TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.commands.output import Json, print_result, print_table
from e2lm_core.commands.sets.collection import Mine
from e2lm_core.commands.sets.questions import app

Some = Annotated[
    list[str] | None,
    typer.Argument(metavar="ID", help="The questions' ids; none for those of --subject, or with --all."),
]
OfSubject = Annotated[
    str | None, typer.Option("--subject", metavar="NAME", help="The questions of this subject.")
]
All = Annotated[bool, typer.Option("--all", help="All questions of the set.")]
Seed = Annotated[int, typer.Option("--seed", help="What the drawing begins with: the same gives the same.")]


@app.command("retag")
def retag(
    task: Mine,
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help='Their new subject; "" for none.')],
    ids: Some = None,
    of: OfSubject = None,
    every: All = False,
    as_json: Json = False,
) -> None:
    """Give questions another subject."""
    from e2lm_core.sets.editing import bulk_edit

    settings = Settings.from_env()
    chosen = _chosen(settings, task, ids, of, every)
    _told(as_json, chosen, bulk_edit.retag(settings, task, chosen, subject), "Retagged")


@app.command("duplicate")
def duplicate(task: Mine, ids: Some = None, of: OfSubject = None, as_json: Json = False) -> None:
    """Put a copy of each question behind it."""
    from e2lm_core.sets.editing import bulk_edit

    settings = Settings.from_env()
    chosen = _chosen(settings, task, ids, of, False)
    _told(as_json, chosen, bulk_edit.duplicate(settings, task, chosen), "Duplicated")


@app.command("copy")
def copy(
    task: Annotated[str, typer.Argument(metavar="SET", help="The set that has them.")],
    other: Annotated[str, typer.Argument(metavar="OTHER", help="A set of your own that gets them.")],
    ids: Some = None,
    of: OfSubject = None,
    every: All = False,
    as_json: Json = False,
) -> None:
    """Add copies of questions to another set, at its end."""
    from e2lm_core.sets.editing import bulk_edit

    settings = Settings.from_env()
    chosen = _chosen(settings, task, ids, of, every)
    _told(as_json, chosen, bulk_edit.copy_to(settings, task, chosen, other), "Copied")


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

    settings = Settings.from_env()
    chosen = _chosen(settings, task, ids, of, every)
    _told(as_json, chosen, bulk_edit.shuffle(settings, task, chosen, seed), "Shuffled the choices of")


@app.command("balance")
def balance(
    task: Mine,
    ids: Some = None,
    of: OfSubject = None,
    every: All = False,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Spread the right choices evenly over the places, moving as few as that takes."""
    from e2lm_core.sets.editing import bulk_edit

    settings = Settings.from_env()
    chosen = _chosen(settings, task, ids, of, every)
    _told(as_json, chosen, bulk_edit.balance(settings, task, chosen, seed), "Balanced the right choices of")


@app.command("replace")
def replace(
    task: Mine,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What is looked for; no pattern.")],
    by: Annotated[str, typer.Argument(metavar="BY", help="What stands there instead.")],
    ids: Some = None,
    of: OfSubject = None,
    field: Annotated[
        list[str] | None,
        typer.Option(
            "--field", help="question, choices, subject or note; may be repeated (default: all four)."
        ),
    ] = None,
    exact: Annotated[bool, typer.Option("--match-case", help="Tell upper case from lower.")] = False,
    preview: Annotated[bool, typer.Option("--preview", help="Only list what would change.")] = False,
    as_json: Json = False,
) -> None:
    """Put another text in the place of one, in all questions or in some."""
    from e2lm_core.sets import collection
    from e2lm_core.sets.editing import bulk_edit

    settings = Settings.from_env()
    opened = collection.open_set(settings, task)
    chosen = _chosen(settings, task, ids, of, not ids and of is None)
    fields = tuple(field or bulk_edit.TEXTS)
    found = bulk_edit.find_replacements(
        [q for q in opened.questions if q.id in chosen], text, by, fields, exact
    )
    rows = [one._asdict() for one in found]
    if preview:
        print_table(
            as_json, {"task": opened.address, "found": rows}, rows, ("question", "field", "before", "after")
        )
        return
    after = bulk_edit.replace_text(settings, task, chosen, text, by, fields, exact) if found else opened
    document = {"task": after.address, "found": rows, "questions": len(after.questions)}
    print_result(
        as_json,
        document,
        f"Replaced {quote(text)} in {count(len(found), 'text')} of {after.address}; `undo {after.address}` takes "
        "it back."
        if found
        else f"{quote(text)} stands nowhere in what was looked through of {after.address}.",
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


def _told(as_json: bool, ids: Sequence[str], after: TaskSet, done: str) -> None:
    document = {"task": after.address, "ids": list(ids), "questions": len(after.questions)}
    print_result(
        as_json,
        document,
        f"{done} {count(len(ids), 'question')}; {after.address} has {count(len(after.questions), 'question')} "
        f"now. `undo {after.address}` takes it back.",
    )
