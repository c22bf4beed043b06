"""Folders, files and archives of results within limits (what archives may be: base/test_archives.py)."""

from __future__ import annotations

import io
import zipfile

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


def test_a_folder_a_file_and_a_zip_give_the_same(tmp_path):
    files = {"a/results_1.json": b"{}", "b.csv": b"x"}
    for name, data in files.items():
        (tmp_path / "f" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "f" / name).write_bytes(data)
    (tmp_path / "f.zip").write_bytes(archive(files))
    assert result_files.at_path(tmp_path / "f", LIMITS) == files
    assert result_files.expand(result_files.at_path(tmp_path / "f.zip", LIMITS), LIMITS) == files
    assert result_files.at_path(tmp_path / "f" / "b.csv", LIMITS) == {"b.csv": b"x"}


def test_two_archives_with_the_same_names_lose_nothing():
    both = result_files.expand(
        {"one.zip": archive({"r.json": b"1"}), "two.zip": archive({"r.json": b"2"})}, LIMITS
    )
    assert both == {"r.json": b"1", "two/r.json": b"2"}


def test_an_empty_archive_is_empty():
    assert result_files.expand({"x.zip": archive({})}, LIMITS) == {}


def test_what_is_not_there_says_so(tmp_path):
    with pytest.raises(StudioError, match="no file or folder"):
        result_files.at_path(tmp_path / "nothing", LIMITS)


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
        result_files.expand({"x.zip": archive(files)}, Limits(**limits))


def test_archives_are_bounded_together():
    two = {"one.zip": archive({"a": b"1" * 20}), "two.zip": archive({"a": b"2" * 20})}
    with pytest.raises(LimitError, match="in all; give fewer at once"):
        result_files.expand(two, Limits(max_unpacked_bytes=30))
    with pytest.raises(LimitError, match="more than 1 files"):
        result_files.expand(two, Limits(max_archive_files=1))


def test_limits_of_folders(tmp_path):
    for name in "abc":
        (tmp_path / name).write_bytes(b"12345")
    with pytest.raises(LimitError, match="more than 2 files"):
        result_files.at_path(tmp_path, Limits(max_archive_files=2))
    with pytest.raises(LimitError, match="MB; give the folder of one model"):
        result_files.at_path(tmp_path, Limits(max_unpacked_bytes=10))


def test_a_broken_archive_says_so():
    with pytest.raises(TaskError, match="not a readable zip"):
        result_files.expand({"x.zip": b"PK\x03\x04 and nothing"}, LIMITS)
