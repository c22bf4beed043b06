"""Sandbox worker: a warm process that forks a limited process for each job.

Tested in tests/base/untrusted/test_sandbox.py.

`sandbox.py` runs this file as a script and sends it a socket for every job. The process has imported the
parsers by then; its child reads the job (a function's name and arguments), works within limits on memory,
processor time and wall time, and answers on that socket. The child reads no file but Python's own modules,
opens no socket, starts no process and writes nothing, so that a parser under a file's control can do no harm.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pickle
import signal
import socket
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

with contextlib.suppress(ImportError):  # Windows has neither this nor a way to fork
    import resource

IDLE_S = 900.0
STARTED = b"+"
# Audit events that no parser needs; `open` is checked separately.
_LIBRARIES = "socket subprocess urllib http ftplib smtplib shutil tempfile pty"
_CALLS = "fork exec spawn posix_spawn system kill remove rename rmdir mkdir link symlink chmod chown truncate utime"
_REACHES = (*(f"{name}." for name in _LIBRARIES.split()), *(f"os.{name}" for name in _CALLS.split()))
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# The kinds of replies.
DONE, PIECE, SAID, NO_MEMORY, DEFECT = "done", "piece", "said", "no memory", "defect"
MAX_FILES = 200  # Linux hands over at most 253 at once
_MAX_ORDER_BYTES = 65_536


def serve_jobs(control: socket.socket) -> None:
    """Serve jobs until the studio ends, or has sent none for a quarter of an hour."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no code waits for a job's process
    with contextlib.suppress(OSError):  # when memory runs out, the kernel kills these processes first
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    control.settimeout(IDLE_S)
    while True:
        try:
            message, handles, _, _ = socket.recv_fds(control, _MAX_ORDER_BYTES, 1 + MAX_FILES)
        except OSError:
            return
        if not message:
            return
        order = json.loads(message)
        with contextlib.suppress(Exception):  # the job itself reports an import that fails
            for name in order["modules"]:
                importlib.import_module(name)
        if not handles:  # a job is expected soon
            continue
        if os.fork() == 0:
            control.close()
            _job(socket.socket(fileno=handles[0]), handles[1:], order)
            os._exit(0)
        for handle in handles:
            os.close(handle)


def _job(channel: socket.socket, handles: list[int], order: dict[str, Any]) -> None:
    channel.settimeout(None)
    channel.sendall(STARTED)
    with channel.makefile("rb") as given, channel.makefile("wb") as answer:
        module, name, arguments = pickle.load(given)  # from the studio, hence trusted
        files = [os.fdopen(handle, "rb") for handle in handles]  # opened before the limits forbid it
        _bound(order)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for reply in _replies(module, name, arguments, files if order["pieces"] else None):
            used = resource.getrusage(resource.RUSAGE_SELF)
            cost = used.ru_utime + used.ru_stime, (used.ru_maxrss - before) * 1024
            try:
                pickle.dump((cost, reply), answer, pickle.HIGHEST_PROTOCOL)
                answer.flush()
            except (MemoryError, OSError):  # an incomplete reply counts as none; the studio may have ended
                return


def _replies(module: str, name: str, arguments: Any, files: list[Any] | None) -> Iterator[tuple[Any, ...]]:
    """The replies of a job: one value or, for a job with files, each of its values and then the end."""
    try:
        function = getattr(sys.modules[module], name)
        if files is None:
            yield DONE, function(*arguments)
            return
        for piece in function(files, *arguments):
            yield PIECE, piece
        yield DONE, None
    except MemoryError:
        yield (NO_MEMORY,)
    except Exception as error:
        if "StudioError" in (kind.__name__ for kind in type(error).__mro__):
            yield SAID, type(error).__name__, str(error)
        else:
            yield DEFECT, type(error).__name__, traceback.format_exc()[-20_000:]


def _bound(order: dict[str, Any]) -> None:
    """Set the limits; memory that this process has already (the parsers, the job) comes on top."""
    seconds, clock_s = order["seconds"], order["clock_s"]
    held = _held_bytes()
    with contextlib.suppress(OSError):
        signal.setitimer(signal.ITIMER_REAL, clock_s)  # SIGALRM ends the process
    for what, bound in (
        (resource.RLIMIT_AS, held + order["most_memory"]),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):  # macOS refuses some limits; the wall time remains
            resource.setrlimit(what, (bound, bound))
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (held + order["memory"], held + order["most_memory"]))
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
        raise PermissionError(f"a file's parser does not {event}")

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
