"""Several writers of one set: threads, processes, and what one of them says that waits too long."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from e2lm_core.base.errors import StudioError, TaskError
from e2lm_core.base.settings import Settings
from e2lm_core.sets import authoring, collection, locks, versions
from tests.conftest import ROOT
from tests.support import studios

WRITERS, EDITS = 4, 12


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path / "home", tasks=tmp_path / "tasks", ladder=tmp_path / "ladder")
    collection.create_set(settings, "shared", studios.task(count=WRITERS * EDITS).questions)
    return settings


def ids_of(writer: int) -> list[str]:
    """The questions that a writer edits, no two writers the same."""
    return [f"q{writer * EDITS + number + 1}" for number in range(EDITS)]


def write(settings: Settings, writer: int) -> None:
    for identity in ids_of(writer):
        authoring.update_questions(settings, "shared", {identity: {"note": f"by {writer}"}})


def assert_sound(settings: Settings) -> None:
    """Every acknowledged edit is there, no number of a version stands twice, and every version opens."""
    notes = {q.id: q.note for q in collection.open_set(settings, "shared").questions}
    assert notes == {identity: f"by {w}" for w in range(WRITERS) for identity in ids_of(w)}
    numbers = [version.number for version in versions.list_versions(settings, "shared")]
    assert numbers == list(range(WRITERS * EDITS + 1))
    assert all(versions.open_version(settings, "shared", number) for number in numbers)


def test_threads_lose_no_edit_and_spoil_no_history(here: Settings) -> None:
    threads = [threading.Thread(target=write, args=(here, w)) for w in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert_sound(here)


_WRITER = """
import sys
from pathlib import Path
from e2lm_core.base.settings import Settings
from tests.sets.test_locks import write
home = Path(sys.argv[1])
write(Settings(home=home, tasks=home.parent / "tasks", ladder=home.parent / "ladder"), int(sys.argv[2]))
"""


def test_processes_lose_no_edit_and_spoil_no_history(here: Settings) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, str(here.home), str(w)], cwd=ROOT)
        for w in range(WRITERS)
    ]
    assert [writer.wait(120) for writer in writers] == [0] * WRITERS
    assert_sound(here)


def test_undo_and_redo_wait_their_turn_too(here: Settings) -> None:
    mine = here.for_person(None, "one author")
    authoring.update_questions(mine, "shared", {"q1": {"note": "first"}})

    def back_and_forth() -> None:
        for _ in range(10):
            versions.undo(mine, "shared")
            versions.redo(mine, "shared")

    threads = [threading.Thread(target=back_and_forth)]
    threads += [
        threading.Thread(
            target=authoring.add_questions, args=(here, "shared", studios.task(count=1).questions)
        )
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = [version.number for version in versions.list_versions(here, "shared")]
    assert len(numbers) == len(set(numbers))
    assert all(versions.open_version(here, "shared", number) for number in numbers)


def test_who_waits_too_long_is_told_and_nothing_is_saved(here: Settings, monkeypatch) -> None:
    monkeypatch.setattr(locks, "WAIT_S", 0.05)
    refused: list[str] = []

    def edit() -> None:
        try:
            authoring.update_questions(here, "shared", {"q1": {"note": "late"}})
        except StudioError as error:
            refused.append(str(error))

    with locks.lock_set(here, "shared"):
        thread = threading.Thread(target=edit)
        thread.start()
        thread.join()
    assert refused == ["shared was not saved: another change of it has not ended for 0 s; save again."]
    assert collection.open_set(here, "shared").questions[0].note is None


def test_an_edit_within_an_edit_has_the_lock_already(here: Settings) -> None:
    with locks.lock_set(here, "shared") as outer, locks.lock_set(here, "shared") as inner:
        assert (outer, inner) == (False, True)


def test_a_home_that_cannot_be_written_is_one_sentence(here: Settings) -> None:
    shutil.rmtree(here.home / "locks")
    (here.home / "locks").write_text("a file in the way")
    with pytest.raises(
        TaskError,
        match=r"^Nothing was changed: .*locks cannot be written \(.*\); check the disk and its rights, and try again",
    ):
        authoring.delete_questions(here, "shared", ["q1"])


_APP = """
import sys, threading
from pathlib import Path
from e2lm_core.base.settings import Settings
from tests.sets.test_locks import merge
home = Path(sys.argv[1])
settings = Settings(home=home, tasks=home.parent / "tasks", ladder=home.parent / "ladder")
writers = [threading.Thread(target=merge, args=(settings, int(w), int(sys.argv[2]))) for w in sys.argv[3:]]
for writer in writers:
    writer.start()
for writer in writers:
    writer.join()
"""


def merge(settings: Settings, writer: int, edits: int) -> None:
    """Edits of one author, each with what was seen."""
    mine = settings.for_person(None, f"author {writer}")
    for number in range(edits):
        identity = f"q{writer * edits + number + 1}"
        saved = authoring.merge_edits(
            mine, "many", {identity: {"note": f"by {writer}"}}, {identity: {"note": None}}
        )
        assert not saved.clashes


@pytest.mark.slow
def test_four_writers_in_two_apps_lose_none_of_their_edits(tmp_path: Path) -> None:
    """Two processes on one home, two threads in each, 200 edits a thread, all of a set of 800 questions."""
    settings = Settings(home=tmp_path / "home", tasks=tmp_path / "tasks", ladder=tmp_path / "ladder")
    collection.create_set(settings, "many", studios.task(count=800).questions)
    apps = [
        subprocess.Popen([sys.executable, "-c", _APP, str(settings.home), "200", *writers], cwd=ROOT)
        for writers in (("0", "1"), ("2", "3"))
    ]
    assert [app.wait(240) for app in apps] == [0, 0]
    notes = [q.note for q in collection.open_set(settings, "many").questions]
    assert notes == [f"by {writer}" for writer in range(4) for _ in range(200)]
    kept = versions.list_versions(settings, "many")
    assert [v.number for v in kept] == list(range(801))
    assert sorted(v.who for v in kept[1:]) == [f"author {w}" for w in range(4) for _ in range(200)]
    for number in range(0, 801, 20):
        state = versions.open_version(settings, "many", number)
        assert sum(q.note is not None for q in state.questions) == number
    for writer in range(4):  # each takes back their own last edit
        versions.undo(settings.for_person(None, f"author {writer}"), "many")
    notes = [q.note for q in collection.open_set(settings, "many").questions]
    assert [place for place, note in enumerate(notes) if note is None] == [199, 399, 599, 799]
