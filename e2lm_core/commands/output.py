"""Output as tables, sentences or JSON, and reading and writing of files."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from e2lm_core.base import formatting
from e2lm_core.base.errors import StudioError
from e2lm_core.base.untrusted.regular_files import read_regular

if TYPE_CHECKING:
    from e2lm_core.runs.fleets import OpenFleet
    from e2lm_core.scores.measurements import Measurements

NUMBER = re.compile(r"[^A-Za-z]*[0-9][^A-Za-z]*")  # also with signs, as in [0.688,
MIN_WIDTH = 8  # of a column of words; a narrower terminal gets one line per value


def print_table(
    as_json: bool,
    document: dict[str, Any],
    rows: Iterable[dict[str, Any]],
    columns: Sequence[str] | None = None,
    about: Measurements | None = None,
    empty: str = "Nothing here yet.",
    notes: Iterable[str | None] = (),
    fleet: OpenFleet | None = None,
) -> None:
    """Print `document` as one line of JSON, or `rows` as a table with notes below it.

    Args:
        as_json: Whether to print JSON.
        document: Content of the JSON.
        rows: Rows of the table.
        columns: Columns of the table; None for all of the first row.
        about: Measurements that the output is based on; facts that their models were never taught are then
            reported.
        empty: Text to print if there are no rows.
        notes: Sentences below the table, without their marks of bold type; empty ones are left out.
        fleet: Fleet that the output is of; it is named.
    """
    if about is not None:
        from e2lm_core.analysis import validity

        document = document | {"taught": validity.known_facts_summary(about)}
        if chosen := validity.selection_summary(about):
            document["chosen"] = chosen
            notes = [chosen["sentence"], *notes]
    if fleet is not None:
        document = document | {"fleet": fleet.document()}
    if as_json:
        # ASCII only, so that neither a terminal's encoding nor a lone surrogate in a set can break it.
        sys.stdout.write(json.dumps(document, allow_nan=False) + "\n")
        sys.stdout.flush()
        return
    _table(list(rows), columns, empty)
    if fleet is not None:
        from e2lm_core.runs.messages.fleets import fleet_sentence

        typer.echo(fleet_sentence(fleet))
    if about is not None and document["taught"] and document["taught"]["sentence"]:
        typer.echo(document["taught"]["sentence"])
    for note in filter(None, notes):
        typer.echo(note.replace("**", ""))


def _table(rows: list[dict[str, Any]], columns: Sequence[str] | None, empty: str) -> None:
    """Print a table; if its numbers do not fit next to each other, one line per value."""
    if not rows:
        if empty:
            typer.echo(empty)
        return
    names = columns or list(rows[0])
    texts = [[formatting.escape_control_characters(cell(row.get(name))) for name in names] for row in rows]
    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False, markup=False)
    widths = _column_widths([names, *texts], console.width)
    if widths is None:
        for text in texts:
            for name, value in zip(names, text, strict=True):
                console.print(f"{name}: {value}")
            console.print()
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name, width in zip(names, widths, strict=True):
        numeric = all(isinstance(row.get(name), int | float | None) for row in rows)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold", width=width)
    for text in texts:
        table.add_row(*text)
    console.print(table)


def _column_widths(lines: Sequence[Sequence[str]], most: int) -> list[int] | None:
    """Widths of columns: the widest shrink, but no number is broken; None if `most` is too narrow."""
    columns = list(zip(*lines, strict=True))
    widths = [max(map(cell_len, column)) for column in columns]
    least = [min(widths[n], max([MIN_WIDTH, *_number_widths(column)])) for n, column in enumerate(columns)]
    spaces = 2 * (len(columns) - 1)
    if sum(least) + spaces > most:
        return None
    while sum(widths) + spaces > most:
        widest = max((n for n in range(len(widths)) if widths[n] > least[n]), key=widths.__getitem__)
        widths[widest] -= 1
    return widths


def _number_widths(texts: Iterable[str]) -> list[int]:
    return [cell_len(word) for text in texts for word in text.split() if NUMBER.fullmatch(word)]


def print_result(as_json: bool, document: dict[str, Any], sentence: str) -> None:
    """Print `document` as one line of JSON, or a sentence on the outcome."""
    if as_json:
        print_table(True, document, ())
    else:
        typer.echo(formatting.one_line(sentence))


def warn(*sentences: str | None) -> None:
    """Print the sentences on stderr, but for those that are empty or None."""
    for sentence in sentences:
        if sentence:
            typer.echo(sentence, err=True)


def ask_confirmation(question: str, yes: bool) -> None:
    """Ask for confirmation on stderr, unless `yes` gives it.

    Raises:
        StudioError: The answer is no, or nobody can answer.
    """
    if yes:
        return
    try:
        answer = typer.confirm(formatting.one_line(question), err=True)
    except typer.Abort:
        if sys.stdin.isatty():  # Ctrl+C
            raise
        raise StudioError("Nothing was changed, for nobody answered: say --yes where nobody can.") from None
    if not answer:
        raise StudioError("Nothing was changed.")


def goes_to_stdout(out: Path | str | None, as_json: bool) -> bool:
    """Whether `--out -` was given.

    Raises:
        StudioError: `--json` was given too, which also writes to stdout.
    """
    if str(out) != "-":
        return False
    if as_json:
        raise StudioError("--out - and --json both write to stdout: give --out a file, or leave --json out.")
    return True


def to_stdout(data: bytes) -> None:
    """Write bytes to stdout unchanged, for another program."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def read_file(path: Path | str, most: int, otherwise: str = "") -> bytes:
    """Content of a regular file of at most `most` bytes.

    Args:
        path: Path of the file.
        most: Its largest size in bytes.
        otherwise: What else the sentence of an error advises, such as `, or give a folder`.

    Raises:
        StudioError: The file cannot be read, or is too large.
    """
    try:
        return read_regular(Path(path), most)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise StudioError(
            f"{formatting.quote(str(path))} cannot be read ({reason}): check its path{otherwise}."
        ) from error


def cell(value: Any) -> str:
    """Text of a value in a table; a dash if it is missing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
