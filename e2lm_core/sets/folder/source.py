"""What a path leads to, as a question set: a task folder, the YAML of a task, a bundle, or a table of questions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from e2lm_core.base.errors import TaskError
from e2lm_core.base.phrasing import count, quoted
from e2lm_core.base.records import TaskConfig, TaskSet
from e2lm_core.base.settings import Settings, expanded
from e2lm_core.base.strangers.regular import read_regular
from e2lm_core.people import access
from e2lm_core.sets import collection
from e2lm_core.sets.folder import bundle
from e2lm_core.sets.folder.config import check_name
from e2lm_core.sets.folder.files import Folder, read_files, read_task, write_task
from e2lm_core.sets.importing import TABLES, read_rows


class Source(NamedTuple):
    """A set as its source holds it, and what was ignored or left out on the way, one sentence each."""

    task: TaskSet
    warnings: tuple[str, ...]


def read_source(
    settings: Settings, source: str, renamed: Mapping[str, str] | None = None, skip_broken: bool = False
) -> Source:
    """The set that lies at a path; nothing is kept, and nothing that it holds is run.

    `renamed` are columns of a table by the names that they are read under (`{"prompt": "question"}`). Of a folder
    with several tasks the YAML that is named is the one that opens. Raises TaskError in one sentence: nothing
    there, a kind that cannot be read, `renamed` for what is no table, rows with an error unless `skip_broken`.
    """
    path = expanded(source)
    suffix = path.suffix.lower()
    if renamed and suffix not in TABLES:
        raise TaskError(
            f"Only a table's columns can be mapped, and {quoted(source)} is none: leave the mapping out."
        )
    try:
        there = path.exists()
    except (OSError, ValueError):  # a name that is too long
        there = False
    if not there:
        raise TaskError(
            f"There is no file or folder {quoted(source)}: give a task folder, a task's YAML, a bundle or a table."
        )
    access.require_path(settings, path.resolve())
    if path.is_dir():
        read = read_task(path, settings.limits)
        return Source(read.task, tuple(read.warnings))
    if suffix == ".yaml":
        read = read_files(Folder(path.parent, settings.limits), path.stem, settings.limits)
        return Source(read.task, tuple(read.warnings))
    if suffix != ".zip" and suffix not in TABLES:
        raise TaskError(
            f"{quoted(path.name)} is no set that can be imported: use a task folder, .yaml, .zip, {', '.join(TABLES)}."
        )
    try:
        data = read_regular(path, settings.limits.max_file_bytes)
    except (OSError, ValueError) as error:
        raise TaskError(
            f"{quoted(source)} cannot be read ({getattr(error, 'strerror', None) or error}): check its path."
        ) from error
    if suffix == ".zip":
        return Source(bundle.unpack(data, settings.limits), ())
    return _table(settings, data, path, renamed or {}, skip_broken)


def write_into(
    settings: Settings, task: TaskSet, directory: Path, name: str | None = None
) -> tuple[TaskSet, Path]:
    """The set as a task folder in a directory, and where it lies: `lm_eval --include_path DIRECTORY` runs it.

    Raises TaskError for a name that cannot be one or is taken there, and for what the disk refuses.
    """
    access.require_writer(settings)
    if name is not None:
        task = task.model_copy(update={"config": task.config.model_copy(update={"task": name})})
    check_name(task.name)
    folder = expanded(directory) / task.name
    access.require_path(settings, folder.resolve())
    if folder.exists():
        raise TaskError(f"{quoted(str(folder))} is there already: choose another name or another place.")
    write_task(task, folder, settings.limits)
    return task, folder


def _table(
    settings: Settings, data: bytes, path: Path, renamed: Mapping[str, str], skip_broken: bool
) -> Source:
    preview = read_rows(data, path.name, settings.limits, renamed)
    errors = [problem for problem in preview.problems if problem.severity == "error"]
    if errors and not skip_broken:
        more = f" ({count(len(errors) - 1, 'more error')})" if len(errors) > 1 else ""
        raise TaskError(
            f"{path.name}: {errors[0].sentence}{more} Mend it, or leave such rows out with --skip-broken."
        )
    broken = {problem.question_id for problem in errors}
    said = tuple(f"Left out: {p.sentence}" if p.severity == "error" else p.sentence for p in preview.problems)
    questions = tuple(q for q in preview.questions if q.id not in broken)
    config = TaskConfig(task=collection.free_name(settings, path.stem))
    return Source(TaskSet(config=config, questions=questions), said)
