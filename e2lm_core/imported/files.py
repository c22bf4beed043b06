"""Uploaded and local result files, read within limits."""

from __future__ import annotations

import io
import os
import re
import stat
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from e2lm_core.base.errors import LimitError, StudioError
from e2lm_core.base.formatting import quote
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Limits
from e2lm_core.base.untrusted import safejson
from e2lm_core.base.untrusted.archives import read_zip
from e2lm_core.base.untrusted.regular_files import open_regular, read_regular
from e2lm_core.base.untrusted.sandbox_worker import MAX_FILES as MAX_OPEN

MAX_LOCAL_FILES = 100_000
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d[-:]\d\d[-:]\d\d(?:\.\d+)?")
INSPECT = ".eval"  # a zip that holds one log


def read_in_parts(path: Path, limits: Limits) -> list[dict[str, Path]]:
    """A local file, or a folder's files by relative name, in parts that are each read in one go.

    The files of one run stay together: those of one date, else those of one folder. Files of any size are
    allowed, since they are streamed.

    Raises:
        StudioError: There is no such file or folder, or it cannot be read.
        LimitError: The folder holds more than 100,000 files.
    """
    if not path.is_dir():
        return [{path.name: path}] if _is_file(path) else []
    runs: dict[str, dict[str, Path]] = {}
    for parent, directories, names in os.walk(path):
        directories.sort()
        for found in (Path(parent) / name for name in sorted(names)):
            if found.is_file():
                relative = found.relative_to(path).as_posix()
                runs.setdefault(run_key(relative), {})[relative] = found
    if (count := sum(map(len, runs.values()))) > MAX_LOCAL_FILES:
        raise LimitError(
            Sentence(
                "The folder {name} holds {count} files; at most {max_local_files} are read: give the folder of one "
                "model at a time.",
                name=repr(path.name),
                count=count,
                max_local_files=MAX_LOCAL_FILES,
            )
        )
    packed: list[dict[str, Path]] = []
    room_bytes = room_files = 0
    for run in runs.values():
        held = sum(found.stat().st_size for found in run.values())
        if not packed or held > room_bytes or len(run) > room_files:
            packed.append({})
            room_bytes, room_files = limits.max_unpacked_bytes, MAX_OPEN
        packed[-1] |= run
        room_bytes, room_files = room_bytes - held, room_files - len(run)
    return packed


@contextmanager
def open_part(
    part: Mapping[str, Path], limits: Limits
) -> Iterator[tuple[dict[str, BinaryIO], dict[str, bytes]]]:
    """Open the files of a part: the large ones as open files, the smallest beyond the limit as bytes.

    Only as many files are opened as the sandbox takes at once.

    Raises:
        StudioError: A file cannot be read, or is no regular file.
        LimitError: The files to be read as bytes are larger together than an unpacked archive may be.
    """
    sizes = {name: path.stat().st_size for name, path in part.items()}
    by_size = sorted(part, key=lambda name: -sizes[name])
    small = set(by_size[MAX_OPEN:])
    if sum(sizes[name] for name in small) > limits.max_unpacked_bytes:
        raise LimitError(
            Sentence(
                "The run of {largest} has {part} files; at most {max_open} large ones are read at once: give the "
                "folders of its tasks one at a time.",
                largest=by_size[0],
                part=len(part),
                max_open=MAX_OPEN,
            )
        )
    with ExitStack() as stack:
        large, whole = {}, {}
        for name, path in part.items():
            try:
                if name in small:
                    whole[name] = read_regular(path, limits.max_file_bytes)
                else:
                    large[name] = file = stack.enter_context(open_regular(path))
                    # Files such as /proc/self/mem are regular by name, but have no end to seek.
                    file.seek(0, io.SEEK_END)
                    file.seek(0)
            except (OSError, ValueError) as error:
                raise _unreadable(name, error) from error
        yield large, whole


class Lines:
    """Iterator over the values of a JSONL file; broken lines are counted in `broken` and skipped.

    Lines end at b"\\n" alone, since a question may hold U+2028, U+0085 and other characters that Python takes
    for the end of a line.

    Attributes:
        number: Number of lines read.
        broken: Numbers of lines that are not complete JSON, counted by `iter_values`.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.number = 0
        self.broken: list[int] = []

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> Any:
        """Value of the next line that is not blank.

        Raises:
            ValueError: The line is not JSON.
            StopIteration: The file has ended.
        """
        for line in self._file:
            self.number += 1
            if line.strip():
                return safejson.loads(line.decode("utf-8", "replace"))
        raise StopIteration

    def iter_values(self) -> Iterator[Any]:
        """Values of all further lines that are JSON."""
        while True:
            try:
                yield next(self)
            except ValueError:
                self.broken.append(self.number)
            except StopIteration:
                return


def is_blank(file: BinaryIO) -> bool:
    """Whether a file holds only white space; rewinds it."""
    blank = all(not bit.strip() for bit in iter(lambda: file.read(2**20), b""))
    file.seek(0)
    return blank


def has_more(file: BinaryIO, lines: int, commas: int) -> bool:
    """Whether a file holds more lines or more commas than allowed; rewinds it."""
    data = file.read()
    file.seek(0)
    return data.count(b"\n") > lines or data.count(b",") > commas


# --- within -------------------------------------------------------------------------------------------


def _is_file(path: Path) -> bool:
    try:
        if stat.S_ISREG(path.stat().st_mode):
            return True
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise _unreadable(str(path), error) from error
    raise StudioError(
        Sentence(
            "There is no file or folder {path}: give a folder, a zip or a file of results.",
            path=quote(str(path)),
        )
    )


def _unreadable(name: str, error: Exception) -> StudioError:
    reason = (getattr(error, "strerror", None) or str(error)).lower()
    return StudioError(
        Sentence(
            "The results {name} cannot be read ({reason}): check the path and its rights.",
            name=quote(name),
            reason=reason,
        )
    )


def run_key(name: str) -> str:
    """Key that the files of one run share: the date in their names, else their folder.

    Of OLMES, the folder is the one above `predictions` or `requests`.
    """
    path = PurePosixPath(name)
    if date := _DATE.search(path.name):
        return date[0]
    below = [at for at, part in enumerate(path.parts) if part in ("predictions", "requests")]
    return "/".join(path.parts[: below[0]] if below else path.parts[:-1])


def expand_zips(files: dict[str, bytes], limits: Limits) -> dict[str, bytes]:
    """Unpack every zip among files; limits hold for all of them together.

    Raises:
        LimitError: A file is too large, or there are too many files or bytes.
        TaskError: A zip cannot be read, or holds a name, link or password that is not allowed.
    """
    opened: dict[str, bytes] = {}
    for name, data in files.items():
        _check_size(name, len(data), limits)
        inside = (
            read_zip(data, limits, name[:80], Sentence("the folder of results"))
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
                Sentence(
                    "There are more than {max_archive_files} files; give at most {max_archive_files} at once.",
                    max_archive_files=limits.max_archive_files,
                )
            )
        if sum(map(len, opened.values())) > limits.max_unpacked_bytes:
            raise LimitError(
                Sentence(
                    "The files hold more than {most} MB in all; give fewer at once.",
                    most=limits.max_unpacked_bytes // 2**20,
                )
            )
    return opened


def zip_members(file: BinaryIO) -> list[dict[str, zipfile.ZipInfo]] | None:
    """Members of a local zip by name, grouped by run; None for a file of another kind."""
    if not zipfile.is_zipfile(file):
        file.seek(0)
        return None
    runs: dict[str, dict[str, zipfile.ZipInfo]] = {}
    for info in sorted(zipfile.ZipFile(file).infolist(), key=lambda info: info.filename):
        if not info.is_dir():
            runs.setdefault(run_key(info.filename), {})[info.filename] = info
    return list(runs.values())


def is_hidden(name: str) -> bool:
    """Whether a file is one that a file manager adds: below `__MACOSX`, or with a leading dot."""
    parts = PurePosixPath(name).parts
    return "__MACOSX" in parts or (bool(parts) and parts[-1].startswith("."))


def _check_size(name: str, size: int, limits: Limits) -> None:
    if size > limits.max_file_bytes:
        raise LimitError(
            Sentence(
                "{name} is {size} MB; at most {most} MB a file are read.",
                name=name[:80],
                size=f"{size / 2**20:,.0f}",
                most=limits.max_file_bytes // 2**20,
            )
        )
