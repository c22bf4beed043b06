"""Environments for other tools: one that works is taken as it is, and what pip refuses is said in a sentence."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.interop import environments
from e2lm_core.base.errors import StudioError


def test_one_that_is_given_and_works_is_taken(tmp_path: Path) -> None:
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    assert environments.environment("x", ("nothing",), tmp_path) == python
    assert not (tmp_path / environments.MADE).exists()


def test_what_pip_refuses_is_one_sentence() -> None:
    with pytest.raises(StudioError, match="pip no-such-command failed: ERROR: unknown command"):
        environments._pip(Path(sys.executable), "no-such-command")
