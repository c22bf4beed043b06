"""The installed lm-evaluation-harness's tasks with stand-in rows: which there are, and one of them with rows beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from benchmarks.interop import needs, standins
from e2lm_core.base.errors import StudioError, TaskError
from e2lm_core.base.settings import Limits
from e2lm_core.base.untrusted.safeyaml import FunctionName
from e2lm_core.sets.folder.datafiles import sibling_path
from e2lm_core.sets.folder.files import Folder
from e2lm_core.sets.folder.foreign import harness_subprocess
from e2lm_core.sets.folder.foreign.functions import function_digest
from e2lm_core.sets.folder.includes import merge_includes


class Given(Mapping[str, bytes]):
    """A tree with files of its own laid over it."""

    def __init__(self, tree: Mapping[str, bytes], over: Mapping[str, bytes]) -> None:
        self.tree, self.over = tree, over

    def __contains__(self, name: object) -> bool:
        return name in self.over or name in self.tree

    def __getitem__(self, name: str) -> bytes:
        return self.over[name] if name in self.over else self.tree[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tree)

    def __len__(self) -> int:
        return len(self.tree)


def tasks_folder() -> Path:
    """The installed harness's tasks. Raises StudioError where there is none."""
    folder = harness_subprocess.find_harness_tasks()
    if folder is None:
        raise StudioError("lm-evaluation-harness is not installed here: pip install lm_eval.")
    return folder


def the_tree() -> Folder:
    """The installed harness's tasks as files."""
    return Folder(tasks_folder(), Limits())


def multiple_choice(tree: Folder, paths: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The single tasks of multiple choice among these YAMLs: path, and keys with includes merged."""
    for path in paths:
        try:
            raw = merge_includes(tree, path, [])
        except TaskError:
            continue
        if (
            raw.get("output_type") == "multiple_choice"
            and isinstance(raw.get("task"), str)
            and "group" not in raw
        ):
            yield path, raw


def stand_ins(tree: Mapping[str, bytes], path: str, raw: Mapping[str, Any]) -> dict[str, bytes]:
    """Files of rows for every split that a task names, by their paths in the tree."""
    also = needs.also(raw, tree)
    fewshot = raw.get("fewshot_config") or {}
    splits = dict.fromkeys(
        split
        for split in (
            raw.get("test_split"),
            raw.get("validation_split"),
            raw.get("training_split"),
            raw.get("fewshot_split"),
            fewshot.get("split") if isinstance(fewshot, dict) else None,
        )
        if isinstance(split, str)
    )
    given, seed = {}, 0
    folder, subset = str(PurePosixPath(path).parent), raw.get("dataset_name")
    for number, split in enumerate(splits):
        count = 12 + number  # a tenth of them is a row
        own = [dict(also(seed + n)) if also else {} for n in range(count)]
        if not also or not needs.is_whole(raw, tree):
            own = [made | row for made, row in zip(standins.rows_of(raw, count, seed), own, strict=True)]
        rows = own
        seed += 100
        name = f"{subset}/{split}.jsonl" if isinstance(subset, str) else f"{split}.jsonl"
        given[sibling_path(folder, name)] = needs.as_jsonl(rows)
    return given


def sameness(tree: Mapping[str, bytes], path: str, raw: Mapping[str, Any]) -> str:
    """A text that two configurations share which differ in names and data sets alone."""
    said = {}
    for key, value in sorted(raw.items()):
        if key in ("task", "task_alias", "dataset_name", "dataset_path", "metadata", "tag", "description"):
            continue
        said[key] = _said(tree, value)
    return repr((said, PurePosixPath(path).parts[0]))


def _said(tree: Mapping[str, bytes], value: Any) -> Any:
    if isinstance(value, FunctionName):
        source = tree.get(sibling_path(value.base, f"{value.module.replace('.', '/')}.py"))
        return function_digest(source, value.dotted.rpartition(".")[2]) if source else value.dotted
    if isinstance(value, dict):
        return {key: _said(tree, child) for key, child in value.items()}
    return [_said(tree, child) for child in value] if isinstance(value, list) else value
