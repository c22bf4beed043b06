"""Collection of sets: list, find, open, create, copy, rename, delete, restore.

The user's sets live in `settings.sets`, one task folder each; the examples in `settings.tasks` are only
read. A set is found by its name, by OWNER/NAME where a person shares it, or by the path of a task folder.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property, lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from anyascii import anyascii

from e2lm_core.base import titles
from e2lm_core.base.errors import StudioError, TaskError
from e2lm_core.base.formatting import quote
from e2lm_core.base.records import Question, Record, TaskConfig, TaskSet
from e2lm_core.base.sentences import NONE, Sentence
from e2lm_core.base.settings import Limits, Settings, expand_home
from e2lm_core.base.titles import MAX_TITLE_CHARS, TITLE_KEY, clean_title, title_of_metadata
from e2lm_core.base.untrusted.safeyaml import MAX_BYTES, load_mapping
from e2lm_core.people import access, quotas, sharing
from e2lm_core.people.access import Role, owns
from e2lm_core.sets.checks.check import require_sound
from e2lm_core.sets.editing import drafts, ignored_problems
from e2lm_core.sets.folder import set_cache as known_sets
from e2lm_core.sets.folder.files import put_files, read_task, task_files, write_task
from e2lm_core.sets.history import trash
from e2lm_core.sets.history.journal import Journal
from e2lm_core.sets.history.trash import Deleted
from e2lm_core.sets.locks import exclusive_edit, lock_set

_NAME = re.compile(r"[a-z][a-z0-9_]{1,59}")


class SetInfo(Record):
    """Entry of the collection: a set that was found, not yet read.

    Attributes:
        name: Name of the set.
        folder: Its task folder.
        example: Whether it is an example, which is read-only.
        problem: Reason why the folder cannot be opened; None if it can.
        owner: Id of the person who shares it; None for an own set and for an example.
        role: The caller's role on a shared set; None for an own set and for an example.
        yaml: File name of the YAML that a path named, if its folder has several; else None.
    """

    name: str
    folder: Path
    example: bool
    problem: str | None = None
    owner: str | None = None
    role: Role | None = None
    yaml: str | None = None

    @cached_property
    def title(self) -> str:
        """Title of the set, read when it is first asked for; "" without one, or if its YAML cannot be read."""
        path = self.folder / (self.yaml or f"{self.name}.yaml")
        try:
            status = path.stat()
        except OSError:
            return ""
        return _title(path, status.st_mtime_ns, status.st_size)

    @property
    def address(self) -> str:
        """Address for services and links: the name, or OWNER/NAME of a shared set."""
        return f"{self.owner}/{self.name}" if self.owner else self.name


@lru_cache(maxsize=4096)
def _title(path: Path, changed_ns: int, size: int) -> str:
    """Title in a task's YAML as it was at a change; most YAMLs have none, and are not parsed."""
    if size > MAX_BYTES:
        return ""
    try:
        data = path.read_bytes()
        if TITLE_KEY.encode() not in data:
            return ""
        found = load_mapping(data, path.name, []).get("metadata")
    except (OSError, StudioError):
        return ""
    return title_of_metadata(found) if isinstance(found, dict) else ""


def set_labels(infos: Iterable[SetInfo]) -> dict[str, str]:
    """Label of each set by its address: its title, or its name; no two look the same."""
    return titles.labels((info.address, info.title) for info in infos)


def list_sets(settings: Settings) -> list[SetInfo]:
    """All sets of the caller: own sets first, then shared ones, then examples, each by name."""
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
    """Find a set by name (own before example), by address, or by the path of its task folder.

    Raises:
        TaskError: There is no such set, in which case the sentence names the existing sets, or it is another
            person's and not shared with the caller.
    """
    place = access.resolve_set(settings, name)
    if place.owner is not None:
        info = _info(place.settings.sets / place.name, example=False)
        if info is not None:
            return info.model_copy(
                update={"owner": place.owner, "role": access.role_of(settings, place.owner, place.name)}
            )
        raise TaskError(
            Sentence(
                "There is no question set {name} any more: {owner} has renamed or deleted it.",
                name=repr(name),
                owner=place.owner,
            )
        )
    name = place.name
    for root, example in _roots(settings):
        # The directory's own names are compared, as a file system may ignore upper and lower case.
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
            Sentence(
                "There is no question set {name} any more: its owner has renamed or deleted it.",
                name=quote(name),
            )
        )
    names = [info.address for info in list_sets(settings)]
    known = ", ".join(names[:8]) or NONE
    if len(names) > 8:
        known = Sentence("{names} and {more} more", names=known, more=str(len(names) - 8))
    if not settings.paths:
        raise TaskError(
            Sentence(
                "There is no question set {name}: choose one of the sets here ({names}).",
                name=quote(name),
                names=known,
            )
        )
    raise TaskError(
        Sentence(
            "There is no question set {name}: give one of the sets here ({names}) or the path of a task folder.",
            name=quote(name),
            names=known,
        )
    )


def _roots(settings: Settings) -> tuple[tuple[Path, bool], ...]:
    """Folders with sets, each with whether it holds examples."""
    return (settings.sets, False), (settings.tasks, True)


def _info(folder: Path, example: bool) -> SetInfo | None:
    """Entry of a folder; None if it holds no set or a leading dot marks it as an unfinished save."""
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
    """Find a set that the caller may edit.

    Raises:
        TaskError: The set is an example, which is copied first, does not exist, or the caller may not edit
            it.
    """
    access.resolve_set(settings, name, "editor")
    info = find_set(settings, name)
    if info.example:
        raise TaskError(
            Sentence("{name} is an example and stays as it is: copy it, and edit the copy.", name=info.name)
        )
    return info


def open_set(settings: Settings, name: str) -> TaskSet:
    """Read the set of a name, address or path, as its folder holds it now.

    Raises:
        TaskError: There is no such set for the caller, or its files cannot be read.
    """
    return open_found_set(find_set(settings, name), settings.limits)


def open_found_set(info: SetInfo, limits: Limits) -> TaskSet:
    """Read a set that was found, as its folder holds it now.

    A set in this process's cache is read again only where its files changed.

    Raises:
        TaskError: Its files cannot be read.
    """
    if info.yaml is not None:
        return read_task(info.folder, limits, yaml=info.yaml).task
    task = known_sets.read_cached(info.folder, limits).task
    return task.model_copy(update={"owner": info.owner}) if info.owner else task


def require_question(task: TaskSet, question_id: str | None) -> Question:
    """Return the question of an id, few-shot examples aside.

    Raises:
        TaskError: The set has no such question.
    """
    for question in task.questions:
        if question.id == question_id:
            return question
    raise TaskError(
        Sentence(
            "{name} has no question {question_id}: see `question list {address}`.",
            name=task.name,
            question_id=repr(question_id),
            address=task.address,
        )
    )


def create_set(settings: Settings, name: str, questions: Sequence[Question] = (), title: str = "") -> TaskSet:
    """Create a set with the default prompt.

    Args:
        settings: The caller's settings.
        name: Name of the set.
        questions: Its questions.
        title: Its title in any script; "" for none.

    Raises:
        TaskError: The name is taken or not a legal name, or a question is invalid.
        LimitError: The caller's quota is used up.
    """
    config = with_title(TaskConfig(task=name), title)
    return _keep_new(settings, TaskSet(config=config, questions=tuple(questions)))


def with_title(config: TaskConfig, title: str) -> TaskConfig:
    """The configuration with another title, or without one if it is "".

    Raises:
        TaskError: The title has more than `MAX_TITLE_CHARS` characters.
    """
    shown = clean_title(title)
    if len(shown) > MAX_TITLE_CHARS:
        raise TaskError(
            Sentence(
                "A title has at most {max_title_chars} characters, not {shown}: shorten it.",
                max_title_chars=MAX_TITLE_CHARS,
                shown=len(shown),
            )
        )
    others = {key: value for key, value in config.metadata.items() if key != TITLE_KEY}
    return config.model_copy(update={"metadata": {**others, **({TITLE_KEY: shown} if shown else {})}})


def copy_set(
    settings: Settings,
    source: str,
    name: str,
    metadata: Mapping[str, Any] | None = None,
    title: str | None = None,
) -> TaskSet:
    """Copy an own set, a shared one or an example under a new name, with a history of its own.

    The README of an example is of that example alone, so a copy has that of a new set.

    Args:
        settings: The caller's settings.
        source: Name, address or path of the set to copy.
        name: Name of the copy.
        metadata: Entries to add to the copy's metadata.
        title: Title of the copy, "" for none; None for the source's.

    Raises:
        TaskError: The source does not exist, or the name is taken or not a legal name.
        LimitError: The caller's quota is used up.
    """
    task = open_set(settings, source).without_unused_fewshot()
    config = task.config.model_copy(
        update={"task": name, "metadata": {**task.config.metadata, **(metadata or {})}}
    )
    if title is not None:
        config = with_title(config, title)
    readme = "" if find_set(settings, source).example else task.readme
    return _keep_new(settings, task.model_copy(update={"config": config, "owner": None, "readme": readme}))


def import_set(
    settings: Settings, task: TaskSet, name: str | None = None, title: str | None = None
) -> TaskSet:
    """Save a set that came from a bundle, under its own name or another.

    Args:
        settings: The caller's settings.
        task: The set.
        name: Its new name; None for its own.
        title: Its new title, "" for none; None for its own.

    Raises:
        TaskError: The name is taken or not a legal name, or a question is invalid.
        LimitError: The caller's quota is used up.
    """
    task = task.without_unused_fewshot()
    config = task.config.model_copy(update={"task": name or task.name})
    if title is not None:
        config = with_title(config, title)
    return _keep_new(settings, task.model_copy(update={"config": config}))


@owns
def rename_set(settings: Settings, name: str, new: str) -> TaskSet:
    """Rename a set; its history, the other files of its folder and the caller's unsaved text go with it.

    A crash half-way leaves the set complete, under one of the names or both.

    Raises:
        TaskError: The set is an example, the new name is taken or not a legal name, or the disk refuses.
    """
    _require_name(new)
    with ExitStack() as locks:
        # Both locks are taken in one fixed order, so that two renames that swap names cannot deadlock.
        for one in sorted({Path(name).name, new}):
            locks.enter_context(lock_set(settings, one))
        info = editable_set(settings, name)
        task = open_set(settings, name)
        if info.name == new:
            return task
        _require_free(settings, new)
        renamed = task.model_copy(update={"config": task.config.model_copy(update={"task": new})})
        files = task_files(renamed, settings.limits)  # raises before anything is written
        with (
            _disk(Sentence("{name} could not be renamed", name=info.name)),
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
        with suppress(OSError, StudioError):  # the old name's page shows the text that stays
            drafts.rename_set(settings, info.name, new)
        ignored_problems.rename_set(settings, info.name, new)
    return renamed


def find_renamed(settings: Settings, name: str) -> str | None:
    """The current name or address of a set that had this name.

    Returns:
        The name, or the address of a shared set; None if the set was not renamed or the caller may not open
        it.
    """
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
    """File with the new name of a renamed set: beside its lock, which outlives the set too."""
    return settings.workspace / "locks" / f"{name}.renamed"


def legal_name(wish: str) -> str:
    """`wish` turned into a legal name of a set, taken or not; other scripts are transliterated."""
    spelt = anyascii(wish[:MAX_TITLE_CHARS])
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", spelt) if spelt != wish else spelt  # Chinese: WuLi
    stem = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")[:50].rstrip("_") or "set"
    return stem if stem[0].isalpha() and len(stem) > 1 else f"set_{stem}"


def free_name(settings: Settings, wish: str) -> str:
    """`wish` turned into a legal name, with a number appended if it is taken."""
    stem, taken = legal_name(wish), {info.address for info in list_sets(settings)}
    return next(n for i in range(1, 10**6) if (n := stem if i == 1 else f"{stem}_{i}") not in taken)


@owns
@exclusive_edit
def delete_set(settings: Settings, name: str) -> None:
    """Move a set to the trash; `restore_set` brings it back with its history.

    Earlier deleted sets of the same name stay in the trash. For a person with a quota, the trash holds at
    most as many bytes as the quota; the oldest sets are deleted for good.

    Raises:
        TaskError: The set is an example, or the disk refuses.
    """
    info = editable_set(settings, name)
    with _disk(Sentence("{name} could not be deleted", name=info.name)):
        trash.move_to_trash(settings, info.name, info.folder)
        if (most := quotas.quota_limit(settings, "bytes")) is not None:
            trash.purge_oldest(settings, most)
    sharing.remove_shares(settings, info.name)


@owns
@exclusive_edit
def restore_set(settings: Settings, name: str, at: str | None = None) -> TaskSet:
    """Restore a deleted set from the trash, with its history.

    Args:
        settings: The caller's settings.
        name: Name of the deleted set.
        at: Time of its deletion, as `list_deleted` gives it; None for the last one.

    Returns:
        The restored set.

    Raises:
        TaskError: The trash holds no such set, the name is taken again, or the disk refuses.
        LimitError: The caller's quota of sets is used up.
    """
    quotas.check_quota(settings, "sets")
    known = [gone for gone in trash.list_trash(settings) if gone.name == name and at in (None, gone.at)]
    if not _NAME.fullmatch(name) or not known:
        raise TaskError(Sentence("There is no deleted set {name} to restore.", name=quote(name)))
    if (settings.sets / name).exists():
        raise TaskError(
            Sentence(
                "A set {name} exists again: rename or delete it before restoring the old one.",
                name=f"{name!r}",
            )
        )
    with _disk(Sentence("{name} could not be restored", name=name)):
        trash.restore(settings, name, known[0].at)
    return open_set(settings, name)


def deleted_label(gone: Deleted) -> str:
    """Title of a set in the trash, or its name if it has none."""
    return SetInfo(name=gone.name, folder=gone.folder, example=False).title or gone.name


def list_deleted(settings: Settings) -> list[Deleted]:
    """Sets in the trash with the times of their deletion, the last deleted first."""
    return trash.list_trash(settings)


def deleted_sets(settings: Settings) -> list[str]:
    """Names of the sets in the trash."""
    return sorted({gone.name for gone in list_deleted(settings)})


def _keep_new(settings: Settings, task: TaskSet) -> TaskSet:
    name = task.name
    _require_name(name)
    with lock_set(settings, name):
        _require_free(settings, name)
        require_sound(task, settings.limits)
        quotas.check_quota(settings, "sets")
        quotas.check_quota(settings, "bytes", 0)
        with _disk(Sentence("{name} could not be made", name=name)):
            trash.finish_move(settings, name)
        shutil.rmtree(Journal.for_set(settings, name).folder, ignore_errors=True)
        write_task(task, settings.sets / name, settings.limits)
        _trace(settings, name).unlink(missing_ok=True)
    return task


def _require_name(name: str) -> None:
    """Raise TaskError unless a text is a legal name of a set."""
    if not _NAME.fullmatch(name):
        raise TaskError(
            Sentence(
                "The name {name} cannot be used: 2 to 60 small letters, digits and underscores, a letter "
                "first.",
                name=quote(name),
            )
        )


def _require_free(settings: Settings, name: str) -> None:
    if any(info.address == name for info in list_sets(settings)):
        raise TaskError(Sentence("There is already a set {name}: choose another name.", name=f"{name!r}"))


def _task_folder(path: str) -> Path | None:
    """The task folder at a path, or at the path of its YAML; None where there is none."""
    try:
        folder = Path(path).expanduser().resolve()
        if folder.is_file() and folder.suffix in (".yaml", ".yml"):
            folder = folder.parent
        return folder if folder.is_dir() and any(folder.glob("*.yaml")) else None
    except (OSError, RuntimeError, ValueError):  # the name is too long, or the text is no path
        return None


@contextmanager
def _disk(failed: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or Sentence("a file in it cannot be read")
        raise TaskError(
            Sentence("{failed} ({reason}): check the disk, and try again.", failed=failed, reason=reason)
        ) from error
