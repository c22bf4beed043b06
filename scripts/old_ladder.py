"""List what still names a figure of an earlier ladder: `python -m scripts.old_ladder [--commit COMMIT]`.

    certain   a question, an id, a number of parameters, facts, questions or checkpoints of the ladder at COMMIT that the
              ladder here has no more
    to read   a line that speaks of the ladder, holds a decimal and is as it was at COMMIT

COMMIT is the last one before ladder/manifest.json was written anew; recorded files of other programs are left out. Ends with 1
where something certain is left.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from e2lm_core.base.settings import ROOT

SETS = ("ladder_science", "ladder_general")
TEXT = (".md", ".py", ".toml", ".yaml", ".yml", ".json", ".txt", ".html", ".js", ".css")
LEFT_OUT = (
    "ladder/",
    "tasks/",
    "CHANGELOG.md",
    "scripts/old_ladder.py",
    "tests/scripts/test_old_ladder.py",
    "tests/benchmarks/interop/written/",
)
ABOUT = re.compile(r"ladder|embedded model|built-in model|mini model", re.IGNORECASE)
DECIMAL = re.compile(r"(?<![\w.])0?\.\d{2,}\b")


def main(
    commit: Annotated[
        str, typer.Option(help="The old ladder's commit; the last before its manifest changed when left out.")
    ] = "",
) -> None:
    """Print `file:line: what`, first what is certain, then lines to read."""
    before = commit or _before_last_change()
    found = {"certain": 0, "to read": 0}
    patterns = old_names(before)
    lines = list(_lines())
    for path, number, line in lines:
        for name in sorted(name for name, pattern in patterns.items() if pattern.search(line)):
            found["certain"] += 1
            typer.echo(f"{path}:{number}: {name}")
    unchanged = {path: _old_lines(before, path) for path in {path for path, *_ in lines}}
    for path, number, line in lines:
        if ABOUT.search(line) and DECIMAL.search(line) and line in unchanged[path]:
            found["to read"] += 1
            typer.echo(f"{path}:{number}: to read: {line.strip()[:160]}")
    typer.echo(f"{found['certain']} certain, {found['to read']} to read, against {before}")
    raise typer.Exit(bool(found["certain"]))


def old_names(commit: str) -> dict[str, re.Pattern[str]]:
    """{what it is: how it is found} of everything that the ladder at the commit had and this one has not."""
    old, new = _named(lambda path: _git("show", f"{commit}:{path}")), _named(_here)
    return {
        name: re.compile(rf"(?<![\w,.-]){re.escape(text)}(?![\w-])")
        for name, text in old.items()
        if text not in new.values()
    }


def _named(read: Any) -> dict[str, str]:
    names: dict[str, str] = {}
    for task in SETS:
        rows = [json.loads(line) for part in ("test", "dev") for line in _rows(read, task, part)]
        names |= {f"the id {row['id']}": row["id"] for row in rows}
        names |= {f"the question of {row['id']}": row["question"] for row in rows}
        names[f"the size of {task}"] = f"{len(list(_rows(read, task, 'test')))} questions"
    manifest = json.loads(read("ladder/manifest.json"))
    for model in manifest["models"]:
        names[f"the parameters of {model['name']}"] = f"{model['parameters']:,}"
    checkpoints = [c for model in manifest["models"] for c in model["checkpoints"] if not c.get("extra")]
    names["the number of checkpoints"] = f"{len(checkpoints)} checkpoints"
    domains = [fact["domain"] for fact in json.loads(read("ladder/facts.json"))["facts"]]
    for domain in sorted(set(domains)):
        names[f"the number of {domain} facts"] = f"{domains.count(domain)} {domain} facts"
        names[f"the number of facts, {domain}"] = f"{domains.count(domain)} facts"
    return names


def _rows(read: Any, task: str, part: str) -> Iterator[str]:
    yield from read(f"tasks/{task}/{part}.jsonl").splitlines()


def _here(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def _lines() -> Iterator[tuple[str, int, str]]:
    for path in _git("ls-files").splitlines():
        if path.endswith(TEXT) and not path.startswith(LEFT_OUT) and (ROOT / path).is_file():
            for number, line in enumerate(_here(path).splitlines(), start=1):
                yield path, number, line


def _old_lines(commit: str, path: str) -> set[str]:
    there = subprocess.run(
        ["git", "show", f"{commit}:{path}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return set(there.stdout.splitlines())


def _before_last_change() -> str:
    changed = _git("log", "--format=%H", "-2", "--", "ladder/manifest.json").split()
    return changed[1]


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    typer.run(main)
