"""Resolution of `include:` in task YAML."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from e2lm_core.base.errors import TaskError
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.untrusted.safeyaml import FunctionName, load_mapping

MAX_FILES = 20  # files that one task may include, each counted as often as it is named


def merge_includes(files: Mapping[str, bytes], name: str, warnings: list[str] | None) -> dict[str, Any]:
    """Merge the keys of a YAML over those of the files that it includes; of a list the last file wins.

    Args:
        files: Files of the tree by their paths.
        name: Path of the YAML in the tree.
        warnings: List that receives a sentence for each key that is given twice; its last value counts, as
            in the harness. None refuses such a key.

    Raises:
        TaskError: An include is not in the tree or leads in a circle, there are more than `MAX_FILES`, or a YAML
            cannot be read.
    """
    return _merged(files, name, (), [], warnings)


def _merged(
    files: Mapping[str, bytes], name: str, above: tuple[str, ...], read: list[str], warnings: list[str] | None
) -> dict[str, Any]:
    read.append(name)
    if len(read) > MAX_FILES + 1:
        raise TaskError(
            Sentence(
                "{first}: more than {max_files} files are included; put them into fewer.",
                first=read[0],
                max_files=MAX_FILES,
            )
        )
    twice: list[str] = []
    raw = load_mapping(files[name], name, None if warnings is None else twice)
    for key in twice:
        assert warnings is not None
        warnings.append(f"{name}: the key {key!r} is there twice; its last value counts.")
    parent = PurePosixPath(name).parent
    raw = {key: _placed(value, str(parent)) for key, value in raw.items()}
    names = raw.pop("include", [])
    result: dict[str, Any] = {}
    for other in names if isinstance(names, list) else [names]:
        path = _inside(parent, other)
        if path is None:
            raise TaskError(
                Sentence(
                    "{name}: include: {other} leaves the task's folder; include a file inside it only.",
                    name=name,
                    other=repr(other),
                )
            )
        if path in (*above, name):
            raise TaskError(
                Sentence(
                    "{name}: include: {other} includes itself; take it out.", name=name, other=repr(other)
                )
            )
        if path not in files:
            raise TaskError(
                Sentence(
                    "{name}: include: {other} is not in the task's folder; put the file beside it.",
                    name=name,
                    other=repr(other),
                )
            )
        result |= _merged(files, path, (*above, name), read, warnings)
    return result | raw


def _inside(parent: PurePosixPath, other: object) -> str | None:
    """Path from the tree's root of a path relative to one of its folders; None if it leaves the tree."""
    if not isinstance(other, str) or "\\" in other or PurePosixPath(other).is_absolute():
        return None
    parts: list[str] = []
    for part in (*parent.parts, *PurePosixPath(other).parts):
        if part != "..":
            parts.append(part)
        elif not parts:
            return None
        else:
            parts.pop()
    return "/".join(parts) or None


def _placed(value: Any, folder: str) -> Any:
    """Value with its functions placed in the folder of the file that names them."""
    if isinstance(value, FunctionName):
        return value._replace(base="" if folder == "." else folder)
    if isinstance(value, dict):
        return {key: _placed(child, folder) for key, child in value.items()}
    return [_placed(child, folder) for child in value] if isinstance(value, list) else value
