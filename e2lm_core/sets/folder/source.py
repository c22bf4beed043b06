"""Opens any source as a set: folder, YAML, bundle, table, task name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from e2lm_core.base.errors import TaskError
from e2lm_core.base.formatting import quote
from e2lm_core.base.records import TaskConfig, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Limits, Settings, expand_home
from e2lm_core.base.untrusted.regular_files import read_regular
from e2lm_core.people import access
from e2lm_core.sets import collection, selection_origin
from e2lm_core.sets.checks.check import structural_errors
from e2lm_core.sets.folder import bundle
from e2lm_core.sets.folder.config import check_name
from e2lm_core.sets.folder.datafiles import sibling_path
from e2lm_core.sets.folder.files import (
    Folder,
    find_entry_yaml,
    include_root,
    read_files,
    read_task,
    write_task,
)
from e2lm_core.sets.folder.foreign import groups, harness_subprocess
from e2lm_core.sets.formats import reading
from e2lm_core.sets.formats.kinds import ENDS
from e2lm_core.sets.formats.markup.qti import MANIFEST
from e2lm_core.sets.formats.records import ReadOptions

_TASK = re.compile(r"[A-Za-z0-9][\w.+-]{0,150}")


class Source(NamedTuple):
    """Set as its source holds it, with one sentence for each thing that was ignored or left out."""

    task: TaskSet
    warnings: tuple[str, ...]


def read_source(
    settings: Settings,
    source: str,
    read_options: ReadOptions | None = None,
    skip_broken: bool = False,
    row_files: str | None = None,
    with_harness: bool = False,
) -> Source:
    """Read the set at a path, or a named task of the installed lm-eval; nothing is stored.

    Nothing that a task holds is run, except with `with_harness`.

    Args:
        settings: The caller's settings.
        source: Path of a task folder, YAML, bundle or file of questions, or name of a task, group or tag of
            the installed lm-eval. In a folder with several tasks the path of a YAML selects one.
        read_options: Settings for a file of questions, if it is not to be read as detected.
        skip_broken: Leave out questions with an error, of a file or of a task.
        row_files: Folder that holds a task's rows, if they are not beside its YAML.
        with_harness: Let the user's own lm-eval build the task's documents, which runs the task's code.

    Raises:
        TaskError: Nothing is at the path, or nothing that the caller may open; its kind cannot be read;
            `read_options` map the columns of a source without a table; or a row of a file has an error and
            `skip_broken` is not set. One sentence.
        StudioError: `with_harness` is set and lm-eval cannot be run.
    """
    path = expand_home(source)
    suffix = path.suffix.lower()
    if read_options and read_options.roles and suffix not in ENDS:
        raise TaskError(
            Sentence(
                "Only a table's columns can be mapped, and {source} is none: leave the mapping out.",
                source=quote(source),
            )
        )
    try:
        there = path.exists()
    except (OSError, ValueError):  # the name is too long for a path
        there = False
    given = _rows_folder(settings, row_files)
    if with_harness:
        return _kept(_built(settings, source, path if there else None, given), settings.limits, skip_broken)
    if not there:
        is_name = _TASK.fullmatch(source) and suffix not in (".zip", ".yaml", *ENDS)
        found = _installed(source) if is_name else None
        if found is None:
            raise TaskError(
                Sentence(
                    "There is no file or folder {source}, nor an installed lm-eval's task, group or tag of that "
                    "name: give a task folder, a task's YAML, a bundle or a table.",
                    source=quote(source),
                )
            )
        tasks, yamls = found
        read = _read(tasks, yamls, given, settings, source)
        return _kept(read, settings.limits, skip_broken)
    access.require_path(settings, path.resolve())
    if path.is_dir():
        return _kept(_read(path, None, given, settings), settings.limits, skip_broken)
    if suffix == ".yaml":
        return _kept(_read(path.parent, [path.name], given, settings), settings.limits, skip_broken)
    if suffix == ".arrow":
        raise TaskError(
            Sentence(
                "{path} is an Arrow file: save it with Dataset.to_parquet and import that.",
                path=quote(path.name),
            )
        )
    if suffix not in ENDS:
        raise TaskError(
            Sentence(
                "{path} is no set that can be imported: use a task folder, .yaml, {endings}.",
                path=quote(path.name),
                endings=", ".join(ENDS),
            )
        )
    try:
        data = read_regular(path, settings.limits.max_file_bytes)
    except (OSError, ValueError) as error:
        raise TaskError(
            Sentence(
                "{source} cannot be read ({reason}): check its path.",
                source=quote(source),
                reason=getattr(error, "strerror", None) or str(error),
            )
        ) from error
    if is_bundle(path.name, data):
        return Source(bundle.unpack(data, settings.limits), ())
    return read_questions(settings, data, path.name, read_options, skip_broken)


def read_questions(
    settings: Settings,
    data: bytes,
    filename: str,
    read_options: ReadOptions | None = None,
    skip_broken: bool = False,
) -> Source:
    """Read the set in the bytes of a file of questions; nothing is stored.

    Args:
        settings: The caller's settings, which hold the limits.
        data: Content of the file.
        filename: Its name, which tells the format and gives the set its name.
        read_options: Settings for the file, if it is not to be read as detected.
        skip_broken: Leave out questions with an error.

    Raises:
        TaskError: The file cannot be read, or a row has an error and `skip_broken` is not set.
    """
    read = reading.read_confined(data, filename, settings.limits, read_options)
    questions, said = reading.accept_questions(read, filename, skip_broken)
    config = TaskConfig(task=collection.legal_name(PurePosixPath(filename).stem))
    return Source(selection_origin.lift_origin(TaskSet(config=config, questions=questions)), said)


def is_bundle(filename: str, data: bytes) -> bool:
    """Whether a file is a zipped task folder; any other file holds questions alone, a zip those of a QTI package."""
    return PurePosixPath(filename).suffix.lower() == ".zip" and MANIFEST.encode() not in data


def built_by_name(settings: Settings, name: str) -> Source:
    """Build a task's set by its name, never by a path, with the installed lm-eval.

    This runs the task's code.

    Raises:
        TaskError: It is no name of a task, or the task cannot be built.
        StudioError: lm-eval cannot be run.
    """
    return _kept(_built(settings, name.strip(), None, None), settings.limits, False)


def write_into(
    settings: Settings, task: TaskSet, directory: Path, name: str | None = None
) -> tuple[TaskSet, Path]:
    """Write a set as a task folder into a directory: `lm_eval --include_path DIRECTORY` runs it.

    Args:
        settings: The caller's settings.
        task: The set.
        directory: Directory that the task folder is made in.
        name: New name of the set; None keeps its own.

    Returns:
        The set under its name, and its folder.

    Raises:
        TaskError: The name is illegal or taken in the directory, the caller may not write there, or the disk
            refuses it.
    """
    access.require_writer(settings)
    if name is not None:
        task = task.model_copy(update={"config": task.config.model_copy(update={"task": name})})
    check_name(task.name)
    folder = expand_home(directory) / task.name
    access.require_path(settings, folder.resolve())
    if folder.exists():
        raise TaskError(
            Sentence(
                "{folder} is there already: choose another --name or another place.",
                folder=quote(str(folder)),
            )
        )
    write_task(task, folder, settings.limits)
    return task, folder


class _WithRows(Mapping[str, bytes]):
    """Tree of tasks with their rows in a folder of their own.

    The path `arc/ARC-Easy/test.jsonl` leads to the rows' ARC-Easy/test.jsonl.
    """

    def __init__(self, tree: Folder, rows: Folder) -> None:
        self.tree, self.rows = tree, rows

    def _inside(self, name: str) -> str | None:
        """Path in the folder of rows: the part behind the folders of the tree; None if it has no file."""
        parts = PurePosixPath(name).parts
        folders = next(
            n for n in range(len(parts) - 1, -1, -1) if (self.tree.root / Path(*parts[:n])).is_dir()
        )
        inside = "/".join(parts[folders:])
        return inside if inside in self.rows else None

    def place(self, name: str) -> str:
        """Name of the file that a path leads to, the same for all paths that lead to it."""
        inside = self._inside(name)
        return name if inside is None else f"--rows {inside}"

    def below(self, folder: str) -> list[str]:
        """YAMLs in a folder of the tree and below it."""
        return self.tree.below(folder)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (self._inside(name) is not None or name in self.tree)

    def __getitem__(self, name: str) -> bytes:
        inside = self._inside(name)
        return self.tree[name] if inside is None else self.rows[inside]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tree)

    def __len__(self) -> int:
        return len(self.tree)


def _rows_folder(settings: Settings, rows: str | None) -> Path | None:
    if rows is None:
        return None
    folder = expand_home(rows)
    access.require_path(settings, folder.resolve())
    if not folder.is_dir():
        raise TaskError(
            Sentence(
                "There is no folder {rows} with rows: give one that holds test.jsonl and the like.",
                rows=quote(rows),
            )
        )
    return folder.resolve()


def _read(
    folder: Path, yamls: Sequence[str] | None, rows: Path | None, settings: Settings, name: str | None = None
) -> Source:
    """Set that a folder or YAMLs in it open as, with the rows beside it or in a folder of their own."""
    limits = settings.limits
    if rows is None and (yamls is None or len(yamls) == 1):
        read = read_task(folder, limits, yaml=yamls[0] if yamls else None)
    else:
        tree = Folder(include_root(folder), limits)
        inside = folder.resolve().relative_to(tree.root).as_posix()
        names = yamls or find_entry_yaml(Folder(folder, limits), folder.name)
        files = tree if rows is None else _WithRows(tree, Folder(rows, limits))
        read = read_files(
            files, name or folder.name, limits, yamls=[sibling_path(inside, one) for one in names]
        )
    return Source(read.task, tuple(read.warnings))


def _installed(name: str) -> tuple[Path, list[str]] | None:
    """Installed lm-eval's tasks, and the YAMLs there of a task, group or tag; None if there are none."""
    tasks = harness_subprocess.find_harness_tasks()
    found = [] if tasks is None else groups.find_task_yamls(Folder(tasks, Limits()), name)
    return None if not found or tasks is None else (tasks, found)


def _built(settings: Settings, source: str, path: Path | None, rows: Path | None) -> Source:
    """Set that the user's own lm-eval builds from a task's name or YAML."""
    access.require_writer(settings)
    if path is not None:
        access.require_path(settings, path.resolve())
        if path.is_dir():
            names = find_entry_yaml(Folder(path, settings.limits), path.name)
            if len(names) > 1:
                raise TaskError(
                    Sentence("{source} holds several tasks: name the YAML of one.", source=quote(source))
                )
            path = path / names[0]
        source = str(path.resolve())
    elif not _TASK.fullmatch(source):
        raise TaskError(
            Sentence("{source} is neither a task's YAML nor a name of lm-eval's tasks.", source=quote(source))
        )
    task, warnings = harness_subprocess.build_with_harness(source, settings.limits, rows)
    return Source(task, tuple(warnings))


def _kept(source: Source, limits: Limits, skip_broken: bool) -> Source:
    """Set in a form that can be stored: no unusable few-shot settings, no broken question if so asked."""
    task, said = source.task, list(source.warnings)
    if task.zero_shot is not None:
        asked = f" (the task asks for {task.config.num_fewshot})" if task.config.num_fewshot else ""
        said.append(f"{task.name}: no examples can be shown{asked}: {task.zero_shot}.")
        task = task.without_unused_fewshot()
    if skip_broken:
        errors = [
            *structural_errors(task.questions, limits),
            *structural_errors(task.dev, limits, "Dev question"),
        ]
        broken = {error.question_id for error in errors}
        said += [f"Left out: {error.sentence}" for error in errors]
        sound = {
            part: tuple(q for q in getattr(task, part) if q.id not in broken) for part in ("questions", "dev")
        }
        task = task.model_copy(update=sound)
    return Source(task, tuple(said))
