"""Reader of lm-evaluation-harness `results_*.json`.

The newer and the older layout are read (`acc,none` and `acc`; `model_args` as text or as an object). Values
that are missing, broken or not a number are left out and named in a sentence.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from e2lm_core.base.json_values import to_json_number
from e2lm_core.base.records import Json
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.untrusted.safejson import object_at, value_at
from e2lm_core.imported.checkpoint_identity import CheckpointKey, CheckpointResolver
from e2lm_core.imported.records import (
    PLAIN,
    Evaluation,
    Setup,
    lower_is_better,
    split_stderr,
    stderr_metric,
)

_RELEASE = re.compile(r"(\d{1,4})\.(\d{1,4})")
_DATE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d[-:]\d\d[-:]\d\d(?:\.\d+)?)")
_SAMPLES = re.compile(r"samples_(.+?)_\d{4}-\d\d-\d\dT")
_NOT_METRICS = frozenset({"alias", "name", "sample_len", "samples", "sample_count", " "})
MAX_SHOTS = 10_000  # a larger value is no number of examples
MAX_QUESTIONS = 10**9
MAX_DATE = 253_402_300_800  # the year 10,000, in seconds since 1970
# Metrics over lengths, into which lm_eval 0.5 counts the delimiter before a choice.
_OVER_LENGTHS = ("acc_norm", "acc_bytes", "bpb")
WITH_DELIMITER = "delimiter"
_ADAPTERS = ("peft", "delta", "lora_local_path", "adapter_weights", "delta_weights")
_QUANTIZED = re.compile(r"load_in_\dbit|autogptq|gptqmodel|gguf_file|quantization(_config)?|quantize|bnb_\w+")
_NOTHING = ("", "none", "false", "0", "null")
MAX_TEXT = 60  # characters of a system instruction that are shown
DELIMITER = " "  # the harness's own default between prompt and choice


@dataclass(frozen=True)
class ResultsFile:
    """Content of one results file.

    Attributes:
        evaluations: Its evaluations, one per task.
        spot: Its checkpoint; None if its names give none.
        delimiters: Text between prompt and choice, by task.
        problems: Sentences on what was left out.
    """

    evaluations: tuple[Evaluation, ...] = ()
    spot: CheckpointKey | None = None
    delimiters: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def is_results(content: Any) -> bool:
    """Whether parsed JSON is a results file of lm-evaluation-harness, in any of its layouts."""
    return (
        isinstance(content, dict)
        and isinstance(content.get("results"), dict)
        and any(key in content for key in ("config", "configs", "versions", "model_name"))
    )


def read_results(content: Json, file: str, places: CheckpointResolver) -> ResultsFile:
    """Evaluations of one results file; none, with the reason, if its names give no checkpoint.

    Args:
        content: Parsed JSON of the file.
        file: Name of the file, whose date counts if the content has none.
        places: Resolver of checkpoint names.
    """
    config = object_at(content, "config")
    arguments = _arguments(content, config)
    pretrained, revision, subfolder = _names(content, config, arguments)
    spot = places.find(pretrained, revision, subfolder) if pretrained else None
    if spot is None:
        names = (pretrained or "no model", revision, subfolder)
        return ResultsFile(problems=(unknown_checkpoint(file, names),))
    evaluations = []
    problems: list[str] = []
    if config.get("limit") not in (None, 0):
        problems.append(
            Sentence(
                "{file} was run with --limit {limit}, so on the first questions of its tasks alone.",
                file=file,
                limit=str(config["limit"]),
            )
        )
    version = _counts_delimiters(content)
    for task, entries in content["results"].items():
        if isinstance(entries, dict):
            scores, lacking = _scored(entries, task, file, spot, version is not None)
            problems += lacking
            evaluation = evaluation_at(spot, task, file, scores)
            if evaluation.scores:
                setup = run_setup(
                    arguments,
                    _chat_template(content),
                    content.get("system_instruction"),
                    _version(content, task),
                )
                evaluations.append(
                    replace(
                        evaluation,
                        num_fewshot=_fewshot(content, task),
                        n=_questions(content, task),
                        when=_when(content.get("date"), file),
                        lower=_lower(content, task, evaluation.scores),
                        setup=setup,
                        dtype=dtype_name(config.get("model_dtype") or arguments.get("dtype")),
                    )
                )
    others = {m for run in evaluations for m in run.scores if m.endswith(f",{WITH_DELIMITER}")}
    for metric in sorted(metric.removesuffix(f",{WITH_DELIMITER}") for metric in others):
        problems.append(
            Sentence(
                "{file} is of lm_eval {version}, whose {metric} counts the delimiter before a choice: it is called {name}, "
                "since it is another metric.",
                file=file,
                version=version,
                metric=metric,
                name=f"{metric},{WITH_DELIMITER}",
            )
        )
    return ResultsFile(tuple(evaluations), spot, _delimiters(content), tuple(problems))


def unknown_checkpoint(
    file: str, names: Iterable[Any], example: str = "as in revision=step1000 or a folder iter_0001000"
) -> str:
    """Sentence on a file whose names give no checkpoint.

    Args:
        file: Name of the file.
        names: Names in the file; empty ones are left out.
        example: Place of a step that would be read.
    """
    shown = ", ".join(str(name) for name in names if name)
    return f"{file} names no checkpoint ({shown}): a curve needs a step, {example}."


def evaluation_at(
    spot: CheckpointKey, task: str, file: str, values: Mapping[str, float] | None = None
) -> Evaluation:
    """Evaluation of a checkpoint on a task; its date is that in the file's name.

    Args:
        spot: Checkpoint of the run.
        task: Name of the task.
        file: Name of the file.
        values: Scores and their standard errors by name; None without any yet.
    """
    scores, stderr = split_stderr(values or {})
    return Evaluation(
        model=spot.model,
        step=spot.step,
        tokens_seen=spot.tokens_seen,
        early=spot.early,
        checkpoint=spot.name,
        task=task,
        scores=scores,
        stderr=stderr,
        source=file,
        when=_when(None, file),
        lower=frozenset(filter(lower_is_better, scores)),
    )


def run_setup(
    arguments: Mapping[str, Any], chat_template: str | None, system_instruction: Any, task_version: Any
) -> Setup:
    """Setup of a run from the model's arguments and the run's own settings, as any tool writes them.

    Args:
        arguments: Arguments of the model: adapter, quantization.
        chat_template: Short name of the chat template; None without.
        system_instruction: Text before each prompt, or an empty value.
        task_version: Version of the task as the tool writes it.
    """
    adapters = [str(arguments[key]) for key in _ADAPTERS if _is_given(arguments.get(key))]
    quantized = [
        key if str(value).lower() == "true" else f"{key}={value}"
        for key, value in sorted(arguments.items())
        if _QUANTIZED.fullmatch(str(key)) and _is_given(value)
    ]
    setup = Setup(
        adapter=_short(" + ".join(adapters)),
        chat_template=chat_template,
        system_instruction=_short(system_instruction) if _is_given(system_instruction) else None,
        quantization=_short(", ".join(quantized)),
        task_version=_version_text(task_version),
    )
    return PLAIN if setup == PLAIN else setup


def dtype_name(value: Any) -> str | None:
    """Name of a dtype, `torch.float16` as float16; None if none is given."""
    return str(value).removeprefix("torch.") if _is_given(value) else None


def question_count(value: Any) -> int | None:
    """Number of questions in parsed JSON; None for a value that is none."""
    return value if isinstance(value, int) and 0 < value < MAX_QUESTIONS else None


def text_or_none(value: Any) -> str | None:
    """Name in parsed JSON as text; None for an empty value."""
    return str(value) if value else None


def iso_seconds(date: Any) -> float:
    """Seconds since 1970 of an ISO 8601 date, in UTC unless it has a zone; 0 for any other value."""
    try:
        moment = datetime.fromisoformat(str(date))
    except ValueError:
        return 0.0
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def short_hash(text: str) -> str:
    """First eight characters of a text's SHA-256, to distinguish texts."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def run_key(file: str) -> tuple[str, str]:
    """Key that the files of one run share: their folder and the date in their names."""
    path = PurePosixPath(file)
    date = _DATE.search(path.name)
    return str(path.parent), date[1] if date else ""


def sample_task(file: str) -> str | None:
    """Task in the name of a samples file, `samples_TASK_DATE.jsonl`; None for another name."""
    match = _SAMPLES.match(PurePosixPath(file).name)
    return match[1] if match else None


def folder_names(file: str) -> str:
    """Model named by a file's folder: the harness writes `owner/name` as `owner__name`."""
    return PurePosixPath(file).parent.name.replace("__", "/")


# --- within -------------------------------------------------------------------------------------------


def _arguments(content: Json, config: Json) -> dict[str, Any]:
    """Arguments of the model, completed from the metadata of the tasks."""
    listed = config.get("model_args")
    if isinstance(listed, str):
        pairs = (part.split("=", 1) for part in listed.split(",") if "=" in part)
        listed = {key.strip(): value.strip() for key, value in pairs}
    arguments: dict[str, Any] = listed if isinstance(listed, dict) else {}
    for task in object_at(content, "configs").values():
        metadata = object_at(task, "metadata")
        arguments = {**{k: v for k, v in metadata.items() if k != "version"}, **arguments}
    return arguments


def _names(content: Json, config: Json, arguments: Json) -> tuple[str, str | None, str | None]:
    """pretrained, revision and subfolder from the arguments, else from the file's other keys."""
    pretrained = arguments.get("pretrained") or content.get("model_name") or config.get("model_name") or ""
    revision = arguments.get("revision") or config.get("model_revision")
    return str(pretrained), text_or_none(revision), text_or_none(arguments.get("subfolder"))


def _is_given(value: Any) -> bool:
    return str(value).strip().lower() not in _NOTHING if not isinstance(value, dict | list) else bool(value)


def _short(value: Any) -> str | None:
    """Text that distinguishes a setup, with its hash if it is shortened; None for an empty one."""
    text = " ".join(str(value).split())
    if len(text) <= MAX_TEXT:
        return text or None
    return f"{text[:MAX_TEXT]}… ({short_hash(text)})"


def _chat_template(content: Json) -> str | None:
    """Short name of the chat template around a run's prompts; None if there was none."""
    template, sha = content.get("chat_template"), content.get("chat_template_sha")
    if not _is_given(template) and not _is_given(sha):
        return None
    name = str(sha)[:8] if _is_given(sha) else short_hash(str(template))
    return f"{name}, examples as turns" if content.get("fewshot_as_multiturn") is True else name


def _version(content: Json, task: str) -> Any:
    """Version of a task in the results, else in its own configuration."""
    version = value_at(content, "versions", task)
    return version if _version_text(version) else value_at(content, "configs", task, "metadata", "version")


def _version_text(value: Any) -> str | None:
    """Version as text, 1 and 1.0 alike; None for a value that is no version (`Yaml`, `N/A`)."""
    if (found := to_json_number(value)) is not None:
        return f"{found:g}"
    text = _short(value) if isinstance(value, str) else None
    return None if text is None or text.lower() in ("yaml", "n/a", "none") else text


def _scored(
    entries: Json, task: str, file: str, spot: CheckpointKey, counted: bool
) -> tuple[dict[str, float], list[str]]:
    """Scores of a task, and a sentence for each value that is no number, or on the lack of any."""
    scores, dropped = _scores(entries, counted)
    if not split_stderr(scores)[0] and not dropped and any(key not in _NOT_METRICS for key in entries):
        return scores, [Sentence("{file} has no score for {task}.", file=file, task=task)]
    return scores, [
        Sentence(
            "{model} at {checkpoint} has no number for {metric} on {task} ({file}): that point is left out.",
            model=spot.model.name,
            checkpoint=spot.name,
            metric=metric,
            task=task,
            file=file,
        )
        for metric in dropped
    ]


def _counts_delimiters(content: Json) -> str | None:
    """Version of an lm_eval that counts the delimiter into a choice's length; None for an earlier one."""
    version = str(content.get("lm_eval_version") or "")
    found = _RELEASE.match(version)
    return _short(version) if found and (int(found[1]), int(found[2])) >= (0, 5) else None


def _scores(entries: Json, counted: bool) -> tuple[dict[str, float], list[str]]:
    """{metric: value}, standard errors among them, and the metrics whose value is no number.

    `acc,none` is acc; other filters stay in the name. If delimiters are `counted` into lengths, acc_norm is
    acc_norm,delimiter.
    """
    scores: dict[str, float] = {}
    dropped: list[str] = []
    for key, value in entries.items():
        metric, _, kind = str(key).partition(",")
        if metric in _NOT_METRICS:
            continue
        plain = kind in ("", "none")
        if plain and counted and metric.removesuffix("_stderr") in _OVER_LENGTHS:
            plain, kind = False, WITH_DELIMITER
        name = metric if plain else f"{metric},{kind}"
        score = to_json_number(value)
        if score is not None:
            scores[name] = score
        elif stderr_metric(name) is None:  # one question has no standard error: "N/A"
            dropped.append(name)
    return scores, dropped


def _fewshot(content: Json, task: str) -> int | None:
    places = (("n-shot", task), ("configs", task, "num_fewshot"), ("config", "num_fewshot"))
    given = (value_at(content, *keys) for keys in places)
    value = next((value for value in given if value is not None), None)
    return int(value) if isinstance(value, int | float) and 0 <= value <= MAX_SHOTS else None


def _questions(content: Json, task: str) -> int | None:
    counted = value_at(content, "n-samples", task)
    value = counted.get("effective", counted.get("original")) if isinstance(counted, dict) else counted
    return question_count(value)


def _lower(content: Json, task: str, scores: Mapping[str, float]) -> frozenset[str]:
    higher = object_at(content, "higher_is_better", task)
    return frozenset(
        metric
        for metric in scores
        if (higher.get(metric.split(",")[0]) is False)
        or (higher.get(metric.split(",")[0]) is None and lower_is_better(metric))
    )


def _delimiters(content: Json) -> dict[str, str]:
    return {
        str(task): delimiter
        for task, settings in object_at(content, "configs").items()
        if isinstance(delimiter := value_at(settings, "target_delimiter"), str)
    }


def _when(date: Any, file: str) -> float:
    seconds = to_json_number(date)
    if seconds is not None and 0 <= seconds < MAX_DATE:
        return seconds
    match = _DATE.search(PurePosixPath(file).name)
    if match is None:
        return 0.0
    day, clock = match[1].split("T")
    return iso_seconds(f"{day}T{clock.replace('-', ':')}")
