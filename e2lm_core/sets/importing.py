"""Questions from and to tables: CSV, TSV, JSONL and JSON; Parquet is read as well.

A table has the columns `question`, `answer` and either `choices` (a JSON list) or one column a choice
(`choice_1`, `choice_2`, … or `A`, `B`, …); `id`, `subject`, `source`, `license`, `note`, `group` are known,
any other column is kept. `answer` is the right choice's index from 0, its letter, or its text.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from pathlib import PurePath
from typing import Any, NamedTuple

from e2lm_core.base.errors import TaskError
from e2lm_core.base.phrasing import quoted, sentence
from e2lm_core.base.plain import cell, uncelled
from e2lm_core.base.records import Finding, Question
from e2lm_core.base.settings import Limits
from e2lm_core.base.strangers import confined
from e2lm_core.base.strangers.safeyaml import decode
from e2lm_core.sets.checks.check import structural_errors
from e2lm_core.sets.folder.parquet import parquet_rows
from e2lm_core.sets.prompts.render import OPTIONAL
from e2lm_core.sets.rows import check_count, check_size, extra_columns, optional_text, parse_json, parse_jsonl

MAX_COLUMNS = 200
MAX_CELLS = 1_000_000
MAX_SEPARATORS = 4_000_000  # commas within quoted text among them
MAX_LINES = 1_000_000
DELIMITERS = {".csv": ",", ".tsv": "\t"}
TABLES = (*DELIMITERS, ".jsonl", ".json", ".parquet")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CHOICE_COLUMN = re.compile(r"(?:choice|option)[ _-]?(\d{1,2}|[a-z])", re.IGNORECASE)


class ImportPreview(NamedTuple):
    """What a file holds: the questions that could be read, what is wrong with them or with rows that could
    not, and the file's columns.
    """

    questions: tuple[Question, ...]
    problems: tuple[Finding, ...]
    columns: tuple[str, ...]


def read_rows(
    data: bytes, filename: str, limits: Limits, renamed: Mapping[str, str] | None = None
) -> ImportPreview:
    """As `parse_rows`, of a stranger's file: in a process of its own that can do nothing else.

    Raises what `parse_rows` raises, and LimitError where the file takes too much memory or time.
    """
    name = PurePath(filename).name[:80]
    check_size(data, name, limits)
    return confined.run(parse_rows, data, filename, limits, renamed, given=len(data), about=name)


def parse_rows(
    data: bytes, filename: str, limits: Limits, renamed: Mapping[str, str] | None = None
) -> ImportPreview:
    """The questions of a CSV, TSV, JSONL, JSON or Parquet file, by the end of its name.

    `renamed` are the file's columns by the names that they are read under. Whatever else had such a name is left out.
    Raises TaskError, in one sentence, where the file as a whole is of no use: not UTF-8, lacking columns,
    too many rows or columns, another kind of file. A row that cannot be read is a problem and is left out.
    """
    name = PurePath(filename).name[:80]
    suffix = PurePath(filename).suffix.lower()
    check_size(data, name, limits)
    if suffix in DELIMITERS:
        columns, rows = _delimited(decode(data, name), DELIMITERS[suffix], name, limits)
    elif suffix == ".jsonl":
        columns, rows = _with_columns(parse_jsonl(data, name, limits), name)
    elif suffix == ".json":
        columns, rows = _with_columns(_json_list(data, name, limits), name)
    elif suffix == ".parquet":
        columns, rows = _with_columns(parquet_rows(data, name, MAX_COLUMNS, limits), name)
    else:
        raise TaskError(f"{name} is no file that can be imported; use {', '.join(TABLES)}.")
    if renamed:
        columns, rows = _renamed(columns, rows, renamed, name)
    choice_columns = _choice_columns(columns)
    _require_columns(columns, choice_columns, name)
    questions, problems, ambiguous = [], [], []
    taken = {str(row["id"]) for row in rows if row.get("id") not in (None, "")}
    for number, row in enumerate(rows, start=1):
        try:
            questions.append(_question(row, choice_columns, number, taken))
        except TaskError as error:
            problems.append(Finding(severity="error", code="unreadable_row", sentence=str(error)))
            continue
        if _is_ambiguous(row["answer"], questions[-1]):
            ambiguous.append(number)
    problems += structural_errors(questions, limits)
    problems += _ambiguity(ambiguous)
    shown = [finding.model_copy(update={"sentence": sentence(finding.sentence)}) for finding in problems]
    return ImportPreview(tuple(questions), tuple(shown), tuple(columns))


def write_csv(questions: Iterable[Question]) -> bytes:
    """A CSV that `read_rows` reads back: one column a choice, `answer` the index from 0; UTF-8."""
    questions = list(questions)
    widest = max((len(q.choices) for q in questions), default=0)
    extra = list(dict.fromkeys(name for q in questions for name in q.extra))
    optional = [name for name in OPTIONAL if any(getattr(q, name) is not None for q in questions)]
    choice_columns = [f"choice_{n}" for n in range(1, widest + 1)]
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(map(cell, ["id", "question", *choice_columns, "answer", *optional, *extra]))
    for q in questions:
        choices = [*q.choices, *[""] * (widest - len(q.choices))]
        known = [getattr(q, name) or "" for name in optional]
        row = [q.id, q.question, *choices, q.answer, *known, *(_as_text(q.extra.get(n)) for n in extra)]
        writer.writerow(map(cell, row))
    return buffer.getvalue().encode()


def _as_text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)


def _delimited(
    text: str, delimiter: str, name: str, limits: Limits
) -> tuple[list[str], list[Mapping[str, Any]]]:
    first = text.split("\n", 1)[0]
    if delimiter == "," and first.count(";") > first.count(","):  # as spreadsheets in many countries write it
        delimiter = ";"
    if first.count(delimiter) >= MAX_COLUMNS:
        raise TaskError(f"{name} has more than {MAX_COLUMNS} columns; keep those that you need.")
    if text.count(delimiter) > MAX_SEPARATORS or text.count("\n") > MAX_LINES:
        raise TaskError(f"{name} has more than {MAX_CELLS:,} cells; keep the columns and rows that you need.")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[Mapping[str, Any]] = []
    count = 0
    try:
        columns = [uncelled(column.strip()) for column in next(reader, [])]
        if len(columns) > MAX_COLUMNS:
            raise TaskError(f"{name} has {len(columns):,} columns; a table may have at most {MAX_COLUMNS}.")
        for line in reader:
            cells = [uncelled(text) for text in line[: len(columns)]]
            if not any(cells):
                continue
            count += 1
            if count <= limits.max_questions:
                rows.append(dict(zip_longest(columns, cells[: len(columns)], fillvalue="")))
            if count * len(columns) > MAX_CELLS:
                raise TaskError(
                    f"{name} has more than {MAX_CELLS:,} cells; keep the columns and rows that you need."
                )
    except csv.Error as error:
        raise TaskError(f"{name}, line {reader.line_num} is not valid CSV ({error}).") from error
    check_count(count, name, limits)
    repeated = next((c for c, times in Counter(columns).items() if c and times > 1), None)
    if repeated is not None:
        raise TaskError(f"{name} has the column {repeated!r} twice; rename one of them.")
    return [column for column in columns if column], rows


def _json_list(data: bytes, name: str, limits: Limits) -> list[dict[str, Any]]:
    value = parse_json(decode(data, name), name)
    if isinstance(value, dict) and isinstance(value.get("questions"), list):
        value = value["questions"]
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise TaskError(f"{name} must be a list of JSON objects, one a question.")
    check_count(len(value), name, limits)
    return value


def _with_columns(rows: Sequence[Mapping[str, Any]], name: str) -> tuple[list[str], list[Mapping[str, Any]]]:
    columns: dict[str, None] = {}
    for row in rows:
        columns.update(dict.fromkeys(row))
        if len(columns) > MAX_COLUMNS:
            raise TaskError(f"{name} has more than {MAX_COLUMNS} columns; keep those that you need.")
    return list(columns), list(rows)


def _renamed(
    columns: Sequence[str], rows: Sequence[Mapping[str, Any]], renamed: Mapping[str, str], name: str
) -> tuple[list[str], list[Mapping[str, Any]]]:
    """Columns and rows under the names that they are read under. Raises TaskError for a column that there is not."""
    for column in renamed:
        if column not in columns:
            has = ", ".join(columns[:12]) or "none"
            raise TaskError(f"{name} has no column {quoted(column)} to map; it has {has}.")
    new = set(renamed.values())
    names = {
        column: renamed.get(column, column) for column in columns if column in renamed or column not in new
    }
    return list(names.values()), [
        {names[column]: value for column, value in row.items() if column in names} for row in rows
    ]


def _choice_columns(columns: Sequence[str]) -> list[str]:
    """The columns that hold one choice each, in order; none where there is a column `choices`."""
    if "choices" in columns:
        return []
    numbered: dict[int, str] = {}
    for column in columns:
        if match := _CHOICE_COLUMN.fullmatch(column):
            mark = match.group(1)
            numbered[int(mark) if mark.isdigit() else LETTERS.index(mark.upper()) + 1] = column
        elif column in LETTERS and len(column) == 1:
            numbered[LETTERS.index(column) + 1] = column
    return [numbered[place] for place in sorted(numbered)]


def _require_columns(columns: Sequence[str], choice_columns: Sequence[str], name: str) -> None:
    missing = [column for column in ("question", "answer") if column not in columns]
    if "choices" not in columns and len(choice_columns) < 2:
        missing.append("choices")
    if missing:
        has = ", ".join(columns[:12]) or "none"
        raise TaskError(
            f"{name} lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)} (it has "
            f"{has}); a table needs question, answer and choices (a JSON list) or choice_1, choice_2, …"
        )


def _question(
    row: Mapping[str, Any], choice_columns: Sequence[str], number: int, taken: set[str]
) -> Question:
    at = f"Row {number}"
    text = row.get("question")
    if not isinstance(text, str):
        raise TaskError(f"{at}: question must be text.")
    choices = _choices(row, choice_columns, at)
    identity = row.get("id")
    if identity in (None, ""):
        identity = f"q{number}"
        while identity in taken:
            identity += "_"
        taken.add(identity)
    rest = {n: v for n, v in extra_columns(row, at).items() if n not in choice_columns and v != ""}
    return Question(
        id=str(identity),
        question=text,
        choices=choices,
        answer=_answer(row.get("answer"), choices, at),
        **{name: optional_text(row, name, at) or None for name in OPTIONAL},
        extra=rest,
    )


def _choices(row: Mapping[str, Any], choice_columns: Sequence[str], at: str) -> tuple[str, ...]:
    if choice_columns:
        cells = [str(row.get(column) or "") for column in choice_columns]
        while cells and not cells[-1]:
            cells.pop()
        return tuple(cells)
    value = row.get("choices")
    if isinstance(value, str):
        value = parse_json(value, f"{at}: choices")
    if not isinstance(value, list) or not all(isinstance(choice, str) for choice in value):
        raise TaskError(f'{at}: choices must be a list of texts, such as ["gold", "iron"].')
    return tuple(value)


def _is_ambiguous(answer: Any, question: Question) -> bool:
    """Whether a number in text, read as an index, is also the text of another choice."""
    text = answer.strip() if isinstance(answer, str) else ""
    return text in question.choices and question.choices.index(text) != question.answer


def _ambiguity(numbers: Sequence[int]) -> list[Finding]:
    if not numbers:
        return []
    more = f" (and in {len(numbers) - 1:,} more rows)" if len(numbers) > 1 else ""
    said = (
        f"Row {numbers[0]}{more}: the answer is a number that is also the text of another choice; numbers "
        "are read as indices from 0, so write the choice's letter where its text is meant."
    )
    return [Finding(severity="warning", code="ambiguous_answer", sentence=said)]


def _answer(value: Any, choices: tuple[str, ...], at: str) -> int:
    """An index, a text that is a choice, digits, or a letter, tried in this order."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = value.strip() if isinstance(value, str) else ""
    if re.fullmatch(r"-?[0-9]{1,9}", text):
        return int(text)
    if text in choices:
        return choices.index(text)
    if len(text) == 1 and text.upper() in LETTERS[: len(choices)]:
        return LETTERS.index(text.upper())
    raise TaskError(
        f"{at}: answer is {str(value)[:60]!r}; use the right choice's index from 0, its letter or its text."
    )
