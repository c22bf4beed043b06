"""Prompts of the harness's own tasks, ours beside those that it builds itself, document for document.

`python -m benchmarks.interop.prompts [--tasks N] [--json] [--write]`: tasks of as many folders as there are, with rows that stand
in for their data sets, read by the studio and built by the installed lm-evaluation-harness: contexts, continuations
and gold, 0-, 2- and 5-shot. A task is equal, or refused with a reason; anything else is a defect.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any

from benchmarks import study_pages
from benchmarks.interop.census import reason_of
from benchmarks.interop.tree import Given, multiple_choice, sameness, stand_ins, the_tree
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import TaskSet
from e2lm_core.base.settings import Limits
from e2lm_core.sets.folder.files import Folder, read_files
from e2lm_core.sets.folder.foreign import builder
from e2lm_core.sets.prompts.render import render_set

SHOTS = (0, 2, 5)
# The competition's winners come first: each in their own folder.
FIRST = (
    "e2lmc/mmlu_early_training/mmlu_early_training.yaml",
    "e2lmc/noor/noor_college_physics.yaml",
    "e2lmc/sciknoweval_mcqa",
    "arc/arc_easy.yaml",
    "hellaswag/hellaswag.yaml",
    "piqa/piqa.yaml",
    "super_glue/boolq/default.yaml",
    "super_glue/copa/default.yaml",
    "glue/rte/default.yaml",
    "truthfulqa/truthfulqa_mc1.yaml",
    "headqa/headqa_en.yaml",
    "qa4mre/qa4mre_2011.yaml",
    "mmlu/default/mmlu_anatomy.yaml",
    "race/race.yaml",
)
# Of every document what is asked, (context, continuation) a choice, and the gold.
Prompts = list[tuple[tuple[tuple[str, str], ...], int]]


def theirs(
    path: Path, splits: Mapping[str, list[dict[str, Any]]], shots: int, seeded: bool = True
) -> Prompts:
    """What the harness asks for every document of a task, whose rows are given. Raises what the harness raises."""
    import datasets

    made, every = {}, [row for rows in splits.values() for row in rows]
    names = list(dict.fromkeys(name for row in every for name in row))
    full = [{name: row.get(name) for name in names} for row in every]
    features = datasets.Dataset.from_list(full).features
    at = 0
    for split, rows in splits.items():
        made[split] = datasets.Dataset.from_list(full[at : at + len(rows)], features=features)
        at += len(rows)
    kept, datasets.load_dataset = datasets.load_dataset, lambda *_, **__: made
    if seeded:
        builder.seed()
    try:
        (task,) = builder.tasks_of(str(path))
    finally:
        datasets.load_dataset = kept
    task.set_config(key="num_fewshot", value=shots)
    task.set_fewshot_seed(seed=1234)
    task.build_all_requests(limit=None, rank=0, world_size=1)
    asked: dict[int, tuple[Any, list[tuple[str, str]]]] = {}
    for instance in task.instances:
        asked.setdefault(instance.doc_id, (instance.doc, []))[1].append(instance.args)
    prompts: Prompts = []
    for doc, requests in asked.values():
        target = task.doc_to_text(doc) if task.multiple_input else task.doc_to_target(doc)
        gold = task.doc_to_choice(doc).index(target) if isinstance(target, str) else int(target)
        prompts.append((tuple(requests), gold))
    return prompts


def ours(task: TaskSet, shots: int) -> Prompts:
    """What the studio asks for every question of a set. Raises StudioError where it cannot."""
    return [(doc.requests, doc.gold) for doc in render_set(task, shots)]


def compared(tree: Folder, path: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    """One task at 0, 2 and 5 shots: equal, refused with the reason, different, or what the harness said."""
    files = stand_ins(tree, path, raw)
    rows = {
        PurePosixPath(name).stem: [json.loads(line) for line in data.decode().split("\n") if line]
        for name, data in files.items()
    }
    found: dict[str, Any] = {"task": path}
    try:
        task = read_files(Given(tree, files), "x", Limits(), yamls=[path]).task
    except StudioError as error:
        return found | {str(shots): f"refused: {error}" for shots in SHOTS}
    for shots in SHOTS:
        try:
            own: Prompts | str = ours(task, shots)
        except StudioError as error:
            own = f"refused: {error}"
        try:
            other: Prompts | str = theirs(tree.root / path, rows, shots)
        except Exception as error:  # what the harness cannot build either
            other = f"the harness: {type(error).__name__}: {error}"[:200]
        if isinstance(own, str):
            found[str(shots)] = own
        elif isinstance(other, str):
            found[str(shots)] = other
        else:
            differ = sum(a != b for a, b in zip(own, other, strict=False)) + abs(len(own) - len(other))
            found[str(shots)] = "equal" if not differ else f"different: {differ} of {len(other)} documents"
    return found


def chosen(tree: Folder, most: int) -> list[tuple[str, dict[str, Any]]]:
    """The first task of each folder, then a second of another make, and so on, to as many as are wanted."""
    paths = tree.below(".")
    first = [path for wish in FIRST for path in [p for p in paths if p.startswith(wish)][:1]]
    by_folder: dict[str, list[str]] = {}
    for path in paths:
        by_folder.setdefault(PurePosixPath(path).parts[0], []).append(path)
    found = list(multiple_choice(tree, first))
    seen = {sameness(tree, path, raw) for path, raw in found}
    turns = [iter(list(multiple_choice(tree, by_folder[folder][:40]))) for folder in sorted(by_folder)]
    while turns and len(found) < most:
        for turn in list(turns):
            one = next((o for o in turn if sameness(tree, *o) not in seen), None)
            if one is None:
                turns.remove(turn)
            elif len(found) < most:
                seen.add(sameness(tree, *one))
                found.append(one)
    return found


def study(most: int, also: Path | None = None) -> dict[str, Any]:
    """How many of the tasks are equal at each number of examples, refused, or differ; and every task's own lines.

    `also` is a folder with tasks of somebody else's, of which as many are taken.
    """
    trees = [the_tree(), *([Folder(also.resolve(), Limits())] if also else [])]
    tasks = [compared(tree, path, raw) for tree in trees for path, raw in chosen(tree, most)]
    counts = {
        str(shots): {
            how: sum(task[str(shots)].startswith(how) for task in tasks)
            for how in ("equal", "refused", "different", "the harness")
        }
        for shots in SHOTS
    }
    return {
        "tasks": len(tasks),
        "folders": len({task["task"].partition("/")[0] for task in tasks}),
        "counts": counts,
        "read": tasks,
    }


def table(found: dict[str, Any]) -> str:
    """The counts as Markdown, and what was refused with its reason."""
    lines = [
        f"lm-evaluation-harness {metadata.version('lm_eval')}: {found['tasks']} tasks of {found['folders']} folders.",
        "",
        "| examples | equal | refused with the reason | different | the harness builds none |",
        "|---|---|---|---|---|",
    ]
    for shots, counts in found["counts"].items():
        lines.append(
            f"| {shots} | {counts['equal']} | {counts['refused']} | {counts['different']} | {counts['the harness']} |"
        )
    reasons = Counter(
        reason_of(task[shots].removeprefix("refused: "))
        for task in found["read"]
        for shots in map(str, SHOTS)
        if task[shots].startswith("refused")
    )
    lines += ["", "| refused | at so many numbers of examples |", "|---|---|"]
    lines += [f"| {reason} | {number} |" for reason, number in reasons.most_common()]
    same = sorted(task["task"] for task in found["read"] if all(task[str(k)] == "equal" for k in SHOTS))
    return "\n".join([*lines, "", f"Equal at each: {', '.join(same)}."])


def main() -> None:
    """Prints the study."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--tasks", type=int, default=200, metavar="N", help="how many tasks (default: 200)")
    parser.add_argument("--also", type=Path, metavar="DIR", help="tasks there as well, such as mmlu_var's")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--write", action="store_true", help="put the table into docs/studies/interop.md")
    options = parser.parse_args()
    found = study(options.tasks, options.also)
    if options.write:
        study_pages.put("interop", "prompts", table(found))
    if options.json:
        json.dump(found, sys.stdout, ensure_ascii=False, indent=1)
        print()
        return
    print(f"{found['tasks']} tasks of {found['folders']} folders")
    for shots, counts in found["counts"].items():
        print(f"{shots}-shot  " + ", ".join(f"{how} {number}" for how, number in counts.items()))
    for task in found["read"]:
        for shots in map(str, SHOTS):
            if not task[shots].startswith("equal"):
                print(f"  {task['task']} {shots}-shot: {task[shots][:200]}")
                break
    if any(counts["different"] for counts in found["counts"].values()):
        raise SystemExit("Some prompts differ.")


if __name__ == "__main__":
    main()
