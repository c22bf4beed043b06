"""Whether a run's time and memory grow as its work does: questions 100 → 15,000, checkpoints 10 → 100.

    python -m benchmarks.speed.scale [--questions 100,1000,5000,15000] [--checkpoints 10,30,100] [--threads 2]

A family of small Llamas is made on the spot (`--config`), and a set of random words. Each row is one process
of the command line, `python -m e2lm_core evaluate`, in an empty home: 15,000 questions at two checkpoints,
100 checkpoints at 100 questions, and rows between. Its time is told in two parts: starting (imports, opening,
a first question at a first checkpoint; measured by a run of one question, once) and the rest, by (question,
checkpoint) pair. Linear is: along each direction, the pair of the largest row costs within 15% of what the
pair of a row a third as large or larger costs. The peak is the process's own largest resident memory, as the
kernel counts it. CPU seconds stand beside seconds, since another program on the machine changes them less.
Prints a table, writes JSON.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.prepared import made

CONFIGS: dict[str, dict[str, int]] = {
    "small": {"hidden_size": 64, "num_hidden_layers": 3, "intermediate_size": 176, "num_attention_heads": 4},
    "tiny": {"hidden_size": 16, "num_hidden_layers": 1, "intermediate_size": 32, "num_attention_heads": 2},
}
AT_CHECKPOINTS, AT_QUESTIONS = 2, 100
LINEAR_WITHIN, MAX_BYTES = 0.15, 2.5e9
# The child: the command line in this process, then what the kernel has counted of it. Its `ru_maxrss` begins with
# the memory of the process that started it, so its own high water mark is asked where the system tells it.
CHILD = """
import json, pathlib, re, resource, sys
from e2lm_core.commands.main import main
try:
    main(sys.argv[1:])
finally:
    used, status = resource.getrusage(resource.RUSAGE_SELF), pathlib.Path("/proc/self/status")
    mark = re.search("VmHWM:[^0-9]*([0-9]+)", status.read_text()) if status.exists() else None
    peak = int(mark[1]) if mark else used.ru_maxrss
    print(json.dumps({"cpu_s": used.ru_utime + used.ru_stime, "peak": peak}), file=sys.stderr)
"""


def main(
    questions: Annotated[
        str, typer.Option(help="Sizes of the set, with commas between.")
    ] = "100,1000,5000,15000",
    checkpoints: Annotated[
        str, typer.Option(help="Numbers of checkpoints, with commas between.")
    ] = "10,30,100",
    config: Annotated[str, typer.Option(help=f"The model: {', '.join(CONFIGS)}.")] = "small",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads that scoring uses.")] = 2,
) -> None:
    """Measure, print, write."""
    if config not in CONFIGS:
        raise typer.BadParameter(f"there is no configuration {config!r}: use one of {', '.join(CONFIGS)}")
    sizes, counts = ([int(n) for n in text.split(",")] for text in (questions, checkpoints))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        prepare(folder, sorted({1, AT_QUESTIONS, *sizes}), max(AT_CHECKPOINTS, *counts), CONFIGS[config])
        start = run(folder, 1, 1, threads)
        rows = [{"direction": "questions", **run(folder, n, AT_CHECKPOINTS, threads)} for n in sizes]
        rows += [{"direction": "checkpoints", **run(folder, AT_QUESTIONS, n, threads)} for n in counts]
    for row in rows:
        for kind in ("wall", "cpu"):
            row[f"{kind}_ms_a_pair"] = 1e3 * (row[f"{kind}_s"] - start[f"{kind}_s"]) / (row["pairs"] - 1)
        show(row)
    verdicts = {
        f"{direction}_{kind}": growth([r for r in rows if r["direction"] == direction], f"{kind}_ms_a_pair")
        for direction in ("questions", "checkpoints")
        for kind in ("wall", "cpu")
    }
    peak = max(row["peak_bytes"] for row in rows)
    for name, verdict in verdicts.items():
        grown = "no telling" if verdict is None else f"{verdict:+.0%}"
        print(f"{name.replace('_', ', '):18} {grown} by pair from the row before to the largest")
    print(
        f"start {start['wall_s']:.1f} s ({start['cpu_s']:.1f} CPU s), largest peak {peak / 1e9:.2f} GB (at most 2.5)"
    )
    report = {
        "benchmark": "scale",
        "config": config,
        "threads": threads,
        "machine": made.machine(),
        "start": start,
    }
    made.write("scale", report | {"rows": rows, "growth": verdicts, "peak_bytes": peak})


def growth(rows: list[dict[str, Any]], by: str) -> float | None:
    """How much more a pair costs in the largest row than in one before it of a third of its pairs or more.

    Rows smaller than that say little: what a set costs once (tokens cut, chunks planned) is not yet spread. None
    where the row before took no longer than the start alone, so that there is nothing to divide by.
    """
    ordered = sorted(rows, key=lambda row: row["pairs"])
    largest = ordered[-1]
    near = (
        [row for row in ordered[:-1] if 3.4 * row["pairs"] >= largest["pairs"]] or ordered[-2:-1] or [largest]
    )
    return float(largest[by] / near[0][by] - 1) if near[0][by] > 0 else None


def prepare(folder: Path, sizes: list[int], checkpoints: int, config: dict[str, int]) -> None:
    """Sets of these sizes and a family of so many checkpoints in a folder."""
    from benchmarks.speed.engine import VOCABULARY, make_tokenizer, vocabulary

    rng = random.Random(0)
    words = vocabulary(rng)
    shape = config | {"vocab_size": VOCABULARY, "max_position_embeddings": 512}
    made.make_checkpoints(folder / "family", shape, checkpoints, make_tokenizer(words, rng))
    (folder / "tasks").mkdir()
    whole = made.make_set("made", max(sizes), words, rng)
    for size in sizes:
        config_of = whole.config.model_copy(update={"task": f"made_{size}"})
        made.write_set(
            whole.model_copy(update={"config": config_of, "questions": whole.questions[:size]}),
            folder / "tasks",
        )


def run(folder: Path, questions: int, checkpoints: int, threads: int) -> dict[str, Any]:
    """One evaluation by the command line, in a home of its own: seconds, CPU seconds, peak memory."""
    steps = sorted(path.name for path in (folder / "family").iterdir())[:checkpoints]
    names = [option for step in steps for option in ("--checkpoints", f"family/{step}")]
    with tempfile.TemporaryDirectory() as home:
        environment = {
            "E2LM_HOME": home,
            "E2LM_TASKS": str(folder / "tasks"),
            "E2LM_CHECKPOINTS": str(folder / "family"),
            "E2LM_DEVICE": "cpu",
            "E2LM_THREADS": str(threads),
            "TOKENIZERS_PARALLELISM": "false",
        }
        started = time.perf_counter()
        child = subprocess.run(
            [sys.executable, "-c", CHILD, "evaluate", f"made_{questions}", *names, "--json"],
            cwd=made.ROOT,
            env=os.environ | environment,
            capture_output=True,
            text=True,
        )
        wall = time.perf_counter() - started
    if child.returncode:
        raise SystemExit(
            f"The run of {questions} questions at {checkpoints} checkpoints failed: {child.stderr}"
        )
    used, document = json.loads(child.stderr.splitlines()[-1]), json.loads(child.stdout)
    pairs = questions * checkpoints
    if document["computed"] != pairs:
        raise SystemExit(f"{document['computed']} of {pairs} pairs were computed.")
    peak = used["peak"] * (1 if sys.platform == "darwin" else 1024)
    return {
        "questions": questions,
        "checkpoints": checkpoints,
        "pairs": pairs,
        "wall_s": round(wall, 2),
        "cpu_s": round(used["cpu_s"], 2),
        "peak_bytes": peak,
        "load": round(os.getloadavg()[0], 1),
    }


def show(row: dict[str, Any]) -> None:
    """A row as a line."""
    print(
        f"{row['questions']:>7,} questions × {row['checkpoints']:>3} checkpoints: {row['wall_s']:8.1f} s, "
        f"{row['cpu_s']:8.1f} CPU s; by pair {row['wall_ms_a_pair']:6.2f} ms, {row['cpu_ms_a_pair']:6.2f} CPU ms; "
        f"peak {row['peak_bytes'] / 1e9:.2f} GB",
        flush=True,
    )


if __name__ == "__main__":
    typer.run(main)
