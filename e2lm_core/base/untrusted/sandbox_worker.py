"""Sandbox worker: a warm process that forks a limited process for each job.

Tested in tests/base/untrusted/test_sandbox.py.

`sandbox.py` runs this file as a script and sends it a socket for every job. The process imports the job's
modules; its child reads the arguments, works within a policy's limits on memory, processor time and wall
time, and answers on that socket. The child reads no file but Python's own modules, opens no socket, starts no
process and writes nothing, so that a parser or a template under somebody else's control can do no harm.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pickle
import resource
import signal
import socket
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

IDLE_S = 900.0
PID_BYTES = 4
# Audit events that no job needs; `open` is checked separately.
_LIBRARIES = "socket subprocess urllib http ftplib smtplib shutil tempfile pty"
_CALLS = "fork exec spawn posix_spawn system kill remove rename rmdir mkdir link symlink chmod chown truncate utime"
_REACHES = (*(f"{name}." for name in _LIBRARIES.split()), *(f"os.{name}" for name in _CALLS.split()))
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# The kinds of replies.
DONE, PIECE, SAID, NO_MEMORY, DEFECT = "done", "piece", "said", "no memory", "defect"
MAX_FILES = 200  # Linux hands over at most 253 at once


def serve_jobs(control: socket.socket) -> None:
    """Serve jobs until the studio ends, or has sent none for a quarter of an hour."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no code waits for a job's process
    with contextlib.suppress(OSError):  # when memory runs out, the kernel kills these processes first
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    control.settimeout(IDLE_S)
    while True:
        try:
            message, handles, _, _ = socket.recv_fds(control, 1, 1 + MAX_FILES)
        except OSError:
            return
        if not message:
            return
        given = os.fdopen(handles[0], "rb", closefd=False)
        order = json.loads(given.readline() or "{}")  # nothing if the studio's thread has ended
        with contextlib.suppress(Exception):  # the job itself reports an import that fails
            for name in order["modules"]:
                importlib.import_module(name)
        if "policy" in order and os.fork() == 0:  # without one, a job is expected soon
            control.close()
            _run_job(given, handles, order)
            os._exit(0)
        for handle in handles:
            os.close(handle)


def _run_job(given: BinaryIO, handles: list[int], order: dict[str, Any]) -> None:
    answer = os.fdopen(handles[0], "wb", closefd=False)
    answer.write(os.getpid().to_bytes(PID_BYTES, "big"))
    answer.flush()
    arguments = pickle.load(given)  # from the studio, hence trusted
    if order["with_files"]:  # opened before the limits forbid it
        arguments = ([os.fdopen(handle, "rb") for handle in handles[1:]], *arguments)
    _apply_policy(order["policy"])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for kind, value in replies(order["module"], order["function"], arguments):
        used = resource.getrusage(resource.RUSAGE_SELF)
        reply = kind, value, used.ru_utime + used.ru_stime, (used.ru_maxrss - before) * 1024
        try:
            if order["policy"]["as_json"]:
                answer.write(json.dumps(reply).encode() + b"\n")
            else:
                pickle.dump(reply, answer, pickle.HIGHEST_PROTOCOL)
            answer.flush()
        except (MemoryError, OSError):  # an incomplete reply counts as none; the studio may have ended
            return


def replies(module: str, name: str, arguments: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    """Yield a job's replies: its value, or each of its values, and then the end.

    Args:
        module: Name of the function's module, which is imported already.
        name: Name of the function.
        arguments: Its arguments.

    Returns:
        For each reply its kind and its value.
    """
    try:
        values = getattr(sys.modules[module], name)(*arguments)
        for value in values if isinstance(values, Iterator) else (values,):
            yield PIECE, value
        yield DONE, None
    except MemoryError:
        yield NO_MEMORY, None
    except Exception as error:
        if "StudioError" in (kind.__name__ for kind in type(error).__mro__):
            yield SAID, (type(error).__name__, getattr(error, "sentence", str(error)))
        else:
            yield DEFECT, (type(error).__name__, traceback.format_exc()[-20_000:])


def _apply_policy(policy: dict[str, Any]) -> None:
    """Set the limits; memory that this process has already (the modules, the arguments) comes on top."""
    for name in os.environ.keys() - {*policy["environment"]}:
        del os.environ[name]
    held = _held_bytes()
    with contextlib.suppress(OSError):
        signal.setitimer(signal.ITIMER_REAL, policy["clock_s"])  # SIGALRM ends the process
    for what, bound in (
        (resource.RLIMIT_AS, held + policy["max_memory"]),
        (resource.RLIMIT_CPU, policy["seconds"]),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):  # macOS refuses some limits; the wall time remains
            resource.setrlimit(what, (bound, bound))
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (held + policy["memory"], held + policy["max_memory"]))
    places = tuple(
        str(Path(place).resolve()) + os.sep for place in {*sys.path, sys.prefix, sys.base_prefix} if place
    )

    def guard(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            own = isinstance(path, str) and os.path.realpath(path).startswith(places)
            if own and not (flags or 0) & _WRITES and not set(mode or "r") & set("wax+"):
                return
        elif not event.startswith(_REACHES):
            return
        raise PermissionError(f"a confined job does not {event}")

    sys.addaudithook(guard)  # an audit hook cannot be removed


def _held_bytes() -> int:
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except (OSError, ValueError):
        return 2**31


if __name__ == "__main__":
    sys.path[:] = json.loads(sys.argv[2])
    serve_jobs(socket.socket(fileno=int(sys.argv[1])))
