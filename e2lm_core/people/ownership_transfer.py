"""Transfer of sets and runs to an account at first sign-in.

Each thing is moved by one rename, so an end half-way leaves nothing torn, and the next sign-in goes on.
Tested in tests/people/test_accounts.py.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from e2lm_core.base.database import Database
from e2lm_core.base.settings import Settings

_FOLDERS = ("history", "trash", "drafts", "results", "sets")  # a set comes last: it is seen once it is whole


def transfer_workspace(settings: Settings, database: Database, person: str) -> None:
    """Move what lies in the workspace of `settings` to a person's; a name that they have already stays behind."""
    workspace = settings.for_person(person).workspace
    moved: list[str] = []
    for name in _FOLDERS:
        for entry in _entries(settings.workspace / name):
            # Drafts lie under their author, who has another name from now on.
            target = workspace / name / (person if entry.name == settings.person else entry.name)
            if target.exists():
                continue
            with contextlib.suppress(OSError):  # tried again at the next sign-in
                target.parent.mkdir(parents=True, exist_ok=True)
                entry.rename(target)
                moved += [entry.name] if name == "sets" else []
    if not moved:
        return
    with database.transaction() as connection:  # the sets' runs are theirs as well
        connection.executemany(
            "UPDATE jobs SET payload = json_set(payload, '$.owner', ?), owner = ? "
            "WHERE json_extract(payload, '$.set') = ? AND json_extract(payload, '$.owner') IS ?",
            [(person, person, name, settings.person) for name in moved],
        )


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []
