"""Added tables kept as columns: one file a table, of which a page reads the block of one benchmark and metric.

Layout, little-endian: the magic `E2LMSHCL`, the format's version (u16), the length of the packed header (u32) and its
CRC-32 (u32), the header (JSON, zlib), and one block for each benchmark, few-shot count and metric. A block holds its
columns one after the other, in order of model and step: model (u4, a place in the header's list), step (i8), tokens
seen (f8, NaN where unknown), score (f8) and, where any is known, standard error (f8, NaN where not). Bytes of one rank
stand together before zlib.

Tested in tests/imported/shelf/test_added.py.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import ModelInfo, Record
from e2lm_core.base.sentences import Sentence
from e2lm_core.imported.checkpoint_identity import CheckpointResolver
from e2lm_core.imported.records import Curve, lower_is_better

MAGIC = b"E2LMSHCL"
VERSION = 1
UNKNOWN_FAMILY = "imported"  # of a model that no family names
_HEAD = struct.Struct("<8sHII")
_TYPES = ("<u4", "<i8", "<f8", "<f8", "<f8")
Column = NDArray[np.generic]


class AddedSource(Record):
    """Origin of an added table.

    Attributes:
        key: Name under which it was added.
        title: The same, for readers.
        file: Name of the file that it was read from.
        added: Date and time as ISO 8601 text.
        rows: Number of its scores.
        left_out: Number of scores that were left out, as they are no number.
    """

    key: str
    title: str
    file: str
    added: str
    rows: int
    left_out: int = 0


class Block(Record):
    """Place of one metric's columns.

    Attributes:
        rows: Number of scores.
        errors: Whether there is a column of standard errors.
        start: First byte, counted from the first block.
        length: Number of bytes.
        crc: CRC-32 of these bytes.
    """

    rows: int
    errors: bool
    start: int
    length: int
    crc: int


class AddedBenchmark(Record):
    """One benchmark of an added table under one few-shot count.

    Attributes:
        name: Name in the table.
        num_fewshot: Few-shot examples in the prompt; None if the table does not say.
        questions: Number of questions; None if the table does not say.
        metrics: Its metrics with their blocks.
    """

    name: str
    num_fewshot: int | None
    questions: int | None
    metrics: dict[str, Block]

    @property
    def crc(self) -> int:
        """Checksum of all its figures."""
        return zlib.crc32(",".join(str(block.crc) for block in self.metrics.values()).encode())


class AddedHeader(Record):
    """Content of a file of columns, without the figures.

    Attributes:
        source: Origin of the table.
        models: Models, by their places in the columns.
        benchmarks: The benchmarks.
    """

    source: AddedSource
    models: tuple[ModelInfo, ...]
    benchmarks: tuple[AddedBenchmark, ...]


class Rows(NamedTuple):
    """Some rows of a table that is being read.

    Attributes:
        names: Names that were not met before, by column, in order of their codes.
        model: Codes of the models [N], integers, as those of the next two.
        benchmark: Codes of the benchmarks [N].
        metric: Codes of the metrics [N].
        shots: Few-shot counts [N], -1 where unknown.
        questions: Numbers of questions [N], -1 where unknown.
        steps: Training steps [N], -1 where unknown.
        tokens: Tokens seen [N], NaN where unknown.
        values: Scores [N].
        errors: Standard errors [N], NaN where unknown; None without the column.
        left_out: Number of scores in DataDecide's texts that are no number.
        position: Bytes of the file that are done.
    """

    names: dict[str, list[str]]
    model: NDArray[np.int32]
    benchmark: NDArray[np.int16]
    metric: NDArray[np.int16]
    shots: NDArray[np.int16]
    questions: NDArray[np.int32]
    steps: NDArray[np.int64]
    tokens: NDArray[np.float64]
    values: NDArray[np.float64]
    errors: NDArray[np.float64] | None
    left_out: int
    position: int


@dataclass(frozen=True)
class Scores:
    """Scores of one benchmark and metric, in order of model and step.

    Attributes:
        model: Places of the models [N], integers.
        steps: Training steps [N], integers.
        tokens: Tokens seen [N], NaN where unknown.
        values: Scores [N].
        errors: Standard errors [N], NaN where unknown; None where none is known.
    """

    model: NDArray[np.integer]
    steps: NDArray[np.integer]
    tokens: NDArray[np.float64]
    values: NDArray[np.float64]
    errors: NDArray[np.float64] | None

    @property
    def columns(self) -> list[Column]:
        """The columns in the file's order."""
        known = [self.model, self.steps, self.tokens, self.values]
        return [*known, *([] if self.errors is None else [self.errors])]


Key = tuple[str, int | None, int | None]  # name, few-shot count, number of questions


def pack(
    source: AddedSource, models: tuple[ModelInfo, ...], scores: Iterable[tuple[Key, str, Scores]]
) -> tuple[AddedSource, list[bytes]]:
    """Origin of a table with its number of scores, and the parts of its file of columns, in order.

    Args:
        source: Origin of the table.
        models: Models, by their places in the columns.
        scores: Benchmark, metric and scores; read one at a time.
    """
    blocks: list[bytes] = []
    start = 0
    found: dict[Key, dict[str, Block]] = {}
    for key, metric, part in scores:
        data = zlib.compress(b"".join(map(_shuffled, part.columns, _TYPES)), 6)
        block = Block(
            rows=len(part.values),
            errors=part.errors is not None,
            start=start,
            length=len(data),
            crc=zlib.crc32(data),
        )
        found.setdefault(key, {})[metric] = block
        blocks.append(data)
        start += len(data)
    rows = sum(block.rows for metrics in found.values() for block in metrics.values())
    header = AddedHeader(
        source=source.model_copy(update={"rows": rows}),
        models=models,
        benchmarks=tuple(
            AddedBenchmark(name=name, num_fewshot=shots, questions=questions, metrics=metrics)
            for (name, shots, questions), metrics in found.items()
        ),
    )
    text = zlib.compress(json.dumps(header.model_dump(), ensure_ascii=False).encode(), 6)
    return header.source, [_HEAD.pack(MAGIC, VERSION, len(text), zlib.crc32(text)), text, *blocks]


@dataclass(frozen=True)
class AddedFile:
    """An added table whose header is read, and its figures not yet.

    Attributes:
        path: The file.
        header: Its header.
        first: Offset of the first block in bytes.
    """

    path: Path
    header: AddedHeader
    first: int

    def scores(self, block: Block) -> Scores:
        """Scores of one block.

        Raises:
            StudioError: The file is damaged.
        """
        with self.path.open("rb") as file:
            file.seek(self.first + block.start)
            data = file.read(block.length)
        if zlib.crc32(data) != block.crc:
            raise damaged(self.path)
        raw, at, columns = zlib.decompress(data), 0, []
        for kind in _TYPES[: 5 if block.errors else 4]:
            width = np.dtype(kind).itemsize
            part = np.frombuffer(raw, np.uint8, block.rows * width, at)
            columns.append(np.ascontiguousarray(part.reshape(width, -1).T).view(kind).reshape(-1))
            at += block.rows * width
        model, steps, tokens, values, *errors = columns
        return Scores(model, steps, tokens, values, errors[0] if errors else None)

    def curves(self, benchmark: AddedBenchmark, metric: str) -> tuple[Curve, ...]:
        """Curves of one benchmark and metric, in order of the header's models.

        Raises:
            StudioError: The file is damaged.
        """
        found = self.scores(benchmark.metrics[metric])
        places, starts = np.unique(found.model, return_index=True)
        stops = [*starts[1:].tolist(), len(found.model)]
        resolver = CheckpointResolver()
        return tuple(
            _curve(self.header.models[place], benchmark, metric, found, slice(start, stop), resolver)
            for place, start, stop in zip(places.tolist(), starts.tolist(), stops, strict=True)
        )


def open_added(path: Path) -> AddedFile:
    """Open a file of columns and read its header.

    Raises:
        StudioError: The file is damaged, of another version, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD.size)
            if len(head) < _HEAD.size or head[:8] != MAGIC:
                raise damaged(path)
            _, version, length, crc = _HEAD.unpack(head)
            text = file.read(length)
    except OSError as error:
        raise damaged(path) from error
    if version != VERSION:
        raise StudioError(
            Sentence(
                "{stem} of the shelf has format {version}, and this studio reads {current}: remove it and add it "
                "again.",
                stem=path.stem,
                version=version,
                current=VERSION,
            )
        )
    if zlib.crc32(text) != crc:
        raise damaged(path)
    return AddedFile(path, AddedHeader.model_validate_json(zlib.decompress(text)), _HEAD.size + length)


def damaged(path: Path) -> StudioError:
    """Error for a file that is not as it was written."""
    return StudioError(
        Sentence("{stem} of the shelf is damaged: remove it and add it again from its table.", stem=path.stem)
    )


# --- within -------------------------------------------------------------------------------------------


def _shuffled(column: Column, kind: str) -> bytes:
    plain = np.ascontiguousarray(column, dtype=kind)
    return plain.view(np.uint8).reshape(-1, plain.itemsize).T.tobytes()


def _curve(
    model: ModelInfo,
    benchmark: AddedBenchmark,
    metric: str,
    found: Scores,
    here: slice,
    resolver: CheckpointResolver,
) -> Curve:
    steps = found.steps[here].tolist()
    tokens = [None if np.isnan(seen) else int(seen) for seen in found.tokens[here].tolist()]
    early: tuple[bool | None, ...] = (None,) * len(steps)
    if model.family != UNKNOWN_FAMILY:
        early = tuple(
            resolver.from_row(model.name, step, seen).early for step, seen in zip(steps, tokens, strict=True)
        )
    errors: tuple[float | None, ...] = ()
    if found.errors is not None:
        errors = tuple(None if np.isnan(one) else one for one in found.errors[here].tolist())
    return Curve(
        model=model,
        task=benchmark.name,
        metric=metric,
        num_fewshot=benchmark.num_fewshot,
        questions=benchmark.questions,
        lower_is_better=lower_is_better(metric),
        steps=tuple(steps),
        tokens_seen=tuple(tokens),
        early=early,
        scores=tuple(found.values[here].tolist()),
        stderr=errors if any(one is not None for one in errors) else (),
    )
