"""Collection of sets: list, find, open, create, copy, rename, delete, restore.

The user's sets live in `settings.sets`, one task folder each; the examples in `settings.tasks` are only
read. A set is found by its name, by OWNER/NAME where a person shares it, or by the path of a task folder.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from e2lm_core.base.errors import TaskError
from e2lm_core.base.formatting import quote
from e2lm_core.base.records import Question, Record, TaskConfig, TaskSet
from e2lm_core.base.settings import Limits, Settings, expand_home
from e2lm_core.people import access, quotas, sharing
from e2lm_core.people.access import Role, owns
from e2lm_core.sets.checks.check import require_sound
from e2lm_core.sets.folder import set_cache as known_sets
from e2lm_core.sets.folder.files import put_files, read_task, task_files, write_task
from e2lm_core.sets.history import trash
from e2lm_core.sets.history.journal import Journal
from e2lm_core.sets.history.trash import Deleted
from e2lm_core.sets.locks import exclusive_edit, lock_set

_NAME = re.compile(r"[a-z][a-z0-9_]{1,59}")


class SetInfo(Record):
    """One line of the list of sets; `problem` says why a folder cannot be opened.

    `owner` is who shares it, `role` what whoever asks may do with it; None for one's own and for examples.
    """

    name: str
    folder: Path
    example: bool
    problem: str | None = None
    owner: str | None = None
    role: Role | None = None
    yaml: str | None = (
        None  # of a folder named by its path: the one that was named, where it is one of several
    )

    @property
    def address(self) -> str:
        """What services and links find it by: its name, or OWNER/NAME of a set that is shared."""
        return f"{self.owner}/{self.name}" if self.owner else self.name


def list_sets(settings: Settings) -> list[SetInfo]:
    """The user's own sets first, then those that others share with them, then the examples, each by name."""
    own, examples = (
        [
            info
            for folder in (sorted(root.iterdir()) if root.is_dir() else ())
            if (info := _info(folder, example))
        ]
        for root, example in _roots(settings)
    )
    return own + _shared(settings) + examples


def _shared(settings: Settings) -> list[SetInfo]:
    shared = []
    for grant in sharing.sets_shared_with_caller(settings):
        folder = settings.for_person(grant.owner).sets / grant.set_name
        if info := _info(folder, example=False):
            shared.append(info.model_copy(update={"owner": grant.owner, "role": grant.role}))
    return shared


def find_set(settings: Settings, name: str) -> SetInfo:
    """The set of that name (the user's own before an example) or address, or the task folder at that path.

    Raises TaskError, which names the sets that there are, where there is neither, and for another's that is
    not shared with whoever asks.
    """
    place = access.resolve_set(settings, name)
    if place.owner is not None:
        info = _info(place.settings.sets / place.name, example=False)
        if info is not None:
            return info.model_copy(
                update={"owner": place.owner, "role": access.role_of(settings, place.owner, place.name)}
            )
        raise TaskError(
            f"There is no question set {name!r} any more: {place.owner} has renamed or deleted it."
        )
    name = place.name
    for root, example in _roots(settings):
        # By the names that the disk has: it may take capitals and small letters for the same.
        if root.is_dir() and name in os.listdir(root) and (info := _info(root / name, example)):
            return info
    folder = _task_folder(name) if settings.paths else None
    if folder is not None:
        access.require_path(settings, folder)
        of_user = folder.parent == settings.sets.resolve()
        named = expand_home(name)
        yaml = (
            named.name if named.suffix in (".yaml", ".yml") and len(list(folder.glob("*.yaml"))) > 1 else None
        )
        return SetInfo(name=folder.name, folder=folder, example=not of_user, yaml=yaml)
    if access.is_shared_access(settings):
        raise TaskError(
            f"There is no question set {quote(name)} any more: its owner has renamed or deleted it."
        )
    names = [info.address for info in list_sets(settings)]
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    known = ", ".join(names[:8]) + more or "none"
    raise TaskError(
        f"There is no question set {quote(name)}: give one of the sets here ({known}) or the path of a task "
        "folder."
    )


def _roots(settings: Settings) -> tuple[tuple[Path, bool], ...]:
    """Where sets lie, and whether those are examples."""
    return (settings.sets, False), (settings.tasks, True)


def _info(folder: Path, example: bool) -> SetInfo | None:
    """None where a folder is no set; one that begins with a dot is a save in progress, or a crash left it."""
    name = folder.name
    if name.startswith("."):
        return None
    if (folder / f"{name}.yaml").is_file():
        return SetInfo(name=name, folder=folder, example=example)
    if folder.is_dir() and any(folder.glob("*.yaml")):
        problem = f"{name} holds no {name}.yaml."
        return SetInfo(name=name, folder=folder, example=example, problem=problem)
    return None


def editable_set(settings: Settings, name: str) -> SetInfo:
    """The set of that name, to be changed. Raises TaskError for an example, which is copied first."""
    access.resolve_set(settings, name, "editor")
    info = find_set(settings, name)
    if info.example:
        raise TaskError(f"{info.name} is an example and stays as it is: copy it, and edit the copy.")
    return info


def open_set(settings: Settings, name: str) -> TaskSet:
    """The set of that name or at that path, as its folder holds it now.

    Raises TaskError as `read_task` does.
    """
    return open_found_set(find_set(settings, name), settings.limits)


def open_found_set(info: SetInfo, limits: Limits) -> TaskSet:
    """A set that was found, as its folder holds it now: of what this process knows of it only what changed is read.

    Raises TaskError as `read_task` does.
    """
    if info.yaml is not None:
        return read_task(info.folder, limits, yaml=info.yaml).task
    task = known_sets.read_cached(info.folder, limits).task
    return task.model_copy(update={"owner": info.owner}) if info.owner else task


def create_set(settings: Settings, name: str, questions: Sequence[Question] = ()) -> TaskSet:
    """A new set with the default prompt. Raises TaskError for a name that is taken or cannot be one."""
    return _keep_new(settings, TaskSet(config=TaskConfig(task=name), questions=tuple(questions)))


def copy_set(settings: Settings, source: str, name: str) -> TaskSet:
    """A copy of a set, the user's or an example, under a new name and with a history of its own.

    Raises TaskError for a source that is not there, a name that is taken or cannot be one.
    """
    task = open_set(settings, source).without_unused_fewshot()
    config = task.config.model_copy(update={"task": name})
    return _keep_new(settings, task.model_copy(update={"config": config, "owner": None}))


def import_set(settings: Settings, task: TaskSet, name: str | None = None) -> TaskSet:
    """Keep a set that came from a bundle, under its own name or another.

    Raises TaskError as `create_set` does.
    """
    task = task.without_unused_fewshot()
    config = task.config.model_copy(update={"task": name or task.name})
    return _keep_new(settings, task.model_copy(update={"config": config}))


@owns
def rename_set(settings: Settings, name: str, new: str) -> TaskSet:
    """Give a set another name; its history and the other files of its folder go with it.

    Raises TaskError for an example, a name that is taken or cannot be one, or a disk error. Whatever ends it
    half-way, the set is there whole, under one of the names or both.
    """
    _require_name(new)
    with ExitStack() as locks:
        # In one order whoever asks, so that two who swap names do not wait for each other.
        for one in sorted({Path(name).name, new}):
            locks.enter_context(lock_set(settings, one))
        info = editable_set(settings, name)
        task = open_set(settings, name)
        if info.name == new:
            return task
        _require_free(settings, new)
        renamed = task.model_copy(update={"config": task.config.model_copy(update={"task": new})})
        files = task_files(renamed, settings.limits)  # refused before anything is written
        with (
            _disk(f"{info.name} could not be renamed"),
            TemporaryDirectory(
                prefix=f".{new}.new-", dir=settings.sets, ignore_cleanup_errors=True
            ) as beside,
        ):
            copy = Path(beside) / new
            shutil.copytree(info.folder, copy, symlinks=True)
            put_files(files, copy)
            copy.rename(settings.sets / new)
            Journal.for_set(settings, info.name).move(Journal.for_set(settings, new).folder)
            _trace(settings, info.name).write_text(new, encoding="utf-8")
            shutil.rmtree(info.folder)
        sharing.rename_shares(settings, info.name, new)
    return renamed


def find_renamed(settings: Settings, name: str) -> str | None:
    """The name or address that a set of this one has now; None where it was not renamed, or not for whoever asks."""
    address = access.ADDRESS.fullmatch(name)
    owner, current = address.groups() if address else (None, name)
    there = settings.for_person(owner, settings.author) if owner else settings
    seen: set[str] = set()
    with suppress(OSError, ValueError, TaskError):
        while _NAME.fullmatch(current) and current not in seen and not (there.sets / current).exists():
            seen.add(current)
            current = _trace(there, current).read_text(encoding="utf-8")
        return find_set(settings, f"{owner}/{current}" if owner else current).address if seen else None
    return None


def _trace(settings: Settings, name: str) -> Path:
    """Where it stands what a set was renamed to: beside its lock, which outlives it too."""
    return settings.workspace / "locks" / f"{name}.renamed"


def legal_name(wish: str) -> str:
    """`wish` as a name that a set can have, whether or not one has it."""
    stem = re.sub(r"[^a-z0-9]+", "_", wish.lower()).strip("_")[:50] or "set"
    return stem if stem[0].isalpha() and len(stem) > 1 else f"set_{stem}"


def free_name(settings: Settings, wish: str) -> str:
    """`wish` as a legal name, with a number behind it where it is taken."""
    stem, taken = legal_name(wish), {info.address for info in list_sets(settings)}
    return next(n for i in range(1, 10**6) if (n := stem if i == 1 else f"{stem}_{i}") not in taken)


@owns
@exclusive_edit
def delete_set(settings: Settings, name: str) -> None:
    """Put a set aside; `restore_set` brings it back with its history.

    What was put aside under the same name before stays there; of a person with a quota, no more than that holds
    stays in all. Raises TaskError for an example or a disk error.
    """
    info = editable_set(settings, name)
    with _disk(f"{info.name} could not be deleted"):
        trash.move_to_trash(settings, info.name, info.folder)
        if (most := quotas.quota_limit(settings, "bytes")) is not None:
            trash.purge_oldest(settings, most)
    sharing.remove_shares(settings, info.name)


@owns
@exclusive_edit
def restore_set(settings: Settings, name: str, at: str | None = None) -> TaskSet:
    """Bring back the set of that name that was deleted last, or at that time of `deleted`, with its history.

    Raises TaskError where there is none, or the name was taken since.
    """
    quotas.check_quota(settings, "sets")
    known = [gone for gone in trash.list_trash(settings) if gone.name == name and at in (None, gone.at)]
    if not _NAME.fullmatch(name) or not known:
        raise TaskError(f"There is no deleted set {quote(name)} to restore.")
    if (settings.sets / name).exists():
        raise TaskError(f"A set {name!r} exists again: rename or delete it before restoring the old one.")
    with _disk(f"{name} could not be restored"):
        trash.restore(settings, name, known[0].at)
    return open_set(settings, name)


def list_deleted(settings: Settings) -> list[Deleted]:
    """The sets that `restore_set` can bring back, with the times of their deletion, the last one first."""
    return trash.list_trash(settings)


def deleted_sets(settings: Settings) -> list[str]:
    """The names of the sets that `restore_set` can bring back."""
    return sorted({gone.name for gone in list_deleted(settings)})


def _keep_new(settings: Settings, task: TaskSet) -> TaskSet:
    name = task.name
    _require_name(name)
    with lock_set(settings, name):
        _require_free(settings, name)
        require_sound(task, settings.limits)
        quotas.check_quota(settings, "sets")
        quotas.check_quota(settings, "bytes", 0)
        with _disk(f"{name} could not be made"):
            trash.finish_move(settings, name)
        shutil.rmtree(Journal.for_set(settings, name).folder, ignore_errors=True)
        write_task(task, settings.sets / name, settings.limits)
        _trace(settings, name).unlink(missing_ok=True)
    return task


def _require_name(name: str) -> None:
    """Raises TaskError for a text that cannot be the name of a set."""
    if not _NAME.fullmatch(name):
        raise TaskError(
            f"The name {quote(name)} cannot be used: 2 to 60 small letters, digits and underscores, a letter "
            "first."
        )


def _require_free(settings: Settings, name: str) -> None:
    if any(info.address == name for info in list_sets(settings)):
        raise TaskError(f"There is already a set {name!r}: choose another name.")


def _task_folder(path: str) -> Path | None:
    """The task folder at a path, or at the path of its YAML; None where there is none."""
    try:
        folder = Path(path).expanduser().resolve()
        if folder.is_file() and folder.suffix in (".yaml", ".yml"):
            folder = folder.parent
        return folder if folder.is_dir() and any(folder.glob("*.yaml")) else None
    except (OSError, RuntimeError, ValueError):  # a name that is too long, or no path at all
        return None


@contextmanager
def _disk(failed: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or "a file in it cannot be read"
        raise TaskError(f"{failed} ({reason}): check the disk, and try again.") from error
