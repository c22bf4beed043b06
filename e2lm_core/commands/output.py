"""Output as tables, sentences or JSON, and reading and writing of files."""

from __future__ import annotations

import contextlib
import csv
import json
import math
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

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
_FORM: ContextVar[str | None] = ContextVar("form of tables", default=None)
# What LaTeX reads as a command or another letter.
_LATEX = {
    "\\": r"\textbackslash{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "–": "--",
    "−": "$-$",
    "ρ": r"$\rho$",
    "τ": r"$\tau$",
    "±": r"$\pm$",
    "≥": r"$\geq$",
    "×": r"$\times$",
}
MIN_WIDTH = 8  # of a column of words; a narrower terminal gets one line per value


class Estimate(NamedTuple):
    """A value of a table with its interval or range.

    Attributes:
        value: The value; None if it is undefined.
        low: Lower end of its interval; None without one.
        high: Upper end of its interval; None without one.
        text: The value and its interval for a reader.
    """

    value: float | None
    low: float | None
    high: float | None
    text: str


class Share(float):
    """A share in [0, 1] of a table, shown in percent."""


def estimate(value: Mapping[str, Any]) -> Estimate:
    """A score of a document, `{value, interval, …}`, as a value of a table."""
    low, high = value["interval"] or (None, None)
    return Estimate(value["value"], low, high, formatting.with_interval(value))


@contextlib.contextmanager
def table_form(form: str | None) -> Iterator[None]:
    """Print tables as `csv` or `latex` meanwhile; None for text."""
    token = _FORM.set(form)
    try:
        yield
    finally:
        _FORM.reset(token)


def prints_data() -> bool:
    """Whether stdout is for one table as CSV or LaTeX alone."""
    return _FORM.get() is not None


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
    """Print `document` as one line of JSON, or `rows` as a table with notes below it, in the form of `table_form`.

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
    taught = document["taught"] if about is not None else None
    of_fleet = None
    if fleet is not None:
        from e2lm_core.runs.messages.fleets import fleet_sentence

        of_fleet = fleet_sentence(fleet)
    sentences = [of_fleet, taught["sentence"] if taught else None, *notes]
    told = [note.replace("**", "") for note in sentences if note]
    shown = list(rows)
    names = list(columns or (shown[0] if shown else ()))
    if _FORM.get() == "csv":
        _print_csv(shown, names)
        warn(*told if shown else (empty, *told))
    elif _FORM.get() == "latex":
        typer.echo(_latex(shown, names, told if shown else [empty, *told]))
    else:
        _table(shown, columns, empty)
        for note in told:
            typer.echo(note)


def _print_csv(rows: Sequence[dict[str, Any]], names: Sequence[str]) -> None:
    """Print values as CSV, unrounded, empty where undefined; a value with an interval takes three columns."""
    wide = {name for name in names for row in rows if isinstance(row.get(name), Estimate)}
    write = csv.writer(sys.stdout, lineterminator="\n")
    if names:
        write.writerow([head for name in names for head in _heads(name, name in wide)])
    for row in rows:
        write.writerow([value for name in names for value in _values(row.get(name), name in wide)])
    sys.stdout.flush()


def _heads(name: str, is_wide: bool) -> list[str]:
    return [name, f"{name} low", f"{name} high"] if is_wide else [name]


def _values(value: Any, is_wide: bool) -> list[Any]:
    if isinstance(value, Estimate):
        return [_plain(part) for part in value[:3]]
    return [_plain(value), "", ""] if is_wide else [_plain(value)]


def _plain(value: Any) -> Any:
    """Value for CSV; text that a spreadsheet would take for a formula begins with an apostrophe."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return repr(float(value)) if isinstance(value, float) else value
    text = formatting.escape_control_characters(str(value))
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def _latex(rows: Sequence[dict[str, Any]], names: Sequence[str], notes: Sequence[str]) -> str:
    """The table as a tabular of booktabs, its notes below it in small type."""
    lines = []
    if names:
        numeric = {name: all(_is_number(row.get(name)) for row in rows) for name in names}
        columns = "".join("r" if numeric[name] else "l" for name in names)
        texts = [[cell(row.get(name)) for name in names] for row in rows]
        ends = [" & ".join(map(_escaped, line)) + r" \\" for line in (names, *texts)]
        lines = [
            *(
                r"% \usepackage{booktabs}",
                rf"\begin{{tabular}}{{{columns}}}",
                r"\toprule",
                ends[0],
                r"\midrule",
            ),
            *(*ends[1:], r"\bottomrule", r"\end{tabular}"),
        ]
    small = [rf"\par{{\footnotesize {_escaped(note.strip())}\par}}" for note in notes if note.strip()]
    return "\n".join([*lines, *small])


def _escaped(text: str) -> str:
    return "".join(
        _LATEX.get(character, character) for character in formatting.escape_control_characters(text)
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Estimate | None)


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
    if form := _FORM.get():
        raise StudioError(
            f"--out - and --{form} both write to stdout: give --out a file, or leave --{form} out."
        )
    return True


def require_file(path: Path) -> None:
    """Check that a file can be written at a path, before a long computation of its content.

    Raises:
        StudioError: The path is empty or a folder's, or its folder does not exist.
    """
    if os.path.isdir(path):
        raise StudioError(f"{formatting.quote(str(path))} is a folder: give the path of a file.")
    if not os.path.isdir(path.parent):
        folder = formatting.quote(str(path.parent))
        raise StudioError(
            f"There is no folder {folder} to write {path.name} in: make it, or write elsewhere."
        )


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
    if isinstance(value, Estimate):
        return value.text
    if isinstance(value, Share):
        return formatting.percent(value)
    if isinstance(value, float):
        return f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
