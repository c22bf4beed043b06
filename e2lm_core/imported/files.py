"""A file, a folder or a zip of results as bytes by name, within limits; nothing is unpacked to disk."""

from __future__ import annotations

import io
import os
import re
import zipfile
from pathlib import Path, PurePosixPath

from e2lm_core.base.errors import LimitError, StudioError
from e2lm_core.base.settings import Limits
from e2lm_core.base.strangers.archives import read_zip
from e2lm_core.base.strangers.regular import read_regular

MOST_LOCAL_FILES = 100_000
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d[-:]\d\d[-:]\d\d(?:\.\d+)?")
INSPECT = ".eval"  # a zip by its form, and one log by its meaning


def at_path(path: Path, limits: Limits) -> dict[str, bytes]:
    """The files at `path` as they are, named relative to it. Raises StudioError in one sentence."""
    try:
        if path.is_dir():
            return _folder(path, limits)
        if not path.is_file():
            raise StudioError(
                f"There is no file or folder {str(path)!r}: give a folder, a zip or a file of results."
            )
        _check_size(path.name, path.stat().st_size, limits)
        return {path.name: read_regular(path, limits.max_file_bytes)}
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise StudioError(
            f"The results at {str(path)!r} cannot be read ({reason}): check the path and its rights."
        ) from error


def parts(folder: Path, limits: Limits) -> list[dict[str, Path]]:
    """A folder's files, by their names relative to it, in parts each of which may be read at once.

    What belongs to one run stays together: files of one date, else of one folder. Raises LimitError where one run is
    too much by itself, or there are more files than anybody's results have.
    """
    runs: dict[str, dict[str, Path]] = {}
    for parent, directories, names in os.walk(folder):
        directories.sort()
        for path in (Path(parent) / name for name in sorted(names)):
            if path.is_file():
                relative = path.relative_to(folder).as_posix()
                runs.setdefault(_run_of(relative), {})[relative] = path
    if (count := sum(map(len, runs.values()))) > MOST_LOCAL_FILES:
        raise LimitError(
            f"The folder {folder.name!r} holds {count:,} files; at most {MOST_LOCAL_FILES:,} are read: give the folder of "
            "one model at a time."
        )
    packed: list[dict[str, Path]] = []
    room_bytes = room_files = 0
    for run in runs.values():
        sizes = {name: path.stat().st_size for name, path in run.items()}
        for name, size in sizes.items():
            _check_size(name, size, limits)
        held = sum(sizes.values())
        if held > limits.max_unpacked_bytes or len(run) > limits.max_archive_files:
            raise LimitError(
                f"The files of {next(iter(run))} and its run hold {held / 2**20:,.0f} MB in {len(run):,} files; at most "
                f"{limits.max_unpacked_bytes // 2**20} MB in {limits.max_archive_files:,} are read at once."
            )
        if not packed or held > room_bytes or len(run) > room_files:
            packed.append({})
            room_bytes, room_files = limits.max_unpacked_bytes, limits.max_archive_files
        packed[-1] |= run
        room_bytes, room_files = room_bytes - held, room_files - len(run)
    return packed


def contents(part: dict[str, Path], limits: Limits) -> dict[str, bytes]:
    """The files of a part. Raises StudioError where one cannot be read."""
    found = {}
    for name, path in part.items():
        try:
            found[name] = read_regular(path, limits.max_file_bytes)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise StudioError(f"{name} cannot be read ({reason}): check its rights.") from error
    return found


def _run_of(name: str) -> str:
    """What the files of one run share: the date in their names, else their folder, above OLMES's own two."""
    path = PurePosixPath(name)
    if date := _DATE.search(path.name):
        return date[0]
    below = [at for at, part in enumerate(path.parts) if part in ("predictions", "requests")]
    return "/".join(path.parts[: below[0]] if below else path.parts[:-1])


def expand(files: dict[str, bytes], limits: Limits) -> dict[str, bytes]:
    """The files with every zip among them opened; the limits hold for all together."""
    opened: dict[str, bytes] = {}
    for name, data in files.items():
        _check_size(name, len(data), limits)
        inside = (
            read_zip(data, limits, name[:80], "the folder of results")
            if not name.lower().endswith(INSPECT)
            and (name.lower().endswith(".zip") or zipfile.is_zipfile(io.BytesIO(data)))
            else {name: data}
        )
        for inner, content in inside.items():
            key = inner if inner not in opened else f"{PurePosixPath(name).stem}/{inner}"
            while key in opened:
                key = f"again/{key}"
            opened[key] = content
        if len(opened) > limits.max_archive_files:
            raise LimitError(
                f"There are more than {limits.max_archive_files:,} files; give at most "
                f"{limits.max_archive_files:,} at once."
            )
        if sum(map(len, opened.values())) > limits.max_unpacked_bytes:
            raise LimitError(
                f"The files hold more than {limits.max_unpacked_bytes // 2**20} MB in all; give fewer at "
                "once."
            )
    return opened


def hidden(name: str) -> bool:
    """What a file manager adds of its own."""
    parts = PurePosixPath(name).parts
    return "__MACOSX" in parts or (bool(parts) and parts[-1].startswith("."))


def _folder(folder: Path, limits: Limits) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
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
            if len(contents) >= limits.max_archive_files:
                raise LimitError(
                    f"The folder {folder.name!r} holds more than {limits.max_archive_files:,} files; give "
                    "the folder of one model at a time."
                )
            if total > limits.max_unpacked_bytes:
                raise LimitError(
                    f"The folder {folder.name!r} holds more than {limits.max_unpacked_bytes // 2**20} MB; "
                    "give the folder of one model at a time."
                )
            contents[relative] = read_regular(path, limits.max_file_bytes)
    return contents


def _check_size(name: str, size: int, limits: Limits) -> None:
    if size > limits.max_file_bytes:
        raise LimitError(
            f"{name[:80]} is {size / 2**20:,.0f} MB; at most {limits.max_file_bytes // 2**20} MB a file "
            "are read."
        )
