"""Cache of parsed sets, so that an edit writes only what changed.

A cached set is valid while the names, times, sizes and inodes of its folder's files are unchanged. Of a
changed file only the changed lines are read again. Everything here is shared between threads and never
changed in place.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from e2lm_core.base import atomic
from e2lm_core.base.errors import TaskError
from e2lm_core.base.files import FolderStamp, folder_stamp
from e2lm_core.base.records import Question, TaskConfig, TaskSet
from e2lm_core.base.settings import Limits
from e2lm_core.sets.checks.check import structural_errors
from e2lm_core.sets.folder.config import to_yaml
from e2lm_core.sets.folder.datafiles import LOADER
from e2lm_core.sets.folder.files import (
    README,
    default_readme,
    folder_files,
    put_files,
    read_task,
    task_files,
)
from e2lm_core.sets.rows import parse_jsonl, to_questions, write_jsonl

KEPT_QUESTIONS = 45_000  # questions of all cached sets together
# Times the largest cached set: a set beyond the bound leaves room for small ones; else they would evict
# each other.
BESIDE = 1.5
DATA = ("test.jsonl", "dev.jsonl")
_Lines = tuple[bytes, ...]


class CachedSet(NamedTuple):
    """Set with the lines of its questions and the state of its folder.

    Attributes:
        task: The set.
        lines: Line of each question, and of each dev question, as the studio writes it.
        digest: First 32 hexadecimal digits of the content's SHA-256; the set's name does not enter.
        stamp: State of the folder.
        sound: Whether all questions were checked.
        canonical: Whether the folder holds the very bytes that would be written.
    """

    task: TaskSet
    lines: tuple[_Lines, _Lines]
    digest: str
    stamp: FolderStamp
    sound: bool
    canonical: bool


class PreparedSave(NamedTuple):
    """Set that passed the checks for saving, with the files that hold it."""

    task: TaskSet
    files: Mapping[str, bytes]
    lines: tuple[_Lines, _Lines]
    digest: str


_sets: OrderedDict[tuple[Path, Limits], CachedSet] = OrderedDict()
_before: OrderedDict[tuple[Path, str], TaskSet] = (
    OrderedDict()
)  # sets that a later version has replaced, by folder and digest
_lock = threading.Lock()


def read_cached(folder: Path, limits: Limits) -> CachedSet:
    """Read the set in a folder as its files are now, from the cache if they are unchanged.

    Raises:
        TaskError: The set cannot be read, as in `read_task`.
    """
    key = (folder.absolute(), limits)
    with _lock:
        known = _sets.get(key)
        if known is not None:
            _sets.move_to_end(key)
    stamp = folder_stamp(folder)
    if known is not None and known.stamp == stamp:
        return known
    fresh = _changed_lines(folder, known, limits) if known is not None else None
    if fresh is None or fresh[1] != folder_stamp(folder):
        stamp = folder_stamp(folder)
        fresh = _whole(folder, limits), stamp
    fresh_known = fresh[0]._replace(stamp=fresh[1])
    if fresh[1] == folder_stamp(folder):
        _remember(key, fresh_known)
    return fresh_known


def find_cached(folder: Path, digest: str) -> TaskSet | None:
    """Earlier set of a folder by its digest; None unless this process still holds it."""
    with _lock:
        return _before.get((folder.absolute(), digest))


def prepare_save(known: CachedSet | None, task: TaskSet, limits: Limits) -> PreparedSave:
    """Prepare a set for saving; only questions that the cached set lacks are checked.

    Args:
        known: Cached set that the new one replaces; None checks all questions.
        task: Set to save.
        limits: Bounds on the set and its files.

    Raises:
        TaskError: The set cannot be written, as in `task_files`.
    """
    if known is None:
        return _prepared_whole(task, limits)
    sections = (task.questions, task.dev)
    of_object = {
        id(question): line
        for questions, lines in zip((known.task.questions, known.task.dev), known.lines, strict=True)
        for question, line in zip(questions, lines, strict=True)
    }
    new = [tuple(q for q in questions if id(q) not in of_object) for questions in sections]
    if _is_sound(known, limits) and _fits(task, new, limits):
        for question in (*new[0], *new[1]):
            of_object[id(question)] = write_jsonl([question])[:-1]
        lines = tuple(of_object[id(q)] for q in sections[0]), tuple(of_object[id(q)] for q in sections[1])
        files = folder_files(task, _data(lines[0]), _data(lines[1]))
        if max(map(len, files.values())) <= limits.max_file_bytes:
            return PreparedSave(task, files, lines, _digest(task, files))
    return _prepared_whole(task, limits)


def _prepared_whole(task: TaskSet, limits: Limits) -> PreparedSave:
    files = task_files(task, limits)
    lines = _lines(files[DATA[0]]), _lines(files[DATA[1]])
    return PreparedSave(task, files, lines, _digest(task, files))


def write_prepared(folder: Path, known: CachedSet | None, new: PreparedSave, limits: Limits) -> None:
    """Write a prepared set to its folder, only one file if no other changed.

    Args:
        folder: The set's folder.
        known: Cached set that the folder holds; None writes all files.
        new: The prepared set.
        limits: Limits that the set is cached under.

    Raises:
        TaskError: The disk refuses it.
    """
    changed = None if known is None or not known.canonical else _changed(known, new)
    if changed is None or len(changed) > 1:
        put_files(new.files, folder)
    elif changed:
        atomic.replace_file_in_folder(folder, changed[0], new.files[changed[0]])
    _remember(
        (folder.absolute(), limits),
        CachedSet(new.task, new.lines, new.digest, folder_stamp(folder), True, True),
    )


# --- reading --------------------------------------------------------------------------------------------


def _whole(folder: Path, limits: Limits) -> CachedSet:
    task = read_task(folder, limits).task
    written = folder_files(task, write_jsonl(task.questions), write_jsonl(task.dev))
    lines = _lines(written[DATA[0]]), _lines(written[DATA[1]])
    canonical = all(_bytes(folder / name, limits) == data for name, data in written.items())
    return CachedSet(
        task, lines, _digest(task, written), (), False, canonical and _only_yaml(folder, task.name)
    )


def _changed_lines(folder: Path, known: CachedSet, limits: Limits) -> tuple[CachedSet, FolderStamp] | None:
    """Set from the cache and its changed lines; None if more than lines has changed."""
    stamp = folder_stamp(folder)
    if not known.canonical or [entry[0] for entry in stamp] != [entry[0] for entry in known.stamp]:
        return None
    task = known.task
    files = {
        name: _bytes(folder / name, limits) for name in (f"{task.name}.yaml", "loader.py", README, *DATA)
    }
    now = {name: data for name, data in files.items() if data is not None}
    if len(now) < len(files):
        return None
    if now[f"{task.name}.yaml"] != to_yaml(task.config) or now["loader.py"] != LOADER:
        return None
    of_line = {
        line: question
        for questions, lines in zip((task.questions, task.dev), known.lines, strict=True)
        for question, line in zip(questions, lines, strict=True)
    }
    sections: list[tuple[Question, ...]] = []
    for name in DATA:
        for line in _lines(now[name]):
            if line not in of_line:
                question = _question(line, limits)
                if question is None:
                    return None
                of_line[line] = question
        sections.append(tuple(of_line[line] for line in _lines(now[name])))
        if len({question.id for question in sections[-1]}) < len(sections[-1]):
            return None
    readme = now[README].decode(errors="replace")
    update = {"questions": sections[0], "dev": sections[1], "readme": readme}
    if readme == default_readme(task.model_copy(update=update)):
        update["readme"] = ""
    task = task.model_copy(update=update)
    if folder_files(task, now[DATA[0]], now[DATA[1]]) != now or not all(
        data.endswith(b"\n") or not data for data in (now[DATA[0]], now[DATA[1]])
    ):
        return None
    lines = _lines(now[DATA[0]]), _lines(now[DATA[1]])
    sound = known.sound and _are_sound(task, known.task, limits)
    return CachedSet(task, lines, _digest(task, now), stamp, sound, True), stamp


def _question(line: bytes, limits: Limits) -> Question | None:
    """Question of a line as the studio writes it; None for any other line."""
    try:
        rows = parse_jsonl(line, "a line", limits)
        if len(rows) != 1 or "id" not in rows[0]:
            return None
        (question,) = to_questions(rows, "a line", "q")
        return question if write_jsonl([question])[:-1] == line else None
    except (TaskError, ValueError):
        return None


def _are_sound(task: TaskSet, sound: TaskSet, limits: Limits) -> bool:
    known = {id(q) for q in (*sound.questions, *sound.dev)}
    new = [tuple(q for q in questions if id(q) not in known) for questions in (task.questions, task.dev)]
    return _fits(task, new, limits)


# --- checking and writing -------------------------------------------------------------------------------


def _fits(task: TaskSet, new: Sequence[Sequence[Question]], limits: Limits) -> bool:
    """Whether a set may be saved, given that all but its new questions were checked before."""
    for questions in (task.questions, task.dev):
        if len(questions) > limits.max_questions or len({q.id for q in questions}) < len(questions):
            return False
    try:
        task_files(task.model_copy(update={"questions": tuple(new[0]), "dev": tuple(new[1])}), limits)
    except TaskError:
        return False  # the check of the whole set names the question by its number
    return True


def _is_sound(known: CachedSet, limits: Limits) -> bool:
    """Whether no question of the set has an error.

    A canonical folder was read back unchanged, so that only its questions remain to be checked.
    """
    if known.sound or not known.canonical:
        return known.sound
    return not structural_errors(known.task.questions, limits) and not structural_errors(
        known.task.dev, limits
    )


def _changed(known: CachedSet, new: PreparedSave) -> list[str] | None:
    """Names of the files that differ; None if the set was renamed."""
    if known.task.name != new.task.name:
        return None
    names = [name for name, old, now in zip(DATA, known.lines, new.lines, strict=True) if old != now]
    if known.task.config != new.task.config:
        names.append(f"{new.task.name}.yaml")
    if (known.task.readme or default_readme(known.task)) != (new.task.readme or default_readme(new.task)):
        names.append(README)
    return names


def _digest(task: TaskSet, files: Mapping[str, bytes]) -> str:
    content = hashlib.sha256(_config(task.config))
    for data in (task.readme.encode(), *(files[name] for name in DATA)):
        content.update(b"%d\n" % len(data))
        content.update(data)
    return content.hexdigest()[:32]


def _config(config: TaskConfig) -> bytes:
    return json.dumps(config.content(), sort_keys=True).encode()


def _data(lines: Iterable[bytes]) -> bytes:
    data = b"\n".join(lines)
    return data + b"\n" if data else b""


def _lines(data: bytes) -> _Lines:
    return tuple(data.split(b"\n")[:-1])


# --- the disk -------------------------------------------------------------------------------------------


def _bytes(path: Path, limits: Limits) -> bytes | None:
    """Content of a file; None for a link, and for a file that is missing, unreadable or too large."""
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > limits.max_file_bytes:
            return None
        return path.read_bytes()
    except OSError:
        return None


def _only_yaml(folder: Path, name: str) -> bool:
    return [p.name for p in folder.glob("*.yaml")] == [f"{name}.yaml"]


def _remember(key: tuple[Path, Limits], known: CachedSet) -> None:
    with _lock:
        old = _sets.pop(key, None)
        _sets[key] = known
        if old is not None and old.digest != known.digest:
            _before[key[0], old.digest] = old.task
            while len(_before) > len(_sets) + 4:
                _before.popitem(last=False)
        most = max(KEPT_QUESTIONS, BESIDE * max(map(_size, _sets.values())))
        while sum(map(_size, _sets.values())) > most:
            _sets.popitem(last=False)


def _size(known: CachedSet) -> int:
    return len(known.task.questions) + len(known.task.dev)
