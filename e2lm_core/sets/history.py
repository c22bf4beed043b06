"""Undo and redo that outlive the session: snapshots of a set on disk, and where in them it stands.

A set's folder holds numbered snapshots (`000007.json.gz`) and `cursor.json`, the number that the set's own
folder shows now with a sentence for each step. Saving after an undo drops what was undone, as editors do. Tested in tests/sets/past/test_history.py.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import shutil
import uuid
import zlib
from pathlib import Path

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Record, TaskSet
from e2lm_core.base.settings import Settings

KEPT = 100


class Step(Record):
    """A state that is kept: the number of its snapshot and the edit that led to it."""

    number: int
    action: str


class History:
    """The states of one set in one folder, which need not exist before the first edit.

    What is written raises StudioError, one sentence, where the disk refuses it.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    @classmethod
    def of(cls, settings: Settings, name: str) -> History:
        """The history of the user's set of that name, in `home/history`; it need not exist yet."""
        return cls(settings.workspace / "history" / name)

    @property
    def steps(self) -> list[Step]:
        """The states that are kept, oldest first; none before the first edit."""
        return [Step(**step) for step in self._state()["steps"]]

    @property
    def shown(self) -> int | None:
        """The number of the step that the set's folder shows now, None where there is no history."""
        state = self._state()
        return state["steps"][state["at"]]["number"] if state["steps"] else None

    @property
    def undoable(self) -> str | None:
        """What *Undo* would take back, None where there is nothing."""
        steps, at = self.steps, self._state()["at"]
        return steps[at].action if at > 0 else None

    @property
    def redoable(self) -> str | None:
        """What *Redo* would make again, None where there is nothing."""
        steps, at = self.steps, self._state()["at"]
        return steps[at + 1].action if at + 1 < len(steps) else None

    def begin(self, task: TaskSet) -> None:
        """Record the state before the first edit; does nothing where a history exists."""
        if not self.steps:
            self._write(0, task)
            self._set_state([{"number": 0, "action": "open"}], 0)

    def prepare(self, task: TaskSet) -> int:
        """Write the snapshot of a state that is about to be saved; its number, for `record`.

        Before the set itself is saved, so that a full disk stops the edit rather than its undoing.
        """
        steps = self.steps
        number = steps[-1].number + 1 if steps else 0
        self._write(number, task)
        return number

    def record(self, number: int, action: str) -> None:
        """Make a prepared snapshot the present state. What had been undone is dropped."""
        state = self._state()
        kept = [*state["steps"][: state["at"] + 1], {"number": number, "action": action}][-KEPT:]
        self._set_state(kept, len(kept) - 1)
        names = {self._path(step["number"]) for step in kept}
        for path in self.folder.glob("*.json.gz"):
            if path not in names:
                path.unlink(missing_ok=True)

    def peek(self, move: int) -> TaskSet:
        """The snapshot that many steps away (-1 for undo, 1 for redo), without going there."""
        state = self._state()
        at = state["at"] + move
        if not 0 <= at < len(state["steps"]):
            raise StudioError("There is nothing to undo." if move < 0 else "There is nothing to redo.")
        return self.version(state["steps"][at]["number"])

    def version(self, number: int) -> TaskSet:
        """The snapshot of that number. Raises StudioError where it is not kept or cannot be read."""
        path = self._path(number)
        try:
            return TaskSet.model_validate_json(gzip.decompress(path.read_bytes()))
        except (OSError, EOFError, zlib.error, ValueError) as error:
            raise StudioError(
                f"{self.folder.name}'s earlier state {path.name} is missing or damaged, so it cannot be "
                "brought back; the set stays as it is."
            ) from error

    def move(self, move: int) -> None:
        """Go where `peek` looked."""
        state = self._state()
        self._set_state(state["steps"], state["at"] + move)

    def rename(self, folder: Path) -> None:
        """Move to `folder`; the history of an older set that lies there goes."""
        shutil.rmtree(folder, ignore_errors=True)
        if self.folder.exists():
            folder.parent.mkdir(parents=True, exist_ok=True)
            self.folder.rename(folder)
        self.folder = folder

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:06d}.json.gz"

    def _write(self, number: int, task: TaskSet) -> None:
        # Level 1: a set of 15,000 questions is a few megabytes, and the user waits for it.
        self._replace(
            self._path(number), gzip.compress(task.model_dump_json().encode(), compresslevel=1, mtime=0)
        )

    def _state(self) -> dict:
        try:
            return json.loads((self.folder / "cursor.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {"steps": [], "at": -1}

    def _set_state(self, steps: list[dict], at: int) -> None:
        self._replace(self.folder / "cursor.json", json.dumps({"steps": steps, "at": at}).encode())

    def _replace(self, path: Path, data: bytes) -> None:
        part = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            part.write_bytes(data)
            part.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            raise StudioError(
                f"The edit was not saved: {path.parent.name}'s history cannot be written ({error.strerror}); "
                "free some space and save again."
            ) from error
