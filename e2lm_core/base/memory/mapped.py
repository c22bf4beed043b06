"""Memory-mapped arrays shared between processes.

A file is written under another name first and is never changed: what has a name here is whole. Sent to another process,
an array that lies in a file goes by its place there.
"""

from __future__ import annotations

import contextlib
import logging
import mmap
import os
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

SUFFIX, UNFINISHED = ".array", ".part"
log = logging.getLogger(__name__)
# By path, as long as anything of it is used: many parts of a file need one mapping and one open file.
_OPEN: weakref.WeakValueDictionary[str, Mapped] = weakref.WeakValueDictionary()
_LOCK = threading.Lock()


class Mapped(np.ndarray):
    """An array that lies in a file, or a part of one; it cannot be written to.

    The `path` is the whole file's alone; what is computed of it is an ordinary array.
    """

    path: Path | None = None

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        return array[()] if return_scalar else array.view(np.ndarray)

    def __reduce_ex__(self, protocol: Any) -> Any:
        whole = whole_of(self)
        if whole is None or not self.flags.c_contiguous or not os.path.exists(str(whole.path)):
            return self.view(np.ndarray).__reduce_ex__(protocol)
        return part, (whole.path, self.dtype.str, self.shape, offset(self, whole))


def whole_of(array: object) -> Mapped | None:
    """The file, as bytes, of which an array is a part; None where it lies in memory."""
    while isinstance(array, np.ndarray):
        if isinstance(array, Mapped) and array.path is not None:
            return array
        array = array.base
    return None


def offset(array: np.ndarray, whole: np.ndarray) -> int:
    """Where in `whole` an array begins that is a part of it, in bytes."""
    return int(array.__array_interface__["data"][0] - whole.__array_interface__["data"][0])


def part(path: Path, dtype: str, shape: tuple[int, ...], at: int = 0) -> Mapped:
    """The array at a place of a file, read only. Raises OSError where there is no such file."""
    return np.ndarray.__new__(Mapped, shape, dtype, buffer=_opened(path), offset=at)


def together(arrays: Iterable[np.ndarray]) -> np.ndarray | None:
    """Arrays [N, ...] of one width below one another without a copy, where they lie so in a file; None elsewhere."""
    parts = list(arrays)
    whole = whole_of(parts[0]) if parts else None
    if whole is None or any(one.shape[1:] != parts[0].shape[1:] for one in parts):
        return None
    begins = [offset(one, whole) for one in parts if whole_of(one) is whole and one.flags.c_contiguous]
    ends = [begin + one.nbytes for begin, one in zip(begins, parts, strict=False)]
    if len(begins) < len(parts) or begins[1:] != ends[:-1]:
        return None
    assert whole.path is not None
    shape = (sum(map(len, parts)), *parts[0].shape[1:])
    return part(whole.path, parts[0].dtype.str, shape, begins[0])


def written(path: Path, blocks: Iterable[np.ndarray], dtype: str) -> Mapped | None:
    """The array of blocks below one another, written into a file of this name and mapped; None where that fails.

    Another process may write the same at once: one of both files stays.
    """
    new: Path | None = None
    shape: tuple[int, ...] = (0,)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f"{path.name}.", suffix=UNFINISHED, dir=path.parent)
        new = Path(name)
        # Written and not mapped: on a full disk a write fails, where a mapping ends the process.
        with os.fdopen(handle, "wb") as file:
            for block in blocks:
                shape = (shape[0] + len(block), *block.shape[1:])
                file.write(np.ascontiguousarray(block, dtype).data)
        with contextlib.suppress(PermissionError):  # Windows replaces no file that is mapped: it is the same
            new.replace(path)
        return part(path, dtype, shape)
    except OSError as error:
        log.warning("An array of a large set stays in memory: %s.", error.strerror or error)
        return None
    finally:
        if new is not None:
            new.unlink(missing_ok=True)


def made(
    path: Path, blocks: Callable[[], Iterable[np.ndarray]], dtype: str, shape: tuple[int, ...]
) -> Mapped | None:
    """The array in the file of this name, `written` first where it is not there."""
    with contextlib.suppress(OSError):
        return part(path, dtype, shape)
    return written(path, blocks(), dtype)


def of_owner(array: Mapped) -> None:
    """Remove the file, and those that are named after it, once nothing in this process uses it or the process ends."""
    whole = whole_of(array)
    assert whole is not None
    assert whole.path is not None
    weakref.finalize(whole.base, remove, whole.path)  # the mapping, which ends after all that uses it


def remove(path: Path) -> None:
    """Remove a file and those that are named after it; who has mapped it goes on with what it has."""
    for one in (path, *path.parent.glob(f"{path.stem}-*")):
        with contextlib.suppress(OSError):  # on Windows what is mapped stays, until `sweep`
            one.unlink()


def named_after(path: Path, *words: str) -> Path:
    """The path of a file that goes with another."""
    return path.with_name("-".join((path.stem, *words)) + SUFFIX)


def sweep(folder: Path) -> None:
    """Remove all files of this kind: those that were left by a process that was killed."""
    for pattern in (f"*{SUFFIX}", f"*{UNFINISHED}"):
        for one in folder.glob(pattern):
            with contextlib.suppress(OSError):
                one.unlink()


def _opened(path: Path) -> Mapped:
    with _LOCK:
        whole = _OPEN.get(str(path))
        if whole is None:
            with path.open("rb") as file:
                mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            whole = np.ndarray.__new__(Mapped, len(mapping), np.uint8, buffer=mapping)
            _OPEN[str(path)] = whole
            whole.path = path
        return whole
