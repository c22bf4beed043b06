"""A task folder as one zip, and back: nothing is extracted to disk, nothing in it is run."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from e2lm_core.base import atomic
from e2lm_core.base.errors import LimitError, TaskError
from e2lm_core.base.records import TaskSet
from e2lm_core.base.settings import Limits
from e2lm_core.sets.checks.check import Profile, check
from e2lm_core.sets.folder.files import read_files, task_files
from e2lm_core.sets.prompts.render import render_set

DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say: the same bytes on every day
MODE = 0o100644
MAX_RATIO = 200
MIN_SUSPECT_BYTES = 1_000_000


def pack(task: TaskSet, limits: Limits, profile: Profile = "plain") -> bytes:
    """`<name>/<name>.yaml, test.jsonl, dev.jsonl, loader.py, README.md`; identical bytes for identical input.

    Unzipped anywhere, `lm_eval --include_path THERE --tasks <name>` runs it. Raises TaskError with the
    first error that the checks find under `profile`.
    """
    files = task_files(task, limits)
    errors = [f for f in check(task, render_set(task), limits, profile) if f.severity == "error"]
    if errors:
        more = f" ({len(errors) - 1} more errors)" if len(errors) > 1 else ""
        raise TaskError(f"{task.name} cannot be exported: {errors[0].sentence}{more}")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(f"{task.name}/{name}", DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3  # Unix, on every system
            info.external_attr = MODE << 16
            archive.writestr(info, data)
    return buffer.getvalue()


def write(data: bytes, path: Path) -> None:
    """Puts a bundle on disk, whole or not at all. Raises TaskError in one sentence."""
    atomic.replace_file(path, data)


def unpack(data: bytes, limits: Limits) -> TaskSet:
    """The set in a zip of a task folder, read in memory.

    Raises LimitError (count, size, ratio) or TaskError (names that leave the archive, links, encryption,
    no task, several folders), one sentence each.
    """
    if len(data) > limits.max_file_bytes:
        raise LimitError(
            f"The archive has {len(data):,} bytes; at most {limits.max_file_bytes:,} are allowed."
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = _members(archive, limits)
            files = _read(archive, members, limits)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ValueError) as error:
        raise TaskError("The file is not a readable zip archive; upload a zip of a task folder.") from error
    folder, inside = _task_folder(files)
    return read_files(inside, folder, limits).task


def _members(archive: zipfile.ZipFile, limits: Limits) -> list[zipfile.ZipInfo]:
    entries = archive.infolist()
    if len(entries) > limits.max_archive_files:
        raise LimitError(
            f"The archive has {len(entries):,} files; at most {limits.max_archive_files:,} are allowed."
        )
    members, seen = [], set()
    for entry in entries:
        path = PurePosixPath(entry.filename)
        drive = ":" in entry.filename.split("/")[0]
        if path.is_absolute() or ".." in path.parts or drive or "\\" in entry.orig_filename:
            raise TaskError(
                f"The archive holds the name {entry.filename[:80]!r}, which leads out of it; "
                "zip the task folder itself."
            )
        if (entry.external_attr >> 16) & 0o170000 == 0o120000:
            raise TaskError(f"The archive holds a link ({entry.filename[:80]!r}); put the file itself in.")
        if entry.flag_bits & 1:
            raise TaskError("The archive is encrypted; zip the task folder without a password.")
        if entry.is_dir():
            continue
        if entry.filename in seen:
            raise TaskError(f"The archive holds {entry.filename[:80]!r} twice; keep one.")
        seen.add(entry.filename)
        if entry.file_size > MIN_SUSPECT_BYTES and entry.file_size > MAX_RATIO * entry.compress_size:
            raise LimitError(
                f"The archive's {entry.filename[:80]!r} is packed more than {MAX_RATIO} times smaller than it is, "
                "as no text is; zip the task folder again."
            )
        members.append(entry)
    total = sum(entry.file_size for entry in members)
    if total > limits.max_unpacked_bytes:
        raise LimitError(
            f"The archive unpacks to {total:,} bytes; at most {limits.max_unpacked_bytes:,} are allowed."
        )
    return members


def _read(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], limits: Limits) -> dict[str, bytes]:
    """Reads no more than each entry's header claims, which `_members` has bounded."""
    files = {}
    for entry in members:
        if entry.file_size > limits.max_file_bytes:
            raise LimitError(
                f"The archive's {entry.filename[:80]!r} has {entry.file_size:,} bytes; "
                f"at most {limits.max_file_bytes:,} are allowed."
            )
        with archive.open(entry) as file:
            files[entry.filename] = file.read(entry.file_size)
            if file.read(1):
                raise LimitError(
                    f"The archive's {entry.filename[:80]!r} is larger than it says; zip it again."
                )
    return files


def _task_folder(files: dict[str, bytes]) -> tuple[str, dict[str, bytes]]:
    """The one folder that holds a YAML: its name, and its files by their path in it."""
    paths = [PurePosixPath(name) for name in files]
    roots = {
        path.parent
        for path in paths
        if path.suffix == ".yaml" and not path.name.startswith((".", "_")) and path.parts[0] != "__MACOSX"
    }
    if len(roots) != 1:
        found = "no task's YAML" if not roots else f"{len(roots)} folders with a YAML"
        raise TaskError(f"The archive holds {found}; it must hold one task folder.")
    root = roots.pop()
    inside = {
        str(p.relative_to(root)): files[str(p)] for p in paths if p.is_relative_to(root) and str(p) in files
    }
    return root.name or "task", inside
