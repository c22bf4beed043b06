"""Access control: resolves a set's address and the caller's role.

A service of `(settings, name, …)` is marked `reads`, `edits` or `owns`. It is called with the settings of the
set's owner and the set's own name, while `author` remains the caller; without the role it is not called at
all.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, Literal, NamedTuple, ParamSpec, TypeVar

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import Record
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import PERSON, Settings
from e2lm_core.people import accounts

Role = Literal["reader", "editor"]
Need = Literal["reader", "editor", "owner"]
ADDRESS = re.compile(rf"({PERSON})/([a-z][a-z0-9_]{{1,59}})")

_PATH = re.compile(r"[/\\\0]|^[.~]|^$")

P = ParamSpec("P")
R = TypeVar("R")


class SetLocation(NamedTuple):
    """Workspace and name of a set.

    Attributes:
        settings: Settings of the workspace that holds it.
        name: Name of the set there.
        owner: Id of the owner if that is another person; else None.
    """

    settings: Settings
    name: str
    owner: str | None = None


def resolve_set(settings: Settings, name: str, role: Need = "reader") -> SetLocation:
    """Locate a set by name or address for the caller, who needs a role on it.

    Args:
        settings: The caller's settings.
        name: Name of an own set, or OWNER/NAME of a shared one.
        role: The role that the caller needs.

    Raises:
        TaskError: The set is another person's and not shared with the caller in that role, whether it exists
            or not; the caller is a visitor who may only read and needs more; or `name` is a path and paths
            are not allowed.
    """
    if role != "reader":
        require_writer(settings)
    address = ADDRESS.fullmatch(name)
    if address is None:
        if not settings.paths and _PATH.search(name):
            raise TaskError(
                Sentence("There is no question set {name} here: give the name of one.", name=f"{name[:80]!r}")
            )
        return SetLocation(settings, name)
    owner, own_name = address.groups()
    if owner == settings.person:
        return SetLocation(settings, own_name)
    if settings.paths and accounts.get_person(settings, owner) is None:
        return SetLocation(settings, name)  # the text is a path, as there is no such owner
    granted = role_of(settings, owner, own_name)
    if granted is None:
        raise TaskError(
            Sentence(
                "There is no question set {name} that you may open: ask {owner} to share it with you.",
                name=f"{name!r}",
                owner=owner,
            )
        )
    if role == "owner" and settings.person is not None:
        raise TaskError(
            Sentence(
                "{name} is {owner}'s: only its owner can rename, delete or restore it.",
                name=name,
                owner=owner,
            )
        )
    if role == "editor" and granted != "editor":
        raise TaskError(
            Sentence(
                "{name} is shared with you to read: copy it and edit the copy, or ask {owner} for the "
                "role of editor.",
                name=name,
                owner=owner,
            )
        )
    theirs = settings.for_person(owner, settings.author, paths=settings.paths, readonly=settings.readonly)
    return SetLocation(theirs, own_name, owner)


def role_of(settings: Settings, owner: str, name: str) -> Role | None:
    """The caller's role on another person's set; None without access.

    Administrators may read every set. A caller at the machine itself, without an account, may edit every set.
    A visitor has no role.

    Args:
        settings: The caller's settings.
        owner: Id of the set's owner.
        name: Name of the set.
    """
    if accounts.is_unrestricted(settings):
        return "editor" if accounts.get_person(settings, owner) else None
    if settings.person is None or settings.person.startswith(accounts.VISITOR):
        return None
    with accounts.accounts_database(settings).reading() as connection:
        row = connection.execute(
            "SELECT role FROM grants WHERE owner = ? AND set_name = ? AND person = ?",
            (owner, name, settings.person),
        ).fetchone()
    if row is not None:
        return "editor" if row[0] == "editor" else "reader"
    return "reader" if accounts.is_administrator(settings) and accounts.get_person(settings, owner) else None


def is_shared_access(settings: Settings) -> bool:
    """Whether the settings are those of a set's owner, used by another person: see `SetLocation`."""
    return settings.person is not None and settings.author not in ("", settings.person)


def require_writer(settings: Settings) -> None:
    """Refuse a visitor who may only read.

    Raises:
        TaskError: The caller is one.
    """
    if settings.readonly:
        raise TaskError(Sentence("Guests can only view. Sign in to create your own sets."))


def require_member(settings: Settings, action: str) -> None:
    """Refuse a visitor, with or without a guest workspace.

    Args:
        settings: The caller's settings.
        action: The refused action for the sentence, such as "download checkpoints".

    Raises:
        TaskError: The caller is a visitor.
    """
    if not is_member(settings):
        raise TaskError(Sentence("Guests do not {action}: sign in first.", action=action))


def is_member(settings: Settings) -> bool:
    """Whether the caller is no visitor, with or without a guest workspace."""
    person = None if settings.person is None else accounts.get_person(settings, settings.person)
    return not settings.readonly and (settings.person is None or (person is not None and not person.visitor))


def require_path(settings: Settings, folder: Path) -> None:
    """Refuse a folder or file in another person's workspace that is not shared with the caller.

    Raises:
        TaskError: It is one, or the caller may not name sets by path at all, as on a page.
    """
    if not settings.paths:
        raise TaskError(
            Sentence(
                "There is no question set {name} here: give the name of one.", name=repr(folder.name[:80])
            )
        )
    if settings.person is None or not folder.is_relative_to(settings.home.resolve()):
        return
    parts = folder.relative_to(settings.home.resolve()).parts
    if len(parts) > 1 and parts[0] == "people" and parts[1] == settings.person:
        return
    if len(parts) > 3 and (parts[0], parts[2]) == ("people", "sets"):
        resolve_set(settings, f"{parts[1]}/{parts[3]}")
    elif not accounts.is_administrator(settings):
        raise TaskError(
            Sentence("There is no question set {name} that you may open.", name=repr(str(folder)[:200]))
        )


def reads(
    service: Callable[Concatenate[Settings, str, P], R],
) -> Callable[Concatenate[Settings, str, P], R]:
    """Decorate a service of `(settings, name, …)` for readers, editors and the owner."""
    return _asking(service, "reader")


def edits(
    service: Callable[Concatenate[Settings, str, P], R],
) -> Callable[Concatenate[Settings, str, P], R]:
    """Decorate a service of `(settings, name, …)` for editors and the owner."""
    return _asking(service, "editor")


def owns(
    service: Callable[Concatenate[Settings, str, P], R],
) -> Callable[Concatenate[Settings, str, P], R]:
    """Decorate a service of `(settings, name, …)` for the owner only."""
    return _asking(service, "owner")


def _asking(
    service: Callable[Concatenate[Settings, str, P], R], role: Need
) -> Callable[Concatenate[Settings, str, P], R]:
    @wraps(service)
    def asked(settings: Settings, name: str, *arguments: P.args, **options: P.kwargs) -> R:
        place = resolve_set(settings, name, role)
        return with_owner(service(place.settings, place.name, *arguments, **options), place.owner)

    return asked


def with_owner(given: Any, owner: str | None) -> Any:
    """A service's result, a set or a record with a set as its `task`, with the set's owner filled in."""
    if owner is None or not isinstance(given, Record):
        return given
    if "owner" in type(given).model_fields:
        return given.model_copy(update={"owner": owner})
    inner = getattr(given, "task", None)
    return given.model_copy(update={"task": with_owner(inner, owner)}) if isinstance(inner, Record) else given
