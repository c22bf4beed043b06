"""Memory-mapped arrays shared between processes.

A file is written under another name first and never changes: a file with its final name is complete. An array
in a file is sent to another process as a reference to the file.
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
# Mappings by path, as long as any part is used: all parts of a file share one mapping and one open file.
_OPEN: weakref.WeakValueDictionary[str, Mapped] = weakref.WeakValueDictionary()
_LOCK = threading.Lock()


class Mapped(np.ndarray):
    """An array in a file, or a part of one; it cannot be written to.

    Attributes:
        path: The file, on the array of the whole file; None on a part. Results of computing with a part are
            ordinary arrays.
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
    """The whole file, as bytes [N] uint8, of which `array` is a part; None for an array in memory."""
    while isinstance(array, np.ndarray):
        if isinstance(array, Mapped) and array.path is not None:
            return array
        array = array.base
    return None


def offset(array: np.ndarray, whole: np.ndarray) -> int:
    """Offset of an array in the file that it is a part of, in bytes.

    Args:
        array: Part [N, ...] of `whole`, of any dtype.
        whole: The whole file [N], uint8.
    """
    return int(array.__array_interface__["data"][0] - whole.__array_interface__["data"][0])


def part(path: Path, dtype: str, shape: tuple[int, ...], at: int = 0) -> Mapped:
    """The read-only array at an offset of a file.

    Args:
        path: The file.
        dtype: The array's dtype, as numpy writes it.
        shape: The array's shape.
        at: Offset in the file, in bytes.

    Returns:
        Array of `shape` and `dtype`.

    Raises:
        OSError: The file does not exist or cannot be read.
    """
    return np.ndarray.__new__(Mapped, shape, dtype, buffer=_opened(path), offset=at)


def together(arrays: Iterable[np.ndarray]) -> np.ndarray | None:
    """Arrays joined along the first axis without a copy, if they lie so in a file; otherwise None.

    Args:
        arrays: Arrays [N, ...] with equal further axes, in order.

    Returns:
        Array [N, ...] with the sum of their lengths; None unless they follow one another in one file.
    """
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
    """Write blocks one after another into a new file and map it; None if that fails.

    Another process may write the same array at once: one of the two files stays.

    Args:
        path: Name of the file.
        blocks: Arrays [N, ...] with equal further axes, in order.
        dtype: The dtype to store.

    Returns:
        Array [N, ...] of `dtype` with all blocks; None if the disk fails, with a warning in the log.
    """
    new: Path | None = None
    shape: tuple[int, ...] = (0,)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f"{path.name}.", suffix=UNFINISHED, dir=path.parent)
        new = Path(name)
        # The file is written, not mapped: on a full disk a write fails, whereas a mapping ends the process.
        with os.fdopen(handle, "wb") as file:
            for block in blocks:
                shape = (shape[0] + len(block), *block.shape[1:])
                file.write(np.ascontiguousarray(block, dtype).data)
        new.replace(path)
        return part(path, dtype, shape)
    except OSError as error:
        log.warning("An array of a large set stays in memory: %s.", error.strerror or error)
        return None
    finally:
        if new is not None:
            new.unlink(missing_ok=True)


def map_file(
    path: Path, blocks: Callable[[], Iterable[np.ndarray]], dtype: str, shape: tuple[int, ...]
) -> Mapped | None:
    """The array in a file; a missing file is written first, see `written`.

    Args:
        path: Name of the file.
        blocks: Makes the arrays [N, ...] to write.
        dtype: The array's dtype.
        shape: Shape of the array in an existing file.

    Returns:
        Array of `shape` and `dtype`; None if the file cannot be written.
    """
    with contextlib.suppress(OSError):
        return part(path, dtype, shape)
    return written(path, blocks(), dtype)


def of_owner(array: Mapped) -> None:
    """Remove the array's file, and files named after it, once nothing in this process uses it.

    This happens at the end of the process at the latest.

    Args:
        array: Array [N, ...] in a file, or a part of one.
    """
    whole = whole_of(array)
    assert whole is not None
    assert whole.path is not None
    weakref.finalize(whole.base, remove, whole.path)  # the mapping ends after all arrays that use it


def remove(path: Path) -> None:
    """Remove a file and the files named after it; processes that have mapped them keep their content."""
    for one in (path, *path.parent.glob(f"{path.stem}-*")):
        with contextlib.suppress(OSError):  # what stays is removed by `sweep`
            one.unlink()


def named_after(path: Path, *words: str) -> Path:
    """Path of a file that accompanies another: its stem with `words` appended."""
    return path.with_name("-".join((path.stem, *words)) + SUFFIX)


def sweep(folder: Path) -> None:
    """Remove all array files of a folder, as a killed process leaves them."""
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
