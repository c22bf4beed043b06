"""Ten thousand questions in and out of every format, and their results: seconds and memory of each command.

`python -m benchmarks.interop.many [--questions N] [--write]`: each path is the command itself in a process of its own, over a
home that is thrown away; memory is that of all its processes together, looked at twenty times a second.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psutil
import pyarrow as arrow
import pyarrow.parquet as parquet

from benchmarks import study_pages
from e2lm_core.base.records import Question
from e2lm_core.sets.formats import writing

LOOKS_A_SECOND = 20
CHECKPOINTS = 3
CHECKPOINT = "ladder-small-arch1/*2000"  # the last of the smallest embedded model
# Read and not written: the ends of their names.
OTHERS = {"tsv": "tsv", "json": "json", "parquet": "parquet", "moodle": "xml", "markdown": "md"}
KINDS = ("jsonl", "csv", "xlsx", "gift", "aiken", "qti")
MAX_MB = 1_500
MAX_SILENT_S = 4.0  # Python and the imports take the first of it
_IS_PROGRESS = re.compile(r": \d+%| … about ")
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


class Measured(NamedTuple):
    """What a command took: seconds, the most MB of all its processes, its exit status, and how often it said how far it is."""

    seconds: float
    mb: float
    status: int
    told: int

    @property
    def is_silent(self) -> bool:
        """Whether it took longer than `telling` allows without a word."""
        return self.seconds > MAX_SILENT_S and not self.told

    def __str__(self) -> str:
        wrong = f"exit {self.status}" if self.status else "silent" if self.is_silent else ""
        return f"{self.seconds:7.1f} s {self.mb:7.0f} MB {self.told:4} lines  {wrong}"


def measured(words: list[str], variables: dict[str, str]) -> Measured:
    """Run a command and look at its processes meanwhile."""
    began, most = time.monotonic(), 0
    with tempfile.TemporaryFile("w+") as said:
        running = subprocess.Popen(
            [sys.executable, "-m", "e2lm_core", *words], env=variables, stdout=subprocess.DEVNULL, stderr=said
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
        seconds = time.monotonic() - began
        said.seek(0)
        told = sum(_IS_PROGRESS.search(line) is not None for line in said)
    return Measured(seconds, most / 2**20, running.returncode, told)


def others(asked: list[Question], folder: Path) -> dict[str, Path]:
    """The questions in the formats that are read and not written, by format."""
    rows = [
        {"id": q.id, "question": q.question, "choices": list(q.choices), "answer": q.answer} for q in asked
    ]
    listed = [
        f"{q.question}\n\n"
        + "".join(f"- [{'x' if k == q.answer else ' '}] {c}\n" for k, c in enumerate(q.choices))
        for q in asked
    ]
    moodle = [
        f'<question type="multichoice"><name><text>{q.id}</text></name><questiontext format="html"><text>{q.question}'
        "</text></questiontext><single>true</single>"
        + "".join(
            f'<answer fraction="{100 * (k == q.answer)}"><text>{c}</text></answer>'
            for k, c in enumerate(q.choices)
        )
        + "</question>"
        for q in asked
    ]
    made = {kind: folder / f"others.{end}" for kind, end in OTHERS.items()}
    made["json"].write_text(json.dumps(rows))
    parquet.write_table(arrow.Table.from_pylist(rows), made["parquet"])
    made["moodle"].write_text(f"<quiz>{''.join(moodle)}</quiz>")
    made["markdown"].write_text("\n".join(listed))
    head = "\t".join(["id", "question", *(f"choice_{k}" for k in range(1, 5)), "answer"])
    lines = ["\t".join([q.id, q.question, *q.choices, "ABCD"[q.answer]]) for q in asked]
    made["tsv"].write_text("\n".join([head, *lines]) + "\n")
    return made


def guest(asked: list[Question], folder: Path) -> Path:
    """A task of the harness's kind with columns of its own, its rows beside it."""
    folder.mkdir()
    keys = {
        "task": "guest",
        "dataset_path": "somebody/guest",
        "output_type": "multiple_choice",
        "test_split": "test",
        "doc_to_text": "{{prompt}} =",
        "doc_to_choice": "{{[one, two, three, four]}}",
        "doc_to_target": "{{['A', 'B', 'C', 'D'].index(key)}}",
    }
    names = ("one", "two", "three", "four")
    rows = [
        {"prompt": q.question, **dict(zip(names, q.choices, strict=True)), "key": "ABCD"[q.answer]}
        for q in asked
    ]
    (folder / "guest.yaml").write_text(json.dumps(keys))
    (folder / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder / "guest.yaml"


def paths(count: int, folder: Path) -> Iterator[tuple[str, Measured]]:
    """Every path with what it took, as it ends."""
    variables = {**os.environ, "E2LM_HOME": str(folder / "home")}
    asked = questions(count)
    for kind in KINDS:
        form = writing.FORMS[kind]
        file = folder / f"many_{kind}{form.end}"
        file.write_bytes(writing.write_questions(asked, kind))
        command = ["import", str(file), "--name", f"from_{kind}", "--format", kind]
        yield (f"import, {kind}", measured(command, variables))
        out = folder / f"out_{kind}{form.end}"
        yield (
            f"export, {kind}",
            measured(
                ["export", "from_jsonl", "--as", kind, "--out", str(out)],
                variables,
            ),
        )
    bundle = folder / "many.zip"
    yield ("export, bundle", measured(["export", "from_jsonl", "--out", str(bundle)], variables))
    yield ("import, bundle", measured(["import", str(bundle), "--name", "from_bundle"], variables))
    yield (
        "export, patch",
        measured(["export", "from_jsonl", "--as", "patch", "--out", str(folder / "s.zip")], variables),
    )
    yield (
        "export, for a pull request",
        measured(["export", "from_jsonl", "--as", "upstream", "--out", str(folder / "u.zip")], variables),
    )
    for kind, file in others(asked, folder).items():
        words = ["import", str(file), "--name", f"from_{kind}", "--format", kind]
        yield (f"import, {kind}", measured(words, variables))
    yaml = guest(asked, folder / "guest")
    yield ("import, a task of lm-eval's kind", measured(["import", str(yaml), "--name", "guest"], variables))
    words = ["import", str(yaml), "--name", "built", "--rows", str(yaml.parent), "--with-lm-eval"]
    yield ("import, built by lm-eval", measured(words, variables))
    evaluated = ["evaluate", "from_jsonl", "--checkpoints", CHECKPOINT]
    yield ("evaluate, one checkpoint", measured(evaluated, variables))
    for kind in ("lm-eval", "every-eval-ever"):
        words = ["results", "export", "from_jsonl", "--as", kind, "--checkpoints", CHECKPOINT]
        out = str(folder / f"results_{kind}.zip")
        yield (f"results export, {kind}", measured([*words, "--out", out], variables))
    place = folder / "results"
    place.mkdir()
    results(place, asked, random.Random(2))
    yield (
        f"import-results, {CHECKPOINTS} checkpoints with samples",
        measured(["import-results", str(place)], variables),
    )


def main() -> int:
    """Print each path as it ends; exit status 1 where one failed, was silent too long or took more memory than it may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--questions", type=int, default=10_000, metavar="N", help="how many (default: 10,000)"
    )
    parser.add_argument("--write", action="store_true", help="put the table into docs/studies/interop.md")
    given = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(prefix="e2lm-many-") as folder:
        for name, one in paths(given.questions, Path(folder)):
            rows.append((name, one))
            print(f"{name:50} {one}", flush=True)
    lines = [
        f"{given.questions:,} questions.",
        "",
        "| path | seconds | MB | lines of progress |",
        "|---|---|---|---|",
    ]
    lines += [f"| {name} | {one.seconds:.1f} | {one.mb:.0f} | {one.told} |" for name, one in rows]
    if given.write:
        study_pages.put("interop", "many", "\n".join(lines))
    return int(any(one.status or one.mb > MAX_MB or one.is_silent for _, one in rows))


if __name__ == "__main__":
    sys.exit(main())
