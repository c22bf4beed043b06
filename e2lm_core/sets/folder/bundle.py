"""Task folder as a reproducible zip, and back."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import TypeVar

from e2lm_core.base import atomic
from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Limits
from e2lm_core.base.untrusted import sandbox
from e2lm_core.base.untrusted.archives import ARCHIVE, check_size, read_zip
from e2lm_core.sets.folder.files import find_entry_yaml, read_files, task_files

DATE = (1980, 1, 1, 0, 0, 0)  # the earliest date of a zip; a fixed one keeps the bytes the same on every day
MODE = 0o100644
MEMORY_A_BYTE = 5  # bytes of memory for each unpacked byte
_Read = TypeVar("_Read")


def pack(task: TaskSet, limits: Limits) -> bytes:
    """Pack a set as a zip of its task folder; identical sets give identical bytes.

    The zip holds `<name>/<name>.yaml, test.jsonl, dev.jsonl, loader.py, README.md`. Unzipped anywhere,
    `lm_eval --include_path THERE --tasks <name>` runs it. Only the folder is checked here;
    `export.submission` checks the competition's rules and what a prompt gives away.

    Raises:
        TaskError: A question has a structural error, or the folder cannot be written, as in `task_files`.
    """
    return zip_files({f"{task.name}/{name}": data for name, data in task_files(task, limits).items()})


def zip_files(files: Mapping[str, bytes]) -> bytes:
    """Zip files by their paths, in the mapping's order; the same bytes on every day and system."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name, DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3  # Unix, on every system
            info.external_attr = MODE << 16
            archive.writestr(info, data)
    return buffer.getvalue()


def write(data: bytes, path: Path) -> None:
    """Write a bundle to disk, whole or not at all.

    Raises:
        TaskError: The disk refuses it; one sentence.
    """
    atomic.replace_file(path, data)


def unpack(data: bytes, limits: Limits) -> TaskSet:
    """Read the set in a zip of a task folder, in memory and in the sandbox.

    Raises:
        LimitError: The archive exceeds a limit of `archives.read_zip`, or takes too much memory or time.
        TaskError: The archive cannot be read, or does not hold exactly one task folder that can be read.
    """
    return _run_confined(unpack_unconfined, data, limits)


def read_members(data: bytes, limits: Limits) -> dict[str, bytes]:
    """Read the files of the one task folder in a zip, in the sandbox.

    Returns:
        The files by their paths in the task folder.

    Raises:
        LimitError: The archive exceeds a limit of `archives.read_zip`, or takes too much memory or time.
        TaskError: The archive cannot be read, or does not hold exactly one task folder.
    """
    return _run_confined(read_members_unconfined, data, limits)


def _run_confined(read: Callable[[bytes, Limits], _Read], data: bytes, limits: Limits) -> _Read:
    """Result of a function on an archive in the sandbox; raises LimitError for one of too many bytes."""
    check_size(data, limits, ARCHIVE)
    return sandbox.run_confined(read, data, limits, input_bytes=len(data), description=ARCHIVE)


def read_members_unconfined(data: bytes, limits: Limits) -> dict[str, bytes]:
    """Read the files of the one task folder in a zip, in this process.

    Returns:
        The files by their paths in the task folder.

    Raises:
        LimitError: The archive exceeds a limit of `archives.read_zip`.
        TaskError: The archive cannot be read, or does not hold exactly one task folder.
    """
    files = read_zip(data, limits, folder=Sentence("the task folder"))
    return _inside(files, _task_folder(files))


def unpack_unconfined(data: bytes, limits: Limits) -> TaskSet:
    """Read the set in a zip of a task folder, in this process.

    Raises:
        LimitError: The archive exceeds a limit of `archives.read_zip`.
        TaskError: The archive cannot be read, or does not hold exactly one task folder that can be read.
    """
    files = read_zip(data, limits, folder=Sentence("the task folder"))
    sandbox.raise_memory_limit(MEMORY_A_BYTE * sum(map(len, files.values())))
    root = _task_folder(files)
    names = find_entry_yaml(_inside(files, root), root.name or "task")
    return read_files(files, root.name or "task", limits, yamls=[str(root / name) for name in names]).task


def _task_folder(files: dict[str, bytes]) -> PurePosixPath:
    """Topmost folder with a YAML; raises TaskError without one, or if others lie beside it."""
    paths = [PurePosixPath(name) for name in files]
    roots = {
        path.parent
        for path in paths
        if path.suffix == ".yaml" and not path.name.startswith((".", "_")) and path.parts[0] != "__MACOSX"
    }
    top = min(roots, key=lambda root: len(root.parts), default=None)
    if top is None or not all(root.is_relative_to(top) for root in roots):
        there = (
            Sentence("{number} folder with a YAML", "{number} folders with a YAML", number=len(roots))
            if roots
            else Sentence("no task's YAML")
        )
        raise TaskError(Sentence("The archive holds {there}; it must hold one task folder.", there=there))
    return top


def _inside(files: dict[str, bytes], root: PurePosixPath) -> dict[str, bytes]:
    """Files of a folder of the archive, by their paths in that folder."""
    paths = map(PurePosixPath, files)
    return {
        str(p.relative_to(root)): files[str(p)] for p in paths if p.is_relative_to(root) and str(p) in files
    }
