"""Folders, files and archives of results within limits (what archives may be: base/test_archives.py)."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest

from e2lm_core.base.errors import LimitError, StudioError, TaskError
from e2lm_core.base.settings import Limits
from e2lm_core.imported import files as result_files

LIMITS = Limits()


def archive(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        for name, data in files.items():
            file.writestr(name, data)
    return buffer.getvalue()


def given(path: Path, limits: Limits = LIMITS) -> list[dict[str, bytes]]:
    """What the parts of a folder or a file hold."""
    held = []
    for part in result_files.read_in_parts(path, limits):
        with result_files.open_part(part, limits) as (large, small):
            held.append({**{name: file.read() for name, file in large.items()}, **small})
    return held


def test_a_folder_a_file_and_a_zip_give_the_same(tmp_path):
    files = {"a/results_1.json": b"{}", "b.csv": b"x"}
    for name, data in files.items():
        (tmp_path / "f" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "f" / name).write_bytes(data)
    (tmp_path / "f.zip").write_bytes(archive(files))
    assert given(tmp_path / "f") == [files]
    assert given(tmp_path / "f" / "b.csv") == [{"b.csv": b"x"}]
    with (tmp_path / "f.zip").open("rb") as file:
        found = {
            name: zipfile.ZipFile(file).read(info)
            for run in result_files.zip_members(file) or ()
            for name, info in run.items()
        }
    assert found == files
    assert result_files.zip_members(io.BytesIO(b"no zip")) is None


def test_a_run_of_more_files_than_can_be_open_has_its_smallest_as_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(result_files, "MAX_OPEN", 2)
    for name, data in (("a.csv", b"11"), ("b.csv", b"222"), ("c.csv", b"3")):
        (tmp_path / name).write_bytes(data)
    [part] = result_files.read_in_parts(tmp_path, LIMITS)
    with result_files.open_part(part, LIMITS) as (large, small):
        assert (sorted(large), small) == (["a.csv", "b.csv"], {"c.csv": b"3"})
    with (
        pytest.raises(LimitError, match="at most 2 large ones"),
        result_files.open_part(part, Limits(max_unpacked_bytes=0)),
    ):
        pass


def test_runs_share_a_part_while_there_is_room_and_no_run_is_too_large(tmp_path):
    for run in range(3):
        (tmp_path / f"samples_x_2026-01-0{run + 1}T00-00-00.jsonl").write_bytes(b"x" * 10)
    assert [len(part) for part in result_files.read_in_parts(tmp_path, Limits(max_unpacked_bytes=20))] == [
        2,
        1,
    ]
    assert [len(part) for part in result_files.read_in_parts(tmp_path, Limits(max_unpacked_bytes=1))] == [
        1,
        1,
        1,
    ]


def test_lines_end_at_a_newline_alone_and_broken_ones_are_counted():
    lines = result_files.Lines(io.BytesIO('{"a": "x\u2028y\x85z"}\n\n{"a"\n1'.encode()))
    assert next(lines) == {"a": "x\u2028y\x85z"}
    assert list(lines.iter_values()) == [1]
    assert (lines.broken, lines.number) == ([3], 4)


def test_two_archives_with_the_same_names_lose_nothing():
    both = result_files.expand_zips(
        {"one.zip": archive({"r.json": b"1"}), "two.zip": archive({"r.json": b"2"})}, LIMITS
    )
    assert both == {"r.json": b"1", "two/r.json": b"2"}


def test_an_empty_archive_is_empty():
    assert result_files.expand_zips({"x.zip": archive({})}, LIMITS) == {}


def test_what_is_not_there_says_so(tmp_path):
    with pytest.raises(StudioError, match="no file or folder"):
        result_files.read_in_parts(tmp_path / "nothing", LIMITS)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StudioError, match="no file or folder"):
        result_files.read_in_parts(tmp_path / "pipe", LIMITS)


@pytest.mark.parametrize(
    ("limits", "files", "said"),
    [
        ({}, {"../x.json": b"1"}, "x.zip holds the name '../x.json', which leads out of it"),
        ({"max_archive_files": 1}, {"a": b"1", "b": b"2"}, "x.zip has 2 files; at most 1"),
        ({"max_unpacked_bytes": 10}, {"a": b"1" * 20}, "x.zip unpacks to 20 bytes"),
        ({"max_file_bytes": 1_000}, {"a": b"1" * 2_000}, "x.zip's 'a' has 2,000 bytes; at most 1,000"),
    ],
)
def test_an_archive_that_breaks_a_rule_is_named(limits, files, said):
    with pytest.raises(StudioError, match=said):
        result_files.expand_zips({"x.zip": archive(files)}, Limits(**limits))


def test_archives_are_bounded_together():
    two = {"one.zip": archive({"a": b"1" * 20}), "two.zip": archive({"a": b"2" * 20})}
    with pytest.raises(LimitError, match="in all; give fewer at once"):
        result_files.expand_zips(two, Limits(max_unpacked_bytes=30))
    with pytest.raises(LimitError, match="more than 1 files"):
        result_files.expand_zips(two, Limits(max_archive_files=1))


def test_a_folder_of_somebody_elses_disk_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(result_files, "MAX_LOCAL_FILES", 2)
    for name in "abc":
        (tmp_path / name).write_bytes(b"12345")
    with pytest.raises(LimitError, match="holds 3 files; at most 2 are read"):
        result_files.read_in_parts(tmp_path, LIMITS)


def test_a_broken_archive_says_so():
    with pytest.raises(TaskError, match="not a readable zip"):
        result_files.expand_zips({"x.zip": b"PK\x03\x04 and nothing"}, LIMITS)
