"""Results from elsewhere: what was recognised in a folder, the curves it gives, and what had to be left out.

Samples of lm-evaluation-harness give per-question log-likelihoods, so everything that the studio computes of
its own runs; aggregates and tables give curves of points alone.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from e2lm_core.base.errors import TaskError
from e2lm_core.base.phrasing import count, sentence
from e2lm_core.base.records import Checkpoint
from e2lm_core.base.settings import Limits
from e2lm_core.base.strangers import confined
from e2lm_core.imported import files as result_files
from e2lm_core.imported import words
from e2lm_core.imported.join import join
from e2lm_core.imported.measuring import measure, without_questions
from e2lm_core.imported.places import Places
from e2lm_core.imported.reading import Reading
from e2lm_core.imported.records import EVERYTHING, Evaluation, FileSeen, Imported, Questions, Wanted

PACKED = 8  # times smaller than it is, a table or an archive may be
MEMORY_A_BYTE = 5  # of what was packed: samples take three times their length
_PARSERS = ("pyarrow.parquet", "pyarrow.compute")


def import_path(
    path: Path,
    limits: Limits,
    known: Iterable[Checkpoint] = (),
    wanted: Wanted = EVERYTHING,
    say: Callable[[int, int], None] = lambda done, total: None,
) -> Imported:
    """The results in a file, a folder or a zip of whoever runs the studio. Raises StudioError where there is none.

    They may hold more than memory does: they are read bit by bit, run by run, of which `say` is told how many bytes
    are done. What is kept of them are numbers, and a task's questions once for all its checkpoints.
    """
    known, where = tuple(known), path.name or str(path)
    parts = result_files.parts(path, limits)
    total = sum(file.stat().st_size for part in parts for file in part.values())
    read, before = Read([], [], []), 0
    asked: dict[tuple[str, int], list[Questions]] = {}
    for part in parts:
        sizes = {name: file.stat().st_size for name, file in part.items()}
        with result_files.opened(part, limits) as (large, small):
            arguments = (list(large), small, known, wanted, path.is_file())
            given = sum(_unpacked(name, size) for name, size in sizes.items())
            for piece in confined.each(
                _bits, *arguments, files=list(large.values()), given=given, about=where, modules=_PARSERS
            ):
                read.evaluations.extend(_shared(evaluation, asked) for evaluation in piece.evaluations)
                read.problems.extend(piece.problems)
                read.files.extend(piece.files)
                say(min(before + piece.bytes, total), total)
        before += sum(sizes.values())
    return _joined(read, Places(known), where, wanted)


def import_uploads(
    files: Mapping[str, bytes],
    limits: Limits,
    known: Iterable[Checkpoint] = (),
    say: Callable[[float], None] = lambda share: None,
) -> Imported:
    """The results in uploaded files, zips among them opened; `say` is told which share of them is read.

    A stranger's files are opened and parsed where they can do nothing, and take no more than they may. Raises
    StudioError where there is none.
    """
    given = sum(map(len, files.values()))
    found: list[Imported] = []
    for piece in confined.each(
        _uploaded,
        dict(files),
        limits,
        tuple(known),
        files=(),
        given=given,
        about="The upload",
        modules=_PARSERS,
    ):
        if isinstance(piece, Imported):
            found.append(piece)
        else:
            say(piece)
    return found[0]


def _uploaded(
    _: list[BinaryIO], files: dict[str, bytes], limits: Limits, known: tuple[Checkpoint, ...]
) -> Iterator[float | Imported]:
    """Which share is read, now and then, and at last what all give together."""
    opened = result_files.expand(files, limits)
    total, done = sum(map(len, opened.values())), 0
    confined.grant(MEMORY_A_BYTE * max(total - sum(map(len, files.values())), 0))
    reading = Reading(Places(known))
    for name, data in opened.items():
        reading.read(name, data)
        done += len(data)
        yield done / max(total, 1)
    yield _joined(Read(reading.finish(), reading.problems, reading.files), Places(known), "The upload")


def _bits(
    files: list[BinaryIO],
    names: list[str],
    small: Mapping[str, bytes],
    known: tuple[Checkpoint, ...],
    wanted: Wanted,
    zips: bool,
) -> Iterator[Read]:
    """What files give, bit by bit, with how many of their bytes are done; a zip's run by run."""
    large = dict(zip(names, files, strict=True))
    places, done = Places(known), 0
    members = (
        result_files.members(files[0])
        if zips and not names[0].lower().endswith(result_files.INSPECT)
        else None
    )
    if members is None:
        reading = Reading(places, wanted, own=True)
        for name in sorted([*large, *small]):
            data = large.get(name) or small[name]
            size = _size(data)
            for share in reading.bit_by_bit(name, data):
                at = _place(data) if share is None else int(share * size)
                yield Read(reading.taken(), [], [], done + at)
            done += size
        yield _finished(reading, wanted, done)
        return
    with zipfile.ZipFile(files[0]) as archive:
        for run in members:
            reading = Reading(places, wanted, own=True)
            for name, info in run.items():
                with archive.open(info) as member:
                    # Parquet is read from its end, and a packed file has none before it is unpacked.
                    data = member.read() if name.lower().endswith(".parquet") else cast(BinaryIO, member)
                    for _ in reading.bit_by_bit(name, data):
                        yield Read(reading.taken(), [], [], done)
                done += info.compress_size
            yield _finished(reading, wanted, done)


def _finished(reading: Reading, wanted: Wanted, done: int) -> Read:
    found = [kept for one in reading.finish() if (kept := wanted.of(one)) is not None]
    return Read(found, reading.problems, reading.files, done)


def _size(data: bytes | BinaryIO) -> int:
    if isinstance(data, bytes):
        return len(data)
    size = data.seek(0, io.SEEK_END)
    data.seek(0)
    return size


def _place(data: bytes | BinaryIO) -> int:
    return len(data) if isinstance(data, bytes) else data.tell()


def _unpacked(name: str, size: int) -> int:
    """How much is to be read of a file, from which the time follows that it may take."""
    return size * (PACKED if name.lower().endswith((".parquet", ".zip")) else 1)


def _shared(evaluation: Evaluation, asked: dict[tuple[str, int], list[Questions]]) -> Evaluation:
    """The evaluation with questions that are held already, where they are the same."""
    if evaluation.questions is None:
        return evaluation
    held = asked.setdefault((evaluation.task, len(evaluation.questions.ids)), [])
    same = next((questions for questions in held if questions.same_as(evaluation.questions)), None)
    if same is None:
        held.append(evaluation.questions)
        return evaluation
    return replace(evaluation, questions=same)


def import_files(files: Mapping[str, bytes], known: Iterable[Checkpoint], where: str) -> Imported:
    """The results in files by name.

    `known` are the catalogue's checkpoints, whose steps and tokens are known.
    """
    known = tuple(known)
    return _joined(_read(files, known), Places(known), where)


class Read(NamedTuple):
    """What files gave, before it is joined."""

    evaluations: list[Evaluation]
    problems: list[str]
    files: list[FileSeen]
    bytes: int = 0


def _read(files: Mapping[str, bytes], known: tuple[Checkpoint, ...]) -> Read:
    reading = Reading(Places(known))
    for name, data in files.items():
        reading.read(name, data)
    return Read(reading.finish(), reading.problems, reading.files)


def _joined(read: Read, places: Places, where: str, wanted: Wanted = EVERYTHING) -> Imported:
    joined = join(read.evaluations, places)
    measured, asides = measure(joined)
    problems = [*read.problems, *joined.problems, *asides, *without_questions(joined, measured)]
    if not joined.curves and wanted != EVERYTHING and any(seen.why is None for seen in read.files):
        raise TaskError(
            f"{where} has results, but none of what was asked for: check --model, --task and --metric."
        )
    if not joined.curves:
        sentences = [
            *problems,
            *(f"{seen.file} is left out: {seen.why}" for seen in read.files if seen.why),
        ]
        if not sentences:
            raise TaskError(
                f"{where} holds no files: give results_….json, samples_….jsonl, a curve file or a table."
            )
        more = f" ({count(len(sentences) - 1, 'more problem')})" if len(sentences) > 1 else ""
        raise TaskError(f"{where} gives no curve: {sentences[0]}{more}")
    folded = words.folded(list(map(sentence, problems)))
    return Imported(joined.curves, measured, tuple(map(sentence, folded)), tuple(read.files))
