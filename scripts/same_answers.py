"""Whether two checkouts of the studio give the same answers on the command line, byte for byte.

    python -m scripts.same_answers OLD NEW [--python PY] [--sets ladder_science] [--keep FOLDER]

The commands of `same_commands` run in both checkouts, each in an empty home of its own. What they print and the
files that they write are compared but for the times, versions and paths that `same_bytes` names. Prints a table
and the first difference of each command that has one; exit 1 where there is any. With --keep the answers of a
clean checkout stay in FOLDER under its commit, and are used again.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from scripts.same_bytes import difference, told
from scripts.same_commands import SETS, Asked, asked, make_given

LIMIT_S = 1800
SAME = (ANSWER, REFUSAL) = ("same", "same refusal")
Verdicts = Mapping[Asked, str]  # one of SAME, or what is different

Checkout = Annotated[Path, typer.Argument(exists=True, file_okay=False, help="A checkout of the repository.")]


def main(
    old: Checkout,
    new: Checkout,
    python: Annotated[str, typer.Option(help="The interpreter that runs both.")] = sys.executable,
    sets: Annotated[
        list[str] | None, typer.Option(help="Which sets; may be repeated (default: both).")
    ] = None,
    keep: Annotated[Path | None, typer.Option(help="Keep answers here, by commit, for a later run.")] = None,
) -> None:
    """Ask both, compare, print; exit 1 where an answer differs."""
    wanted = asked(sets or SETS)
    with tempfile.TemporaryDirectory(prefix="e2lm-same-") as made:
        kept = (keep or Path(made)).resolve()
        with ThreadPoolExecutor() as both:
            asking = [
                both.submit(answers, checkout.resolve(), wanted, python, kept / side)
                for side, checkout in (("old", old), ("new", new))
            ]
        places = [one.result() for one in asking]
        verdicts = {one: verdict(one, *places) for one in wanted}
    show(verdicts)
    sys.exit(0 if set(verdicts.values()) <= set(SAME) else 1)


# --- asking -----------------------------------------------------------------------------------------------


def answers(checkout: Path, wanted: list[Asked], python: str, folder: Path) -> Path:
    """The folder of a checkout's answers: one that is kept, or a new one below `folder`."""
    commit = _git(checkout, "rev-parse", "HEAD")
    clean = not _git(checkout, "status", "--porcelain")
    place = folder / (commit if clean else f"{commit}-edited")
    names = [one.folder for one in wanted]
    done = place / "done.json"
    if clean and done.exists() and set(names) <= set(json.loads(done.read_text())):
        typer.echo(f"{checkout}: the answers that are kept of {commit[:7]}", err=True)
        return place
    shutil.rmtree(place, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="e2lm-same-") as made:
        _ask_all(checkout, wanted, python, place, Path(made).resolve())
    done.write_text(json.dumps(names))
    return place


def _ask_all(checkout: Path, wanted: list[Asked], python: str, place: Path, home: Path) -> None:
    make_given(home / "given")
    (home / "written").mkdir()
    place.mkdir(parents=True)
    (place / "places.json").write_text(json.dumps({"CHECKOUT": str(checkout), "HOME": str(home)}))
    for number, one in enumerate(wanted, start=1):
        started = time.perf_counter()
        _ask(checkout, one, python, place / one.folder, home)
        seconds = time.perf_counter() - started
        typer.echo(
            f"{checkout.name} {number}/{len(wanted)} {seconds:5.1f} s  {shlex.join(one.arguments)}", err=True
        )


def _ask(checkout: Path, one: Asked, python: str, place: Path, home: Path) -> None:
    written = home / "written"
    written.mkdir()
    arguments = [argument.replace("{home}", str(home)) for argument in one.arguments]
    env = {name: value for name, value in os.environ.items() if not name.startswith("E2LM_")}
    run = subprocess.run(
        [python, "-m", "e2lm_core", *arguments],
        cwd=checkout,
        env=env | {"E2LM_HOME": str(home), "E2LM_DEVICE": "cpu", "E2LM_SHIPPED": "0"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LIMIT_S,
    )
    shutil.move(written, place)
    (place / "stdout").write_bytes(run.stdout)
    if run.returncode:  # 2 is the studio's own, with its sentence
        findings = (
            "findings" if run.returncode == 1 and run.stdout else "failure"
        )  # of `check`, with its answer
        name = "refusal" if run.returncode == 2 else findings
        (place / name).write_bytes(f"exit {run.returncode}\n".encode() + run.stderr)


def _git(checkout: Path, *arguments: str) -> str:
    run = subprocess.run(["git", "-C", str(checkout), *arguments], capture_output=True, text=True, check=True)
    return run.stdout.strip()


# --- comparing ------------------------------------------------------------------------------------------


def verdict(one: Asked, old: Path, new: Path) -> str:
    """One of SAME, or what is different in the two checkouts' answers to a command."""
    folders = {"old": old / one.folder, "new": new / one.folder}
    for name, folder in folders.items():
        if (folder / "failure").exists():
            return f"{name} failed: {_last_line(folder / 'failure')}"
    files = [sorted(file.name for file in folder.iterdir()) for folder in folders.values()]
    if files[0] != files[1]:
        return told("the files", *files)
    places = (_places(old), _places(new))
    # What was printed first: a path in JSON says more than a line of a page.
    for name in sorted(files[0], key=lambda file: file != "stdout"):
        raw = [(folder / name).read_bytes() for folder in folders.values()]
        if found := difference(one.arguments[0], raw[0], raw[1], places):
            return f"{name}: {found}"
    return REFUSAL if "refusal" in files[0] else ANSWER


def _last_line(file: Path) -> str:
    return file.read_text(errors="replace").strip().splitlines()[-1]


def _places(place: Path) -> dict[str, str]:
    return json.loads((place / "places.json").read_text())


def show(verdicts: Verdicts) -> None:
    """A row a command, a column a set; then what is different."""
    console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 160)
    console.print(table(verdicts))
    different = {one: found for one, found in verdicts.items() if found not in SAME}
    for one, found in different.items():
        console.print(f"\n{shlex.join(one.arguments)}\n  {found}", soft_wrap=True)
    console.print(f"\n{len(verdicts) - len(different)} of {len(verdicts)} commands: the same answers.")


def table(verdicts: Verdicts) -> Table:
    """`same` or `different` for every command and set; the first column is of commands about no set."""
    words = {(o.line, o.of): found if found in SAME else "different" for o, found in verdicts.items()}
    sets = list(dict.fromkeys(of for _, of in words))
    shown = Table("command", *(of or "of no set" for of in sets), box=None, pad_edge=False)
    for line in dict.fromkeys(line for line, _ in words):
        shown.add_row(line, *(words.get((line, of), "") for of in sets))
    return shown


if __name__ == "__main__":
    typer.run(main)
