"""Transfer of a workspace's content to an account at sign-in.

Each entry is moved by one rename, so an interruption leaves nothing torn, and the next sign-in continues.
Tested in tests/people/test_visitors.py and test_accounts.py.
"""

from __future__ import annotations

from pathlib import Path

from e2lm_core.base.database import Database
from e2lm_core.base.settings import Settings

# Sets come last, so that a visible set has its history already.
_FOLDERS = (
    *("history", "trash", "drafts", "results", "shelf", "tried", "ignored", "fleets", "set_fleets"),
    "sets",
)
_OWN_STAY = ("ignored", "set_fleets")  # choices of a person for a set, of which their own stay
_RENAMED = ("results", "shelf")  # files that are known by their names alone
_MAX_NAME = 60  # characters of a renamed file's first part


def transfer_workspace(settings: Settings, database: Database, person: str) -> bool:
    """Move the content of a workspace to a person's workspace, with the runs of its sets.

    A saved import or table whose name the person has comes under another name. A set, a model group or a draft
    in the place of one of theirs stays behind, and so does the history of a set whose name another set of theirs
    has.

    Args:
        settings: Settings of the workspace to empty.
        database: The home's database, with the jobs.
        person: Id of the person who gets the content.

    Returns:
        Whether nothing that somebody made stays behind.
    """
    workspace = settings.for_person(person).workspace
    moved: list[str] = []
    is_whole = True
    for name in _FOLDERS:
        for entry in _entries(settings.workspace / name):
            # A folder of drafts bears its author's id, which changes.
            target = workspace / name / (person if entry.name == settings.person else entry.name)
            if name == "history" and (workspace / "sets" / entry.name).exists():
                continue
            try:
                came = _move(entry, target, name)
            except OSError:  # tried again at the next sign-in
                came = False
            moved += [entry.name] if came and name == "sets" else []
            is_whole = is_whole and (came or name in _OWN_STAY)
    if moved:
        with (
            database.transaction() as connection
        ):  # the moved sets' runs, shares and links change their owner too
            for table in ("grants", "links"):
                connection.executemany(
                    f"UPDATE OR REPLACE {table} SET owner = ? WHERE owner = ? AND set_name = ?",
                    [(person, settings.person, name) for name in moved],
                )
            connection.execute("DELETE FROM grants WHERE owner = ? AND person = ?", (person, person))
            connection.executemany(
                "UPDATE jobs SET payload = json_set(payload, '$.owner', ?), owner = ? "
                "WHERE json_extract(payload, '$.set') = ? AND json_extract(payload, '$.owner') IS ?",
                [(person, person, name, settings.person) for name in moved],
            )
    return is_whole


def _move(entry: Path, target: Path, folder: str) -> bool:
    """Move an entry of one of `_FOLDERS`; whether it is gone from where it was.

    Raises:
        OSError: The disk refuses.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        entry.rename(target)
        return True
    if folder == "tried" and entry.is_file():
        with target.open("ab") as lines:
            lines.write(entry.read_bytes())
        entry.unlink()
        return True
    if folder in _RENAMED and entry.is_file():
        entry.rename(_free_name(target))
        return True
    if folder in ("drafts", "results") and entry.is_dir() and target.is_dir():
        came = [_move(one, target / one.name, folder) for one in _entries(entry)]
        return all(came)
    if folder in ("fleets", "drafts") and entry.read_bytes() == target.read_bytes():
        entry.unlink()
        return True
    return False


def _free_name(path: Path) -> Path:
    """A name beside a file's that no file has."""
    numbered = (
        path.with_name(f"{path.stem[:_MAX_NAME]}_{number}{path.suffix}") for number in range(2, 10**6)
    )
    return next(one for one in numbered if not one.exists())


def _entries(folder: Path) -> list[Path]:
    """Entries of a folder but hidden ones, in alphabetical order."""
    if not folder.is_dir():
        return []
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
