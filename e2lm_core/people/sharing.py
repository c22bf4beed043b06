"""Sharing of sets by person and by link.

Tested in tests/people/test_access.py.
"""

from __future__ import annotations

import secrets
import time
from typing import NamedTuple, get_args

from e2lm_core.base.errors import StudioError, TaskError
from e2lm_core.base.records import Record
from e2lm_core.base.settings import Settings
from e2lm_core.people import access, accounts
from e2lm_core.people.access import Role


class Grant(Record):
    """That a person may read or edit somebody's set."""

    owner: str
    set_name: str
    person: str
    role: Role


class Link(Record):
    """A key to a set: whoever opens it while signed in has the role from then on."""

    key: str
    owner: str
    set_name: str
    role: Role

    @property
    def query(self) -> str:
        """What stands behind the studio's address."""
        return f"?set={self.owner}/{self.set_name}&key={self.key}"


class _Owned(NamedTuple):
    owner: str
    name: str


def share(settings: Settings, name: str, who: str, role: Role = "reader") -> Grant:
    """Share one's own set with somebody who has signed in, by their id, e-mail or name; again changes the role.

    Raises TaskError for a set that is not one's own, StudioError where there is no such person or role.
    """
    owned = _own(settings, name, "share it")
    _require_role(role)
    person = accounts.find_person(settings, who)
    if person.visitor:
        raise StudioError(f"{person.id} has not signed in: a set is shared with people who have.")
    if person.id == owned.owner:
        raise StudioError(f"{owned.name} is {person.name}'s own: share it with somebody else.")
    grant = Grant(owner=owned.owner, set_name=owned.name, person=person.id, role=role)
    _grant(settings, grant)
    return grant


def unshare(settings: Settings, name: str, who: str) -> None:
    """Take back what was shared with somebody; they may leave a set that was shared with them, too.

    Raises TaskError for another's set, StudioError where it is not shared with them.
    """
    address = access.ADDRESS.fullmatch(name)
    person = accounts.find_person(settings, who)
    leaving = address is not None and person.id == settings.person
    owned = _Owned(*address.groups()) if leaving and address else _own(settings, name, "take back a share")
    with accounts.accounts_database(settings).transaction() as connection:
        gone = connection.execute(
            "DELETE FROM grants WHERE owner = ? AND set_name = ? AND person = ?", (*owned, person.id)
        ).rowcount
    if not gone:
        raise StudioError(f"{owned.name} is not shared with {person.name}.")


def shared_with(settings: Settings, name: str) -> list[Grant]:
    """With whom one's own set is shared, by name. Raises TaskError for another's set."""
    return _grants(settings, "owner = ? AND set_name = ?", _own(settings, name, "see whom it is shared with"))


def sets_shared_with_caller(settings: Settings) -> list[Grant]:
    """The sets of others that are shared with whoever asks, by owner and name."""
    if settings.person is None or not accounts.has_accounts(settings):
        return []
    return _grants(settings, "person = ?", (settings.person,))


def create_link(settings: Settings, name: str, role: Role = "reader") -> Link:
    """A link to one's own set; the same one as long as it is not closed. Raises as `share` does."""
    owned = _own(settings, name, "share it")
    _require_role(role)
    for link in list_links(settings, name):
        if link.role == role:
            return link
    link = Link(key=secrets.token_urlsafe(18), owner=owned.owner, set_name=owned.name, role=role)
    with accounts.accounts_database(settings).transaction() as connection:
        connection.execute(
            "INSERT INTO links (key, owner, set_name, role, at) VALUES (?, ?, ?, ?, ?)",
            (link.key, *owned, role, time.time()),
        )
    return link


def list_links(settings: Settings, name: str) -> list[Link]:
    """The open links to one's own set. Raises TaskError for another's set."""
    owned = _own(settings, name, "see its links")
    with accounts.accounts_database(settings).reading() as connection:
        rows = connection.execute(
            "SELECT key, owner, set_name, role FROM links WHERE owner = ? AND set_name = ? ORDER BY at", owned
        ).fetchall()
    return [Link(**dict(zip(Link.model_fields, row, strict=True))) for row in rows]


def close_links(settings: Settings, name: str) -> int:
    """Nobody new comes by the set's links; whoever came keeps their role. How many there were."""
    owned = _own(settings, name, "close its links")
    with accounts.accounts_database(settings).transaction() as connection:
        return int(connection.execute("DELETE FROM links WHERE owner = ? AND set_name = ?", owned).rowcount)


def redeem_link(settings: Settings, key: str) -> Grant | None:
    """What a link's key gives to whoever opens it; None for a key that there is not, or to their own set.

    Raises TaskError for a visitor, sandbox or not, and where nobody signs in.
    """
    if settings.person is None or not accounts.has_accounts(settings):
        raise TaskError("This link is for people who sign in, and nobody does here.")
    person = accounts.get_person(settings, settings.person)
    if person is None or person.visitor:
        raise TaskError("This link is for people who have signed in: sign in, and open it again.")
    with accounts.accounts_database(settings).reading() as connection:
        row = connection.execute(
            "SELECT owner, set_name, role FROM links WHERE key = ?",
            (key.encode("utf-8", "replace").decode(),),
        ).fetchone()
    if row is None or row[0] == settings.person:
        return None
    grant = Grant(owner=row[0], set_name=row[1], person=settings.person, role=row[2])
    if (
        access.role_of(settings, grant.owner, grant.set_name) != "editor"
    ):  # a reader's link takes nothing away
        _grant(settings, grant)
    return grant


def remove_shares(settings: Settings, name: str) -> None:
    """A set is gone: whoever it was shared with does not get the next one of its name."""
    if settings.person is None or not accounts.has_accounts(settings):
        return
    with accounts.accounts_database(settings).transaction() as connection:
        for table in ("grants", "links"):
            connection.execute(
                f"DELETE FROM {table} WHERE owner = ? AND set_name = ?", (settings.person, name)
            )


def rename_shares(settings: Settings, name: str, new: str) -> None:
    """A set has another name, and is shared as it was."""
    if settings.person is None or not accounts.has_accounts(settings):
        return
    with accounts.accounts_database(settings).transaction() as connection:
        for table in ("grants", "links"):
            connection.execute(
                f"UPDATE {table} SET set_name = ? WHERE owner = ? AND set_name = ?",
                (new, settings.person, name),
            )


def _own(settings: Settings, name: str, to_do: str) -> _Owned:
    """Whose a set is, where that is whoever asks, or they are at the machine itself."""
    if not accounts.has_accounts(settings):
        raise TaskError(
            "Nobody signs in to this studio, so whoever reaches it has all its sets: see E2LM_AUTH in docs/people.md."
        )
    address = access.ADDRESS.fullmatch(name)
    owner, own_name = address.groups() if address else (settings.person, name)
    if owner is None or (settings.person is not None and owner != settings.person):
        raise TaskError(f"{name} is not your set, so you cannot {to_do}: its owner can.")
    if not (settings.for_person(owner).sets / own_name / f"{own_name}.yaml").is_file():
        raise TaskError(f"There is no question set {name!r} of your own: an example is everybody's already.")
    return _Owned(owner, own_name)


def _require_role(role: str) -> None:
    if role not in get_args(Role):
        raise StudioError(f"There is no role {role[:80]!r}: share a set with a reader or an editor.")


def _grant(settings: Settings, grant: Grant) -> None:
    with accounts.accounts_database(settings).transaction() as connection:
        connection.execute(
            "INSERT INTO grants (owner, set_name, person, role, at) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (owner, set_name, person) DO UPDATE SET role = excluded.role, at = excluded.at",
            (grant.owner, grant.set_name, grant.person, grant.role, time.time()),
        )


def _grants(settings: Settings, condition: str, values: tuple[object, ...]) -> list[Grant]:
    with accounts.accounts_database(settings).reading() as connection:
        rows = connection.execute(
            f"SELECT owner, set_name, person, role FROM grants WHERE {condition} ORDER BY owner, set_name, person",
            values,
        ).fetchall()
    return [Grant(**dict(zip(Grant.model_fields, row, strict=True))) for row in rows]
