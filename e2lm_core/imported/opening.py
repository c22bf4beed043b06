"""Results from elsewhere: what was recognised in a folder, the curves it gives, and what had to be left out.

Samples of lm-evaluation-harness give per-question log-likelihoods, so everything that the studio computes of
its own runs; aggregates and tables give curves of points alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

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
from e2lm_core.imported.records import Imported

MEMORY_A_BYTE = 5  # of what was packed: samples take three times their length
_PARSERS = ("pyarrow.parquet", "pyarrow.compute")


def import_path(path: Path, limits: Limits, known: Iterable[Checkpoint] = ()) -> Imported:
    """The results in a file, a folder or a zip. Raises StudioError where there is none."""
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
    places = Places(known)
    reading = Reading(places)
    for name, data in files.items():
        reading.read(name, data)
    evaluations = reading.finish()
    joined = join(evaluations, places)
    measured, asides = measure(joined)
    problems = [*reading.problems, *joined.problems, *asides, *without_questions(joined, measured)]
    if not joined.curves:
        sentences = [
            *problems,
            *(f"{seen.file} is left out: {seen.why}" for seen in reading.files if seen.why),
        ]
        if not sentences:
            raise TaskError(
                f"{where} holds no files: give results_….json, samples_….jsonl, a curve file or a table."
            )
        more = f" ({count(len(sentences) - 1, 'more problem')})" if len(sentences) > 1 else ""
        raise TaskError(f"{where} gives no curve: {sentences[0]}{more}")
    return Imported(joined.curves, measured, tuple(map(sentence, problems)), tuple(reading.files))
