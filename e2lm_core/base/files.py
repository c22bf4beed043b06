"""Locks, sizes and change stamps of files and folders."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

FolderStamp = tuple[tuple[str, int, int, int], ...]


def open_lock_file(path: Path) -> TextIO:
    """Open the file of a lock; the file and its folder are made if missing.

    The file is never deleted: a deletion would let two holders in.

    Raises:
        OSError: The folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("a")


def take_lock(file: TextIO, shared: bool = False, wait: bool = False) -> bool:
    """Whether the lock of an open file could be taken, against other threads and processes alike.

    It ends when the file closes or the process ends.

    Args:
        file: Result of `open_lock_file`.
        shared: Whether others may hold the lock too if theirs is shared as well.
        wait: Whether to wait until the lock is free.
    """
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(file, kind if wait else kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def folder_bytes(places: Iterable[Path]) -> int:
    """Bytes of files, and of all files in folders; hard links to one file count once."""
    sizes: dict[tuple[int, int], int] = {}
    for place in places:
        for path in (str(place), *_within(place)):
            try:
                found = os.stat(path)
            except OSError:  # missing, or deleted meanwhile
                continue
            if stat.S_ISREG(found.st_mode):
                sizes[found.st_dev, found.st_ino] = found.st_size
    return sum(sizes.values())


def _within(place: Path) -> Iterator[str]:
    """All files below a folder, but for those that are moved away during the listing."""
    for folder, _, names in os.walk(place):
        yield from (os.path.join(folder, name) for name in names)


def mtime_and_size(path: Path) -> tuple[int, int] | None:
    """(mtime in ns, bytes) of a file, different after any change; None without it."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def folder_stamp(folder: Path) -> FolderStamp:
    """(name, mtime in ns, bytes, inode) of each file of a folder, by name; () if it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            found = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
    except OSError:
        return ()
    return tuple(sorted((name, s.st_mtime_ns, s.st_size, s.st_ino) for name, s in found))
