"""The run of an edit begins with its saving: the worker computes while the page is still to be drawn again.

Tested in tests/pages/test_live.py.
"""

from __future__ import annotations

import contextlib

from e2lm_core.base.errors import StudioError
from e2lm_core.base.settings import Settings
from e2lm_core.runs import evaluate, start, state
from e2lm_core.ui import session


def runs(settings: Settings, name: str, visitor: str) -> bool:
    """Queue a run of a set that `visitor` has just edited, where it was run before; whether it is queued.

    Where it is not, the page does it or says why not.
    """
    with contextlib.suppress(StudioError, OSError):
        studio = session.studio_of(settings)
        if start.latest_job(studio, name, progress=False):
            checkpoints, fleet, shots = state.to_run(studio, name)
            task = session.read_set(name, settings)
            start.start(studio, task, checkpoints, shots, evaluate.INTERACTIVE, visitor, fleet=fleet)
            return True
    return False
