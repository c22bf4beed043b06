"""All or nothing on disk, a disk that is really full included."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from e2lm_core.base import atomic
from e2lm_core.base.errors import TaskError
from tests.conftest import ROOT


def held(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def test_a_folder_is_replaced_and_keeps_what_is_not_dropped(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    atomic.replace_folder(folder, {"a": b"1", "b": b"2"}, lambda name: False)
    (folder / "notes.txt").write_text("mine")
    (folder / "old.yaml").write_text("x")
    atomic.replace_folder(folder, {"a": b"3"}, lambda name: name.endswith(".yaml"))
    assert held(folder) == {"a": b"3", "b": b"2", "notes.txt": b"mine"}
    assert os.listdir(tmp_path) == ["set"]


def test_a_file_where_the_folder_should_be_stays_and_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    with pytest.raises(
        TaskError, match="a file stands where a folder is needed; choose another folder and save"
    ):
        atomic.replace_folder(tmp_path / "file" / "set", {"a": b"1"}, lambda name: False)
    assert (tmp_path / "file").read_text() == "kept"


def test_two_renames_do_where_no_exchange_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atomic, "_exchange", lambda one, other: False)
    folder = tmp_path / "set"
    atomic.replace_folder(folder, {"a": b"1"}, lambda name: True)
    atomic.replace_folder(folder, {"a": b"2"}, lambda name: True)
    assert held(folder) == {"a": b"2"}
    assert os.listdir(tmp_path) == ["set"]


def test_a_crash_between_the_renames_is_recovered(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    atomic.replace_folder(folder, {"a": b"1"}, lambda name: True)
    folder.rename(tmp_path / ".set.previous")
    atomic.recover(folder)
    assert held(folder) == {"a": b"1"}


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (errno.ENOSPC, "set could not be saved: the disk is full; free some space and save again"),
        (errno.EROFS, "the disk is read-only"),
        (errno.EACCES, "there is no permission to write there"),
        (errno.EIO, "the disk said Input/output error"),
    ],
)
def test_a_failing_disk_is_one_sentence_and_harms_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, says: str
) -> None:
    folder = tmp_path / "set"
    atomic.replace_folder(folder, {"a": b"1"}, lambda name: True)

    def full(handle: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TaskError) as refusal:
        atomic.replace_folder(folder, {"a": b"2"}, lambda name: True)
    assert says in str(refusal.value)
    with pytest.raises(TaskError):
        atomic.replace_file(folder / "a", b"2")
    assert held(folder) == {"a": b"1"}
    assert os.listdir(tmp_path) == ["set"]


def test_the_system_s_own_limit_on_file_size(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    atomic.replace_folder(folder, {"a": b"1"}, lambda name: True)
    program = (
        "import sys; from pathlib import Path; from e2lm_core.base import atomic; from e2lm_core.base.errors import TaskError\n"
        "try: atomic.replace_folder(Path(sys.argv[1]), {'a': b'2' * 100_000}, lambda name: True)\n"
        "except TaskError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
    )
    assert "could not be saved: the file is larger than the system allows" in done.stdout
    assert done.stderr == ""
    assert held(folder) == {"a": b"1"}
    assert os.listdir(tmp_path) == ["set"]


def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "there" / "file")
    atomic.replace_file(link, b"one")
    atomic.replace_file(link, b"two")
    assert link.is_symlink()
    assert (tmp_path / "there" / "file").read_bytes() == b"two"
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["file"]


def test_a_pipe_is_written_into_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as pool:
        read = pool.submit(pipe.read_bytes)
        atomic.replace_file(pipe, b"through")
        assert read.result(10) == b"through"
    assert pipe.is_fifo()


@pytest.mark.skipif(
    not Path("/dev/full").is_char_device(), reason="needs /dev/full, a disk that is always full"
)
def test_a_full_device_is_one_sentence_and_stays_a_device() -> None:
    with pytest.raises(TaskError, match=r"^full could not be saved: the disk is full"):
        atomic.replace_file(Path("/dev/full"), b"something")
    assert Path("/dev/full").is_char_device()
