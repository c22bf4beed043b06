"""Shared options, set loading and output as tables or JSON."""

from __future__ import annotations

import json
import math
import os
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from e2lm_core.base import formatting
from e2lm_core.base.errors import CheckpointError, StudioError
from e2lm_core.base.records import METRICS, RC_READINGS, Checkpoint, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.base.untrusted.regular_files import read_regular
from e2lm_core.commands.progress import progress_bar

if TYPE_CHECKING:
    from e2lm_core.runs.evaluate import RunResult
    from e2lm_core.runs.studio import Studio
    from e2lm_core.scores.measurements import Measurements

Task = Annotated[str, typer.Argument(metavar="TASK", help="The name of a set, or its task folder.")]
Checkpoints = Annotated[
    list[str] | None,
    typer.Option(
        "--checkpoints", metavar="GLOB", help="Which checkpoints, as model/iter_…; may be repeated."
    ),
]
Fewshot = Annotated[
    int | None,
    typer.Option("--num-fewshot", metavar="K", help="Examples in the prompt (default: the set's)."),
]
On = Annotated[
    str | None,
    typer.Option(
        "--backend", metavar="NAME", help="Where it is computed: local or ray (default: E2LM_BACKEND)."
    ),
]
Metric = Annotated[str, typer.Option("--metric", help=f"One of {', '.join(METRICS)}.")]
Rc = Annotated[
    str,
    typer.Option(
        "--rc", metavar="NAME", help=f"How RC is read, which Score follows: {', '.join(RC_READINGS)}."
    ),
]
NUMBER = re.compile(r"[^A-Za-z]*[0-9][^A-Za-z]*")  # also with signs, as in [0.688,
MIN_WIDTH = 8  # of a column of words; a narrower terminal gets one line per value
Json = Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask first.")]


def print_table(
    as_json: bool,
    document: dict[str, Any],
    rows: Iterable[dict[str, Any]],
    columns: Sequence[str] | None = None,
    about: Measurements | None = None,
    empty: str = "Nothing here yet.",
) -> None:
    """Print `document` as one line of JSON, or `rows` as a table.

    Args:
        as_json: Whether to print JSON.
        document: Content of the JSON.
        rows: Rows of the table.
        columns: Columns of the table; None for all of the first row.
        about: Measurements that the output is based on; facts that their models were never taught are then
            reported.
        empty: Text to print if there are no rows.
    """
    if about is not None:
        from e2lm_core.analysis import validity

        document = document | {"taught": validity.known_facts_summary(about)}
    if as_json:
        # ASCII only, so that neither a terminal's encoding nor a lone surrogate in a set can break it.
        sys.stdout.write(json.dumps(document, allow_nan=False) + "\n")
        sys.stdout.flush()
        return
    _table(list(rows), columns, empty)
    if about is not None and document["taught"] and document["taught"]["sentence"]:
        typer.echo(document["taught"]["sentence"])


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


def read_file(path: Path, most: int) -> bytes:
    """Content of a regular file of at most `most` bytes.

    Raises:
        StudioError: The file cannot be read, or is too large.
    """
    try:
        return read_regular(path, most)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise StudioError(
            f"{formatting.quote(str(path))} cannot be read ({reason}): check its path."
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


# --- opening -------------------------------------------------------------------------------------------


class LoadedSet(NamedTuple):
    """A set with its stored results.

    Attributes:
        studio: Studio with the caller's settings.
        task: The set.
        measured: Its stored results on the chosen checkpoints.
    """

    studio: Studio
    task: TaskSet
    measured: Measurements


def open_task(settings: Settings, name: str) -> TaskSet:
    """Set of a name or folder; warnings about its folder are printed on stderr.

    Raises:
        TaskError: There is no such set, or its folder cannot be read.
    """
    from e2lm_core.sets.collection import find_set
    from e2lm_core.sets.folder.files import read_task

    info = find_set(settings, name)
    read = read_task(info.folder, settings.limits, yaml=info.yaml)
    for warning in read.warnings:
        typer.echo(warning, err=True)
    return read.task


def studio_on(backend: str | None) -> Studio:
    """Studio that computes on the backend of the command line, else of the environment.

    Raises:
        StudioError: There is no such backend.
    """
    from e2lm_core.base.settings import backend_of
    from e2lm_core.runs.studio import open_studio

    settings = Settings.from_env()
    if backend is not None:
        settings = settings.model_copy(update={"backend": backend_of(backend, "--backend")})
    return open_studio(settings)


def chosen_checkpoints(studio: Studio, globs: Sequence[str] | None) -> tuple[Checkpoint, ...]:
    """Checkpoints that match globs; without globs, all on this computer.

    Unusable ones are left out, with a sentence on stderr.

    Raises:
        CheckpointError: A glob matches none, or none can be used.
    """
    if not globs:
        chosen, left_out = studio.local_checkpoints, studio.unusable_notes
    else:
        chosen, left_out = studio.usable_checkpoints(studio.catalogue.match_globs(globs))
    if left_out and not chosen:
        raise CheckpointError(left_out[0])
    for sentence in left_out:
        typer.echo(formatting.one_line(sentence), err=True)
    return chosen


def open_measured(
    name: str, globs: Sequence[str] | None, num_fewshot: int | None, partly: bool = False
) -> LoadedSet:
    """Set of a name or folder with its stored results on the chosen checkpoints; computes nothing.

    Args:
        name: Name or folder of the set.
        globs: Globs of checkpoints; None for all on this computer.
        num_fewshot: Examples in the prompt; None for the set's own number.
        partly: Whether incomplete checkpoints suffice; warnings about the set are then not printed.

    Raises:
        TaskError: There is no such set.
        StudioError: No checkpoint is complete, or with `partly` no question has a result.
    """
    from e2lm_core.runs.results import load_measurements
    from e2lm_core.runs.studio import open_studio
    from e2lm_core.sets.collection import open_set

    studio = open_studio()
    task = open_set(studio.settings, name) if partly else open_task(studio.settings, name)
    measured = load_measurements(studio, task, chosen_checkpoints(studio, globs), num_fewshot)
    if not (measured.complete_pairs if partly else measured.complete_checkpoints):
        raise StudioError(f"{task.name} has no results yet: run `evaluate {name}` first.")
    return LoadedSet(studio, task, measured)


def require_reading(name: str) -> None:
    """Check the name of an RC definition.

    Raises:
        StudioError: There is no such definition.
    """
    if name not in RC_READINGS:
        known = f"{', '.join(RC_READINGS[:-1])} or {RC_READINGS[-1]}"
        raise StudioError(f"There is no reading {formatting.quote(name)} of RC: use {known}.")


def run_evaluation(
    studio: Studio,
    task: TaskSet,
    checkpoints: Sequence[Checkpoint],
    num_fewshot: int | None,
    rolling: bool = False,
    anew: bool = False,
) -> RunResult:
    """Compute missing results, with a bar that counts questions at checkpoints.

    Notes of a rolling run go to stderr, and also the number of results kept after an interrupt from the
    keyboard.

    Args:
        studio: Studio with the caller's settings.
        task: The set.
        checkpoints: Checkpoints to run.
        num_fewshot: Examples in the prompt; None for the set's own number.
        rolling: Whether checkpoints are downloaded one at a time.
        anew: Whether to compute included results as well.
    """
    from e2lm_core.runs.evaluate import evaluate
    from e2lm_core.runs.queue.records import Progress as Done
    from e2lm_core.runs.queue.records import ProgressListener

    with studio.store.database.transaction():
        pass  # fails before anything is computed if results cannot be saved
    total = len(checkpoints) * len(task.questions)
    with progress_bar(task.name, total) as advance:
        done: dict[str, int] = {}

        class Bar(ProgressListener):
            def report(self, progress: Done) -> None:
                if rolling and progress.note and not progress.done:
                    typer.echo(progress.note, err=True)
                advance(progress.name, progress.done - done.get(progress.name, 0))
                done[progress.name] = progress.done

        name = f"command-{os.getpid()}" if rolling else None
        computing = studio.without_shipped_results if anew else studio
        try:
            return evaluate(computing, task, checkpoints, num_fewshot, Bar(), name)
        except KeyboardInterrupt:
            typer.echo(
                f"Stopped: {sum(done.values()):,} of {formatting.count(total, 'result')} are kept; the same command goes "
                "on from there.",
                err=True,
            )
            raise


def require_metrics(metrics: Iterable[str], allowed: str = f"one of {', '.join(METRICS)}") -> None:
    """Check the names of metrics.

    Raises:
        StudioError: A metric does not exist; the sentence names the `allowed` ones.
    """
    for metric in metrics:
        if metric not in METRICS:
            raise StudioError(f"The metric {formatting.quote(metric)} does not exist: use {allowed}.")
