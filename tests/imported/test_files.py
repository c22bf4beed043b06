"""Folders, files and archives of results within limits; nothing leaves an archive."""

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
    assert result_files.from_path(tmp_path / "f", LIMITS) == files
    assert result_files.from_path(tmp_path / "f.zip", LIMITS) == files
    assert result_files.from_path(tmp_path / "f" / "b.csv", LIMITS) == {"b.csv": b"x"}


def test_two_archives_with_the_same_names_lose_nothing():
    both = result_files.expand(
        {"one.zip": archive({"r.json": b"1"}), "two.zip": archive({"r.json": b"2"})}, LIMITS
    )
    assert both == {"r.json": b"1", "two/r.json": b"2"}


def test_an_empty_archive_is_empty():
    assert result_files.expand({"x.zip": archive({})}, LIMITS) == {}


def test_what_is_not_there_says_so(tmp_path):
    with pytest.raises(StudioError, match="no file or folder"):
        result_files.from_path(tmp_path / "nothing", LIMITS)


@pytest.mark.parametrize("name", ["../x.json", "/x.json", "a\\x.json", "C:/x.json"])
def test_names_that_lead_out_are_refused(name):
    data = archive({name.replace("\\", "/"): b"1"})
    if "\\" in name:
        data = data.replace(b"a/x.json", b"a\\x.json")
    with pytest.raises(TaskError, match="leads out of it"):
        result_files.expand({"x.zip": data}, LIMITS)


def test_a_link_and_a_repeated_name_are_refused():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        info = zipfile.ZipInfo("link.json")
        info.external_attr = 0o120777 << 16
        file.writestr(info, "/etc/passwd")
    with pytest.raises(TaskError, match="holds a link"):
        result_files.expand({"x.zip": buffer.getvalue()}, LIMITS)
    twice = archive({"a.json": b"1", "b.json": b"2"}).replace(b"b.json", b"a.json")
    with pytest.raises(TaskError, match="twice"):
        result_files.expand({"x.zip": twice}, LIMITS)


@pytest.mark.parametrize(
    ("limits", "files", "said"),
    [
        ({"max_archive_files": 1}, {"a": b"1", "b": b"2"}, "2 files; at most 1"),
        ({"max_unpacked_bytes": 10}, {"a": b"1" * 20}, "unpacks to"),
        ({"max_file_bytes": 1_000}, {"a": b"1" * 2_000}, "MB a file"),
    ],
)
def test_limits_of_archives(limits, files, said):
    with pytest.raises(LimitError, match=said):
        result_files.expand({"x.zip": archive(files)}, Limits(**limits))


def test_a_bomb_is_refused():
    bomb = archive({"a.json": b"0" * 20_000_000})
    with pytest.raises(LimitError, match="packed more than 500 times"):
        result_files.expand({"x.zip": bomb}, LIMITS)


def test_limits_of_folders(tmp_path):
    for name in "abc":
        (tmp_path / name).write_bytes(b"12345")
    with pytest.raises(LimitError, match="more than 2 files"):
        result_files.from_path(tmp_path, Limits(max_archive_files=2))
    with pytest.raises(LimitError, match="MB; give the folder of one model"):
        result_files.from_path(tmp_path, Limits(max_unpacked_bytes=10))


def test_a_broken_archive_says_so():
    with pytest.raises(TaskError, match="not a readable zip"):
        result_files.expand({"x.zip": b"PK\x03\x04 and nothing"}, LIMITS)
