"""Worker processes for heavy computations.

One process computes figures, one embeds texts, one computes the immediate effects of an edit. They are
started with the server and end with it, have a lower priority than the pages, and are replaced when they
have grown. Without them (a test, a command) everything is computed in the calling process, with the same
answers.

Tested in tests/ui/cache/test_process_pool.py.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import logging
import os
import pickle
import socket
import subprocess
import sys
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

from e2lm_core.base.processes import subprocess_environment, total_memory_bytes
from e2lm_core.base.records import Question, TaskSet
from e2lm_core.base.settings import ROOT
from e2lm_core.scores.measurements import Measurements

T = TypeVar("T")
_Key = tuple[str, str | None]  # digest, and the owner of a shared set
NICE = 1  # of 19: a little below the pages, since they wait for the answer; a run has 8
MAX_MB = 1_500  # private memory of a process
# The measurements of a process take this multiple of their bytes: log-likelihoods, metrics and one
# bootstrap.
OF_MEASURED = 2.5
# Three processes with this share of the memory each leave half of the machine's memory to the pages and to
# runs.
SHARE = 1 / 6
IDLE_S = 600.0
TIDY_S = 1.0  # idle time after an answer
KNOWN = 4  # measurements, and as many sets, that a process keeps so that they are sent once
KNOWN_BYTES = 600 * 2**20  # measurements that a process keeps in addition to those of the last call
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Known:
    """Placeholder for measurements or a set that the process has already."""

    key: _Key


@dataclass(frozen=True)
class _InParts:
    """Measurements without their curves, which follow one by one: only one curve at a time is copied."""

    without: Measurements
    curves: int


@dataclass(frozen=True)
class _Edited:
    """A set as a difference to one that the process has: positions of shared questions, and new questions."""

    of: _Key
    emptied: TaskSet
    questions: list[int | Question]


class _Turns:
    """A first-come, first-served lock; a plain lock can starve a thread under constant load."""

    def __init__(self) -> None:
        self._guard, self._taken = threading.Lock(), False
        self._waiting: deque[threading.Event] = deque()

    def __enter__(self) -> None:
        with self._guard:
            if not self._taken:
                self._taken = True
                return
            turn = threading.Event()
            self._waiting.append(turn)
        turn.wait()

    def __exit__(self, *_: object) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._taken = False

    @property
    def free(self) -> bool:
        """Whether no thread has the lock."""
        return not self._taken


class Aside:
    """Worker process that runs functions of this package, one at a time, for all threads of this process."""

    def __init__(self, most_mb: int = MAX_MB) -> None:
        self._most_mb = most_mb
        self._lock = _Turns()
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None
        # Measurements and sets that the process has, the last used last.
        self._known: OrderedDict[_Key, Measurements | TaskSet] = OrderedDict()
        self._used = 0.0

    @property
    def process(self) -> int | None:
        """Id of the process; None while there is none."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process unless it runs; a call would start it too, and wait for it."""
        with self._lock:
            self._started()

    def stop(self) -> None:
        """Kill the process; its caller computes an interrupted call, the next call starts a new process."""
        if (process := self._process) is not None:
            process.kill()
        with self._lock:
            self._ended()

    def rest(self, idle_s: float) -> None:
        """End the process if it has been idle for `idle_s` seconds."""
        if time.monotonic() - self._used > idle_s and self._lock.free:
            self.stop()

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run a function in the process and return its result.

        If the process dies, as it may when memory is short, or the arguments cannot be pickled, the function
        runs in this process instead.

        Args:
            function: A function of a module, found there by its name.
            *arguments: Its arguments; measurements and sets are sent once and kept.

        Raises:
            Exception: Any exception that the function itself raises.
        """
        with self._lock:
            try:
                fine, answer = self._asked(function, arguments)
            except (EOFError, OSError, pickle.PickleError, TypeError, AttributeError) as error:
                level = logging.WARNING if _open.is_set() else logging.INFO  # INFO while the server ends
                log.log(level, "The process beside the pages does not answer (%s); computing here.", error)
                self._ended()
                fine, answer = False, None
            else:
                self._used = time.monotonic()
                if (mb := self._mb()) > self._most_mb and mb > (most := self._allowed_mb()):
                    log.warning(
                        "The process beside the pages has %d MB, and may have %d: it is replaced.", mb, most
                    )
                    self._ended()
        if fine:
            return answer
        if answer is None:
            return function(*arguments)
        raise answer

    def _asked(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[bool, Any]:
        pipe = self._started()
        new: dict[_Key, Any] = {}
        sent = tuple(self._sent(a, new) if isinstance(a, Measurements | TaskSet) else a for a in arguments)
        self._forget({argument.key for argument in sent if isinstance(argument, _Known)})
        pipe.send((function.__module__, function.__qualname__, sent, new, list(self._known)))
        for key, thing in new.items():
            if isinstance(thing, _InParts):
                for curve in self._known[key].curves:  # type: ignore[union-attr]
                    pipe.send(curve)
        return pipe.recv()

    def _sent(self, thing: Measurements | TaskSet, new: dict[_Key, Any]) -> _Known:
        key = (thing.digest, thing.owner if isinstance(thing, TaskSet) else None)
        if self._known.pop(key, None) is None:
            if isinstance(thing, Measurements):
                new[key] = _InParts(replace(thing, curves=()), len(thing.curves))
            else:
                new[key] = self._by_another(thing)
        self._known[key] = thing
        alike = [known for known, one in self._known.items() if type(one) is type(thing)]
        if len(alike) > KNOWN:
            del self._known[alike[0]]
        return _Known(key)

    def _forget(self, asked: set[_Key]) -> None:
        """Drop measurements of earlier calls that are too large to be kept beside those of this call."""
        of_measured = {key: one.nbytes for key, one in self._known.items() if isinstance(one, Measurements)}
        earlier = [key for key in of_measured if key not in asked]
        while earlier and sum(of_measured[key] for key in earlier) > KNOWN_BYTES:
            del self._known[earlier.pop(0)]

    def _by_another(self, task: TaskSet) -> TaskSet | _Edited:
        """The set as it is sent: as its difference to a known set if they share half of the questions."""
        ours = {id(question) for question in task.questions}
        shared, base = 0, None
        for key, known in self._known.items():
            if isinstance(known, TaskSet) and (n := sum(id(q) in ours for q in known.questions)) > shared:
                shared, base = n, (key, known)
        if base is None or 2 * shared < len(task.questions):
            return task
        places = {id(question): place for place, question in enumerate(base[1].questions)}
        questions = [places.get(id(question), question) for question in task.questions]
        return _Edited(base[0], task.model_copy(update={"questions": ()}), questions)

    def _started(self) -> Connection:
        if self._process is not None and self._process.poll() is None and self._pipe is not None:
            return self._pipe
        self._ended()
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                cwd=ROOT,
                env=subprocess_environment(
                    with_network=True
                ),  # without secrets; an embedding model may come from a hub
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
            )
        self._pipe, self._used = Connection(ours.detach()), time.monotonic()
        return self._pipe

    def _ended(self) -> None:
        self._known.clear()
        if self._pipe is not None:
            self._pipe.close()  # the process ends by itself when its pipe is closed
        if self._process is not None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=5)
        self._process = self._pipe = None

    def _mb(self) -> float:
        with contextlib.suppress(OSError, ValueError, IndexError):
            held = Path(f"/proc/{self.process}/statm").read_text(encoding="ascii").split()
            return (int(held[1]) - int(held[2])) * os.sysconf("SC_PAGE_SIZE") / 2**20  # no mapped files
        return 0.0

    def _allowed_mb(self) -> float:
        """Memory limit in MB: `most_mb`, more with large measurements, up to the machine's share."""
        given = sum(one.nbytes for one in self._known.values() if isinstance(one, Measurements))
        there = SHARE * (total_memory_bytes() or 0) / 2**20
        return max(self._most_mb, min(self._most_mb + OF_MEASURED * given / 2**20, there))


_FIGURES, _TEXTS, _EDITS = Aside(), Aside(), Aside()
_open = threading.Event()


def open_all() -> None:
    """Start the worker processes and use them from now on."""
    for process in (_FIGURES, _TEXTS, _EDITS):
        process.start()
    _open.set()


def rest() -> None:
    """End the worker processes that have been idle for a while; the next call starts them again."""
    for process in (_FIGURES, _TEXTS, _EDITS):
        process.rest(IDLE_S)


def is_open() -> bool:
    """Whether heavy work is done in worker processes."""
    return _open.is_set()


def close_all() -> None:
    """End the worker processes: heavy work is done in this process again."""
    _open.clear()
    for process in (_FIGURES, _TEXTS, _EDITS):
        process.stop()


def figures(function: Callable[..., T], *arguments: Any) -> T:
    """Run an analysis in the process for figures, or in this process while the pool is closed."""
    return _FIGURES.call(function, *arguments) if _open.is_set() else function(*arguments)


def texts(function: Callable[..., T], *arguments: Any) -> T:
    """Run a function that embeds texts in its process; the embedding library alone takes half a gigabyte."""
    return _TEXTS.call(function, *arguments) if _open.is_set() else function(*arguments)


def edits(function: Callable[..., T], *arguments: Any) -> T:
    """Run immediate work after an edit in its process: checks, the bundle, the effects of the edit."""
    return _EDITS.call(function, *arguments) if _open.is_set() else function(*arguments)


# --- the process itself -----------------------------------------------------------------------------------


def serve(pipe: Connection) -> None:
    """Answer calls until the other end of the pipe is closed."""
    known: dict[_Key, Any] = {}
    tidy, modules = True, 0
    while True:
        try:
            if not tidy and not pipe.poll(TIDY_S):
                modules = _tidied(modules)
            tidy = False
            module, name, arguments, new, still = pipe.recv()
            for key, thing in new.items():
                if isinstance(thing, _InParts):
                    curves = tuple(pipe.recv() for _ in range(thing.curves))
                    known[key] = replace(thing.without, curves=curves)
                    vars(known[key])["digest"] = key[0]  # which takes a second for a large set
                else:
                    known[key] = _whole(thing, known) if isinstance(thing, _Edited) else thing
        except (EOFError, OSError):
            return
        for key in set(known) - set(still):
            del known[key]
        try:
            function = getattr(importlib.import_module(module), name)
            answer = (True, function(*(known[a.key] if isinstance(a, _Known) else a for a in arguments)))
        except Exception as error:  # any exception is sent to the caller
            answer = (False, error)
        try:
            pipe.send(answer)
        except (pickle.PickleError, TypeError, AttributeError):
            pipe.send((False, RuntimeError(f"{name} gave what cannot be sent: {answer[1]!r}"[:300])))


def _tidied(modules: int) -> int:
    """Collect garbage while no page waits for an answer.

    Newly imported modules are exempt from later collections.
    """
    gc.collect()
    if len(sys.modules) > modules:
        gc.freeze()
    return len(sys.modules)


def _whole(edited: _Edited, known: dict[_Key, Any]) -> TaskSet:
    """The set with the question objects of the set that it was sent against: their caches stay valid."""
    before = known[edited.of].questions
    questions = tuple(before[q] if isinstance(q, int) else q for q in edited.questions)
    return edited.emptied.model_copy(update={"questions": questions})


if __name__ == "__main__":
    # The classes must be those of the module, as the other end knows them, not those of `__main__`.
    from e2lm_core.ui.cache import process_pool

    os.nice(NICE)
    process_pool.serve(Connection(int(sys.argv[1])))
