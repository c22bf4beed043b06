"""The commands whose answers are compared, in the order in which they run, and the files they are given."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

SETS = ("ladder_general", "ladder_science")
METRICS = ("acc", "acc_norm", "margin", "norm_prob", "bpb")
SMALL = "--checkpoints 'ladder-small-*/*' --num-fewshot 0"

# {set} is a set's name, {home} the home; {home}/given holds the files of `make_given`, and what a command
# writes goes into {home}/written. Some are refused: a refusal's sentence is an answer like any other.
FIRST = (
    "--help",
    "tasks --json",
    "tasks",
    "hub families --json",
    "sq {home}/given/curves.json --json",
    "sq {home}/given/curves.json",
    "relevance {home}/given/questions.jsonl --json",
    "import-results {home}/given/curves.json --json",
    "import-results {home}/given/table.csv --keep table --json",
    "import-results {home}/given/harness --keep harness --scores --json",
    "results list --json",
    "shelf list --source e2lm --json",
    "shelf show mmluvar",
    "results show harness --scores --json",
    "results remove table --json",
    "results restore table --json",
    "results show no-such-results",
    "evaluate no_such_set",
)
OF_A_SET = (
    "questions {set}",
    "evaluate {set} --questions --json",
    "evaluate {set} --json",
    "evaluate {set} --checkpoints 'ladder-small-*/*'",
    "evaluate tasks/{set} --checkpoints 'ladder-*-arch1/iter_0002000' --num-fewshot 5 --questions --json",
    "score {set} --json",
    "score {set} --advice --json",
    "score {set} --advice",
    "score {set} --checkpoints 'no-such-*/*'",
    f"score {{set}} {SMALL} --json",
    *(f"{command} {{set}} --metric {m} --json" for command in ("ranks", "parting") for m in METRICS),
    "ranks {set} --metric norm_prob --at 1600 --json",
    "ranks {set}",
    "ranks {set} --metric colour",
    "ranks {set} --at 7",
    "parting {set}",
    "questions {set} --json",
    f"questions {{set}} {SMALL} --where 'slope > 0 and length < 80' --relevance --json",
    "choose {set} --rule easiest-half --metric norm_prob --out {set}_half --json",
    "choose {set} --rule easiest-half",
    "choose {set} --rule 'margin > 0 and slope > 0' --metric margin --json",
    "choose {set} --rule 'margin > 0 and relevance > 0.5' --relevance --json",
    "choose {set} --rule rising-hard-science --relevance --json",
    "choose {set} --rule one-source --json",
    "choose {set} --rule snr-greedy --json",
    "choose {set} --rule 'colour > 1'",
    "versions {set}_half --json",
    "compare {set} {set}_half --json",
    "compare {set}_half --metric acc --json",
    *(
        f"plan {{set}} --of {of} --width 0.05 --json"
        for of in ("sq", "mean", "rc", "cs", "score", "decision_accuracy")
    ),
    "plan {set} --of difference --width 0.04 --model ladder-small-arch1 --model ladder-large-arch1 --json",
    "plan {set} --width 0.05 --fleet e2lm --pace 0.02 --json",
    "plan {set} --of difference --width 0.05 --metric norm_prob",
    "plan {set} --width -1",
    "relevance {set} --json",
    "check {set} --json",
    "check {set} --profile competition --json",
    "export {set} --out {home}/written/plain.zip --json",
    "export {set} --out {home}/written/competition.zip --profile competition --json",
    "report {set} --out {home}/written/report.html --json",
    f"report {{set}} --out {{home}}/written/small.html {SMALL} --relevance --json",
)
BETWEEN = (
    "compare {first} {second} --json",
    "compare {first} {second} --metric acc",
    f"compare {{first}} {{second}} --metric norm_prob {SMALL} --json",
)
LAST = ("checkpoints --json",)


@dataclass(frozen=True)
class Asked:
    """One command; `line` as written above, `of` the set that it is about, or nothing."""

    line: str
    of: str = ""

    @property
    def arguments(self) -> list[str]:
        return shlex.split(self.line.replace("{set}", self.of))

    @property
    def folder(self) -> str:
        """The name of the folder that holds the answer."""
        return re.sub(r"[^\w.-]+", "_", self.line.replace("{set}", self.of)).lstrip("-")


def asked(sets: Sequence[str]) -> list[Asked]:
    """All commands, in the order in which they run: later ones read what earlier ones have left.

    A set's answers are the same without the other set, so that kept ones can be used for one set alone.
    """
    own = [Asked(line, name) for name in sets for line in OF_A_SET]
    both = [Asked(line.format(first=a, second=b)) for a, b in pairwise(sets) for line in BETWEEN]
    return [*map(Asked, FIRST), *own, *both, *map(Asked, LAST)]


# --- what they read ------------------------------------------------------------------------------------


def make_given(folder: Path) -> None:
    """Published curves, a table, questions and a harness's results with samples, always the same."""
    (folder / "harness").mkdir(parents=True)
    (folder / "curves.json").write_text(json.dumps({"data": {f"model-{n}": _curve(n) for n in (1, 2)}}))
    rows = [f"own,facts,acc,{k}00,{k}00000,{0.25 + 0.03 * k + 0.01 * (k * 7 % 5):.2f}" for k in range(1, 15)]
    (folder / "table.csv").write_text("\n".join(["model,task,metric,step,tokens_seen,score", *rows, ""]))
    texts = ("Which gas do plants take in?", "Who won the match last night?", "What does a prism split?")
    (folder / "questions.jsonl").write_text("".join(json.dumps({"question": text}) + "\n" for text in texts))
    for k in range(1, 10):
        stamp = f"2026-01-{k:02d}T00-00-00.000000"
        samples = [_sample(k, number) for number in range(6)]
        results = _results(k, sum(map(_is_right, samples)) / len(samples))
        (folder / "harness" / f"results_{stamp}.json").write_text(json.dumps(results))
        lines = "".join(json.dumps(sample) + "\n" for sample in samples)
        (folder / "harness" / f"samples_metals_{stamp}.jsonl").write_text(lines)


def _curve(model: int) -> dict[str, list[float]]:
    points = range(1, 15)
    return {
        "iteration": [4000 * k for k in points],
        "gtokens": [14.5 * k for k in points],
        "MMLU": [round(0.25 + 0.01 * model * k + 0.005 * (k * 7 % 5), 4) for k in points],
        "ARC": [round(0.3 + 0.02 * k - 0.01 * (k * model * 3 % 4), 4) for k in points],
    }


def _results(step: int, acc: float) -> dict[str, Any]:
    arguments = f"pretrained=EleutherAI/pythia-70m,revision=step{step}000,dtype=float32"
    return {
        "results": {"metals": {"alias": "metals", "acc,none": acc, "acc_stderr,none": 0.2}},
        "configs": {"metals": {"task": "metals", "num_fewshot": 0, "target_delimiter": " "}},
        "n-shot": {"metals": 0},
        "n-samples": {"metals": {"original": 6, "effective": 6}},
        "higher_is_better": {"metals": {"acc": True}},
        "config": {"model": "hf", "model_args": arguments, "limit": None},
        "date": 1.7e9 + step,
    }


def _sample(step: int, number: int) -> dict[str, Any]:
    """A question whose first choice is right, found right once the step is beyond the question's number."""
    resps = [[[str(ll), "False"]] for ll in (-0.5 - number / 4 - 1 / step, -1 - step / 8, -2.25 - number / 8)]
    asked = {
        f"gen_args_{k}": {"arg_0": f"Question {number}:", "arg_1": f" {choice}"}
        for k, choice in enumerate(("iron", "gold", "tin"))
    }
    return {
        "doc_id": number,
        "doc": {"id": f"q{number}", "subject": "chemistry"},
        "target": "0",
        "arguments": asked,
        "resps": resps,
        "filtered_resps": [own[0] for own in resps],
        "filter": "none",
    }


def _is_right(sample: dict[str, Any]) -> bool:
    first, *others = (float(own[0][0]) for own in sample["resps"])
    return first > max(others)
