"""Write the packed figures of the shelf from snapshots of their sources' repositories.

python -m scripts.shelf E2LM.git PYTHIA.git     # git directories of e2lmc/e2lmc.github.io and EleutherAI/pythia

Figures alone are taken, at the commit that HEAD names, and none is rounded. `python -m benchmarks.shelf` compares all
with the sources through a reader of its own.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from e2lm_core.base.records import ModelInfo
from e2lm_core.checkpoints.family_catalogue import family
from e2lm_core.imported.checkpoint_identity import CheckpointResolver
from e2lm_core.imported.records import split_stderr
from e2lm_core.imported.shelf.library import FOLDER, SUFFIX
from e2lm_core.imported.shelf.packing import Axis, Benchmark, Source, axis_key, pack
from e2lm_core.scores.arrays import Floats

CURVES = "assets/data/plot-data-combined-all.json"
RESULTS = re.compile(r"evals/pythia-v1/(pythia-[^/]+)/(?:zero|five)-shot/[^/]*_step(\d+)\.json")
OTHER_BATCH = re.compile(r".*MtokBS")  # models trained with another batch, which ran 5-shot alone
UNORDERED = "crows_pairs_"  # benchmarks of bias, in which neither more nor less is better
LABELS = ("model_type", "experiment", "iteration", "gtokens")
MAX_QUESTIONS = 25_000


class Snapshot:
    """A git directory at the commit of its HEAD."""

    def __init__(self, folder: Path):
        self._folder = folder
        self.commit = self._git("rev-parse", "HEAD").decode().strip()

    def paths(self) -> list[str]:
        """Paths of all files."""
        return self._git("ls-tree", "-r", "-z", "--name-only", self.commit).decode().strip("\0").split("\0")

    def read(self, path: str) -> bytes:
        """Content of a file."""
        return self._git("cat-file", "blob", f"{self.commit}:{path}")

    def source(self, key: str, title: str, repository: str, files: str, licence: str) -> Source:
        """Origin of its figures, with the copyright line of the licence file."""
        lines = self.read("LICENSE").decode().splitlines()
        notice = next(line.strip() for line in lines if re.match(r"\s*Copyright (\(c\) )?\d{4}", line))
        return Source(
            key=key,
            title=title,
            repository=repository,
            commit=self.commit,
            files=files,
            licence=licence,
            licence_file="LICENSE",
            copyright=notice,
        )

    def _git(self, *arguments: str) -> bytes:
        call = ["git", "--git-dir", str(self._folder), *arguments]
        return subprocess.run(call, check=True, capture_output=True).stdout


def questions_of_shares(shares: Iterable[float]) -> int | None:
    """Smallest number of questions with which every share is a whole count, to the last bit; None without one."""
    values = np.array(list(shares))
    for number in range(1, MAX_QUESTIONS + 1):
        counts = np.round(values * number)
        if np.abs(values * number - counts).max() < 1e-6:
            return number if (counts / number == values).all() else None
    return None


def questions_of_errors(shares: Floats, errors: Floats) -> int | None:
    """Number of questions n that sqrt(p (1 - p) / (n - 1)) shows at every point [P]; None if they disagree."""
    some = errors > 0
    if not some.any():
        return None
    numbers = set(np.round(1 + shares[some] * (1 - shares[some]) / errors[some] ** 2).astype(int).tolist())
    if len(numbers) != 1:
        return None
    number = numbers.pop()
    return number if (np.round(shares * number) / number == shares).all() else None


def pack_e2lm(snapshot: Snapshot) -> bytes:
    """Packed curves of the competition."""
    data = json.loads(snapshot.read(CURVES))["data"]
    names = [model.name for model in family("e2lm").models]
    if set(names) != set(data):
        raise SystemExit(f"{CURVES}: other models than {', '.join(names)}")
    names.sort(key=lambda name: name.rsplit("-", 1)[1])  # stable: sizes stay in order
    axes = [_e2lm_axis(name, data[name]["iteration"], data[name]["gtokens"]) for name in names]
    figures = []
    for benchmark in (column for column in data[names[0]] if column not in LABELS):
        scores = np.array([score for name in names for score in data[name][benchmark]])
        record = Benchmark(
            name=benchmark,
            num_fewshot=None,
            questions=questions_of_shares(scores),
            metrics={"score": False},
        )
        figures.append((record, {"score": (scores,)}))
    source = snapshot.source(
        "e2lm", "E2LM (the competition's models)", "e2lmc/e2lmc.github.io", CURVES, "MIT"
    )
    return pack(source, {axis_key(None): axes}, figures)


def pack_pythia(snapshot: Snapshot) -> bytes:
    """Packed results of Pythia, 0-shot and 5-shot."""
    # {few-shot count: {(model, step): {benchmark: {metric: value}}}}
    runs: dict[int, dict[tuple[str, int], Mapping[str, Any]]] = defaultdict(dict)
    for path in snapshot.paths():
        found = RESULTS.fullmatch(path)
        if found is None or OTHER_BATCH.fullmatch(found[1]):
            continue
        content = json.loads(snapshot.read(path))
        key = found[1], int(found[2])
        shots = content["config"]["num_fewshot"]
        if f"revision=step{found[2]}" not in content["config"]["model_args"].split(",") or key in runs[shots]:
            raise SystemExit(f"{path}: of another checkpoint than its name says, or of one that was read")
        runs[shots][key] = content["results"]
    axes = {axis_key(shots): _pythia_axes(keys) for shots, keys in sorted(runs.items())}
    figures = []
    for shots, by_run in sorted(runs.items()):
        order = [(a.model.name, step) for a in axes[axis_key(shots)] for step in a.steps]
        some = by_run[order[0]]
        figures += [
            _pythia_benchmark(name, shots, [by_run[key][name] for key in order])
            for name in sorted(some)
            if not name.startswith(UNORDERED)
        ]
    pattern = "evals/pythia-v1/pythia-*/{zero,five}-shot/*.json"
    source = snapshot.source("pythia", "Pythia", "EleutherAI/pythia", pattern, "Apache-2.0")
    return pack(source, axes, figures)


def _e2lm_axis(name: str, iterations: Sequence[int], gtokens: Sequence[float]) -> Axis:
    if list(iterations) != sorted(set(iterations)):
        raise SystemExit(f"{name}: its iterations do not ascend")
    resolver = CheckpointResolver()
    tokens = [round(billions * 1e9) for billions in gtokens]
    places = [resolver.from_row(name, *at) for at in zip(iterations, tokens, strict=True)]
    return Axis(
        model=places[0].model,
        series=name.rsplit("-", 1)[1],
        steps=tuple(iterations),
        tokens_seen=tuple(tokens),
        gtokens=tuple(gtokens),
        early=tuple(place.early for place in places),
    )


def _pythia_axes(keys: Iterable[tuple[str, int]]) -> list[Axis]:
    steps: dict[str, list[int]] = defaultdict(list)
    for name, step in sorted(keys):
        steps[name].append(step)
    axes = []
    for name, its in steps.items():
        model, series = _pythia_model(name)
        places = [CheckpointResolver().from_row("pythia-70m", step) for step in its]
        axes.append(
            Axis(
                model=model,
                series=series,
                steps=tuple(its),
                tokens_seen=tuple(int(place.tokens_seen or 0) for place in places),
                early=tuple(place.early for place in places),
            )
        )
    return sorted(axes, key=lambda axis: (axis.series, axis.model.parameters or 0))


def _pythia_model(name: str) -> tuple[ModelInfo, str]:
    """Record and series of a model; the one trained in bfloat16 stands in its size's place."""
    known = family("pythia")
    info = known.model_info(known.model(name.removesuffix("-bf16")))
    return info.model_copy(update={"name": name}), "deduped" if name.endswith("-deduped") else "standard"


def _pythia_benchmark(
    name: str, shots: int, results: Sequence[Mapping[str, float]]
) -> tuple[Benchmark, dict[str, tuple[Floats, Floats]]]:
    split = [split_stderr(result) for result in results]
    metrics = sorted(split[0][0])
    figures = {
        metric: (
            np.array([scores[metric] for scores, _ in split]),
            np.array([errors[metric] for _, errors in split]),
        )
        for metric in metrics
    }
    record = Benchmark(
        name=name,
        num_fewshot=shots,
        questions=questions_of_errors(*figures["acc"]),
        metrics=dict.fromkeys(metrics, True),
    )
    return record, figures


def main() -> None:
    """Read both snapshots and write both files."""
    parser = argparse.ArgumentParser(prog="python -m scripts.shelf", description=__doc__)
    parser.add_argument("e2lm", type=Path, help="git directory of e2lmc/e2lmc.github.io")
    parser.add_argument("pythia", type=Path, help="git directory of EleutherAI/pythia")
    given = parser.parse_args()
    FOLDER.mkdir(exist_ok=True)
    packed = {"e2lm": pack_e2lm(Snapshot(given.e2lm)), "pythia": pack_pythia(Snapshot(given.pythia))}
    for key, data in packed.items():
        (FOLDER / f"{key}{SUFFIX}").write_bytes(data)
        print(f"{key}{SUFFIX}: {len(data):,} bytes")


if __name__ == "__main__":
    main()
