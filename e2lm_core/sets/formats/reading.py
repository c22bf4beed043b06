"""Reads a question file in the sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import PurePath

from e2lm_core.base.errors import TaskError
from e2lm_core.base.formatting import count, quote
from e2lm_core.base.records import Question
from e2lm_core.base.sentences import Sentence
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

# A reader takes the file's bytes, its name for error sentences, the limits and the user's settings.
Reader = Callable[[bytes, str, Limits, ReadOptions], FileRows]
# Libraries of a format, imported before its file is read.
_LIBRARIES = {"xlsx": ("openpyxl",), "parquet": ("pyarrow.parquet",)}


def read_confined(data: bytes, filename: str, limits: Limits, options: ReadOptions | None = None) -> Preview:
    """Read the questions of an untrusted file in the sandbox.

    Args:
        data: Bytes of the file.
        filename: Name of the file; "" for pasted text.
        limits: Bounds on bytes and questions.
        options: The user's settings for the file; None to detect everything.

    Raises:
        TaskError: The file as a whole cannot be used, as in `parse_file`.
        LimitError: The file takes too much memory or time.
    """
    name = PurePath(filename).name[:80] or Sentence("The text")
    check_size(data, name, limits)
    end = PurePath(filename).suffix.lower().strip(".")
    modules = ("charset_normalizer", *_LIBRARIES.get(end, ()))
    return sandbox.run_confined(
        parse_file, data, filename, limits, options, input_bytes=len(data), description=name, modules=modules
    )


def parse_file(data: bytes, filename: str, limits: Limits, options: ReadOptions | None = None) -> Preview:
    """Read the questions of a file in this process.

    The format follows from the end of the file's name or from its content. Missing columns and rows that
    cannot be read are problems of the preview, not errors.

    Args:
        data: Bytes of the file.
        filename: Name of the file; "" for pasted text.
        limits: Bounds on bytes and questions.
        options: The user's settings for the file; None to detect everything.

    Raises:
        TaskError: The file as a whole cannot be used: an unknown format, an encoding that does not fit, too
            many rows or columns; one sentence.
    """
    options = options or ReadOptions()
    name = PurePath(filename).name[:80] or Sentence("The text")
    check_size(data, name, limits)
    if options.kind is not None and options.kind not in KINDS:
        raise TaskError(
            Sentence(
                "There is no format {format} to read: use {formats}.",
                format=quote(options.kind),
                formats=", ".join(KINDS),
            )
        )
    kind = options.kind or detect_format(data, filename, options.encoding)
    found = _READERS[kind](data, name, limits, options)
    return questions.preview(found, kind, name, limits, options)


def accept_questions(
    preview: Preview, filename: str, skip_broken: bool
) -> tuple[tuple[Question, ...], tuple[str, ...]]:
    """Take the usable questions of a file, with sentences on the others and on doubts.

    Args:
        preview: Result of reading the file.
        filename: Name of the file, which begins error sentences.
        skip_broken: Leave out rows with an error.

    Returns:
        The questions, and one sentence for each problem.

    Raises:
        TaskError: A row has an error and `skip_broken` is not set, columns are missing, or the meaning of
            numbers is undecided; the sentence is that of the first problem.
    """
    name = PurePath(filename).name[:80]
    if preview.readings:
        raise TaskError(
            Sentence(
                "{name}: {sentence} Say it with {answers}.",
                name=name,
                sentence=preview.problems[0].sentence,
                answers=_answers_from(preview),
            )
        )
    if any(problem.code == questions.MISSING for problem in preview.problems):
        raise TaskError(preview.problems[0].sentence)
    if preview.errors and not skip_broken:
        more = f" ({count(len(preview.errors) - 1, 'more error')})" if len(preview.errors) > 1 else ""
        raise TaskError(
            Sentence(
                "{name}: {sentence}{more} Mend it, or leave such rows out with --skip-broken.",
                name=name,
                sentence=preview.errors[0].sentence,
                more=more,
            )
        )
    said = tuple(f"Left out: {p.sentence}" if p.severity == "error" else p.sentence for p in preview.problems)
    return preview.sound, said


def _answers_from(read: Preview) -> str:
    """Values of the option that decides: `--answers-from 1 (the first) or 0 (the second)`."""
    means = {1: "the first", 0: "the second", "text": "a choice's text"}
    said = [f"{reading} ({means[reading]})" for reading in (1, 0, "text") if reading in read.readings]
    return f"--answers-from {' or '.join(said)}"


def find_duplicates(preview: Preview, existing: Iterable[Question]) -> dict[str, str]:
    """Questions of a file that repeat one of the set or an earlier one of the file.

    Returns:
        For the id of each repeated question, the first one: "q5 of the set", or its place in the file.
    """
    seen = {duplicate_key(q): f"{q.id} of the set" for q in existing}
    found = {}
    for question, at in zip(preview.questions, preview.rows, strict=True):
        key = duplicate_key(question)
        if key in seen:
            found[question.id] = seen[key]
        seen.setdefault(key, at)
    return found


def _parquet(data: bytes, name: str, limits: Limits, how: ReadOptions) -> FileRows:
    rows = parquet.parquet_rows(data, name, limits)
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
