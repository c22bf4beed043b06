"""A lab's results and published tables in the benchmark's short form: read by the command, with little memory."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from benchmarks.interop import large


@pytest.mark.slow
def test_what_is_large_is_read_by_the_command(tmp_path: Path) -> None:
    given = argparse.Namespace(only=None, checkpoints=5, samples=50, rows=3_000)
    found = dict(large.paths(tmp_path, given))
    assert [name for name, one in found.items() if one.status] == []
    assert len(found) == 4
    assert max(one.mb for one in found.values()) < large.MAX_MB
