"""Parsing of questions from options and files.

Tested in tests/commands/sets/test_questions.py.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from typer import Option

from e2lm_core.base.errors import StudioError, TaskError
from e2lm_core.base.formatting import join_words, quote
from e2lm_core.base.records import Question, TaskSet
from e2lm_core.base.settings import Limits, Settings
from e2lm_core.commands.output import print_table, read_file, warn

if TYPE_CHECKING:
    from e2lm_core.sets.formats.records import Preview, ReadOptions

SkipBroken = Annotated[
    bool, Option("--skip-broken", help="Leave rows with an error out, instead of adding none.")
]
Map = Annotated[
    list[str] | None,
    Option(
        "--map",
        metavar="FIELD=COLUMN",
        help='Read a column as question, answer, choices, choice_1 …, id, subject …, or - to leave it out, such as question="Frage"; may be repeated. Others are guessed.',
    ),
]
Format = Annotated[
    str | None,
    Option(
        "--format",
        metavar="KIND",
        help="csv, tsv, xlsx, jsonl, json, parquet, gift, aiken, markdown, moodle or qti (default: found).",
    ),
]
Encoding = Annotated[
    str | None,
    Option("--encoding", metavar="NAME", help="The file's encoding, such as cp1252 (default: found)."),
]
Sheet = Annotated[
    str | None,
    Option("--sheet", metavar="NAME", help="A workbook's sheet (default: the first that holds rows)."),
]
Header = Annotated[
    bool | None,
    Option("--header/--no-header", help="Whether the first row names the columns (default: found)."),
]
AnswersFrom = Annotated[
    str | None,
    Option(
        "--answers-from",
        metavar="0|1|text",
        help="What answers that are numbers count from, or that they are a choice's text (default: found).",
    ),
]
Look = Annotated[bool, Option("--look", help="Show a preview and add nothing.")]
LOOKED_AT = 10
READ = {"kind", "encoding", "separator", "header", "sheets", "answers_from", "readings"}  # of a preview
COUNTED_FROM: dict[str, Literal[0, 1, "text"]] = {"0": 0, "1": 1, "text": "text"}
FIELDS = ("question", "choices", "answer", "subject", "source", "license", "note", "group")


def preview_file(settings: Settings, file: str, how: ReadOptions | None) -> Preview:
    """Preview of a file of questions.

    Args:
        settings: The caller's settings.
        file: Path of the file; `-` for stdin.
        how: Options for reading it; None to detect its format.

    Raises:
        StudioError: The file cannot be read.
    """
    from e2lm_core.sets import authoring

    most = settings.limits.max_file_bytes
    if file == "-":
        data, name = sys.stdin.buffer.read(most + 1), "stdin"
    else:
        data, name = read_file(file, most, ", or pipe it in and give -"), Path(file).name
    return authoring.preview_import(settings, data, name, how)


def accepted_questions(read: Preview, file: str, skip_broken: bool) -> tuple[Question, ...]:
    """Questions of a file that can be added; warnings about them are printed on stderr.

    Args:
        read: Preview of the file.
        file: Its path, for sentences.
        skip_broken: Whether to leave rows with an error out.

    Raises:
        StudioError: A row has an error, and `skip_broken` is not set.
    """
    from e2lm_core.sets.formats.reading import accept_questions

    questions, said = accept_questions(read, "stdin" if file == "-" else file, skip_broken)
    warn(*said)
    return questions


def read_options(
    mapping: Sequence[str] | None,
    kind: str | None,
    encoding: str | None,
    sheet: str | None,
    header: bool | None,
    answers_from: str | None,
) -> ReadOptions | None:
    """Options for reading a file of questions; None if no option is given.

    Args:
        mapping: FIELD=COLUMN for each column that is mapped.
        kind: Format of the file.
        encoding: Encoding of the file.
        sheet: Sheet of a workbook.
        header: Whether the first row names the columns.
        answers_from: First number of answers, 0 or 1, or `text`.

    Raises:
        StudioError: A mapping names no field or no column, a column or field is mapped twice, or
            `answers_from` is unknown.
    """
    from e2lm_core.sets.formats.records import ReadOptions

    roles: dict[str, str] = {}
    for text in mapping or ():
        field, equals, column = (part.strip() for part in text.partition("="))
        if not equals or not field or not column:
            raise StudioError(f"{quote(text)} maps no column: write FIELD=COLUMN, such as question=Frage.")
        if column in roles or (field in roles.values() and field != "-"):
            raise StudioError(f"{quote(text)} maps a second time: map each column and each field once.")
        roles[column] = field
    if answers_from not in (None, *COUNTED_FROM):
        raise StudioError(
            f"Answers cannot be read from {quote(answers_from)}: use --answers-from {join_words([*COUNTED_FROM])}."
        )
    how = ReadOptions(
        kind=kind,
        encoding=encoding,
        sheet=sheet,
        header=header,
        roles=roles,
        answers_from=None if answers_from is None else COUNTED_FROM[answers_from],
    )
    return None if how == ReadOptions() else how


def print_preview(read: Preview, doubles: Mapping[str, str], as_json: bool) -> None:
    """Print the reading of a file: its format, its first questions, its problems; nothing is added.

    Args:
        read: Preview of the file.
        doubles: By question, the sentence on a question that repeats it.
        as_json: Whether to print JSON.
    """
    from e2lm_core.sets.formats import messages

    rows = [
        {
            "row": at,
            "question": q.question,
            "choices": " | ".join(q.choices),
            "answer": q.answer,
            "repeats": doubles.get(q.id, ""),
        }
        for q, at in zip(read.questions[:LOOKED_AT], read.rows, strict=False)
    ]
    document = {
        **read.model_dump(include=READ),
        "columns": [column.model_dump() for column in read.columns],
        "questions": len(read.questions),
        "first": rows,
        "doubles": dict(doubles),
        "problems": [problem.model_dump(exclude_none=True) for problem in read.problems],
    }
    notes = [messages.format_summary(read), messages.mapping_summary(read)]
    notes += [messages.duplicates_sentence(read, doubles), *(problem.sentence for problem in read.problems)]
    print_table(as_json, document, rows, notes=notes)


def question_from_options(
    task: TaskSet, identity: str, values: Mapping[str, Any], sets: Sequence[str], limits: Limits
) -> Question:
    """Question described by options.

    Args:
        task: Set to which it will be added.
        identity: Id of the question.
        values: Fields that have an option of their own.
        sets: FIELD=VALUE for further fields.
        limits: Limits on a question.

    Raises:
        StudioError: An assignment is not of the form FIELD=VALUE, or sets a field twice or one that does not
            exist.
        TaskError: A value is not allowed.
    """
    return _question({**values, **parse_assignments(sets, task), "id": identity}, identity, limits)


def changes_from_options(
    task: TaskSet, question: Question, sets: Sequence[str], choices: Sequence[str], limits: Limits
) -> dict[str, Any]:
    """Changes of a question as `{field: value}` for `authoring.update_questions`.

    Args:
        task: Set of the question.
        question: The question.
        sets: FIELD=VALUE for each field to set.
        choices: N=TEXT for each choice to replace; the number after the last adds one.
        limits: Limits on a question.

    Raises:
        StudioError: Nothing is to be changed, or a field or choice is given twice or does not exist.
        TaskError: A value is not allowed.
    """
    from e2lm_core.sets.prompts.docs import row_of

    given = parse_assignments(sets, task)
    new = _with_choices(question, given.get("choices"), choices)
    if new is not None:
        given["choices"] = new
    if not given:
        raise StudioError("Nothing is to be changed: give --set FIELD=VALUE or --choice N=TEXT.")
    after = _question({**row_of(question), **given}, question.id, limits)
    return {
        (name if name in FIELDS else "extra"): getattr(after, name) if name in FIELDS else after.extra
        for name in given
    }


def parse_assignments(sets: Iterable[str], task: TaskSet) -> dict[str, Any]:
    """`FIELD=VALUE` as a dictionary; values stay text, except in a column whose values are no text.

    Raises:
        StudioError: An assignment is not of the form FIELD=VALUE, or sets a field twice or one that neither a
            question nor the set has.
    """
    from e2lm_core.sets.rows import parse_json

    columns = {name: value for q in (*task.questions, *task.dev) for name, value in q.extra.items()}
    given: dict[str, Any] = {}
    for text in sets:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals:
            raise StudioError(f"{quote(text)} sets nothing: write FIELD=VALUE, such as note=doubtful.")
        if name not in FIELDS and name not in columns:
            raise StudioError(
                f"A question of {task.name} has no field {quote(name)} to set: use one of "
                f"{', '.join((*FIELDS, *sorted(columns)[:6]))}."
            )
        if name in given:
            raise StudioError(f"The field {quote(name)} is set twice: set it once.")
        # Values of a column of numbers or lists are given as JSON, so that the column keeps its type.
        is_text = isinstance(columns.get(name, ""), str) or not value
        given[name] = value if is_text else parse_json(value, f"{name}, as the set has it,")
    return given


def _with_choices(question: Question, given: str | None, choices: Sequence[str]) -> list[str] | None:
    """Choices with those of `N=TEXT` replaced; the number after the last adds one."""
    if not choices:
        return None
    if given is not None:
        raise StudioError("Choices are set twice: give --set choices=[…] or --choice N=TEXT, not both.")
    new = list(question.choices)
    for text in choices:
        number, equals, value = text.partition("=")
        place = int(number) if number.isascii() and number.isdigit() and len(number) < 4 else -1
        if not equals or not 0 <= place <= len(new):
            raise StudioError(
                f"{quote(text)} changes no choice of question {quote(question.id)}: write N=TEXT with N from 0 "
                f"to {len(question.choices) - 1}, or {len(question.choices)} to add one."
            )
        new[place : place + 1] = [value]
    return new


def _question(row: Mapping[str, Any], identity: str, limits: Limits) -> Question:
    """Read a row like that of a file: the answer is an index, a letter or a text, choices a JSON list."""
    from e2lm_core.sets.formats.reading import parse_file
    from e2lm_core.sets.formats.records import ReadOptions

    preview = parse_file(json.dumps(row).encode(), "options.jsonl", limits, ReadOptions(answers_from=0))
    if not preview.questions:
        raise TaskError(preview.problems[0].sentence.replace("Row 1", f"Question {quote(identity)}", 1))
    return preview.questions[0]
