"""A file, a folder or a zip of results as bytes by name, within limits; nothing is unpacked to disk."""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from e2lm_core.base.errors import LimitError, StudioError, TaskError
from e2lm_core.base.settings import Limits

MAX_RATIO = 500  # samples repeat their prompts; what is packed more tightly is no text of an evaluation
MIN_SUSPECT_BYTES = 1_000_000


def from_path(path: Path, limits: Limits) -> dict[str, bytes]:
    """The files at `path`, named relative to it. Raises StudioError in one sentence."""
    try:
        if path.is_dir():
            return _folder(path, limits)
        if not path.is_file():
            raise StudioError(
                f"There is no file or folder {str(path)!r}: give a folder, a zip or a file of results."
            )
        _check_size(path.name, path.stat().st_size, limits)
        return expand({path.name: path.read_bytes()}, limits)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise StudioError(
            f"The results at {str(path)!r} cannot be read ({reason}): check the path and its rights."
        ) from error


def expand(files: dict[str, bytes], limits: Limits) -> dict[str, bytes]:
    """The files with every zip among them opened; the limits hold for all together."""
    found: dict[str, bytes] = {}
    for name, data in files.items():
        _check_size(name, len(data), limits)
        inside = (
            _unzipped(data, name, limits)
            if name.lower().endswith(".zip") or zipfile.is_zipfile(io.BytesIO(data))
            else {name: data}
        )
        for inner, content in inside.items():
            key = inner if inner not in found else f"{PurePosixPath(name).stem}/{inner}"
            while key in found:
                key = f"again/{key}"
            found[key] = content
        if len(found) > limits.max_archive_files:
            raise LimitError(
                f"There are more than {limits.max_archive_files:,} files; give at most {limits.max_archive_files:,} at once."
            )
        if sum(map(len, found.values())) > limits.max_unpacked_bytes:
            raise LimitError(
                f"The files hold more than {limits.max_unpacked_bytes // 2**20} MB in all; give fewer at once."
            )
    return found


def hidden(name: str) -> bool:
    """What a file manager adds of its own."""
    parts = PurePosixPath(name).parts
    return "__MACOSX" in parts or (bool(parts) and parts[-1].startswith("."))


def _folder(folder: Path, limits: Limits) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    total = 0
    for parent, directories, names in os.walk(folder):
        directories.sort()
        for name in sorted(names):
            path = Path(parent) / name
            if not path.is_file():
                continue
            size = path.stat().st_size
            relative = path.relative_to(folder).as_posix()
            if size > limits.max_file_bytes:
                _check_size(relative, size, limits)
            total += size
            if len(found) >= limits.max_archive_files:
                raise LimitError(
                    f"The folder {folder.name!r} holds more than {limits.max_archive_files:,} files; give the folder of one "
                    "model at a time."
                )
            if total > limits.max_unpacked_bytes:
                raise LimitError(
                    f"The folder {folder.name!r} holds more than {limits.max_unpacked_bytes // 2**20} MB; give the folder "
                    "of one model at a time."
                )
            found[relative] = path.read_bytes()
    return found


def _check_size(name: str, size: int, limits: Limits) -> None:
    if size > limits.max_file_bytes:
        raise LimitError(
            f"{name[:80]} is {size / 2**20:,.0f} MB; at most {limits.max_file_bytes // 2**20} MB a file are read."
        )


def _unzipped(data: bytes, name: str, limits: Limits) -> dict[str, bytes]:
    shown = name[:80]
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            _check_entries(entries, shown, limits)
            found: dict[str, bytes] = {}
            for entry in entries:
                with archive.open(entry) as file:
                    found[entry.filename] = file.read(entry.file_size)
                    if file.read(1):
                        raise LimitError(
                            f"{shown}: {entry.filename[:80]!r} is larger than it says; zip it again."
                        )
            return found
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError, ValueError) as error:
        raise TaskError(f"{shown} is not a readable zip archive: zip the folder of results again.") from error


def _check_entries(entries: list[zipfile.ZipInfo], shown: str, limits: Limits) -> None:
    if len(entries) > limits.max_archive_files:
        raise LimitError(
            f"{shown} holds {len(entries):,} files; at most {limits.max_archive_files:,} are read."
        )
    seen: set[str] = set()
    for entry in entries:
        path, inner = PurePosixPath(entry.filename), entry.filename[:80]
        drive = ":" in entry.filename.split("/")[0]
        if path.is_absolute() or ".." in path.parts or drive or "\\" in entry.orig_filename:
            raise TaskError(
                f"{shown} holds the name {inner!r}, which leads out of it: zip the folder of results itself."
            )
        if (entry.external_attr >> 16) & 0o170000 == 0o120000:
            raise TaskError(f"{shown} holds a link ({inner!r}): put the file itself in.")
        if entry.flag_bits & 1:
            raise TaskError(f"{shown} is encrypted: zip the folder of results without a password.")
        if entry.filename in seen:
            raise TaskError(f"{shown} holds {inner!r} twice: keep one.")
        seen.add(entry.filename)
        _check_size(f"{shown}: {inner}", entry.file_size, limits)
        if entry.file_size > MIN_SUSPECT_BYTES and entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
            raise LimitError(
                f"{shown}: {inner!r} is packed more than {MAX_RATIO} times smaller than it is, as no text is; zip it again."
            )
    total = sum(entry.file_size for entry in entries)
    if total > limits.max_unpacked_bytes:
        raise LimitError(
            f"{shown} unpacks to {total / 2**20:,.0f} MB; at most {limits.max_unpacked_bytes // 2**20} MB are read."
        )
