"""`make proof`: the full forms of what continuous integration runs in short, with what they printed in docs/studies/proof.

    python -m scripts.proof [--only NAME …]

Each proof is a command. Its output is written beside its name with the command, the commit, the cores and how long it
took, whether it held or not; exit status 1 where one did not hold.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "studies" / "proof"
LINES = 90  # of what a proof printed last

PROOFS = {
    "writers": ["-m", "pytest", "-q", "-m", "slow", "tests/sets/test_locks.py", "tests/sets/history"],
    "edits_of_two": ["-m", "benchmarks.people.pairs"],
    "killed": ["-m", "benchmarks.killed", "--kills", "50"],
    "workers_killed": ["-m", "benchmarks.kills", "--kills", "200", "--workers", "2"],
    "cluster_killed": ["-m", "benchmarks.cluster.kills", "--kills", "30"],
    "cluster_speed": ["-m", "benchmarks.cluster.speed"],
    "fleet_plan": ["-m", "benchmarks.cluster.fleet"],
    "isolation": ["-m", "pytest", "-q", "tests/people"],
    "hostile": ["-m", "pytest", "-q", "tests/hostile", "tests/ui/browser"],
    "people": ["-m", "benchmarks.people", "--sessions", "50", "--seconds", "600"],
    "people_beside_a_run": [
        "-m",
        "benchmarks.people",
        "--sessions",
        "20",
        "--seconds",
        "600",
        "--beside-run",
    ],
    "weights": ["-m", "benchmarks.parity.folders"],
    "author": [
        *("-m", "benchmarks.author", "--steps", "700"),
        *(word for seed in ("105", "111", "112") for word in ("--seed", seed)),
    ],
    "census": ["-m", "benchmarks.interop.census"],
    "task_prompts": ["-m", "benchmarks.interop.prompts"],
    "built_by_lm_eval": ["-m", "benchmarks.interop.built"],
    "round_trips": ["-m", "benchmarks.interop.round_trips"],
    "written_by_other_tools": ["-m", "benchmarks.interop.written"],
    "meaningless": ["-m", "benchmarks.coverage.meaningless"],
    "tasks": ["-m", "benchmarks.tasks"],
    "mutations": ["-m", "scripts.mutate", "--min-caught", "54"],
}


def main(arguments: list[str] | None = None) -> None:
    """Run the proofs, one after the other: they measure time."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=PROOFS, help="these alone")
    wanted = parser.parse_args(arguments).only or list(PROOFS)
    failed = [name for name in wanted if not proved(name, PROOFS[name])]
    if failed:
        raise SystemExit(f"Not proved: {', '.join(failed)}; see {FOLDER.relative_to(ROOT)}.")


def proved(name: str, command: list[str], folder: Path = FOLDER) -> bool:
    """Run a proof and write down what it printed; whether it held."""
    print(f"{name}: python {' '.join(command)}", flush=True)
    started = time.monotonic()
    run = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.md").write_text(
        page(name, command, run.stdout, run.returncode, time.monotonic() - started), encoding="utf-8"
    )
    print(f"  {'held' if run.returncode == 0 else 'did not hold'}", flush=True)
    return run.returncode == 0


def page(name: str, command: list[str], printed: str, status: int, seconds: float) -> str:
    """What a proof's page says, without a path of this machine."""
    said = printed.replace(str(ROOT), ".").rstrip().splitlines()[-LINES:]
    head = [
        f"# {name.replace('_', ' ')}: {'held' if status == 0 else f'did not hold (exit status {status})'}",
        "",
        f"`python {' '.join(command)}`, {datetime.now(UTC):%d %B %Y}, commit {_commit()}, {os.cpu_count()} cores, "
        f"{seconds:.0f} s.",
    ]
    return "\n".join([*head, "", "```text", *said, "```", ""])


def _commit() -> str:
    said = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return said.stdout.strip() or "unknown"


if __name__ == "__main__":
    main()
