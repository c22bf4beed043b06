"""Results in lm-evaluation-harness's format, with samples.

Readers of the harness's files read these. They name no version of the harness, which computed nothing of
them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from e2lm_core.base.records import LOWER_IS_BETTER, METRICS
from e2lm_core.base.version import VERSION
from e2lm_core.export.results.outgoing import CheckpointResult, CompleteResults, finite_values
from e2lm_core.sets.selection_origin import origin_metadata, origin_of_set

PROGRAM = "e2lm_task_studio"


def files(outgoing: CompleteResults, when: float) -> dict[str, bytes]:
    """Content of every file by its path.

    Args:
        outgoing: Results to write.
        when: Date in seconds since 1970; each checkpoint is a microsecond later than the one before.
    """
    written = {}
    for number, result in enumerate(outgoing.results):
        moment = datetime.fromtimestamp(when, UTC) + timedelta(microseconds=number)
        date = moment.strftime("%Y-%m-%dT%H-%M-%S.%f")
        folder = result.names[0].replace("/", "__")
        document = _results(outgoing, result, moment.timestamp())
        written[f"{folder}/results_{date}.json"] = json.dumps(document, indent=2).encode()
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in _samples(outgoing, result))
        written[f"{folder}/samples_{outgoing.task.name}_{date}.jsonl"] = "".join(lines).encode()
    return written


def arguments(result: CheckpointResult) -> str:
    """The checkpoint in the form of `--model_args`."""
    pretrained, revision, subfolder = result.names
    parts = [f"pretrained={pretrained}"]
    parts += [f"revision={revision}"] if revision else []
    return ",".join(parts + ([f"subfolder={subfolder}"] if subfolder else []))


def _results(outgoing: CompleteResults, result: CheckpointResult, when: float) -> dict[str, Any]:
    task, config = outgoing.task.name, outgoing.task.config
    scores: dict[str, Any] = {"alias": task}
    for metric, mean in finite_values(result.means):
        scores |= {
            f"{metric},none": mean,
            f"{metric}_stderr,none": dict(finite_values(result.errors)).get(metric, "N/A"),
        }
    settings: dict[str, Any] = {
        "task": task,
        "output_type": "multiple_choice",
        "doc_to_text": config.doc_to_text,
        "doc_to_choice": config.doc_to_choice,
        "doc_to_target": config.doc_to_target,
        "description": config.description,
        "target_delimiter": config.target_delimiter,
        "fewshot_delimiter": config.fewshot_delimiter,
        "num_fewshot": outgoing.num_fewshot,
    }
    if origin := origin_of_set(outgoing.task):
        settings["metadata"] = origin_metadata(origin)
    count = len(outgoing.docs)
    return {
        "results": {task: scores},
        "group_subtasks": {task: []},
        "configs": {task: settings},
        "versions": {task: 1.0},
        "n-shot": {task: outgoing.num_fewshot},
        "higher_is_better": {task: {metric: metric not in LOWER_IS_BETTER for metric in METRICS}},
        "n-samples": {task: {"original": count, "effective": count}},
        "config": {"model": "hf", "model_args": arguments(result), "limit": None},
        "date": when,
        "model_name": result.names[0],
        "model_name_sanitized": result.names[0].replace("/", "__"),
        PROGRAM: VERSION,
    }


def _samples(outgoing: CompleteResults, result: CheckpointResult) -> Iterator[dict[str, Any]]:
    for number, (question, doc) in enumerate(zip(outgoing.task.questions, outgoing.docs, strict=True)):
        # The harness writes text. Its second value, whether greedy decoding gives the choice, is unknown.
        said = [[repr(float(ll)), None] for ll in result.ll[number, : len(doc.choices)]]
        yield {
            "doc_id": number,
            "doc": question.model_dump(mode="json", exclude_none=True),
            "target": str(doc.gold) if doc.ending is None else doc.ending,
            "arguments": {
                f"gen_args_{place}": {"arg_0": context, "arg_1": continuation}
                for place, (context, continuation) in enumerate(doc.requests)
            },
            "resps": [[one] for one in said],
            "filtered_resps": said,
            "filter": "none",
            "metrics": list(METRICS),
            **{metric: float(result.values[metric][number]) for metric in METRICS},
        }
