"""Sets out of the studio, through lm-evaluation-harness's versions, and back: the same numbers, the same bytes.

`python -m benchmarks.interop.round_trips [--only SET] [--env DIR] [--checkout DIR …] [--write]`: each set goes out as a bundle, which
`verify` runs in lm-eval 0.4.9.1 (an environment of its own, transformers below 5), in the one that is installed and in
the newest; and as a patch, which git applies to the sources of the organisers' harness (0.4.9) and of the newest,
where it is run. Every log-likelihood stands beside the studio's. Imported again, the export is the same files.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import study_pages
from benchmarks.interop import environments
from benchmarks.prepared.awkward import awkward
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.export import patch, verify
from e2lm_core.runs.studio import Studio, open_studio
from e2lm_core.sets import collection

HARNESS = "lm-eval"
ORGANISERS = "0.4.9"  # what the competition's fork of the harness says that it is
EVERY = 16  # of ladder_science's questions: 26 of them


class Trip(NamedTuple):
    """What came of one set on one way, at one number of examples; differences in nats."""

    way: str
    transformers: str
    task: str
    shots: int
    documents: int
    likelihoods: int
    difference: float | None
    beyond: int
    held: bool


def sets(settings: Settings) -> list[TaskSet]:
    """Texts that trip with 3 examples, and questions of ladder_science with its 5."""
    science = collection.open_set(settings, "ladder_science")
    config = science.config.model_copy(update={"task": "science", "num_fewshot": len(science.dev)})
    return [
        awkward(),
        science.model_copy(update={"config": config, "questions": science.questions[::EVERY]}),
    ]


def by_bundle(studio: Studio, task: TaskSet, python: str) -> list[Trip]:
    """`export`, then `verify` in that Python's harness."""
    with tempfile.TemporaryDirectory() as folder:
        command(studio, "export", task.name, "--out", f"{folder}/set.zip")
        document = json.loads(
            command(studio, "verify", f"{folder}/set.zip", "--python", python, "--questions", "--json")
        )
    found = document["harness"]
    return [
        _trip(
            found,
            f"bundle, lm_eval {found['lm_eval']}",
            task,
            run | {"questions": document["questions"][str(run["num_fewshot"])]},
        )
        for run in document["runs"]
    ]


def by_patch(studio: Studio, task: TaskSet, python: str, checkout: Path, says: str) -> list[Trip]:
    """`export --as patch`, applied by git to a copy of the checkout, in which it is run."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command(
            studio, "export", task.name, "--as", "patch", "--profile", "plain", "--out", f"{folder}/s.zip"
        )
        top = folder / "checkout"
        shutil.copytree(checkout, top, ignore=shutil.ignore_patterns(".git"))
        with zipfile.ZipFile(folder / "s.zip") as archive:
            archive.extract(patch.PATCH, folder)
        _git(top, "init", "--quiet")
        _git(top, "apply", str(folder / patch.PATCH))
        at = verify.smallest_checkpoint(studio)
        runs = [
            verify.compare_runs(studio, task, at, shots, folder, python, top)
            for shots in dict.fromkeys((0, task.config.num_fewshot))
        ]
    return [_trip(verify.library_versions(python), f"patch, {says}", task, run) for run in runs]


def comes_back(studio: Studio, task: TaskSet) -> bool:
    """Whether an export that is imported again is the same files, and exports the same bytes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command(studio, "export", task.name, "--out", f"{folder}/set.zip")
        command(studio, "import", f"{folder}/set.zip", "--into", str(folder / "back"))
        command(studio, "export", f"{folder}/back/{task.name}", "--out", f"{folder}/again.zip")
        return _files(folder / "back" / task.name) == _files(studio.settings.sets / task.name) and (
            (folder / "set.zip").read_bytes() == (folder / "again.zip").read_bytes()
        )


def command(studio: Studio, *words: str) -> str:
    """What a command of the studio prints. Raises StudioError with its one sentence; 1 is an answer of `verify`."""
    done = subprocess.run(
        [sys.executable, "-m", "e2lm_core", *words],
        env={**os.environ, **_variables(studio.settings)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode > 1 or not done.stdout:
        raise StudioError(f"{' '.join(words[:2])}: {done.stderr.strip()[-500:]}")
    return done.stdout


def table(trips: Sequence[Trip], back: dict[str, bool]) -> str:
    """The trips as Markdown, and which sets came back the same."""
    lines = [
        "| way | transformers | set | shots | documents | log-likelihoods | largest difference | beyond 1e-4 + 2e-6·\\|ll\\| |",
        "|---|---|---|---|---|---|---|---|",
        *(
            f"| {t.way} | {t.transformers} | {t.task} | {t.shots} | {t.documents} | {t.likelihoods:,} | "
            f"{'–' if t.difference is None else f'{t.difference:.1e}'} | {t.beyond} |"
            for t in trips
        ),
        "",
        f"Imported again, {sum(back.values())} of {len(back)} are the same files and export the same bundle, byte for "
        "byte.",
    ]
    return "\n".join(lines)


def _trip(found: dict[str, Any], way: str, task: TaskSet, run: dict[str, Any]) -> Trip:
    return Trip(
        way=way,
        transformers=str(found["transformers"]),
        task=task.name,
        shots=run["num_fewshot"],
        documents=run["documents"],
        likelihoods=sum(len(row["harness"]) for row in run["questions"]),
        difference=run["max_abs_difference"],
        beyond=run["beyond"] + run["other_prompts"],
        held=run["verified"],
    )


def _git(top: Path, *words: str) -> None:
    done = subprocess.run(["git", *words], cwd=top, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StudioError(f"git {words[0]} failed: {done.stderr.strip()[-500:]}")


def _files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def _variables(settings: Settings) -> dict[str, str]:
    return {
        "E2LM_HOME": str(settings.home),
        "E2LM_TASKS": str(settings.tasks),
        "E2LM_LADDER": str(settings.ladder),
        "E2LM_DEVICE": "cpu",
    }


def pythons(old: str, latest: str) -> dict[str, str]:
    """A Python for each version of the harness that a bundle is verified in, by the version."""
    here = str(verify.library_versions(sys.executable)["lm_eval"])
    found = {str(verify.library_versions(old)["lm_eval"]): old, here: sys.executable}
    if latest not in found:
        found[latest] = str(environments.environment("newest", (f"{HARNESS}=={latest}", "accelerate")))
    return found


def main() -> int:
    """Print the trips as they end, then the table; exit status 1 where a number, a prompt or a byte is another."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", help="this set alone: awkward or science")
    parser.add_argument("--env", type=Path, help="an environment with lm-eval 0.4.9.1 (default: one is made)")
    parser.add_argument(
        "--checkout",
        type=Path,
        nargs="*",
        default=[],
        help="patch these too; lm-eval 0.4.9.1's env runs them",
    )
    parser.add_argument("--write", action="store_true", help="put the table into docs/studies/interop.md")
    given = parser.parse_args()
    old, latest = (
        str(environments.environment("old", environments.OLD, given.env)),
        environments.newest(HARNESS),
    )
    able = pythons(old, latest)
    trips, back = [], {}
    with tempfile.TemporaryDirectory(prefix="e2lm-trips-") as name:
        folder = Path(name)
        trees = {
            f"lm_eval {v}": (p, environments.source(HARNESS, v, folder / v))
            for v, p in ((ORGANISERS, old), (latest, able[latest]))
        }
        trees |= {place.name: (old, place.absolute()) for place in given.checkout}
        studio = open_studio(Settings.from_env({"E2LM_HOME": str(folder / "home"), "E2LM_DEVICE": "cpu"}))
        for task in sets(studio.settings):
            if given.only in (None, task.name):
                collection.import_set(studio.settings, task)
                back[task.name] = comes_back(studio, task)
                for trip in every(studio, task, able, trees):
                    trips.append(trip)
                    print(*trip, sep="  ", flush=True)
    said = table(trips, back)
    print(f"\nThe newest lm-eval is {latest}.\n\n{said}")
    if given.write:
        study_pages.put("interop", "round_trips", said)
    return int(not all(trip.held for trip in trips) or not all(back.values()))


def every(
    studio: Studio, task: TaskSet, able: Mapping[str, str], trees: Mapping[str, tuple[str, Path]]
) -> Iterator[Trip]:
    """All trips of a set, as they end."""
    for python in able.values():
        yield from by_bundle(studio, task, python)
    for says, (python, checkout) in trees.items():
        yield from by_patch(studio, task, python, checkout, says)


if __name__ == "__main__":
    sys.exit(main())
