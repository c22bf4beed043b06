"""Verification in a background process.

It runs the command `verify` as the caller; one at a time on a server, since it takes a core and a gigabyte.
Tested in tests/export/test_background_verify.py.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from e2lm_core.base import processes
from e2lm_core.base.errors import LimitError, StudioError
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import ROOT, Settings
from e2lm_core.people import access

CANCELLED = Sentence("The verification was cancelled.")
_lock = threading.Lock()
_going_on: list[BackgroundVerification] = []


def is_possible() -> bool:
    """Whether lm-evaluation-harness is installed here."""
    return importlib.util.find_spec("lm_eval") is not None


class BackgroundVerification:
    """Verification that runs in a process of its own.

    Attributes:
        name: Name of the set.
        started: Start on the monotonic clock, in seconds.
    """

    def __init__(self, settings: Settings, data: bytes, name: str) -> None:
        self.name, self.started = name, time.monotonic()
        self._folder = tempfile.TemporaryDirectory(prefix="e2lm-verification-")
        place = Path(self._folder.name)
        bundle = place / "bundle.zip"
        bundle.write_bytes(data)
        own = {"E2LM_HOME": str(settings.home), "E2LM_LADDER": str(settings.ladder)}
        if settings.person:
            own["E2LM_AS"] = settings.person
        with (place / "out").open("wb") as out, (place / "said").open("wb") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "e2lm_core", "verify", str(bundle), "--json"],
                cwd=ROOT,
                env=processes.subprocess_environment() | own,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=said,
                start_new_session=True,
            )
        self._answer: dict[str, Any] | StudioError | None = None

    @property
    def is_over(self) -> bool:
        """Whether the verification has ended, with or without an answer."""
        return self._answer is not None or self._process.poll() is not None

    @property
    def progress_text(self) -> str:
        """Last progress line of the process."""
        lines = self._read("said").strip().splitlines() if self._answer is None else []
        return lines[-1] if lines else Sentence("lm-evaluation-harness is being started.")

    def answer(self) -> dict[str, Any]:
        """Wait for the end and return the answer of `verify.verify_bundle`.

        Raises:
            StudioError: The verification failed or was cancelled.
        """
        self._process.wait()
        if self._answer is None:
            try:
                self._answer = json.loads(self._read("out"))
            except ValueError:
                lines = self._read("said").strip().splitlines()
                self._answer = StudioError(lines[-1] if lines else CANCELLED)
            self._folder.cleanup()
        if isinstance(self._answer, StudioError):
            raise self._answer
        return self._answer

    def cancel(self) -> None:
        """Kill the process and the harness that it runs."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._answer is None:
            self._answer = StudioError(CANCELLED)
            self._folder.cleanup()

    def _read(self, file: str) -> str:
        with contextlib.suppress(OSError):
            return (Path(self._folder.name) / file).read_text(encoding="utf-8", errors="replace")
        return ""


def start_verification(settings: Settings, data: bytes, name: str) -> BackgroundVerification:
    """Begin to verify a bundle for the caller.

    Args:
        settings: The caller's settings.
        data: The bundle.
        name: Name of the set.

    Raises:
        TaskError: The caller is a visitor.
        LimitError: Another verification is running.
    """
    access.require_member(settings, Sentence("verify bundles"))
    with _lock:
        _going_on[:] = [one for one in _going_on if not one.is_over]
        if _going_on:
            raise LimitError(
                Sentence("Another bundle is being verified on this server: try again in a minute.")
            )
        _going_on.append(BackgroundVerification(settings, data, name))
        return _going_on[-1]
