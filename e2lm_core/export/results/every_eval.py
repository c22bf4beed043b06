"""Results in the every_eval_ever schema 0.3.0.

The schema has no field for a checkpoint: step and tokens stand in the model's details, the step also in the
ids.
"""

from __future__ import annotations

import hashlib
import json
import math
import uuid
from collections.abc import Iterator
from typing import Any

from e2lm_core.base.labels import METRIC_HELP
from e2lm_core.base.records import BOUNDED_METRICS, LOWER_IS_BETTER, ORIGIN_KEY
from e2lm_core.base.version import VERSION
from e2lm_core.export.results.outgoing import CheckpointResult, CompleteResults, finite_values
from e2lm_core.sets.selection_origin import origin_of_set

SCHEMA = "0.3.0"
EMBEDDED = "e2lm-task-studio"  # developer of models that are on no hub
_IDS = {"acc": "accuracy"}
_UNBOUNDED = "Infinity"


def files(outgoing: CompleteResults, when: float) -> dict[str, bytes]:
    """Content of every file by its path in the datastore.

    Args:
        outgoing: Results to write.
        when: Date of the results, in seconds since 1970.
    """
    written = {}
    for result in outgoing.results:
        developer, _, model = _identity(result).partition("/")
        mark = f"{outgoing.task.name} {result.checkpoint.name} {outgoing.num_fewshot}"
        name = uuid.UUID(bytes=hashlib.sha256(mark.encode()).digest()[:16], version=4)
        place = f"data/{outgoing.task.name}/{developer}/{model}/{name}"
        record = _record(outgoing, result, when)
        rows = list(_samples(outgoing, result, record["evaluation_id"]))
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
        record["detailed_evaluation_results"] = {
            "format": "jsonl",
            "file_path": f"{place}_samples.jsonl",
            "hash_algorithm": "sha256",
            "checksum": hashlib.sha256(lines).hexdigest(),
            "total_rows": len(rows),
        }
        written[f"{place}.json"] = json.dumps(record, indent=2, ensure_ascii=False).encode()
        written[f"{place}_samples.jsonl"] = lines
    return written


def _identity(result: CheckpointResult) -> str:
    """OWNER/MODEL, the form of the schema's ids."""
    name = result.names[0]
    return name if "/" in name else f"{EMBEDDED}/{name}"


def _record(outgoing: CompleteResults, result: CheckpointResult, when: float) -> dict[str, Any]:
    _, revision, subfolder = result.names
    one = result.checkpoint
    stamp = str(int(when))
    details = {
        "deployment_type": "self_deployed",
        "model_availability": "open_weights",
        "revision": revision,
        "subfolder": subfolder,
        "step": str(one.step),
        "tokens_seen": None if one.tokens_seen is None else str(one.tokens_seen),
    }
    return {
        "schema_version": SCHEMA,
        "evaluation_id": f"{outgoing.task.name}/{_identity(result)}@{one.step}/{stamp}",
        "retrieved_timestamp": stamp,
        "source_metadata": {
            "source_name": "E2LM Task Studio",
            "source_type": "evaluation_run",
            "source_organization_name": "unknown",
            "evaluator_relationship": "other",
        },
        "eval_library": {"name": "e2lm_task_studio", "version": VERSION},
        "model_info": {
            "name": one.model.name,
            "id": _identity(result),
            "developer": _identity(result).split("/")[0],
            "additional_details": {key: value for key, value in details.items() if value},
        },
        "evaluation_results": [
            _metric(outgoing, result, metric) for metric, _ in finite_values(result.means)
        ],
    }


def _metric(outgoing: CompleteResults, result: CheckpointResult, metric: str) -> dict[str, Any]:
    lowest = 0.0 if metric in BOUNDED_METRICS or metric in LOWER_IS_BETTER else f"-{_UNBOUNDED}"
    doubt: dict[str, Any] = {"num_samples": len(outgoing.docs)}
    if math.isfinite(error := result.errors[metric]):
        doubt["standard_error"] = {"value": error, "method": "analytic"}
    settings = {"num_fewshot": str(outgoing.num_fewshot)}
    if origin := origin_of_set(outgoing.task):  # the schema's details are texts
        settings[ORIGIN_KEY] = origin.model_dump_json(exclude_none=True)
    return {
        "evaluation_result_id": metric,
        "evaluation_name": outgoing.task.name,
        "source_data": {"dataset_name": outgoing.task.name, "source_type": "other"},
        "metric_config": {
            "evaluation_description": METRIC_HELP[metric],
            "metric_id": _IDS.get(metric, metric),
            "metric_name": metric,
            "lower_is_better": metric in LOWER_IS_BETTER,
            "score_type": "continuous",
            "min_score": lowest,
            "max_score": 1.0 if metric in BOUNDED_METRICS else _UNBOUNDED,
        },
        "score_details": {"score": result.means[metric], "uncertainty": doubt},
        "generation_config": {"additional_details": settings},
    }


def _samples(
    outgoing: CompleteResults, result: CheckpointResult, evaluation: str
) -> Iterator[dict[str, Any]]:
    """One row per question, for acc; its log-likelihoods are text among its metadata."""
    for number, (question, doc) in enumerate(zip(outgoing.task.questions, outgoing.docs, strict=True)):
        lls = [float(ll) for ll in result.ll[number, : len(doc.choices)]]
        chosen = doc.choices[max(range(len(lls)), key=lls.__getitem__)]
        right = bool(result.values["acc"][number])
        yield {
            "schema_version": SCHEMA,
            "evaluation_id": evaluation,
            "model_id": _identity(result),
            "evaluation_name": outgoing.task.name,
            "evaluation_result_id": "acc",
            "sample_id": question.id,
            "interaction_type": "single_turn",
            "input": {
                "raw": doc.context or doc.ending,
                "reference": [doc.choices[doc.gold]],
                "choices": list(doc.choices),
            },
            "output": {"raw": [chosen]},
            "answer_attribution": [
                {
                    "turn_idx": 0,
                    "source": "output.raw",
                    "extracted_value": chosen,
                    "extraction_method": "likeliest choice",
                    "is_terminal": True,
                }
            ],
            "evaluation": {"score": float(right), "is_correct": right},
            "metadata": {
                "loglikelihoods_nats": json.dumps(lls),
                **({"subject": question.subject} if question.subject else {}),
            },
        }
