"""Files as lm-evaluation-harness writes them, small: for tests of what reads them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from e2lm_core.base.records import Checkpoint
from e2lm_core.imported import read_results
from e2lm_core.imported.checkpoint_identity import CheckpointResolver
from e2lm_core.imported.file_reader import FileReader
from e2lm_core.imported.records import Curve, Imported

CHOICES = ("iron", "gold", "tin")
LIKELIHOODS = ((-1.0, -2.0, -3.0), (-2.5, -1.5, -4.0), (-3.0, -2.0, -1.0))  # the right choice is the first


def import_files(files: Mapping[str, bytes], known: Iterable[Checkpoint], label: str) -> Imported:
    """The results in files by name, imported in this process; error sentences begin with `label`."""
    reading = FileReader(places := CheckpointResolver(known))
    for name, data in files.items():
        reading.read(name, data)
    parsed = read_results.ParsedFiles(reading.finish(), reading.problems, reading.files)
    return read_results.join_parsed(parsed, places, label)


def stamp(number: int) -> str:
    """A date as file names have it; a larger number is a later one."""
    return f"2026-01-{1 + number // 24:02d}T{number % 24:02d}-00-00.000000"


def results(
    pretrained: str = "EleutherAI/pythia-70m",
    revision: str | None = "step1000",
    task: str = "metals",
    acc: Any = 1 / 3,
    date: float | None = 1_700_000_000.0,
    shots: int | None = 0,
    n: int | None = 3,
    **changes: Any,
) -> bytes:
    arguments = f"pretrained={pretrained}" + (f",revision={revision}" if revision else "") + ",dtype=float32"
    content: dict[str, Any] = {
        "results": {task: {"alias": task, "acc,none": acc, "acc_stderr,none": 0.27}},
        "configs": {task: {"task": task, "num_fewshot": shots, "target_delimiter": " "}},
        "versions": {task: 1.0},
        "n-shot": {task: shots},
        "higher_is_better": {task: {"acc": True}},
        "config": {"model": "hf", "model_args": arguments, "limit": None},
        "date": date,
    }
    if n is not None:
        content["n-samples"] = {task: {"original": n, "effective": n}}
    return json.dumps({**content, **changes}).encode()


def samples(
    likelihoods: tuple[tuple[float, ...], ...] = LIKELIHOODS,
    choices: tuple[str, ...] = CHOICES,
    gold: int = 0,
    delimiter: str = " ",
    **changes: Any,
) -> bytes:
    rows = [
        {
            "doc_id": number,
            "doc": {"id": f"q{number}", "subject": "chemistry"},
            "target": str(gold),
            "arguments": {
                f"gen_args_{k}": {"arg_0": f"Question {number}:", "arg_1": f"{delimiter}{choice}"}
                for k, choice in enumerate(choices)
            },
            "resps": [[[str(ll), "False"]] for ll in own],
            "filtered_resps": [[str(ll), "False"] for ll in own],
            "filter": "none",
            **changes,
        }
        for number, own in enumerate(likelihoods)
    ]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def folder(steps: tuple[int, ...] = (1000, 2000), with_samples: bool = True) -> dict[str, bytes]:
    """A run at each step, with its samples beside it."""
    files = {}
    for number, step in enumerate(steps):
        place = "EleutherAI__pythia-70m"
        files[f"{place}/results_{stamp(number)}.json"] = results(revision=f"step{step}", date=1.7e9 + number)
        if with_samples:
            files[f"{place}/samples_metals_{stamp(number)}.jsonl"] = samples()
    return files


def one(number: int, **changes: Any) -> tuple[str, bytes]:
    """A results file of its own date, by its name."""
    return f"results_{stamp(number)}.json", results(**changes)


def read(files: dict[str, bytes]) -> Imported:
    """What the files give."""
    return import_files(files, (), "x")


def the(imported: Imported, metric: str = "acc") -> Curve:
    """The one curve of a metric."""
    [curve] = [c for c in imported.curves if c.metric == metric]
    return curve
