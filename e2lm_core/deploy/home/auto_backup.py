"""Periodic backup of the home to E2LM_BACKUP.

If a mounted volume cannot hold a database that two programs share (object storage, say), the home lies on the
container's own disk. It is restored from the file when the server starts with an empty home, and written to
it every ten minutes in which something changed, and at the end.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path

from e2lm_core.base.errors import StudioError
from e2lm_core.base.settings import Settings
from e2lm_core.deploy import logs
from e2lm_core.deploy.home import backup, restore

VARIABLE = "E2LM_BACKUP"
EVERY_S = 600.0
_NEWER = ".new"


def backup_target(env: Mapping[str, str] = os.environ) -> Path | None:
    """File named by `E2LM_BACKUP`; None if it is not set."""
    named = env.get(VARIABLE)
    return Path(named).expanduser().absolute() if named else None


def restore_if_empty(settings: Settings, file: Path) -> bool:
    """Restore an empty home from a backup; returns False if the home has content or there is no backup.

    If the complete file is missing or damaged, the one that was being written at the last end is tried.

    Raises:
        StudioError: Neither file can be restored.
    """
    there = [path for path in (file, file.with_name(file.name + _NEWER)) if path.is_file()]
    if not there or restore.has_content(settings.home):
        return False
    for path in there[:-1]:
        try:
            restore.restore(settings, path)
            return True
        except StudioError as error:
            logs.log_warning(str(error))
    restore.restore(settings, there[-1])
    return True


class AutoBackup:
    """Thread that writes the home to a file periodically, from `start` to `stop`."""

    def __init__(self, settings: Settings, file: Path, every_s: float = EVERY_S) -> None:
        self._settings, self._file, self._every_s = settings, file, every_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="backups", daemon=True)
        self._kept = _stamp(settings.home)

    def start(self) -> None:
        """Start the thread; changes count from the creation of this object."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread after a last backup of the changes."""
        self._over.set()
        self._thread.join()
        self.write_if_changed()

    def write_if_changed(self) -> bool:
        """Write the home if it changed since the last backup.

        An error is logged, and the next call tries again.

        Returns:
            Whether a backup was written.
        """
        stamp = _stamp(self._settings.home)
        if stamp == self._kept:
            return False
        try:
            made = backup.write_backup(self._settings, self._settings.cache / "backup.tar.gz")
            _put(made.path, self._file)
        except (StudioError, OSError) as error:
            logs.log_warning(f"The home is not kept: {error}")
            return False
        self._kept = stamp
        logs.log_event("kept", bytes=made.bytes, sets=made.sets)
        return True

    def _run(self) -> None:
        while not self._over.wait(self._every_s):
            self.write_if_changed()


def _put(source: Path, target: Path) -> None:
    """Copy next to the target, then replace it in one step; on a disk without this step, copy over it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    newer = target.with_name(target.name + _NEWER)
    shutil.copyfile(source, newer)
    source.unlink()
    try:
        newer.chmod(0o600)
        newer.replace(target)
    except OSError:
        shutil.copyfile(newer, target)
        newer.unlink()


def _stamp(home: Path) -> int:
    """Hash of all files' names, dates and sizes in the home, without the cache and the locks."""
    found = []
    for folder, folders, names in os.walk(home):
        if Path(folder) == home:
            folders[:] = [name for name in folders if name not in backup.LEFT_OUT]
        for name in names:
            try:
                stat = os.stat(os.path.join(folder, name))
            except FileNotFoundError:
                continue
            if not name.endswith("-shm") and "/locks" not in folder:
                found.append((folder, name, stat.st_mtime_ns, stat.st_size))
    return hash(tuple(sorted(found)))
