"""The studio that tests of sets write in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2lm_core.base.settings import Settings
from e2lm_core.sets import collection
from tests.support import german, studios

# Task folders come as YAML, and options are those of commands.
_ELSEWHERE = re.compile(r"/sets/folder/|/safeyaml\.py|/tests/")
_OPTIONS = re.compile(r"--answers-from|--skip-broken")


@pytest.fixture(autouse=True)
def refusals_are_german_too(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Every error that a test of sets meets has German, but for the tests of task folders."""
    if "/sets/folder/" in str(request.path):
        yield
        return
    with german.all_translated(
        monkeypatch, lambda file, said: not _ELSEWHERE.search(file) and not _OPTIONS.search(said)
    ):
        yield


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    """A studio with an example, `little`, and the user's copy of it, `mine`."""
    settings = studios.settings(tmp_path)
    studios.write_example(settings)
    collection.copy_set(settings, "little", "mine")
    return settings
