"""Ten thousand questions in and out of every format, and their results: seconds and memory of each command.

`python -m benchmarks.interop.many [--questions N] [--write]`: each path is the command itself in a process of its own, over a
home that is thrown away; memory is that of all its processes together, looked at twenty times a second.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from benchmarks import study_pages
from e2lm_core.base.records import Question
from e2lm_core.sets.formats import writing

LOOKS_A_SECOND = 20
CHECKPOINTS = 3
KINDS = ("jsonl", "csv", "xlsx", "gift", "aiken", "qti")
MOST_MB = 1_500
WORDS = (
    "iron",
    "gold",
    "tin",
    "acid",
    "base",
    "salt",
    "cell",
    "gene",
    "wave",
    "field",
    "force",
    "mass",
    "star",
    "moon",
)


def questions(count: int) -> list[Question]:
    """Questions of about the length of MMLU's, no two alike."""
    draw = random.Random(1)
    found = []
    for number in range(count):
        words = " ".join(draw.choices(WORDS, k=40))
        choices = tuple(f"{' '.join(draw.choices(WORDS, k=5))} {number}.{k}" for k in range(4))
        found.append(
            Question(id=f"q{number}", question=f"{words} {number}?", choices=choices, answer=number % 4)
        )
    return found


def results(folder: Path, asked: list[Question], likelihoods: random.Random) -> None:
    """What lm_eval --log_samples would write of a few checkpoints."""
    for number in range(CHECKPOINTS):
        date = f"2026-01-0{number + 1}T00-00-00.000000"
        rows, right = [], 0
        for place, q in enumerate(asked):
            lls = [round(likelihoods.uniform(-60, -20), 6) for _ in q.choices]
            right += lls.index(max(lls)) == q.answer
            rows.append(
                {
                    "doc_id": place,
                    "doc": {"id": q.id},
                    "target": str(q.answer),
                    "arguments": {
                        f"gen_args_{k}": {"arg_0": q.question, "arg_1": f" {c}"}
                        for k, c in enumerate(q.choices)
                    },
                    "filtered_resps": [[str(ll), "False"] for ll in lls],
                    "filter": "none",
                }
            )
        content = {
            "results": {"many": {"acc,none": right / len(asked)}},
            "configs": {"many": {"target_delimiter": " "}},
            "n-shot": {"many": 0},
            "n-samples": {"many": {"effective": len(asked)}},
            "config": {"model_args": f"pretrained=EleutherAI/pythia-70m,revision=step{number + 1}000"},
        }
        (folder / f"results_{date}.json").write_text(json.dumps(content))
        (folder / f"samples_many_{date}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def measured(words: list[str], variables: dict[str, str]) -> tuple[float, float, int]:
    """(seconds, most MB of all its processes, exit status) of a command."""
    began, most = time.monotonic(), 0
    running = subprocess.Popen(
        [sys.executable, "-m", "e2lm_core", *words],
        env=variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    root = psutil.Process(running.pid)
    while running.poll() is None:
        held = 0
        try:
            for process in [root, *root.children(recursive=True)]:
                held += process.memory_info().rss
        except psutil.NoSuchProcess:
            pass
        most = max(most, held)
        time.sleep(1 / LOOKS_A_SECOND)
    return time.monotonic() - began, most / 2**20, running.returncode


def paths(count: int, folder: Path) -> Iterator[tuple[str, float, float, int]]:
    """Every path with its seconds, MB and exit status, as it ends."""
    variables = {**os.environ, "E2LM_HOME": str(folder / "home")}
    asked = questions(count)
    for kind in KINDS:
        form = writing.FORMS[kind]
        file = folder / f"many_{kind}{form.end}"
        file.write_bytes(writing.file_of(asked, kind))
        command = ["import", str(file), "--name", f"from_{kind}", "--format", kind]
        yield (f"import, {kind}", *measured(command, variables))
        out = folder / f"out_{kind}{form.end}"
        yield (
            f"export, {kind}",
            *measured(
                ["export", "from_jsonl", "--as", kind, "--out", str(out)],
                variables,
            ),
        )
    bundle = folder / "many.zip"
    yield ("export, bundle", *measured(["export", "from_jsonl", "--out", str(bundle)], variables))
    yield ("import, bundle", *measured(["import", str(bundle), "--name", "from_bundle"], variables))
    yield (
        "export, patch",
        *measured(["export", "from_jsonl", "--as", "patch", "--out", str(folder / "s.zip")], variables),
    )
    place = folder / "results"
    place.mkdir()
    results(place, asked, random.Random(2))
    yield (
        f"import-results, {CHECKPOINTS} checkpoints with samples",
        *measured(["import-results", str(place)], variables),
    )


def main() -> int:
    """Print each path as it ends; exit status 1 where one failed or took more memory than it may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--questions", type=int, default=10_000, metavar="N", help="how many (default: 10,000)"
    )
    parser.add_argument("--write", action="store_true", help="put the table into docs/studies/interop.md")
    given = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(prefix="e2lm-many-") as folder:
        for row in paths(given.questions, Path(folder)):
            rows.append(row)
            print(
                f"{row[0]:50} {row[1]:7.1f} s {row[2]:7.0f} MB  {'' if not row[3] else f'exit {row[3]}'}",
                flush=True,
            )
    lines = [f"{given.questions:,} questions.", "", "| path | seconds | MB |", "|---|---|---|"]
    lines += [f"| {name} | {seconds:.1f} | {mb:.0f} |" for name, seconds, mb, _ in rows]
    if given.write:
        study_pages.put("interop", "many", "\n".join(lines))
    return int(any(code or mb > MOST_MB for *_, mb, code in rows))


if __name__ == "__main__":
    sys.exit(main())
