"""Sandbox: runs a parser in a process with limited memory, CPU and wall time.

One process a studio stays warm, with the parsers imported, and forks for every job (`child.py`): that takes
some milliseconds, and what a job took is given back when it ends. Where a system cannot fork (Windows) the
job runs here, bounded by what its own code counts alone.
"""

from __future__ import annotations

import json
import logging
import os
import pickle
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import is_dataclass
from enum import Enum
from pathlib import Path
from typing import IO, Any, BinaryIO, TypeVar

from e2lm_core.base import errors
from e2lm_core.base.errors import LimitError, StudioError, TaskError
from e2lm_core.base.records import Record
from e2lm_core.base.untrusted import sandbox_worker

T = TypeVar("T")

AT_ONCE = 2
WAIT_S = 30.0
MEMORY = 256 * 2**20  # for any job; a larger one has more, by what was given
MEMORY_A_BYTE = 16
MOST_MEMORY = 1_536 * 2**20
SECONDS = 12  # of processor time, and a second more for each of
BYTES_A_SECOND = 2_000_000
CLOCK = 8  # times those seconds, on a machine that others use too

_POSSIBLE = hasattr(os, "fork") and hasattr(socket, "send_fds")
_PASSED_ON = ("LD_LIBRARY_PATH", "PATH")  # of the environment: no token of ours is within a parser's reach
_QUIET = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",  # others set gigabytes of addresses aside
    "OPENPYXL_LXML": "False",  # one parser of XML for strangers, Python's own, whatever is installed
    "LC_ALL": "C.UTF-8",
}
_log = logging.getLogger(__name__)


def run_confined(
    function: Callable[..., T],
    *arguments: Any,
    input_bytes: int,
    description: str,
    modules: Sequence[str] = (),
) -> T:
    """`function(*arguments)` in a process of its own: a function of a module, with values that pickle.

    `given` is how many bytes a stranger gave, from which the limits follow; `about` begins the sentence of
    what goes wrong ("The file 'x.csv'"); `modules` are imported beforehand, once for all jobs.
    Raises the StudioError that the function raises, LimitError where a limit ended it or too many wait, and
    TaskError where it came upon something that no such file holds.
    """
    if not _POSSIBLE:
        return function(*arguments)
    (value,) = _asked(function, arguments, input_bytes, description, modules, None)
    return value


def iterate_confined(
    function: Callable[..., Iterable[T]],
    *arguments: Any,
    files: Sequence[BinaryIO],
    input_bytes: int,
    description: str,
    modules: Sequence[str] = (),
) -> Iterator[T]:
    """What `function(files, *arguments)` gives one by one, as `run` has it: for more than memory holds at once.

    The files, at most `child.MOST_FILES` of whoever runs the studio, are open to be read there, and no others; with
    some, the job's memory is `MOST_MEMORY`, however much it reads.
    """
    if not _POSSIBLE:
        yield from function(files, *arguments)
        return
    yield from _asked(
        function, arguments, input_bytes, description, modules, [file.fileno() for file in files]
    )


def raise_memory_limit(extra_bytes: int) -> None:
    """Within a job: so many bytes more for it, up to `MOST_MEMORY`, for what was counted meanwhile.

    In the studio's own process, which has no limit, nothing happens.
    """
    with suppress(ImportError, ValueError, OSError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        if soft != resource.RLIM_INFINITY:
            resource.setrlimit(resource.RLIMIT_AS, (min(soft + extra_bytes, hard), hard))


def is_sandbox() -> bool:
    """Whether this is a job's own process: its limits say that it may write no file and start no process."""
    with suppress(ImportError, OSError):
        import resource

        return resource.getrlimit(resource.RLIMIT_FSIZE)[1] == 0
    return False


def start_early(*modules: str) -> None:
    """Start the process and let it import `modules` meanwhile: a job is expected soon."""
    if _POSSIBLE:
        with suppress(OSError):  # whoever has a job will say what is wrong
            _process.send({"modules": modules}, ())


# --- within -------------------------------------------------------------------------------------------


class _Process:
    """The warm process of this one, started when it is needed and again when it is gone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._owner = 0

    def send(self, order: dict[str, Any], handles: Sequence[int]) -> None:
        """Hand a job's end of a socket over, and its files. Raises OSError where even a new process does not take it."""
        message = json.dumps(order).encode()
        with self._lock:
            for fresh in (False, True):
                if fresh or self._control is None or self._owner != os.getpid():
                    self._start()
                assert self._control is not None
                try:
                    socket.send_fds(self._control, [message], handles)
                    return
                except OSError:
                    if fresh:
                        raise

    def drop(self) -> None:
        """Let go of a process that took a job and never began it."""
        with self._lock:
            if self._control is not None:
                self._control.close()
            self._control = None

    def _start(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [
            sys.executable,
            "-I",
            str(Path(sandbox_worker.__file__)),
            str(theirs.fileno()),
            json.dumps(sys.path),
        ]
        with theirs:
            subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=_QUIET | {name: os.environ[name] for name in _PASSED_ON if name in os.environ},
                start_new_session=True,  # a key that interrupts the studio is not for it
            )
        if self._control is not None and self._owner == os.getpid():
            self._control.close()
        self._control, self._owner = ours, os.getpid()


_places = threading.BoundedSemaphore(AT_ONCE)
_process = _Process()


def _asked(
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    given: int,
    about: str,
    modules: Sequence[str],
    files: Sequence[int] | None,
) -> Iterator[Any]:
    """The value that a job gives, or those that it gives one by one. Raises as `run` does."""
    memory = MOST_MEMORY if files else min(MEMORY + MEMORY_A_BYTE * given, MOST_MEMORY)
    seconds = SECONDS + given // BYTES_A_SECOND
    order = {
        "modules": [function.__module__, *modules],
        "memory": memory,
        "most_memory": MOST_MEMORY,
        "seconds": seconds,
        "clock_s": CLOCK * seconds,
        "pieces": files is not None,
    }
    if not _places.acquire(timeout=WAIT_S):
        raise LimitError(f"{about} waits behind others that are being read: try again in a minute.")
    start = time.monotonic()
    kind, rest = "", []
    try:
        for (used_s, grown), (kind, *rest) in _answers(
            order, (function.__module__, function.__qualname__, arguments), files or ()
        ):
            if kind != sandbox_worker.PIECE:
                _log.debug("%s took %.2f s and %d bytes to read", about, used_s, grown)
            if kind == sandbox_worker.PIECE or (kind == sandbox_worker.DONE and files is None):
                yield rest[0]
    finally:
        _places.release()
    if kind == sandbox_worker.DONE:
        return
    if kind in ("", sandbox_worker.PIECE):  # it ended without a word
        kind = sandbox_worker.NO_MEMORY if time.monotonic() - start < 0.9 * seconds else "no time"
    if kind == sandbox_worker.SAID:
        named = getattr(errors, rest[0], StudioError)
        raise named(rest[1])
    if kind == sandbox_worker.DEFECT:
        _log.warning("%s ended a parser: %s\n%s", about, *rest)
        raise TaskError(
            f"{about} holds something that cannot be read ({rest[0]}): check it, or make it anew."
        )
    what = (
        f"{memory // 2**20:,} MB of memory"
        if kind == sandbox_worker.NO_MEMORY
        else f"{seconds} s of processor time"
    )
    raise LimitError(f"{about} takes more than {what} to read: give less at once.")


def _answers(
    order: dict[str, Any], job: tuple[str, str, Any], files: Sequence[int]
) -> Iterator[tuple[Any, ...]]:
    """The answers to a job, the last of which is no piece; it ends early where its process ended without a word."""
    for _ in range(2):
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                _process.send(order, [theirs.fileno(), *files])
            ours.settimeout(order["clock_s"] + 30)
            try:
                if ours.recv(1) != sandbox_worker.STARTED:
                    raise ConnectionError
            except OSError:  # it was about to end for idleness, or was ended
                _process.drop()
                continue
            try:
                with ours.makefile("wb") as question:
                    pickle.dump(job, question, pickle.HIGHEST_PROTOCOL)
                with ours.makefile("rb") as answer:
                    while (found := _Answer(answer).load())[1][0] == sandbox_worker.PIECE:
                        yield found
                    yield found
            except (OSError, EOFError, pickle.UnpicklingError):
                pass
            return
    raise StudioError("The process that reads files cannot be started: free some memory, or try again.")


class _Answer(pickle.Unpickler):
    """Reads what a job gives, which a stranger's file may have had its hand in: values and records alone."""

    _ARRAYS = frozenset(
        (module, name)
        for module, name in (
            ("numpy._core.multiarray", "_reconstruct"),
            ("numpy._core.multiarray", "scalar"),
            ("numpy._core.numeric", "_frombuffer"),
            ("numpy.core.multiarray", "_reconstruct"),
            ("numpy.core.multiarray", "scalar"),
            ("numpy.core.numeric", "_frombuffer"),
            ("numpy", "ndarray"),
            ("numpy", "dtype"),
        )
    )

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)

    def find_class(self, module: str, name: str) -> Any:
        found = super().find_class(module, name) if module.startswith(("e2lm_core.", "numpy")) else None
        if (module, name) in self._ARRAYS:
            return found
        records = isinstance(found, type) and (
            issubclass(found, Record | tuple | Enum) or is_dataclass(found)
        )
        if not module.startswith("e2lm_core.") or not records:
            raise pickle.UnpicklingError(f"{module}.{name} is no value")
        return found
