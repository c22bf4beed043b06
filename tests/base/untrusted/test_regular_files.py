"""Files by name: regular ones within a limit, and nothing that never ends."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from e2lm_core.base.untrusted.regular_files import read_regular


def test_a_file_is_read_up_to_the_limit(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"12345")
    assert read_regular(tmp_path / "x", 5) == b"12345"
    with pytest.raises(OSError, match="more than 4 bytes"):
        read_regular(tmp_path / "x", 4)


def test_what_never_ends_is_not_begun(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path, tmp_path / "nothing"):
        with pytest.raises(OSError):
            read_regular(path, 10)
    with pytest.raises(ValueError, match="null byte"):
        read_regular(Path("a\0b"), 10)
