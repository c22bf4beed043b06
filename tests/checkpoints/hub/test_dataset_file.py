"""One file of a data set: what the hub lists and nothing else, or one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2lm_core.base.errors import CheckpointError, LimitError, TaskError
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.hub import dataset_file
from e2lm_core.checkpoints.hub.dataset_file import download_dataset_file
from e2lm_core.imported.shelf import added, library
from tests.support.fake_hub import FakeHub
from tests.support.hub_fixtures import fake, settings

__all__ = ["fake", "settings"]  # fixtures

REPO = "allenai/decide"
TABLE = b"model,step,benchmark,metric,value\nm,1,law,acc,0.25\nm,2,law,acc,0.5\n"


@pytest.fixture
def commit(fake: FakeHub) -> str:
    return fake.repo(f"datasets/{REPO}").commit("main", {"data/scores.csv": TABLE, "README.md": b"of scores"})


def test_a_table_of_a_data_set_is_added(settings: Settings, commit: str) -> None:
    done: list[tuple[int, int]] = []
    source = added.add_from_hub(
        settings, REPO, "data/scores.csv", "law", report_progress=lambda *at: done.append(at)
    )
    assert (source.rows, source.file) == (2, f"{REPO}@{commit[:7]}: data/scores.csv")
    assert done[-1] == (len(TABLE), len(TABLE))
    (one,) = library.benchmarks("law", settings)
    assert library.open_curves(one)[0].scores == (0.25, 0.5)
    assert [path.name for path in added.shelf_folder(settings).iterdir()] == ["law.columns"]


def test_large_files_come_from_the_storage(settings: Settings, fake: FakeHub, tmp_path: Path) -> None:
    content = bytes(range(256)) * 300
    named = fake.repo(f"datasets/{REPO}").commit("main", {"a.parquet": content})
    assert download_dataset_file(settings, REPO, "a.parquet", tmp_path / "a") == named
    assert (tmp_path / "a").read_bytes() == content
    fake.instead("/storage/", flip=True)
    with pytest.raises(CheckpointError, match=r"a\.parquet of allenai/decide came with other bytes"):
        download_dataset_file(settings, REPO, "a.parquet", tmp_path / "b")


def test_what_is_not_there_is_one_sentence(settings: Settings, commit: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no file 'scores\.csv' at .*: it has data/scores\.csv"):
        download_dataset_file(settings, REPO, "scores.csv", tmp_path / "x")
    with pytest.raises(CheckpointError, match="allenai/nothing"):
        download_dataset_file(settings, "allenai/nothing", "scores.csv", tmp_path / "x")
    with pytest.raises(CheckpointError, match=r"it has README\.md"):
        download_dataset_file(settings, REPO, "none.md", tmp_path / "x")


def test_a_file_that_is_too_large_is_not_downloaded(
    settings: Settings, commit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset_file, "MAX_BYTES", 10)
    with pytest.raises(LimitError, match="at most 4 GB are read"):
        download_dataset_file(settings, REPO, "data/scores.csv", tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_visitors_download_nothing(settings: Settings, commit: str, tmp_path: Path) -> None:
    visitor = settings.for_person(None, readonly=True)
    with pytest.raises(TaskError, match="Guests do not download data sets"):
        download_dataset_file(visitor, REPO, "data/scores.csv", tmp_path / "x")


def test_a_bad_table_leaves_nothing_behind(settings: Settings, fake: FakeHub) -> None:
    fake.repo(f"datasets/{REPO}").commit("main", {"bad.csv": b"a,b\n1,2\n"})
    with pytest.raises(TaskError, match=r"bad\.csv lacks the columns model, benchmark"):
        added.add_from_hub(settings, REPO, "bad.csv", "bad")
    assert list(added.shelf_folder(settings).iterdir()) == []
