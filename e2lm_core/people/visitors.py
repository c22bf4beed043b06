"""Temporary workspaces of visitors without an account."""

from __future__ import annotations

import contextlib
import shutil
import time
import uuid

from e2lm_core.base.errors import LimitError
from e2lm_core.base.settings import Settings
from e2lm_core.people import accounts, ownership_transfer
from e2lm_core.people.accounts import Person

MOST = 500  # sandboxes at once: whoever throws their cookies away has a new one each time
EMPTY_S = 3600.0  # after which one that nothing was made in ends
_SWEPT_EVERY_S = 600.0
_last_sweep: dict[str, float] = {}


def open_visitor_workspace(settings: Settings, browser: str) -> Person:
    """The visitor with this browser, in a sandbox that is new or still theirs; others' that have ended are swept.

    Raises LimitError for a new one where there are `MOST` already.
    """
    home = str(settings.home)
    if time.monotonic() - _last_sweep.get(home, float("-inf")) > _SWEPT_EVERY_S:
        _last_sweep[home] = time.monotonic()
        end_expired(settings)
    if accounts.get_person(settings, f"{accounts.VISITOR}-{browser}") is None and _count(settings) >= MOST:
        raise LimitError(f"All {MOST} sandboxes are taken just now: sign in, or come back later.")
    return accounts.get_or_create_visitor(settings, browser)


def end_expired(settings: Settings) -> list[str]:
    """End the sandboxes whose visitor was last here longer ago than E2LM_SANDBOX_HOURS, empty ones sooner; their ids."""
    now, over = time.time(), []
    for person in accounts.list_people(settings):
        hours = EMPTY_S if _empty(settings, person) else settings.sandbox_hours * 3600
        if person.visitor and now - person.seen_at > min(hours, settings.sandbox_hours * 3600):
            over.append(person.id)
    for identity in over:
        _end(settings, identity)
    return over


def transfer_to_account(settings: Settings, browser: str, person: Person) -> None:
    """What a visitor made goes with them when they sign in; names that the person has already are left behind."""
    identity = f"{accounts.VISITOR}-{browser}"
    if accounts.get_person(settings, identity) is None:
        return
    ownership_transfer.transfer_workspace(
        settings.for_person(identity), accounts.accounts_database(settings), person.id
    )
    _end(settings, identity)


def _count(settings: Settings) -> int:
    return sum(1 for person in accounts.list_people(settings) if person.visitor)


def _empty(settings: Settings, person: Person) -> bool:
    """Whether nothing was made there: no set, no draft, no results."""
    workspace = settings.for_person(person.id).workspace
    return not any((workspace / name).exists() for name in ("sets", "drafts", "results", "trash"))


def _end(settings: Settings, identity: str) -> None:
    folder = settings.for_person(identity).workspace
    accounts.delete_person(settings, identity)
    gone = folder.with_name(f".{identity}.{uuid.uuid4().hex}.gone")
    with contextlib.suppress(OSError):  # what cannot be deleted now is nobody's, and goes with the next
        folder.rename(gone)
    for left in folder.parent.glob(f".{accounts.VISITOR}-*.gone"):
        shutil.rmtree(left, ignore_errors=True)
