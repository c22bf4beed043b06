"""Sandbox: runs a job, such as a parser, in a process with limited memory, CPU and wall time.

Each studio keeps one process warm, with the jobs' modules imported, which forks for every job
(`sandbox_worker.py`): this takes some milliseconds, and the memory of a job is freed when it ends. What a job
may take is a `Policy`. Parsers of files have one by the size of their input (`run_confined`,
`iterate_confined`); templates have their own (`sets/prompts/sandbox.py`).
"""

from __future__ import annotations

import json
import logging
import os
import pickle
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, is_dataclass
from enum import Enum
from typing import IO, Any, BinaryIO, NamedTuple, TypeVar

from e2lm_core.base import errors
from e2lm_core.base.errors import LimitError, StudioError, TaskError
from e2lm_core.base.records import Record
from e2lm_core.base.sentences import Sentence, unpickled
from e2lm_core.base.untrusted import sandbox_worker
from e2lm_core.base.untrusted.sandbox_worker import DEFECT, DONE, NO_MEMORY, PIECE, SAID

T = TypeVar("T")

AT_ONCE = 2
WAIT_S = 30.0
MEMORY = 256 * 2**20  # for any parser; a larger input adds `MEMORY_A_BYTE` for each byte
MEMORY_A_BYTE = 16
MAX_MEMORY = 1_536 * 2**20
SECONDS = 12  # of processor time, and a second more for each `BYTES_A_SECOND`
BYTES_A_SECOND = 2_000_000
CLOCK = 8  # wall time as a multiple of these seconds, because other programs use the machine too
GRACE_S = 30.0  # beyond a job's wall time, until its process is killed
# Kinds of replies beside the worker's: the process ended without a last reply; too many jobs wait.
ENDED, BUSY = "ended", "busy"

_PASSED_ON = ("LD_LIBRARY_PATH", "PATH")  # of the environment, to start: no token is within a job's reach
_QUIET = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",  # other pools reserve gigabytes of addresses
    "OPENPYXL_LXML": "False",  # untrusted XML has one parser, Python's own, whatever is installed
    "LC_ALL": "C.UTF-8",
}
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Policy:
    """Limits of a job; no job opens files or sockets, starts processes or writes.

    Attributes:
        memory: Bytes, beside those of the imported modules and the arguments.
        max_memory: Bytes up to which the job may raise `memory`.
        seconds: Processor time.
        clock_s: Wall time.
        environment: Names of the environment variables that the job sees.
        as_json: Whether values come back as JSON; otherwise they are pickled records and arrays.
    """

    memory: int
    max_memory: int
    seconds: int
    clock_s: float
    environment: tuple[str, ...] = ()
    as_json: bool = True


class Reply(NamedTuple):
    """A reply of a job.

    Attributes:
        kind: PIECE for a value, or the end: DONE, SAID for an error of the studio's, DEFECT for any other
            error, NO_MEMORY, ENDED or BUSY.
        value: Value of a piece; name and text of an error, name and traceback of a defect.
        used_s: Processor time so far; of ENDED, wall time.
        grown_bytes: Growth of the process's memory so far.
    """

    kind: str
    value: Any = None
    used_s: float = 0.0
    grown_bytes: int = 0


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
    job: Callable[..., Any] = function
    (value,) = iterate_confined(
        job, *arguments, input_bytes=input_bytes, description=description, modules=modules
    )
    return value


def iterate_confined(
    function: Callable[..., Iterable[T]],
    *arguments: Any,
    files: Sequence[BinaryIO] | None = None,
    input_bytes: int,
    description: str,
    modules: Sequence[str] = (),
) -> Iterator[T]:
    """Yield the values of `function(*arguments)` from a process with limited memory and time.

    This is `run_confined` for a function that yields more values than memory holds at once. The job can read
    these files and no others; with some, its memory is `MAX_MEMORY`, however much it reads.

    Args:
        function: A function of a module; its arguments and values are pickled.
        files: At most `sandbox_worker.MAX_FILES` open files, which precede the other arguments, if not None.
        input_bytes: Size of the untrusted input, from which the limits follow.
        description: Beginning of an error's sentence, such as "The file 'x.csv'".
        modules: Modules that are imported beforehand, once for all jobs.

    Raises:
        StudioError: The function raised it, or the process cannot be started.
        LimitError: A limit ended the job, or too many jobs wait.
        TaskError: The function raised any other error, as a defect of the parser does.
    """
    memory = MAX_MEMORY if files else min(MEMORY + MEMORY_A_BYTE * input_bytes, MAX_MEMORY)
    seconds = SECONDS + input_bytes // BYTES_A_SECOND
    policy = Policy(memory, MAX_MEMORY, seconds, CLOCK * seconds, tuple(_QUIET), as_json=False)
    reply = Reply(ENDED)
    for reply in iterate_replies(function, arguments, policy, _places, modules, files):
        if reply.kind == PIECE:
            yield reply.value
    if reply.kind not in (ENDED, BUSY):
        _log.debug("%s took %.2f s and %d bytes to read", description, reply.used_s, reply.grown_bytes)
    if reply.kind == DONE:
        return
    if reply.kind == BUSY:
        raise LimitError(
            Sentence(
                "{description} waits behind others that are being read: try again in a minute.",
                description=description,
            )
        )
    if reply.kind == SAID:
        name, text = reply.value
        named = getattr(errors, name, StudioError)
        raise named(text)
    if reply.kind == DEFECT:
        _log.warning("%s ended a parser: %s\n%s", description, *reply.value)
        raise TaskError(
            Sentence(
                "{description} holds something that cannot be read ({kind}): check it, or make it anew.",
                description=description,
                kind=reply.value[0],
            )
        )
    no_memory = reply.kind == NO_MEMORY or reply.used_s < 0.9 * seconds
    what = (
        Sentence("{number} MB of memory", number=memory // 2**20)
        if no_memory
        else Sentence("{number} s of processor time", number=str(seconds))
    )
    raise LimitError(
        Sentence(
            "{description} takes more than {what} to read: give less at once.",
            description=description,
            what=what,
        )
    )


def iterate_replies(
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    policy: Policy,
    places: threading.Semaphore,
    modules: Sequence[str] = (),
    files: Sequence[BinaryIO] | None = None,
) -> Generator[Reply, None, None]:
    """Yield the replies of a job, the last of which is the only one that is no PIECE.

    Within a job, which may start no process, the function runs in this process under the job's own limits.

    Args:
        function: A function of a module that gives a value or yields values.
        arguments: Its arguments, which are pickled.
        policy: Limits of the job.
        places: Limit on jobs at once; BUSY is the reply if there is no place within `WAIT_S` seconds.
        modules: Modules that are imported beforehand, once for all jobs.
        files: Open files, which precede the other arguments, if not None.

    Raises:
        StudioError: The process cannot be started.
    """
    module, name = function.__module__, function.__qualname__
    if is_sandbox():
        yield from (Reply(*reply) for reply in sandbox_worker.replies(module, name, arguments))
        return
    order = {
        "modules": [module, *modules],
        "module": module,
        "function": name,
        "with_files": files is not None,
        "policy": asdict(policy),
    }
    if not places.acquire(timeout=WAIT_S):
        yield Reply(BUSY)
        return
    try:
        yield from _replies(order, arguments, policy, [file.fileno() for file in files or ()])
    finally:
        places.release()


def raise_memory_limit(extra_bytes: int) -> None:
    """Within a job, raise its memory limit by `extra_bytes`, up to `MAX_MEMORY`.

    Jobs call it for input that they count as they go. The studio's own process has no limit and is
    unaffected.
    """
    with suppress(ValueError, OSError):
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        if soft != resource.RLIM_INFINITY:
            resource.setrlimit(resource.RLIMIT_AS, (min(soft + extra_bytes, hard), hard))


def is_sandbox() -> bool:
    """Whether this is a job's own process: its limits forbid writing files."""
    return resource.getrlimit(resource.RLIMIT_FSIZE)[1] == 0


def start_early(*modules: str) -> None:
    """Start the process and let it import `modules`, because a job is expected soon."""
    ours, theirs = socket.socketpair()
    with ours, theirs, suppress(OSError):  # the job itself reports the error
        _process.send([theirs.fileno()])
        ours.sendall(_line({"modules": modules}))


# --- implementation -----------------------------------------------------------------------------------


class _Process:
    """The warm process of this process, started when it is needed and again when it has ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._owner = 0

    def send(self, handles: Sequence[int]) -> None:
        """Send a job's socket and its files.

        Raises OSError if the process has ended or cannot be started.
        """
        with self._lock:
            if self._control is None or self._owner != os.getpid():
                self._start()
            assert self._control is not None
            socket.send_fds(self._control, [b"+"], handles)

    def drop(self) -> None:
        """Close the connection to a process that has ended or does not begin a job."""
        with self._lock:
            if self._control is not None:
                self._control.close()
            self._control = None

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-I", sandbox_worker.__file__, str(theirs.fileno()), json.dumps(sys.path)]
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
        self._control, self._owner = ours, os.getpid()


_places = threading.BoundedSemaphore(AT_ONCE)
_process = _Process()


def _replies(
    order: dict[str, Any], arguments: tuple[Any, ...], policy: Policy, files: Sequence[int]
) -> Iterator[Reply]:
    """The replies to a job, up to the last; raises StudioError if no process begins it."""
    start = time.monotonic()
    for _ in range(2):  # the process may be ending because it was idle, or was killed
        ours, theirs = socket.socketpair()
        with ours:
            try:
                with theirs:
                    _process.send([theirs.fileno(), *files])
                ours.settimeout(policy.clock_s + GRACE_S)
                ours.sendall(_line(order))
                pid = int.from_bytes(ours.recv(sandbox_worker.PID_BYTES), "big")
            except OSError:
                pid = 0
            if not pid:
                _process.drop()
                continue
            try:
                with ours.makefile("wb") as question:
                    pickle.dump(arguments, question, pickle.HIGHEST_PROTOCOL)
                with ours.makefile("rb") as answer:
                    while (reply := _read_reply(answer, policy.as_json)).kind == PIECE:
                        yield reply
                    yield reply
                    return
            except TimeoutError:  # the process still has its end of the socket, hence its number
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            except (OSError, EOFError, ValueError, pickle.UnpicklingError):
                pass
            yield Reply(ENDED, used_s=time.monotonic() - start)
            return
    raise StudioError(
        Sentence("The process that reads files cannot be started: free some memory, or try again.")
    )


def _line(order: dict[str, Any]) -> bytes:
    return json.dumps(order).encode() + b"\n"


def _read_reply(answer: IO[bytes], as_json: bool) -> Reply:
    return Reply(*(json.loads(answer.readline()) if as_json else _Answer(answer).load()))


class _Answer(pickle.Unpickler):
    """Unpickler of a job's reply, which an untrusted file may have influenced: values and records only."""

    _ARRAYS = (
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "scalar"),
        ("numpy._core.numeric", "_frombuffer"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
    )

    def find_class(self, module: str, name: str) -> Any:
        found = super().find_class(module, name) if module.startswith(("e2lm_core.", "numpy")) else None
        if (module, name) in self._ARRAYS or found is unpickled:
            return found
        records = isinstance(found, type) and (
            issubclass(found, Record | tuple | Enum) or is_dataclass(found)
        )
        if not module.startswith("e2lm_core.") or not records:
            raise pickle.UnpicklingError(f"{module}.{name} is no value")
        return found
