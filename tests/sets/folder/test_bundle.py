"""Bundles: the same bytes each time, and archives from strangers."""

from __future__ import annotations

import io
import struct
import time
import zipfile
from pathlib import Path

import pytest

from e2lm_core.base.errors import LimitError, StudioError, TaskError
from e2lm_core.base.records import Question, TaskConfig, TaskSet
from e2lm_core.base.settings import Limits
from e2lm_core.sets.folder import bundle
from e2lm_core.sets.folder.files import task_files

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


def test_what_the_checks_stop_is_not_packed() -> None:
    few = TASK.model_copy(update={"questions": TASK.questions[:99]})
    assert bundle.unpack(bundle.pack(few, LIMITS), LIMITS) == few
    with pytest.raises(
        TaskError, match="sky cannot be exported: The set has 99 questions; the competition takes"
    ):
        bundle.pack(few, LIMITS, "competition")
    shown = TASK.model_copy(update={"dev": (TASK.questions[3].model_copy(update={"id": "x"}),)})
    with pytest.raises(TaskError, match="Question 4: it stands in dev too"):
        bundle.pack(shown, LIMITS)
    bad = TASK.model_copy(update={"questions": (TASK.questions[0].model_copy(update={"answer": 2}),)})
    with pytest.raises(TaskError, match="gold is 2, but it has 2 choices"):
        bundle.pack(bad, LIMITS)


def test_a_folder_of_any_name_and_no_folder() -> None:
    assert bundle.unpack(zipped(ours("renamed by hand")), LIMITS) == TASK
    assert bundle.unpack(zipped(task_files(TASK, LIMITS)), LIMITS) == TASK
    assert bundle.unpack(zipped(ours() | {"__MACOSX/sky/._sky.yaml": b"", "note.txt": b""}), LIMITS) == TASK


@pytest.mark.parametrize("name", ["/etc/x", "../x", "sky/../../x", "C:/x", "sky\\..\\x", "sky/a/../../../x"])
def test_names_that_lead_out(name: str) -> None:
    assert "which leads out of it" in refused(zipped(ours() | {name: b""}))


def test_links_passwords_and_names_given_twice() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        link = zipfile.ZipInfo("sky/test.jsonl")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    assert "holds a link" in refused(buffer.getvalue())
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("sky/a", "1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("sky/a", "2")
    assert "holds 'sky/a' twice" in refused(buffer.getvalue())
    data = bytearray(zipped({"sky/a": b"1"}))
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1
    assert "is encrypted" in refused(bytes(data))


def test_count_size_and_ratio_are_bounded() -> None:
    many = zipped({f"sky/{n}": b"" for n in range(2_001)})
    assert refused(many, kind=LimitError) == "The archive has 2,001 files; at most 2,000 are allowed."
    bomb = zipped(ours() | {"sky/zeros": b"\0" * 5_000_000})
    assert "is packed more than 200 times smaller than it is" in refused(bomb, kind=LimitError)
    total = Limits(max_unpacked_bytes=1_000)
    assert "unpacks to" in refused(zipped(ours()), total, LimitError)
    one = Limits(max_file_bytes=10_000)
    assert "has 20,000 bytes; at most 10,000" in refused(zipped({"sky/x": b"x" * 20_000}), one, LimitError)
    assert "The archive has" in refused(bundle.pack(TASK, LIMITS), Limits(max_file_bytes=100), LimitError)


def test_an_entry_that_lies_about_its_size() -> None:
    data = bytearray(zipped({"sky/sky.yaml": b"x" * 50_000}))
    at = data.index(b"PK\x01\x02")
    struct.pack_into("<I", data, at + 24, 10)
    refused(bytes(data), kind=StudioError)


@pytest.mark.parametrize("data", [b"", b"not a zip", b"PK\x05\x06", b"PK\x03\x04" + b"\0" * 60])
def test_what_is_no_archive(data: bytes) -> None:
    assert "is not a readable zip archive" in refused(data)


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


def test_no_task_and_several() -> None:
    assert "holds no task's YAML" in refused(zipped({"a.txt": b""}))
    assert "holds 2 folders with a YAML" in refused(zipped(ours("a") | ours("b")))


def test_a_bundle_is_written_whole(tmp_path: Path) -> None:
    bundle.write(b"zip", tmp_path / "new" / "x.zip")
    assert (tmp_path / "new" / "x.zip").read_bytes() == b"zip"
    with pytest.raises(TaskError, match=r"x\.zip could not be saved"):
        bundle.write(b"zip", tmp_path / "new" / "x.zip" / "x.zip")
