"""Results from elsewhere: what was recognised in a folder, the curves it gives, and what had to be left out.

Samples of lm-evaluation-harness give per-question log-likelihoods, so everything that the studio computes of
its own runs; aggregates and tables give curves of points alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from e2lm_core.base.errors import TaskError
from e2lm_core.base.phrasing import count
from e2lm_core.base.records import Checkpoint
from e2lm_core.base.settings import Limits
from e2lm_core.imported import files as result_files
from e2lm_core.imported.join import join
from e2lm_core.imported.measuring import measure, without_questions
from e2lm_core.imported.places import Places
from e2lm_core.imported.reading import Reading
from e2lm_core.imported.records import Imported


def import_path(path: Path, limits: Limits, known: Iterable[Checkpoint] = ()) -> Imported:
    """The results in a file, a folder or a zip. Raises StudioError where there is none."""
    return import_files(result_files.from_path(path, limits), known, path.name or str(path))


def import_uploads(files: Mapping[str, bytes], limits: Limits, known: Iterable[Checkpoint] = ()) -> Imported:
    """The results in uploaded files, zips among them opened. Raises StudioError where there is none."""
    return import_files(result_files.expand(dict(files), limits), known, "The upload")


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
    return Imported(joined.curves, measured, tuple(problems), tuple(reading.files))
