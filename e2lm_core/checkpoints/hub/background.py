"""Downloads and verifications in a separate process.

The process is the command `python -m e2lm_core hub download …` (or `verify`), with the same rules and
results. A page reads its progress from the bytes on the disk, and its one sentence if it failed.
"""

from __future__ import annotations

import glob
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import IO, Literal

from e2lm_core.base import processes
from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.formatting import join_words
from e2lm_core.base.records import Checkpoint
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import ROOT, Settings
from e2lm_core.checkpoints.hub.client import may_use_token
from e2lm_core.checkpoints.hub.on_disk import DiskUsage, disk_usage
from e2lm_core.people import access, accounts

Action = Literal["download", "verify"]
_REFUSED = {"download": Sentence("download checkpoints"), "verify": Sentence("verify checkpoints")}
_NONE_CHOSEN = {
    "download": Sentence("No checkpoint is chosen: choose at least one to download."),
    "verify": Sentence("No checkpoint is chosen: choose at least one to verify."),
}
_GRACE_S = 5.0


@dataclass
class BackgroundFetch:
    """Process that downloads or verifies checkpoints.

    Attributes:
        action: Download or verify.
        model: Name of the model, or names in words of several.
        checkpoints: The checkpoints.
        before: Disk usage of the checkpoints at the start.
        started: Time of the start on the monotonic clock, in seconds.
        stopped: Whether `stop` was called.
        by: Person who started it; None if nobody signs in.
    """

    action: Action
    model: str
    checkpoints: tuple[Checkpoint, ...]
    before: DiskUsage
    _process: subprocess.Popen[bytes]
    _said: IO[bytes]
    started: float = field(default_factory=time.monotonic)
    stopped: bool = False
    by: str | None = None

    @property
    def running(self) -> bool:
        """Whether the process has not ended yet."""
        return self._process.poll() is None

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    @property
    def error(self) -> str | None:
        """Sentence of a process that has failed on its own; None while it runs and otherwise."""
        if self.running or self.stopped or self._process.returncode == 0:
            return None
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        if self._process.returncode == 2 and lines:
            return lines[-1]
        if self.action == "verify":
            return Sentence(
                "To verify {model} ended early; what is here is kept: verify it again to go on.",
                model=self.model,
            )
        return Sentence(
            "To download {model} ended early; what is here is kept: download it again to go on.",
            model=self.model,
        )

    def may_stop(self, settings: Settings) -> bool:
        """Whether the caller started it or is an administrator."""
        return settings.person == self.by or accounts.is_administrator(settings)

    def stop(self) -> None:
        """End the process; bytes downloaded so far stay, and a later download goes on from them."""
        self.stopped = True
        self._process.terminate()
        try:
            self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def start_fetch(action: Action, checkpoints: Sequence[Checkpoint], settings: Settings) -> BackgroundFetch:
    """Start to download or verify checkpoints in a separate process.

    The process takes its settings from this one's environment: only the variables that it needs (see
    `processes.subprocess_environment`), and the hub's token if it may be used for all of the checkpoints.

    Args:
        action: "download" or "verify".
        checkpoints: The checkpoints.
        settings: Settings of the caller.

    Raises:
        CheckpointError: No checkpoint is given.
        TaskError: The caller is a visitor.
    """
    access.require_member(settings, _REFUSED[action])
    if not checkpoints:
        raise CheckpointError(_NONE_CHOSEN[action])
    said = tempfile.TemporaryFile()  # noqa: SIM115  closed with the last reference to the fetch
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "e2lm_core",
            "hub",
            action,
            *(glob.escape(c.name) for c in checkpoints),
            "--json",
        ],
        cwd=ROOT,
        env=_environment(checkpoints, settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=said,
        start_new_session=True,  # it outlives the page that asked for it
    )
    before = disk_usage(settings, checkpoints)
    name = join_words(list(dict.fromkeys(c.model.name for c in checkpoints)))
    return BackgroundFetch(action, name, tuple(checkpoints), before, process, said, by=settings.person)


def _environment(checkpoints: Sequence[Checkpoint], settings: Settings) -> dict[str, str]:
    allowed = all(may_use_token(c.repo, settings) for c in checkpoints if c.repo)
    env = processes.subprocess_environment(with_network=True, with_token=allowed)
    if settings.hub_token_for is not None:
        env["E2LM_HUB_TOKEN_FOR"] = ",".join(settings.hub_token_for)
    return env
