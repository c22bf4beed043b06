"""Accounts: people and visitors in the home's database.

A person's id names the folder of their workspace and stands in links, so it never changes and is never given
to another. Where nobody ever signed in there is no register, and no database is opened for it.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from e2lm_core.base.database import Database
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Record
from e2lm_core.base.settings import PERSON, Settings
from e2lm_core.people import ownership_transfer

HUB = "https://huggingface.co"  # the issuer whose user names are each one account's at a time
VISITOR = "visitor"  # the issuer of those who did not sign in; ids that begin so are theirs
_SUBJECT = "sub:"  # before a subject in E2LM_ADMINS
_LONGEST = 24  # characters of an id made from a name
_SEEN_EVERY_S = 60.0
_SIGN_OUT_KEPT_S = 40 * 24 * 3600.0  # Streamlit's cookie lasts 30 days
_signed_out: set[tuple[Path, str]] = set()  # in this process, also where the disk refused it


class Person(Record):
    """Somebody who has a workspace; times are seconds since the epoch.

    `issuer` and `subject` are what the provider of their sign-in calls itself and them.
    """

    id: str
    issuer: str
    subject: str
    name: str
    email: str | None
    administrator: bool
    created_at: float
    seen_at: float

    @property
    def visitor(self) -> bool:
        """Whether they have a sandbox and did not sign in."""
        return self.issuer == VISITOR


def has_accounts(settings: Settings) -> bool:
    """Whether anybody ever signed in here, or had a sandbox."""
    return (settings.home / "people").is_dir()


def sign_in(
    settings: Settings,
    issuer: str,
    subject: str,
    name: str,
    *,
    email: str | None = None,
    username: str | None = None,
) -> Person:
    """The person whom a provider vouches for, made at their first sign-in.

    E2LM_ADMINS names administrators, see `_is_named`; one whom an administrator has demoted stays so. The first
    administrator gets what the home held before anybody signed in.

    Args:
        settings: The studio's.
        issuer: The provider's address.
        subject: The provider's lasting name for the account.
        name: Display name, which anybody may choose.
        email: Such as the provider has verified, else None.
        username: The provider's user name, if it gives one.
    """
    named = _is_named(settings, issuer, subject, email, username)
    subject = (
        subject if subject == _plain(subject) else json.dumps(subject)
    )  # of no other by what is left out
    name, username = _plain(name)[:80], username and _plain(username)
    email = email if email == (email and _plain(email)) else None
    with accounts_database(settings).transaction() as connection:
        known = _where(settings, "issuer = ? AND subject = ?", (issuer, subject))
        if not known:
            identity = _free_id(settings, (username, name, (email or "").partition("@")[0]))
            now = time.time()
            connection.execute(
                "INSERT INTO people (id, issuer, subject, name, email, created_at, seen_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (identity, issuer, subject, name or identity, email, now, now),
            )
        identity = known[0].id if known else identity
        connection.execute(
            "UPDATE people SET name = ?, email = ?, administrator = max(administrator, ? AND NOT demoted), seen_at = ? "
            "WHERE id = ?",
            (name or identity, email, named, time.time(), identity),
        )
    return _settled(settings, identity)


def is_user_name(entry: str) -> bool:
    """Whether an entry of E2LM_ADMINS is a bare user name, which counts at the Hub alone."""
    return "@" not in entry and not entry.startswith(_SUBJECT)


def _is_named(settings: Settings, issuer: str, subject: str, email: str | None, username: str | None) -> bool:
    """Whether E2LM_ADMINS names who signs in: by verified e-mail, by `sub:ID`, or by user name at the Hub.

    All but the letters A to Z of an e-mail are compared as they are. A user name is of the account that first
    signs in by it: whoever has the name once that account is gone is another.
    """
    found = False
    for entry in settings.admins:
        if entry.startswith(_SUBJECT):
            found |= entry.removeprefix(_SUBJECT) == subject
        elif not is_user_name(entry):
            found |= email is not None and _folded(entry) == _folded(email)
        elif issuer == HUB:
            found |= _has_name(settings, entry, issuer, subject, username)
    return found


def _folded(address: str) -> str:
    """An e-mail in small letters; one with letters beyond ASCII, some of which become ASCII's, as it is."""
    return address.lower() if address.isascii() else address


def _has_name(settings: Settings, name: str, issuer: str, subject: str, username: str | None) -> bool:
    """Whether an administrator's user name is this account's: bound to it already, or free and its own now."""
    with accounts_database(settings).transaction() as connection:
        if username == name:
            connection.execute(
                "INSERT OR IGNORE INTO admin_names (name, issuer, subject, at) VALUES (?, ?, ?, ?)",
                (name, issuer, subject, time.time()),
            )
        row = connection.execute("SELECT issuer, subject FROM admin_names WHERE name = ?", (name,)).fetchone()
    return row is not None and tuple(row) == (issuer, subject)


def get_or_create_visitor(settings: Settings, browser: str) -> Person:
    """The visitor with this browser, whose sandbox is made at their first visit; `browser` is 12 hex digits."""
    identity = f"{VISITOR}-{browser}"
    now = time.time()
    with accounts_database(settings).transaction() as connection:
        connection.execute(
            "INSERT INTO people (id, issuer, subject, name, created_at, seen_at) VALUES (?, ?, ?, 'a visitor', ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at",
            (identity, VISITOR, browser, now, now),
        )
    return _settled(settings, identity)


def get_person(settings: Settings, identity: str) -> Person | None:
    """The person of that id, None where there is none."""
    if not has_accounts(settings):
        return None
    return next(iter(_where(settings, "id = ?", (identity,))), None)


def find_person(settings: Settings, who: str) -> Person:
    """The person of that id, verified e-mail or, where no two have it, name. Raises StudioError where there is none.

    What holds @ is an e-mail and never a name, which anybody may choose.
    """
    who = _plain(who)
    column = "email" if "@" in who else "name"
    if has_accounts(settings):
        if person := get_person(settings, who):
            return person
        named = _where(settings, f"issuer != ? AND lower({column}) = lower(?)", (VISITOR, who))
        if len(named) == 1:
            return named[0]
        if named:
            ids = ", ".join(person.id for person in named[:5])
            raise StudioError(f"{len(named)} people are called {who[:80]!r}: give an id ({ids}).")
    raise StudioError(
        f"Nobody called {who[:80]!r} has signed in here: give the id, e-mail or name of somebody who has."
    )


def list_people(settings: Settings) -> list[Person]:
    """All people by the time of their first visit, visitors last."""
    if not has_accounts(settings):
        return []
    return sorted(_where(settings, "1", ()), key=lambda person: (person.visitor, person.created_at))


def first_administrator(settings: Settings) -> Person | None:
    """As whom commands act; None where nobody signs in."""
    return next((person for person in list_people(settings) if person.administrator), None)


def is_administrator(settings: Settings) -> bool:
    """Whether whoever asks is an administrator: so is everybody where nobody signs in."""
    if is_unrestricted(settings):
        return not settings.readonly
    person = get_person(settings, settings.person or "")
    return person is not None and person.administrator


def is_unrestricted(settings: Settings) -> bool:
    """Whether it is asked as nobody, who may do everything: on the machine itself, or where nobody signs in."""
    return settings.person is None and (settings.paths or settings.auth == "none")


def require_administrator(settings: Settings, action: str) -> None:
    """Raises StudioError unless whoever asks is one; `to_do` is what they wanted, as in "change quotas"."""
    if not is_administrator(settings):
        raise StudioError(f"Only an administrator may {action}: ask one (E2LM_ADMINS names them).")


def set_administrator(settings: Settings, who: str, is_administrator: bool) -> Person:
    """Make somebody an administrator, or no longer one. Raises StudioError as `find` does, and for a visitor."""
    require_administrator(settings, "say who is an administrator")
    person = find_person(settings, who)
    if person.visitor:
        raise StudioError("A visitor cannot be an administrator: they have to sign in first.")
    with accounts_database(settings).transaction() as connection:
        connection.execute(
            "UPDATE people SET administrator = ?, demoted = ? WHERE id = ?",
            (is_administrator, not is_administrator, person.id),
        )
    return _settled(settings, person.id)


def touch_last_seen(settings: Settings, person: Person) -> Person | None:
    """The person as they are now, None where they are gone; that they are here is noted once a minute."""
    now = time.time()
    found = get_person(settings, person.id)
    if found is not None and now - found.seen_at > _SEEN_EVERY_S:
        with accounts_database(settings).transaction() as connection:
            connection.execute("UPDATE people SET seen_at = ? WHERE id = ?", (now, person.id))
    return found


def end_sign_in(settings: Settings, sign_in: str) -> None:
    """Sign out: no page and no pass of this sign-in is anybody's from now on, in whatever tab."""
    _signed_out.add((settings.home, sign_in))
    now = time.time()
    with contextlib.suppress(StudioError), accounts_database(settings).transaction() as connection:
        connection.execute("DELETE FROM sign_outs WHERE at < ?", (now - _SIGN_OUT_KEPT_S,))
        connection.execute("INSERT OR REPLACE INTO sign_outs (sign_in, at) VALUES (?, ?)", (sign_in, now))


def is_sign_in_ended(settings: Settings, sign_in: str) -> bool:
    """Whether somebody has signed out of this sign-in."""
    if (settings.home, sign_in) in _signed_out:
        return True
    if not has_accounts(settings):
        return False
    with accounts_database(settings).reading() as connection:
        row = connection.execute("SELECT 1 FROM sign_outs WHERE sign_in = ?", (sign_in,)).fetchone()
    return row is not None


def delete_person(settings: Settings, identity: str) -> None:
    """Take a person out of every table; their folder is the caller's."""
    with accounts_database(settings).transaction() as connection:
        connection.execute("DELETE FROM grants WHERE owner = ? OR person = ?", (identity, identity))
        connection.execute("DELETE FROM links WHERE owner = ?", (identity,))
        for table in ("quotas", "spent"):
            connection.execute(f"DELETE FROM {table} WHERE person = ?", (identity,))
        connection.execute("DELETE FROM people WHERE id = ?", (identity,))


def accounts_database(settings: Settings) -> Database:
    """The home's database, opened once a process; anew where another file has taken its place."""
    try:
        stat = settings.database.stat()
    except OSError:
        Database(settings.database).close()  # made here
        stat = settings.database.stat()
    return _opened(settings.database, stat.st_dev, stat.st_ino)


@lru_cache(maxsize=8)
def _opened(path: Path, device: int, inode: int) -> Database:
    return Database(path)


def _where(settings: Settings, condition: str, values: tuple[object, ...]) -> list[Person]:
    columns = tuple(Person.model_fields)
    with accounts_database(settings).reading() as connection:
        rows = connection.execute(
            f"SELECT {', '.join(columns)} FROM people WHERE {condition} ORDER BY created_at", values
        ).fetchall()
    return [Person(**dict(zip(columns, row, strict=True))) for row in rows]


def _settled(settings: Settings, identity: str) -> Person:
    """The person with a workspace; the first administrator's holds what the home had."""
    person = _where(settings, "id = ?", (identity,))[0]
    workspace = settings.for_person(identity).workspace
    try:
        workspace.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StudioError(
            f"A workspace cannot be made ({error.strerror}): the studio's disk is full or read-only; tell an administrator."
        ) from error
    first = first_administrator(settings) if person.administrator else None
    if first is not None and first.id == identity:
        ownership_transfer.transfer_workspace(
            settings.for_person(None), accounts_database(settings), identity
        )
    return person


def _free_id(settings: Settings, wishes: Iterable[str | None]) -> str:
    stem = next((slug for wish in wishes if wish and (slug := _slug(wish))), "person")
    if stem.startswith(VISITOR) or stem == "everybody":  # they mean others
        stem = f"a-{stem}"
    # Folders as well: one of somebody who is no longer in the register is nobody else's.
    taken = {person.id for person in _where(settings, "1", ())}
    folder = settings.home / "people"
    numbered = (stem if number == 1 else f"{stem}-{number}" for number in range(1, 10**6))
    return next(one for one in numbered if one not in taken and not (folder / one).exists())


def _plain(text: str) -> str:
    """Text without what no database takes and no page shows: half characters and control characters."""
    whole = text.encode("utf-8", "ignore").decode()
    return "".join(c for c in whole if unicodedata.category(c) != "Cc").strip()


def _slug(text: str) -> str:
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_text).strip("-")
    slug = slug if slug[:1].isalpha() else f"p-{slug}" if slug else ""
    slug = slug[:_LONGEST].rstrip("-")
    return slug if re.fullmatch(PERSON, slug) else ""
