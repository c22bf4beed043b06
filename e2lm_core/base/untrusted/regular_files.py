"""Regular files opened without following pipes or devices, read within a size limit.

Tested in tests/base/untrusted/test_regular_files.py.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def open_regular(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file for reading; a pipe without a writer is refused without waiting.

    Raises:
        OSError: The path is a folder, a pipe or a device, or cannot be opened.
    """
    with open(
        path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0))
    ) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(0, "it is no file but a folder, a pipe or a device", str(path))
        yield file


def read_regular(path: Path, max_bytes: int) -> bytes:
    """The bytes of a file, at most `max_bytes`, whatever size it claims.

    Raises:
        OSError: The file is not regular, is larger or cannot be read.
        ValueError: No file can have that name.
    """
    with open_regular(path) as file:
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise OSError(0, f"it has more than {max_bytes:,} bytes", str(path))
    return data
