"""Task folders: what is written is read back, and what may not be read is refused in one sentence."""

from __future__ import annotations

import errno
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import Question, TaskConfig, TaskSet
from e2lm_core.base.settings import Limits
from e2lm_core.sets.folder.datafiles import LOADER
from e2lm_core.sets.folder.files import read_task, task_digest, write_task
from tests.conftest import ROOT
from tests.sets.folder.sky import LIMITS, SKY, TASK, refused


def test_a_set_is_read_back_as_it_was_written(folder: Path) -> None:
    assert read_task(folder, LIMITS, strict=True) == (TASK, [])
    assert sorted(os.listdir(folder)) == ["README.md", "dev.jsonl", "loader.py", "sky.yaml", "test.jsonl"]
    assert (folder / "loader.py").read_bytes() == LOADER
    row = json.loads((folder / "test.jsonl").read_text(encoding="utf-8"))
    assert list(row) == ["id", "question", "choices", "answer", "subject", "level", "tags", "nested"]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
FILLED = TEXT.filter(str.strip)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.lists(FILLED, min_size=2, max_size=4, unique_by=str.strip), min_size=1, max_size=3),
    FILLED,
    TEXT,
    TEXT,
    st.dictionaries(st.sampled_from(["extra", "ü b"]), st.integers() | TEXT | st.booleans(), max_size=2),
)
def test_whatever_is_sound_is_read_back(
    tmp_path_factory: pytest.TempPathFactory,
    choices: list[list[str]],
    text: str,
    description: str,
    delimiter: str,
    extra: dict[str, Any],
) -> None:
    questions = tuple(
        Question(
            id=f"{n}", question=text, choices=tuple(own), answer=len(own) - 1, note=description, extra=extra
        )
        for n, own in enumerate(choices)
    )
    config = TaskConfig(
        task="t",
        description=description,
        target_delimiter=delimiter,
        fewshot_delimiter=delimiter,
        doc_to_choice=tuple(choices[0]),
    )
    task = TaskSet(config=config, questions=questions)
    folder = tmp_path_factory.mktemp("sets") / "t"
    write_task(task, folder, LIMITS)
    assert read_task(folder, LIMITS, strict=True).task == task


def test_an_empty_set_can_be_kept(tmp_path: Path) -> None:
    task = TaskSet(config=TaskConfig(task="new"), questions=())
    write_task(task, tmp_path / "new", LIMITS)
    assert read_task(tmp_path / "new", LIMITS).task == task


def test_the_digest_is_of_what_is_scored() -> None:
    assert task_digest(TASK) == task_digest(TASK.model_copy(update={"readme": "other"}))
    assert task_digest(TASK) != task_digest(TASK.model_copy(update={"dev": ()}))
    assert len(task_digest(TASK)) == 64


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"answer": 2}, "Question 1: gold is 2, but it has 2 choices (use 0–1)."),
        ({"choices": ("one",)}, "Question 1: it has 1 choice; give it 2 to 26."),
        ({"choices": ("same", "same")}, "Question 1: choices A and B are the same ('same'). Change one."),
        ({"question": ""}, "Question 1: the question is empty; write it or delete the row."),
        ({"extra": {"answer": 1}}, "no column named like one of the studio's"),
        ({"extra": {"when": float("nan")}}, "holds a value that its files cannot store"),
        ({"extra": {"half": "\ud800"}}, "holds a value that its files cannot store"),
        ({"extra": {"object": object()}}, "holds a value that its files cannot store"),
    ],
)
def test_what_is_unsound_is_never_saved(folder: Path, change: dict[str, Any], says: str) -> None:
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    bad = TASK.model_copy(update={"questions": (SKY.model_copy(update=change),)})
    with pytest.raises(TaskError) as refusal:
        write_task(bad, folder, LIMITS)
    assert says in str(refusal.value)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_a_full_disk_leaves_the_set_unharmed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TaskError) as refusal:
        write_task(TASK.model_copy(update={"dev": ()}), folder, LIMITS)
    assert str(refusal.value) == (
        "sky could not be saved: the disk is full; free some space and save again "
        "(what was saved before is unharmed)."
    )
    assert read_task(folder, LIMITS).task == TASK


def test_other_files_stay_and_another_name_replaces_the_yaml(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    renamed = TASK.model_copy(update={"config": TASK.config.model_copy(update={"task": "heaven"})})
    write_task(renamed, folder, LIMITS)
    assert not (folder / "sky.yaml").exists()
    assert (folder / "notes.txt").read_text(encoding="utf-8") == "mine"
    assert read_task(folder, LIMITS).task == renamed


def test_a_file_that_is_too_large(folder: Path) -> None:
    (folder / "test.jsonl").write_bytes(b"x" * 5_001)
    with pytest.raises(TaskError, match=r"test\.jsonl has 5,001 bytes; a file may have at most 5,000 bytes"):
        read_task(folder, Limits(max_file_bytes=5_000))


def test_folders_that_are_none(tmp_path: Path) -> None:
    assert "There is no task folder 'nowhere'" in refused(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    assert "holds no empty.yaml" in refused(tmp_path / "empty")
    for name in ("one", "two"):
        (tmp_path / "empty" / f"{name}.yaml").write_text("task: x\n")
    assert "one.yaml: output_type is None" in refused(tmp_path / "empty")  # both would be one set's subjects


def test_wrong_golds_are_read_so_that_checks_can_name_them_all(folder: Path) -> None:
    row = {"question": "q", "choices": ["a", "b"], "answer": 5}
    (folder / "test.jsonl").write_text(
        f"{json.dumps(row)}\n{json.dumps(row | {'id': 'q1'})}\n", encoding="utf-8"
    )
    questions = read_task(folder, LIMITS).task.questions
    assert [(q.id, q.answer) for q in questions] == [("q1_", 5), ("q1", 5)]


@pytest.mark.parametrize("name", ["ladder_science", "ladder_general", "ladder_school"])
def test_the_example_sets_are_read_strictly(name: str) -> None:
    task, warnings = read_task(ROOT / "tasks" / name, LIMITS, strict=True)
    assert warnings == []
    assert len(task.dev) == 5


def test_a_reader_sees_one_set_or_the_other_while_they_change(folder: Path) -> None:
    other = TASK.model_copy(update={"questions": (SKY.model_copy(update={"answer": 1}),), "dev": ()})
    done = threading.Event()

    def write() -> None:
        for n in range(30):
            write_task((TASK, other)[n % 2], folder, LIMITS)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = 0
    while not done.is_set():
        try:
            assert read_task(folder, LIMITS).task in (TASK, other)
            seen += 1
        except TaskError as error:
            assert "keeps changing" in str(error)  # noqa: PT017
    writer.join()
    assert seen > 0
    assert os.listdir(folder.parent) == ["sky"]
