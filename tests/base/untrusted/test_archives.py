"""Archives from strangers: one hostile archive for each rule, and every way to cut or break a small one."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest

from e2lm_core.base.errors import LimitError, StudioError, TaskError
from e2lm_core.base.settings import Limits
from e2lm_core.base.untrusted.archives import MAX_RATIO, read_zip
from tests.support import german

LIMITS = Limits()
DIRECTORY = b"PK\x01\x02"


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def linked(name: str, mode: int = 0o120777) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        link = zipfile.ZipInfo(name)
        link.external_attr = mode << 16
        archive.writestr(link, "/etc/passwd")
    return buffer.getvalue()


def changed(data: bytes, offset: int, kind: str, value: int, entry: int = 0) -> bytes:
    """With another number in the table of contents, `offset` bytes into an entry."""
    at = -1
    for _ in range(entry + 1):
        at = data.index(DIRECTORY, at + 1)
    twisted = bytearray(data)
    struct.pack_into(kind, twisted, at + offset, value)
    return bytes(twisted)


def refused(data: bytes, limits: Limits = LIMITS, kind: type[StudioError] = TaskError) -> str:
    with pytest.raises(StudioError) as refusal:
        read_zip(data, limits, "x.zip")
    assert type(refusal.value) is kind
    german.translated(refusal.value)
    sentence = str(refusal.value)
    assert sentence.startswith("x.zip")
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_the_files_come_back_in_their_order_without_directories(method: int) -> None:
    files = {"b/": b"", "b/two.txt": b"2" * 5_000, "a/one.txt": b"\0\xff", "empty": b""}
    read = read_zip(zipped(files, method), LIMITS)
    assert list(read.items()) == [(name, data) for name, data in files.items() if name != "b/"]


def test_an_empty_archive_is_empty() -> None:
    assert read_zip(zipped({}), LIMITS) == {}


@pytest.mark.parametrize(
    "name",
    ["/etc/x", "//x", "../x", "a/../../x", "a/a/../../../x", "C:/x", "c:x", "a\\..\\x", "..", "../", "/a/"],
)
def test_a_name_that_leads_out(name: str) -> None:
    # Also that of a directory, which holds nothing.
    data = zipped({"a/x": b"1", name.replace("\\", "/"): b""})
    data = data.replace(name.replace("\\", "/").encode(), name.encode())
    assert "which leads out of it; zip the folder itself" in refused(data)


def test_a_name_that_only_looks_like_leading_out() -> None:
    files = {"..a/b..": b"1", "a/...": b"2", "a/b:c": b"3", ".hidden": b"4"}
    assert read_zip(zipped(files), LIMITS) == files


def test_a_name_cut_at_a_zero_byte_is_judged_by_what_is_left() -> None:
    data = zipped({"good_../x": b"1"}).replace(b"good_", b"../\0_")
    assert "which leads out of it" in refused(data)


@pytest.mark.parametrize("name", ["a/link", "a/link/"])
def test_a_link(name: str) -> None:
    assert f"holds a link ({name!r})" in refused(linked(name))


def test_a_password() -> None:
    assert "is encrypted; zip the folder without a password" in refused(
        changed(zipped({"a": b"1"}), 8, "<H", 1)
    )


def test_a_name_twice() -> None:
    twice = zipped({"a/x": b"1", "a/y": b"2"}).replace(b"a/y", b"a/x")
    assert refused(twice) == "x.zip holds 'a/x' twice; keep one."


def test_too_many_entries_directories_among_them() -> None:
    files = {f"d{n}/": b"" for n in range(2)} | {f"f{n}": b"" for n in range(2)}
    assert len(read_zip(zipped(files), Limits(max_archive_files=4))) == 2
    assert refused(zipped(files), Limits(max_archive_files=3), LimitError) == (
        "x.zip has 4 files; at most 3 are allowed."
    )


def test_an_archive_an_entry_and_all_of_them_too_large() -> None:
    data = zipped({"a": b"x" * 900, "b": b"y" * 900})
    assert read_zip(data, Limits(max_file_bytes=900, max_unpacked_bytes=1_800))
    sentence = f"x.zip has {len(data):,} bytes; at most 100 are allowed."
    assert refused(data, Limits(max_file_bytes=100), LimitError) == sentence
    assert "x.zip's 'a' has 900 bytes; at most 899" in refused(data, Limits(max_file_bytes=899), LimitError)
    assert "unpacks to 1,800 bytes; at most 1,799" in refused(
        data, Limits(max_unpacked_bytes=1_799), LimitError
    )


def test_a_bomb() -> None:
    bomb = zipped({"zeros": b"\0" * 5_000_000})
    assert f"is packed more than {MAX_RATIO} times smaller than it is" in refused(bomb, kind=LimitError)
    assert read_zip(zipped({"zeros": b"\0" * 900_000}), LIMITS), "what is small may be packed as it likes"


def test_an_entry_that_says_it_takes_no_bytes() -> None:
    assert "is packed more than" in refused(
        changed(zipped({"a": b"x" * 2_000_000}), 20, "<I", 0), kind=LimitError
    )


def test_entries_that_share_their_bytes() -> None:
    # As in the largest bombs: the second entry points at the bytes of the first.
    data = zipped({"a": b"x" * 1_000, "b": b"x" * 1_000})
    refused(changed(data, 42, "<I", 0, entry=1))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("size", [10, 40_000])
def test_an_entry_that_lies_about_its_size(method: int, size: int) -> None:
    data = changed(zipped({"a": b"x" * 50_000}, method), 24, "<I", size)
    with pytest.raises(StudioError):
        read_zip(data, LIMITS)


@pytest.mark.parametrize("data", [b"", b"not a zip", b"PK\x05\x06", b"PK\x03\x04" + b"\0" * 60])
def test_what_is_no_archive(data: bytes) -> None:
    assert refused(data) == "x.zip is not a readable zip archive; zip the folder again."


def test_a_kind_of_packing_that_nobody_knows() -> None:
    data = changed(zipped({"a": b"x" * 500}), 10, "<H", 77)
    assert "is not a readable zip archive" in refused(data)


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_damage_anywhere_is_one_sentence(method: int) -> None:
    whole = zipped({"a/one.txt": b"some text " * 30, "a/two.txt": bytes(range(256))}, method)
    damaged = [whole[:cut] for cut in range(len(whole))]
    for at in range(len(whole)):
        broken = bytearray(whole)
        broken[at] ^= 0xFF
        damaged.append(bytes(broken))
    for data in damaged:
        try:
            read_zip(data, LIMITS)
        except StudioError as error:
            assert "\n" not in str(error)  # noqa: PT017
