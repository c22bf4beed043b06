"""Restore of a home from a backup.

The archive is unpacked next to the home and checked before anything is changed: its names, its databases,
whether this studio can read them. Databases are restored through SQLite's own backup, so that programs that
have them open see the restored ones; sets under their locks. Tested in tests/deploy/home/test_backup.py.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import tarfile
import tempfile
import time
from pathlib import Path

from e2lm_core.base.database import SCHEMA_VERSION, translate_errors
from e2lm_core.base.errors import StoreError, StudioError
from e2lm_core.base.records import Record
from e2lm_core.base.settings import Settings
from e2lm_core.base.untrusted.regular_files import open_regular
from e2lm_core.deploy.home.backup import ASIDE, FORMAT, HEAD, LEFT_OUT, list_workspaces, lock_set, set_names
from e2lm_core.people import accounts

_STAYS = LEFT_OUT
_BUSY_S = 10.0


class Restored(Record):
    """Outcome of a restore.

    Attributes:
        made_at: Date of the backup in seconds since 1970.
        sets: Number of sets restored.
        aside: Folder of the previous home; None if it was empty.
    """

    made_at: float
    sets: int
    aside: Path | None


def restore(settings: Settings, path: Path, replace: bool = False) -> Restored:
    """Replace the home by the content of a backup; the previous content moves to `home/aside/…`.

    Args:
        settings: The caller's settings.
        path: The backup.
        replace: Whether a home with content may be replaced.

    Raises:
        StudioError: The caller is no administrator; the home has content and `replace` is not set; the file
            is no backup, is damaged, of another version, or holds a name or link that leads out; or the disk
            refuses.
    """
    accounts.require_administrator(settings, "restore a home")
    home = settings.home
    if not replace and has_content(home):
        raise StudioError(
            f"The home {home} is not empty: with --yes its content moves to its folder `aside`, and the backup takes "
            "its place."
        )
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".restore-", dir=home) as folder:
            unpacked = Path(folder)
            made_at = _unpack(path, unpacked)
            for database in sorted(unpacked.glob("*.sqlite")):
                _check(database, path, settings)
            sets = sum(len(set_names(workspace)) for workspace in list_workspaces(unpacked))
            aside = _put_in_place(settings, unpacked)
    except OSError as error:
        raise StudioError(
            f"{error.filename or path} cannot be used ({error.strerror or error}): check its path, its rights and "
            "the free space; the former content lies in the home's folder `aside`."
        ) from error
    return Restored(made_at=made_at, sets=sets, aside=aside)


def has_content(home: Path) -> bool:
    """Whether the home holds anything that a restore would replace."""
    return home.is_dir() and any(
        entry.name not in _STAYS and not entry.name.startswith(".") for entry in home.iterdir()
    )


def _unpack(path: Path, folder: Path) -> float:
    """Unpack a backup into an empty folder; returns its date."""
    try:
        with open_regular(path) as file, tarfile.open(fileobj=file, mode="r:gz") as archive:
            room = shutil.disk_usage(folder).free
            for entry in archive:
                if not entry.isfile():
                    raise StudioError(f"{path} holds {entry.name[:80]!r}, which is no file: it is no backup.")
                room -= entry.size
                if room < 0:
                    raise StudioError(f"{path} unpacks to more than the disk has room for: free some space.")
                archive.extract(entry, folder, filter="data")
        head = json.loads((folder / HEAD).read_text(encoding="utf-8"))
        made, made_at = int(head["format"]), float(head["made_at"])
    except tarfile.FilterError as error:
        raise StudioError(f"{path} holds a name that leads out of the home: it is no backup.") from error
    except (tarfile.TarError, EOFError, KeyError, TypeError, ValueError) as error:
        raise StudioError(
            f"{path} is no backup of a home, or is damaged: give a file that `backup` made."
        ) from error
    except FileNotFoundError as error:
        if path.is_file():
            raise StudioError(f"{path} is no backup of a home: it has no {HEAD}.") from error
        raise
    if made > FORMAT:
        raise StudioError(f"{path} was made by a newer studio: update this one, then restore it.")
    (folder / HEAD).unlink()
    return made_at


def _check(database: Path, path: Path, settings: Settings) -> None:
    """Raise StudioError for a database that is damaged, or that this studio cannot open for its version."""
    try:
        with contextlib.closing(sqlite3.connect(database)) as connection:
            ((verdict,),) = connection.execute("PRAGMA integrity_check(1)").fetchall()
            ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    except sqlite3.DatabaseError as error:
        raise StudioError(f"The {database.name} in {path} is damaged: use another backup.") from error
    if verdict != "ok":
        raise StudioError(f"The {database.name} in {path} is damaged: use another backup.")
    if version > SCHEMA_VERSION:
        raise StudioError(f"{path} was made by a newer studio: update this one, then restore it.")
    if database.name == settings.database.name and 0 < version < SCHEMA_VERSION:
        raise StudioError(
            f"The {database.name} in {path} is of version {version} and this studio reads version "
            f"{SCHEMA_VERSION} only: restore it with the studio that made it."
        )


def _put_in_place(settings: Settings, unpacked: Path) -> Path | None:
    """Swap the unpacked home and the present one, by sets and files; returns the previous one's folder."""
    home = settings.home
    aside: Path | None = None
    if has_content(home):
        aside = home / ASIDE / time.strftime("%Y%m%d-%H%M%S")
        aside.mkdir(parents=True)
    with contextlib.ExitStack() as stack:
        for workspace in list_workspaces(home):
            inside = unpacked / workspace.relative_to(home)
            # All callers lock in the same order, so that two of them cannot wait for each other.
            for name in sorted(set_names(workspace) | set_names(inside)):
                stack.enter_context(lock_set(settings, workspace, name))
        databases = {p.name for folder in (home, unpacked) for p in folder.glob("*.sqlite")}
        if aside is not None:
            _move(home, aside, databases)
        for name in sorted(databases):
            _swap_database(home / name, unpacked / name, aside / name if aside is not None else None)
        _move(unpacked, home, databases)
    return aside


def _move(source: Path, target: Path, databases: set[str]) -> None:
    """Move the content of a home, except for databases and for what stays, such as people's locks."""
    of_databases = {name + end for name in databases for end in ("", "-wal", "-shm", "-journal")}
    for entry in sorted(source.iterdir()):
        if entry.name in _STAYS | of_databases or entry.name.startswith("."):
            continue
        if entry.name == "people":
            for person in sorted(entry.iterdir()):
                (target / "people" / person.name).mkdir(parents=True, exist_ok=True)
                _move(person, target / "people" / person.name, set())
        else:
            entry.rename(target / entry.name)


def _swap_database(path: Path, new: Path, aside: Path | None) -> None:
    """Copy the old database aside and write the new one into the same file, which programs may have open.

    An old one that cannot be read is moved aside instead, and also one that the backup does not have.
    """
    if path.exists() and aside is not None:
        try:
            _copy(path, aside)
        except (sqlite3.DatabaseError, StoreError):
            _set_aside(path, aside)
        else:
            if not new.exists():
                _set_aside(path, aside)
    if new.exists():
        with translate_errors(path):
            _copy(new, path)
            new.unlink()


def _copy(source: Path, target: Path) -> None:
    with (
        contextlib.closing(sqlite3.connect(source, timeout=_BUSY_S)) as read,
        contextlib.closing(sqlite3.connect(target, timeout=_BUSY_S)) as written,
    ):
        read.backup(written)


def _set_aside(path: Path, aside: Path) -> None:
    for end in ("-wal", "-shm", "-journal"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + end).rename(aside.with_name(aside.name + end))
    path.rename(aside)
