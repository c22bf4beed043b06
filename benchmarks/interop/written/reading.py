"""What the tools said in their files, what the studio reads in them, and what it scores itself, number for number.

Tested in tests/benchmarks/interop/test_written.py.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as parquet

from e2lm_core.base.records import TaskSet
from e2lm_core.imported import read_results
from e2lm_core.imported.formats.inspect_logs import header
from e2lm_core.imported.records import SAME_METRIC, Imported
from e2lm_core.runs import evaluate, results
from e2lm_core.runs.studio import Studio
from e2lm_core.sets import collection

WRITTEN = Path(__file__).resolve().parents[3] / "tests" / "benchmarks" / "interop" / "written"
TOOLS = ("lighteval", "inspect")
BAR = "%7C"  # for the | in lighteval's names, which not every system has in a name
TASK, MODEL, STEPS = "ladder_science", "ladder-small-arch1", (1_000, 2_000)
EVERY = 34  # of ladder_science's questions: 12 of them
WITHIN = 1e-4  # nats, and 2e-6 of the log-likelihood: what is told of scoring everywhere


def keep(work: Path) -> None:
    """Put what the tools wrote where the tests read it, and nothing else of theirs there."""
    for tool in TOOLS:
        shutil.rmtree(WRITTEN / tool, ignore_errors=True)
        _copied(work / tool, WRITTEN / tool, "|", BAR)


def kept(folder: Path) -> Path:
    """A copy of what is kept, under the tools' own names."""
    for tool in TOOLS:
        _copied(WRITTEN / tool, folder / tool, BAR, "|")
    return folder


def _copied(source: Path, target: Path, old: str, new: str) -> None:
    for path in source.rglob("*"):
        if path.is_file():
            place = target / str(path.relative_to(source)).replace(old, new)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)


class Number(NamedTuple):
    """A metric of one checkpoint: by the tool's own file, as read, and by the studio, None where it asks otherwise."""

    tool: str
    step: int
    metric: str
    said: float
    read: float
    own: float | None


def asked(studio: Studio) -> TaskSet:
    """The questions that the tools were asked, as a set."""
    task = collection.open_set(studio.settings, TASK)
    return task.model_copy(update={"questions": task.questions[::EVERY]})


def said(folder: Path) -> Iterator[tuple[str, int, str, float]]:
    """(tool, step, metric, value) as the tools' own files have them."""
    for path in sorted(folder.glob("lighteval/results/**/results_*.json")):
        content = json.loads(path.read_bytes())
        step = step_of(content["config_general"]["model_config"]["model_name"])
        for metric, value in content["results"][f"{TASK}|0"].items():
            if not metric.endswith("_stderr"):
                yield "lighteval", step, SAME_METRIC.get(metric, metric), value
    for path in sorted(folder.glob("inspect/*.*")):
        log = (
            header(path.read_bytes(), path.name) if path.suffix == ".eval" else json.loads(path.read_bytes())
        )
        step = step_of(log["eval"]["model_args"]["model_path"])
        for number, scorer in enumerate(log["results"]["scores"]):
            metric = "acc" if number == 0 else f"acc,{scorer['name']}"
            yield "inspect", step, metric, scorer["metrics"]["accuracy"]["value"]


def numbers(folder: Path, studio: Studio) -> list[Number]:
    """Every mean that a tool's files tell, beside what was read and, of lighteval, what the studio scores."""
    read = {tool: opened(folder / tool, studio) for tool in TOOLS}
    task = asked(studio)
    fleet = [c for c in studio.catalogue.checkpoints_of(MODEL) if c.step in STEPS]
    evaluate.evaluate(studio, task, fleet, 0)
    measured = results.load_measurements(studio, task, fleet, 0)
    found = []
    for tool, step, metric, value in said(folder):
        [curve] = read[tool].curves_of(TASK, metric)
        own = None
        if tool == "lighteval":  # Inspect lets the model write an answer
            own = float(measured.values(MODEL, metric)[list(STEPS).index(step)])
        found.append(Number(tool, step, metric, value, curve.scores[curve.steps.index(step)], own))
    return found


def likelihoods(folder: Path, studio: Studio) -> dict[str, np.ndarray]:
    """Log-likelihoods [steps, questions, choices] in nats: as lighteval's details have them, as read, and the studio's.

    lighteval shuffles: a question's id is its place.
    """
    told = []
    for step in STEPS:
        [path] = folder.glob(f"lighteval/details/**/iter_{step:07d}/**/details_*.parquet")
        rows = sorted(parquet.read_table(path).to_pylist(), key=lambda row: int(row["doc"]["id"]))
        told.append([row["model_response"]["logprobs"] for row in rows])
    task = asked(studio)
    fleet = [c for c in studio.catalogue.checkpoints_of(MODEL) if c.step in STEPS]
    evaluate.evaluate(studio, task, fleet, 0)
    read = opened(folder / "lighteval", studio).measured[TASK]
    return {
        "said": np.array(told, float),
        "read": read.curves[0].ll[:, np.argsort([int(name) for name in read.question_ids])],
        "own": results.load_measurements(studio, task, fleet, 0).curves[0].ll,
    }


def equal(found: list[Number], lls: dict[str, np.ndarray]) -> bool:
    """Whether what was read is what the tools said, and what the studio scores is that within its tolerance."""
    near = np.abs(lls["said"] - lls["own"]) <= WITHIN + 2e-6 * np.abs(lls["said"])
    read = all(abs(n.said - n.read) < 1e-9 for n in found) and np.array_equal(lls["said"], lls["read"])
    return read and bool(near.all()) and all(n.own is None or abs(n.said - n.own) < WITHIN for n in found)


def opened(folder: Path, studio: Studio) -> Imported:
    """The files as `import-results` reads them."""
    return read_results.import_path(folder, studio.settings.limits, studio.catalogue.checkpoints)


def step_of(name: str) -> int:
    """2,000 of a checkpoint's folder iter_0002000."""
    return int(name.rpartition("iter_")[2])
