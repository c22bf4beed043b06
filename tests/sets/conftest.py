"""The studio that tests of sets write in."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2lm_core.base.settings import Settings
from e2lm_core.sets import collection
from tests.support import studios


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    """A studio with an example, `little`, and the user's copy of it, `mine`."""
    settings = studios.settings(tmp_path)
    studios.write_example(settings)
    collection.copy_set(settings, "little", "mine")
    return settings
