"""Reads a question file in the sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import PurePath

from e2lm_core.base.errors import TaskError
from e2lm_core.base.formatting import count, quote
from e2lm_core.base.records import Question
from e2lm_core.base.settings import Limits
from e2lm_core.base.untrusted import sandbox
from e2lm_core.sets.checks.check import duplicate_key
from e2lm_core.sets.formats import questions
from e2lm_core.sets.formats.columns import COUNTED
from e2lm_core.sets.formats.kinds import KINDS, detect_format
from e2lm_core.sets.formats.markup import moodle, qti
from e2lm_core.sets.formats.records import FileRows, Preview, ReadOptions
from e2lm_core.sets.formats.tables import delimited, objects, parquet, xlsx
from e2lm_core.sets.formats.texts import gift, lists
from e2lm_core.sets.rows import check_size

Reader = Callable[[bytes, str, Limits, ReadOptions], FileRows]
# The libraries that a format takes, imported before its file is looked at.
_LIBRARIES = {"xlsx": ("openpyxl",), "parquet": ("pyarrow.parquet",)}


def read_confined(data: bytes, filename: str, limits: Limits, options: ReadOptions | None = None) -> Preview:
    """As `parse`, of a stranger's file: in a process of its own that can do nothing else.

    Raises what `parse` raises, and LimitError where the file takes too much memory or time.
    """
    name = PurePath(filename).name[:80] or "The text"
    check_size(data, name, limits)
    end = PurePath(filename).suffix.lower().strip(".")
    modules = ("charset_normalizer", *_LIBRARIES.get(end, ()))
    return sandbox.run_confined(
        parse_file, data, filename, limits, options, input_bytes=len(data), description=name, modules=modules
    )


def parse_file(data: bytes, filename: str, limits: Limits, options: ReadOptions | None = None) -> Preview:
    """The questions of a file, by the end of its name or by what stands in it, as `how` says or as is found out.

    Raises TaskError, in one sentence, where the file as a whole is of no use: a format that is not known, an encoding
    that does not fit, too many rows or columns. Columns that are missing, and rows that cannot be read, are problems.
    """
    options = options or ReadOptions()
    name = PurePath(filename).name[:80] or "The text"
    check_size(data, name, limits)
    if options.kind is not None and options.kind not in KINDS:
        raise TaskError(f"There is no format {quote(options.kind)} to read: use {', '.join(KINDS)}.")
    kind = options.kind or detect_format(data, filename, options.encoding)
    found = _READERS[kind](data, name, limits, options)
    return questions.preview(found, kind, name, limits, options)


def accept_questions(
    preview: Preview, filename: str, skip_broken: bool
) -> tuple[tuple[Question, ...], tuple[str, ...]]:
    """The questions of a file that may be taken, and what is to be said of them and of what is left out.

    Raises TaskError with the first error, unless rows with one are skipped; always where columns are missing or the
    meaning of numbers is not decided.
    """
    name = PurePath(filename).name[:80]
    if preview.readings:
        raise TaskError(f"{name}: {preview.problems[0].sentence} Say it with {_answers_from(preview)}.")
    if any(problem.code == questions.MISSING for problem in preview.problems):
        raise TaskError(preview.problems[0].sentence)
    if preview.errors and not skip_broken:
        more = f" ({count(len(preview.errors) - 1, 'more error')})" if len(preview.errors) > 1 else ""
        raise TaskError(
            f"{name}: {preview.errors[0].sentence}{more} Mend it, or leave such rows out with --skip-broken."
        )
    said = tuple(f"Left out: {p.sentence}" if p.severity == "error" else p.sentence for p in preview.problems)
    return preview.sound, said


def _answers_from(read: Preview) -> str:
    """The options among which `--answers-from` chooses: `--answers-from 1 (the first) or 0 (the second)`."""
    means = {1: "the first", 0: "the second", "text": "a choice's text"}
    said = [f"{reading} ({means[reading]})" for reading in (1, 0, "text") if reading in read.readings]
    return f"--answers-from {' or '.join(said)}"


def find_duplicates(preview: Preview, existing: Iterable[Question]) -> dict[str, str]:
    """Questions that repeat one that is there already, or an earlier one of the file: {id: what it repeats}."""
    seen = {duplicate_key(q): f"{q.id} of the set" for q in existing}
    found = {}
    for question, at in zip(preview.questions, preview.rows, strict=True):
        key = duplicate_key(question)
        if key in seen:
            found[question.id] = seen[key]
        seen.setdefault(key, at)
    return found


def _parquet(data: bytes, name: str, limits: Limits, how: ReadOptions) -> FileRows:
    from e2lm_core.sets.formats.tables.grid import MAX_COLUMNS

    rows = parquet.parquet_rows(data, name, MAX_COLUMNS, limits)
    if parquet.counts_from_0(data):
        rows = [{**row, COUNTED: 0} for row in rows]
    return objects.with_columns(rows, name)


def _tsv(data: bytes, name: str, limits: Limits, how: ReadOptions) -> FileRows:
    return delimited.read(data, name, limits, how, default_separator="\t")


_READERS: dict[str, Reader] = {
    "csv": delimited.read,
    "tsv": _tsv,
    "xlsx": xlsx.read,
    "jsonl": objects.read_lines,
    "json": objects.read_list,
    "parquet": _parquet,
    "gift": gift.read,
    "aiken": lists.read,
    "markdown": lists.read,
    "moodle": moodle.read,
    "qti": qti.read,
}
