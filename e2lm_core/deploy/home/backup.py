"""Consistent backup of the home as one archive.

The archive is a tar with gzip: `backup.json` first, then the content of the home, each database as SQLite's
own backup writes it, each set with its history as it was under the set's lock. The cache, the locks and the
keys that sign cookies and pages are left out: they are created anew.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import re
import shutil
import sqlite3
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from e2lm_core.base.atomic import is_stream
from e2lm_core.base.database import translate_errors
from e2lm_core.base.errors import StudioError
from e2lm_core.base.memory import snapshot
from e2lm_core.base.records import Record
from e2lm_core.base.settings import Settings
from e2lm_core.base.version import VERSION
from e2lm_core.people import accounts
from e2lm_core.sets import locks

HEAD = "backup.json"
FORMAT = 1
ASIDE = "aside"  # homes replaced by a restore
# Keys that sign cookies and open pages: another home creates its own, and people sign in again there.
KEYS = {"cookie.key", "pages.key"}
LEFT_OUT = {"cache", "locks", "presence", ASIDE, *KEYS}
PEOPLE = "people"
# Temporary files of saves, locks and checks.
_PASSING = re.compile(r"\..*\.(new-.*|lock|previous)|\.(disk|restore|backup)-.*|.*\.sqlite-(wal|shm|journal)")
_PACKED = 6
_WAIT_S = 10.0
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class BackupInfo(Record):
    """A backup that was written.

    Attributes:
        path: Path of the archive.
        bytes: Size of the archive.
        files: Number of files in it.
        sets: Number of sets in it.
        damaged: Databases that cannot be read; they are in it as they lie on the disk, as `NAME.damaged`.
    """

    path: Path
    bytes: int
    files: int
    sets: int
    damaged: tuple[str, ...] = ()


def write_backup(settings: Settings, path: Path) -> BackupInfo:
    """Write a backup of the home to `path`, complete or not at all, while others go on writing.

    A set is locked only while it is read; its other writers wait for that time.

    Raises:
        StudioError: The caller is no administrator, there is no home, or the disk refuses.
        TaskError: A set's lock is not free in time.
    """
    accounts.require_administrator(settings, "back up the home")
    home = settings.home
    if not home.is_dir():
        raise StudioError(f"There is nothing to back up: {home} is not there; E2LM_HOME names the home.")
    path = path.absolute()
    if is_stream(path):  # a device or a pipe must not be replaced by a file
        return _into_stream(settings, path)
    path = Path(os.path.realpath(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".backup-", dir=path.parent)
    except OSError as error:
        raise _unwritten(path, error) from error
    new = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            held = _write(file, settings, {path, new})
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        raise _unwritten(path, error) from error
    finally:
        new.unlink(missing_ok=True)
    return BackupInfo(path=path, bytes=path.stat().st_size, **held._asdict())


def _into_stream(settings: Settings, path: Path) -> BackupInfo:
    """Write a backup to a device or pipe, from a temporary file: an archive is not written front to back."""
    try:
        with tempfile.TemporaryFile() as file, path.open("wb") as stream:
            held = _write(file, settings, {path})
            size = file.tell()
            file.seek(0)
            shutil.copyfileobj(file, stream)
    except OSError as error:
        raise _unwritten(path, error) from error
    return BackupInfo(path=path, bytes=size, **held._asdict())


def list_workspaces(home: Path) -> Iterator[Path]:
    """The home's own workspace, then those of all people."""
    yield home
    people = home / PEOPLE
    if people.is_dir():
        yield from sorted(folder for folder in people.iterdir() if folder.is_dir())


def set_names(workspace: Path) -> set[str]:
    """Names of the sets of a workspace, also of those of which only the history is left."""
    return {
        entry.name
        for part in ("sets", "history")
        if (workspace / part).is_dir()
        for entry in (workspace / part).iterdir()
        if entry.is_dir() and not entry.name.startswith(".")
    }


def lock_set(settings: Settings, workspace: Path, name: str) -> contextlib.AbstractContextManager[bool]:
    """Lock a set of a workspace against other writers; without effect on a read-only disk.

    The context gives whether this thread held the lock already.

    Args:
        settings: Settings of the home.
        workspace: Folder of the home or of a person.
        name: Name of the set.

    Raises:
        TaskError: Another writer does not end in time, or the caller may not edit the set.
    """
    if not os.access(workspace, os.W_OK):
        return contextlib.nullcontext(False)
    person = None if workspace == settings.home else workspace.name
    return locks.lock_set(settings.for_person(person), name)


def _unwritten(path: Path, error: OSError) -> StudioError:
    return StudioError(
        f"The backup {path} could not be written ({error.strerror or error}): choose another place, or free some space."
    )


class _Held(NamedTuple):
    files: int
    sets: int
    damaged: tuple[str, ...]


def _write(file: io.BufferedIOBase, settings: Settings, own: set[Path]) -> _Held:
    """Write the archive; returns the numbers of files and sets, and the names of damaged databases."""
    files, sets = 0, 0
    damaged: list[str] = []
    with (
        gzip.GzipFile(fileobj=file, mode="wb", compresslevel=_PACKED) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        head = {"format": FORMAT, "studio": VERSION, "made_at": time.time()}
        _add(archive, HEAD, json.dumps(head).encode(), time.time())
        for path in sorted(settings.home.glob("*.sqlite")):
            if not _add_database(archive, path):
                _add_damaged(archive, path)
                damaged.append(path.name)
            files += 1
        for workspace in list_workspaces(settings.home):
            names = set_names(workspace)
            for name in sorted(names):
                files += _add_set(archive, settings, workspace, name)
            sets += len(names)
            files += _add_rest(archive, settings.home, workspace, own)
    return _Held(files, sets, tuple(damaged))


def _add_set(archive: tarfile.TarFile, settings: Settings, workspace: Path, name: str) -> int:
    """Add a set and its history of one moment: read under the set's lock, packed after its release."""
    with lock_set(settings, workspace, name):
        held = [
            (str(path.relative_to(settings.home)), path.read_bytes(), path.stat().st_mtime)
            for part in ("sets", "history")
            for path in _files(workspace / part / name)
        ]
    for inside, content, modified in held:
        _add(archive, inside, content, modified)
    return len(held)


def _add_rest(archive: tarfile.TarFile, home: Path, workspace: Path, own: set[Path]) -> int:
    """Add drafts, saved imports, trash and other files of a workspace; a file that vanishes is left out."""
    left_out = LEFT_OUT | {"sets", "history"} | ({PEOPLE} if workspace == home else set())
    count = 0
    for entry in sorted(workspace.iterdir()):
        if entry.name in left_out or _PASSING.fullmatch(entry.name):
            continue
        for path in [entry] if entry.is_file() else _files(entry):
            if path in own or (path.parent == home and path.suffix == ".sqlite") or path.is_symlink():
                continue
            with contextlib.suppress(FileNotFoundError):
                _add(archive, str(path.relative_to(home)), path.read_bytes(), path.stat().st_mtime)
                count += 1
    return count


def _add_database(archive: tarfile.TarFile, path: Path) -> bool:
    """Add a database as of one moment, without waiting writers in WAL mode; False if it is damaged."""
    with tempfile.TemporaryDirectory(prefix="e2lm-backup-") as folder, translate_errors(path):
        copy = Path(folder) / path.name
        try:
            with (
                contextlib.closing(_opened(path)) as source,
                contextlib.closing(sqlite3.connect(copy)) as target,
            ):
                source.backup(target)
                target.execute("PRAGMA journal_mode = DELETE")
                # The check of `restore`: a database that it would refuse is no backup.
                if target.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",):
                    return False
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE:
                return False
            raise
        archive.add(copy, arcname=path.name, filter=_plain)
    return True


def _opened(path: Path) -> sqlite3.Connection:
    if snapshot.can_write(path):
        return sqlite3.connect(path, timeout=_WAIT_S)
    return snapshot.open_read_only(path, _WAIT_S)


def _add_damaged(archive: tarfile.TarFile, path: Path) -> None:
    """Add a database that cannot be read, and its journal, as they lie on the disk, for a later repair."""
    for end in ("", "-wal"):
        with contextlib.suppress(FileNotFoundError):
            archive.add(f"{path}{end}", arcname=f"{path.name}.damaged{end}", filter=_plain)


def _add(archive: tarfile.TarFile, name: str, content: bytes, modified: float) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = len(content), int(modified), 0o644
    archive.addfile(entry, io.BytesIO(content))


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o644
    return entry


def _files(folder: Path) -> list[Path]:
    """Files below a folder without temporary ones and links."""
    if not folder.is_dir():
        return []
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not path.is_symlink()
        and not any(_PASSING.fullmatch(part) for part in path.relative_to(folder).parts)
    ]
