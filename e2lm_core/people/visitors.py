"""Temporary workspaces of visitors without an account."""

from __future__ import annotations

import contextlib
import shutil
import time
import uuid

from e2lm_core.base.errors import LimitError
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.people import accounts, ownership_transfer
from e2lm_core.people.accounts import Person

MAX_WORKSPACES = 500  # guest workspaces at once: a browser that drops its cookies gets a new one each time
EMPTY_S = 3600.0  # lifetime of an empty guest workspace
_SWEPT_EVERY_S = 600.0
_last_sweep: dict[str, float] = {}


def open_visitor_workspace(settings: Settings, browser: str) -> Person:
    """Return the visitor with a browser, in a guest workspace that is new or still theirs.

    Expired guest workspaces of others are deleted, at most every ten minutes.

    Args:
        settings: The studio's settings.
        browser: Id of the browser, 12 hexadecimal digits.

    Raises:
        LimitError: A new workspace is needed, and there are `MAX_WORKSPACES` already.
    """
    home = str(settings.home)
    if time.monotonic() - _last_sweep.get(home, float("-inf")) > _SWEPT_EVERY_S:
        _last_sweep[home] = time.monotonic()
        end_expired(settings)
    if (
        accounts.get_person(settings, f"{accounts.VISITOR}-{browser}") is None
        and _count(settings) >= MAX_WORKSPACES
    ):
        raise LimitError(
            Sentence(
                "All {number} guest workspaces are in use. Sign in, or try again later.",
                number=str(MAX_WORKSPACES),
            )
        )
    return accounts.get_or_create_visitor(settings, browser)


def end_expired(settings: Settings) -> list[str]:
    """Delete guest workspaces of visitors who were last here more than E2LM_SANDBOX_HOURS ago.

    An empty workspace expires after one hour if that is sooner.

    Returns:
        Ids of the deleted visitors.
    """
    now, over = time.time(), []
    for person in accounts.list_people(settings):
        hours = EMPTY_S if _empty(settings, person) else settings.sandbox_hours * 3600
        if person.visitor and now - person.seen_at > min(hours, settings.sandbox_hours * 3600):
            over.append(person.id)
    for identity in over:
        _end(settings, identity)
    return over


def transfer_to_account(settings: Settings, browser: str, person: Person) -> bool:
    """Move a visitor's work to the account that they sign in to, and end the guest workspace.

    Args:
        settings: The studio's settings.
        browser: Id of the browser, 12 hexadecimal digits.
        person: The person who has signed in.

    Returns:
        Whether nothing was left behind; otherwise the guest workspace stays until it expires, and the next
        sign-in tries again.
    """
    identity = f"{accounts.VISITOR}-{browser}"
    if accounts.get_person(settings, identity) is None:
        return True
    is_whole = ownership_transfer.transfer_workspace(
        settings.for_person(identity), accounts.accounts_database(settings), person.id
    )
    if is_whole:
        _end(settings, identity)
    return is_whole


def _count(settings: Settings) -> int:
    return sum(1 for person in accounts.list_people(settings) if person.visitor)


def _empty(settings: Settings, person: Person) -> bool:
    """Whether a guest workspace has nothing that somebody made."""
    workspace = settings.for_person(person.id).workspace
    made = ("sets", "drafts", "results", "trash", "shelf", "fleets")
    return not any((workspace / name).exists() for name in made)


def _end(settings: Settings, identity: str) -> None:
    folder = settings.for_person(identity).workspace
    accounts.delete_person(settings, identity)
    gone = folder.with_name(f".{identity}.{uuid.uuid4().hex}.gone")
    with contextlib.suppress(OSError):  # a folder that stays belongs to nobody; a later call deletes it
        folder.rename(gone)
    for left in folder.parent.glob(f".{accounts.VISITOR}-*.gone"):
        shutil.rmtree(left, ignore_errors=True)
