"""Merges several tasks into one set with subjects.

Each task draws its few-shot examples from its own split, which one task of the harness cannot do for several;
so a merged set has no examples.

Tested in tests/sets/folder/foreign/test_groups.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from e2lm_core.base.errors import TaskError
from e2lm_core.base.formatting import count
from e2lm_core.base.records import TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Limits
from e2lm_core.sets.folder import data_rows
from e2lm_core.sets.folder.config import ParsedConfig, read_config
from e2lm_core.sets.folder.foreign import normalise
from e2lm_core.sets.folder.foreign.columns import Row, typed
from e2lm_core.sets.folder.foreign.groups import GroupMember
from e2lm_core.sets.folder.foreign.open_task import read_rows
from e2lm_core.sets.rows import check_count

WHY = "its subjects draw their examples each from its own task, so open one of them alone for examples"


def merge_tasks(
    files: Mapping[str, bytes], members: Sequence[GroupMember], name: str, limits: Limits
) -> tuple[TaskSet, list[str]]:
    """Merge tasks into one set, with each task as a subject.

    Args:
        files: Files of the tree by their paths.
        members: Tasks to merge.
        name: Name of the merged set.
        limits: Bounds on the set.

    Returns:
        The set, and sentences on ignored things: five at most, then the number of the others.

    Raises:
        TaskError: A task, which is named, cannot be opened or has another's file of rows; there are too many
            rows; or the tasks' target_delimiters differ.
    """
    parsed: list[ParsedConfig] = []
    rows: list[Row] = []
    documents: list[normalise.Documents] = []
    for member in members:
        one = read_config(files, member.yaml, limits, overrides=member.over)
        read = read_rows(files, one, member.yaml, limits, shown=False)
        _require_own_rows(files, [*parsed, one])
        documents.append(
            normalise.render_documents(one.config, read.test, [], f"{member.yaml}: {read.where}")
        )
        parsed.append(one)
        check_count(sum(len(made.test) for made in documents), name, limits)
    config = parsed[0].config
    if len({one.config.target_delimiter for one in parsed}) > 1:
        raise TaskError(
            Sentence("{name}: its tasks have different target_delimiters; open them one by one.", name=name)
        )
    shots = {one.config.num_fewshot for one in parsed}
    labels = _labels(parsed)
    for label, made in zip(labels, documents, strict=True):
        rows += [_named(row, label, number) for number, row in enumerate(made.test, start=1)]
    every = normalise.Documents(
        typed_or_plain(rows, name), [], [p for made in documents for p in made.of_test], []
    )
    task = normalise.to_studio_form(
        config.model_copy(
            update={"task": name, "num_fewshot": max(shots), "metadata": {}, "fewshot_split": "dev"}
        ),
        every,
    )
    warnings = list(dict.fromkeys(text for one in parsed for text in one.warnings))
    told = warnings[:5] + (
        [f"{name}: {count(len(warnings) - 5, 'more warning')} of its tasks."] if len(warnings) > 5 else []
    )
    return task.model_copy(update={"zero_shot": WHY}), told


def _require_own_rows(files: Mapping[str, bytes], parsed: Sequence[ParsedConfig]) -> None:
    """Raise TaskError if the last task would read a file that holds another's rows."""
    place = getattr(files, "place", str)
    *others, last = parsed
    own = {place(name) for name in data_rows.find_test_files(files, last.data)}
    for other in others:
        same = own & {place(name) for name in data_rows.find_test_files(files, other.data)}
        if same and last.data.hub_rows != other.data.hub_rows:
            asked = [" ".join(filter(None, one.data.hub_rows)) or "a file" for one in (other, last)]
            raise TaskError(
                Sentence(
                    "{other} and {last} would both read {least}, but ask for {first} and {second}; give each its own "
                    "rows, as SUBSET/{split}.jsonl.",
                    other=other.config.task,
                    last=last.config.task,
                    least=min(same),
                    first=asked[0],
                    second=asked[1],
                    split=_split(last),
                )
            )


def _split(one: ParsedConfig) -> str:
    return one.data.hub_rows[-1] if one.data.hub_rows else "test"


def typed_or_plain(rows: list[Row], where: str) -> list[Row]:
    """Rows of several tasks in one table.

    If columns differ in kind between tasks, these columns and all columns with mappings are left out.
    """
    try:
        return typed(rows, where)
    except TaskError:
        kinds: dict[str, set[type]] = {}
        for row in rows:
            for column, value in row.items():
                kinds.setdefault(column, set()).add(type(value))
        mixed = {column for column, found in kinds.items() if len(found - {type(None)}) > 1 or dict in found}
        return typed([{c: v for c, v in row.items() if c not in mixed} for row in rows], where)


def _named(row: Row, label: str, number: int) -> Row:
    raw = row.get("subject")
    kept = {} if raw is None or raw == label else {"subject_raw": raw}
    return {**row, **kept, "id": f"{label}-{number}", "subject": label}


def _labels(parsed: Sequence[ParsedConfig]) -> list[str]:
    """Aliases of the tasks if each has its own, else their names without the common beginning."""
    aliases = [one.alias or "" for one in parsed]
    if all(aliases) and len(set(aliases)) == len(aliases):
        return aliases
    names = [one.config.task for one in parsed]
    first, last = min(names), max(names)
    same = next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    shared = first[:same].rpartition("_")[0]
    return [name.removeprefix(shared).lstrip("_") or name for name in names] if len(names) > 1 else names
