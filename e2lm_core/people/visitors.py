"""Sandboxes of visitors who did not sign in: a workspace each, which ends some hours after the last visit."""

from __future__ import annotations

import contextlib
import shutil
import time
import uuid

from e2lm_core.base.settings import Settings
from e2lm_core.people import inheriting, register
from e2lm_core.people.register import Person

_SWEPT_EVERY_S = 600.0
_last_sweep: dict[str, float] = {}


def arrive(settings: Settings, browser: str) -> Person:
    """The visitor with this browser, in a sandbox that is new or still theirs; others' that have ended are swept."""
    home = str(settings.home)
    if time.monotonic() - _last_sweep.get(home, float("-inf")) > _SWEPT_EVERY_S:
        _last_sweep[home] = time.monotonic()
        sweep(settings)
    return register.visitor(settings, browser)


def sweep(settings: Settings) -> list[str]:
    """End the sandboxes whose visitor was last here longer ago than E2LM_SANDBOX_HOURS; their ids."""
    before = time.time() - settings.sandbox_hours * 3600
    over = [person.id for person in register.everyone(settings) if person.visitor and person.seen_at < before]
    for identity in over:
        _end(settings, identity)
    return over


def adopt(settings: Settings, browser: str, person: Person) -> None:
    """What a visitor made goes with them when they sign in; names that the person has already are left behind."""
    identity = f"{register.VISITOR}-{browser}"
    if register.get(settings, identity) is None:
        return
    inheriting.hand_over(settings.asked_by(identity), register.database(settings), person.id)
    _end(settings, identity)


def _end(settings: Settings, identity: str) -> None:
    folder = settings.asked_by(identity).workspace
    register.forget(settings, identity)
    gone = folder.with_name(f".{identity}.{uuid.uuid4().hex}.gone")
    with contextlib.suppress(OSError):  # what cannot be deleted now is nobody's, and goes with the next
        folder.rename(gone)
    for left in folder.parent.glob(f".{register.VISITOR}-*.gone"):
        shutil.rmtree(left, ignore_errors=True)
