"""Verification of a bundle: lm-evaluation-harness against the studio, document by document.

Nothing of a stranger is run: the bundle's files must be, byte for byte, those that the studio writes for the set
that they hold, and the set's templates have been rendered in the sandbox before.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from e2lm_core.base import processes
from e2lm_core.base.errors import CheckpointError, StudioError, TaskError
from e2lm_core.base.formatting import quote
from e2lm_core.base.json_values import to_json_number, to_json_value
from e2lm_core.base.records import Checkpoint, RenderedDoc, TaskSet
from e2lm_core.checkpoints import unpacking
from e2lm_core.runs import evaluate
from e2lm_core.runs import results as measure
from e2lm_core.runs.studio import Studio
from e2lm_core.scores import metrics
from e2lm_core.sets.folder import bundle
from e2lm_core.sets.folder.files import README, task_files
from e2lm_core.sets.prompts.render import render_set

ABSOLUTE, RELATIVE = 1e-4, 2e-6  # nats, and of the log-likelihood: what batches of another size may differ by
MEANS = ("acc", "acc_norm")
BATCH = 16
# Of the interpreter that runs the harness: which versions it has, or nothing where the harness is not there.
_VERSIONS = """
import importlib.metadata as found, json
def of(name):
    try:
        return found.version(name)
    except found.PackageNotFoundError:
        return None
print(json.dumps({name: of(name) for name in ("lm_eval", "transformers", "torch")}))
"""
OFFLINE = dict.fromkeys(("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE"), "1")


def smallest_checkpoint(studio: Studio) -> Checkpoint:
    """The last checkpoint of the smallest embedded model, which the harness runs soonest.

    Raises CheckpointError where none is on this machine.
    """
    known = [c for c in studio.local_checkpoints if c.packed is not None] or list(studio.local_checkpoints)
    if not known:
        raise CheckpointError("There is no checkpoint on this machine that could run the bundle: add one.")
    return min(known, key=lambda c: (c.model.parameters or sys.maxsize, -c.step))


def verify(
    studio: Studio,
    data: bytes,
    checkpoint: Checkpoint,
    num_fewshot: int | None = None,
    python: str = sys.executable,
    report_progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """The bundle at one checkpoint, 0-shot and with the set's own examples (or `num_fewshot`), in both programs.

    Gives `{verified, documents, max_abs_difference, aggregates, harness, task, checkpoint, runs, questions}`:
    `verified` where every document is there, its prompts are the same text and none of its log-likelihoods is
    further apart than 1e-4 + 2e-6 · |ll| nats; `max_abs_difference` in nats over all of them, null where they
    cannot be compared. `python` is the interpreter that has lm_eval. Raises StudioError in one sentence: no
    lm_eval there, a bundle that the studio does not write so, a harness that fails.
    """
    found = library_versions(python)
    task = bundle.unpack(data, studio.settings.limits)
    files = _files(studio, task, data)
    runs = []
    with tempfile.TemporaryDirectory(prefix="e2lm-verify-") as name:
        folder = Path(name)
        for file, content in files.items():
            (folder / "bundle" / task.name).mkdir(parents=True, exist_ok=True)
            (folder / "bundle" / task.name / file).write_bytes(content)
        for shots in dict.fromkeys((0, task.config.num_fewshot if num_fewshot is None else num_fewshot)):
            report_progress(
                f"{task.name} at {checkpoint.name}, {shots}-shot: the studio, then lm_eval {found['lm_eval']}."
            )
            runs.append(compare_runs(studio, task, checkpoint, shots, folder, python))
    differences = [run["max_abs_difference"] for run in runs]
    return {
        "verified": all(run["verified"] for run in runs),
        "documents": len(task.questions),
        "max_abs_difference": None if None in differences else max(differences),
        "aggregates": {str(run["num_fewshot"]): run.pop("aggregates") for run in runs},
        "harness": found,
        "task": task.name,
        "checkpoint": checkpoint.name,
        "questions": {str(run["num_fewshot"]): _named(task, run.pop("questions")) for run in runs},
        "runs": runs,
    }


def compare_runs(
    studio: Studio,
    task: TaskSet,
    checkpoint: Checkpoint,
    shots: int,
    folder: Path,
    python: str,
    checkout: Path | None = None,
) -> dict[str, Any]:
    """One run in both programs, document by document, with what they come to.

    The harness runs the set that lies in `bundle` in `folder`, or that its own `checkout` has; what it writes
    lies in `folder` too. Raises StudioError where it fails.
    """
    model = unpacking.ensure_directory(checkpoint, studio.settings)
    ours = _studio(studio, task, checkpoint, shots)
    dtype = studio.backend.scope(checkpoint).dtype
    theirs, means = _harness(python, folder, task.name, model, dtype, shots, checkout)
    return _beside(shots, render_set(task, shots), ours, theirs, means)


def library_versions(python: str) -> dict[str, str | None]:
    """Those of lm_eval, transformers and torch that a Python has. Raises StudioError where lm_eval cannot be run."""
    try:
        done = subprocess.run(
            [python, "-I", "-c", _VERSIONS],
            capture_output=True,
            env=processes.subprocess_environment(),
            check=True,
        )
        found: dict[str, str | None] = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        raise StudioError(
            f"{quote(python)} is no Python that runs: give the path of one that has lm_eval."
        ) from error
    if found["lm_eval"] is None:
        raise StudioError(
            "lm-evaluation-harness, which is to run the bundle, is not installed here: install it with "
            "`pip install 'lm_eval[hf]'`, or name a Python that has it."
        )
    return found


# --- within -------------------------------------------------------------------------------------------


def _files(studio: Studio, task: TaskSet, data: bytes) -> dict[str, bytes]:
    """The bundle's files, which are those of the set. Raises TaskError for others: they are not run."""
    written = task_files(task, studio.settings.limits)
    given = bundle.read_members(data, studio.settings.limits)
    for name, content in written.items():
        if name != README and given.get(name) != content:
            raise TaskError(
                f"{name} in the bundle is not as the studio writes it, so it is not run: `import` the bundle, `export` "
                "the set, and verify that."
            )
    return written


def _studio(studio: Studio, task: TaskSet, checkpoint: Checkpoint, shots: int) -> np.ndarray:
    """[documents, choices] in nats, NaN where there is no such choice; computed where they are not known."""
    studio = studio.with_results_copy
    evaluate.evaluate(studio, task, [checkpoint], shots)
    measured = measure.load(studio, task, [checkpoint], shots)
    return measured.curves[0].ll[0]


def _harness(
    python: str,
    folder: Path,
    task: str,
    checkpoint: Path,
    dtype: str,
    shots: int,
    checkout: Path | None,
) -> tuple[dict[int, Any], dict[str, float | None]]:
    """Each document's sample by its number, and the means of the results file. Raises StudioError."""
    place, out = checkout or folder / f"work-{shots}", folder / f"results-{shots}"
    place.mkdir(exist_ok=True)
    command = [
        *(python, "-m", "lm_eval", "--tasks", task),
        *(() if checkout else ("--include_path", str(folder / "bundle"))),
        *("--model", "hf", "--model_args", f"pretrained={checkpoint},dtype={dtype}", "--device", "cpu"),
        *("--batch_size", str(BATCH), "--num_fewshot", str(shots)),
        *("--log_samples", "--output_path", str(out)),
    ]
    environment = processes.subprocess_environment() | OFFLINE | {"HF_HOME": str(folder / "cache")}
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, check=False)
    if done.returncode:
        last = done.stderr.decode("utf-8", "replace").strip().split("\n")[-1]
        raise StudioError(f"lm_eval could not run {task} ({shots}-shot): {last}")
    results, samples = [*out.rglob("results_*.json")], [*out.rglob(f"samples_{task}_*.jsonl")]
    if not results or not samples:
        raise StudioError(
            f"lm_eval ran {task} ({shots}-shot) and wrote no results: see whether its disk is full."
        )
    with _layout("results"):
        means = json.loads(results[0].read_bytes())["results"][task]
        found = {name: to_json_number(means.get(f"{name},none")) for name in MEANS}
    with _layout("samples"):
        rows = [json.loads(line) for line in samples[0].read_bytes().split(b"\n") if line.strip()]
        return {row["doc_id"]: row for row in rows}, found


@contextmanager
def _layout(what: str) -> Iterator[None]:
    """Say in one sentence that a harness of another version writes something else."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise StudioError(
            f"lm_eval wrote its {what} in a layout that the studio does not read: verify with a Python that has "
            "lm_eval 0.4.13."
        ) from error


def _beside(
    shots: int,
    docs: Sequence[RenderedDoc],
    ours: np.ndarray,
    theirs: dict[int, Any],
    means: dict[str, float | None],
) -> dict[str, Any]:
    """One run's documents beside one another, and what they come to."""
    rows = [
        _document(doc, ll[: len(doc.choices)], theirs.get(n))
        for n, (doc, ll) in enumerate(zip(docs, ours, strict=True))
    ]
    alike = [row for row in rows if row["same_prompts"]]
    pairs = [pair for row in alike for pair in zip(row["studio"], row["harness"], strict=True)]
    known = [(own, other) for own, other in pairs if own is not None and other is not None]
    differences = [abs(own - other) for own, other in known]
    beyond = sum(abs(own - other) > ABSOLUTE + RELATIVE * abs(other) for own, other in known)
    beyond += len(pairs) - len(known)  # what is no number is near to none
    gold = np.array([doc.gold for doc in docs], int)
    chars = np.full(ours.shape, np.nan)
    for line, doc in zip(chars, docs, strict=True):
        line[: len(doc.choices)] = [len(choice) for choice in doc.choices]
    values = metrics.per_question(
        ours[None], gold, chars, np.array([len(doc.scored_texts[doc.gold].encode()) for doc in docs], float)
    )
    return {
        "num_fewshot": shots,
        "verified": len(alike) == len(docs) == len(theirs) and not beyond,
        "documents": len(theirs),
        "other_prompts": len(docs) - len(alike),
        "beyond": beyond,
        "max_abs_difference": max(differences, default=None),
        "aggregates": {
            name: {"studio": to_json_value(metrics.curve(values[name])[0]), "harness": means[name]}
            for name in MEANS
        },
        "questions": rows,
    }


def _document(doc: RenderedDoc, ll: np.ndarray, sample: Any) -> dict[str, Any]:
    """What both say of one document's choices, in nats, and whether both asked the same text."""
    own = [to_json_value(value) for value in ll]
    if sample is None:
        return {"studio": own, "harness": [], "same_prompts": False}
    target = str(doc.gold) if doc.ending is None else doc.ending
    with _layout("samples"):
        asked = [(one["arg_0"], one["arg_1"]) for one in sample["arguments"].values()]
        said = [to_json_value(_loglikelihood(one)) for one in sample["filtered_resps"]]
        same = asked == list(doc.requests) and str(sample["target"]) == target
        if same and len(said) != len(own):
            raise ValueError("not one answer a choice")
    return {"studio": own, "harness": said, "same_prompts": same}


def _loglikelihood(response: Any) -> float:
    """The number that stands first: in a list (log-likelihood, greedy), which 0.5.0.dev1 puts into one more."""
    while isinstance(response, list):
        response = response[0]
    return float(response)


def _named(task: TaskSet, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"id": question.id, **row} for question, row in zip(task.questions, rows, strict=True)]
