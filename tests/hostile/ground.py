"""The ground that hostile cases are tried on: what each may cost, and what must be as it was afterwards.

A case ends in a value or in a `StudioError`, whose text is one line of at most 300 characters that can be
printed; under 2 s of processor time and 300 MB more, here and in the process that parses; no connection is
made, and no file of the ground changes.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from e2lm_core.base.errors import StudioError
from e2lm_core.base.untrusted import sandbox

MAX_SECONDS = 2.0
MAX_WALL_S = 30.0  # on a machine that others use too
MAX_BYTES = 300 * 2**20
CANARY = "canary"


class Ground:
    """A folder with a canary, and the rules."""

    def __init__(self, folder: Path, connections: list[Any], log: pytest.LogCaptureFixture) -> None:
        self.folder, self.connections, self.log = folder, connections, log
        (folder / CANARY).write_text("alive", encoding="utf-8")

    def refused(self, attempt: Callable[[], Any]) -> str:
        """The sentence of a case that must be refused."""
        said = self.tried(attempt)
        assert said is not None, "it was taken for good"
        return said

    def tried(self, attempt: Callable[[], Any]) -> str | None:
        """The sentence that a case ends in, None where it was taken."""
        before, held, start = snapshot(self.folder), _resident_reset(), time.monotonic()
        said, cost = self._timed(attempt)
        if (
            cost >= MAX_SECONDS
        ):  # a machine's memory may be slow for a moment; a bomb is one the second time as well
            said, cost = self._timed(attempt)
        assert cost < MAX_SECONDS
        assert time.monotonic() - start < MAX_WALL_S
        assert _peak() - held < MAX_BYTES
        assert not self.connections
        assert snapshot(self.folder) == before
        if said is not None:
            check_sentence(said)
        return said

    def _timed(self, attempt: Callable[[], Any]) -> tuple[str | None, float]:
        """The sentence that a case ends in, and its seconds of CPU, those of the parsers' processes among them."""
        said, used = None, time.process_time()
        self.log.clear()
        with self.log.at_level(logging.DEBUG, logger=sandbox.__name__):
            try:
                attempt()
            except StudioError as error:
                said = str(error)
        cost = time.process_time() - used
        for record in (record for record in self.log.records if record.name == sandbox.__name__):
            assert record.levelno == logging.DEBUG, record.getMessage()  # a parser's own defect is a warning
            _, seconds, grown = record.args
            cost += seconds
            assert grown < MAX_BYTES
        return said, cost


def check_sentence(said: str) -> None:
    """One line that can be printed, of at most 300 characters, which ends."""
    assert 0 < len(said) <= 300, f"{len(said)} characters: {said[:400]}"
    assert said.isprintable(), repr(said)
    assert re.search(r"[.?)…]$", said), said
    assert "Traceback" not in said


def snapshot(folder: Path) -> dict[str, tuple[int, str]]:
    """What lies in a folder: kinds, and digests of regular files, but for a home's own database."""
    found = {}
    for parent, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = Path(parent) / name
            if name.startswith("studio.sqlite"):
                continue
            status = path.lstat()
            content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
            digest = hashlib.blake2b(content).hexdigest()
            found[str(path.relative_to(folder))] = (status.st_mode, digest)
    return found


def guarded(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Every address but those of this machine's own sockets that anything tries to reach."""
    reached: list[Any] = []
    connect = socket.socket.connect

    def watched(self: socket.socket, address: Any) -> None:
        if self.family == socket.AF_UNIX:
            return connect(self, address)
        reached.append(address)
        raise ConnectionRefusedError("a hostile case reaches out")

    monkeypatch.setattr(socket.socket, "connect", watched)
    yield reached


def _resident_reset() -> int:
    """Bytes of memory in use now; the peak counts anew from here."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return 2**62  # a system that does not say
    return _kilobytes("VmRSS") * 1024


def _peak() -> int:
    return _kilobytes("VmHWM") * 1024


def _kilobytes(name: str) -> int:
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return 0
    found = re.search(rf"{name}:\s+(\d+)", status)
    return int(found[1]) if found else 0
