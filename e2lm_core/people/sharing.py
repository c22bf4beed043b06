"""Sharing of sets by person and by link.

Tested in tests/people/test_access.py.
"""

from __future__ import annotations

import secrets
import time
from typing import NamedTuple, get_args

from e2lm_core.base.errors import StudioError, TaskError
from e2lm_core.base.records import Record
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.people import access, accounts
from e2lm_core.people.access import Role


class Grant(Record):
    """Role of a person on somebody else's set.

    Attributes:
        owner: Id of the set's owner.
        set_name: Name of the set.
        person: Id of the person with the role.
        role: The role.
    """

    owner: str
    set_name: str
    person: str
    role: Role


class Link(Record):
    """Link to a set that gives a role to everyone who opens it while signed in.

    Attributes:
        key: Secret key of the link.
        owner: Id of the set's owner.
        set_name: Name of the set.
        role: The role, which stays after the link is closed.
    """

    key: str
    owner: str
    set_name: str
    role: Role

    @property
    def query(self) -> str:
        """Query of the link, to append to the studio's address."""
        return f"?set={self.owner}/{self.set_name}&key={self.key}"


class _Owned(NamedTuple):
    owner: str
    name: str


def share(settings: Settings, name: str, who: str, role: Role = "reader") -> Grant:
    """Share an own set with a person who has signed in, or change their role.

    Args:
        settings: The caller's settings.
        name: Name of the own set.
        who: Id, e-mail or name of the person.
        role: Role of the person.

    Returns:
        The grant.

    Raises:
        TaskError: The set is not the caller's own, or nobody signs in to this studio.
        StudioError: There is no such person or role, or the person is a visitor or the owner.
    """
    owned = _own(settings, name, Sentence("share it"))
    _require_role(role)
    person = accounts.find_person(settings, who)
    if person.visitor:
        raise StudioError(
            Sentence("{person} has not signed in: a set is shared with people who have.", person=person.id)
        )
    if person.id == owned.owner:
        raise StudioError(
            Sentence(
                "{name} is {person}'s own: share it with somebody else.", name=owned.name, person=person.name
            )
        )
    grant = Grant(owner=owned.owner, set_name=owned.name, person=person.id, role=role)
    _grant(settings, grant)
    return grant


def unshare(settings: Settings, name: str, who: str) -> None:
    """End a person's role on an own set; a person may also end their own role on another's set.

    Args:
        settings: The caller's settings.
        name: Name of the own set, or OWNER/NAME of the set to leave.
        who: Id, e-mail or name of the person.

    Raises:
        TaskError: The set is another person's, and the role is not the caller's own.
        StudioError: There is no such person, or the set is not shared with them.
    """
    address = access.ADDRESS.fullmatch(name)
    person = accounts.find_person(settings, who)
    leaving = address is not None and person.id == settings.person
    owned = (
        _Owned(*address.groups())
        if leaving and address
        else _own(settings, name, Sentence("take back a share"))
    )
    with accounts.accounts_database(settings).transaction() as connection:
        gone = connection.execute(
            "DELETE FROM grants WHERE owner = ? AND set_name = ? AND person = ?", (*owned, person.id)
        ).rowcount
    if not gone:
        raise StudioError(
            Sentence("{name} is not shared with {person}.", name=owned.name, person=person.name)
        )


def shared_with(settings: Settings, name: str) -> list[Grant]:
    """Grants on an own set, by the id of the person.

    Raises:
        TaskError: The set is not the caller's own.
    """
    return _grants(
        settings, "owner = ? AND set_name = ?", _own(settings, name, Sentence("see whom it is shared with"))
    )


def sets_shared_with_caller(settings: Settings) -> list[Grant]:
    """Grants of the caller on sets of other people, by owner and name."""
    if settings.person is None or not accounts.has_accounts(settings):
        return []
    return _grants(settings, "person = ?", (settings.person,))


def create_link(settings: Settings, name: str, role: Role = "reader") -> Link:
    """Create a link to an own set, or return the open one with that role.

    Raises:
        TaskError: The set is not the caller's own.
        StudioError: There is no such role.
    """
    owned = _own(settings, name, Sentence("share it"))
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
    """Open links to an own set, the oldest first.

    Raises:
        TaskError: The set is not the caller's own.
    """
    owned = _own(settings, name, Sentence("see its links"))
    with accounts.accounts_database(settings).reading() as connection:
        rows = connection.execute(
            "SELECT key, owner, set_name, role FROM links WHERE owner = ? AND set_name = ? ORDER BY at", owned
        ).fetchall()
    return [Link(**dict(zip(Link.model_fields, row, strict=True))) for row in rows]


def close_links(settings: Settings, name: str) -> int:
    """Close all links to an own set; people who came by one keep their role.

    Returns:
        Number of closed links.

    Raises:
        TaskError: The set is not the caller's own.
    """
    owned = _own(settings, name, Sentence("close its links"))
    with accounts.accounts_database(settings).transaction() as connection:
        return int(connection.execute("DELETE FROM links WHERE owner = ? AND set_name = ?", owned).rowcount)


def redeem_link(settings: Settings, key: str) -> Grant | None:
    """Give the caller the role of a link; an editor's role is not reduced.

    Returns:
        The link's grant; None for an unknown key, or for a link to the caller's own set.

    Raises:
        TaskError: The caller is a visitor, with or without a guest workspace, or nobody signs in to this
            studio.
    """
    if settings.person is None or not accounts.has_accounts(settings):
        raise TaskError(Sentence("This link is for people who sign in, and nobody does here."))
    person = accounts.get_person(settings, settings.person)
    if person is None or person.visitor:
        raise TaskError(Sentence("This link is for people who have signed in: sign in, and open it again."))
    with accounts.accounts_database(settings).reading() as connection:
        row = connection.execute(
            "SELECT owner, set_name, role FROM links WHERE key = ?",
            (key.encode("utf-8", "replace").decode(),),
        ).fetchone()
    if row is None or row[0] == settings.person:
        return None
    grant = Grant(owner=row[0], set_name=row[1], person=settings.person, role=row[2])
    # A reader's link must not reduce the role of an editor.
    if access.role_of(settings, grant.owner, grant.set_name) != "editor":
        _grant(settings, grant)
    return grant


def remove_shares(settings: Settings, name: str) -> None:
    """Delete all grants and links of a deleted set, so that a later set of its name is not shared."""
    if settings.person is None or not accounts.has_accounts(settings):
        return
    with accounts.accounts_database(settings).transaction() as connection:
        for table in ("grants", "links"):
            connection.execute(
                f"DELETE FROM {table} WHERE owner = ? AND set_name = ?", (settings.person, name)
            )


def rename_shares(settings: Settings, name: str, new: str) -> None:
    """Move all grants and links of a set to its new name."""
    if settings.person is None or not accounts.has_accounts(settings):
        return
    with accounts.accounts_database(settings).transaction() as connection:
        for table in ("grants", "links"):
            connection.execute(
                f"UPDATE {table} SET set_name = ? WHERE owner = ? AND set_name = ?",
                (new, settings.person, name),
            )


def _own(settings: Settings, name: str, to_do: str) -> _Owned:
    """Owner and name of the caller's own set, or of any set for a caller at the machine itself."""
    if not accounts.has_accounts(settings):
        raise TaskError(
            Sentence(
                "Nobody signs in to this studio, so everyone who reaches it has all its sets: see E2LM_AUTH in "
                "docs/people.md."
            )
        )
    address = access.ADDRESS.fullmatch(name)
    owner, own_name = address.groups() if address else (settings.person, name)
    if owner is None or (settings.person is not None and owner != settings.person):
        raise TaskError(
            Sentence(
                "{name} is not your set, so you cannot {action}: its owner can.", name=name, action=to_do
            )
        )
    if not (settings.for_person(owner).sets / own_name / f"{own_name}.yaml").is_file():
        raise TaskError(
            Sentence(
                "There is no question set {name} of your own: an example is everybody's already.",
                name=repr(name),
            )
        )
    return _Owned(owner, own_name)


def _require_role(role: str) -> None:
    if role not in get_args(Role):
        raise StudioError(
            Sentence("There is no role {role}: share a set with a reader or an editor.", role=repr(role[:80]))
        )


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
