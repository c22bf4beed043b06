"""The app over a small ladder of real Llamas: as it is before anything was run, and with all results."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2lm_core.runs import evaluate
from e2lm_core.runs.studio import open_studio
from e2lm_core.sets import collection
from tests.support import studios
from tests.support.visits import OWN, Visit, app_in, learnt_in


@pytest.fixture(scope="session")
def ladder(tmp_path_factory) -> Path:
    return studios.real_ladder(tmp_path_factory.mktemp("pages") / "ladder")


@pytest.fixture(scope="session")
def finished(tmp_path_factory, ladder) -> Path:
    """A folder with an example, a copy of it named `mine`, and every result of theirs."""
    folder = tmp_path_factory.mktemp("finished")
    chosen = studios.settings(folder, ladder)
    studios.write_example(chosen)
    collection.copy_set(chosen, "little", OWN)
    opened = open_studio(chosen)
    task = collection.open_set(chosen, OWN)
    evaluate.evaluate(opened, task, opened.catalogue.checkpoints)
    opened.store.database.close()
    return folder


@pytest.fixture(scope="session")
def learnt(tmp_path_factory) -> Path:
    """The same as models that were taught its answers answer it, with a ladder of their own."""
    return learnt_in(tmp_path_factory.mktemp("learnt"))


@pytest.fixture
def visit(tmp_path, monkeypatch, ladder) -> Iterator[Visit]:
    """Nothing but the example, which was never run."""
    yield from app_in(tmp_path, monkeypatch, ladder)


@pytest.fixture
def done(tmp_path, monkeypatch, ladder, finished) -> Iterator[Visit]:
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    for opened in app_in(tmp_path, monkeypatch, ladder):
        yield opened.choose(OWN)


@pytest.fixture
def taught(tmp_path, monkeypatch, learnt) -> Iterator[Visit]:
    shutil.copytree(learnt, tmp_path, dirs_exist_ok=True)
    for opened in app_in(tmp_path, monkeypatch, tmp_path / "ladder"):
        yield opened.choose(OWN)
