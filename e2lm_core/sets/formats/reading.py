"""A file of questions read, whatever its format: in a process of its own, within limits, with what was found out on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import PurePath

from e2lm_core.base.errors import TaskError
from e2lm_core.base.phrasing import count, quoted
from e2lm_core.base.records import Question
from e2lm_core.base.settings import Limits
from e2lm_core.base.strangers import confined
from e2lm_core.sets.checks.check import likeness
from e2lm_core.sets.formats import questions
from e2lm_core.sets.formats.columns import COUNTED
from e2lm_core.sets.formats.kinds import KINDS, kind_of
from e2lm_core.sets.formats.markup import moodle, qti
from e2lm_core.sets.formats.records import How, Preview, Rows
from e2lm_core.sets.formats.tables import delimited, objects, parquet, xlsx
from e2lm_core.sets.formats.texts import gift, lists
from e2lm_core.sets.rows import check_size

Reader = Callable[[bytes, str, Limits, How], Rows]
# The libraries that a format takes, imported before its file is looked at.
_LIBRARIES = {"xlsx": ("openpyxl",), "parquet": ("pyarrow.parquet",)}


def read(data: bytes, filename: str, limits: Limits, how: How | None = None) -> Preview:
    """As `parse`, of a stranger's file: in a process of its own that can do nothing else.

    Raises what `parse` raises, and LimitError where the file takes too much memory or time.
    """
    name = PurePath(filename).name[:80] or "The text"
    check_size(data, name, limits)
    end = PurePath(filename).suffix.lower().strip(".")
    modules = ("charset_normalizer", *_LIBRARIES.get(end, ()))
    return confined.run(parse, data, filename, limits, how, given=len(data), about=name, modules=modules)


def parse(data: bytes, filename: str, limits: Limits, how: How | None = None) -> Preview:
    """The questions of a file, by the end of its name or by what stands in it, as `how` says or as is found out.

    Raises TaskError, in one sentence, where the file as a whole is of no use: a format that is not known, an encoding
    that does not fit, too many rows or columns. Columns that are missing, and rows that cannot be read, are problems.
    """
    how = how or How()
    name = PurePath(filename).name[:80] or "The text"
    check_size(data, name, limits)
    if how.kind is not None and how.kind not in KINDS:
        raise TaskError(f"There is no format {quoted(how.kind)} to read: use {', '.join(KINDS)}.")
    kind = how.kind or kind_of(data, filename, how.encoding)
    found = _READERS[kind](data, name, limits, how)
    return questions.preview(found, kind, name, limits, how)


def accepted(read: Preview, filename: str, skip_broken: bool) -> tuple[tuple[Question, ...], tuple[str, ...]]:
    """The questions of a file that may be taken, and what is to be said of them and of what is left out.

    Raises TaskError with the first error, unless rows with one are skipped; always where columns are missing or the
    meaning of numbers is not decided.
    """
    name = PurePath(filename).name[:80]
    if read.readings:
        raise TaskError(f"{name}: {read.problems[0].sentence} Say it with {_answers_from(read)}.")
    if any(problem.code == questions.MISSING for problem in read.problems):
        raise TaskError(read.problems[0].sentence)
    if read.errors and not skip_broken:
        more = f" ({count(len(read.errors) - 1, 'more error')})" if len(read.errors) > 1 else ""
        raise TaskError(
            f"{name}: {read.errors[0].sentence}{more} Mend it, or leave such rows out with --skip-broken."
        )
    said = tuple(f"Left out: {p.sentence}" if p.severity == "error" else p.sentence for p in read.problems)
    return read.sound, said


def _answers_from(read: Preview) -> str:
    """The options among which `--answers-from` chooses: `--answers-from 1 (the first) or 0 (the second)`."""
    means = {1: "the first", 0: "the second", "text": "a choice's text"}
    said = [f"{reading} ({means[reading]})" for reading in (1, 0, "text") if reading in read.readings]
    return f"--answers-from {' or '.join(said)}"


def doubles(read: Preview, there: Iterable[Question]) -> dict[str, str]:
    """Questions that repeat one that is there already, or an earlier one of the file: {id: what it repeats}."""
    seen = {likeness(q): f"{q.id} of the set" for q in there}
    found = {}
    for question, at in zip(read.questions, read.rows, strict=True):
        key = likeness(question)
        if key in seen:
            found[question.id] = seen[key]
        seen.setdefault(key, at)
    return found


def _parquet(data: bytes, name: str, limits: Limits, how: How) -> Rows:
    from e2lm_core.sets.formats.tables.grid import MAX_COLUMNS

    rows = parquet.parquet_rows(data, name, MAX_COLUMNS, limits)
    if parquet.counts_from_0(data):
        rows = [{**row, COUNTED: 0} for row in rows]
    return objects.with_columns(rows, name)


def _tsv(data: bytes, name: str, limits: Limits, how: How) -> Rows:
    return delimited.read(data, name, limits, how, usual="\t")


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
