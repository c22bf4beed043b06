"""Reader of every_eval_ever 0.2 and 0.3.

The checkpoint is read from a record's model and, if its writer gives one, the revision. A record's samples
(`…_samples.jsonl`) hold scores, no log-likelihoods, and are not needed for means.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from e2lm_core.base.json_values import to_json_number
from e2lm_core.base.records import Json
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.untrusted.safejson import object_at, value_at
from e2lm_core.imported.checkpoint_identity import CheckpointKey, CheckpointResolver
from e2lm_core.imported.formats import harness_results
from e2lm_core.imported.formats.harness_results import ResultsFile
from e2lm_core.imported.records import lower_is_better

KIND = Sentence("every_eval_ever record")
_NAMES = {"accuracy": "acc"}
_REVISIONS = ("revision", "model_revision", "checkpoint", "step")


def is_record(content: Any) -> bool:
    """Whether parsed JSON is a record of results in the every_eval_ever schema."""
    return (
        isinstance(content, dict)
        and isinstance(content.get("evaluation_results"), list)
        and isinstance(content.get("model_info"), dict)
        and "schema_version" in content
    )


def is_sample(row: Any) -> bool:
    """Whether a parsed line is a sample of an every_eval_ever record."""
    return isinstance(row, dict) and {"schema_version", "evaluation_id", "sample_id"} <= set(row)


def read_record(content: Json, file: str, places: CheckpointResolver) -> ResultsFile:
    """Evaluations of one record; none, with the reason, if it names no checkpoint.

    Args:
        content: Parsed JSON of the record.
        file: Name of the file.
        places: Resolver of checkpoint names.
    """
    model = content["model_info"]
    spot = _spot(model, places)
    if spot is None:
        name = str(model.get("id") or model.get("name") or "no model")[:80]
        example = "in the model's id or as the revision among its additional_details"
        return ResultsFile(problems=(harness_results.unknown_checkpoint(file, (name,), example),))
    by_task: dict[tuple[str, int | None, int | None], dict[str, float]] = {}
    lower: set[tuple[str, str]] = set()
    problems = []
    for result in content["evaluation_results"]:
        if not isinstance(result, dict):
            continue
        task = str(result.get("evaluation_name") or "")
        config, details = object_at(result, "metric_config"), object_at(result, "score_details")
        score = to_json_number(details.get("score"))
        if not task or score is None:
            problems.append(
                Sentence("{file} has a result without a name or a number, which is left out.", file=file)
            )
            continue
        metric = _metric(config)
        count = harness_results.question_count(value_at(details, "uncertainty", "num_samples"))
        values = by_task.setdefault((task, _shots(result), count), {})
        values[metric] = score
        if (error := _error(details)) is not None:
            values[f"{metric}_stderr"] = error
        if config.get("lower_is_better") is True or (
            "lower_is_better" not in config and lower_is_better(metric)
        ):
            lower.add((task, metric))
    when = _when(content.get("evaluation_timestamp") or content.get("retrieved_timestamp"))
    evaluations = tuple(
        replace(
            harness_results.evaluation_at(spot, task, file, values),
            num_fewshot=shots,
            n=n,
            when=when,
            lower=frozenset(metric for metric in values if (task, metric) in lower),
        )
        for (task, shots, n), values in by_task.items()
    )
    return ResultsFile(evaluations, spot, problems=tuple(dict.fromkeys(problems)))


def _spot(model: Json, places: CheckpointResolver) -> CheckpointKey | None:
    more = object_at(model, "additional_details")
    subfolder = harness_results.text_or_none(more.get("subfolder"))
    names = [str(model[key]) for key in ("id", "name") if model.get(key)]
    for name in names:
        for revision in [*(str(more[key]) for key in _REVISIONS if more.get(key)), None]:
            marked = f"step{revision}" if revision is not None and revision.isdigit() else revision
            if spot := places.find(name, marked, subfolder):
                return spot
    return None


def _metric(config: Json) -> str:
    """A metric's id, else its name, else the description, into which the harness's converter writes it."""
    for key in ("metric_id", "metric_name", "evaluation_description"):
        if isinstance(name := config.get(key), str) and name:
            return _NAMES.get(name.lower(), name)
    return "score"


def _shots(result: Json) -> int | None:
    value = str(value_at(result, "generation_config", "additional_details", "num_fewshot"))
    return int(value) if value.isdigit() and len(value) < 5 else None


def _error(details: Json) -> float | None:
    """Standard error of a score; None if the record has none."""
    error = value_at(details, "uncertainty", "standard_error")
    return to_json_number(error.get("value")) if isinstance(error, dict) else to_json_number(error)


def _when(stamp: Any) -> float:
    try:
        seconds = float(str(stamp))
    except ValueError:
        return 0.0
    return seconds if 0 <= seconds < harness_results.MAX_DATE else 0.0
