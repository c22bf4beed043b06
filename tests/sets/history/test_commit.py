"""Saving a change with its history: killed between any two writes, changed by hand, damaged, and how large it grows."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from e2lm_core.base import atomic
from e2lm_core.base.errors import StudioError, TaskError
from e2lm_core.base.records import TaskConfig, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.sets import authoring, collection, conflicts, versions
from e2lm_core.sets.folder import set_cache
from e2lm_core.sets.history import commit
from e2lm_core.sets.history import journal as logs
from e2lm_core.sets.history.journal import Journal
from tests.conftest import ROOT
from tests.support import studios

_WRITES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "shutil.rmtree"}
KILLED = 9


def killed_at(number: int, act: Callable[[], Any]) -> bool:
    """Do it in a process of its own that ends, as by SIGKILL, before its write of that number; whether it was."""
    child = os.fork()
    if not child:
        left = number

        def count(*_: object) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                os._exit(KILLED)

        def audited(event: str, arguments: tuple) -> None:
            if event in _WRITES or (event == "open" and isinstance(arguments[2], int) and arguments[2] & 3):
                count()

        def counted(function: Callable) -> Callable:
            return lambda *a, **k: (count(), function(*a, **k))[1]

        try:
            os.fsync, atomic._exchange = counted(os.fsync), counted(atomic._exchange)
            sys.addaudithook(audited)
            act()
        finally:
            os._exit(0 if left >= 0 else KILLED)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == KILLED


def edit(settings: Settings) -> TaskSet:
    return authoring.update_questions(settings, "mine", {"q2": {"question": "An edit that is cut short?"}})


def add(settings: Settings) -> TaskSet:
    return authoring.add_questions(settings, "mine", [studios.question(70)])


def settle(settings: Settings) -> conflicts.SaveResult:
    clash = conflicts.EditConflict(question="q1", field="note", seen=None, theirs="theirs", mine="mine")
    return authoring.resolve_conflict(settings, "mine", clash, "text", "both")


def assert_sound(settings: Settings, *allowed: TaskSet) -> None:
    """The set is one of those, the history ends there, every version opens, and work goes on."""
    task = collection.open_set(settings, "mine")
    assert task in allowed
    kept = versions.list_versions(settings, "mine")
    assert [v.shown for v in kept] == [False] * (len(kept) - 1) + [True] * bool(kept)
    assert not kept or versions.open_version(settings, "mine", kept[-1].number) == task
    authoring.update_questions(settings, "mine", {"q6": {"note": "work goes on"}})
    assert versions.undo(settings, "mine") == task
    for version in kept:
        versions.open_version(settings, "mine", version.number)


def kill_between_writes(settings: Settings, copy: Path, act: Callable, begun: bool) -> int:
    """Do it again and again from the same start, each time killed one write later; how often it was."""
    if begun:
        authoring.update_questions(settings, "mine", {"q1": {"note": "theirs"}})
    before = collection.open_set(settings, "mine")
    shutil.copytree(settings.home, copy)
    act(settings)
    after, number = collection.open_set(settings, "mine"), 0
    while True:
        shutil.rmtree(settings.home)
        shutil.copytree(copy, settings.home)
        if not killed_at(number, lambda: act(settings)):
            break
        assert_sound(settings, before, after)
        number += 1
    assert collection.open_set(settings, "mine") == after
    return number


ACTS: dict[str, Callable] = {
    "edit": edit,
    "add": add,
    "settle": settle,
    "undo": lambda s: versions.undo(s, "mine"),
}
_KILLER = """
import sys
from pathlib import Path
from tests.sets.history.test_commit import ACTS, kill_between_writes
from tests.support import studios
from e2lm_core.sets import collection
for begun, name in [pair.split() for pair in sys.argv[2:]]:
    folder = Path(sys.argv[1], f"{name} {begun}")
    folder.mkdir()
    settings = studios.settings(folder)
    studios.write_example(settings)
    collection.copy_set(settings, "little", "mine")
    print(name, begun, kill_between_writes(settings, folder / "copy", ACTS[name], begun == "begun"))
"""


@pytest.mark.parametrize(
    "acts",
    [
        ["begun edit"],
        pytest.param(["new edit", "begun add", "begun settle", "begun undo"], marks=pytest.mark.slow),
    ],
)
def test_a_kill_between_any_two_writes_loses_nothing(tmp_path: Path, acts: list[str]) -> None:
    """In a small process of its own, which forks fast."""
    killer = [sys.executable, "-c", _KILLER, str(tmp_path), *acts]
    done = subprocess.run(killer, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    kills = [int(line.split()[-1]) for line in done.stdout.splitlines()]
    assert len(kills) == len(acts)
    assert min(kills) > 10


def test_what_a_kill_leaves_is_swept_after_an_hour_and_not_before(here: Settings) -> None:
    edit(here)
    history = here.home / "history" / "mine"
    left = [here.sets / ".mine.new-abc", here.sets / ".mine.new-x.part", history / "log.jsonl.x.part"]
    left[0].mkdir()
    (left[0] / "mine.yaml").write_text("task: mine\n")
    for path in left[1:]:
        path.write_text("half")
    others = here.sets / ".mine2.new-abc"
    others.mkdir()
    authoring.update_questions(here, "mine", {"q1": {"note": "one"}})
    assert all(path.exists() for path in left)
    for path in (*left, others):
        os.utime(path, (time.time() - 3700,) * 2)
    authoring.update_questions(here, "mine", {"q1": {"note": "two"}})
    assert not any(path.exists() for path in left)
    assert others.exists()


# --- changed by hand ------------------------------------------------------------------------------------


def by_hand(settings: Settings, old: str, new: str) -> None:
    path = settings.sets / "mine" / "test.jsonl"
    path.write_text(path.read_text().replace(old, new))


@pytest.fixture
def forgetful() -> Iterator[Callable[[], None]]:
    """Forget what this process knows of sets, as a new one would not know it."""

    def forget() -> None:
        set_cache._sets.clear()
        set_cache._before.clear()

    yield forget
    forget()


@pytest.mark.parametrize("forgets", [False, True])
def test_a_change_by_hand_is_a_step_of_its_own(here: Settings, forgetful, forgets: bool) -> None:
    before = edit(here)
    by_hand(here, "twice the number 4", "double the number 4")
    if forgets:
        forgetful()
    assert collection.open_set(here, "mine").questions[3].question == "What is double the number 4?"
    authoring.update_questions(here, "mine", {"q5": {"note": "after"}})
    kept = versions.list_versions(here, "mine")
    assert [v.action for v in kept][1:] == [
        "edit question q2",
        "change the files outside the studio",
        "edit question q5",
    ]
    assert versions.open_version(here, "mine", 1) == before
    versions.undo(here, "mine")
    assert versions.undo(here, "mine") == before


def test_where_it_is_not_known_what_was_changed_by_hand_that_is_said(here, forgetful, monkeypatch) -> None:
    monkeypatch.setattr(logs, "SNAPSHOT_BYTES", 10)  # as for a set of many megabytes
    edit(here)
    by_hand(here, "twice the number 4", "double the number 4")
    forgetful()
    authoring.update_questions(here, "mine", {"q5": {"note": "after"}})
    with pytest.raises(StudioError, match="changed outside the studio"):
        versions.open_version(here, "mine", 1)
    assert versions.open_version(here, "mine", 2).questions[3].question == "What is double the number 4?"
    versions.undo(here, "mine")
    assert versions.available_undo(here, "mine") == ("edit question q2", "edit question q5")


# --- its size -------------------------------------------------------------------------------------------


def bytes_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_a_thousand_edits_of_one_word_cost_little(here: Settings) -> None:
    long = " ".join(f"word{n}" for n in range(200))
    authoring.update_questions(here, "mine", {"q1": {"question": long}})
    before = bytes_of(here.home / "history")
    for number in range(20):
        text = long.replace(f"word{number * 7} ", f"other{number} ")
        authoring.update_questions(here, "mine", {"q1": {"question": text}})
    assert (bytes_of(here.home / "history") - before) / 20 * 1_000 < 500_000


def test_the_oldest_steps_are_forgotten_but_for_those_with_a_name(here: Settings, monkeypatch) -> None:
    monkeypatch.setattr(logs, "MAX_STEPS", 8)
    monkeypatch.setattr(logs, "KEPT_STEPS", 5)
    states = {n: authoring.update_questions(here, "mine", {"q1": {"note": f"{n}"}}) for n in range(1, 4)}
    versions.name_version(here, "mine", 2, "as sent")
    states |= {n: authoring.update_questions(here, "mine", {"q1": {"note": f"{n}"}}) for n in range(4, 20)}
    kept = versions.list_versions(here, "mine")
    assert [v.number for v in kept if v.name] == [2]
    assert 5 <= len(kept) - 1 <= 9
    assert all(versions.open_version(here, "mine", v.number) == states[v.number] for v in kept)
    assert versions.undo(here, "mine") == states[18]


def test_a_large_step_is_packed(here: Settings) -> None:
    added = [studios.question(n) for n in range(100, 400)]
    authoring.add_questions(here, "mine", added)
    versions.undo(here, "mine")
    assert len(versions.redo(here, "mine").questions) == 306
    assert max(map(len, (here.home / "history" / "mine" / "log.jsonl").read_text().split("\n"))) < 20_000


def test_two_sets_of_one_name_share_no_history_that_was_read(here: Settings) -> None:
    edit(here)
    assert len(Journal.for_set(here, "mine").steps) == 2
    collection.delete_set(here, "mine")
    collection.create_set(here, "mine", studios.task().questions)
    authoring.update_questions(here, "mine", {"q1": {"note": "another"}})
    assert [s.action for s in Journal.for_set(here, "mine").steps] == ["open", "edit question q1"]


def test_a_prompt_is_a_step_too(here: Settings) -> None:
    before = collection.open_set(here, "mine")
    after = authoring.update_config(here, "mine", description="Choose.\n")
    assert after.config == TaskConfig(**{**dict(before.config), "description": "Choose.\n"})
    assert versions.undo(here, "mine") == before


# --- damage ---------------------------------------------------------------------------------------------


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


DAMAGED = {
    "half of the questions": lambda folder: cut(folder / "test.jsonl"),
    "no questions": lambda folder: (folder / "test.jsonl").unlink(),
    "bytes": lambda folder: (folder / "test.jsonl").write_bytes(b"\xff\x00" * 500),
    "half of the YAML": lambda folder: cut(folder / "mine.yaml"),
    "a YAML that is a list": lambda folder: (folder / "mine.yaml").write_text("- a"),
    "an empty YAML": lambda folder: (folder / "mine.yaml").write_text(""),
    "examples that are none": lambda folder: (folder / "dev.jsonl").write_text("{"),
}


@pytest.mark.parametrize("how", DAMAGED)
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_damaged_set_comes_back_from_its_own_history(here: Settings, how: str, number: int) -> None:
    states = [collection.open_set(here, "mine")]
    edits = ({f"q{n}": {"question": f"New {n}?"}} for n in (1, 2))
    states += [authoring.update_questions(here, "mine", edit) for edit in edits]
    folder = here.sets / "mine"
    DAMAGED[how](folder)
    broken = studios.tree(folder)
    with pytest.raises(StudioError):
        collection.open_set(here, "mine")
    assert [v.number for v in versions.list_versions(here, "mine")] == [0, 1, 2]
    restored = versions.restore_version(here, "mine", number)
    assert restored == collection.open_set(here, "mine") == states[number]
    (kept,) = (here.workspace / commit.ASIDE).iterdir()
    assert studios.tree(kept) == broken
    # The history goes on: every state is still there, and the next edit can be taken back.
    assert [v.action for v in versions.list_versions(here, "mine")][-1] == f"restore version {number}"
    assert [versions.open_version(here, "mine", n) for n in (0, 1, 2)] == states
    authoring.update_questions(here, "mine", {"q3": {"question": "New 3?"}})
    assert versions.undo(here, "mine") == states[number]


def test_a_damaged_set_without_history_is_said(here: Settings) -> None:
    cut(here.sets / "mine" / "test.jsonl")
    with pytest.raises(TaskError, match="has no version 0: it was never edited"):
        versions.restore_version(here, "mine", 0)
    assert not (here.workspace / commit.ASIDE).exists()


@pytest.mark.parametrize("content", [b"", b"garbage", b"garbage\n[1]\n5\nnull\n{}\n", b"\x00" * 500])
def test_a_history_that_cannot_be_read_is_said_and_kept(here: Settings, content: bytes) -> None:
    assert versions.history_damage(here, "mine") is None
    authoring.update_questions(here, "mine", {"q1": {"question": "New?"}})
    assert versions.history_damage(here, "mine") is None
    folder = here.workspace / "history" / "mine"
    (folder / "log.jsonl").write_bytes(content)
    assert versions.list_versions(here, "mine") == []
    assert "history cannot be read" in (versions.history_damage(here, "mine") or "")
    authoring.update_questions(here, "mine", {"q2": {"question": "New?"}})
    assert [v.action for v in versions.list_versions(here, "mine")] == [commit.ANEW, "edit question q2"]
    assert versions.history_damage(here, "mine") is None
    (aside,) = (folder / commit.ASIDE).iterdir()
    assert (aside / "log.jsonl").read_bytes() == content
    assert (aside / "000000.json.gz").is_file()
    versions.undo(here, "mine")


def test_steps_that_cannot_be_read_are_counted(here: Settings) -> None:
    for n in (1, 2):
        authoring.update_questions(here, "mine", {f"q{n}": {"question": f"New {n}?"}})
    path = here.workspace / "history" / "mine" / "log.jsonl"
    lines = path.read_bytes().splitlines()
    lines[1:1] = [b"garbage", b"7"]
    path.write_bytes(b"\n".join(lines) + b"\n")
    assert (
        versions.history_damage(here, "mine")
        == "2 steps of mine's history cannot be read; the others are listed."
    )
    assert len(versions.list_versions(here, "mine")) == 3
