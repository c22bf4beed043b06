"""Reader of OLMES, DataDecide and olmo-eval results.

A task's metrics lie in `task-000-NAME-metrics.json` (DataDecide: `NAME-metrics.json`), again in
`metrics-all.jsonl` and `metrics.json`, and every question's log-likelihoods in `…-predictions.jsonl` beside
it. olmo-eval has one `metrics.json` and `predictions/MODEL/TASK_hash-predictions.jsonl`. These tools count
the space before a choice into its length; the studio does not.
"""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import pandas as pd

from e2lm_core.base.json_values import to_json_number
from e2lm_core.base.records import Json, ModelInfo
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.untrusted.safejson import object_at, value_at
from e2lm_core.imported.checkpoint_identity import CheckpointKey, CheckpointResolver
from e2lm_core.imported.formats import choice_loglikelihoods, harness_results
from e2lm_core.imported.formats.choice_loglikelihoods import ScoredQuestion
from e2lm_core.imported.records import Evaluation

KIND = Sentence("OLMES metrics")
PREDICTIONS = "-predictions.jsonl"
_METRICS = "-metrics.json"
# DataDecide's folders: recipe, size, seed, step. Its tables call the seed 6198 the default.
_DECIDE = re.compile(r"(?:^|/)([^/]+)/(\d{1,4}[MB])/seed-(\w{1,20})/step-?(\d{1,9})/")
_DEFAULT_SEED = "6198"
MAX_METRICS_CHARS = 20_000
_LITERALS = {"nan": "NaN", "inf": "Infinity", "None": "null", "True": "true", "False": "false"}
_WORD = re.compile(r"(?<![\w'\"])(nan|inf|None|True|False)(?![\w'\"])")
DEFAULT_SEEDS = frozenset({"", "default", "nan", "none"})
_HASH = re.compile(r"_[0-9a-f]{6}$")
_OF_OUTPUTS = ("sum_logits", "text", "num_chars", "logits_per_byte", "bits_per_byte")
# Metrics of OLMES that share a name with a different metric of the studio.
_NAMESAKES = {"margin": "margin,olmes"}


class Run(NamedTuple):
    """Evaluation of one task, with the keys by which its file of predictions is found.

    Attributes:
        evaluation: The evaluation.
        folder: Folder of the metrics.
        called: Name of the task in the file's name.
    """

    evaluation: Evaluation
    folder: str
    called: str


def is_metrics(content: Any) -> bool:
    """Whether parsed JSON, a file or a line, holds metrics of OLMES or of olmo-eval."""
    if not isinstance(content, dict):
        return False
    if isinstance(content.get("metrics"), dict):
        return isinstance(content.get("task_name"), str) and isinstance(content.get("task_config"), dict)
    return _many(content) is not None


def is_prediction(row: Any) -> bool:
    """Whether a parsed line is the prediction for a question."""
    return isinstance(row, dict) and isinstance(row.get("model_output"), list) and "doc_id" in row


def is_request(row: Any) -> bool:
    """Whether a parsed line is a request to the model, which predictions repeat."""
    return isinstance(row, dict) and "request_type" in row and "request" in row and "doc_id" in row


def drop_unused_fields(row: Json) -> Json:
    """Reduce a prediction to the fields that scores need."""
    outputs = [
        {key: output[key] for key in _OF_OUTPUTS if key in output}
        for output in row["model_output"]
        if isinstance(output, dict)
    ]
    return {key: row[key] for key in ("doc_id", "native_id", "label") if key in row} | {
        "model_output": outputs
    }


def read_metrics(content: Json, file: str, places: CheckpointResolver) -> tuple[list[Run], list[str]]:
    """Evaluations of one file, or of one line of it, and sentences on what was left out.

    Args:
        content: Parsed JSON.
        file: Name of the file.
        places: Resolver of checkpoint names.
    """
    runs, problems = [], []
    for entry, model in _entries(content):
        spot = find_checkpoint(model, file, places)
        task = str(entry.get("task") or entry.get("task_name"))
        if spot is None:
            names = [model[key] for key in ("model_path", "model", "revision") if model.get(key)]
            example = "as in revision=step1000-tokens4B or a folder step1000"
            sentence = harness_results.unknown_checkpoint(file, names or ["no model"], example)
            if sentence not in problems:
                problems.append(sentence)
            continue
        evaluation = harness_results.evaluation_at(spot, task, file, dict(_scores(entry.get("metrics"))))
        if not evaluation.scores:
            problems.append(Sentence("{file} has no score for {task}.", file=file, task=task))
            continue
        config = entry.get("task_config") or entry.get("config")
        config = config if isinstance(config, dict) else {}
        date = entry.get("current_date") or content.get("timestamp")
        evaluation = replace(
            evaluation,
            num_fewshot=_whole(config.get("num_shots", config.get("num_fewshot")), harness_results.MAX_SHOTS),
            n=_whole(entry.get("num_instances"), harness_results.MAX_QUESTIONS) or None,
            when=harness_results.iso_seconds(str(date).replace(" UTC", "").strip()),
            setup=harness_results.run_setup(
                model, _chat(model, config), model.get("system_prompt"), config.get("version")
            ),
            dtype=harness_results.dtype_name(model.get("dtype")),
        )
        path = PurePosixPath(file)
        named = path.name.removesuffix(_METRICS) if path.name.endswith(_METRICS) else task
        runs.append(Run(evaluation, str(path.parent), named))
    return runs, problems


def drop_duplicates(runs: Sequence[Run]) -> list[Run]:
    """Keep each result once: a task's own file, `metrics-all.jsonl` and `metrics.json` repeat it."""
    found: dict[tuple[Any, ...], Run] = {}
    for run in runs:
        one = run.evaluation
        scores = tuple(sorted(one.scores.items()))
        key = (one.model.name, one.step, one.task, one.num_fewshot, one.n, one.setup, scores)
        if key not in found or run.called != run.evaluation.task:
            found[key] = run
    return list(found.values())


def match_run(file: str, runs: Sequence[Run]) -> int | None:
    """Index of the run that a file of predictions belongs to; None if none or several match."""
    path = PurePosixPath(file)
    stem = path.name.removesuffix(PREDICTIONS)
    for place, run in enumerate(runs):
        if (str(path.parent), stem) == (run.folder, run.called):
            return place
    task = _HASH.sub("", re.sub(r"^task-\d+-", "", stem))
    parents = {str(parent) for parent in path.parents}
    alike = [
        place
        for place, run in enumerate(runs)
        if run.folder in parents and re.sub(r"[:/\\ ]", "_", run.evaluation.task) in (task, stem)
    ]
    return alike[0] if len(alike) == 1 else None


def find_checkpoint(model: Json, file: str, places: CheckpointResolver) -> CheckpointKey | None:
    """Checkpoint named by a model's configuration, else by the folders of the file; None without a step.

    Args:
        model: Configuration of the model.
        file: Name of the file with its folders.
        places: Resolver of checkpoint names.
    """
    for name in (model.get("model_path"), model.get("model")):
        if name and (spot := places.find(str(name), harness_results.text_or_none(model.get("revision")))):
            return spot
    decide = _DECIDE.search(file)
    if decide is not None:
        recipe, size, seed, step = decide.groups()
        base = f"{recipe}-{size}"
        plain = seed == _DEFAULT_SEED
        info = ModelInfo(
            name=base if plain else f"{base} (seed {seed})",
            family="datadecide",
            size=size,
            seed_of=None if plain else base,
        )
        return CheckpointKey(info, int(step), None, None, f"step {int(step):,}")
    return places.find(str(PurePosixPath(file).parent))


def read_predictions(rows: Sequence[Json]) -> list[ScoredQuestion] | str:
    """Questions of a file of predictions, or the reason why they give no log-likelihoods of choices."""
    found = []
    for row in rows:
        outputs = [output for output in row["model_output"] if isinstance(output, dict)]
        values = [to_json_number(output.get("sum_logits")) for output in outputs]
        label = row.get("label")
        if len(outputs) < 2 or any(value is None for value in values):
            return Sentence("it is no multiple-choice task")
        if len(outputs) > choice_loglikelihoods.MAX_CHOICES:
            return Sentence(
                "a question has more than {most} choices", most=str(choice_loglikelihoods.MAX_CHOICES)
            )
        if isinstance(label, bool) or not isinstance(label, int) or not 0 <= label < len(outputs):
            return Sentence("the right answer is none of them")
        lls = [math.nan if value is None else value for value in values]
        identity = str(row.get("native_id") or row["doc_id"])
        texts = [output.get("text") for output in outputs]
        if all(isinstance(text, str) and text.strip() for text in texts):
            shown = choice_loglikelihoods.strip_leading_space([str(text) for text in texts])
            found.append(choice_loglikelihoods.from_choice_texts(identity, "", label, lls, shown))
            continue
        chars = [(to_json_number(output.get("num_chars")) or math.nan) - 1 for output in outputs]
        found.append(ScoredQuestion(identity, "", label, lls, chars, _bytes(outputs[label], lls[label])))
    if len({one.id for one in found}) < len(found):
        found = [one._replace(id=str(row["doc_id"])) for one, row in zip(found, rows, strict=True)]
    return found


def add_predictions(evaluation: Evaluation, answered: list[ScoredQuestion]) -> tuple[Evaluation, str | None]:
    """Add predictions to an evaluation.

    A metric of OLMES that shares a name with another metric of the studio is renamed, as margin to
    margin,olmes.

    Returns:
        The evaluation with questions and None, or the evaluation unchanged and the reason.
    """
    scores = {_NAMESAKES.get(metric, metric): value for metric, value in evaluation.scores.items()}
    fuller, why = choice_loglikelihoods.add_questions(
        replace(evaluation, scores=scores),
        answered,
        Sentence("predictions"),
        Sentence("the metrics file"),
        {"acc_raw": "acc"},
    )
    return (evaluation, why) if why is not None else (fuller, None)


def with_models(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the model of a DataDecide row, which has data, size and seed in columns of their own."""
    if not {"params", "data"} <= set(frame.columns) or "model" in frame.columns:
        return frame
    seeds = _seeds(frame)
    base = frame["data"].astype(str) + "-" + frame["params"].astype(str)
    plain = seeds.str.lower().isin(DEFAULT_SEEDS)
    return frame.assign(model=base.where(plain, base + " (" + seeds + ")"), base=base, other=~plain)


def with_seeds(frame: pd.DataFrame, main: dict[str, str]) -> pd.DataFrame:
    """Make each further seed of a model a model of its own, with the first model in `seed_of`.

    Args:
        frame: Rows of a table.
        main: By model, the seed whose rows keep the model's name: the default, or the first in the table.
            Seeds of new models are added.
    """
    if "seed" not in frame.columns or {"base", "seed_of"} & set(frame.columns):
        return frame
    seeds = _seeds(frame)
    pairs = pd.DataFrame({"model": frame["model"], "seed": seeds}).drop_duplicates()
    pairs = pairs.sort_values(
        "seed", key=lambda column: ~column.str.lower().isin(DEFAULT_SEEDS), kind="stable"
    )
    for model, seed in zip(pairs["model"], pairs["seed"], strict=True):
        main.setdefault(model, seed)
    other = seeds != frame["model"].map(main)
    if not other.any():
        return frame
    return frame.assign(
        model=frame["model"].where(~other, frame["model"] + " (seed " + seeds + ")"),
        seed_of=frame["model"].where(other, ""),
    )


def model_of(spot: CheckpointKey, row: Mapping[Any, Any]) -> ModelInfo:
    """Model of a table's row; another seed of a model has `seed_of`, and so stays out of means."""
    if row.get("seed_of"):
        return spot.model.model_copy(update={"name": str(row["model"]), "seed_of": str(row["seed_of"])})
    if not row.get("base"):
        return spot.model
    return _decided(str(row["model"]), str(row["params"]), str(row["base"]) if row["other"] else None)


def parse_mapping(value: str) -> Mapping[str, Any] | None:
    """JSON object, or Python dict (with nan), in the text of a cell; None for anything else."""
    if len(value) > MAX_METRICS_CHARS:
        return None
    text = value if value.lstrip().startswith('{"') else value.replace("'", '"')
    try:
        parsed = json.loads(_WORD.sub(lambda word: _LITERALS[word[1]], text))
    except (ValueError, RecursionError):
        try:
            parsed = ast.literal_eval(value)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return None
    return parsed if isinstance(parsed, Mapping) else None


# --- within -------------------------------------------------------------------------------------------


def _many(content: Json) -> list[Any] | None:
    """Tasks of a file of several: OLMES calls them `metrics`, olmo-eval `tasks`."""
    if isinstance(tasks := content.get("metrics"), list) and "model_config" in content:
        return tasks
    tasks = content.get("tasks")
    return tasks if isinstance(tasks, list) and {"summary", "config"} <= set(content) else None


def _entries(content: Json) -> Iterator[tuple[Json, Json]]:
    """Metrics of every task, with its model's configuration."""
    many = _many(content)
    for entry in [content] if many is None else many:
        if isinstance(entry, dict):
            yield entry, _model(entry, content)


def _model(entry: Json, content: Json) -> Json:
    config = entry.get("model_config") or content.get("model_config") or content.get("config")
    if isinstance(models := value_at(config, "models"), dict):
        config = models.get(entry.get("model"))
    provider = value_at(config, "provider")
    return provider if isinstance(provider, dict) else object_at(config)


def _scores(metrics: Any) -> Iterator[tuple[str, float]]:
    """Values by metric; olmo-eval's have a scorer each, which is named if there are several."""
    for metric, value in metrics.items() if isinstance(metrics, dict) else ():
        if isinstance(value, Mapping):
            parts = {} if metric == "extra_metrics" else value  # holds prices and lengths, no scores
            for scorer, score in parts.items():
                if (plain := to_json_number(score)) is not None:
                    yield (str(metric) if len(parts) == 1 else f"{metric},{scorer}"), plain
        elif (plain := to_json_number(value)) is not None:
            yield str(metric), plain


def _chat(model: Json, config: Json) -> str | None:
    template = model.get("chat_template")
    used = model.get("chat_model") is True or config.get("use_chat_format") is True
    return str(template or "of the tokenizer") if used else None


def _whole(value: Any, most: int) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most else None


def _bytes(output: Json, ll: float) -> float:
    """Bytes of a choice from its bits per byte, −ll / (bits · ln 2), without the space before it."""
    bits = to_json_number(output.get("logits_per_byte", output.get("bits_per_byte")))
    return round(-ll / (bits * math.log(2))) - 1 if bits and ll else math.nan


def _seeds(frame: pd.DataFrame) -> pd.Series:
    """Seed of each row as text; whole numbers without a fraction."""
    if "seed" not in frame.columns:
        return pd.Series("", index=frame.index, dtype=object)
    return (
        frame["seed"].map(lambda cell: f"{cell:g}" if isinstance(cell, float) else str(cell)).astype(object)
    )


@lru_cache(maxsize=4096)  # a table names the same models in each of its rows
def _decided(name: str, size: str, seed_of: str | None) -> ModelInfo:
    return ModelInfo(name=name, family="datadecide", size=size, seed_of=seed_of)
