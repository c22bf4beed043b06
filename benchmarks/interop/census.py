"""Of every multiple-choice task of the installed lm-evaluation-harness: opened, refused in a sentence, or crashed.

`python -m benchmarks.interop.census [--every N] [--json] [--write]`: rows stand in for the data sets, in the columns that the
task's templates and functions ask for; a task counts as opened where its set is read and every prompt is rendered
0-shot, without lm_eval. Configurations of a folder that differ in names and data sets alone are tried once.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from importlib import metadata
from typing import Any

from benchmarks import study_pages
from benchmarks.interop.tree import Given, multiple_choice, sameness, stand_ins, the_tree
from e2lm_core.base.errors import StudioError
from e2lm_core.base.settings import Limits
from e2lm_core.base.untrusted.safeyaml import FunctionName
from e2lm_core.sets.folder.files import Folder, read_files
from e2lm_core.sets.prompts.render import render_set


def outcome(tree: Folder, path: str, raw: dict[str, Any]) -> tuple[str, str]:
    """(opened, refused or crashed, and the sentence) of one task with rows that stand in."""
    try:
        task = read_files(Given(tree, stand_ins(tree, path, raw)), "x", Limits(), yamls=[path]).task
        render_set(task, 0)
    except StudioError as error:
        return "refused", str(error)
    except Exception as error:
        return "crashed", f"{type(error).__name__}: {error}"
    return "opened", ""


def census(every: int = 1) -> dict[str, Any]:
    """The counts, the reasons of refusals with how many each, and the folders with most of them; `every` nth task."""
    tree = the_tree()
    known: dict[str, tuple[str, str]] = {}
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    folders: dict[str, Counter[str]] = {}
    said: dict[str, str] = {}
    crashed: list[str] = []
    functions: Counter[str] = Counter()
    for path, raw in multiple_choice(tree, tree.below(".")[::every]):
        key = sameness(tree, path, raw)
        if key not in known:
            known[key] = outcome(tree, path, raw)
        how, sentence = known[key]
        counts[how] += 1
        if how == "opened" and any(
            isinstance(raw.get(key), FunctionName)
            for key in ("process_docs", "doc_to_text", "doc_to_choice", "doc_to_target")
        ):
            functions["opened by a function of ours"] += 1
        folders.setdefault(path.partition("/")[0], Counter())[how] += 1
        if how == "refused":
            reasons[reason_of(sentence)] += 1
            said.setdefault(reason_of(sentence), sentence)
        elif how == "crashed":
            crashed.append(f"{path}: {sentence}")
    total = sum(counts.values())
    return {
        "configurations": total,
        "tried": len(known),
        "opened": counts["opened"],
        "opened_share": counts["opened"] / total if total else None,
        "opened_by_our_functions": functions["opened by a function of ours"],
        "refused": counts["refused"],
        "crashed": crashed,
        "reasons": dict(reasons.most_common()),
        "said": said,
        "folders_with_an_opened_task": sum(bool(found["opened"]) for found in folders.values()),
        "folders": len(folders),
    }


def reason_of(sentence: str) -> str:
    """The kind of a refusal: what it says without the names in it."""
    if match := re.search(r"(\w+) is !function", sentence):
        return f"{match[1]} is a function that nobody knows"
    if match := re.search(r"(\w+) changes prompts or scores by code", sentence):
        return f"{match[1]} changes prompts or scores"
    for part in (
        "names no data",
        "none of its",
        "doc_to_text",
        "doc_to_choice",
        "doc_to_target",
        "data_files",
    ):
        if part in sentence:
            return f"rows or templates: {part}"
    return re.sub(r"'[^']*'|\d+", "…", sentence)[:100]


def table(found: dict[str, Any]) -> str:
    """The counts and the reasons as Markdown."""
    lines = [
        f"lm-evaluation-harness {metadata.version('lm_eval')}: {found['configurations']:,} configurations in "
        f"{found['folders']} folders; {found['folders_with_an_opened_task']} folders have a task that opens.",
        "",
        "| | configurations | share |",
        "|---|---|---|",
    ]
    total = found["configurations"]
    rows = [
        ("opened", found["opened"]),
        ("of these by a function of ours that is known by its hash", found["opened_by_our_functions"]),
        ("refused in a sentence", found["refused"]),
        *((f"refused: {reason}", number) for reason, number in found["reasons"].items()),
        ("crashed", len(found["crashed"])),
    ]
    return "\n".join(lines + [f"| {name} | {number:,} | {number / total:.1%} |" for name, number in rows])


def main() -> None:
    """Prints the census."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every Nth YAML (default: all)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--write", action="store_true", help="put the table into docs/studies/interop.md")
    options = parser.parse_args()
    found = census(options.every)
    if options.write:
        study_pages.put("interop", "census", table(found))
    if options.json:
        json.dump(found, sys.stdout, ensure_ascii=False, indent=1)
        print()
        return
    print(f"{found['configurations']:,} configurations of multiple choice in {found['folders']} folders")
    print(
        f"opened   {found['opened']:,} ({found['opened_share']:.1%}), {found['opened_by_our_functions']:,} by functions of ours"
    )
    print(f"refused  {found['refused']:,}")
    for reason, number in found["reasons"].items():
        print(f"  {number:6,}  {reason}: {found['said'][reason][:160]}")
    print(f"crashed  {len(found['crashed'])}")
    for line in found["crashed"][:20]:
        print(f"  {line}")
    if found["crashed"]:
        raise SystemExit("Some tasks crashed.")


if __name__ == "__main__":
    main()
