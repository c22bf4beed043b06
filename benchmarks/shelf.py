"""Compare every figure on the shelf with its source, through a reader that shares nothing with the shelf's writer.

python -m benchmarks.shelf E2LM.git PYTHIA.git     # git directories of e2lmc/e2lmc.github.io and EleutherAI/pythia

The sources are read as `git archive` gives them at the commits that the shelf names, and numbers are kept as the text
that stands there. Exits 1 at a figure that is missing, too many or another one. The digest is that of
`tests/imported/shelf/test_library.py`, so that a checkout without the sources holds to them too.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from e2lm_core.imported.shelf import library


class Key(NamedTuple):
    """Identity of a figure: of which source, benchmark, few-shot count, model, step and column."""

    source: str
    benchmark: str
    shots: str
    model: str
    step: int
    column: str


def e2lm_figures(git: Path, commit: str) -> Iterator[tuple[Key, str]]:
    """Figures of the competition's file, as text."""
    ((_, text),) = archive(git, commit, "assets/data/plot-data-combined-all.json")
    for model, columns in json.loads(text, parse_float=str, parse_int=str)["data"].items():
        for name, column in columns.items():
            if name in ("iteration", "experiment", "model_type"):
                continue
            for step, figure in zip(columns["iteration"], column, strict=True):
                benchmark, of = ("", "gtokens") if name == "gtokens" else (name, "score")
                yield Key("e2lm", benchmark, "", model, int(step), of), figure


def pythia_figures(git: Path, commit: str) -> Iterator[tuple[Key, str]]:
    """Figures of Pythia's results that the shelf promises, as text."""
    for path, text in archive(git, commit, "evals/pythia-v1"):
        parts = path.split("/")
        if len(parts) != 5 or parts[3] not in ("zero-shot", "five-shot") or parts[2].endswith("BS"):
            continue
        step = int(parts[4].removesuffix(".json").rpartition("step")[2])
        shots = {"zero-shot": "0", "five-shot": "5"}[parts[3]]
        for task, columns in json.loads(text, parse_float=str, parse_int=str)["results"].items():
            if not task.startswith("crows_pairs"):
                for column, figure in columns.items():
                    yield Key("pythia", task, shots, parts[2], step, column), figure


def shelf_figures() -> Iterator[tuple[Key, str]]:
    """Figures of the shelf, each as the shortest text that gives the same float64."""
    seen = set()
    for shelved in library.benchmarks():
        if shelved.parts:  # worked out of others
            continue
        source, of = shelved.source.key, shelved.benchmark
        shots = "" if of.num_fewshot is None else str(of.num_fewshot)
        for axis in shelved.file.header.axes_of(of):
            for step, billions in zip(axis.steps, axis.gtokens, strict=False):
                key = Key(source, "", "", axis.model.name, step, "gtokens")
                if key not in seen:
                    seen.add(key)
                    yield key, repr(billions)
        for curve in library.open_curves(shelved):
            for column, values in ((curve.metric, curve.scores), (f"{curve.metric}_stderr", curve.stderr)):
                for step, value in zip(curve.steps, values, strict=False):
                    yield Key(source, of.name, shots, curve.model.name, step, column), repr(value)


def digest(figures: dict[Key, str]) -> str:
    """SHA-256 of all figures, in order."""
    lines = sorted("\t".join(map(str, (*key, figure))) for key, figure in figures.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def archive(git: Path, commit: str, path: str) -> Iterator[tuple[str, str]]:
    """Paths and texts of the JSON files below a path at a commit."""
    call = ["git", "--git-dir", str(git), "archive", "--format=tar", commit, path]
    packed = subprocess.run(call, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as files:
        for member in files:
            if member.name.endswith(".json") and (file := files.extractfile(member)) is not None:
                yield member.name, file.read().decode()


def main() -> None:
    """Read both, compare and say what differs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shelf", description=__doc__)
    parser.add_argument("e2lm", type=Path, help="git directory of e2lmc/e2lmc.github.io")
    parser.add_argument("pythia", type=Path, help="git directory of EleutherAI/pythia")
    given = parser.parse_args()
    commits = {source.key: source.commit for source in library.sources()}
    read = [*e2lm_figures(given.e2lm, commits["e2lm"]), *pythia_figures(given.pythia, commits["pythia"])]
    kept = list(shelf_figures())
    theirs, ours = dict(read), dict(kept)
    twice = len(read) - len(theirs) + len(kept) - len(ours)
    other = [key for key in theirs.keys() & ours.keys() if float(theirs[key]) != float(ours[key])]
    spelt = sum(theirs[key] != ours[key] for key in theirs.keys() & ours.keys()) - len(other)
    missing, more = theirs.keys() - ours.keys(), ours.keys() - theirs.keys()
    print(f"{len(theirs):,} figures in the sources, {len(ours):,} on the shelf; {twice} twice.")
    print(
        f"{len(other)} differ, {len(missing)} missing, {len(more)} too many; {spelt} equal but written otherwise."
    )
    print(f"digest {digest(ours)}")
    if other or missing or more or twice:
        print(*[*other[:5], *sorted(missing)[:5], *sorted(more)[:5]], sep="\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
