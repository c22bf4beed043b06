"""A home on a disk that does not last comes back from the file that it is kept in."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2lm_core.base.errors import StudioError
from e2lm_core.base.settings import Settings
from e2lm_core.deploy.home import auto_backup
from e2lm_core.deploy.home.auto_backup import AutoBackup, backup_target, restore_if_empty
from e2lm_core.runs.studio import Studio
from e2lm_core.sets import authoring, collection
from tests.support import studios, workers


@pytest.fixture
def here(tmp_path: Path) -> Studio:
    return studios.studio(tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "volume" / "kept.tar.gz"


def after_restart(settings: Settings) -> Settings:
    return settings.model_copy(update={"home": settings.home.parent / "next"})


def test_what_changed_is_kept_and_comes_back(here: Studio, file: Path) -> None:
    keeper = AutoBackup(here.settings, file)
    assert not keeper.write_if_changed()
    collection.copy_set(here.settings, "little", "mine")
    assert keeper.write_if_changed()
    assert not keeper.write_if_changed()
    authoring.update_questions(here.settings, "mine", {"q1": {"question": "Edited?"}})
    assert keeper.write_if_changed()
    studios.start_run(here, "mine", here.catalogue.checkpoints)
    assert keeper.write_if_changed()
    later = after_restart(here.settings)
    assert restore_if_empty(later, file)
    assert collection.open_set(later, "mine").questions[0].question == "Edited?"
    assert not restore_if_empty(later, file)
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_thread_keeps_it_and_its_end_too(here: Studio, file: Path) -> None:
    keeper = AutoBackup(here.settings, file, every_s=0.02)
    keeper.start()
    collection.copy_set(here.settings, "little", "mine")
    workers.until(file.exists, 10)
    collection.copy_set(here.settings, "mine", "late")
    keeper.stop()
    later = after_restart(here.settings)
    assert restore_if_empty(later, file)
    assert collection.find_set(later, "late")


def test_a_write_that_was_cut_short_does_no_harm(here: Studio, file: Path) -> None:
    collection.copy_set(here.settings, "little", "mine")
    keeper = AutoBackup(here.settings, file)
    (here.settings.home / "drafts").mkdir()
    (here.settings.home / "drafts" / "d").write_text("x")
    assert keeper.write_if_changed()
    whole = file.read_bytes()
    newer = file.with_name(file.name + ".new")
    newer.write_bytes(whole[:200])
    assert restore_if_empty(after_restart(here.settings), file)
    # On a disk without renames the old file is written over: then the newer one is whole.
    newer.write_bytes(whole)
    file.write_bytes(whole[:200])
    assert restore_if_empty(here.settings.model_copy(update={"home": file.parent / "third"}), file)
    newer.write_bytes(b"")
    with pytest.raises(StudioError, match="no backup"):
        restore_if_empty(here.settings.model_copy(update={"home": file.parent / "fourth"}), file)


def test_a_disk_without_renames(here: Studio, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.replace

    def refuses(self: Path, target: Path) -> Path:
        if Path(target) == file:
            raise OSError(38, "Function not implemented")
        return real(self, target)

    keeper = AutoBackup(here.settings, file)
    collection.copy_set(here.settings, "little", "mine")
    monkeypatch.setattr(Path, "replace", refuses)
    assert keeper.write_if_changed()
    assert restore_if_empty(after_restart(here.settings), file)


def test_a_disk_that_is_full_is_told_and_tried_again(
    here: Studio, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keeper = AutoBackup(here.settings, file)
    collection.copy_set(here.settings, "little", "mine")
    file.parent.write_text("no folder")
    assert not keeper.write_if_changed()
    assert "is not kept" in caplog.text
    file.parent.unlink()
    assert keeper.write_if_changed()


def test_the_variable(tmp_path: Path) -> None:
    assert backup_target({}) is None
    assert backup_target({auto_backup.VARIABLE: str(tmp_path / "x")}) == tmp_path / "x"
    assert not restore_if_empty(Settings(home=tmp_path / "home"), tmp_path / "none")
