"""Task YAML to and from TaskConfig."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from e2lm_core.base import formatting
from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import TaskConfig
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Limits
from e2lm_core.base.untrusted.safeyaml import FunctionName, dump_block, quote_scalar
from e2lm_core.sets.folder.datafiles import LOADER_NAME, ReadPlan, read_fewshot, read_plan, sibling_path
from e2lm_core.sets.folder.foreign.functions import find_replacement
from e2lm_core.sets.folder.includes import merge_includes

# File of the first winner's aggregation, which is the studio's margin:
# mean of (ll of gold − mean ll of the distractors).
MARGIN_SHA256 = "eaba8ef7ade172b2b35a587ad912552f8c0fbaee406f1dde439ef9f31bb42592"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
METRICS_OF_THE_HARNESS = frozenset({"acc", "acc_norm", "acc_bytes", "bpb", "brier_score", "likelihood"})

READ = frozenset(
    {
        "task",
        "custom_dataset",
        "dataset_path",
        "dataset_name",
        "dataset_kwargs",
        "output_type",
        "training_split",
        "validation_split",
        "test_split",
        "fewshot_split",
        "doc_to_text",
        "doc_to_choice",
        "doc_to_target",
        "description",
        "target_delimiter",
        "fewshot_delimiter",
        "num_fewshot",
        "fewshot_config",
        "metric_list",
        "metadata",
    }
)
UNUSED = frozenset(
    {
        "task_alias",
        "tag",
        "group",
        "group_alias",
        "repeats",
        "generation_kwargs",
        "filter_list",
        "should_decontaminate",
        "doc_to_decontamination_query",
        "unsafe_code",
    }
)
CHANGES_PROMPTS = frozenset(
    {"process_docs", "process_results", "use_prompt", "gen_prefix", "doc_to_image", "doc_to_audio", "class"}
)
NEWER_KEYS = {
    "formats": Sentence("prompts"),
    "scorer": Sentence("scores"),
}  # keys of lm-eval 0.5 and their effect
MAY_BE_KNOWN = ("process_docs", "doc_to_text", "doc_to_choice", "doc_to_target")


class ParsedConfig(NamedTuple):
    """Task YAML as it was read.

    Attributes:
        config: Settings of the task.
        data: Location of its rows.
        warnings: One sentence for each thing that was ignored.
        functions: The studio's functions for those that the YAML names, by the YAML's keys. The result of a
            function of one row stands in the row's column `column_of(key)`, which `config` names.
        alias: Text of `task_alias`; None without one.
    """

    config: TaskConfig
    data: ReadPlan
    warnings: list[str]
    functions: Mapping[str, Callable[[Any], Any]]
    alias: str | None = None


def read_config(
    files: Mapping[str, bytes],
    yaml_name: str,
    limits: Limits,
    strict: bool = False,
    overrides: Mapping[str, Any] | None = None,
) -> ParsedConfig:
    """Read a task's YAML as lm-evaluation-harness reads it.

    Args:
        files: Files of the task's tree by their paths.
        yaml_name: Path of the YAML in the tree.
        limits: Bound on `num_fewshot`.
        strict: Refuse an unknown key, a key that is given twice, and a function in a prompt or an unknown
            one in a metric; for YAML that the studio writes.
        overrides: Keys that a group gives the task in place of the YAML's own.

    Raises:
        TaskError: No YAML, no multiple-choice task, code that is not known, a key of the wrong kind, or an
            include that leaves the tree; one sentence.
    """
    said: list[str] = []
    raw = merge_includes(files, yaml_name, None if strict else said) | dict(overrides or {})
    warnings = said + _check_keys(raw, yaml_name, strict)
    if raw.get("output_type") != "multiple_choice":
        raise TaskError(
            Sentence(
                "{yaml_name}: output_type is {kind}; the studio reads multiple_choice only.",
                yaml_name=yaml_name,
                kind=repr(raw.get("output_type")),
            )
        )
    functions = {} if strict else _known_functions(raw, files)
    raw |= {key: column_of(key) for key in functions if key != "process_docs"}
    _refuse_functions(raw | dict.fromkeys(functions.keys() & {"process_docs"}), yaml_name)
    warnings += _check_metrics(raw, files, yaml_name, strict)
    fewshot = raw.get("fewshot_config") or {}
    sampler, zero_shot = read_fewshot(fewshot, yaml_name, strict, warnings)
    plan = read_plan(raw, fewshot, files, yaml_name)
    if plan.pool == "test":
        also = "" if plan.leaves_out else ", the question itself among them, as the harness draws"
        warnings.append(f"{yaml_name}: few-shot examples come from the test questions{also}.")
    config = TaskConfig(
        task=_name(raw, yaml_name, strict, warnings),
        num_fewshot=_num_fewshot(raw, yaml_name, limits),
        description=_text(raw, "description", yaml_name, ""),
        doc_to_text=_text(raw, "doc_to_text", yaml_name),
        doc_to_choice=_doc_to_choice(raw, yaml_name),
        doc_to_target=_doc_to_target(raw, yaml_name),
        target_delimiter=_text(raw, "target_delimiter", yaml_name, " "),
        fewshot_delimiter=_text(raw, "fewshot_delimiter", yaml_name, "\n\n"),
        fewshot_sampler=sampler,
        fewshot_split=plan.pool,
        fewshot_leaves_out=plan.leaves_out,
        metadata=_metadata(raw, yaml_name),
    )
    alias = raw.get("task_alias")
    return ParsedConfig(
        config,
        plan._replace(zero_shot=plan.zero_shot or zero_shot),
        warnings,
        functions,
        alias if isinstance(alias, str) else None,
    )


def column_of(key: str) -> str:
    """Column for the result of a row function that stands under a key of the YAML."""
    return f"__{key}"


def to_yaml(config: TaskConfig) -> bytes:
    """Task YAML of a configuration, with its keys in a fixed, readable order.

    An empty description and the harness's default delimiters are left out. `num_fewshot: 0` is left out too:
    the harness then uses 0, and `--num_fewshot 5` works; a written 0 would make it ignore that option.
    """
    choice = config.doc_to_choice
    lines = [
        f"task: {config.task}",
        f"custom_dataset: !function {LOADER_NAME}",
        "output_type: multiple_choice",
        *_split_lines(config),
        *([f"description: {quote_scalar(config.description)}"] if config.description else []),
        f"doc_to_text: {quote_scalar(config.doc_to_text)}",
        f"doc_to_choice: {quote_scalar(choice if isinstance(choice, str) else list(choice))}",
        f"doc_to_target: {quote_scalar(config.doc_to_target)}",
    ]
    for key, default in (("target_delimiter", " "), ("fewshot_delimiter", "\n\n")):
        if getattr(config, key) != default:
            lines.append(f"{key}: {quote_scalar(getattr(config, key))}")
    if config.num_fewshot:
        lines.append(f"num_fewshot: {config.num_fewshot}")
    lines += ["fewshot_config:", f"  sampler: {config.fewshot_sampler}", "metric_list:"]
    for metric in ("acc", "acc_norm"):
        lines += [f"  - metric: {metric}", "    aggregation: mean", "    higher_is_better: true"]
    text = "\n".join(lines) + "\n"
    if config.metadata:
        text += "metadata:\n" + dump_block(config.metadata)
    return text.encode()


def _split_lines(config: TaskConfig) -> list[str]:
    """YAML lines that name the splits, so that the harness draws examples as `prompts.shots` does.

    If neither `test_split` nor `fewshot_split` is named, the harness finds them equal: it draws one more
    example and leaves the question itself out. It does the same if both are `test`.
    """
    if config.fewshot_split == "dev" and config.fewshot_leaves_out:
        return ["training_split: dev", "validation_split: test"]
    of_examples = "fewshot_split: dev" if config.fewshot_split == "dev" else "fewshot_split: test"
    plain = config.fewshot_split == "dev" or config.fewshot_leaves_out
    return ["test_split: test", *([of_examples] if plain else [])]


def sanitise_name(name: str) -> str:
    """Legal task name for any text: other characters become _, 80 at most; `task` if none is left."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name).lstrip("_-")[:80] or "task"


def check_name(name: str) -> None:
    """Check that a name can be a task's name, which is a file's name too.

    Raises:
        TaskError: It is not 1 to 80 letters, digits, _ and -, beginning with a letter or digit.
    """
    if not _NAME.fullmatch(name):
        raise TaskError(
            Sentence(
                "{name} cannot be a task's name; use letters, digits, _ and -, at most 80, beginning with a letter "
                "or digit.",
                name=repr(name[:80]),
            )
        )


def _known_functions(raw: Mapping[str, Any], files: Mapping[str, bytes]) -> dict[str, Callable[[Any], Any]]:
    named = {key: raw[key] for key in MAY_BE_KNOWN if isinstance(raw.get(key), FunctionName)}
    found = {key: find_replacement(files, function) for key, function in named.items()}
    return {key: ours for key, ours in found.items() if ours is not None}


def _check_keys(raw: Mapping[str, Any], where: str, strict: bool) -> list[str]:
    for key, changed in NEWER_KEYS.items():
        if raw.get(key) is not None:
            raise TaskError(
                Sentence(
                    "{where}: {key} changes {changed} as lm-eval 0.5 does, and the studio as 0.4: write the "
                    "templates out.",
                    where=where,
                    key=key,
                    changed=changed,
                )
            )
    for key in sorted(CHANGES_PROMPTS & raw.keys()):
        may_be_known = key == "process_docs" and isinstance(raw[key], FunctionName) and not strict
        if raw[key] is not None and not may_be_known:
            raise TaskError(
                Sentence(
                    "{where}: {key} changes prompts or scores by code, which the studio does not run.",
                    where=where,
                    key=key,
                )
            )
    if "task" not in raw or isinstance(raw["task"], list):
        raise TaskError(
            Sentence(
                "{where} is not one task (it needs task: and a name); open the YAML of a single task.",
                where=where,
            )
        )
    unknown = sorted(raw.keys() - READ - UNUSED - NEWER_KEYS.keys())
    if unknown and strict:
        raise TaskError(
            Sentence(
                "{where}: unknown key {unknown}; the keys are {read}.",
                where=where,
                unknown=repr(unknown[0]),
                read=", ".join(sorted(READ)),
            )
        )
    warnings = [f"{where}: unknown key {key!r} is ignored." for key in unknown]
    warnings += [f"{where}: {key} has no use here and is dropped." for key in sorted(UNUSED & raw.keys())]
    kwargs = raw.get("dataset_kwargs")
    if isinstance(kwargs, dict) and kwargs.get("trust_remote_code"):
        warnings.append(f"{where}: trust_remote_code is ignored; the studio runs no code of a data set.")
    return warnings


def _refuse_functions(raw: Mapping[str, Any], where: str) -> None:
    for key, value in raw.items():
        allowed = key in ("custom_dataset", "metric_list", "fewshot_config")  # these have checks of their own
        function = None if allowed else _first_function(value)
        if function is not None:
            raise TaskError(
                Sentence(
                    "{where}: {key} is !function {dotted}, and the studio runs no code from a task; write a "
                    "template, a column's name or a list, or import it --with-lm-eval of your own.",
                    where=where,
                    key=key,
                    dotted=function.dotted,
                )
            )


def _first_function(value: Any) -> FunctionName | None:
    if isinstance(value, FunctionName):
        return value
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((function for child in children if (function := _first_function(child)) is not None), None)


def _check_metrics(raw: Mapping[str, Any], files: Mapping[str, bytes], where: str, strict: bool) -> list[str]:
    metrics = raw.get("metric_list") or []
    if not isinstance(metrics, list) or not all(isinstance(entry, dict) for entry in metrics):
        raise TaskError(
            Sentence("{where}: metric_list must be a list of entries such as metric: acc.", where=where)
        )
    warnings = []
    for entry in metrics:
        function = _first_function(entry)
        if function is not None:
            source = files.get(sibling_path(function.base, f"{function.module.replace('.', '/')}.py"))
            if source is not None and hashlib.sha256(source).hexdigest() == MARGIN_SHA256:
                warnings.append(
                    f"{where}: {function.dotted} is the studio's margin, which is always computed."
                )
            elif strict:
                raise TaskError(
                    Sentence(
                        "{where}: metric_list names !function {dotted}, and the studio runs no code from a task; use "
                        "acc and acc_norm.",
                        where=where,
                        dotted=function.dotted,
                    )
                )
            else:
                warnings.append(
                    f"{where}: metric_list names !function {function.dotted}, which is not run; "
                    "the studio has metrics of its own."
                )
        elif str(entry.get("metric")) not in METRICS_OF_THE_HARNESS:
            warnings.append(
                f"{where}: the metric {entry.get('metric')!r} is ignored; the studio has its own."
            )
    return warnings


def _name(raw: Mapping[str, Any], where: str, strict: bool, warnings: list[str]) -> str:
    name = raw["task"]
    if not isinstance(name, str):
        raise TaskError(
            Sentence("{where}: task must be a name in text, not {name}.", where=where, name=repr(name))
        )
    if "@" in name and not strict:
        raise TaskError(
            Sentence(
                "{where}: task is {name}, which chooses a format of lm-eval 0.5: leave out the @.",
                where=where,
                name=repr(name[:80]),
            )
        )
    if not strict and not _NAME.fullmatch(name):
        usable = sanitise_name(name)
        warnings.append(
            f"{where}: the task is called {usable} here, since {formatting.quote(name)} is no name."
        )
        name = usable
    check_name(name)
    return name


def _num_fewshot(raw: Mapping[str, Any], where: str, limits: Limits) -> int:
    value = raw.get("num_fewshot")
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= limits.max_fewshot:
        raise TaskError(
            Sentence(
                "{where}: num_fewshot is {value}; use a whole number from 0 to {max_fewshot}.",
                where=where,
                value=repr(value),
                max_fewshot=limits.max_fewshot,
            )
        )
    return value


def _text(raw: Mapping[str, Any], key: str, where: str, default: str | None = None) -> str:
    value = raw.get(key)
    if value is None and default is not None:
        return default
    if not isinstance(value, str):
        raise TaskError(
            Sentence(
                "{where}: {key} must be text (a template or a column's name), not {value}.",
                where=where,
                key=key,
                value=repr(value)[:80],
            )
        )
    return value


def _doc_to_choice(raw: Mapping[str, Any], where: str) -> str | tuple[str, ...]:
    value = raw.get("doc_to_choice")
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list) and all(isinstance(choice, str) for choice in value):
        return tuple(value)
    if not isinstance(value, str):
        raise TaskError(
            Sentence(
                "{where}: doc_to_choice must be a template, a column's name or a list of texts.", where=where
            )
        )
    return value


def _doc_to_target(raw: Mapping[str, Any], where: str) -> str:
    value = raw.get("doc_to_target")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)  # a template of digits means the same
    return _text(raw, "doc_to_target", where)


def _metadata(raw: Mapping[str, Any], where: str) -> dict[str, Any]:
    value = raw.get("metadata") or {}
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise TaskError(
            Sentence("{where}: metadata may hold text, numbers, lists and mappings only.", where=where)
        ) from error
    if not isinstance(value, dict) or json.loads(text) != value:
        raise TaskError(
            Sentence("{where}: metadata must be a mapping with text keys, such as version: 1.0.", where=where)
        )
    return value
