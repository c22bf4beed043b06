"""Tasks of the installed lm-eval as `import NAME --with-lm-eval` builds them: opened, or refused with the reason.

`python -m benchmarks.interop.built [--every N] [--json] [--write]`: every multiple-choice task with rows that stand in for its
data, in the columns that its templates and its code ask for, code that nobody knows included: what it misses is put
in until it runs. A task that the harness builds of such rows is stood in, and has to open with the harness's own
prompts, 0- and 2-shot. Configurations of a folder that differ in names and data sets alone are tried once.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any
from unittest import mock

from benchmarks import study_pages
from benchmarks.interop import code, needs
from benchmarks.interop.prompts import ours, theirs
from benchmarks.interop.standins import Columns, made, odd, put
from benchmarks.interop.tree import multiple_choice, sameness, stand_ins, the_tree
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import TaskSet
from e2lm_core.base.settings import Limits
from e2lm_core.sets.folder.files import Folder
from e2lm_core.sets.folder.foreign import builder, harness_subprocess

SHOTS = (0, 2)
# Nobody is asked for metrics and data sets: the harness would wait for a hub seven times a task.
OFFLINE = {"HF_EVALUATE_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HUB_OFFLINE": "1"}
MAX_COLUMNS = 160  # that are put in for one task
_MISSES = (
    re.compile(r"KeyError: [\"']?'?Column '?([^']+?)'? (?:not in|doesn't exist)"),
    re.compile(r"KeyError: '([^']+)'"),
    re.compile(r"'([^']+)' is undefined"),
)
# What is missing is a module, or a name that the installed version of one no longer has.
_NOT_HERE = re.compile(r"ImportError|ModuleNotFoundError")
_LISTS = ("choices", "options", "candidates", "endings", "answers", "targets", "distractors", "alternatives")
_GOLD = ("label", "answer", "gold", "correct", "target", "idx", "index", "key", "class")
Rows = dict[str, list[dict[str, Any]]]


def column(name: str, number: int, style: int) -> Any:
    """What stands in for a column that code asks for: a list, an answer as a number or a letter, or a text."""
    lower = name.lower()
    if lower.startswith(("has_", "is_")):
        return False
    if any(part in lower for part in _LISTS):
        texts = [f"{odd(number + k)} {letter}" for k, letter in enumerate("abcd")]
        return repr(texts) if style == 2 else texts
    if any(part in lower for part in _GOLD):
        return ("AB"[number % 2], number % 2, str(1 + number % 2))[style - 1] if style else number % 2
    return f"{odd(number)} {name}"


def built(path: Path, rows: Rows) -> list[dict[str, Any]]:
    """What the program that builds a task tells of it, with these rows by the paths of their files."""
    told: list[dict[str, Any]] = []
    # The program, which has a process of its own elsewhere, has `load_dataset` give these rows from then on.
    with tempfile.TemporaryDirectory() as name, mock.patch("datasets.load_dataset"):
        for file, content in rows.items():
            place = Path(name) / file
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(needs.as_jsonl(content))
        order = {"task": str(path), "rows": name, "most": Limits().max_questions}
        builder.build(order, lambda line: told.append(json.loads(json.dumps(line, default=builder.plain))))
    return told


def stood_in(path: Path, rows: Rows, columns: Columns) -> tuple[Rows, list[dict[str, Any]]]:
    """The rows with which the harness builds sound documents, and those; else documents that are not, else its last error.

    The rows as they are, then with the columns that the task's code takes from a row, each with what it misses put in.
    """
    nearest, last = None, (rows, built(path, rows))
    for known in (None, columns):
        for style in range(4):
            tried, told = _filled(path, _with(rows, known, style), style)
            if is_sound(told):
                return tried, told
            if told and "error" not in told[-1]:
                nearest = nearest or (tried, told)
    return nearest or last


def is_sound(told: list[dict[str, Any]]) -> bool:
    """Whether every document is one text with two choices or more, none empty, and one of them as its target."""
    if not told or "error" in told[-1]:
        return False
    docs = [line["test"] for line in told if "test" in line]
    return bool(docs) and all(isinstance(doc, dict) and _is_sound(doc) for doc in docs)


def _is_sound(doc: Mapping[str, Any]) -> bool:
    text, choices, target = doc["text"], doc["choices"], doc["target"]
    if (
        not isinstance(choices, list)
        or len(choices) < 2
        or not all(c and isinstance(c, str) for c in choices)
    ):
        return False
    gold = target
    if isinstance(target, list):  # several right ones, which the harness counts alike
        return bool(target) and all(isinstance(one, int) and 0 <= one < len(choices) for one in target)
    if isinstance(text, int):
        if not target or not isinstance(target, str):
            return False
        gold = text
    return gold in choices if isinstance(gold, str) else isinstance(gold, int) and 0 <= gold < len(choices)


def _with(rows: Rows, columns: Columns | None, style: int) -> Rows:
    if columns is None:
        return {file: [dict(row) for row in content] for file, content in rows.items()}
    tried = {}
    for seed, (file, content) in enumerate(rows.items()):
        own = made(columns, len(content), 100 * seed)
        for number, row in enumerate(own):
            for name in columns.named:
                is_known = name in columns.kinds or name in columns.within or "*" in name
                if not is_known and not any(other[: len(name)] == name != other for other in columns.named):
                    within = name[-2] if name[1:] and style % 2 else ""
                    put(row, name, column(f"{within}{name[-1]}", number, style))
        tried[file] = [row | more for row, more in zip(content, own, strict=True)]
    return tried


def _filled(path: Path, tried: Rows, style: int) -> tuple[Rows, list[dict[str, Any]]]:
    """The rows with each column put in that the code misses, as far as they do not hold it; and what is then built."""
    found = built(path, tried)
    for _ in range(MAX_COLUMNS):
        missing = _missing(found)
        if missing is None or any(missing in row for content in tried.values() for row in content):
            break
        for content in tried.values():
            for number, row in enumerate(content):
                row[missing] = column(missing, number, style)
        found = built(path, tried)
    return tried, found


def outcome(tree: Folder, path: str, raw: Mapping[str, Any]) -> dict[str, str]:
    """`{how, why, 0, 2}` of one task: opened, refused or not stood in; and its prompts beside the harness's."""
    folder = PurePosixPath(path).parent
    rows: Rows = {
        str(PurePosixPath(name).relative_to(folder)): [
            {"n": str(100 * place + number)} | json.loads(line)  # a table without a column has no rows
            for number, line in enumerate(data.decode().split("\n"))
            if line
        ]
        for place, (name, data) in enumerate(stand_ins(tree, path, raw).items())
    }
    if (make := needs.by_hand(path)) is not None:
        rows = {file: [row | make(int(row["n"])) for row in content] for file, content in rows.items()}
    rows, told = stood_in(tree.root / path, rows, code.columns_of(raw, tree).without(make(0) if make else {}))
    if told and "error" in told[-1]:
        how = "its code does not run here" if _NOT_HERE.match(told[-1]["error"]) else "not stood in"
        return {"how": how, "why": told[-1]["error"]}
    try:
        task, _ = harness_subprocess.build_set(told, path, Limits())
    except StudioError as error:
        return {"how": "refused" if is_sound(told) else "not stood in", "why": str(error)}
    splits = {PurePosixPath(name).stem: content for name, content in rows.items()}
    return {"how": "opened", "why": ""} | {
        str(shots): _prompts(task, tree.root / path, splits, shots) for shots in SHOTS
    }


def sweep(every: int = 1) -> Iterator[tuple[str, int, dict[str, str]]]:
    """Every make of a task among every `every`th YAML: its path, how many of those are of it, and what came of it."""
    os.environ |= OFFLINE
    tree = the_tree()
    makes: dict[str, list[Any]] = {}
    for path, raw in multiple_choice(tree, tree.below(".")[::every]):
        makes.setdefault(sameness(tree, path, raw), [path, raw, 0])[2] += 1
    for path, raw, count in makes.values():
        yield path, count, outcome(tree, path, raw)


def table(found: list[tuple[str, int, dict[str, str]]]) -> str:
    """How many makes and configurations opened, were refused and why, and whose prompts are the harness's."""
    makes: Counter[str] = Counter()
    configurations: Counter[str] = Counter()
    for _, count, came in found:
        rows = [came["how"]]
        rows += [f"refused: {reason(came['why'])}"] if came["how"] == "refused" else []
        rows += [f"prompts, {shots}-shot: {came[str(shots)]}" for shots in SHOTS if str(shots) in came]
        makes.update(rows)
        configurations.update(dict.fromkeys(rows, count))
    order = ("opened", "prompts", "refused", "its code does not run here", "not stood in")
    lines = [
        f"lm-evaluation-harness {metadata.version('lm_eval')}: {len(found):,} makes of "
        f"{sum(count for _, count, _ in found):,} configurations.",
        "",
        "| | makes | configurations |",
        "|---|---|---|",
    ]
    for start in order:
        names = sorted((n for n in makes if n.startswith(start)), key=lambda n: (n != start, n))
        lines += [f"| {name} | {makes[name]:,} | {configurations[name]:,} |" for name in names]
    return "\n".join(lines)


def reason(sentence: str) -> str:
    """The kind of a refusal: its words without the task's name and values."""
    return re.sub(r"^\S+:? |'[^']*'|\d+", "", sentence).strip().rstrip(".")[:90]


def _missing(told: list[dict[str, Any]]) -> str | None:
    """The column that the task's code did not find; None where it ran, or failed for another reason."""
    if not told or "error" not in told[-1]:
        return None
    return next((match[1] for one in _MISSES if (match := one.search(told[-1]["error"]))), None)


def _prompts(task: TaskSet, path: Path, splits: Rows, shots: int) -> str:
    try:
        own = ours(task, shots)
    except StudioError:
        return "refused with the reason"
    try:
        other = theirs(path, splits, shots)
    except Exception as error:  # what the harness cannot draw either
        return f"the harness fails ({type(error).__name__})"
    if own == other:
        return "equal"
    again = theirs(path, splits, shots, seeded=False)
    return "different" if again == other else "the harness shuffles choices whenever it is asked for them"


def main() -> int:
    """Print what opened and what did not; exit status 1 where a prompt is another or something crashed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every Nth YAML (default: all)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--write", action="store_true", help="put the table into docs/studies/interop.md")
    options = parser.parse_args()
    found = list(sweep(options.every))
    if options.write:
        study_pages.put("interop", "built", table(found))
    if options.json:
        json.dump(found, sys.stdout, ensure_ascii=False, indent=1)
    else:
        print(table(found))
        for path, _, came in found:
            if came["how"] != "opened" or "different" in came.values():
                print(f"  {path}: {came['why'] or 'prompts differ'}"[:240])
    return int(any("different" in came.values() for *_, came in found))


if __name__ == "__main__":
    sys.exit(main())
