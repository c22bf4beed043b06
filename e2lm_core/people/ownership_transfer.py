"""Transfer of sets and runs to an account at first sign-in.

Each entry is moved by one rename, so an interruption leaves nothing torn, and the next sign-in continues.
Tested in tests/people/test_accounts.py.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from e2lm_core.base.database import Database
from e2lm_core.base.settings import Settings

# Sets come last, so that a visible set has its history already.
_FOLDERS = ("history", "trash", "drafts", "results", "fleets", "set_fleets", "sets")


def transfer_workspace(settings: Settings, database: Database, person: str) -> None:
    """Move the content of a workspace to a person's workspace, with the runs of its sets.

    An entry with a name that the person already has stays behind, and so does the history of a set whose name
    another set of theirs has.

    Args:
        settings: Settings of the workspace to empty.
        database: The home's database, with the jobs.
        person: Id of the person who gets the content.
    """
    workspace = settings.for_person(person).workspace
    moved: list[str] = []
    for name in _FOLDERS:
        for entry in _entries(settings.workspace / name):
            # A folder of drafts bears its author's id, which changes.
            target = workspace / name / (person if entry.name == settings.person else entry.name)
            if target.exists() or (name == "history" and (workspace / "sets" / entry.name).exists()):
                continue
            with contextlib.suppress(OSError):  # tried again at the next sign-in
                target.parent.mkdir(parents=True, exist_ok=True)
                entry.rename(target)
                moved += [entry.name] if name == "sets" else []
    if not moved:
        return
    with database.transaction() as connection:  # the runs of the moved sets change their owner too
        connection.executemany(
            "UPDATE jobs SET payload = json_set(payload, '$.owner', ?), owner = ? "
            "WHERE json_extract(payload, '$.set') = ? AND json_extract(payload, '$.owner') IS ?",
            [(person, person, name, settings.person) for name in moved],
        )


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []
