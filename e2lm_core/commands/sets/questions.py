"""Commands of `question`: list, add, edit, delete, move."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from typer import Argument, Option, Typer

from e2lm_core.base.errors import StudioError, TaskError
from e2lm_core.base.formatting import count, join_words, quote
from e2lm_core.base.records import Question, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.commands.opening import open_task
from e2lm_core.commands.options import Json, Mine, Task, Yes
from e2lm_core.commands.output import ask_confirmation, print_result, print_table, warn
from e2lm_core.commands.sets import question_input

app = Typer(no_args_is_help=True, help="The questions of a set: list, add, edit, delete and move them.")
Identity = Annotated[str, Argument(metavar="ID", help="The question's id, see `question list`.")]
Identities = Annotated[list[str], Argument(metavar="ID", help="The questions' ids, see `question list`.")]
Set = Annotated[
    list[str] | None,
    Option(
        "--set",
        metavar="FIELD=VALUE",
        help="question, choices (a JSON list), answer, subject, source, license, note, group or a column of the set; nothing behind = clears it; may be repeated.",
    ),
]
SHOWN = ("place", "id", "question", "choices", "answer")


@app.command("list")
def list_questions(task: Task, as_json: Json = False) -> None:
    """List the questions of a set, and with --json every field."""
    opened = open_task(Settings.from_env(), task)
    shown = [
        {
            "place": place,
            "id": q.id,
            "question": q.question,
            "choices": " | ".join(q.choices),
            "answer": q.answer,
        }
        for place, q in enumerate(opened.questions, start=1)
    ]
    document = {
        "task": opened.address,
        "questions": [_row(q) for q in opened.questions],
        "dev": [_row(q) for q in opened.dev],
    }
    print_table(as_json, document, shown, SHOWN)


@app.command("add")
def add(
    task: Mine,
    question: Annotated[str | None, Option("--question", metavar="TEXT", help="What is asked.")] = None,
    choice: Annotated[
        list[str] | None, Option("--choice", metavar="TEXT", help="A choice; repeated, in their order.")
    ] = None,
    answer: Annotated[
        str | None,
        Option("--answer", metavar="N", help="The right answer: its index from 0, its letter or its text."),
    ] = None,
    identity: Annotated[
        str | None, Option("--id", metavar="ID", help="Its id (default: the next free one).")
    ] = None,
    sets: Set = None,
    file: Annotated[
        str | None,
        Option(
            "--file",
            metavar="FILE",
            help="All of a file of questions instead, as `import` reads it; - is stdin.",
        ),
    ] = None,
    mapping: question_input.Map = None,
    kind: question_input.Format = None,
    encoding: question_input.Encoding = None,
    sheet: question_input.Sheet = None,
    header: question_input.Header = None,
    answers_from: question_input.AnswersFrom = None,
    look: question_input.Look = False,
    replace: Annotated[
        bool, Option("--replace", help="Put the file's questions in the place of the set's.")
    ] = False,
    skip_doubles: Annotated[
        bool, Option("--skip-doubles", help="Leave out what the set, or the file above, has already.")
    ] = False,
    skip_broken: question_input.SkipBroken = False,
    as_json: Json = False,
) -> None:
    """Add a question, or those of a file, at the end of a set or in the place of its own."""
    from e2lm_core.sets import authoring, collection
    from e2lm_core.sets.formats import messages, reading
    from e2lm_core.sets.locks import lock_set

    settings = Settings.from_env()
    new: tuple[Question, ...] = ()
    how = question_input.read_options(mapping, kind, encoding, sheet, header, answers_from)
    if file is None and (how or look or replace or skip_doubles):
        raise StudioError("How a file is read, and what becomes of it, can be said with --file alone.")
    if file is not None:
        if any(given is not None for given in (question, choice, answer, identity, sets)):
            raise StudioError(
                "Questions come from --file or from --question, --choice and --answer, not from both."
            )
        there = collection.open_set(settings, task)
        read = question_input.preview_file(settings, file, how)
        doubles = reading.find_duplicates(read, (*there.dev, *(() if replace else there.questions)))
        if look:
            question_input.print_preview(read, doubles, as_json)
            return
        new = question_input.accepted_questions(read, file, skip_broken)
        warn(messages.duplicates_sentence(read, doubles))
        new = tuple(q for q in new if not skip_doubles or q.id not in doubles)
    elif question is None or not choice or answer is None:
        raise StudioError(
            "A question needs --question, --choice at least twice, and --answer; or give --file."
        )
    with lock_set(settings, task):
        before = collection.open_set(settings, task)
        if file is None:
            values = {"question": question, "choices": choice, "answer": answer}
            own_id = _free(before, identity)
            new = (question_input.question_from_options(before, own_id, values, sets or (), settings.limits),)
        after = authoring.add_questions(settings, task, new, replace)
    added = after.questions[0 if replace and new else len(before.questions) :]
    document = {"task": after.address, "added": [_row(q) for q in added], "questions": len(after.questions)}
    ids = join_words([q.id for q in added])
    print_result(
        as_json,
        document,
        f"Added {count(len(added), 'question')} ({ids}) to {after.address}; `undo {after.address}` takes "
        f"{_them(len(added))} out again."
        if added
        else f"There was no question to add to {after.address}.",
    )


@app.command("edit")
def edit(
    task: Mine,
    identity: Identity,
    sets: Set = None,
    choice: Annotated[
        list[str] | None,
        Option("--choice", metavar="N=TEXT", help="Replace choice N, from 0; may be repeated."),
    ] = None,
    seen: Annotated[
        list[str] | None,
        Option(
            "--seen",
            metavar="FIELD=VALUE",
            help=(
                "Expected current value; the edit is refused if it has changed. With choices seen, an "
                "answer is only marked in these."
            ),
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Change fields of one question; `undo` takes it back."""
    from e2lm_core.sets import authoring, collection
    from e2lm_core.sets.locks import lock_set

    settings = Settings.from_env()
    with lock_set(settings, task):
        before = collection.open_set(settings, task)
        question = _found(before, identity)
        limits = settings.limits
        values = question_input.changes_from_options(before, question, sets or (), choice or (), limits)
        if seen:
            base = question_input.changes_from_options(before, question, seen, (), limits)
            _require_unchanged(before, question, values, base)
        after = authoring.update_questions(settings, task, {identity: values})
    edited = _found(after, identity)
    document = {"task": after.address, "question": _row(edited), "changed": edited != question}
    print_result(
        as_json,
        document,
        f"Changed question {quote(identity)} of {after.address}; `undo {after.address}` takes it back."
        if edited != question
        else f"Question {quote(identity)} of {after.address} was so already.",
    )


@app.command("delete")
def delete(task: Mine, identities: Identities, yes: Yes = False, as_json: Json = False) -> None:
    """Take questions out of a set, after asking; `undo` brings them back."""
    from e2lm_core.sets import authoring, collection

    settings = Settings.from_env()
    name = collection.editable_set(settings, task).address
    before = collection.open_set(settings, task)
    ids = [_found(before, identity).id for identity in dict.fromkeys(identities)]
    what = f"{count(len(ids), 'question')} ({join_words(ids)})"
    back = f"`undo {name}` brings {_them(len(ids))} back"
    ask_confirmation(f"Delete {what} of {name}? {back}.", yes)
    after = authoring.delete_questions(settings, task, ids)
    document = {"task": name, "deleted": ids, "questions": len(after.questions), "back": f"undo {name}"}
    print_result(as_json, document, f"Deleted {what} of {name}; {back}.")


@app.command("move")
def move(
    task: Mine,
    identity: Identity,
    to: Annotated[int | None, Option("--to", metavar="PLACE", help="Its new place, 1 for the first.")] = None,
    before: Annotated[
        str | None, Option("--before", metavar="ID", help="Before this question instead.")
    ] = None,
    after: Annotated[
        str | None, Option("--after", metavar="ID", help="Behind this question instead.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Put a question elsewhere in its set."""
    from e2lm_core.sets import authoring

    saved = authoring.move_question(Settings.from_env(), task, identity, to, before=before, after=after)
    order = [q.id for q in saved.questions]
    place = order.index(identity) + 1
    document = {"task": saved.address, "id": identity, "place": place, "order": order}
    said = f"Question {quote(identity)} stands at place {place:,} of {saved.address}."
    print_result(as_json, document, said)


def _row(question: Question) -> dict[str, Any]:
    from e2lm_core.sets.prompts.docs import row_of

    return row_of(question)


def _them(number: int) -> str:
    return "it" if number == 1 else "them"


def _found(task: TaskSet, identity: str) -> Question:
    """Question of an id. Raises TaskError if there is none, or if it is a few-shot example."""
    for question in task.questions:
        if question.id == identity:
            return question
    if any(q.id == identity for q in task.dev):
        raise TaskError(
            f"{quote(identity)} is one of {task.name}'s few-shot examples, which stay as they are."
        )
    raise TaskError(
        f"There is no question {quote(identity)} in {task.name}: see `question list {task.address}`."
    )


def _require_unchanged(
    task: TaskSet, question: Question, values: Mapping[str, Any], seen: Mapping[str, Any]
) -> None:
    """Raise TaskError if somebody else has changed a field to be written since the author looked."""
    from e2lm_core.sets.conflicts import PAIR, conflict_text, merge

    if "answer" in seen and "choices" not in seen and values.keys() & set(PAIR):
        raise StudioError(
            f"--seen answer=… alone does not tell which text of question {quote(question.id)} was the right one: "
            "give --seen choices=[…] too."
        )
    if "choices" in seen and "answer" not in seen:
        # The right answer's text is taken from the present question.
        right = next(iter(question.choices[question.answer :]), None)
        seen = {**seen, "answer": seen["choices"].index(right) if right in seen["choices"] else -1}
    for clash in merge(question, values, seen).clashes:
        texts = (conflict_text(clash.field, value) for value in (clash.theirs, clash.seen))
        theirs, was = (quote(", ".join(text.splitlines())) for text in texts)
        raise TaskError(
            f"Nothing was overwritten: {clash.field} of question {quote(question.id)} of {task.address} says "
            f"{theirs} by now, not {was}; look again, and edit that."
        )


def _free(task: TaskSet, identity: str | None) -> str:
    """Id of a new question, empty to let the set choose. Raises TaskError for one that is taken."""
    if identity is not None and any(q.id == identity for q in (*task.questions, *task.dev)):
        raise TaskError(f"There is already a question {quote(identity)} in {task.name}: give another id.")
    return identity or ""
