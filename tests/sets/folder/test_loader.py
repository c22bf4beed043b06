"""The loader in every task folder is known by its bytes, and one that was changed is not ours."""

from __future__ import annotations

import hashlib
from pathlib import Path

from e2lm_core.sets.folder.datafiles import LOADER
from tests.sets.folder.sky import refused


def test_a_changed_loader_is_not_ours(folder: Path) -> None:
    (folder / "loader.py").write_bytes(LOADER + b"\nprint('mine')\n")
    assert "is not the studio's own loader" in refused(folder)


def test_the_loader_s_bytes_are_stable() -> None:
    """Sets that were exported before must stay known: a change here needs the old hash to be kept."""
    assert (
        hashlib.sha256(LOADER).hexdigest()
        == "2c558d45692ad24ea0f12b79a361a96a7ee8ced881157e7d6846c90250ee9cf7"
    )
