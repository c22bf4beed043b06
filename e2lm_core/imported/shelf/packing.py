"""Packed curves: all figures of one source in one file, to the last bit, read a benchmark at a time.

Layout, little-endian: the magic `E2LMSHLF`, the format's version (u16), the length of the packed header (u32)
and its CRC-32 (u32), the header (JSON, zlib), and one block per benchmark. A block holds float64 figures: for
each metric the scores, then the standard errors if the source has them, each over the points of all models in
the header's order. Bytes of one rank stand together before LZMA, since neighbouring figures share their high
bytes alone. The same figures give the same bytes.
"""

from __future__ import annotations

import json
import lzma
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import ModelInfo, Record
from e2lm_core.scores.arrays import Floats

MAGIC = b"E2LMSHLF"
VERSION = 1
_HEAD = struct.Struct("<8sHII")
_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9}]


class Source(Record):
    """Origin of the figures.

    Attributes:
        key: Short name, as commands take it.
        title: Name for readers.
        repository: OWNER/NAME on GitHub.
        commit: Commit whose files were read.
        files: Paths of these files, or a pattern of them.
        licence: Name of the licence.
        licence_file: Path of the licence file at that commit.
        copyright: Copyright line of that file.
    """

    key: str
    title: str
    repository: str
    commit: str
    files: str
    licence: str
    licence_file: str
    copyright: str


class Axis(Record):
    """Points of one model under one few-shot count, in step order.

    Attributes:
        model: The model.
        series: Models that differ in size alone share it; the header has them in order of size.
        steps: Training steps [K].
        tokens_seen: Tokens seen [K].
        gtokens: Billions of tokens [K] as the source writes them; empty where it states steps alone.
        early: Whether a point is in the family's early window; None if the family names none.
    """

    model: ModelInfo
    series: str
    steps: tuple[int, ...]
    tokens_seen: tuple[int, ...]
    gtokens: tuple[float, ...] = ()
    early: tuple[bool | None, ...]


class Benchmark(Record):
    """One benchmark under one few-shot count.

    Attributes:
        name: Name in the source.
        num_fewshot: Few-shot examples in the prompt; None if the source does not say.
        questions: Number of questions, worked out from the figures; None where they do not show it.
        metrics: Metrics in the source's words, and whether each has standard errors.
        start: First byte of its block, counted from the first block.
        length: Bytes of its block.
        crc: CRC-32 of its block.
    """

    name: str
    num_fewshot: int | None
    questions: int | None
    metrics: dict[str, bool]
    start: int = 0
    length: int = 0
    crc: int = 0


class Header(Record):
    """Content of a packed file, without the figures.

    Attributes:
        source: Origin of the figures.
        axes: Axes of the models by few-shot count; the key is empty where the source does not say it.
        benchmarks: The benchmarks.
    """

    source: Source
    axes: dict[str, tuple[Axis, ...]]
    benchmarks: tuple[Benchmark, ...]

    def axes_of(self, benchmark: Benchmark) -> tuple[Axis, ...]:
        """Axes of the models that ran a benchmark."""
        return self.axes[axis_key(benchmark.num_fewshot)]


def axis_key(num_fewshot: int | None) -> str:
    """Key of a few-shot count in `Header.axes`."""
    return "" if num_fewshot is None else str(num_fewshot)


def pack(
    source: Source,
    axes: Mapping[str, Sequence[Axis]],
    figures: Sequence[tuple[Benchmark, Mapping[str, Sequence[Floats]]]],
) -> bytes:
    """Bytes of a packed file.

    Args:
        source: Origin of the figures.
        axes: Axes of the models by few-shot count (`axis_key`).
        figures: Each benchmark with its figures {metric: (scores,) or (scores, standard errors)}, each of
            shape [P] over the points P of all its models in the order of the axes.

    Raises:
        ValueError: A metric has not as many figures as its models have points, or a figure is not finite.
    """
    blocks: list[bytes] = []
    packed: list[Benchmark] = []
    for benchmark, by_metric in figures:
        points = sum(len(axis.steps) for axis in axes[axis_key(benchmark.num_fewshot)])
        rows = np.array([row for name in benchmark.metrics for row in by_metric[name]], dtype="<f8")
        wanted = sum(1 + errors for errors in benchmark.metrics.values())
        if rows.shape != (wanted, points) or not np.isfinite(rows).all():
            raise ValueError(f"{benchmark.name}: expected {wanted} × {points} finite figures")
        shuffled = rows.reshape(-1).view(np.uint8).reshape(-1, 8).T.tobytes()
        block = lzma.compress(shuffled, format=lzma.FORMAT_RAW, filters=_FILTERS)
        packed.append(
            benchmark.model_copy(
                update={"start": sum(map(len, blocks)), "length": len(block), "crc": zlib.crc32(block)}
            )
        )
        blocks.append(block)
    header = Header(source=source, axes={k: tuple(v) for k, v in axes.items()}, benchmarks=tuple(packed))
    text = zlib.compress(json.dumps(header.model_dump(), ensure_ascii=False).encode(), 9)
    return b"".join([_HEAD.pack(MAGIC, VERSION, len(text), zlib.crc32(text)), text, *blocks])


@dataclass(frozen=True)
class PackedFile:
    """A packed file whose header is read, and its figures not yet.

    Attributes:
        path: The file.
        header: Its header.
        first: Offset of the first block in bytes.
    """

    path: Path
    header: Header
    first: int

    def figures(self, benchmark: Benchmark) -> dict[str, tuple[Floats, Floats | None]]:
        """Figures of one benchmark, {metric: (scores [P], standard errors [P] or None)}, P points of all models.

        Raises:
            StudioError: The file is damaged.
        """
        with self.path.open("rb") as file:
            file.seek(self.first + benchmark.start)
            block = file.read(benchmark.length)
        if zlib.crc32(block) != benchmark.crc:
            raise _damaged(self.path)
        raw = lzma.decompress(block, format=lzma.FORMAT_RAW, filters=_FILTERS)
        points = sum(len(axis.steps) for axis in self.header.axes_of(benchmark))
        rows = np.frombuffer(raw, np.uint8).reshape(8, -1).T.copy().view("<f8").reshape(-1, points)
        rest = iter(rows.astype(np.float64))
        return {
            name: (next(rest), next(rest) if errors else None) for name, errors in benchmark.metrics.items()
        }


def open_packed(path: Path) -> PackedFile:
    """Open a packed file and read its header.

    Raises:
        StudioError: The file is damaged or of another version.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size or head[:8] != MAGIC:
            raise _damaged(path)
        _, version, length, crc = _HEAD.unpack(head)
        text = file.read(length)
    if version != VERSION:
        raise StudioError(
            f"{path.name} of the shelf has format {version}, and this studio reads {VERSION}: install one version whole."
        )
    if zlib.crc32(text) != crc:
        raise _damaged(path)
    return PackedFile(path, Header.model_validate_json(zlib.decompress(text)), _HEAD.size + length)


def _damaged(path: Path) -> StudioError:
    return StudioError(f"{path.name} of the shelf is damaged: install the studio again.")
