"""Worker processes for heavy computations.

One process computes figures, one embeds texts, one does what follows an edit at once. They are started with the server
and end with it, have less weight than the pages where both want a core, and are replaced when they have grown. Without
them (a test, a command) everything is computed where it is asked for: the answers are the same.
Tested in tests/ui/cache/test_process_pool.py.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import itertools
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
NICE = 1  # of 19: a little less than the pages, since they wait for it; a run has 8
MOST_MB = 1_500  # of a process's own
# Beside it what is made of the measurements that a process keeps: their log-likelihoods, metrics, and one resampled.
OF_MEASURED = 2.5
# All three together leave half of the machine's memory to the pages and to runs.
SHARE = 1 / 6
IDLE_S = 600.0
TIDY_S = 1.0  # after an answer
KNOWN = 4  # measurements, and as many sets, that a process keeps, so that they are sent once
KNOWN_BYTES = 600 * 2**20  # of the measurements that it keeps beside those of the last call
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Known:
    """Stands for measurements or a set that the process has."""

    number: int


@dataclass(frozen=True)
class _InParts:
    """Measurements without their curves, which follow one by one: a copy of all is no more than one of them."""

    without: Measurements
    curves: int


@dataclass(frozen=True)
class _Edited:
    """A set by one that the process has: the others' places there, and the questions that are new."""

    of: int
    emptied: TaskSet
    questions: list[int | Question]


class _Turns:
    """A lock that goes to whoever has waited longest: where many wait all the time, a plain one forgets some."""

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
        """Whether nobody has it just now."""
        return not self._taken


class Aside:
    """A process that calls functions of ours, one at a time, for all threads of this one."""

    def __init__(self, most_mb: int = MOST_MB) -> None:
        self._most_mb = most_mb
        self._lock = _Turns()
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None
        # Of what the process has, by identity: {id: (the object, its number)}, the last used last.
        self._known: OrderedDict[int, tuple[object, int]] = OrderedDict()
        self._numbers, self._used = itertools.count(), 0.0

    @property
    def process(self) -> int | None:
        """The process's id while there is one."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process, unless it runs; a call would start it too, and wait for it."""
        with self._lock:
            self._started()

    def stop(self) -> None:
        """End the process with what it is at, which whoever asked computes himself; the next call starts another."""
        if (process := self._process) is not None:
            process.kill()
        with self._lock:
            self._ended()

    def rest(self, idle_s: float) -> None:
        """End the process where it has had nothing to do for so long."""
        if time.monotonic() - self._used > idle_s and self._lock.free:
            self.stop()

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """What `function` (of a module, by name) gives, computed in the process; raises what it raises.

        Where the process dies, as it may when memory is short, the call is made here instead.
        """
        with self._lock:
            try:
                fine, answer = self._asked(function, arguments)
            except (EOFError, OSError, pickle.PickleError, TypeError, AttributeError) as error:
                level = logging.WARNING if _open.is_set() else logging.INFO  # when the server ends
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
        new: dict[int, Any] = {}
        sent = tuple(self._sent(a, new) if isinstance(a, Measurements | TaskSet) else a for a in arguments)
        self._forget({id(argument) for argument in arguments})
        pipe.send(
            (function.__module__, function.__qualname__, sent, new, [n for _, n in self._known.values()])
        )
        for number, thing in new.items():
            if isinstance(thing, _InParts):
                measurements = next(one for one, its in self._known.values() if its == number)
                for curve in measurements.curves:  # type: ignore[attr-defined]
                    pipe.send(curve)
        return pipe.recv()

    def _sent(self, thing: Measurements | TaskSet, new: dict[int, Any]) -> _Known:
        held = self._known.pop(id(thing), None)
        if held is None:
            held = (thing, next(self._numbers))
            if isinstance(thing, Measurements):
                new[held[1]] = _InParts(replace(thing, curves=()), len(thing.curves))
            else:
                new[held[1]] = self._by_another(thing)
        self._known[id(thing)] = held
        alike = [key for key, (known, _) in self._known.items() if type(known) is type(thing)]
        if len(alike) > KNOWN:
            del self._known[alike[0]]
        return _Known(held[1])

    def _forget(self, asked: set[int]) -> None:
        """Let go of measurements of earlier calls where they are too large to be kept beside those of this one."""
        of_measured = {
            key: one.nbytes for key, (one, _) in self._known.items() if isinstance(one, Measurements)
        }
        earlier = [key for key in of_measured if key not in asked]
        while earlier and sum(of_measured[key] for key in earlier) > KNOWN_BYTES:
            del self._known[earlier.pop(0)]

    def _by_another(self, task: TaskSet) -> TaskSet | _Edited:
        """The set as it is sent: after an edit nearly all its questions are the very ones of a set that is there."""
        ours = {id(question) for question in task.questions}
        shared, base, number = 0, None, 0
        for known, its in self._known.values():
            if isinstance(known, TaskSet) and (n := sum(id(q) in ours for q in known.questions)) > shared:
                shared, base, number = n, known, its
        if base is None or 2 * shared < len(task.questions):
            return task
        places = {id(question): place for place, question in enumerate(base.questions)}
        questions = [places.get(id(question), question) for question in task.questions]
        return _Edited(number, task.model_copy(update={"questions": ()}), questions)

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
                ),  # without a secret; an embedding model may be one of a hub
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
            )
        self._pipe, self._used = Connection(ours.detach()), time.monotonic()
        return self._pipe

    def _ended(self) -> None:
        self._known.clear()
        if self._pipe is not None:
            self._pipe.close()  # at which it ends by itself
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
        """How much it may hold: more where what it was given is large, as far as the machine has that."""
        given = sum(one.nbytes for one, _ in self._known.values() if isinstance(one, Measurements))
        there = SHARE * (total_memory_bytes() or 0) / 2**20
        return max(self._most_mb, min(self._most_mb + OF_MEASURED * given / 2**20, there))


_FIGURES, _TEXTS, _EDITS = Aside(), Aside(), Aside()
_open = threading.Event()


def open_all() -> None:
    """From now on heavy work is done beside; the processes are started."""
    for process in (_FIGURES, _TEXTS, _EDITS):
        process.start()
    _open.set()


def rest() -> None:
    """End those that had nothing to do for a while; the next call starts them again."""
    for process in (_FIGURES, _TEXTS, _EDITS):
        process.rest(IDLE_S)


def is_open() -> bool:
    """Whether heavy work is done beside."""
    return _open.is_set()


def close_all() -> None:
    """End the processes: heavy work is done here again."""
    _open.clear()
    for process in (_FIGURES, _TEXTS, _EDITS):
        process.stop()


def figures(function: Callable[..., T], *arguments: Any) -> T:
    """What a function of `computing` gives, computed beside where the server has opened that."""
    return _FIGURES.call(function, *arguments) if _open.is_set() else function(*arguments)


def texts(function: Callable[..., T], *arguments: Any) -> T:
    """The same for what embeds texts, whose library alone takes half a gigabyte."""
    return _TEXTS.call(function, *arguments) if _open.is_set() else function(*arguments)


def edits(function: Callable[..., T], *arguments: Any) -> T:
    """The same for what follows an edit at once: the set's checks, its bundle, and what the edit changed."""
    return _EDITS.call(function, *arguments) if _open.is_set() else function(*arguments)


# --- the process itself -----------------------------------------------------------------------------------


def serve(pipe: Connection) -> None:
    """Answer calls until the other end is closed."""
    known: dict[int, Any] = {}
    tidy, modules = True, 0
    while True:
        try:
            if not tidy and not pipe.poll(TIDY_S):
                modules = _tidied(modules)
            tidy = False
            module, name, arguments, new, still = pipe.recv()
            for number, thing in new.items():
                if isinstance(thing, _InParts):
                    curves = tuple(pipe.recv() for _ in range(thing.curves))
                    known[number] = replace(thing.without, curves=curves)
                else:
                    known[number] = _whole(thing, known) if isinstance(thing, _Edited) else thing
        except (EOFError, OSError):
            return
        for number in set(known) - set(still):
            del known[number]
        try:
            function = getattr(importlib.import_module(module), name)
            answer = (True, function(*(known[a.number] if isinstance(a, _Known) else a for a in arguments)))
        except Exception as error:  # it is the caller's, whatever it is
            answer = (False, error)
        try:
            pipe.send(answer)
        except (pickle.PickleError, TypeError, AttributeError):
            pipe.send((False, RuntimeError(f"{name} gave what cannot be sent: {answer[1]!r}"[:300])))


def _tidied(modules: int) -> int:
    """Collect garbage now, and not while a page waits for an answer; what was imported since is left out from then on."""
    gc.collect()
    if len(sys.modules) > modules:
        gc.freeze()
    return len(sys.modules)


def _whole(edited: _Edited, known: dict[int, Any]) -> TaskSet:
    """The set, with the very questions of the one that it was sent by: what was made of them is there again."""
    before = known[edited.of].questions
    questions = tuple(before[q] if isinstance(q, int) else q for q in edited.questions)
    return edited.emptied.model_copy(update={"questions": questions})


if __name__ == "__main__":
    # Its classes must be those that the other end knows, not those of a script.
    from e2lm_core.ui.cache import process_pool

    os.nice(NICE)
    process_pool.serve(Connection(int(sys.argv[1])))
