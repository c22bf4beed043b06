"""Charges a run's CPU seconds to its owner's daily quota.

Tested in tests/runs/queue/test_permissions.py.
"""

from __future__ import annotations

import time

from e2lm_core.base import processes
from e2lm_core.base.errors import LimitError
from e2lm_core.base.settings import Settings
from e2lm_core.people import quotas

EVERY_S = 5.0


class CpuAccount:
    """CPU seconds that this process spends from now on, over all its threads.

    Attributes:
        refused: Sentence once the person's daily quota is used up; None before.
    """

    def __init__(self, asker: Settings) -> None:
        self._asker = asker
        self._from, self._noted = processes.cpu_seconds(), time.monotonic()
        self.refused: str | None = None

    def record(self, at_once: bool = False) -> None:
        """Charge the CPU seconds since the last record, at most every `EVERY_S` unless `at_once`."""
        if self._asker.person is None or not (at_once or time.monotonic() - self._noted > EVERY_S):
            return
        now = processes.cpu_seconds()
        quotas.record_use(self._asker, "cpu", now - self._from)
        self._from, self._noted = now, time.monotonic()
        try:
            quotas.check_quota(self._asker, "cpu", 0)
        except LimitError as error:
            self.refused = str(error)
