"""A home backed up while others write comes back whole: sets with their history, results, drafts, scores."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sqlite3
import stat
import sys
import tarfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from e2lm_core.base.errors import StudioError
from e2lm_core.base.settings import Settings
from e2lm_core.commands import main as main_commands
from e2lm_core.deploy.home import backup, restore
from e2lm_core.runs import evaluate
from e2lm_core.runs import worker as worker_module
from e2lm_core.runs.studio import Studio, open_studio
from e2lm_core.sets import authoring, collection, locks, versions
from tests.support import studios, workers
from tests.support.fake_backend import FakeBackend


@pytest.fixture
def here(tmp_path: Path) -> Studio:
    studio = studios.studio(tmp_path)
    collection.copy_set(studio.settings, "little", "mine")
    return studio


def elsewhere(settings: Settings, name: str = "other") -> Settings:
    return settings.model_copy(update={"home": settings.home.parent / name})


def archive(path: Path, **files: bytes) -> Path:
    with tarfile.open(path, "w:gz") as made:
        for name, content in files.items():
            entry = tarfile.TarInfo(name.replace("__", "/"))
            entry.size = len(content)
            made.addfile(entry, io.BytesIO(content))
    return path


HEAD = {"backup.json": json.dumps({"format": 1, "studio": "0", "made_at": 1.0}).encode()}


def test_a_pipe_that_nobody_fills_is_no_backup(here: Studio, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.tar.gz"
    os.mkfifo(pipe)
    with pytest.raises(StudioError, match="no file but a folder, a pipe or a device"):
        restore.restore(elsewhere(here.settings), pipe)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
def test_a_device_stays_one_and_a_link_leads_to_the_backup(here: Studio, tmp_path: Path) -> None:
    settings = here.settings
    device = tmp_path / "null"
    os.mknod(device, 0o600 | stat.S_IFCHR, os.makedev(1, 3))
    assert backup.write_backup(settings, device).bytes > 0
    assert device.is_char_device()
    link = tmp_path / "link.tar.gz"
    link.symlink_to(tmp_path / "there.tar.gz")
    backup.write_backup(settings, link)
    assert link.is_symlink()
    assert (tmp_path / "there.tar.gz").is_file()


def test_everything_but_the_cache_comes_back(here: Studio, tmp_path: Path) -> None:
    home = here.settings.home
    for name in ("drafts/d.json", "results/kept/r.json", "people/ada/sets/hers/hers.yaml", "people/ada/drafts/x",
                 "cache/big", "cookie.key", "pages.key", "presence/set/ada", "locks/mine.lock", "sets/.mine.new-ab/x", "hub.json", "new_thing/file"):  # fmt: skip
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(name)
    made = backup.write_backup(here.settings, tmp_path / "out" / "b.tar.gz")
    assert made.sets == 2
    other = elsewhere(here.settings)
    assert restore.restore(other, made.path).aside is None
    passing = (
        "cache/",
        "cookie.key",
        "pages.key",
        "presence/",
        "locks/",
        "people/ada/locks/",
        "sets/.",
        "studio.",
    )
    kept = {name: c for name, c in studios.tree(home).items() if not name.startswith(passing)}
    back = {name: c for name, c in studios.tree(other.home).items() if not name.startswith(passing)}
    assert not any((other.home / name).exists() for name in ("cache", "cookie.key", "pages.key", "presence"))
    assert back == kept
    assert collection.open_set(other, "mine") == collection.open_set(here.settings, "mine")


def test_a_backup_inside_the_home_does_not_hold_itself(here: Studio) -> None:
    first = backup.write_backup(here.settings, here.settings.home / "backups" / "b.tar.gz")
    second = backup.write_backup(here.settings, here.settings.home / "backups" / "b.tar.gz")
    assert second.files == first.files


def test_sets_are_read_under_their_lock(here: Studio, tmp_path: Path) -> None:
    done: list[backup.BackupInfo] = []
    thread = threading.Thread(
        target=lambda: done.append(backup.write_backup(here.settings, tmp_path / "b.tar.gz"))
    )
    with locks.lock_set(here.settings, "mine"):
        thread.start()
        time.sleep(0.1)
        assert not done
    thread.join()
    assert done


@pytest.mark.parametrize("damage", ["garbage", "pages"])
def test_a_damaged_database_does_not_hold_up_the_sets(here: Studio, tmp_path: Path, damage: str) -> None:
    studios.start_run(here, "mine", here.catalogue.checkpoints)
    database = here.settings.database
    here.store.database.close()
    here.jobs.database.close()
    content = bytearray(database.read_bytes())
    content[100 if damage == "pages" else 0 : 3 * 4096] = b"x" * (
        3 * 4096 - (100 if damage == "pages" else 0)
    )
    for end in ("-wal", "-shm"):
        database.with_name(database.name + end).unlink(missing_ok=True)
    database.write_bytes(content)
    file = tmp_path / "home.tar.gz"
    made = backup.write_backup(here.settings, file)
    assert (made.sets, made.damaged) == (1, ("studio.sqlite",))
    with tarfile.open(file) as opened:
        names = opened.getnames()
        assert "studio.sqlite" not in names
        assert opened.extractfile("studio.sqlite.damaged").read() == bytes(content)  # type: ignore[union-attr]
    restore.restore(elsewhere(here.settings), file)
    assert (
        collection.open_set(elsewhere(here.settings), "mine").questions
        == collection.open_set(here.settings, "mine").questions
    )


def test_a_home_that_is_not_empty_is_kept_unless_said_otherwise(here: Studio, tmp_path: Path) -> None:
    path = backup.write_backup(here.settings, tmp_path / "b.tar.gz").path
    collection.create_set(here.settings, "younger")
    before = studios.tree(here.settings.home / "sets")
    with pytest.raises(StudioError, match="is not empty: with --yes"):
        restore.restore(here.settings, path)
    assert studios.tree(here.settings.home / "sets") == before
    restored = restore.restore(here.settings, path, replace=True)
    assert restored.aside is not None
    assert studios.tree(restored.aside / "sets") == before
    assert {info.name for info in collection.list_sets(here.settings) if not info.example} == {"mine"}
    # What was put aside is no part of the next backup, and opens as a home.
    with tarfile.open(backup.write_backup(here.settings, path).path) as archive_after:
        assert not any("aside" in name for name in archive_after.getnames())
    aside = here.settings.model_copy(update={"home": restored.aside})
    assert collection.find_set(aside, "younger")
    assert open_studio(aside, FakeBackend()).jobs.recent() == []


def test_an_open_studio_sees_what_was_restored(here: Studio, tmp_path: Path) -> None:
    number = studios.start_run(here, "mine", here.catalogue.checkpoints)
    path = backup.write_backup(here.settings, tmp_path / "b.tar.gz").path
    here.jobs.cancel(number)
    restore.restore(here.settings, path, replace=True)
    assert here.jobs.get(number).state == "queued"
    assert here.jobs.cancel(number)


def test_a_damaged_database_is_moved_aside(here: Studio, tmp_path: Path) -> None:
    path = backup.write_backup(here.settings, tmp_path / "b.tar.gz").path
    here.store.database.close()
    here.settings.database.write_bytes(b"not a database at all" * 500)
    restored = restore.restore(here.settings, path, replace=True)
    assert restored.aside is not None
    assert (restored.aside / "studio.sqlite").read_bytes().startswith(b"not a database")
    assert open_studio(here.settings, FakeBackend()).jobs.recent() == []


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "no backup of a home"),
        ({"backup.json": b"{}"}, "no backup of a home"),
        ({"backup.json": b'{"format": 99, "made_at": 1}'}, "newer studio"),
        ({**HEAD, "../out": b"x"}, "leads out"),
        ({**HEAD, "/tmp/out": b"x"}, ""),
        ({**HEAD, "studio.sqlite": b"x" * 5000}, "damaged"),
    ],
)
def test_what_is_no_backup_changes_nothing(
    here: Studio, tmp_path: Path, files: dict[str, bytes], said: str
) -> None:
    other = elsewhere(here.settings)
    path = archive(tmp_path / "bad.tar.gz", **files)
    if said:
        with pytest.raises(StudioError, match=said) as error:
            restore.restore(other, path)
        studios.sentence(error)
        assert studios.tree(other.home) == {}
    else:  # made relative, as every tar program does
        restore.restore(other, path)
        assert (other.home / "tmp/out").is_file()
    assert not (tmp_path / "out").exists()


def test_links_and_text_are_no_backups(here: Studio, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "link.tar.gz", "w:gz") as made:
        entry = tarfile.TarInfo("sets")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc"
        made.addfile(entry)
    (tmp_path / "text").write_text("no archive")
    for name, said in (("link.tar.gz", "no file"), ("text", "no backup"), ("missing", "cannot be used")):
        with pytest.raises(StudioError, match=said) as error:
            restore.restore(elsewhere(here.settings), tmp_path / name)
        studios.sentence(error)


@pytest.mark.parametrize(("version", "said"), [(99, "newer studio"), (9, "reads version 10 only")])
def test_a_database_of_another_version_is_refused(
    here: Studio, tmp_path: Path, version: int, said: str
) -> None:
    here.store.database.close()
    with contextlib.closing(sqlite3.connect(here.settings.database)) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    path = backup.write_backup(here.settings, tmp_path / "b.tar.gz").path
    with pytest.raises(StudioError, match=said) as error:
        restore.restore(elsewhere(here.settings), path)
    studios.sentence(error)
    assert not restore.has_content(elsewhere(here.settings).home)


def test_there_must_be_a_home(tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="nothing to back up"):
        backup.write_backup(Settings(home=tmp_path / "none"), tmp_path / "b.tar.gz")


EDITS = """
import itertools
from e2lm_core.base.settings import Settings
from e2lm_core.sets import authoring
settings = Settings.from_env()
for number in itertools.count():
    authoring.update_questions(settings, "mine", {"q1": {"question": f"Edit {number}?"}})
    print(number, flush=True)
"""


@pytest.fixture
def score(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[Settings], str]:
    """What `score steady --json` prints on a home."""

    def printed(settings: Settings) -> str:
        for name, value in studios.environment(settings).items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as end:
            main_commands.main(["score", "steady", "--json"])
        out, err = capsys.readouterr()
        assert end.value.code == 0, err
        return out

    return printed


@pytest.mark.slow
def test_a_backup_during_edits_and_a_run_of_other_processes(
    tmp_path: Path, score: Callable[[Settings], str]
) -> None:
    models = ("ladder-small-arch1", "ladder-large-arch1")
    ladder = studios.real_ladder(tmp_path / "ladder", steps=studios.STEPS[:4], models=models)
    settings = studios.settings(tmp_path, ladder=ladder)
    studios.write_example(settings, studios.task(20))
    for name in ("mine", "steady", "busy"):
        collection.copy_set(settings, "little", name)
    studio = open_studio(settings)
    evaluate.evaluate(studio, collection.open_set(settings, "steady"), studio.catalogue.checkpoints)
    authoring.add_questions(settings, "busy", [studios.question(n) for n in range(2000, 6000)])
    number = studios.start_run(studio, "busy", studio.catalogue.checkpoints)
    with ExitStack() as stack:
        env = os.environ | studios.environment(settings)
        editor = stack.enter_context(workers.process([sys.executable, "-c", EDITS], env))
        assert editor.stdout is not None
        for _ in range(20):
            acknowledged = int(editor.stdout.readline())
        stack.enter_context(workers.process([sys.executable, "-m", "e2lm_core", "worker", "--once"], env))
        workers.until(lambda: workers.computed(studio.jobs.get(number)))
        path = backup.write_backup(settings, tmp_path / "home.tar.gz").path
        assert editor.poll() is None
    other = elsewhere(settings)
    restore.restore(other, path)
    with contextlib.closing(sqlite3.connect(other.database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert score(other) == score(settings)
    edit = collection.open_set(other, "mine").questions[0].question
    assert int(edit.removeprefix("Edit ").removesuffix("?")) >= acknowledged
    for version in versions.list_versions(other, "mine"):
        assert versions.open_version(other, "mine", version.number).questions
    # The run goes on from where the backup found it: the database is copied first, so the run is not over.
    again = open_studio(other)
    assert again.jobs.get(number).state == "running"
    before = workers.computed(again.jobs.get(number))
    assert before > 0
    with contextlib.closing(sqlite3.connect(other.database)) as connection:  # its worker is not coming back
        connection.execute("UPDATE jobs SET lease_from = NULL")
        connection.commit()
    worker_module.run_worker(again, once=True)
    assert again.jobs.get(number).state == "done"
    assert len(workers.stored(other.database)) > 0
