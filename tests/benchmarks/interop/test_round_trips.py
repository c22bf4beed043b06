"""Sets through the installed harness and back, in the short form; verifying a bundle is in tests/export/test_verify.py."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest

from benchmarks.interop import round_trips
from benchmarks.prepared.awkward import awkward
from e2lm_core.runs.studio import Studio, open_studio
from e2lm_core.sets import collection
from tests.support import studios


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    ladder = studios.real_ladder(tmp_path / "ladder", (100, 200), ("ladder-small-arch1",))
    opened = open_studio(studios.settings(tmp_path, ladder=ladder))
    collection.import_set(opened.settings, awkward(10))
    return opened


def checkout(folder: Path) -> Path:
    """The installed package's tree, but for the other tasks' folders: reading them all takes a minute."""
    spec = importlib.util.find_spec("lm_eval")
    assert spec is not None
    assert spec.origin is not None
    installed = Path(spec.origin).parent

    def others(place: str, names: list[str]) -> list[str]:
        return [n for n in names if Path(place) == installed / "tasks" and (Path(place) / n).is_dir()]

    shutil.copytree(installed, folder / "lm_eval", ignore=others)
    return folder


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_the_patched_harness_gives_the_studios_numbers(studio: Studio, tmp_path: Path) -> None:
    pytest.importorskip("lm_eval")
    tree = checkout(tmp_path / "harness")
    trips = round_trips.by_patch(studio, awkward(10), sys.executable, tree, "installed")
    assert [(t.shots, t.documents, t.beyond, t.held) for t in trips] == [(0, 10, 0, True), (3, 10, 0, True)]
    assert all(t.likelihoods == 58 for t in trips)
    assert "| patch, installed |" in round_trips.table(trips, {"awkward": True})


@pytest.mark.slow
def test_an_export_comes_back_as_the_same_bytes(studio: Studio) -> None:
    assert round_trips.comes_back(studio, awkward(10))


def test_no_two_choices_of_an_awkward_question_are_alike() -> None:
    for question in awkward().questions:
        assert len(set(question.choices)) == len(question.choices)
        assert question.answer < len(question.choices)
