"""A job in a process of its own: what it gives, what ends it, and what it cannot do."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from e2lm_core.base.errors import LimitError, TaskError
from e2lm_core.base.records import Finding
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.untrusted import sandbox
from tests.support import german

FINDING = Finding(severity="error", code="x", sentence="y")
POLICY = sandbox.Policy(memory=2**28, max_memory=2**28, seconds=5, clock_s=1.0)


def asked(function, *arguments):
    return sandbox.run_confined(function, *arguments, input_bytes=1_000, description="The file 'x'")


def replies(function, *arguments):
    places = threading.BoundedSemaphore(1)
    return [
        (reply.kind, reply.value) for reply in sandbox.iterate_replies(function, arguments, POLICY, places)
    ]


def gives(value):
    return value, FINDING, np.arange(3.0)


def refuses():
    raise TaskError(Sentence("{where} is wrong.", where=Sentence("The row")))


def reaches_into_a_value():
    raise TaskError(Sentence("{a.__class__}", a="x"))


def stumbles():
    raise KeyError("of ours")


def grows():
    return len(b"x" * 10**9)


def grows_as_granted(memory: int):
    sandbox.raise_memory_limit(memory)
    return len(b"x" * 400 * 2**20)


def never_ends():
    while True:
        pass


def dies():
    os.abort()


def stops_its_clock():
    yield os.getpid()
    signal.setitimer(signal.ITIMER_REAL, 0)
    time.sleep(600)


def asks_for_another():
    return asked(gives, 1)[0]


def held():
    return sorted(os.environ)


def reaches(what: str) -> str:
    try:
        {
            "file": lambda: Path("/etc/hostname").read_bytes(),
            "written": lambda: Path(__file__).with_name("x").write_bytes(b""),
            "descriptor": lambda: os.open("/dev/null", os.O_WRONLY),
            "removed": lambda: os.remove("/nothing"),
            "socket": lambda: socket.create_connection(("127.0.0.1", 9)),
            "process": lambda: subprocess.run(["true"]),
        }[what]()
    except OSError as error:
        return type(error).__name__
    return "reached"


class Evil:
    def __reduce__(self):
        return os.getcwd, ()


def lies():
    return Evil()


def test_what_a_job_gives_comes_back() -> None:
    value, finding, array = asked(gives, {"a": [1, None, "é"]})
    assert (value, finding, array.tolist()) == ({"a": [1, None, "é"]}, FINDING, [0.0, 1.0, 2.0])


def each(function, tmp_path, *arguments):
    for name in "ab":
        (tmp_path / name).write_bytes(name.encode() * 3)
    with open(tmp_path / "a", "rb") as a, open(tmp_path / "b", "rb") as b:
        yield from sandbox.iterate_confined(
            function, *arguments, files=[a, b], input_bytes=6, description="The file 'x'"
        )


def bit_by_bit(files, size: int):
    for file in files:
        while bit := file.read(size):
            yield bit
    if size == 1:
        raise TaskError("The last bit is wrong.")


def reaches_others(files, path: str):
    yield files[0].read()
    yield Path(path).read_bytes()


def dies_on_the_way(files):
    yield 1
    os.abort()


def test_files_are_read_bit_by_bit(tmp_path) -> None:
    assert list(each(bit_by_bit, tmp_path, 2)) == [b"aa", b"a", b"bb", b"b"]
    first = each(bit_by_bit, tmp_path, 2)
    assert next(first) == b"aa"
    first.close()  # whoever has enough lets go, and the place is free again
    assert asked(gives, 1)[0] == 1


def test_what_goes_wrong_on_the_way_is_said_after_what_was_given(tmp_path) -> None:
    found = []
    with pytest.raises(TaskError, match="The last bit is wrong"):
        found.extend(each(bit_by_bit, tmp_path, 1))
    assert found == [b"a"] * 3 + [b"b"] * 3 or found == []
    with pytest.raises(LimitError):
        list(each(dies_on_the_way, tmp_path))


def test_no_other_file_is_within_reach(tmp_path) -> None:
    with pytest.raises(TaskError, match="PermissionError"):
        list(each(reaches_others, tmp_path, str(tmp_path / "b")))


def test_what_a_job_says_is_said() -> None:
    with pytest.raises(TaskError, match=r"^The row is wrong\.$") as refusal:
        asked(refuses)
    assert (refusal.value.sentence.template, refusal.value.sentence.values["where"].template) == (
        "{where} is wrong.",
        "The row",
    )
    with pytest.raises(LimitError):
        asked(reaches_into_a_value)


def test_a_defect_is_one_sentence() -> None:
    with pytest.raises(TaskError, match="The file 'x' holds something that cannot be read") as refusal:
        asked(stumbles)
    german.translated(refusal.value)


@pytest.mark.parametrize("function", [grows, dies])
def test_memory_ends_it(function) -> None:
    with pytest.raises(LimitError, match="The file 'x' takes more than 256 MB of memory"):
        asked(function)


def test_a_job_gets_more_for_what_it_has_counted() -> None:
    assert asked(grows_as_granted, 300 * 2**20) == 400 * 2**20
    with pytest.raises(LimitError, match="than 256 MB of memory"):
        asked(grows_as_granted, 10)
    sandbox.raise_memory_limit(10)  # outside a job nothing happens


@pytest.mark.slow
def test_time_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "SECONDS", 1)
    start = time.monotonic()
    with pytest.raises(LimitError, match="takes more than 1 s of processor time"):
        asked(never_ends)
    assert time.monotonic() - start < 9


@pytest.mark.parametrize("what", ["file", "written", "descriptor", "removed", "socket", "process"])
def test_nothing_is_within_reach(what: str) -> None:
    assert asked(reaches, what) == "PermissionError"


def test_the_environment_stays_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    sandbox._process.drop()
    assert "HF_TOKEN" not in asked(held)


def test_only_values_come_back() -> None:
    with pytest.raises(LimitError):
        asked(lies)


def test_a_policy_without_environment_or_pickles() -> None:
    assert replies(held) == [(sandbox.PIECE, []), (sandbox.DONE, None)]
    assert replies(lies) == [(sandbox.ENDED, None)]
    assert replies(reaches, "file")[0] == (sandbox.PIECE, "PermissionError")
    assert replies(grows) == [(sandbox.NO_MEMORY, None)]


def test_a_job_that_stops_its_clock_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(gives, 1)[0] == 1  # the process is warm
    monkeypatch.setattr(sandbox, "GRACE_S", 0.5)
    (_, process), end = replies(stops_its_clock)
    assert end == (sandbox.ENDED, None)
    deadline = time.monotonic() + 10.0
    while Path("/proc", str(process)).exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not Path("/proc", str(process)).exists()


def test_a_job_within_a_job_stays_in_its_process() -> None:
    assert asked(asks_for_another) == 1


def test_many_at_once_and_after_its_end() -> None:
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(asked(gives, 1)[0])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [1] * 8


def test_too_many_wait_no_longer_than_they_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "_places", threading.BoundedSemaphore(1))
    monkeypatch.setattr(sandbox, "WAIT_S", 0.01)
    with sandbox._places, pytest.raises(LimitError, match="waits behind others"):
        asked(gives, 1)


def test_a_process_can_be_warmed_beforehand() -> None:
    sandbox._process.drop()
    sandbox.start_early(__name__, "json", "no.such.module")
    assert asked(gives, 3)[0] == 3


def test_a_process_that_was_ended_is_replaced() -> None:
    asked(gives, 1)
    for process in [p for p in Path("/proc").glob("[0-9]*") if _is_ours(p)]:
        os.kill(int(process.name), 9)
    assert asked(gives, 2)[0] == 2


def _is_ours(process: Path) -> bool:
    try:
        parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
        words = (process / "cmdline").read_bytes()
    except OSError:
        return False
    return int(parent) == os.getpid() and b"untrusted/sandbox_worker.py" in words
