"""lm-evaluation-harness's own `results_*.json` as evaluations, and what belongs to one run.

The newer and the older layout are read (`acc,none` and `acc`; `model_args` as text or as an object). What is
missing, broken or not a number is left out and named in a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from e2lm_core.base.plain import number
from e2lm_core.base.records import Json
from e2lm_core.imported.places import Places, Spot
from e2lm_core.imported.records import Evaluation, lower_is_better

_DATE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d[-:]\d\d[-:]\d\d(?:\.\d+)?)")
_SAMPLES = re.compile(r"samples_(.+?)_\d{4}-\d\d-\d\dT")
_NOT_METRICS = frozenset({"alias", "name", "sample_len", "samples", "sample_count", " "})
MAX_SHOTS = 10_000  # more is no number of examples
MAX_QUESTIONS = 10**9
MAX_DATE = 253_402_300_800  # the year 10,000, in seconds since 1970
DELIMITER = " "  # the harness's own default between prompt and choice


@dataclass(frozen=True)
class ResultsFile:
    """What one `results_*.json` says; `delimiters` are those between prompt and choice, by task."""

    evaluations: tuple[Evaluation, ...]
    spot: Spot | None
    delimiters: Mapping[str, str]
    problems: tuple[str, ...]


def is_results(content: Any) -> bool:
    """Whether parsed JSON is a results file of lm-evaluation-harness, of any of its layouts."""
    return (
        isinstance(content, dict)
        and isinstance(content.get("results"), dict)
        and any(key in content for key in ("config", "configs", "versions", "model_name"))
    )


def read_results(content: Json, file: str, places: Places) -> ResultsFile:
    """The evaluations of one results file; none, with the reason, where its names tell no checkpoint."""
    config: Json = named if isinstance(named := content.get("config"), dict) else {}
    pretrained, revision, subfolder = _names(content, config)
    spot = places.find(pretrained, revision, subfolder) if pretrained else None
    if spot is None:
        names = ", ".join(str(part) for part in (pretrained or "no model", revision, subfolder) if part)
        sentence = (
            f"{file} names no checkpoint ({names}): a curve needs a step, as in revision=step1000 or a "
            "folder iter_0001000."
        )
        return ResultsFile((), None, {}, (sentence,))
    evaluations, problems = [], []
    if config.get("limit") not in (None, 0):
        problems.append(
            f"{file} was run with --limit {config['limit']}, so on the first questions of its tasks alone."
        )
    for task, entries in content["results"].items():
        if isinstance(entries, dict):
            scores, lacking = _scored(entries, task, file, spot)
            problems += lacking
            if scores:
                evaluations.append(_evaluation(content, str(task), scores, file, spot))
    return ResultsFile(tuple(evaluations), spot, _delimiters(content), tuple(problems))


def alone(task: str, spot: Spot, file: str) -> Evaluation:
    """An evaluation of which only the samples are there."""
    return Evaluation(
        model=spot.model,
        step=spot.step,
        tokens_seen=spot.tokens_seen,
        early=spot.early,
        checkpoint=spot.name,
        task=task,
        scores={},
        source=file,
        when=_when(None, file),
    )


def run_key(file: str) -> tuple[str, str]:
    """What the files of one run share: their folder and the date in their names."""
    path = PurePosixPath(file)
    date = _DATE.search(path.name)
    return str(path.parent), date[1] if date else ""


def sample_task(file: str) -> str | None:
    """The task in the name of a samples file, `samples_TASK_DATE.jsonl`; None for another name."""
    match = _SAMPLES.match(PurePosixPath(file).name)
    return match[1] if match else None


def folder_names(file: str) -> str:
    """The model that a folder's name stands for: the harness writes `owner/name` as `owner__name`."""
    return PurePosixPath(file).parent.name.replace("__", "/")


# --- within -------------------------------------------------------------------------------------------


def _names(content: Json, config: Json) -> tuple[str, str | None, str | None]:
    """pretrained, revision, subfolder: from the arguments or, where they are silent, the file's other keys."""
    listed = config.get("model_args")
    if isinstance(listed, str):
        pairs = (part.split("=", 1) for part in listed.split(",") if "=" in part)
        listed = {key.strip(): value.strip() for key, value in pairs}
    arguments: dict[str, Any] = listed if isinstance(listed, dict) else {}
    for task in (content.get("configs") or {}).values() if isinstance(content.get("configs"), dict) else ():
        metadata = task.get("metadata") if isinstance(task, dict) else None
        if isinstance(metadata, dict):
            arguments = {
                **{k: metadata[k] for k in ("pretrained", "revision", "subfolder") if k in metadata},
                **arguments,
            }
    pretrained = arguments.get("pretrained") or content.get("model_name") or config.get("model_name") or ""
    revision = arguments.get("revision") or config.get("model_revision")
    subfolder = arguments.get("subfolder")
    return str(pretrained), str(revision) if revision else None, str(subfolder) if subfolder else None


def _scored(entries: Json, task: str, file: str, spot: Spot) -> tuple[dict[str, float], list[str]]:
    """A task's scores, and a sentence for each that is no number, or for there being none."""
    scores, dropped = _scores(entries)
    if not scores and not dropped and any(key not in _NOT_METRICS for key in entries):
        return scores, [f"{file} has no score for {task}."]
    return scores, [
        f"{spot.model.name} at {spot.name} has no number for {metric} on {task} ({file}): that point is "
        "left out."
        for metric in dropped
    ]


def _evaluation(content: Json, task: str, scores: dict[str, float], file: str, spot: Spot) -> Evaluation:
    return replace(
        alone(task, spot, file),
        scores=scores,
        num_fewshot=_fewshot(content, task),
        n=_questions(content, task),
        when=_when(content.get("date"), file),
        lower=_lower(content, task, scores),
    )


def _scores(entries: Json) -> tuple[dict[str, float], list[str]]:
    """{metric: value} and the metrics whose value is no number.

    `acc,none` is acc; other filters stay in the name.
    """
    scores: dict[str, float] = {}
    dropped: list[str] = []
    for key, value in entries.items():
        metric, _, kind = str(key).partition(",")
        if metric in _NOT_METRICS or metric.endswith("_stderr"):
            continue
        name = metric if kind in ("", "none") else f"{metric},{kind}"
        score = number(value)
        if score is None:
            dropped.append(name)
        else:
            scores[name] = score
    return scores, dropped


def _fewshot(content: Json, task: str) -> int | None:
    shots = content.get("n-shot")
    value = shots.get(task) if isinstance(shots, dict) else None
    if value is None:
        configs = content.get("configs")
        settings = configs.get(task) if isinstance(configs, dict) else None
        value = settings.get("num_fewshot") if isinstance(settings, dict) else None
    if value is None and isinstance(content.get("config"), dict):
        value = content["config"].get("num_fewshot")
    if isinstance(value, int | float) and 0 <= value <= MAX_SHOTS:
        return int(value)
    return None


def _questions(content: Json, task: str) -> int | None:
    counts = content.get("n-samples")
    counted = counts.get(task) if isinstance(counts, dict) else None
    value = counted.get("effective", counted.get("original")) if isinstance(counted, dict) else counted
    return value if isinstance(value, int) and 0 < value < MAX_QUESTIONS else None


def _lower(content: Json, task: str, scores: Mapping[str, float]) -> frozenset[str]:
    directions = content.get("higher_is_better")
    higher = directions.get(task) if isinstance(directions, dict) else None
    higher = higher if isinstance(higher, dict) else {}
    return frozenset(
        metric
        for metric in scores
        if (higher.get(metric.split(",")[0]) is False)
        or (higher.get(metric.split(",")[0]) is None and lower_is_better(metric))
    )


def _delimiters(content: Json) -> dict[str, str]:
    configs = content.get("configs")
    return {
        str(task): settings["target_delimiter"]
        for task, settings in (configs.items() if isinstance(configs, dict) else ())
        if isinstance(settings, dict) and isinstance(settings.get("target_delimiter"), str)
    }


def _when(date: Any, file: str) -> float:
    seconds = number(date)
    if seconds is not None and 0 <= seconds < MAX_DATE:
        return seconds
    match = _DATE.search(PurePosixPath(file).name)
    if match is None:
        return 0.0
    day, clock = match[1].split("T")
    try:
        return datetime.fromisoformat(f"{day}T{clock.replace('-', ':')}").replace(tzinfo=UTC).timestamp()
    except ValueError:  # the 99th day of a month
        return 0.0
