"""Reader of lighteval results and details.

Results lie in `results/MODEL/`, details in `details/MODEL/DATE/details_TASK|SHOTS_DATE.parquet`, or both in one hub
dataset; the date in the names joins them. Tasks are named `TASK|SHOTS`, before 0.12 `SUITE|TASK|SHOTS`, and before
0.11 with a `|0` behind. Details are read as lighteval writes them since 0.10 (`doc`, `metric`, `model_response`).
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from e2lm_core.base.errors import StudioError
from e2lm_core.base.json_values import to_json_number
from e2lm_core.base.records import Json
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.untrusted.safejson import object_at, value_at
from e2lm_core.imported.checkpoint_identity import CheckpointKey, CheckpointResolver
from e2lm_core.imported.formats import choice_loglikelihoods, frames, harness_results
from e2lm_core.imported.formats.choice_loglikelihoods import ScoredQuestion
from e2lm_core.imported.formats.harness_results import ResultsFile
from e2lm_core.imported.records import Evaluation

KIND = Sentence("lighteval results")
_DETAILS = re.compile(r"details_(.+)_(\d{4}-\d\d-\d\dT[\d.:-]+)\.parquet$")
_NEEDED = ("doc.id", "doc.choices", "doc.gold_index", "model_response.logprobs")
_NORMED = "acc_norm"  # the task decides whether lengths count the space before a choice


def is_results(content: Any) -> bool:
    """Whether parsed JSON is of lighteval: results with `config_general`, which the harness lacks."""
    return (
        isinstance(content, dict)
        and isinstance(content.get("config_general"), dict)
        and isinstance(content.get("results"), dict)
    )


def read_results(content: Json, file: str, places: CheckpointResolver) -> ResultsFile:
    """Evaluations of one results file; none, with the reason, if its names give no checkpoint.

    Args:
        content: Parsed JSON of the file.
        file: Name of the file.
        places: Resolver of checkpoint names.
    """
    general = content["config_general"]
    model = object_at(general, "model_config")
    name = str(model.get("model_name") or general.get("model_name") or model.get("pretrained") or "")
    revision, subfolder = model.get("revision"), model.get("subfolder")
    as_text = harness_results.text_or_none
    spot = places.find(name, as_text(revision), as_text(subfolder)) if name else None
    if spot is None:
        names = (name or "no model", revision, subfolder)
        return ResultsFile(problems=(harness_results.unknown_checkpoint(file, names),))
    problems = []
    if general.get("max_samples"):
        problems.append(
            Sentence(
                "{file} was run with --max-samples {limit}, so on the first questions of its tasks alone.",
                file=file,
                limit=str(general["max_samples"]),
            )
        )
    dtype = harness_results.dtype_name(model.get("dtype") or general.get("model_dtype"))
    arguments = _arguments(model, dtype)
    system = model.get("system_prompt") or general.get("system_prompt")
    evaluations = []
    for key, entries in content["results"].items():
        if key == "all" or ":_average" in key or not isinstance(entries, dict):
            continue  # means over tasks
        values = {
            str(metric): value
            for metric, given in entries.items()
            if (value := to_json_number(given)) is not None
        }
        task, shots = task_of(key)
        evaluation = harness_results.evaluation_at(spot, task, file, values)
        if not evaluation.scores:
            problems.append(Sentence("{file} has no score for {task}.", file=file, task=key))
            continue
        count = value_at(content, "config_tasks", key, "effective_num_docs")
        evaluations.append(
            replace(
                evaluation,
                num_fewshot=shots,
                n=harness_results.question_count(count),
                setup=harness_results.run_setup(
                    arguments, _chat(general, model), system, _version(content, key)
                ),
                dtype=None if dtype is None or "bit" in dtype else dtype,
            )
        )
    return ResultsFile(tuple(evaluations), spot, problems=tuple(problems))


def task_of(key: str) -> tuple[str, int | None]:
    """Task and number of few-shot examples in a name of lighteval; None without a number.

    `arc:easy|0`, `leaderboard|arc:easy|25` and `leaderboard|arc:easy|25|0` are read.
    """
    parts = key.split("|")
    if len(parts) >= 3 and not parts[1].isdecimal():
        parts = parts[1:]
    return parts[0], int(parts[1]) if len(parts) > 1 and parts[1].isdecimal() and len(parts[1]) < 4 else None


def details_of(file: str) -> tuple[str, str] | None:
    """(TASK|SHOTS, date) from the name of a file of details; None for another name."""
    match = _DETAILS.match(PurePosixPath(file).name)
    return (match[1], match[2]) if match else None


def date_of(file: str) -> str:
    """Date in the name of a results file, which joins details to it."""
    return PurePosixPath(file).stem.removeprefix("results_")


def folder_spot(file: str, places: CheckpointResolver) -> CheckpointKey | None:
    """Checkpoint named by the folders above a file of details; None without a step."""
    parts = PurePosixPath(file).parts[:-2]
    below = parts[parts.index("details") + 1 :] if "details" in parts else parts
    name = "/".join(
        part.removeprefix("details_").removesuffix("_private").replace("__", "/") for part in below
    )
    return places.find(name) if name else None


def read_details(data: bytes | BinaryIO, file: str) -> list[ScoredQuestion]:
    """Questions of a file of details.

    Raises:
        StudioError: The file is not as lighteval writes it since 0.10, or its questions have no
            log-probabilities of choices or not exactly one right answer.
        TaskError: It cannot be read as Parquet.
        LimitError: It is too large.
    """
    rows = frames.read_nested(data, file, _NEEDED)
    if rows is None:
        raise StudioError(
            Sentence(
                "{file}: these details are not as lighteval writes them since 0.10 (doc, metric, model_response); its "
                "means are taken from the results file.",
                file=file,
            )
        )
    found = []
    for place, row in enumerate(rows):
        doc, said = row.get("doc") or {}, row.get("model_response") or {}
        texts, gold = doc.get("choices"), doc.get("gold_index")
        gold = gold[0] if isinstance(gold, list) and len(gold) == 1 else gold
        values = said.get("logprobs")
        if not isinstance(texts, list) or not isinstance(values, list) or len(texts) < 2:
            raise StudioError(
                Sentence("{file}: it is no multiple-choice task, so there are means alone.", file=file)
            )
        if not isinstance(gold, int) or not 0 <= gold < len(texts):
            raise StudioError(
                Sentence(
                    "{file}: a question has several right answers or none, so there are means alone.",
                    file=file,
                )
            )
        if len(texts) > choice_loglikelihoods.MAX_CHOICES or len(values) < len(texts):
            raise StudioError(
                Sentence(
                    "{file}: a question has {choices} choices and {numbers} log-probabilities.",
                    file=file,
                    choices=len(texts),
                    numbers=len(values),
                )
            )
        shown = choice_loglikelihoods.strip_leading_space([str(text) for text in texts])
        if not all(shown):
            raise StudioError(Sentence("{file}: a choice is empty, so there are means alone.", file=file))
        # For some tasks the log-probabilities without the question follow those of the choices.
        lls = [math.nan if value is None else float(value) for value in values[: len(texts)]]
        found.append(
            choice_loglikelihoods.from_choice_texts(str(doc.get("id") or place), "", gold, lls, shown)
        )
    if len({one.id for one in found}) < len(found):
        found = [one._replace(id=str(place)) for place, one in enumerate(found)]
    return found


def add_details(evaluation: Evaluation, answered: list[ScoredQuestion]) -> tuple[Evaluation, str | None]:
    """Add details to an evaluation; acc must agree.

    An acc_norm over other lengths is kept as acc_norm,lighteval.

    Returns:
        The evaluation with questions and None, or the evaluation unchanged and the reason.
    """
    scores = dict(evaluation.scores)
    theirs = scores.pop(_NORMED, None)
    fuller, why = choice_loglikelihoods.add_questions(replace(evaluation, scores=scores), answered, "details")
    if why is not None:
        return evaluation, why
    if theirs is not None and abs(theirs - fuller.scores[_NORMED]) > choice_loglikelihoods.AGREES_WITHIN:
        named = f"{_NORMED},lighteval"
        stderr = {named if metric == _NORMED else metric: error for metric, error in fuller.stderr.items()}
        return replace(fuller, scores={**fuller.scores, named: theirs}, stderr=stderr), None
    return fuller, None


def _arguments(model: Json, dtype: str | None) -> Json:
    """The model's configuration as arguments: a dtype such as `4bit` is a quantization.

    An adapter is named by its base model, since the model is called by the adapter.
    """
    base = model.get("base_model")
    named = {
        key: f"on {base}"  # the model is called by the adapter, whose name may hold the step
        for key in ("adapter_weights", "delta_weights")
        if base and model.get(key)
    }
    more = {"quantization": dtype} if dtype is not None and "bit" in dtype else {}
    return {**model, "adapter_weights": None, "delta_weights": None, **named, **more}


def _chat(general: Json, model: Json) -> str | None:
    """Chat template of a run; None without. Its own settings give whether there was one, not its name."""
    given = [
        model.get("override_chat_template"),
        general.get("use_chat_template"),
        model.get("use_chat_template"),
    ]
    return "of the tokenizer" if True in given else None


def _version(content: Json, key: str) -> Any:
    known = value_at(content, "versions", key)
    return known if known is not None else value_at(content, "config_tasks", key, "version")
