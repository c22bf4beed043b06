"""Locks, sizes and stamps of files: who holds a lock, what counts, what a change changes."""

from __future__ import annotations

import threading
from pathlib import Path

from e2lm_core.base.files import folder_bytes, folder_stamp, mtime_and_size, open_lock_file, take_lock


def test_a_lock_keeps_others_out_until_its_file_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "new" / "lock"
    with open_lock_file(path) as first, open_lock_file(path) as second:
        assert take_lock(first)
        assert not take_lock(second)
        assert not take_lock(second, shared=True)
        first.close()
        assert take_lock(second)


def test_a_shared_lock_keeps_out_those_that_do_not_share(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with open_lock_file(path) as first, open_lock_file(path) as second, open_lock_file(path) as third:
        assert take_lock(first, shared=True)
        assert take_lock(second, shared=True)
        assert not take_lock(third)


def test_who_waits_gets_the_lock_once_it_is_free(tmp_path: Path) -> None:
    got = threading.Event()

    def wait() -> None:
        with open_lock_file(tmp_path / "lock") as file:
            assert take_lock(file, wait=True)
            got.set()

    with open_lock_file(tmp_path / "lock") as file:
        assert take_lock(file)
        waiting = threading.Thread(target=wait)
        waiting.start()
        assert not got.wait(0.1)
    waiting.join(10)
    assert got.is_set()


def test_a_hard_linked_file_counts_once(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one").write_bytes(b"12345")
    (tmp_path / "a" / "two").hardlink_to(tmp_path / "a" / "one")
    assert folder_bytes([tmp_path / "a", tmp_path / "a" / "one", tmp_path / "gone"]) == 5


def test_a_change_of_a_file_changes_its_stamp_and_its_folders(tmp_path: Path) -> None:
    file = tmp_path / "a"
    assert mtime_and_size(file) is None
    assert folder_stamp(tmp_path / "gone") == ()
    file.write_bytes(b"1")
    before = mtime_and_size(file), folder_stamp(tmp_path)
    assert before == (mtime_and_size(file), folder_stamp(tmp_path))
    file.write_bytes(b"12")
    assert mtime_and_size(file) != before[0]
    assert folder_stamp(tmp_path) != before[1]
