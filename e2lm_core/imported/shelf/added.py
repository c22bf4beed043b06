"""Tables that were added to the shelf: add, list, remove.

Each is a file of columns in the workspace. A table is read in the sandbox some rows at a time, so that its size does
not matter; of 1.4 million rows 60 MB of numbers are held until the file is written.
"""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from e2lm_core.base import atomic
from e2lm_core.base.errors import StudioError
from e2lm_core.base.formatting import count, join_words, quote
from e2lm_core.base.records import METRICS, Checkpoint, ModelInfo
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.base.untrusted import sandbox
from e2lm_core.base.untrusted.regular_files import open_regular
from e2lm_core.imported.checkpoint_identity import CheckpointResolver
from e2lm_core.imported.shelf.columns import AddedFile, AddedSource, Key, Rows, Scores, open_added, pack
from e2lm_core.people import access, quotas

SUFFIX = ".columns"
PACKED = 8  # assumed ratio of unpacked to packed size of Parquet, from which the reader's time follows
PARSERS = ("e2lm_core.imported.shelf.reading", "pyarrow.parquet", "pyarrow.compute")  # loaded in the sandbox
RESERVED = ("e2lm", "pythia")  # sources of the package
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
_GROUPS = ("benchmark", "shots", "metric")
_COLUMNS = ("model", "questions", "steps", "tokens", "values", "errors")


def shelf_folder(settings: Settings) -> Path:
    """Folder of the added tables, which need not exist yet."""
    return settings.workspace / "shelf"


def added_names(settings: Settings) -> list[str]:
    """Names of the added tables in alphabetical order."""
    return sorted(path.stem for path in shelf_folder(settings).glob(f"*{SUFFIX}") if path.is_file())


def added_files(settings: Settings) -> tuple[tuple[AddedFile, ...], tuple[str, ...]]:
    """The added tables with their headers read, and a sentence for each that cannot be read."""
    opened, problems = [], []
    for name in added_names(settings):
        path = _path(settings, name)
        try:
            found = path.stat()
            opened.append(_opened(path, found.st_mtime_ns, found.st_size))
        except (OSError, StudioError) as error:
            problems.append(str(error))
    return tuple(opened), tuple(problems)


@lru_cache(maxsize=32)
def _opened(path: Path, modified_ns: int, size: int) -> AddedFile:
    """An added table; its time and size stand for its content."""
    return open_added(path)


def add_table(
    settings: Settings,
    path: Path,
    name: str,
    catalogue_checkpoints: Iterable[Checkpoint] = (),
    metrics: tuple[str, ...] = (),
    report_progress: Callable[[int, int], None] = lambda done, total: None,
    origin: str | None = None,
) -> AddedSource:
    """Read a table of scores and add it to the caller's shelf.

    Args:
        settings: The caller's settings.
        path: The table, see `reading`.
        name: Name of the new source.
        catalogue_checkpoints: Checkpoints of the catalogue, with known steps and tokens.
        metrics: Globs of the metrics to read, see `reading.read_rows`.
        report_progress: Called with the bytes done and the bytes in all.
        origin: Text for the source's file; its name where None.

    Returns:
        The new source.

    Raises:
        StudioError: The name is taken or not allowed, the file cannot be read, or a point has two values.
        TaskError: The file is no such table, or a row cannot be used; or the caller may only read.
        LimitError: The table is too large, or the caller's quota is used up.
    """
    access.require_writer(settings)
    _check_free(settings, name)
    quotas.check_quota(settings, "bytes", 0)
    try:
        with open_regular(path) as file:
            table = _Columns(path.name, CheckpointResolver(catalogue_checkpoints))
            size = file.seek(0, io.SEEK_END)
            file.seek(0)
            for rows in _rows(file, path, size, metrics):
                table.take(rows)
                report_progress(min(rows.position, size), size)
    except OSError as error:
        reason = error.strerror.lower() if error.strerror else Sentence("it is no file")
        raise StudioError(
            Sentence(
                "The table {path} cannot be read ({reason}): check the path.",
                path=quote(str(path)),
                reason=reason,
            )
        ) from error
    source = AddedSource(
        key=name,
        title=name,
        file=path.name if origin is None else origin,
        added=datetime.now(UTC).isoformat(timespec="seconds"),
        rows=0,
        left_out=table.left_out,
    )
    source, parts = pack(source, table.models, table.blocks())
    quotas.check_quota(settings, "bytes", sum(map(len, parts)))
    atomic.replace_file(_path(settings, name), b"".join(parts))
    return source


def add_from_hub(
    settings: Settings,
    repo: str,
    path: str,
    name: str,
    catalogue_checkpoints: Iterable[Checkpoint] = (),
    metrics: tuple[str, ...] = (),
    revision: str = "main",
    report_progress: Callable[[int, int], None] = lambda done, total: None,
) -> AddedSource:
    """Download a table of a data set on the hub, and add it; the download is deleted afterwards.

    Args:
        settings: The caller's settings.
        repo: OWNER/NAME of the data set.
        path: Path of the table in it.
        name: Name of the new source.
        catalogue_checkpoints: Checkpoints of the catalogue, with known steps and tokens.
        metrics: Globs of the metrics to read.
        revision: Branch, tag or commit.
        report_progress: Called with the bytes downloaded and the bytes in all.

    Returns:
        The new source, whose file names repository and commit.

    Raises:
        StudioError: As by `add_table`, and as by `download_dataset_file`.
    """
    from e2lm_core.checkpoints.hub.dataset_file import download_dataset_file

    access.require_writer(settings)
    _check_free(settings, name)  # before a byte is downloaded
    shelf_folder(settings).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=shelf_folder(settings), prefix="download-") as folder:
        target = Path(folder) / PurePosixPath(path).name
        commit = download_dataset_file(settings, repo, path, target, revision, report_progress)
        origin = f"{repo}@{commit[:7]}: {path}"
        return add_table(settings, target, name, catalogue_checkpoints, metrics, origin=origin)


def remove_added(settings: Settings, name: str) -> None:
    """Remove an added table from the caller's shelf; it can be added again from its file.

    Raises:
        StudioError: There is no such table, or it came with the package, or it cannot be removed.
        TaskError: The caller may only read.
    """
    access.require_writer(settings)
    if name in RESERVED:
        raise StudioError(
            Sentence(
                "{name} comes with the studio and is not removed: name a table that you added.", name=name
            )
        )
    known = added_names(settings)
    if name not in known:
        there = (
            Sentence("there are {known}", known=join_words(known)) if known else Sentence("none was added")
        )
        raise StudioError(
            Sentence("No table named {name} was added: {there}.", name=quote(name), there=there)
        )
    try:
        _path(settings, name).unlink()
    except OSError as error:
        raise StudioError(
            Sentence(
                "{name} cannot be removed ({reason}): check the home folder's rights.",
                name=name,
                reason=error.strerror,
            )
        ) from error


# --- within -------------------------------------------------------------------------------------------


def _rows(file: BinaryIO, path: Path, size: int, metrics: tuple[str, ...]) -> Iterator[Rows]:
    unpacked = size * (PACKED if path.suffix.lower() == ".parquet" else 1)
    yield from sandbox.iterate_confined(
        read_confined,
        path.name,
        metrics,
        files=[file],
        input_bytes=unpacked,
        description=path.name,
        modules=PARSERS,
    )


def read_confined(opened: list[BinaryIO], name: str, metrics: tuple[str, ...]) -> Iterator[Rows]:
    """Read a table in the sandbox, see `reading.read_rows`; this process loads no parser for it."""
    from e2lm_core.imported.shelf import reading

    yield from reading.read_rows(opened, name, metrics)


def _check_free(settings: Settings, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise StudioError(
            Sentence(
                "{name} cannot name a table: use 1 to 64 letters, digits, dots, dashes and underscores.",
                name=repr(name[:80]),
            )
        )
    # In any case of letters: the labels of pages are titles, which are written as names are.
    if name.lower() in (*RESERVED, *(known.lower() for known in added_names(settings))):
        raise StudioError(
            Sentence(
                "The shelf has a source named {name}: choose another name, or remove that one.",
                name=quote(name),
            )
        )


def _path(settings: Settings, name: str) -> Path:
    return shelf_folder(settings) / f"{name}{SUFFIX}"


class _Columns:
    """Columns of a whole table, as numbers.

    Attributes:
        left_out: Number of scores that are no number.
    """

    def __init__(self, file: str, resolver: CheckpointResolver) -> None:
        self._file, self._resolver = file, resolver
        self._names: dict[str, list[str]] = {"model": [], "benchmark": [], "metric": []}
        self._parts: dict[str, list[NDArray]] = {column: [] for column in (*_GROUPS, *_COLUMNS)}
        self.left_out = 0

    def take(self, rows: Rows) -> None:
        """Take some rows."""
        for column, fresh in rows.names.items():
            self._names[column] += fresh
        self.left_out += rows.left_out
        for column, parts in self._parts.items():
            part = getattr(rows, column)
            parts.append(np.full(len(rows.values), np.nan) if part is None else part)

    @property
    def models(self) -> tuple[ModelInfo, ...]:
        """The models, by their codes."""
        return tuple(
            self._resolver.from_row(name, 0, 0).model.model_copy(update={"name": name})
            for name in self._names["model"]
        )

    def blocks(self) -> Iterator[tuple[Key, str, Scores]]:
        """Scores of each benchmark and metric, the studio's own metrics first.

        Raises:
            StudioError: A point has two values, or a benchmark two numbers of questions.
        """
        key, names = self._group_keys()
        whole = {column: self._whole(column) for column in _COLUMNS}
        self._complete(whole)
        # As many orders of 1.4 million rows are held at once as must be: each takes 11 MB.
        order = np.lexsort((whole["steps"], whole["model"], key))
        keys, starts = np.unique(key[order], return_index=True)
        stops = dict(zip(keys.tolist(), [*starts[1:].tolist(), len(key)], strict=True))
        del key
        for at, start in sorted(
            zip(keys.tolist(), starts.tolist(), strict=True), key=lambda one: self._rank(*names[one[0]])
        ):
            rows = order[start : stops[at]]
            benchmark, shots, metric = names[at]
            name = self._names["benchmark"][benchmark]
            yield (
                (name, None if shots < 0 else shots, self._questions(name, whole["questions"][rows])),
                self._names["metric"][metric],
                self._scores({column: part[rows] for column, part in whole.items()}, name),
            )

    def _group_keys(self) -> tuple[NDArray[np.int32], dict[int, tuple[int, int, int]]]:
        """One number [N] for each benchmark, few-shot count and metric, and those three by number."""
        names: dict[tuple[int, int, int], int] = {}
        found = []
        for benchmark, shots, metric in zip(*(self._parts.pop(column) for column in _GROUPS), strict=True):
            together, inverse = np.unique(np.stack([benchmark, shots, metric]), axis=1, return_inverse=True)
            codes = [names.setdefault(tuple(one), len(names)) for one in together.T.tolist()]
            found.append(np.array(codes, dtype=np.int32)[inverse.reshape(-1)])
        return np.concatenate(found), {code: name for name, code in names.items()}

    def _rank(self, benchmark: int, shots: int, metric: int) -> tuple[int, int, int, int]:
        """Place of a metric in the file: benchmarks in the table's order, the studio's own metrics first."""
        known = self._names["metric"][metric]
        return benchmark, shots, METRICS.index(known) if known in METRICS else len(METRICS), metric

    def _whole(self, column: str) -> NDArray:
        found = np.concatenate(self._parts[column])
        self._parts[column] = []
        return found

    def _complete(self, whole: dict[str, NDArray]) -> None:
        """Fill in the tokens of known models' steps; where steps are unknown, tokens stand for them."""
        unknown = np.flatnonzero(np.isnan(whole["tokens"]))
        if len(unknown):
            pairs, where = np.unique(
                np.stack([whole["model"][unknown].astype(np.int64), whole["steps"][unknown]]),
                axis=1,
                return_inverse=True,
            )
            names = self._names["model"]
            seen = [self._resolver.from_row(names[m], step).tokens_seen for m, step in pairs.T.tolist()]
            filled = np.array([np.nan if one is None else one for one in seen], dtype=np.float64)
            whole["tokens"][unknown] = filled[where.reshape(-1)]
        without = whole["steps"] < 0
        whole["steps"][without] = whole["tokens"][without].astype(np.int64)

    def _questions(self, benchmark: str, numbers: NDArray) -> int | None:
        known = np.unique(numbers[numbers > 0]).tolist()
        if len(known) > 1:
            raise StudioError(
                Sentence(
                    "{file} gives {benchmark} {one} and {other} questions: give each benchmark one number.",
                    file=self._file,
                    benchmark=benchmark,
                    one=known[0],
                    other=known[1],
                )
            )
        return known[0] if known else None

    def _scores(self, found: dict[str, NDArray], benchmark: str) -> Scores:
        """Scores in order of model and step, a row that is repeated with the same values once."""
        same = (np.diff(found["model"]) == 0) & (np.diff(found["steps"]) == 0)
        differ = np.flatnonzero(same & ~_equal(found["values"]) | same & ~_equal(found["errors"]))
        if len(differ):
            at = int(differ[0])
            model, step = self._names["model"][found["model"][at]], int(found["steps"][at])
            one, other = found["values"][at], found["values"][at + 1]
            points = count(len(differ), "point")
            raise StudioError(
                Sentence(
                    "{file} has two values of {model} on {benchmark} at {step} ({one} and {other}; {points} in all): "
                    "leave "
                    "one row of each.",
                    file=self._file,
                    model=model,
                    benchmark=benchmark,
                    step=step,
                    one=f"{one:g}",
                    other=f"{other:g}",
                    points=points,
                )
            )
        kept = np.concatenate([[True], ~same])
        errors = found["errors"][kept]
        return Scores(
            found["model"][kept],
            found["steps"][kept],
            found["tokens"][kept],
            found["values"][kept],
            None if np.isnan(errors).all() else errors,
        )


def _equal(values: NDArray) -> NDArray[np.bool_]:
    """Whether neighbours are equal [N - 1], two missing ones among them."""
    before, after = values[:-1], values[1:]
    return (before == after) | (np.isnan(before) & np.isnan(after))
