"""A person's own data as an archive, and the removal of their account.

Tested in tests/deploy/home/test_own_data.py.
"""

from __future__ import annotations

import io
import shutil
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path

from e2lm_core.base.errors import StudioError
from e2lm_core.base.settings import Settings
from e2lm_core.people import accounts
from e2lm_core.runs.queue import permissions
from e2lm_core.runs.studio import Studio
from e2lm_core.sets.folder.bundle import DATE, MODE

FOLDERS = ("sets", "history", "trash", "drafts", "results", "fleets", "set_fleets")


def archive_own_data(settings: Settings, person: str) -> bytes:
    """Zip of all that a person has written here: sets with history, trash, drafts, imported results, model groups.

    Each folder below `sets` is a task folder, which `import` takes. Links are left out.

    Args:
        settings: The caller's settings.
        person: Id of the person.

    Raises:
        StudioError: The person is not the caller, who is no administrator, or a file cannot be read.
    """
    _require_own(settings, person, "download others' data")
    workspace = settings.for_person(person).workspace
    buffer = io.BytesIO()
    try:
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in _files(workspace):
                info = zipfile.ZipInfo(path.relative_to(workspace).as_posix(), DATE)
                info.compress_type, info.create_system = zipfile.ZIP_DEFLATED, 3
                info.external_attr = MODE << 16
                archive.writestr(info, path.read_bytes())
    except OSError as error:
        raise StudioError(f"Your data cannot be read ({error.strerror}): try again.") from error
    return buffer.getvalue()


def delete_account(studio: Studio, person: str) -> None:
    """Delete a person's account with their sets, drafts, results, shares and quotas, and cancel their runs.

    Args:
        studio: Studio with the caller's settings.
        person: Id of the person.

    Raises:
        StudioError: The person is not the caller, who is no administrator; there is no such account; it is the
            only administrator's; or the disk refuses.
    """
    settings = studio.settings
    _require_own(settings, person, "delete others' accounts")
    found = accounts.get_person(settings, person)
    if found is None or found.visitor:
        raise StudioError(f"There is no account {person!r} to delete.")
    others = [one for one in accounts.list_people(settings) if one.administrator and one.id != person]
    if found.administrator and not others:
        raise StudioError(
            "You are the only administrator: make somebody else one first (`people administrator`)."
        )
    for job in permissions.list_open_runs(studio):
        if job.payload.get("owner") == person:
            permissions.cancel_run(studio, job.id)
    folder = settings.for_person(person).workspace
    gone = folder.with_name(f".{person}.{uuid.uuid4().hex}.gone")
    try:
        folder.rename(gone)  # one step: a page that is open finds nothing half-deleted
    except FileNotFoundError:
        pass
    except OSError as error:
        raise StudioError(
            f"The account cannot be deleted ({error.strerror}): tell an administrator."
        ) from error
    accounts.delete_person(settings, person)
    shutil.rmtree(gone, ignore_errors=True)


def _require_own(settings: Settings, person: str, action: str) -> None:
    if settings.readonly or person != settings.person:
        accounts.require_administrator(settings, action)


def _files(workspace: Path) -> Iterator[Path]:
    for name in FOLDERS:
        root = workspace / name
        if root.is_symlink():
            continue
        for path in sorted(root.rglob("*")):
            if (
                path.is_file()
                and not path.is_symlink()
                and path.resolve().is_relative_to(workspace.resolve())
            ):
                yield path
