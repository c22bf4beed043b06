import hashlib
import os
import re
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from e2lm_core.base.database import (
    PATIENCE_S,
    SCHEMA_VERSION,
    TURN_S,
    Database,
    change_stamp,
    connect,
    translate_errors,
)
from e2lm_core.base.errors import StoreError
from tests.conftest import ROOT


def version(path: Path) -> int:
    with sqlite3.connect(path) as connection:
        return connection.execute("PRAGMA user_version").fetchone()[0]


def refusal(path: Path) -> str:
    """The sentence with which a file is refused, after checking that not a byte of it has changed."""
    before = path.read_bytes()
    with pytest.raises(StoreError) as caught:
        connect(path)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_new_database_is_wal_with_the_schema(tmp_path):
    path = tmp_path / "deep" / "studio.sqlite"
    connection = connect(path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert {"scopes", "results", "jobs", "progress", "events", "file_digests"} <= tables
    connection.close()
    assert version(path) == SCHEMA_VERSION


def test_the_schema_is_that_of_its_version(tmp_path):
    """A change of the schema needs another version, and then another digest here."""
    rows = connect(tmp_path / "studio.sqlite").execute("SELECT type, name, tbl_name, sql FROM sqlite_master")
    shape = sorted(
        (kind, name, table, re.sub(r"\s*([(),])\s*", r"\1", " ".join((sql or "").split())))
        for kind, name, table, sql in rows
    )
    assert hashlib.sha256(repr(shape).encode()).hexdigest().startswith("d894a6e96a470481")
    assert SCHEMA_VERSION == 10


def test_a_database_of_this_version_opens_as_it_is(tmp_path):
    path = tmp_path / "studio.sqlite"
    connection = connect(path)
    connection.execute("INSERT INTO scopes VALUES (1, 'f', 'float32', 10, 'none', 1)")
    connection.close()
    before = path.read_bytes()
    connection = connect(path)
    assert connection.execute("SELECT fingerprint FROM scopes").fetchall() == [("f",)]
    connection.close()
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("had", "remedy"),
    [
        (1, "open it with the studio that wrote it"),
        (9, "open it with the studio that wrote it"),
        (99, "update the studio"),
    ],
)
def test_another_version_is_refused(tmp_path, had, remedy):
    path = tmp_path / "studio.sqlite"
    connect(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {had}")
    connection.close()
    assert refusal(path) == (
        f"The results database {path} is of version {had} and this studio reads version 10 only: {remedy}, or set "
        "E2LM_HOME to another folder."
    )


def test_another_programs_database_is_refused(tmp_path):
    path = tmp_path / "studio.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (n INTEGER)")
    connection.close()
    assert "belongs to another program" in refusal(path)


@pytest.mark.parametrize("content", [b"not a database at all", b"SQLite format 3\0" + b"\1" * 4_000, b"x"])
def test_damaged_file_is_refused_and_untouched(tmp_path, content):
    path = tmp_path / "studio.sqlite"
    path.write_bytes(content)
    assert "is damaged or not a database: move it aside" in refusal(path)


def test_truncated_file_is_refused_and_untouched(tmp_path):
    path = tmp_path / "studio.sqlite"
    connect(path).close()
    path.write_bytes(path.read_bytes()[:-4096])
    assert "is damaged" in refusal(path)


def test_damage_found_later_is_one_sentence(tmp_path):
    path = tmp_path / "studio.sqlite"
    connection = connect(path)
    connection.execute("INSERT INTO scopes VALUES (1, 'f', 'float32', 10, 'none', 1)")
    (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'results'").fetchone()
    connection.close()
    content = bytearray(path.read_bytes())
    content[(root - 1) * 4096 : root * 4096] = b"\xff" * 4096
    path.write_bytes(content)
    with pytest.raises(StoreError, match="is damaged"), Database(path).reading() as damaged:
        damaged.execute("SELECT * FROM results").fetchall()


def test_place_that_cannot_be_used_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be opened"):
        connect(tmp_path / "file" / "studio.sqlite")
    with pytest.raises(StoreError, match="cannot be opened"):
        connect(tmp_path)


def test_full_disk_is_one_sentence_and_keeps_what_was_saved(tmp_path):
    database = Database(tmp_path / "studio.sqlite")
    with database.transaction() as connection:
        connection.execute("INSERT INTO scopes VALUES (1, 'f', 'float32', 10, 'none', 1)")
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    rows = [(i, "f" * 500 + str(i)) for i in range(2, 10_000)]
    with pytest.raises(StoreError, match="disk is full"), database.transaction() as connection:
        connection.executemany("INSERT INTO scopes VALUES (?, ?, 'float32', 10, 'none', 1)", rows)
    assert not connection.in_transaction
    assert connection.execute("SELECT count(*) FROM scopes").fetchone() == (1,)


def test_our_own_defects_are_not_called_bad_input(tmp_path):
    with pytest.raises(sqlite3.OperationalError), translate_errors(tmp_path / "x"):
        sqlite3.connect(":memory:").execute("SELECT nonsense FROM nowhere")


def test_inner_transaction_joins_the_outer(tmp_path):
    database = Database(tmp_path / "studio.sqlite")
    insert = (
        "INSERT INTO scopes (fingerprint, dtype, max_length, bos, scoring_version) VALUES (?, '', 1, '', 1)"
    )

    def fail_between() -> None:
        with database.transaction() as outer:
            with database.transaction() as inner:
                assert inner is outer
                inner.execute(insert, ("a",))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_between()
    with database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM scopes").fetchone() == (0,)


def test_many_threads_open_and_write_at_once(tmp_path):
    path = tmp_path / "studio.sqlite"
    failures: list[BaseException] = []
    database = Database(path)
    insert = (
        "INSERT INTO scopes (fingerprint, dtype, max_length, bos, scoring_version) VALUES (?, '', 1, '', 1)"
    )

    def work(name: int) -> None:
        try:
            for i in range(20):
                with database.transaction() as connection:
                    connection.execute(insert, (f"{name}-{i}",))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    with database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM scopes").fetchone() == (160,)


def test_a_thread_has_its_turn_as_soon_as_another_has_ended_its_own(tmp_path):
    """SQLite by itself looks again after 1, 2, 5, 10, 15, 20, 25 ms and so on."""
    database, waited, begun = Database(tmp_path / "studio.sqlite"), [], threading.Barrier(2)

    def write() -> None:
        database.connection()
        begun.wait()
        time.sleep(0.005)  # the other one has it
        with database.transaction():
            waited.append(time.perf_counter())

    late = []
    for _ in range(5):
        thread = threading.Thread(target=write)
        thread.start()
        with database.transaction():
            begun.wait()
            time.sleep(0.04)
        ended = time.perf_counter()
        thread.join()
        late.append(waited.pop() - ended)
    assert sorted(late)[1] < 0.004


def test_a_fork_does_not_wait_for_a_thread_that_it_has_not(tmp_path):
    database = Database(tmp_path / "studio.sqlite")
    with database._my_turn():
        if (child := os.fork()) == 0:
            started = time.perf_counter()
            with database._my_turn():
                os._exit(int(time.perf_counter() - started > TURN_S / 2))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_what_is_tidied_stands_in_the_file_itself(tmp_path):
    database = Database(tmp_path / "studio.sqlite")
    for number in range(50):
        with database.transaction() as connection:
            connection.execute(
                "INSERT INTO scopes (fingerprint, dtype, max_length, bos, scoring_version) VALUES (?, '', 1, '', 1)",
                ("x" * 4000 + str(number),),
            )
    before = (tmp_path / "studio.sqlite").stat().st_size
    stamp = change_stamp(database.path)
    database.flush_journal()
    assert (tmp_path / "studio.sqlite").stat().st_size > before + 150_000
    assert change_stamp(database.path) != stamp


def test_processes_see_each_others_writes_however_often_one_of_them_connects(tmp_path):
    path = tmp_path / "studio.sqlite"
    own = connect(path)
    connect(path).close()  # as the pages' threads do: it must not drop the locks of `own`
    script = (
        "import sys; from pathlib import Path; from e2lm_core.base.database import connect; "
        'c = connect(Path(sys.argv[1])); c.execute("CREATE TABLE theirs (x)"); c.close()'
    )
    for turn in range(2):
        subprocess.run(
            [sys.executable, "-c", script.replace("theirs", f"theirs{turn}"), str(path)], cwd=ROOT, check=True
        )
        connect(path).close()
    names = {name for (name,) in own.execute("SELECT name FROM sqlite_master")}
    assert {"theirs0", "theirs1"} <= names
    assert path.with_name(f"{path.name}-wal").exists()  # the last one out deletes it, and that is not they


_HOLDER = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
connection.execute("ROLLBACK")
"""


@contextmanager
def held_by_another(path, seconds):
    """A second process that holds the lock of writers."""
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(path), str(seconds)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    try:
        yield
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()


def test_a_held_database_is_said_within_three_seconds(tmp_path):
    database = Database(tmp_path / "studio.sqlite")
    assert PATIENCE_S < 3
    database.set_busy_timeout(0.3)  # as a page's, only sooner
    with held_by_another(database.path, 60):
        with database.reading() as connection:
            assert connection.execute("SELECT count(*) FROM jobs").fetchone() == (0,), "reads go on"
        start = time.monotonic()
        with pytest.raises(StoreError, match="is held by another program") as said, database.transaction():
            pass
        assert time.monotonic() - start < 1.5
        assert str(said.value).endswith("close that program.")


def test_a_worker_waits_longer(tmp_path):
    database = Database(tmp_path / "studio.sqlite")
    database.set_busy_timeout(20.0)
    with held_by_another(database.path, 0.5), database.transaction() as connection:
        connection.execute("DELETE FROM jobs")


@pytest.mark.slow
def test_a_page_says_so_in_time_and_its_whole_patience(tmp_path):
    database = Database(tmp_path / "studio.sqlite")
    with held_by_another(database.path, 60):
        start = time.monotonic()
        with pytest.raises(StoreError), database.transaction():
            pass
        assert 2.0 < time.monotonic() - start < 3.0
