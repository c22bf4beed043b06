"""Import of results from a file, folder, zip or upload.

Samples of lm-evaluation-harness give per-question log-likelihoods, and so everything that the studio computes
for its own runs; aggregates and tables give only curves.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from e2lm_core.base.errors import TaskError
from e2lm_core.base.formatting import count, one_line
from e2lm_core.base.records import Checkpoint
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Limits
from e2lm_core.base.untrusted import sandbox
from e2lm_core.imported import files as result_files
from e2lm_core.imported import messages
from e2lm_core.imported.checkpoint_identity import CheckpointResolver
from e2lm_core.imported.file_reader import FileReader
from e2lm_core.imported.join import join_evaluations
from e2lm_core.imported.records import EVERYTHING, Evaluation, FileSeen, Imported, ImportFilter, Questions
from e2lm_core.imported.sample_measurements import aggregates_note, measurements_from_samples

PACKED = 8  # assumed ratio of unpacked to packed size of a table or an archive
MEMORY_A_BYTE = 5  # per unpacked byte: samples take three times their length
_PARSERS = ("pyarrow.parquet", "pyarrow.compute")


def import_path(
    path: Path,
    limits: Limits,
    catalogue_checkpoints: Iterable[Checkpoint] = (),
    import_filter: ImportFilter = EVERYTHING,
    report_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Imported:
    """Import the results in a local file, folder or zip.

    Files larger than memory are allowed: they are streamed run by run. Only numbers are kept, and a task's
    questions once for all its checkpoints.

    Args:
        path: File, folder or zip.
        limits: Limits on a folder's parts and on files read as a whole.
        catalogue_checkpoints: Checkpoints of the catalogue, with known steps and tokens.
        import_filter: Models, tasks and metrics to import.
        report_progress: Called with the bytes done and the bytes in all.

    Raises:
        StudioError: The path does not exist or cannot be read.
        TaskError: There is no curve in it, or none that the filter takes.
        LimitError: It has too many files.
    """
    catalogue_checkpoints, where = tuple(catalogue_checkpoints), path.name or str(path)
    parts = result_files.read_in_parts(path, limits)
    total = sum(file.stat().st_size for part in parts for file in part.values())
    read, before = ParsedFiles([], [], []), 0
    asked: dict[tuple[str, int], list[Questions]] = {}
    for part in parts:
        sizes = {name: file.stat().st_size for name, file in part.items()}
        with result_files.open_part(part, limits) as (large, small):
            arguments = (list(large), small, catalogue_checkpoints, import_filter, path.is_file())
            given = sum(_unpacked(name, size) for name, size in sizes.items())
            for piece in sandbox.iterate_confined(
                _bits,
                *arguments,
                files=list(large.values()),
                input_bytes=given,
                description=where,
                modules=_PARSERS,
            ):
                read.evaluations.extend(_shared(evaluation, asked) for evaluation in piece.evaluations)
                read.problems.extend(piece.problems)
                read.files.extend(piece.files)
                report_progress(min(before + piece.bytes, total), total)
        before += sum(sizes.values())
    return join_parsed(read, CheckpointResolver(catalogue_checkpoints), where, import_filter)


def import_uploads(
    files: Mapping[str, bytes],
    limits: Limits,
    catalogue_checkpoints: Iterable[Checkpoint] = (),
    report_progress: Callable[[float], None] = lambda share: None,
) -> Imported:
    """Import the results in uploaded files, with zips unpacked, in the sandbox.

    Args:
        files: Content of each file by name.
        limits: Limits on the files.
        catalogue_checkpoints: Checkpoints of the catalogue, with known steps and tokens.
        report_progress: Called with the share that is read.

    Raises:
        TaskError: The files hold no curve, or a zip cannot be read.
        LimitError: The files are too large, or take too much memory or time.
    """
    given = sum(map(len, files.values()))
    found: list[Imported] = []
    for piece in sandbox.iterate_confined(
        _uploaded,
        dict(files),
        limits,
        tuple(catalogue_checkpoints),
        input_bytes=given,
        description="The upload",
        modules=_PARSERS,
    ):
        if isinstance(piece, Imported):
            found.append(piece)
        else:
            report_progress(piece)
    return found[0]


def _uploaded(
    files: dict[str, bytes], limits: Limits, known: tuple[Checkpoint, ...]
) -> Iterator[float | Imported]:
    """Read the files in the sandbox: gives the share read now and then, and the import at the end."""
    opened = result_files.expand_zips(files, limits)
    total, done = sum(map(len, opened.values())), 0
    sandbox.raise_memory_limit(MEMORY_A_BYTE * max(total - sum(map(len, files.values())), 0))
    reading = FileReader(CheckpointResolver(known))
    for name, data in opened.items():
        reading.read(name, data)
        done += len(data)
        yield done / max(total, 1)
    yield join_parsed(
        ParsedFiles(reading.finish(), reading.problems, reading.files),
        CheckpointResolver(known),
        "The upload",
    )


def _bits(
    files: list[BinaryIO],
    names: list[str],
    small: Mapping[str, bytes],
    known: tuple[Checkpoint, ...],
    wanted: ImportFilter,
    zips: bool,
) -> Iterator[ParsedFiles]:
    """Read a part's files in the sandbox, piece by piece with the bytes done; a zip's run by run."""
    large = dict(zip(names, files, strict=True))
    places, done = CheckpointResolver(known), 0
    members = (
        result_files.zip_members(files[0])
        if zips and not names[0].lower().endswith(result_files.INSPECT)
        else None
    )
    if members is None:
        reading = FileReader(places, wanted, own=True)
        for name in sorted([*large, *small]):
            data = large.get(name) or small[name]
            size = _size(data)
            for share in reading.read_streaming(name, data):
                at = _place(data) if share is None else int(share * size)
                yield ParsedFiles(reading.take_row_count(), [], [], done + at)
            done += size
        yield _finished(reading, wanted, done)
        return
    with zipfile.ZipFile(files[0]) as archive:
        for run in members:
            reading = FileReader(places, wanted, own=True)
            for name, info in run.items():
                with archive.open(info) as member:
                    # Parquet is read from its end, which a packed file lacks until it is unpacked completely.
                    data = member.read() if name.lower().endswith(".parquet") else cast(BinaryIO, member)
                    for _ in reading.read_streaming(name, data):
                        yield ParsedFiles(reading.take_row_count(), [], [], done)
                done += info.compress_size
            yield _finished(reading, wanted, done)


def _finished(reading: FileReader, wanted: ImportFilter, done: int) -> ParsedFiles:
    found = [kept for one in reading.finish() if (kept := wanted.apply(one)) is not None]
    return ParsedFiles(found, reading.problems, reading.files, done)


def _size(data: bytes | BinaryIO) -> int:
    if isinstance(data, bytes):
        return len(data)
    size = data.seek(0, io.SEEK_END)
    data.seek(0)
    return size


def _place(data: bytes | BinaryIO) -> int:
    return len(data) if isinstance(data, bytes) else data.tell()


def _unpacked(name: str, size: int) -> int:
    """Estimated bytes to read of a file, from which its time limit follows."""
    return size * (PACKED if name.lower().endswith((".parquet", ".zip")) else 1)


def _shared(evaluation: Evaluation, asked: dict[tuple[str, int], list[Questions]]) -> Evaluation:
    """The evaluation with equal questions replaced by those already held."""
    if evaluation.questions is None:
        return evaluation
    held = asked.setdefault((evaluation.task, len(evaluation.questions.ids)), [])
    same = next((questions for questions in held if questions.same_as(evaluation.questions)), None)
    if same is None:
        held.append(evaluation.questions)
        return evaluation
    return replace(evaluation, questions=same)


class ParsedFiles(NamedTuple):
    """Content of files before it is joined to curves.

    Attributes:
        evaluations: Evaluations read.
        problems: Sentences on what was left out.
        files: Outcome of reading each file.
        bytes: Bytes of the input that are done.
    """

    evaluations: list[Evaluation]
    problems: list[str]
    files: list[FileSeen]
    bytes: int = 0


def join_parsed(
    read: ParsedFiles, places: CheckpointResolver, where: str, wanted: ImportFilter = EVERYTHING
) -> Imported:
    """Join the content of files to curves.

    Args:
        read: Content of the files.
        places: Resolver of checkpoint names.
        where: Beginning of error sentences, such as the name of the folder.
        wanted: Models, tasks and metrics that were asked for.

    Raises:
        TaskError: The files hold no curve.
    """
    joined = join_evaluations(read.evaluations, places)
    measured, asides = measurements_from_samples(joined)
    problems = [*read.problems, *joined.problems, *asides, *aggregates_note(joined, measured)]
    if not joined.curves and wanted != EVERYTHING and any(seen.why is None for seen in read.files):
        raise TaskError(
            Sentence(
                "{where} has results, but none of what was asked for: check --model, --task and --metric.",
                where=where,
            )
        )
    if not joined.curves:
        sentences = [
            *problems,
            *(f"{seen.file} is left out: {seen.why}" for seen in read.files if seen.why),
        ]
        if not sentences:
            raise TaskError(
                Sentence(
                    "{where} holds no files: give results_….json, samples_….jsonl, a curve file or a table.",
                    where=where,
                )
            )
        more = f" ({count(len(sentences) - 1, 'more problem')})" if len(sentences) > 1 else ""
        raise TaskError(
            Sentence("{where} gives no curve: {reason}{more}", where=where, reason=sentences[0], more=more)
        )
    folded = messages.fold_similar(list(map(one_line, problems)))
    return Imported(joined.curves, measured, tuple(map(one_line, folded)), tuple(read.files))
