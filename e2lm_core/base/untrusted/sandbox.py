"""Sandbox: runs a parser in a process with limited memory, CPU and wall time.

Each studio keeps one process warm, with the parsers imported, which forks for every job
(`sandbox_worker.py`): this takes some milliseconds, and the memory of a job is freed when it ends. On a
system that cannot fork (Windows) the job runs in the studio's process, bounded only by the limits in its own
code.
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
MEMORY = 256 * 2**20  # for any job; a larger input adds `MEMORY_A_BYTE` for each byte
MEMORY_A_BYTE = 16
MAX_MEMORY = 1_536 * 2**20
SECONDS = 12  # of processor time, and a second more for each `BYTES_A_SECOND`
BYTES_A_SECOND = 2_000_000
CLOCK = 8  # wall time as a multiple of these seconds, because other programs use the machine too

_POSSIBLE = hasattr(os, "fork") and hasattr(socket, "send_fds")
_PASSED_ON = ("LD_LIBRARY_PATH", "PATH")  # of the environment: no token is within a parser's reach
_QUIET = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",  # other pools reserve gigabytes of addresses
    "OPENPYXL_LXML": "False",  # untrusted XML has one parser, Python's own, whatever is installed
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
    """Run `function(*arguments)` in a process of its own, with limited memory and time.

    Args:
        function: A function of a module; its arguments and its value are pickled.
        input_bytes: Size of the untrusted input, from which the limits follow.
        description: Beginning of an error's sentence, such as "The file 'x.csv'".
        modules: Modules that are imported beforehand, once for all jobs.

    Returns:
        The function's value.

    Raises:
        StudioError: The function raised it, or the process cannot be started.
        LimitError: A limit ended the job, or too many jobs wait.
        TaskError: The function raised any other error, as a defect of the parser does.
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
    """Yield the values of `function(files, *arguments)` from a process with limited memory and time.

    This is `run_confined` for more values than memory holds at once. The job can read these files and no
    others; with some, its memory is `MAX_MEMORY`, however much it reads.

    Args:
        function: A function of a module that yields values; its arguments and values are pickled.
        files: At most `sandbox_worker.MAX_FILES` open files.
        input_bytes: Size of the untrusted input, from which the limits follow.
        description: Beginning of an error's sentence, such as "The file 'x.csv'".
        modules: Modules that are imported beforehand, once for all jobs.

    Raises:
        StudioError: The function raised it, or the process cannot be started.
        LimitError: A limit ended the job, or too many jobs wait.
        TaskError: The function raised any other error, as a defect of the parser does.
    """
    if not _POSSIBLE:
        yield from function(files, *arguments)
        return
    yield from _asked(
        function, arguments, input_bytes, description, modules, [file.fileno() for file in files]
    )


def raise_memory_limit(extra_bytes: int) -> None:
    """Within a job, raise its memory limit by `extra_bytes`, up to `MAX_MEMORY`.

    Jobs call it for input that they count as they go. The studio's own process has no limit and is
    unaffected.
    """
    with suppress(ImportError, ValueError, OSError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        if soft != resource.RLIM_INFINITY:
            resource.setrlimit(resource.RLIMIT_AS, (min(soft + extra_bytes, hard), hard))


def is_sandbox() -> bool:
    """Whether this is a job's own process: its limits forbid writing files."""
    with suppress(ImportError, OSError):
        import resource

        return resource.getrlimit(resource.RLIMIT_FSIZE)[1] == 0
    return False


def start_early(*modules: str) -> None:
    """Start the process and let it import `modules`, because a job is expected soon."""
    if _POSSIBLE:
        with suppress(OSError):  # the job itself reports the error
            _process.send({"modules": modules}, ())


# --- implementation -----------------------------------------------------------------------------------


class _Process:
    """The warm process of this process, started when it is needed and again when it has ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._owner = 0

    def send(self, order: dict[str, Any], handles: Sequence[int]) -> None:
        """Send a job's order with its socket and files.

        Raises OSError if even a new process does not take it.
        """
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
        """Close the connection to a process that took a job and never began it."""
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
                start_new_session=True,  # an interrupt from the keyboard is for the studio only
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
    """The value or the values of a job; raises as `run_confined` does."""
    memory = MAX_MEMORY if files else min(MEMORY + MEMORY_A_BYTE * given, MAX_MEMORY)
    seconds = SECONDS + given // BYTES_A_SECOND
    order = {
        "modules": [function.__module__, *modules],
        "memory": memory,
        "most_memory": MAX_MEMORY,
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
    if kind in ("", sandbox_worker.PIECE):  # the process ended without a last reply
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
    """The replies to a job, up to the last; fewer if its process ended without a last reply."""
    for _ in range(2):
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                _process.send(order, [theirs.fileno(), *files])
            ours.settimeout(order["clock_s"] + 30)
            try:
                if ours.recv(1) != sandbox_worker.STARTED:
                    raise ConnectionError
            except OSError:  # the process was ending because it was idle, or was killed
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
    """Unpickler of a job's reply, which an untrusted file may have influenced: values and records only."""

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
