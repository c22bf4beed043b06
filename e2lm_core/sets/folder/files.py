"""Task folder on disk: read, write, digest.

Reading runs nothing that a folder holds. Writing is all or nothing: the new folder is made beside the old
one and takes its place in one step.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from e2lm_core.base import atomic
from e2lm_core.base.errors import TaskError
from e2lm_core.base.formatting import escape_markdown
from e2lm_core.base.records import TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Limits
from e2lm_core.base.untrusted.safeyaml import decode_utf8
from e2lm_core.sets.checks.check import require_sound
from e2lm_core.sets.folder import data_rows
from e2lm_core.sets.folder.config import check_name, read_config, sanitise_name, to_yaml
from e2lm_core.sets.folder.datafiles import LOADER, sibling_path
from e2lm_core.sets.folder.foreign.groups import GroupMember, group_members, is_group
from e2lm_core.sets.folder.foreign.merge_tasks import merge_tasks
from e2lm_core.sets.folder.foreign.open_task import open_task
from e2lm_core.sets.rows import to_questions, write_jsonl

README = "README.md"
WRITTEN = ("test.jsonl", "dev.jsonl", "loader.py", README)
ATTEMPTS = 3
MAX_YAMLS = 50_000  # YAMLs of a tree; lm-evaluation-harness has 14,000


class ReadTask(NamedTuple):
    """Set as it was read, with one sentence for each thing that was ignored or replaced."""

    task: TaskSet
    warnings: list[str]


class Folder(Mapping[str, bytes]):
    """Regular files of a folder by relative path, read on access; links that leave it are absent."""

    def __init__(self, root: Path, limits: Limits) -> None:
        self.root, self.limits, self._resolved = root, limits, root.resolve()

    def _path(self, name: str) -> Path | None:
        if "\0" in name:
            return None
        path = self.root / name
        inside = path.resolve().is_relative_to(self._resolved)
        return path if inside and path.is_file() else None

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._path(name) is not None

    def __getitem__(self, name: str) -> bytes:
        path = self._path(name)
        if path is None:
            raise KeyError(name)
        size = path.stat().st_size
        if size > self.limits.max_file_bytes:
            raise TaskError(
                Sentence(
                    "{name} has {size} bytes; a file may have at most {max_file_bytes} bytes.",
                    name=name,
                    size=size,
                    max_file_bytes=self.limits.max_file_bytes,
                )
            )
        return path.read_bytes()

    def below(self, folder: str) -> list[str]:
        """Relative paths of the YAMLs in a subfolder and below it, sorted; at most `MAX_YAMLS`."""
        found = sorted(path for path in (self.root / folder).rglob("*.yaml") if not path.is_symlink())
        return [path.relative_to(self.root).as_posix() for path in found[:MAX_YAMLS] if path.is_file()]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(p.name for p in self.root.iterdir() if self._path(p.name)))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def read_task(folder: Path, limits: Limits, strict: bool = False, yaml: str | None = None) -> ReadTask:
    """Read the set in a task folder.

    Questions with a wrong gold, repeated choices and the like are read unchanged: `check.structural_errors`
    names them all, `check.require_sound` refuses them.

    Args:
        folder: The task folder.
        limits: Bounds on bytes, rows and few-shot examples.
        strict: Refuse an unknown key of the YAML instead of a warning.
        yaml: Name of the YAML to open, whatever lies beside it; None for the choice of `find_entry_yaml`.

    Raises:
        TaskError: The folder or its task cannot be read, or the folder keeps changing; one sentence.
    """
    for _ in range(ATTEMPTS):
        _recover(folder)
        if not folder.is_dir():
            raise TaskError(
                Sentence(
                    "There is no task folder {folder}; give the folder that holds the task's YAML.",
                    folder=repr(folder.name),
                )
            )
        before = _identity(folder)
        failure: Exception | None = None
        try:
            files = Folder(include_root(folder), limits)
            inside = str(PurePosixPath(folder.resolve().relative_to(files.root)))
            names = (yaml,) if yaml else find_entry_yaml(Folder(folder, limits), folder.name)
            read = read_files(
                files, folder.name, limits, strict, [sibling_path(inside, name) for name in names]
            )
        except (OSError, KeyError, TaskError) as error:
            failure = error
        if before != _identity(folder):
            continue  # another set replaced it during the reading
        if failure is None:
            return read
        if isinstance(failure, TaskError):
            raise failure
        reason = getattr(failure, "strerror", None) or Sentence("a file vanished")
        raise TaskError(
            Sentence(
                "The task folder {folder} cannot be read ({reason}); check its permissions.",
                folder=repr(folder.name),
                reason=reason,
            )
        ) from failure
    raise TaskError(
        Sentence(
            "The task folder {folder} keeps changing while it is read; try again.", folder=repr(folder.name)
        )
    )


def include_root(folder: Path) -> Path:
    """Topmost folder for a task's includes: the nearest `tasks` at or above it, else its own folder."""
    folder = folder.resolve()
    return next((above for above in (folder, *folder.parents) if above.name == "tasks"), folder)


def read_files(
    files: Mapping[str, bytes], name: str, limits: Limits, strict: bool = False, yamls: Sequence[str] = ()
) -> ReadTask:
    """Read the set in the files of a task folder, wherever they are stored.

    Args:
        files: Files by path, of the folder or of a whole tree.
        name: Name of the folder.
        limits: Bounds on bytes, rows and few-shot examples.
        strict: Refuse an unknown key of the YAML instead of a warning, and open no group.
        yamls: Paths of the YAMLs to open in a tree, several become subjects of one set;
            empty for the choice of `find_entry_yaml`.

    Raises:
        TaskError: The files hold no task that can be read.
    """
    yamls = yamls or find_entry_yaml(files, name)
    if len(yamls) > 1:
        return ReadTask(*merge_tasks(files, [GroupMember(yaml, {}) for yaml in yamls], name, limits))
    (yaml,) = yamls
    if not strict and (group := group_members(files, yaml)) is not None:
        return ReadTask(*merge_tasks(files, group[1], sanitise_name(group[0]), limits))
    parsed = read_config(files, yaml, limits, strict)
    if parsed.data.own:
        task = TaskSet(
            config=parsed.config,
            questions=to_questions(*data_rows.read_test_rows(files, parsed.data, yaml, limits), "q"),
            dev=to_questions(*data_rows.read_dev_rows(files, parsed.data, limits), "dev"),
            zero_shot=parsed.data.zero_shot,
        )
    else:
        task = open_task(files, parsed, yaml, limits)
    readme = sibling_path(str(PurePosixPath(yaml).parent), README)
    if readme in files:
        task = task.model_copy(update={"readme": decode_utf8(files[readme], README)})
    if task.readme == default_readme(task):
        task = task.model_copy(update={"readme": ""})
    hub = parsed.data.hub
    said = [f"{yaml}: the rows beside it are read; the dataset {hub!r} is not fetched."] if hub else []
    return ReadTask(task, [*parsed.warnings, *said])


def write_task(task: TaskSet, folder: Path, limits: Limits) -> None:
    """Write a set as a task folder that lm-eval runs.

    Other files in the folder are kept, but no other YAML. After an error the folder is unchanged.

    Raises:
        TaskError: The set cannot be written, as in `task_files`, the disk is full, or there is no permission.
    """
    put_files(task_files(task, limits), folder)


def put_files(files: Mapping[str, bytes], folder: Path) -> None:
    """Write the files of `task_files` to a folder, whole or not at all.

    Raises:
        TaskError: The disk refuses them.
    """
    atomic.replace_folder(folder, files, removed_names=lambda name: name.endswith(".yaml") or name in WRITTEN)


def task_files(task: TaskSet, limits: Limits) -> dict[str, bytes]:
    """Files of a task folder by name, in a reader's order; the same bytes for the same set.

    Raises:
        TaskError: The set has structural errors or an illegal name, holds a value that its files cannot
            store, or a file would be too large.
    """
    check_name(task.name)
    require_sound(task, limits)
    try:
        files = folder_files(task, write_jsonl(task.questions), write_jsonl(task.dev))
        # The files are read back, so that values that YAML or JSON would change are refused.
        again = read_files(files, task.name, limits, strict=True).task
        unchanged = task_digest(again) == task_digest(task)
    except (TypeError, ValueError, RecursionError) as error:
        raise TaskError(
            Sentence(
                "{name} holds a value that its files cannot store ({reason}); use text, numbers and lists.",
                name=task.name,
                reason=" ".join(str(error).split())[:120],
            )
        ) from error
    if not unchanged:
        raise TaskError(
            Sentence(
                "{name} holds a column or setting that its files cannot store unchanged; use text, numbers and "
                "lists, and no column named like one of the studio's.",
                name=task.name,
            )
        )
    for name, data in files.items():
        if len(data) > limits.max_file_bytes:
            raise TaskError(
                Sentence(
                    "{name} would have {data} bytes; at most {max_file_bytes} are allowed.",
                    name=name,
                    data=len(data),
                    max_file_bytes=limits.max_file_bytes,
                )
            )
    return files


def folder_files(task: TaskSet, questions: bytes, dev: bytes) -> dict[str, bytes]:
    """Files of a task folder by name, from rows that are written already; nothing is checked.

    Args:
        task: The set.
        questions: Content of `test.jsonl`.
        dev: Content of `dev.jsonl`.
    """
    return {
        f"{task.name}.yaml": to_yaml(task.config),
        "test.jsonl": questions,
        "dev.jsonl": dev,
        "loader.py": LOADER,
        README: (task.readme or default_readme(task)).encode(),
    }


def task_digest(task: TaskSet) -> str:
    """SHA-256 (hexadecimal) of a set's configuration, questions and dev, without the readme."""
    content = task.model_dump(mode="json", exclude={"readme", "config"})
    content["config"] = {"task": task.name} | task.config.content()
    for question in (*content["questions"], *content["dev"]):
        question["extra"] = {name: value for name, value in question["extra"].items() if value is not None}
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def default_readme(task: TaskSet) -> str:
    """Text of README.md for a set without a readme of its author."""
    licences = sorted({q.license for q in task.questions if q.license})
    title = task.config.title
    return (
        f"# {escape_markdown(title) if title else task.name}\n\n"
        f"{len(task.questions):,} multiple-choice questions ({len(task.dev):,} few-shot examples) for "
        "[lm-evaluation-harness](https://github.com/EleutherAI/lm-evaluation-harness), made with the E2LM "
        "Task Studio.\n\n"
        f"    lm_eval --include_path . --tasks {task.name} --model hf --model_args pretrained=MODEL\n\n"
        + (f"Licences of the questions: {', '.join(licences)}.\n" if licences else "")
        + _origin_line(task)
    )


def _origin_line(task: TaskSet) -> str:
    """Line of README.md on the rule that made the set; empty for others."""
    if (origin := task.config.chosen_by) is None:
        return ""
    names = ", ".join(origin.models) or f"{origin.model_count:,} models"
    by = f" by the results of {names}" if origin.model_count else ""
    return f"Chosen from {origin.parent} by the rule {origin.rule}{by}: scores on these models are chosen as well.\n"


def find_entry_yaml(files: Mapping[str, bytes], name: str) -> tuple[str, ...]:
    """Find the YAML that a folder opens as, or its tasks, which become one set with subjects.

    A YAML of the folder's name comes first, then an only one, then an only group.

    Args:
        files: Files of the folder by their names.
        name: Name of the folder.

    Raises:
        TaskError: The folder holds no YAML of a task, or several groups.
    """
    if f"{name}.yaml" in files:
        return (f"{name}.yaml",)
    yamls = [n for n in files if n.endswith(".yaml") and not n.startswith(".") and "/" not in n]
    tasks = [n for n in yamls if not n.startswith("_")]
    groups = [n for n in yamls if is_group(files[n])] if len(tasks) != 1 else []
    if len(groups) == 1:
        return (groups[0],)
    if not tasks:
        raise TaskError(
            Sentence(
                "The folder {folder} holds no {name}.yaml; a task folder needs its YAML. Of a data set's folder give "
                "the file that holds its questions (.parquet, .jsonl, .csv).",
                folder=repr(name),
                name=name,
            )
        )
    if groups:
        raise TaskError(
            Sentence(
                "The folder {name} holds several groups ({groups}); name the YAML to open.",
                name=repr(name),
                groups=", ".join(groups[:5]),
            )
        )
    return tuple(tasks)


def _recover(folder: Path) -> None:
    with suppress(OSError):  # a folder that cannot be restored is reported as missing
        atomic.recover(folder)


def _identity(folder: Path) -> tuple[int, int]:
    try:
        status = folder.stat()
    except OSError:
        return (0, 0)
    return (status.st_ino, status.st_mtime_ns)
