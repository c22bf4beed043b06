"""Accounts: people and visitors in the home's database.

A person's id names the folder of their workspace and occurs in links, so it never changes. A removed one is free
again once its folder, grants and links are gone. A home that nobody has ever signed in to has no register, and no
database is opened for it.
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
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import PERSON, Settings
from e2lm_core.people import ownership_transfer

HUB = "https://huggingface.co"  # the issuer whose user names are unique at any time
VISITOR = "visitor"  # issuer of visitors and start of their ids
_SUBJECT = "sub:"  # before a subject in E2LM_ADMINS
_LONGEST = 24  # characters of an id made from a name
_SEEN_EVERY_S = 60.0
_SIGN_OUT_KEPT_S = 40 * 24 * 3600.0  # Streamlit's cookie lasts 30 days
_signed_out: set[tuple[Path, str]] = set()  # of this process, in case the disk refuses


class Person(Record):
    """A person or visitor with a workspace.

    Attributes:
        id: Id of the account, which names the workspace's folder.
        issuer: Address of the sign-in provider; "visitor" for a visitor.
        subject: The provider's lasting name for the account.
        name: Display name.
        email: E-mail that the provider has verified; None without one.
        administrator: Whether the person is an administrator.
        created_at: Time of the first visit, in seconds since 1970.
        seen_at: Time of the last visit, in seconds since 1970.
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
        """Whether the person has a guest workspace and did not sign in."""
        return self.issuer == VISITOR


def has_accounts(settings: Settings) -> bool:
    """Whether anybody ever signed in here, or had a guest workspace."""
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
    """Return the person whom a provider vouches for, with an account made at the first sign-in.

    E2LM_ADMINS names administrators, see `_is_named`; a person whom an administrator has demoted stays
    demoted. The first administrator gets the sets and runs that the home held before anybody signed in.

    Args:
        settings: The studio's settings.
        issuer: The provider's address.
        subject: The provider's lasting name for the account.
        name: Display name, which anybody may choose.
        email: E-mail if the provider has verified it, else None.
        username: The provider's user name; None if it gives none.

    Raises:
        StudioError: The workspace cannot be created.
    """
    named = _is_named(settings, issuer, subject, email, username)
    # A subject with characters that `_plain` drops is quoted: dropping them could make it another account's.
    subject = subject if subject == _plain(subject) else json.dumps(subject)
    name, username = _plain(name)[:80], username and _plain(username)
    email = email if email == (email and _plain(email)) else None
    with accounts_database(settings).transaction() as connection:
        known = _where(settings, "issuer = ? AND subject = ?", (issuer, subject))
        if not known:
            identity = _free_id(settings, (username, name, (email or "").partition("@")[0]))
            now = time.time()
            connection.execute(
                "INSERT INTO people (id, issuer, subject, name, email, created_at, seen_at) VALUES (?, ?, ?, ?, ?, "
                "?, ?)",
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
    """Whether an entry of E2LM_ADMINS is a bare user name, which counts at the Hub only."""
    return "@" not in entry and not entry.startswith(_SUBJECT)


def _is_named(settings: Settings, issuer: str, subject: str, email: str | None, username: str | None) -> bool:
    """Whether E2LM_ADMINS names an account: by verified e-mail, by `sub:ID`, or by user name at the Hub.

    The comparison is exact, except for the letters A to Z of an e-mail. A user name belongs to the account
    that first signs in by it: a later account of the same name is another person.
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
    """E-mail in lower case; unchanged if it has non-ASCII letters, some of which lower to ASCII."""
    return address.lower() if address.isascii() else address


def _has_name(settings: Settings, name: str, issuer: str, subject: str, username: str | None) -> bool:
    """Whether an administrator's user name is bound to this account, or is free and gets bound to it now."""
    with accounts_database(settings).transaction() as connection:
        if username == name:
            connection.execute(
                "INSERT OR IGNORE INTO admin_names (name, issuer, subject, at) VALUES (?, ?, ?, ?)",
                (name, issuer, subject, time.time()),
            )
        row = connection.execute("SELECT issuer, subject FROM admin_names WHERE name = ?", (name,)).fetchone()
    return row is not None and tuple(row) == (issuer, subject)


def get_or_create_visitor(settings: Settings, browser: str) -> Person:
    """Return the visitor with a browser, with a guest workspace made at the first visit.

    Args:
        settings: The studio's settings.
        browser: Id of the browser, 12 hexadecimal digits.

    Raises:
        StudioError: The workspace cannot be created.
    """
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
    """The person of an id; None without one."""
    if not has_accounts(settings):
        return None
    return next(iter(_where(settings, "id = ?", (identity,))), None)


def find_person(settings: Settings, who: str) -> Person:
    """Find a person by id, verified e-mail or unique name.

    A text with @ is an e-mail and never a name, as anybody may choose a name.

    Raises:
        StudioError: There is no such person, or several have the name.
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
            raise StudioError(
                Sentence(
                    "{number} people are called {who}: give an id ({ids}).",
                    number=str(len(named)),
                    who=repr(who[:80]),
                    ids=ids,
                )
            )
    raise StudioError(
        Sentence(
            "Nobody called {who} has signed in here: give the id, e-mail or name of somebody who has.",
            who=repr(who[:80]),
        )
    )


def list_people(settings: Settings) -> list[Person]:
    """All people by the time of their first visit, visitors last."""
    if not has_accounts(settings):
        return []
    return sorted(_where(settings, "1", ()), key=lambda person: (person.visitor, person.created_at))


def first_administrator(settings: Settings) -> Person | None:
    """The administrator with the earliest first visit, used as the caller of commands; None without one."""
    return next((person for person in list_people(settings) if person.administrator), None)


def is_administrator(settings: Settings) -> bool:
    """Whether the caller is an administrator; an unrestricted caller is one unless read-only."""
    if is_unrestricted(settings):
        return not settings.readonly
    person = get_person(settings, settings.person or "")
    return person is not None and person.administrator


def is_unrestricted(settings: Settings) -> bool:
    """Whether the caller has no account and may do everything: at the machine, or without sign-in."""
    return settings.person is None and (settings.paths or settings.auth == "none")


def require_administrator(settings: Settings, action: str) -> None:
    """Refuse a caller who is not an administrator.

    Args:
        settings: The caller's settings.
        action: The refused action for the sentence, such as "change quotas".

    Raises:
        StudioError: The caller is not an administrator.
    """
    if not is_administrator(settings):
        raise StudioError(
            Sentence("Only an administrator may {action}: ask one (E2LM_ADMINS names them).", action=action)
        )


def set_administrator(settings: Settings, who: str, is_administrator: bool) -> Person:
    """Make a person an administrator, or demote them.

    Args:
        settings: The caller's settings.
        who: Id, e-mail or name of the person.
        is_administrator: Whether they are an administrator from now on.

    Returns:
        The person after the change.

    Raises:
        StudioError: The caller is not an administrator, there is no such person, or it is a visitor.
    """
    require_administrator(settings, Sentence("say who is an administrator"))
    person = find_person(settings, who)
    if person.visitor:
        raise StudioError(Sentence("A guest cannot be an administrator: they have to sign in first."))
    with accounts_database(settings).transaction() as connection:
        connection.execute(
            "UPDATE people SET administrator = ?, demoted = ? WHERE id = ?",
            (is_administrator, not is_administrator, person.id),
        )
    return _settled(settings, person.id)


def touch_last_seen(settings: Settings, person: Person) -> Person | None:
    """Note that a person is here, at most once a minute.

    Returns:
        The person's current record; None if the account was deleted.
    """
    now = time.time()
    found = get_person(settings, person.id)
    if found is not None and now - found.seen_at > _SEEN_EVERY_S:
        with accounts_database(settings).transaction() as connection:
            connection.execute("UPDATE people SET seen_at = ? WHERE id = ?", (now, person.id))
    return found


def end_sign_in(settings: Settings, sign_in: str) -> None:
    """Sign out: end all pages and passes of a sign-in, in every tab."""
    _signed_out.add((settings.home, sign_in))
    now = time.time()
    with contextlib.suppress(StudioError), accounts_database(settings).transaction() as connection:
        connection.execute("DELETE FROM sign_outs WHERE at < ?", (now - _SIGN_OUT_KEPT_S,))
        connection.execute("INSERT OR REPLACE INTO sign_outs (sign_in, at) VALUES (?, ?)", (sign_in, now))


def is_sign_in_ended(settings: Settings, sign_in: str) -> bool:
    """Whether a sign-in was ended, by signing out or with its account."""
    if (settings.home, sign_in) in _signed_out:
        return True
    if not has_accounts(settings):
        return False
    with accounts_database(settings).reading() as connection:
        row = connection.execute("SELECT 1 FROM sign_outs WHERE sign_in = ?", (sign_in,)).fetchone()
    return row is not None


def delete_person(settings: Settings, identity: str) -> None:
    """Delete a person from every table; the caller deletes their folder."""
    with accounts_database(settings).transaction() as connection:
        connection.execute("DELETE FROM grants WHERE owner = ? OR person = ?", (identity, identity))
        connection.execute("DELETE FROM links WHERE owner = ?", (identity,))
        for table in ("quotas", "spent"):
            connection.execute(f"DELETE FROM {table} WHERE person = ?", (identity,))
        connection.execute("DELETE FROM people WHERE id = ?", (identity,))


def accounts_database(settings: Settings) -> Database:
    """The home's database, opened once for each process, and again if the file was replaced."""
    try:
        stat = settings.database.stat()
    except OSError:
        Database(settings.database).close()  # creates the file
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
    """The person with a workspace; the first administrator's receives the home's earlier sets and runs."""
    person = _where(settings, "id = ?", (identity,))[0]
    workspace = settings.for_person(identity).workspace
    try:
        workspace.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StudioError(
            Sentence(
                "A workspace cannot be made ({problem}): the studio's disk is full or read-only; tell an "
                "administrator.",
                problem=error.strerror,
            )
        ) from error
    first = first_administrator(settings) if person.administrator else None
    if first is not None and first.id == identity:
        ownership_transfer.transfer_workspace(
            settings.for_person(None), accounts_database(settings), identity
        )
    return person


def _free_id(settings: Settings, wishes: Iterable[str | None]) -> str:
    stem = next((slug for wish in wishes if wish and (slug := _slug(wish))), "person")
    if stem.startswith(VISITOR) or stem == "everybody":  # these names are reserved
        stem = f"a-{stem}"
    # Folders count as well, so that nobody gets the folder of a deleted person.
    taken = {person.id for person in _where(settings, "1", ())}
    folder = settings.home / "people"
    numbered = (stem if number == 1 else f"{stem}-{number}" for number in range(1, 10**6))
    return next(one for one in numbered if one not in taken and not (folder / one).exists())


def _plain(text: str) -> str:
    """Text without surrogates and control characters, which databases refuse and pages do not show."""
    whole = text.encode("utf-8", "ignore").decode()
    return "".join(c for c in whole if unicodedata.category(c) != "Cc").strip()


def _slug(text: str) -> str:
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_text).strip("-")
    slug = slug if slug[:1].isalpha() else f"p-{slug}" if slug else ""
    slug = slug[:_LONGEST].rstrip("-")
    return slug if re.fullmatch(PERSON, slug) else ""
