"""What a process knows of a set: believed while its files are the very ones that were read, and of others only the new lines are read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import TaskSet
from e2lm_core.sets.folder import set_cache
from e2lm_core.sets.folder.files import read_task, task_files, write_task
from tests.sets.folder.sky import LIMITS
from tests.support import studios

TASK = studios.task(name="sky")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_task(TASK, tmp_path / "sky", LIMITS)
    return tmp_path / "sky"


def edited(task: TaskSet, place: int = 0, **fields: object) -> TaskSet:
    questions = list(task.questions)
    questions[place] = questions[place].model_copy(update=fields)
    return task.model_copy(update={"questions": tuple(questions)})


def save(folder: Path, task: TaskSet) -> set_cache.CachedSet:
    now = set_cache.read_cached(folder, LIMITS)
    set_cache.write_prepared(folder, now, set_cache.prepare_save(now, task, LIMITS), LIMITS)
    return set_cache.read_cached(folder, LIMITS)


def test_it_is_read_once_as_long_as_its_files_are_the_same(folder: Path) -> None:
    first = set_cache.read_cached(folder, LIMITS)
    assert first.task == TASK
    assert first.canonical
    assert set_cache.read_cached(folder, LIMITS) is first
    os.utime(folder / "test.jsonl", (1, 1))
    assert set_cache.read_cached(folder, LIMITS).task == TASK


def test_of_a_file_that_another_wrote_only_new_lines_are_read(folder: Path) -> None:
    first = set_cache.read_cached(folder, LIMITS)
    write_task(edited(TASK, note="theirs"), folder, LIMITS)
    now = set_cache.read_cached(folder, LIMITS)
    assert now.task == edited(TASK, note="theirs") == read_task(folder, LIMITS).task
    assert now.task.questions[1] is first.task.questions[1]
    assert now.digest != first.digest
    assert set_cache.find_cached(folder, first.digest) is first.task


def test_what_is_written_is_what_the_whole_way_writes(folder: Path) -> None:
    task = save(folder, edited(TASK, note="one")).task
    inode = folder.stat().st_ino
    for change in (
        lambda task: edited(task, 1, question="Two?"),
        lambda task: task.model_copy(update={"dev": task.dev[::-1]}),
        lambda task: task.model_copy(update={"questions": task.questions[::-1]}),
    ):
        after = task = change(task)
        known_after = save(folder, after)
        assert folder.stat().st_ino == inode  # one file was written, and the folder stayed
        assert {p.name: p.read_bytes() for p in folder.iterdir()} == task_files(after, LIMITS)
        assert known_after.task == after == read_task(folder, LIMITS).task
    fewer = after.model_copy(update={"questions": after.questions[1:]})
    save(folder, fewer)  # README counts the questions: two files, so a new folder takes the old one's place
    assert folder.stat().st_ino != inode
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == task_files(fewer, LIMITS)


def outcome(reading: Callable[[], TaskSet]) -> TaskSet | str:
    try:
        return reading()
    except TaskError as error:
        return str(error)


@pytest.mark.parametrize(
    ("old", "new"),
    [('"id": "q1"', '"id": "q2"'), ("{", " {"), ('"answer": 0', '"answer": "x"'), ("\n", "\n\n")],
)
def test_what_was_written_by_hand_is_read_as_by_the_whole_way(folder: Path, old: str, new: str) -> None:
    set_cache.read_cached(folder, LIMITS)
    path = folder / "test.jsonl"
    path.write_text(path.read_text().replace(old, new))
    assert outcome(lambda: set_cache.read_cached(folder, LIMITS).task) == outcome(
        lambda: read_task(folder, LIMITS).task
    )


def test_what_was_written_by_hand_is_checked_before_it_is_saved_again(folder: Path) -> None:
    save(folder, edited(TASK, note="sound"))
    path = folder / "test.jsonl"
    path.write_text(path.read_text().replace('"answer": 1', '"answer": 7', 1))
    wrong = set_cache.read_cached(folder, LIMITS)
    assert not wrong.sound
    with pytest.raises(TaskError, match="gold is 7"):
        set_cache.prepare_save(wrong, edited(wrong.task, 1, note="mine"), LIMITS)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"question": ""}, "Question 3: the question is empty"),
        ({"id": "q1"}, "Question 3: its id 'q1' is that of question 1 too"),
        ({"extra": {"x": float("nan")}}, "cannot store"),
        ({"extra": {"subject": "again"}}, "cannot store"),
    ],
)
def test_a_wrong_question_is_refused_with_its_number(folder: Path, fields: dict, says: str) -> None:
    now = save(folder, edited(TASK, note="sound"))
    with pytest.raises(TaskError, match=says):
        set_cache.prepare_save(now, edited(now.task, 2, **fields), LIMITS)


def test_too_many_questions_are_refused(folder: Path) -> None:
    limits = LIMITS.model_copy(update={"max_questions": len(TASK.questions)})
    now = set_cache.read_cached(folder, limits)
    set_cache.write_prepared(
        folder, now, set_cache.prepare_save(now, edited(TASK, note="sound"), limits), limits
    )
    now = set_cache.read_cached(folder, limits)
    more = now.task.model_copy(update={"questions": (*now.task.questions, studios.question(9, id="q9"))})
    with pytest.raises(TaskError, match="use at most"):
        set_cache.prepare_save(now, more, limits)


def test_a_link_out_of_the_folder_is_not_followed(folder: Path, tmp_path: Path) -> None:
    set_cache.read_cached(folder, LIMITS)
    (tmp_path / "secret.jsonl").write_bytes((folder / "test.jsonl").read_bytes())
    (folder / "test.jsonl").unlink()
    (folder / "test.jsonl").symlink_to(tmp_path / "secret.jsonl")
    with pytest.raises(TaskError, match=r"test\.jsonl"):
        set_cache.read_cached(folder, LIMITS)


def test_no_more_is_kept_than_there_is_room_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_cache._sets.clear()
    monkeypatch.setattr(set_cache, "KEPT_QUESTIONS", 2 * len(TASK.questions) + 2 * len(TASK.dev))
    for number in range(4):
        write_task(TASK, folder.parent / f"sky{number}", LIMITS)
        set_cache.read_cached(folder.parent / f"sky{number}", LIMITS)
    assert len(set_cache._sets) == 2


def test_a_set_that_alone_is_more_is_not_driven_out_by_a_small_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_cache._sets.clear()
    monkeypatch.setattr(set_cache, "KEPT_QUESTIONS", 3)
    large = set_cache.read_cached(folder, LIMITS)
    small = TASK.model_copy(update={"questions": TASK.questions[:1], "dev": ()})
    write_task(small, folder.parent / "small", LIMITS)
    first = set_cache.read_cached(folder.parent / "small", LIMITS)
    assert set_cache.read_cached(folder, LIMITS) is large
    assert set_cache.read_cached(folder.parent / "small", LIMITS) is first
    write_task(TASK, folder.parent / "other", LIMITS)
    set_cache.read_cached(folder.parent / "other", LIMITS)
    assert set_cache.read_cached(folder, LIMITS) is not large


def test_the_digest_is_of_the_content_and_not_of_the_name(folder: Path) -> None:
    other = TASK.model_copy(update={"config": TASK.config.model_copy(update={"task": "sky_two"})})
    write_task(other, folder.parent / "sky_two", LIMITS)
    digest = set_cache.read_cached(folder, LIMITS).digest
    assert set_cache.read_cached(folder.parent / "sky_two", LIMITS).digest == digest
    assert save(folder, TASK.model_copy(update={"readme": "Read."})).digest != digest
