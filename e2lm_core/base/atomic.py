"""Atomic writes of files and folders.

A folder's new content is made beside it and takes its place by one exchange if the system has it (Linux),
else by two renames, of which the first can be undone: `recover` undoes it after a crash between the two.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from e2lm_core.base.errors import TaskError
from e2lm_core.base.sentences import Sentence

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_NOT_EXCHANGEABLE = {errno.ENOSYS, errno.EINVAL, errno.EXDEV, errno.ENOTSUP, errno.EPERM}


def replace_folder(folder: Path, files: Mapping[str, bytes], removed_names: Callable[[str], bool]) -> None:
    """Replace the content of `folder` in one step.

    The folder then holds `files` and those of its earlier files that `removed_names` does not match; on an
    error it is as before.

    Args:
        folder: Folder to write; made if missing.
        files: Content by file name.
        removed_names: Tells for the name of an earlier file whether it is removed.

    Raises:
        TaskError: The disk failed.
    """
    new: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        recover(folder)
        new = Path(tempfile.mkdtemp(prefix=f".{folder.name}.new-", dir=folder.parent))
        new.chmod(0o755)
        for name, data in files.items():
            _write(new / name, data)
        if folder.is_dir():
            _keep(folder, new, lambda name: name in files or removed_names(name))
        sync_folder(new)
        _put_in_place(new, folder)
        sync_folder(folder.parent)
    except OSError as error:
        raise TaskError(_sentence(folder.name, error)) from error
    finally:
        if new is not None:
            shutil.rmtree(new, ignore_errors=True)


def replace_file_in_folder(folder: Path, name: str, data: bytes) -> None:
    """Replace one file of `folder` in one step; the new file is made beside the folder.

    On an error the folder is as before.

    Raises:
        TaskError: The disk failed.
    """
    try:
        replace_file_bytes(folder / name, data, folder.parent / f".{folder.name}.new-")
    except OSError as error:
        raise TaskError(_sentence(folder.name, error)) from error


def replace_file_bytes(path: Path, data: bytes, temp_prefix: Path | None = None) -> None:
    """Replace the content of a file in one step, by way of a new file.

    Args:
        path: File to replace.
        data: New content.
        temp_prefix: Beginning of the new file's path; the path itself with a dot if None.

    Raises:
        OSError: The disk failed.
    """
    _replace(path, data, temp_prefix or path.with_name(f"{path.name}."), suffix=".part")
    sync_folder(path.parent)


def remove_leftovers(folder: Path, older_than_s: float) -> None:
    """Remove files of killed writers beside `folder` that are older than `older_than_s` seconds.

    Only the present writer of the folder may call this, because another writer's new files would be removed
    too.
    """
    remove_leftover_files(folder.parent, f".{folder.name}.new-*", older_than_s)


def remove_leftover_files(folder: Path, pattern: str, older_than_s: float) -> None:
    """Remove files and folders in `folder` that match `pattern` and are older than `older_than_s` seconds.

    Failures are ignored.
    """
    for left in folder.glob(pattern):
        with suppress(OSError):
            if time.time() - left.lstat().st_mtime > older_than_s:
                if left.is_dir() and not left.is_symlink():
                    shutil.rmtree(left, ignore_errors=True)
                else:
                    left.unlink()


def replace_file(path: Path, data: bytes, called: str | None = None) -> None:
    """Write one file in one step; a link stays a link, and its target is replaced.

    A device or a pipe is written into, not replaced, so that a write there may be partial.

    Args:
        path: File to write; its folder is made if missing.
        data: New content.
        called: Name of the content in an error, if the file's name would tell its author nothing.

    Raises:
        TaskError: The disk failed.
    """
    try:
        if is_stream(path):
            path.write_bytes(data)
            return
        path = Path(os.path.realpath(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, data, path.with_name(f".{path.name}.new-"))
    except OSError as error:
        raise TaskError(_sentence(called or path.name, error)) from error


def is_stream(path: Path) -> bool:
    """Whether the path is neither a file nor a folder: a device, a pipe, a terminal."""
    return path.exists() and not (path.is_file() or path.is_dir())


def recover(folder: Path) -> None:
    """Restore a folder that a crash left between two renames."""
    previous = _previous(folder)
    if previous.is_dir() and not folder.exists():
        previous.rename(folder)


def _put_in_place(new: Path, folder: Path) -> None:
    if not folder.exists():
        new.rename(folder)
        return
    if _exchange(new, folder):
        return  # `new` is the old folder now, and the caller removes it
    previous = _previous(folder)
    shutil.rmtree(previous, ignore_errors=True)
    folder.rename(previous)
    try:
        new.rename(folder)
    except OSError:
        previous.rename(folder)
        raise
    shutil.rmtree(previous, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two folders in one step; False if the system cannot."""
    if not sys.platform.startswith("linux"):
        return False
    swap = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if swap is None:
        return False
    if swap(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in _NOT_EXCHANGEABLE:
        return False
    raise OSError(code, os.strerror(code))


def _replace(path: Path, data: bytes, temp_prefix: Path, suffix: str = "") -> None:
    """Write a new file whose path begins with `temp_prefix`, and put it in the place of another."""
    handle, name = tempfile.mkstemp(prefix=temp_prefix.name, suffix=suffix, dir=temp_prefix.parent)
    os.close(handle)
    new = Path(name)
    try:
        _write(new, data)
        new.chmod(0o644)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _keep(old: Path, new: Path, dropped: Callable[[str], bool]) -> None:
    for entry in old.iterdir():
        if dropped(entry.name) or entry.name == "__pycache__":
            continue
        if entry.is_symlink() or entry.is_file():
            shutil.copy2(entry, new / entry.name, follow_symlinks=False)
        elif entry.is_dir():
            shutil.copytree(entry, new / entry.name, symlinks=True)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut.

    Raises:
        OSError: The folder cannot be opened or synced.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _previous(folder: Path) -> Path:
    return folder.parent / f".{folder.name}.previous"


_REASONS = {
    errno.ENOSPC: Sentence("the disk is full; free some space"),
    errno.EDQUOT: Sentence("the disk quota is used up; free some space"),
    errno.EFBIG: Sentence("the file is larger than the system allows; make the set smaller"),
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM), Sentence("there is no permission to write there; choose another folder")
    ),
    errno.EROFS: Sentence("the disk is read-only; choose another folder"),
    **dict.fromkeys(
        (errno.EEXIST, errno.ENOTDIR),
        Sentence("a file stands where a folder is needed; choose another folder"),
    ),
}


def _sentence(name: str, error: OSError) -> Sentence:
    problem = Sentence("the disk said {problem}; look at it", problem=error.strerror or str(error))
    return Sentence(
        "{name} could not be saved: {reason} and save again (what was saved before is unharmed).",
        name=name,
        reason=_REASONS.get(error.errno or 0, problem),
    )
