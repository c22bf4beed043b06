"""Results from elsewhere: what was recognised in a folder, the curves it gives, and what had to be left out.

Samples of lm-evaluation-harness give per-question log-likelihoods, so everything that the studio computes of
its own runs; aggregates and tables give curves of points alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from e2lm_core.base.errors import TaskError
from e2lm_core.base.phrasing import count, sentence
from e2lm_core.base.records import Checkpoint
from e2lm_core.base.settings import Limits
from e2lm_core.base.strangers import confined
from e2lm_core.imported import files as result_files
from e2lm_core.imported.join import join
from e2lm_core.imported.measuring import measure, without_questions
from e2lm_core.imported.places import Places
from e2lm_core.imported.reading import Reading
from e2lm_core.imported.records import Evaluation, FileSeen, Imported, Questions

MEMORY_A_BYTE = 5  # of what was packed: samples take three times their length
_PARSERS = ("pyarrow.parquet", "pyarrow.compute")


def import_path(
    path: Path,
    limits: Limits,
    known: Iterable[Checkpoint] = (),
    say: Callable[[int, int], None] = lambda done, total: None,
) -> Imported:
    """The results in a file, a folder or a zip. Raises StudioError where there is none.

    A folder may hold more than is read at once: it is read in parts, of which `say` is told how many are done.
    """
    parts = result_files.parts(path, limits) if path.is_dir() else []
    if len(parts) > 1:
        return _in_parts(path, parts, limits, tuple(known), say)
    files = result_files.at_path(path, limits)
    return _confined(files, limits, known, path.name or str(path), zips=not path.is_dir())


def import_uploads(files: Mapping[str, bytes], limits: Limits, known: Iterable[Checkpoint] = ()) -> Imported:
    """The results in uploaded files, zips among them opened. Raises StudioError where there is none."""
    return _confined(dict(files), limits, known, "The upload")


def _confined(
    files: dict[str, bytes], limits: Limits, known: Iterable[Checkpoint], where: str, zips: bool = True
) -> Imported:
    """A stranger's files are opened and parsed where they can do nothing, and take no more than they may."""
    given = sum(map(len, files.values()))
    arguments = (files, limits if zips else None, tuple(known), where)
    return confined.run(_opened, *arguments, given=given, about=where, modules=_PARSERS)


def _in_parts(
    path: Path,
    parts: Sequence[Mapping[str, Path]],
    limits: Limits,
    known: tuple[Checkpoint, ...],
    say: Callable[[int, int], None],
) -> Imported:
    """Each part where it can do nothing; what is kept of it are numbers, and questions once for all checkpoints."""
    read = Read([], [], [])
    asked: dict[tuple[str, int], list[Questions]] = {}
    for number, part in enumerate(parts, start=1):
        files = result_files.contents(dict(part), limits)
        given = sum(map(len, files.values()))
        found = confined.run(_read, files, known, given=given, about=path.name or str(path), modules=_PARSERS)
        read.evaluations.extend(_shared(evaluation, asked) for evaluation in found.evaluations)
        read.problems.extend(found.problems)
        read.files.extend(found.files)
        say(number, len(parts))
    return _joined(read, Places(known), path.name or str(path))


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


def _opened(
    files: dict[str, bytes], limits: Limits | None, known: tuple[Checkpoint, ...], where: str
) -> Imported:
    """Zips are opened where limits are given: not those that lie in a folder."""
    opened = result_files.expand(files, limits) if limits else files
    unpacked = sum(map(len, opened.values())) - sum(map(len, files.values()))
    confined.grant(MEMORY_A_BYTE * max(unpacked, 0))
    return import_files(opened, known, where)


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


def _read(files: Mapping[str, bytes], known: tuple[Checkpoint, ...]) -> Read:
    reading = Reading(Places(known))
    for name, data in files.items():
        reading.read(name, data)
    return Read(reading.finish(), reading.problems, reading.files)


def _joined(read: Read, places: Places, where: str) -> Imported:
    joined = join(read.evaluations, places)
    measured, asides = measure(joined)
    problems = [*read.problems, *joined.problems, *asides, *without_questions(joined, measured)]
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
    return Imported(joined.curves, measured, tuple(map(sentence, problems)), tuple(read.files))
