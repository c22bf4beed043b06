"""Verification of a bundle: lm-evaluation-harness against the studio, document by document.

No foreign code is run: the bundle's files must be, byte for byte, those that the studio writes for the set
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
from e2lm_core.base.sentences import Sentence
from e2lm_core.checkpoints import unpacking
from e2lm_core.runs import evaluate
from e2lm_core.runs.results import load_measurements
from e2lm_core.runs.studio import Studio
from e2lm_core.scores import metrics
from e2lm_core.sets.folder import bundle
from e2lm_core.sets.folder.files import README, task_files
from e2lm_core.sets.prompts.render import render_set
from e2lm_core.sets.prompts.shots import check_shots

ABSOLUTE, RELATIVE = 1e-4, 2e-6  # nats, and share of the log-likelihood: tolerance for other batch sizes
MEANS = ("acc", "acc_norm")
BATCH = 16
# Program for the harness's interpreter: prints the versions of its libraries, null for missing ones.
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
    """Last checkpoint of the smallest built-in mini model, which the harness runs fastest.

    Raises:
        CheckpointError: There is no checkpoint on this computer.
    """
    known = [c for c in studio.local_checkpoints if c.packed is not None] or list(studio.local_checkpoints)
    if not known:
        raise CheckpointError(
            Sentence("There is no checkpoint on this machine that could run the bundle: add one.")
        )
    return min(known, key=lambda c: (c.model.parameters or sys.maxsize, -c.step))


def verify_bundle(
    studio: Studio,
    data: bytes,
    checkpoint: Checkpoint,
    num_fewshot: int | None = None,
    python: str = sys.executable,
    report_progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Run a bundle at one checkpoint in the harness and the studio, and compare them.

    It is run 0-shot and with the set's own few-shot examples. A run is verified if every document is there,
    its prompts are the same text, and no log-likelihood differs by more than 1e-4 + 2e-6 · |ll| nats.

    Args:
        studio: Studio with the caller's settings.
        data: The bundle.
        checkpoint: Checkpoint to run.
        num_fewshot: Examples in the second run; None for the set's own number.
        python: Interpreter that has lm_eval.
        report_progress: Called with a sentence before each run.

    Returns:
        `{verified, documents, max_abs_difference, aggregates, harness, task, checkpoint, runs, questions}`;
            `max_abs_difference` in nats over all documents, null where they cannot be compared.

    Raises:
        StudioError: lm_eval is missing or fails, or wrote another layout than the studio reads.
        TaskError: The bundle is not as the studio writes it, or has too few examples.
        LimitError: The bundle is too large.
    """
    found = library_versions(python)
    task = bundle.unpack(data, studio.settings.limits)
    numbers = dict.fromkeys((0, task.config.num_fewshot if num_fewshot is None else num_fewshot))
    for shots in numbers:
        check_shots(task, shots)
    files = _files(studio, task, data)
    runs = []
    with tempfile.TemporaryDirectory(prefix="e2lm-verify-") as name:
        folder = Path(name)
        for file, content in files.items():
            (folder / "bundle" / task.name).mkdir(parents=True, exist_ok=True)
            (folder / "bundle" / task.name / file).write_bytes(content)
        for shots in numbers:
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
    """Run a set in the harness and the studio, and compare them document by document.

    Args:
        studio: Studio with the caller's settings.
        task: The set.
        checkpoint: Checkpoint to run.
        shots: Examples in the prompt.
        folder: Work folder of the harness, with the set in `bundle`.
        python: Interpreter that has lm_eval.
        checkout: Checkout of the harness that has the set; None to use the set in `folder`.

    Returns:
        One run of `verify`'s answer, with `aggregates` and `questions`.

    Raises:
        StudioError: The harness fails, or wrote another layout than the studio reads.
    """
    model = unpacking.ensure_directory(checkpoint, studio.settings)
    ours = _studio(studio, task, checkpoint, shots)
    dtype = studio.backend.scope(checkpoint).dtype
    theirs, means = _harness(python, folder, task.name, model, dtype, shots, checkout)
    return _beside(shots, render_set(task, shots), ours, theirs, means)


def library_versions(python: str) -> dict[str, str | None]:
    """Versions of lm_eval, transformers and torch in a Python; None for a library that it lacks.

    Raises:
        StudioError: The Python does not run, or has no lm_eval.
    """
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
            Sentence(
                "{python} is no Python that runs: give the path of one that has lm_eval.",
                python=quote(python),
            )
        ) from error
    if found["lm_eval"] is None:
        raise StudioError(
            Sentence(
                "lm-evaluation-harness, which is to run the bundle, is not installed here: install it with "
                "`pip install 'lm_eval[hf]'`, or name a Python that has it."
            )
        )
    return found


# --- within -------------------------------------------------------------------------------------------


def _files(studio: Studio, task: TaskSet, data: bytes) -> dict[str, bytes]:
    """Files of the bundle, which must be those of the set. Raises TaskError for others: they are not run."""
    written = task_files(task, studio.settings.limits)
    given = bundle.read_members(data, studio.settings.limits)
    for name, content in written.items():
        if name != README and given.get(name) != content:
            raise TaskError(
                Sentence(
                    "{name} in the bundle is not as the studio writes it, so it is not run: `import` the bundle, "
                    "`export` the set, and verify that.",
                    name=name,
                )
            )
    return written


def _studio(studio: Studio, task: TaskSet, checkpoint: Checkpoint, shots: int) -> np.ndarray:
    """Log-likelihoods [Q, C] in nats, NaN where there is no such choice; missing ones are computed."""
    studio = studio.with_results_copy
    evaluate.evaluate(studio, task, [checkpoint], shots)
    measured = load_measurements(studio, task, [checkpoint], shots)
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
    """Sample of each document by its number, and means of the results file.

    Raises StudioError if lm_eval fails, writes nothing, or writes another layout than the studio reads.
    """
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
        raise StudioError(
            Sentence("lm_eval could not run {task} ({shots}-shot): {last}", task=task, shots=shots, last=last)
        )
    results, samples = [*out.rglob("results_*.json")], [*out.rglob(f"samples_{task}_*.jsonl")]
    if not results or not samples:
        raise StudioError(
            Sentence(
                "lm_eval ran {task} ({shots}-shot) and wrote no results: see whether its disk is full.",
                task=task,
                shots=shots,
            )
        )
    with _layout("results"):
        means = json.loads(results[0].read_bytes())["results"][task]
        found = {name: to_json_number(means.get(f"{name},none")) for name in MEANS}
    with _layout("samples"):
        rows = [json.loads(line) for line in samples[0].read_bytes().split(b"\n") if line.strip()]
        return {row["doc_id"]: row for row in rows}, found


@contextmanager
def _layout(what: str) -> Iterator[None]:
    """Turn an error in reading the harness's output into one sentence on its version."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise StudioError(
            Sentence(
                "lm_eval wrote its {what} in a layout that the studio does not read: verify with a Python that has "
                "lm_eval 0.4.13.",
                what=what,
            )
        ) from error


def _beside(
    shots: int,
    docs: Sequence[RenderedDoc],
    ours: np.ndarray,
    theirs: dict[int, Any],
    means: dict[str, float | None],
) -> dict[str, Any]:
    """Documents of one run in both programs, with their differences and means."""
    rows = [
        _document(doc, ll[: len(doc.choices)], theirs.get(n))
        for n, (doc, ll) in enumerate(zip(docs, ours, strict=True))
    ]
    alike = [row for row in rows if row["same_prompts"]]
    pairs = [pair for row in alike for pair in zip(row["studio"], row["harness"], strict=True)]
    known = [(own, other) for own, other in pairs if own is not None and other is not None]
    differences = [abs(own - other) for own, other in known]
    beyond = sum(abs(own - other) > ABSOLUTE + RELATIVE * abs(other) for own, other in known)
    beyond += len(pairs) - len(known)  # a value that is no number counts as a difference
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
    """Log-likelihoods (nats) of a document's choices in both programs, and whether the prompts are equal."""
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
    """First number of a response: (log-likelihood, greedy), which 0.5.0.dev1 wraps in one more list."""
    while isinstance(response, list):
        response = response[0]
    return float(response)


def _named(task: TaskSet, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"id": question.id, **row} for question, row in zip(task.questions, rows, strict=True)]
