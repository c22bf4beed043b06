"""One word of one question is edited: how long until it is on disk, and how much the set's history grows?

    python -m benchmarks.speed.saving [--questions 3000] [--questions 15000] [--edits 200] [--writers]

Sets of made-up words, some 650 bytes a question. Every edit is what a page does: `merge_edits` with what the
author saw, from the call to its return, when the set and its history are flushed to disk. `first` is the first
edit of a process that has not read the set yet, `after another` an edit that follows one of another process.
The history's bytes are those of all edits together, with what the first one adds, and `versions` are opened
after them. With --writers: four of them, two processes of two threads each, 200 edits each on one set, of
which every version is opened. Prints a table, writes JSON.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from e2lm_core.base.records import Question
from e2lm_core.base.settings import Settings
from e2lm_core.sets import authoring, collection, versions

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).resolve().parents[1] / "results"
SET = "saved"
GOALS_P95_S = {3_000: 0.1, 15_000: 0.3}
GOAL_BYTES_OF_1000 = 2_000_000
WRITERS, EDITS_OF_ONE = 4, 200


def main(
    questions: Annotated[list[int] | None, typer.Option(help="Sizes; 3,000 and 15,000 unless given.")] = None,
    edits: Annotated[int, typer.Option(min=20, help="Edits of each set.")] = 200,
    writers: Annotated[bool, typer.Option("--writers", help="Four writers of one set as well.")] = False,
) -> None:
    """Measure, print, write."""
    result: dict[str, Any] = {"cpus": os.cpu_count(), "load": [round(load, 2) for load in os.getloadavg()]}
    with tempfile.TemporaryDirectory() as made:
        result["sizes"] = [
            saved(Path(made) / str(size), size, edits) for size in questions or [3_000, 15_000]
        ]
        if writers:
            result["writers"] = written(Path(made) / "writers")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "saving.json").write_text(json.dumps(result, indent=2) + "\n")
    for row in [*result["sizes"], *([result["writers"]] if writers else [])]:
        print("\n".join(f"{name:>24}  {value:,}" for name, value in row.items()), end="\n\n")


def here(home: Path) -> Settings:
    """The settings of one who edits in this home."""
    return Settings(home=home, tasks=home / "none", ladder=home / "none", author="somebody")


def made_up(count: int) -> list[Question]:
    """Questions of random words, which no packing makes small."""
    rng = random.Random(7)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(3, 9))) for _ in range(20_000)]

    def text(length: int) -> str:
        return " ".join(rng.choices(words, k=length))

    return [
        Question(id=f"q{n}", question=f"{text(45)}?", choices=tuple(text(8) for _ in range(4)), answer=n % 4)
        for n in range(count)
    ]


def saved(home: Path, size: int, edits: int) -> dict[str, Any]:
    """Seconds of edits of a set of that size, and the bytes of its history."""
    settings = here(home)
    collection.create_set(settings, SET, made_up(size))
    first_s = float(elsewhere(home, 0))
    taken = [edit(settings, number) for number in range(1, edits)]
    after_another = []
    for number in range(edits, edits + 5):
        elsewhere(home, number)
        after_another.append(edit(settings, number + 100))
    kept = versions.list_versions(settings, SET)
    opened = [timed(lambda n=n: versions.open_version(settings, SET, n)) for n in (0, len(kept) // 2, 1)]
    bytes_now = sum(path.stat().st_size for path in (home / "history").rglob("*") if path.is_file())
    return {
        "questions": size,
        "set_bytes": (settings.sets / SET / "test.jsonl").stat().st_size,
        "edits": edits,
        "p50_s": round(float(np.quantile(taken, 0.5)), 4),
        "p95_s": round(float(np.quantile(taken, 0.95)), 4),
        "goal_p95_s": GOALS_P95_S.get(size, 0.3),
        "first_s": round(first_s, 3),
        "after_another_s": round(float(np.median(after_another)), 3),
        "slowest_version_s": round(max(opened), 3),
        "history_bytes": bytes_now,
        "bytes_of_1000_edits": round(bytes_now / (len(kept) - 1) * 1_000),
        "goal_bytes": GOAL_BYTES_OF_1000,
    }


def edit(settings: Settings, number: int) -> float:
    """Seconds of an edit of one word, by what its author sees."""
    questions = collection.open_set(settings, SET).questions
    question = questions[number * 7 % len(questions)]
    words = question.question.split()
    words[number % len(words)] = f"word{number}"
    changes, seen = ({question.id: {"question": text}} for text in (" ".join(words), question.question))
    return timed(lambda: authoring.merge_edits(settings, SET, changes, seen))


def elsewhere(home: Path, number: int) -> str:
    """Seconds of an edit by a process of its own."""
    code = f"from benchmarks.speed.saving import cold; cold({str(home)!r}, {number})"
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


def cold(home: str, number: int) -> None:
    """Print the seconds of an edit of a set that this process has not read before."""
    changes = {f"q{number * 11 % 1000}": {"note": f"cold {number}"}}
    print(timed(lambda: authoring.merge_edits(here(Path(home)), SET, changes, {})))


def timed(act: Any) -> float:
    """Seconds that it takes."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


# --- writers --------------------------------------------------------------------------------------------


def written(home: Path) -> dict[str, Any]:
    """Four writers at once: what is there of their edits, and whether every version opens."""
    settings, total = here(home), WRITERS * EDITS_OF_ONE
    collection.create_set(settings, SET, made_up(total))
    started = time.perf_counter()
    code = "import sys; from benchmarks.speed.saving import app; app(sys.argv[1], [int(w) for w in sys.argv[2:]])"
    apps = [
        subprocess.Popen([sys.executable, "-c", code, str(home), *pair], cwd=ROOT)
        for pair in (("0", "1"), ("2", "3"))
    ]
    if any(process.wait() for process in apps):
        raise SystemExit("A writer failed.")
    seconds = time.perf_counter() - started
    kept = versions.list_versions(settings, SET)
    noted = [q.note is not None for q in collection.open_set(settings, SET).questions]
    good = [
        sum(q.note is not None for q in versions.open_version(settings, SET, v.number).questions) == v.number
        for v in kept
    ]
    return {
        "writers": WRITERS,
        "edits": total,
        "there": sum(noted),
        "versions": len(kept),
        "versions_that_open": sum(good),
        "seconds": round(seconds, 1),
    }


def app(home: str, writers: list[int]) -> None:
    """Two writers, each a thread."""
    threads = [threading.Thread(target=write, args=(here(Path(home)), writer)) for writer in writers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def write(settings: Settings, writer: int) -> None:
    """One writer's edits, each of a question of their own."""
    for number in range(EDITS_OF_ONE):
        identity = f"q{writer * EDITS_OF_ONE + number}"
        seen = {identity: {"note": None}}
        authoring.merge_edits(settings, SET, {identity: {"note": f"by {writer}"}}, seen)


if __name__ == "__main__":
    typer.run(main)
