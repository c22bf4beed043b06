"""Questions as the command line gives them: of a file, of options, and as `FIELD=VALUE`; read as an import is.

Tested in tests/commands/sets/test_questions.py.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from e2lm_core.base.errors import StudioError, TaskError
from e2lm_core.base.phrasing import count, quoted
from e2lm_core.base.records import Question, TaskSet
from e2lm_core.base.settings import Limits, Settings
from e2lm_core.base.strangers.regular import read_regular

SkipBroken = Annotated[
    bool, typer.Option("--skip-broken", help="Leave rows with an error out, instead of adding none.")
]
FIELDS = ("question", "choices", "answer", "subject", "source", "license", "note", "group")


def read_questions(settings: Settings, file: str, skip_broken: bool) -> tuple[Question, ...]:
    """The questions of a table or of JSON, `-` for stdin; what is doubtful in them is said on stderr.

    Raises StudioError for a file that cannot be read, and for rows with an error unless they are skipped.
    """
    from e2lm_core.sets import authoring

    data, name = _read(file, settings.limits)
    preview = authoring.preview_import(settings, data, name)
    errors = [problem for problem in preview.problems if problem.severity == "error"]
    if errors and not skip_broken:
        more = f" ({count(len(errors) - 1, 'more error')})" if len(errors) > 1 else ""
        raise TaskError(
            f"{name}: {errors[0].sentence}{more} Mend it, or leave such rows out with --skip-broken."
        )
    for problem in preview.problems:
        left_out = "Left out: " if problem.severity == "error" else ""
        typer.echo(f"{left_out}{problem.sentence}", err=True)
    broken = {problem.question_id for problem in errors}
    return tuple(q for q in preview.questions if q.id not in broken)


def of_options(
    task: TaskSet, identity: str, values: Mapping[str, Any], sets: Sequence[str], limits: Limits
) -> Question:
    """The question that options describe; `values` are those with an option of their own."""
    return _question({**values, **assignments(sets, task), "id": identity}, identity, limits)


def changed(
    task: TaskSet, question: Question, sets: Sequence[str], choices: Sequence[str], limits: Limits
) -> dict[str, Any]:
    """`{field: value}` of a question, for `authoring.update_questions`, from `FIELD=VALUE` and `N=TEXT`.

    Raises TaskError for a field that there is not, a choice that there is not, and a value that is none.
    """
    from e2lm_core.sets.prompts.render import row_of

    given = assignments(sets, task)
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


def assignments(sets: Iterable[str], task: TaskSet) -> dict[str, Any]:
    """`FIELD=VALUE` as a dictionary, for fields that a question or the set has; the value is text still."""
    from e2lm_core.sets.rows import parse_json

    columns = {name: value for q in (*task.questions, *task.dev) for name, value in q.extra.items()}
    given: dict[str, Any] = {}
    for text in sets:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals:
            raise StudioError(f"{quoted(text)} sets nothing: write FIELD=VALUE, such as note=doubtful.")
        if name not in FIELDS and name not in columns:
            raise StudioError(
                f"A question of {task.name} has no field {quoted(name)} to set: use one of "
                f"{', '.join((*FIELDS, *sorted(columns)[:6]))}."
            )
        if name in given:
            raise StudioError(f"The field {quoted(name)} is set twice: set it once.")
        # A column of numbers or of lists stays one: its values are written as JSON.
        is_text = isinstance(columns.get(name, ""), str) or not value
        given[name] = value if is_text else parse_json(value, f"{name}, as the set has it,")
    return given


def _with_choices(question: Question, given: str | None, choices: Sequence[str]) -> list[str] | None:
    """The choices with those that `N=TEXT` names replaced; the number after the last adds one."""
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
                f"{quoted(text)} changes no choice of question {quoted(question.id)}: write N=TEXT with N from 0 "
                f"to {len(question.choices) - 1}, or {len(question.choices)} to add one."
            )
        new[place : place + 1] = [value]
    return new


def _question(row: Mapping[str, Any], identity: str, limits: Limits) -> Question:
    """The row read as a file's would be: the answer is an index, a letter or a text, choices a JSON list."""
    from e2lm_core.sets.importing import parse_rows

    preview = parse_rows(json.dumps(row).encode(), "options.jsonl", limits)
    if not preview.questions:
        raise TaskError(preview.problems[0].sentence.replace("Row 1", f"Question {quoted(identity)}", 1))
    return preview.questions[0]


def _read(file: str, limits: Limits) -> tuple[bytes, str]:
    """(content, name) of a regular file, or of stdin; the name tells the kind, for stdin what it begins with."""
    if file == "-":
        data = sys.stdin.buffer.read(limits.max_file_bytes + 1)
        kind = {b"{": "jsonl", b"[": "json"}.get(data.lstrip()[:1], "csv")
        return data, f"stdin.{kind}"
    path = Path(file)
    try:
        return read_regular(path, limits.max_file_bytes), path.name
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise StudioError(
            f"{quoted(file)} cannot be read ({reason}): check its path, or pipe it in and give -."
        ) from error
