"""Journal of a set's changes.

A step is written before the set, with the digest of the state that it leads to, and confirmed afterwards: the
next writer detects a kill between the two and repairs it (`commit.reconcile`). The writer must hold the set's
write lock. Full states (`000007.json.gz`) lie beside the log if they are small.
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
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.sets.folder.set_cache import CachedSet
from e2lm_core.sets.history.delta import Delta, MutableState, diff_states

MAX_STEPS, KEPT_STEPS = 2_500, 2_000
MAX_BYTES, KEPT_BYTES = 16 * 2**20, 8 * 2**20
SNAPSHOT_BYTES = 2**20  # largest full state to store, which makes a later change by hand comparable
OPEN = "open"
_PACKED_CHARS = 4_000
_READ_KEPT = 16  # logs in the cache


class Step(Record):
    """A stored state of a set and the action that led to it.

    Attributes:
        number: Number of the version, from 0.
        action: Text of the action.
        who: Author; "" for the command line and for an unknown author.
        at: Time, UTC in ISO form.
        undoes: Numbers of the steps that it undoes.
        redoes: Number of the step that it makes again; None without one.
        digest: Digest of the state's content; "" if it was not recorded.
        name: Name that an author gave the version; None without one.
    """

    number: int
    action: str
    who: str = ""
    at: str
    undoes: tuple[int, ...] = ()
    redoes: int | None = None
    digest: str = ""
    name: str | None = None


class JournalEntry(NamedTuple):
    """A line of the journal.

    Attributes:
        step: The step.
        packed: Delta from the step before, compressed if it is long; None for a gap.
        start: Offset of the line in the file, in bytes.
    """

    step: Step
    packed: Any
    start: int = 0

    @property
    def delta(self) -> Delta | None:
        """Delta from the step before; None for a gap."""
        if isinstance(self.packed, str):
            return json.loads(zlib.decompress(base64.b64decode(self.packed)))
        return self.packed


class _Read(NamedTuple):
    """Content of a log file up to a byte.

    Attributes:
        inode: The file's inode.
        end: Number of bytes read.
        marks: First and last bytes of the part read, to detect another file.
        entries: The steps.
        names: Names of versions by number.
        confirmed: Number of the last confirmed step.
    """

    inode: int = 0
    end: int = 0
    marks: tuple[bytes, bytes] = (b"", b"")
    entries: tuple[JournalEntry, ...] = ()
    names: dict[int, str] = {}  # noqa: RUF012 (never changed)
    confirmed: int = -1


_read: OrderedDict[Path, _Read] = OrderedDict()
_lock = threading.Lock()


class Journal:
    """Journal of one set in one folder, which need not exist before the first edit.

    `append`, `name_step`, `save_snapshot` and `rewrite` raise a StudioError, one sentence, if the disk
    refuses.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / "log.jsonl"
        self.opening = OPEN
        self._reread()

    @classmethod
    def for_set(cls, settings: Settings, name: str) -> Journal:
        """Journal of a set of the workspace, in `history`; it need not exist yet."""
        return cls(settings.workspace / "history" / name)

    @property
    def steps(self) -> list[Step]:
        """Stored steps with their names, oldest first; the last one is the set's current state."""
        names = self._file.names
        return [
            e.step.model_copy(update={"name": names[e.step.number]}) if e.step.number in names else e.step
            for e in self.entries
        ]

    @property
    def reversible_steps(self) -> set[int]:
        """Numbers of the steps with a known delta: stored, or computable from two full states."""
        full = self.snapshots()
        pairs = zip(self.entries, self.entries[1:], strict=False)
        return {
            e.step.number
            for before, e in pairs
            if e.packed is not None or {before.step.number, e.step.number} <= full
        }

    @property
    def last(self) -> Step | None:
        """The last step; None before the first edit."""
        return self.entries[-1].step if self.entries else None

    @property
    def pending(self) -> list[JournalEntry]:
        """Steps without a confirmation that the set has reached them."""
        return [e for e in self.entries if e.step.number > self._file.confirmed]

    @property
    def is_long(self) -> bool:
        """Whether the oldest steps are due to be dropped."""
        return len(self.entries) > MAX_STEPS or self._file.end > MAX_BYTES

    # --- full states --------------------------------------------------------------------------------------

    def snapshots(self) -> set[int]:
        """Numbers of the steps with a stored full state."""
        return {int(path.name[:6]) for path in self.folder.glob("[0-9]*.json.gz")}

    def snapshot(self, number: int) -> TaskSet:
        """Full state of a step.

        Raises:
            StudioError: It is not stored or cannot be read.
        """
        path = self._snapshot(number)
        try:
            return TaskSet.model_validate_json(gzip.decompress(path.read_bytes()))
        except (OSError, EOFError, zlib.error, ValueError) as error:
            raise StudioError(
                Sentence(
                    "{name}'s earlier state {file} is missing or damaged, so it cannot be restored; the set stays "
                    "as it is.",
                    name=self.folder.name,
                    file=path.name,
                )
            ) from error

    def save_snapshot(self, number: int, task: TaskSet, most: int | None = None) -> None:
        """Store a full state, unless it is larger than `most` bytes when compressed."""
        data = gzip.compress(task.model_dump_json().encode(), compresslevel=1, mtime=0)
        if most is None or len(data) <= most:
            self._replace(self._snapshot(number), data)

    def _snapshot(self, number: int) -> Path:
        return self.folder / f"{number:06d}.json.gz"

    # --- writing ------------------------------------------------------------------------------------------

    def append(self, steps: Sequence[tuple[Step, Delta | None]], before: TaskSet, digest: str) -> None:
        """Write steps whose last state is about to be saved.

        Args:
            steps: Steps in their order, each with its delta; None for a gap.
            before: State of the set before the first of them.
            digest: Digest of `before`.
        """
        lines: list[dict[str, Any]] = []
        if self._file.end == 0:
            self.save_snapshot(0, before, SNAPSHOT_BYTES)
            opened = Step(number=0, action=self.opening, at=utc_now(), digest=digest)
            lines += [_line(JournalEntry(opened, None)), {"confirmed": 0}]
        lines += [_line(JournalEntry(step, _packed(delta))) for step, delta in steps]
        self._append(lines, lasting=True)

    def confirm(self) -> None:
        """Confirm that the set has reached the last step; a failure is left to the next writer to repair."""
        with contextlib.suppress(StudioError):
            self._append([{"confirmed": self.entries[-1].step.number}], lasting=False)

    def drop_pending(self) -> None:
        """Remove the steps that the set has not reached; a disk error is ignored."""
        if pending := self.pending:
            with contextlib.suppress(OSError):
                os.truncate(self.path, pending[0].start)
            self._reread()

    def name_step(self, number: int, name: str) -> None:
        """Name a step, or remove its name with an empty name."""
        self._append([{"named": number, "name": name}], lasting=True)

    def rewrite(self, entries: Iterable[JournalEntry]) -> None:
        """Keep only these steps, all of which the set has reached, and their full states."""
        kept = list(entries)
        names = {n: name for n, name in self._file.names.items() if n in {e.step.number for e in kept}}
        lines = [*map(_line, kept), *({"named": n, "name": name} for n, name in names.items())]
        lines.append({"confirmed": kept[-1].step.number})
        self._replace(self.path, _text(lines))
        for number in self.snapshots() - {e.step.number for e in kept}:
            self._snapshot(number).unlink(missing_ok=True)
        self._reread()

    def sweep(self, older_than_s: float) -> None:
        """Remove files of killed writers older than `older_than_s` seconds."""
        if self.folder.is_dir():
            atomic.remove_leftover_files(self.folder, "*.part", older_than_s)

    def move(self, folder: Path) -> None:
        """Move the journal to `folder`, replacing the journal of an older set there.

        Raises:
            OSError: The disk refuses.
        """
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
                    if size > self._file.end:  # a loss of power has left half a line
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
            Sentence(
                "Nothing was changed: {name}'s history cannot be written ({problem}); check the disk and its "
                "rights, and try again.",
                name=self.folder.name,
                problem=error.strerror,
            )
        )

    def _reread(self) -> None:
        self._file = _file(self.path)
        self.entries = list(self._file.entries)


# --- earlier states, by replay --------------------------------------------------------------------------


def state_at(log: Journal, number: int, present: CachedSet | None) -> TaskSet:
    """The set as it was after a step.

    Args:
        log: The set's journal.
        number: Number of the step.
        present: The set as its folder holds it; None if unknown.

    Raises:
        StudioError: The step is not stored, or its state cannot be read.
    """
    numbers = [entry.step.number for entry in log.entries]
    if number not in numbers:
        raise StudioError(
            Sentence("{name} has no version {number}.", name=log.folder.name, number=str(number))
        )
    place = numbers.index(number)
    kept = {numbers.index(n) for n in log.snapshots() if n in numbers}
    shown = _shown(log, present)
    for anchor in sorted(kept | shown, key=lambda at: (abs(at - place), at)):
        steps = range(anchor, place, -1) if anchor > place else range(anchor + 1, place + 1)
        if any(log.entries[at].packed is None for at in steps):
            continue
        try:
            held = present.task if present is not None and anchor in shown else log.snapshot(numbers[anchor])
        except StudioError:
            if anchor == place:
                raise
            continue
        state = MutableState(held)
        if not any(state.apply(log.entries[at].delta or {}, back=anchor > place) for at in steps):
            return state.task
    raise StudioError(
        Sentence(
            "{name}'s version {number} cannot be opened: its files were changed outside the studio since, or its "
            "history is damaged; the set stays as it is.",
            name=log.folder.name,
            number=str(number),
        )
    )


def delta_at(log: Journal, number: int, present: CachedSet) -> Delta:
    """The delta of a step.

    Raises:
        StudioError: It is unknown.
    """
    place = [entry.step.number for entry in log.entries].index(number)
    delta = log.entries[place].delta
    if delta is not None or place == 0:
        return delta or {}
    before = log.entries[place - 1].step.number
    return diff_states(state_at(log, before, present), state_at(log, number, present))


def _shown(log: Journal, present: CachedSet | None) -> set[int]:
    """Index of the last step with the folder's content, in a set; empty if there is none."""
    if present is None:
        return set()
    found = [at for at, entry in enumerate(log.entries) if entry.step.digest == present.digest]
    return set(found[-1:])


# --- the file -------------------------------------------------------------------------------------------


def utc_now() -> str:
    """Current time, UTC, in ISO form to the millisecond."""
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
    """Content of a log file; of a file that has grown only the new part is read."""
    try:
        with path.open("rb") as file:
            inode = os.fstat(file.fileno()).st_ino
            with _lock:
                known = _read.get(path)
            # A file is truncated only after its last confirmation, so the part before it is unchanged.
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
    """All content, and the part of it up to the last confirmation, which can only be appended to."""
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
        except (ValueError, TypeError, KeyError, AttributeError):  # `damage` reports unreadable lines
            continue
    kept = {n: name for n, name in names.items() if name}
    return _Read(start.inode, end, start.marks, tuple(entries), kept, confirmed), sure
