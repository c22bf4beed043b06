"""Questions from and to JSONL rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import Any

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import Question
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Limits
from e2lm_core.base.untrusted import safejson
from e2lm_core.base.untrusted.safeyaml import decode_utf8
from e2lm_core.sets.prompts.docs import OPTIONAL, row_of

MAX_DEPTH = 16
MAX_BLANK = 10  # most lines per row on average, blank ones included
KNOWN = ("id", "question", "choices", "answer", *OPTIONAL)


def parse_jsonl(data: bytes, where: str, limits: Limits) -> list[dict[str, Any]]:
    """Parse a JSONL file into one object a line.

    Args:
        data: Content of the file.
        where: Name of the file, for the error.
        limits: Limits of bytes and rows.

    Raises:
        TaskError: The file is not UTF-8, a line is not JSON or no object, or it has too many bytes, rows or
            values.
    """
    check_size(data, where, limits)
    check_count(data.count(b"\n") // MAX_BLANK, where, limits)
    if sum(map(data.count, (b",", b"[", b"{"))) > safejson.MAX_PARTS:
        raise TaskError(
            Sentence(
                "{where} holds more than {most} values; keep the columns that you need.",
                where=where,
                most=safejson.MAX_PARTS,
            )
        )
    lines = [
        (number, line) for number, line in enumerate(decode_utf8(data, where).split("\n"), 1) if line.strip()
    ]
    check_count(len(lines), where, limits)
    return [_object(line, where, number) for number, line in lines]


def line_of(file: str, number: int) -> str:
    """Place of a line in a file, for error sentences."""
    return Sentence("{file}, line {number}", file=file, number=str(number))


def parse_json(text: str, where: str, line: int = 0) -> Any:
    """Parse strict JSON: no NaN, no infinity.

    Args:
        text: The JSON text.
        where: Place of the text, for the error.
        line: Number of the text's line in the file `where`; 0 if it is the whole text of a place.

    Raises:
        TaskError: The text is not JSON; the sentence begins with `where`.
    """
    try:
        return safejson.loads(text, allow_surrogates=True, parse_constant=_refuse_constant)
    except ValueError as error:
        problem = getattr(error, "msg", None) or error.args[0]
        at = line_of(where, line) if line else where
        raise TaskError(
            Sentence("{where} is not valid JSON ({problem}).", where=at, problem=problem)
        ) from error


def objects_of(value: Any, where: str) -> list[dict[str, Any]]:
    """The objects of a JSON list.

    Raises:
        TaskError: The value is no list of objects.
    """
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise TaskError(Sentence("{where} must be a list of JSON objects, one a question.", where=where))
    return value


def write_jsonl(questions: Iterable[Question]) -> bytes:
    """UTF-8 JSONL of questions: id, question, choices, answer, then the other columns."""
    return "".join(
        json.dumps(row_of(q), ensure_ascii=False, allow_nan=False) + "\n" for q in questions
    ).encode()


def to_questions(rows: Iterable[Mapping[str, Any]], where: str, prefix: str) -> tuple[Question, ...]:
    """Questions of the rows of a task's data file.

    The values themselves (right answer out of range and so on) are left to `check.structural_errors`. A row whose
    id an earlier row has, as rows that were copied by hand do, gets the next free one.

    Args:
        rows: Rows as objects.
        where: Name of the file, for the error.
        prefix: Start of the id of a row without one; its number follows.

    Raises:
        TaskError: A row lacks a column, or a column has the wrong type.
    """
    rows = list(rows)
    taken = {str(row["id"]) for row in rows if row.get("id") is not None}
    seen: set[str] = set()
    questions = []
    for number, row in enumerate(rows, start=1):
        identity = f"{prefix}{number}" if row.get("id") is None else str(row["id"])
        if row.get("id") is None or identity in seen:
            identity = free_id(identity, taken)
        seen.add(identity)
        try:
            questions.append(_question(row, identity, where))
        except TaskError:  # once more with the row's place, which only an error needs
            at = Sentence("{file}, row {number}", file=where, number=str(number))
            questions.append(_question(row, identity, at))
    return tuple(questions)


def check_size(data: bytes, where: str, limits: Limits) -> None:
    """Refuse a file that exceeds the limit of bytes.

    Raises:
        TaskError: The file has more bytes than `limits` allow.
    """
    if len(data) > limits.max_file_bytes:
        raise TaskError(
            Sentence(
                "{where} has {number} bytes; a file may have at most {most} bytes.",
                where=where,
                number=len(data),
                most=limits.max_file_bytes,
            )
        )


def check_count(count: int, where: str, limits: Limits) -> None:
    """Refuse more rows than a set may have questions.

    Raises:
        TaskError: There are more rows than `limits` allow.
    """
    if count > limits.max_questions:
        raise TaskError(
            Sentence(
                "{where} has {number} rows; a set may have at most {most} questions, so split it, take a "
                "sample, or let the person who runs the studio raise E2LM_MAX_QUESTIONS.",
                where=where,
                number=count,
                most=limits.max_questions,
            )
        )


def extra_columns(row: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Columns of a row that the studio does not know, without the empty ones.

    Raises:
        TaskError: A column is nested more than `MAX_DEPTH` levels deep.
    """
    extra = {name: value for name, value in row.items() if name not in KNOWN and value is not None}
    for name, value in extra.items():
        if isinstance(value, dict | list) and _is_deep(value):
            raise TaskError(
                Sentence(
                    "{where}: {name} is nested more than {most} levels deep; make it flatter.",
                    where=where,
                    name=repr(name[:40]),
                    most=MAX_DEPTH,
                )
            )
    return extra


def optional_text(row: Mapping[str, Any], name: str, where: str) -> str | None:
    """Text of an optional column; a number is converted to text.

    Raises:
        TaskError: The column holds neither text nor a number.
    """
    value = row.get(name)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return str(value)
    raise _no_text(where, name, value)


def both(names: Sequence[str]) -> str:
    """Names joined by "and"."""
    return reduce(lambda one, other: Sentence("{one} and {other}", one=one, other=other), names)


def free_id(wish: str, taken: set[str]) -> str:
    """Id that is not taken: the wish, with underscores behind it if need be. It is taken from now on."""
    while wish in taken:
        wish += "_"
    taken.add(wish)
    return wish


def _question(row: Mapping[str, Any], identity: str, at: str) -> Question:
    missing = [name for name in ("question", "choices", "answer") if name not in row]
    if missing:
        raise TaskError(
            Sentence(
                "{where} lacks {missing}; a row holds question, choices (a list of texts) and answer (the right "
                "answer's index, from 0).",
                where=at,
                missing=both(missing),
            )
        )
    text, choices, answer = row["question"], row["choices"], row["answer"]
    if not isinstance(text, str):
        raise _no_text(at, "question", text)
    if not isinstance(choices, list) or not all(isinstance(choice, str) for choice in choices):
        raise no_list(at)
    if isinstance(answer, bool) or not isinstance(answer, int):
        raise TaskError(
            Sentence(
                "{where}: answer must be the right answer's index, from 0, not {kind}.",
                where=at,
                kind=_kind(answer),
            )
        )
    return Question(
        id=identity,
        question=text,
        choices=tuple(choices),
        answer=answer,
        **{name: optional_text(row, name, at) for name in OPTIONAL},
        extra=extra_columns(row, at),
    )


def no_list(where: str) -> TaskError:
    """Error for choices that are no list of texts."""
    return TaskError(
        Sentence('{where}: choices must be a list of texts, such as ["gold", "iron"].', where=where)
    )


def _no_text(where: str, name: str, value: Any) -> TaskError:
    return TaskError(
        Sentence("{where}: {name} must be text, not {kind}.", where=where, name=name, kind=_kind(value))
    )


def _object(line: str, where: str, number: int) -> dict[str, Any]:
    value = parse_json(line, where, number)
    if not isinstance(value, dict):
        raise TaskError(
            Sentence(
                "{where} is {kind}; each line must be one JSON object.",
                where=line_of(where, number),
                kind=_kind(value),
            )
        )
    return value


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
        ]
    return bool(level)


def _kind(value: Any) -> str:
    if value is None:
        return Sentence("nothing")
    number = Sentence("a number")
    # A plural tells this "text" from that of other translations.
    names = {
        str: Sentence("text", "texts", number=1),
        bool: Sentence("true or false"),
        list: Sentence("a list"),
    }
    return {**names, int: number, float: number}.get(type(value), Sentence("an object"))


def _refuse_constant(name: str) -> float:
    raise ValueError(Sentence("{name} is not JSON", name=name))
