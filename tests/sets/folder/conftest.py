"""The folder that tests of task folders spoil."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2lm_core.sets.folder.files import write_task
from tests.sets.folder.sky import LIMITS, TASK


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_task(TASK, tmp_path / "sky", LIMITS)
    return tmp_path / "sky"
