"""Bundles: the same bytes each time, and back to the same set (what archives may be: base/test_archives.py)."""

from __future__ import annotations

import io
import json
import time
import zipfile
from pathlib import Path

import pytest

from e2lm_core.base.errors import LimitError, StudioError, TaskError
from e2lm_core.base.records import Question, TaskConfig, TaskSet
from e2lm_core.base.settings import Limits
from e2lm_core.sets.folder import bundle
from e2lm_core.sets.folder.files import task_files
from e2lm_core.sets.prompts.render import render_set

LIMITS = Limits()
TASK = TaskSet(
    config=TaskConfig(task="sky", metadata={"version": 1.0}),
    questions=tuple(
        Question(id=f"q{n}", question=f"What is thing {n}?", choices=(f"it {n}", f"that {n}"), answer=n % 2)
        for n in range(120)
    ),
    dev=(
        Question(id="d", question="What is an oak?", choices=("tree", "fish"), answer=0, license="CC0-1.0"),
    ),
)


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def ours(folder: str = "sky") -> dict[str, bytes]:
    return {f"{folder}/{name}": data for name, data in task_files(TASK, LIMITS).items()}


def refused(data: bytes, limits: Limits = LIMITS, kind: type[StudioError] = TaskError) -> str:
    with pytest.raises(kind) as refusal:
        bundle.unpack(data, limits)
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def test_identical_bytes_for_identical_input(monkeypatch: pytest.MonkeyPatch) -> None:
    first = bundle.pack(TASK, LIMITS)
    monkeypatch.setattr(time, "time", lambda: 2e9)
    assert bundle.pack(TASK.model_copy(deep=True), LIMITS) == first
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        names = ["sky.yaml", "test.jsonl", "dev.jsonl", "loader.py", "README.md"]
        assert archive.namelist() == [f"sky/{name}" for name in names]
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert b"lm_eval --include_path . --tasks sky" in archive.read("sky/README.md")
    assert bundle.unpack(first, LIMITS) == TASK


def test_a_question_that_is_wrong_in_itself_is_not_packed() -> None:
    few = TASK.model_copy(update={"questions": TASK.questions[:2]})
    assert bundle.unpack(bundle.pack(few, LIMITS), LIMITS) == few
    bad = TASK.model_copy(update={"questions": (TASK.questions[0].model_copy(update={"answer": 2}),)})
    with pytest.raises(TaskError, match="gold is 2, but it has 2 choices"):
        bundle.pack(bad, LIMITS)


def test_a_folder_of_any_name_and_no_folder() -> None:
    assert bundle.unpack(zipped(ours("renamed by hand")), LIMITS) == TASK
    assert bundle.unpack(zipped(task_files(TASK, LIMITS)), LIMITS) == TASK
    assert bundle.unpack(zipped(ours() | {"__MACOSX/sky/._sky.yaml": b"", "note.txt": b""}), LIMITS) == TASK


def test_an_archive_that_breaks_a_rule_is_told_of_as_an_archive() -> None:
    assert (
        refused(zipped(ours() | {"../x": b""}))
        == "The archive holds the name '../x', which leads out of it; zip the task folder itself."
    )
    many = zipped({f"sky/{n}": b"" for n in range(2_001)})
    assert refused(many, kind=LimitError) == "The archive has 2,001 files; at most 2,000 are allowed."
    one = Limits(max_file_bytes=10_000)
    assert "has 20,000 bytes; at most 10,000" in refused(zipped({"sky/x": b"x" * 20_000}), one, LimitError)
    assert "is not a readable zip archive" in refused(b"not a zip")


def test_archives_cut_short() -> None:
    whole = bundle.pack(TASK, LIMITS)
    for cut in range(0, len(whole), max(1, len(whole) // 40)):
        refused(whole[:cut], kind=StudioError)
    for at in range(0, len(whole), max(1, len(whole) // 60)):
        broken = bytearray(whole)
        broken[at] ^= 0xFF
        try:
            bundle.unpack(bytes(broken), LIMITS)
        except StudioError as error:
            assert "\n" not in str(error)  # noqa: PT017


def test_memory_is_granted_for_what_came_out_of_an_archive(monkeypatch: pytest.MonkeyPatch) -> None:
    granted: list[int] = []
    monkeypatch.setattr(bundle.sandbox, "raise_memory_limit", granted.append)
    assert bundle.unpack_unconfined(bundle.pack(TASK, LIMITS), LIMITS) == TASK
    assert granted == [5 * sum(map(len, task_files(TASK, LIMITS).values()))]


def test_no_task_and_several() -> None:
    assert "holds no task's YAML" in refused(zipped({"a.txt": b""}))
    assert "holds 2 folders with a YAML" in refused(zipped(ours("a") | ours("b")))


def test_a_bundle_is_written_whole(tmp_path: Path) -> None:
    bundle.write(b"zip", tmp_path / "new" / "x.zip")
    assert (tmp_path / "new" / "x.zip").read_bytes() == b"zip"
    with pytest.raises(TaskError, match=r"x\.zip could not be saved"):
        bundle.write(b"zip", tmp_path / "new" / "x.zip" / "x.zip")


def test_a_tree_of_tasks_opens_as_its_top_folder_does() -> None:
    rows = json.dumps({"question": "q", "choices": ["a", "b"], "answer": 1}) + "\n"
    task = "include: ../_base\ntask: t_{}\ndataset_path: x\ndataset_name: {}\n"
    base = 'output_type: multiple_choice\ntest_split: test\ndoc_to_text: "{{question}}"\ndoc_to_choice: choices\ndoc_to_target: answer\n'
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mmlu/_base", base)
        archive.writestr("mmlu/part/_group.yaml", "group: all_of_it\ntask: [t_a, t_b]\n")
        for name in "ab":
            archive.writestr(f"mmlu/part/t_{name}.yaml", task.format(name, name))
            archive.writestr(f"mmlu/part/{name}/test.jsonl", rows)
    read = bundle.unpack_unconfined(buffer.getvalue(), LIMITS)
    assert (read.name, [q.subject for q in read.questions]) == ("all_of_it", ["a", "b"])


def foreign(text: str) -> bytes:
    """A zip of somebody else's task, whose templates take more than columns."""
    rows = [
        {"asked": f"q{n}", "options": {"text": ["a", "b"], "label": ["A", "B"]}, "key": "B"} for n in (1, 2)
    ]
    keys = {
        "task": "guest",
        "dataset_path": "some/body",
        "output_type": "multiple_choice",
        "test_split": "test",
        "doc_to_text": text,
        "doc_to_choice": "{{options.text}}",
        "doc_to_target": "{{options.label.index(key)}}",
    }
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    return zipped({"guest/guest.yaml": json.dumps(keys).encode(), "guest/test.jsonl": lines.encode()})


def test_any_template_of_a_zip_is_rendered_where_the_zip_is_read() -> None:
    read = bundle.unpack(foreign("Say: {{asked.replace('q', 'Q')}}"), LIMITS)
    assert [(q.question, q.choices, q.answer) for q in read.questions] == [
        ("q1", ("a", "b"), 1),
        ("q2", ("a", "b"), 1),
    ]
    assert [doc.context for doc in render_set(read, 0)] == ["Say: Q1", "Say: Q2"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
            "longer than 1 second",
        ),
        ("{{ asked.format_map }}{{ 'a' * 2000000 }}", "more than 1,000,000 characters"),
        ("{{ missing.replace('a', 'b') }}", "'missing' is undefined"),
        ("{{ asked.__class__ }}", "reaches for the attribute"),
    ],
)
def test_a_template_of_a_zip_is_held_to_what_any_is(text: str, says: str) -> None:
    assert says in refused(foreign(text), kind=StudioError)
