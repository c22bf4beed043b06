"""Groups of tasks in an lm-eval tree.

A group names tasks, tags and other groups, each possibly with keys that replace the task's own. They are
looked for in the group's own folder and below it, then in the whole tree, as in lm-evaluation-harness's
index.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any, NamedTuple, Protocol, runtime_checkable

from e2lm_core.base.errors import TaskError
from e2lm_core.base.formatting import quote
from e2lm_core.base.sentences import Sentence
from e2lm_core.sets.folder.includes import merge_includes

MAX_TASKS = 500  # tasks of a group, and groups within groups
_NAMED = re.compile(rb"^ ?['\"]?(task|group)['\"]?[ \t]*:[ \t]*['\"]?([^'\"\s#\[,]+)", re.MULTILINE)


@runtime_checkable
class FileTree(Protocol):
    """Files that can list the YAMLs below a folder."""

    def below(self, folder: str) -> list[str]: ...


class GroupMember(NamedTuple):
    """Task of a group: the path of its YAML, and the keys that the group gives it."""

    yaml: str
    over: Mapping[str, Any]


def group_members(files: Mapping[str, bytes], yaml: str) -> tuple[str, list[GroupMember]] | None:
    """Name and tasks of the group in a YAML; None if the YAML is no group.

    Args:
        files: Files of the tree by their paths.
        yaml: Path of the YAML in the tree.

    Raises:
        TaskError: A task is not in the tree, groups contain each other, or there are more than `MAX_TASKS` tasks.
    """
    raw = merge_includes(files, yaml, [])
    if "group" not in raw and not isinstance(raw.get("task"), list):
        return None
    found = list(_of(raw, {}, _Index(files, yaml), yaml, ()))
    name = raw.get("group")
    return str(name or PurePosixPath(yaml).stem), list({member.yaml: member for member in found}.values())


def _of(
    raw: Mapping[str, Any], over: Mapping[str, Any], index: _Index, where: str, above: tuple[str, ...]
) -> Iterator[GroupMember]:
    items = raw.get("task")
    if len(above) > 20:
        raise TaskError(Sentence("{where}: its groups contain each other; take one out.", where=where))
    for item in items if isinstance(items, list) else [items]:
        own: Mapping[str, Any] = item if isinstance(item, dict) else {}
        name = own.get("task", own.get("group")) if isinstance(item, dict) else item
        if isinstance(name, list) and "group" in own:  # a group that is defined within the group
            yield from _of(own, over, index, where, (*above, str(own["group"])))
            continue
        if not isinstance(name, str):
            raise TaskError(
                Sentence(
                    "{where}: a group's task: must be names of tasks, not {item}.",
                    where=where,
                    item=repr(item)[:60],
                )
            )
        given = {**over, **{key: value for key, value in own.items() if key not in ("task", "group")}}
        for path in index.find(name, where):
            index.opened += 1
            if index.opened > MAX_TASKS:
                raise TaskError(
                    Sentence(
                        "{where}: the group has more than {max_tasks} tasks; open its parts.",
                        where=where,
                        max_tasks=MAX_TASKS,
                    )
                )
            inner = index.keys(path)
            if "group" in inner or isinstance(inner.get("task"), list):
                if name in above:
                    raise TaskError(
                        Sentence(
                            "{where}: the group {name} contains itself; take it out.",
                            where=where,
                            name=repr(name),
                        )
                    )
                yield from _of(inner, given, index, path, (*above, name))
            else:
                yield GroupMember(path, given)


class _Index:
    """Index of the tree's YAMLs by task, group and tag."""

    def __init__(self, files: Mapping[str, bytes], yaml: str) -> None:
        self.files, self.folder, self.opened = files, str(PurePosixPath(yaml).parent), 0
        self._read: dict[str, dict[str, Any]] = {}

    def keys(self, path: str) -> Mapping[str, Any]:
        """Keys of a YAML and its includes, read once."""
        if path not in self._read:
            self._read[path] = merge_includes(self.files, path, [])
        return self._read[path]

    def find(self, name: str, where: str) -> list[str]:
        """Paths of the task or group of a name, else of the tasks with that tag.

        Raises:
            TaskError: The name is not in the tree.
        """
        for known in (self.near, self.everywhere):
            if name in known:
                return [known[name]]
            if tagged := self.tagged(name, known):
                return tagged
        raise TaskError(
            Sentence(
                "{where}: the group's task {name} is not in the tree that was given.",
                where=where,
                name=quote(name),
            )
        )

    @cached_property
    def near(self) -> dict[str, str]:
        return _indexed(self.files, self.folder)

    @cached_property
    def everywhere(self) -> dict[str, str]:
        return _indexed(self.files, ".")

    def tagged(self, name: str, known: Mapping[str, str]) -> list[str]:
        """Paths of the tasks that bear a tag, in the order of their names.

        Outside the group's own folder a tag is found only if the task's own YAML contains it.
        """
        found = []
        for _, path in sorted(known.items()):
            data = self.files[path]
            if name.encode() not in data and (known is not self.near or b"include" not in data):
                continue
            tags = self.keys(path).get("tag")
            if name in (tags if isinstance(tags, list) else [tags]):
                found.append(path)
        return found


def _indexed(files: Mapping[str, bytes], folder: str) -> dict[str, str]:
    """Paths of tasks and groups by their names, the first in the order of paths."""
    index: dict[str, str] = {}
    for path in yamls_below(files, folder):
        for name in _names(files[path]).values():
            index.setdefault(name, path)
    return index


def is_group(data: bytes) -> bool:
    """Whether a YAML's own text declares a group."""
    return "group" in _names(data)


def find_task_yamls(files: Mapping[str, bytes], name: str) -> list[str]:
    """YAML of the task or group of a name in a tree, else the YAMLs of the tasks with that tag."""
    index = _Index(files, "")
    if name in index.everywhere:
        return [index.everywhere[name]]
    found = {PurePosixPath(path).parent: path for path in index.tagged(name, index.everywhere)}
    beside = [_Index(files, path) for path in found.values()]  # a tag may come from an included YAML
    return sorted(path for one in beside for path in one.tagged(name, one.near))


def yamls_below(files: Mapping[str, bytes], folder: str) -> list[str]:
    """YAMLs in a folder of the tree and below it, sorted."""
    if isinstance(files, FileTree):
        return files.below(folder)
    inside = PurePosixPath(folder)
    return sorted(n for n in files if n.endswith(".yaml") and PurePosixPath(n).is_relative_to(inside))


def _names(data: bytes) -> dict[str, str]:
    """Name that a YAML's own text declares, by `task` or `group`."""
    found = {key.decode(): name.decode(errors="replace") for key, name in _NAMED.findall(data)}
    return {"group": found["group"]} if "group" in found else found
