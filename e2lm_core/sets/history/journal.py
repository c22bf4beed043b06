"""Journal of a set's changes.

A step is written before the set is, with the digest of the state that it leads to, and confirmed after: what
a kill cuts short between the two is seen by whoever writes next, and mended (`saving.settle`). Only a set's one
writer writes here. Full states (`000007.json.gz`) lie beside the log where they are small, and where an
earlier studio, which kept nothing else, has left them.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import os
import shutil
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from e2lm_core.base import atomic
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Record, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.sets.history.delta import Delta

MOST_STEPS, KEPT_STEPS = 2_500, 2_000
MOST_BYTES, KEPT_BYTES = 16 * 2**20, 8 * 2**20
SNAPSHOT_BYTES = 2**20  # a full state is kept where it is no larger: then a change by hand is understood
OPEN = "open"
_PACKED_CHARS = 4_000
_READ_KEPT = 16  # logs that stay read


class Step(Record):
    """A state that is kept, and what led to it.

    `at` is UTC in ISO form, None for what an earlier studio kept; `who` is "" for the command line and for what
    is not known. `undoes` are the steps that it takes back, `redoes` is the one that it makes again. `digest`
    tells the state's content, "" where it was not noted.
    """

    number: int
    action: str
    who: str = ""
    at: str | None = None
    undoes: tuple[int, ...] = ()
    redoes: int | None = None
    digest: str = ""
    name: str | None = None


class JournalEntry(NamedTuple):
    """A step with its packed delta from the step before, None for a gap, and the byte that its line begins at."""

    step: Step
    packed: Any
    start: int = 0

    @property
    def delta(self) -> Delta | None:
        """What the step changed."""
        if isinstance(self.packed, str):
            return json.loads(zlib.decompress(base64.b64decode(self.packed)))
        return self.packed


class _Read(NamedTuple):
    """What a log's file holds up to a byte; `marks` are how it begins and how it goes up to there."""

    inode: int = 0
    end: int = 0
    marks: tuple[bytes, bytes] = (b"", b"")
    entries: tuple[JournalEntry, ...] = ()
    names: dict[int, str] = {}  # noqa: RUF012 (never changed)
    confirmed: int = -1


_read: OrderedDict[Path, _Read] = OrderedDict()
_lock = threading.Lock()


class Journal:
    """The log of one set in one folder, which need not exist before the first edit.

    What is written raises StudioError, one sentence, where the disk refuses it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / "log.jsonl"
        self._file = _file(self.path)
        self.entries = list(self._file.entries)
        self.is_old = self._file.end == 0 and bool(old := _cursor(folder))
        if self.is_old:
            self.entries = old
        self.opening = OPEN

    @classmethod
    def for_set(cls, settings: Settings, name: str) -> Journal:
        """The log of the workspace's set of that name, in `history`; it need not exist yet."""
        return cls(settings.workspace / "history" / name)

    @property
    def steps(self) -> list[Step]:
        """The states that are kept, oldest first, the last one being that which the set shows; with their names."""
        names = self._file.names
        return [
            e.step.model_copy(update={"name": names[e.step.number]}) if e.step.number in names else e.step
            for e in self.entries
        ]

    @property
    def reversible_steps(self) -> set[int]:
        """The steps of which it is known what they changed."""
        full = self.snapshots()
        pairs = zip(self.entries, self.entries[1:], strict=False)
        return {
            e.step.number
            for before, e in pairs
            if e.packed is not None or {before.step.number, e.step.number} <= full
        }

    @property
    def last(self) -> Step | None:
        """The last step, None before the first edit."""
        return self.entries[-1].step if self.entries else None

    @property
    def pending(self) -> list[JournalEntry]:
        """The steps that the set is not known to have come to."""
        return [] if self.is_old else [e for e in self.entries if e.step.number > self._file.confirmed]

    @property
    def is_long(self) -> bool:
        """Whether it is time to forget the oldest steps."""
        return len(self.entries) > MOST_STEPS or self._file.end > MOST_BYTES

    # --- full states --------------------------------------------------------------------------------------

    def snapshots(self) -> set[int]:
        """The steps of which a full state is kept."""
        return {int(path.name[:6]) for path in self.folder.glob("[0-9]*.json.gz")}

    def snapshot(self, number: int) -> TaskSet:
        """A full state. Raises StudioError where it is not kept or cannot be read."""
        path = self._snapshot(number)
        try:
            return TaskSet.model_validate_json(gzip.decompress(path.read_bytes()))
        except (OSError, EOFError, zlib.error, ValueError) as error:
            raise StudioError(
                f"{self.folder.name}'s earlier state {path.name} is missing or damaged, so it cannot be "
                "brought back; the set stays as it is."
            ) from error

    def save_snapshot(self, number: int, task: TaskSet, most: int | None = None) -> None:
        """Keep a full state, unless it is larger than `most` bytes."""
        data = gzip.compress(task.model_dump_json().encode(), compresslevel=1, mtime=0)
        if most is None or len(data) <= most:
            self._replace(self._snapshot(number), data)

    def _snapshot(self, number: int) -> Path:
        return self.folder / f"{number:06d}.json.gz"

    # --- writing ------------------------------------------------------------------------------------------

    def append(self, steps: Sequence[tuple[Step, Delta | None]], before: TaskSet, digest: str) -> None:
        """Write steps that lead from the state `before`, of that digest, to one that is about to be saved."""
        lines: list[dict[str, Any]] = []
        if self._file.end == 0:
            if not self.entries:
                self.save_snapshot(0, before, SNAPSHOT_BYTES)
                self.entries = [JournalEntry(Step(number=0, action=self.opening, at=utc_now()), None)]
            last = self.entries[-1]
            self.entries[-1] = last._replace(step=last.step.model_copy(update={"digest": digest}))
            lines += [*map(_line, self.entries), {"confirmed": last.step.number}]
        lines += [_line(JournalEntry(step, _packed(delta))) for step, delta in steps]
        self._append(lines, lasting=True)

    def confirm(self) -> None:
        """Note that the set shows the last step. Where that fails, whoever writes next finds it out."""
        with contextlib.suppress(StudioError):
            self._append([{"confirmed": self.entries[-1].step.number}], lasting=False)

    def drop_pending(self) -> None:
        """Take back the steps that the set has not come to."""
        if pending := self.pending:
            with contextlib.suppress(OSError):
                os.truncate(self.path, pending[0].start)
            self._reread()

    def name_step(self, number: int, name: str) -> None:
        """Give a step a name, or take it away with ""."""
        self._append([{"named": number, "name": name}], lasting=True)

    def rewrite(self, entries: Iterable[JournalEntry]) -> None:
        """Keep those steps alone, all of which the set has come to, and the full states of theirs."""
        kept = list(entries)
        names = {n: name for n, name in self._file.names.items() if n in {e.step.number for e in kept}}
        lines = [*map(_line, kept), *({"named": n, "name": name} for n, name in names.items())]
        lines.append({"confirmed": kept[-1].step.number})
        self._replace(self.path, _text(lines))
        for number in self.snapshots() - {e.step.number for e in kept}:
            self._snapshot(number).unlink(missing_ok=True)
        self._reread()

    def sweep(self, older_than_s: float) -> None:
        """Remove what writers who were killed have left, if it is older than that."""
        if self.folder.is_dir():
            atomic.remove_leftover_files(self.folder, "*.part", older_than_s)

    def move(self, folder: Path) -> None:
        """Move to `folder`; the log of an older set that lies there goes."""
        shutil.rmtree(folder, ignore_errors=True)
        if self.folder.exists():
            folder.parent.mkdir(parents=True, exist_ok=True)
            self.folder.rename(folder)
        self.__init__(folder)  # type: ignore[misc]

    def _append(self, lines: list[dict[str, Any]], lasting: bool) -> None:
        is_new = self._file.end == 0
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                size = file.tell()
                try:
                    if size > self._file.end:  # torn by a loss of power
                        file.truncate(self._file.end)
                    file.write(_text(lines))
                    file.flush()
                    if lasting:
                        os.fsync(file.fileno())
                except OSError:
                    os.truncate(self.path, self._file.end)
                    raise
            if is_new:
                atomic.sync_folder(self.folder)
        except OSError as error:
            raise self._refused(error) from error
        self._reread()

    def _replace(self, path: Path, data: bytes) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            atomic.replace_file_bytes(path, data)
        except OSError as error:
            raise self._refused(error) from error

    def _refused(self, error: OSError) -> StudioError:
        return StudioError(
            f"The edit was not saved: {self.folder.name}'s history cannot be written ({error.strerror}); "
            "check the disk and its rights, and save again."
        )

    def _reread(self) -> None:
        self._file = _file(self.path)
        self.entries, self.is_old = list(self._file.entries), False


def utc_now() -> str:
    """The time, UTC, in ISO form to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _line(entry: JournalEntry) -> dict[str, Any]:
    return entry.step.model_dump(mode="json", exclude_defaults=True, exclude={"name"}) | {
        "delta": entry.packed
    }


def _text(lines: Iterable[dict[str, Any]]) -> bytes:
    return "".join(
        json.dumps(line, ensure_ascii=True, separators=(",", ":")) + "\n" for line in lines
    ).encode()


def _packed(delta: Delta | None) -> Any:
    text = json.dumps(delta)
    return delta if len(text) < _PACKED_CHARS else base64.b64encode(zlib.compress(text.encode(), 3)).decode()


def _file(path: Path) -> _Read:
    """What a log's file holds now; of one that has grown only what is new is read."""
    try:
        with path.open("rb") as file:
            inode = os.fstat(file.fileno()).st_ino
            with _lock:
                known = _read.get(path)
            # A file is only ever cut behind its last confirmation: up to there it is as it was.
            is_same = known is not None and known.inode == inode and known.marks == _marks(file, known.end)
            start = known if known is not None and is_same else _Read(inode)
            file.seek(start.end)
            data = file.read()
            found, sure = _parsed(start, data)
            sure = sure._replace(marks=_marks(file, sure.end))
    except OSError:
        return _Read()
    with _lock:
        _read[path] = sure
        _read.move_to_end(path)
        while len(_read) > _READ_KEPT:
            _read.popitem(last=False)
    return found


def _marks(file: BinaryIO, end: int) -> tuple[bytes, bytes]:
    file.seek(0)
    head = file.read(min(end, 300))
    file.seek(max(end - 100, 0))
    return head, file.read(min(end, 100))


def _parsed(start: _Read, data: bytes) -> tuple[_Read, _Read]:
    """All that is there, and what of it can only be added to."""
    entries, names, confirmed, end = list(start.entries), dict(start.names), start.confirmed, start.end
    sure = start
    for raw in data.split(b"\n")[:-1]:
        begin, end = end, end + len(raw) + 1
        try:
            line = json.loads(raw)
            if "named" in line:
                names[line["named"]] = line["name"]
            elif "confirmed" in line:
                confirmed = line["confirmed"]
                kept = {n: name for n, name in names.items() if name}
                sure = _Read(start.inode, end, start.marks, tuple(entries), kept, confirmed)
            else:
                packed = line.pop("delta")
                entries.append(JournalEntry(Step(**line), packed, begin))
        except (ValueError, TypeError, KeyError, AttributeError):  # see `damage`
            continue
    kept = {n: name for n, name in names.items() if name}
    return _Read(start.inode, end, start.marks, tuple(entries), kept, confirmed), sure


def _cursor(folder: Path) -> list[JournalEntry]:
    """What an earlier studio kept: full states, and which of them the set shows, with what it had undone."""
    try:
        state = json.loads((folder / "cursor.json").read_text(encoding="utf-8"))
        steps = [Step(number=step["number"], action=step["action"]) for step in state["steps"]]
        undone = steps[state["at"] + 1 :] if steps else []
    except (OSError, ValueError, TypeError, KeyError):
        return []
    if undone:
        numbers = tuple(step.number for step in undone)
        steps.append(Step(number=numbers[-1] + 1, action=f"undo {undone[0].action}", undoes=numbers))
    return [JournalEntry(step, None) for step in steps]
