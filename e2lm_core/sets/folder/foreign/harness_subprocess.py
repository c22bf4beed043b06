"""Runs the user's lm-evaluation-harness in a subprocess.

The harness runs the code that the task names, as `lm_eval` always does: it is the user's own program, called
by name, and the studio runs none of that code itself. The set records the harness's version and the task.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from e2lm_core.base import processes
from e2lm_core.base.errors import StudioError, TaskError
from e2lm_core.base.formatting import quote
from e2lm_core.base.records import TaskConfig, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Limits
from e2lm_core.sets.folder.config import sanitise_name
from e2lm_core.sets.folder.foreign import builder, normalise
from e2lm_core.sets.folder.foreign.columns import Row, typed
from e2lm_core.sets.folder.foreign.merge_tasks import WHY, typed_or_plain
from e2lm_core.sets.folder.foreign.open_task import MIXED, are_mixed
from e2lm_core.sets.prompts.render import RenderedParts
from e2lm_core.sets.rows import check_count

TIMEOUT_S = 3_600.0  # long enough for the download of a data set


def find_harness_tasks() -> Path | None:
    """Task folder of the lm-evaluation-harness installed beside the studio; None without one."""
    try:
        spec = importlib.util.find_spec("lm_eval")
    except (ImportError, ValueError):
        return None
    places = list(spec.submodule_search_locations or ()) if spec else []
    folder = Path(places[0]) / "tasks" if places else None
    return folder if folder is not None and folder.is_dir() else None


def build_with_harness(
    task: str, limits: Limits, rows: Path | None = None, python: str = sys.executable
) -> tuple[TaskSet, list[str]]:
    """Build the set of a task with lm_eval in a subprocess.

    Args:
        task: Name of the task, or path of its YAML.
        limits: Bound on questions.
        rows: Folder with the rows in place of the task's data set; None for the data set.
        python: Python interpreter with lm_eval.

    Returns:
        The set, and sentences about it.

    Raises:
        StudioError: The harness cannot be run.
        TaskError: The harness cannot build the task, or the studio cannot keep it.
    """
    order = {"task": task, "rows": None if rows is None else str(rows), "most": limits.max_questions}
    with tempfile.TemporaryDirectory(prefix="e2lm-import-") as folder:
        out = Path(folder) / "documents.jsonl"
        try:
            done = subprocess.run(
                [python, str(Path(builder.__file__)), str(out)],
                input=json.dumps(order).encode() + b"\n",
                capture_output=True,
                cwd=Path(task).parent if Path(task).is_file() else folder,  # files beside a YAML are found
                env=processes.subprocess_environment(with_network=True, with_token=True),
                timeout=TIMEOUT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise StudioError(
                Sentence(
                    "{python} could not run lm_eval on {task}: {error}",
                    python=quote(python),
                    task=quote(task),
                    error=str(error),
                )
            ) from error
        lines = out.read_bytes().split(b"\n") if out.exists() else []
    told = [json.loads(line) for line in lines if line]
    if told and told[-1].get("away"):
        raise TaskError(
            Sentence(
                "lm_eval could not build {task}: its data is not on this machine, and {away} cannot be reached; "
                "connect, or give the rows with --rows DIR.",
                task=quote(task),
                away=told[-1]["away"],
            )
        )
    if told and "error" in told[-1]:
        raise TaskError(
            Sentence(
                "lm_eval could not build {task}: {reason}",
                task=quote(task),
                reason=" ".join(told[-1]["error"].split()),
            )
        )
    if not told or done.returncode:
        last = done.stderr.decode("utf-8", "replace").strip().split("\n")[-1][:300]
        raise StudioError(
            Sentence(
                "{python} could not run lm_eval on {task}: {last}",
                python=quote(python),
                task=quote(task),
                last=last or Sentence("it said nothing"),
            )
        )
    return build_set(told, task, limits)


def build_set(messages: Iterable[Mapping[str, Any]], name: str, limits: Limits) -> tuple[TaskSet, list[str]]:
    """Assemble the set from the builder's messages; several tasks become subjects.

    Args:
        messages: Objects that `builder` wrote, in their order.
        name: Name of the task, or path of its YAML.
        limits: Bound on questions.

    Returns:
        The set, and sentences about it.

    Raises:
        TaskError: A task is no multiple choice, changes prompts or scores by code, or has a document that the
            studio cannot keep; there are too many questions; or the tasks' target_delimiters differ.
    """
    tasks: list[tuple[Mapping[str, Any], list[Any], list[Any]]] = []
    for line in messages:
        if "task" in line:
            tasks.append((line, [], []))
        else:
            _, test, dev = tasks[-1]
            (test if "test" in line else dev).append(line.get("test", line.get("dev")))
    for known, test, _ in tasks:
        _check(known, test, limits)
    check_count(sum(len(test) for _, test, _ in tasks), name, limits)
    if len(tasks) == 1:
        return _one(*tasks[0])
    if len({known["delimiters"][0] for known, _, _ in tasks}) > 1:
        raise TaskError(
            Sentence("{name}: its tasks have different target_delimiters; import them one by one.", name=name)
        )
    rows: list[Row] = []
    for known, test, _ in tasks:
        label = known["alias"] or known["task"]
        rows += [
            {**made["row"], "subject": label, "id": f"{known['task']}-{number}"}
            for number, made in enumerate(test, start=1)
        ]
    parts = [_parts(made, known["task"]) for known, test, _ in tasks for made in test]
    config = _config(tasks[0][0]).model_copy(update={"task": sanitise_name(Path(name).stem)})
    documents = normalise.Documents(typed_or_plain(rows, name), [], parts, [])
    return normalise.rendered_form(config, documents).model_copy(update={"zero_shot": WHY}), []


def _one(known: Mapping[str, Any], test: list[Any], dev: list[Any]) -> tuple[TaskSet, list[str]]:
    config, zero_shot, name = _config(known), None, str(known["task"])
    if dev and isinstance(dev[0], int):
        zero_shot, dev = f"its examples come from {dev[0]:,} rows, more than a set may have", []
    if dev and dev[0] == builder.SHUFFLED:
        zero_shot, dev = "it shuffles its questions anew for the examples", []
    of_dev = [] if zero_shot else [_parts(made, name, example=True) for made in dev]
    if known["sampler"] not in ("default", "first_n"):
        zero_shot = f"its examples are drawn by {known['sampler'][:80]!r}, neither first_n nor default"
    elif known["shown_delimiters"] != known["delimiters"] or known["prefixed"]:
        zero_shot = "it shows its examples otherwise than its questions"
    elif any(part.gold < 0 for part in of_dev):
        zero_shot = "the answer of one of its examples is none of its choices"
    kept = [made["row"] for made in test], [made["row"] for made in dev]
    within = config.fewshot_split == "test"
    if config.fewshot_leaves_out and are_mixed(*kept, within):
        zero_shot = MIXED
    if zero_shot:
        kept, of_dev = (kept[0], []), []
    rows = _typed([*kept[0], *kept[1]], name)
    documents = normalise.Documents(
        rows[: len(test)], rows[len(test) :], [_parts(made, name) for made in test], of_dev
    )
    return normalise.rendered_form(config, documents).model_copy(update={"zero_shot": zero_shot}), []


def _config(known: Mapping[str, Any]) -> TaskConfig:
    test, validation, training, split = known["splits"]
    effective = split or (None if known["samples"] else training or validation or test)
    within = effective is not None and effective == (test or validation)
    target, fewshot = known["delimiters"]
    return TaskConfig(
        task=sanitise_name(str(known["task"])),
        num_fewshot=known["num_fewshot"] or 0,
        target_delimiter=target,
        fewshot_delimiter=fewshot,
        fewshot_sampler="first_n" if known["sampler"] == "first_n" else "default",
        fewshot_split="test" if within else "dev",
        fewshot_leaves_out=split == test,
        metadata={"built_by": f"lm_eval {known['version']}", "task": str(known["task"])},
    )


def _check(known: Mapping[str, Any], test: Sequence[Any], limits: Limits) -> None:
    name = known["task"]
    if known["output_type"] != "multiple_choice":
        raise TaskError(
            Sentence(
                "{name}: output_type is {kind}; the studio reads multiple_choice only.",
                name=name,
                kind=repr(known["output_type"]),
            )
        )
    if known["own_results"]:
        raise TaskError(
            Sentence(
                "{name}: process_results changes scores by code, which the studio does not run.", name=name
            )
        )
    if known["prefixed"]:
        raise TaskError(
            Sentence("{name}: gen_prefix changes prompts, which the studio does not do.", name=name)
        )
    if test and isinstance(test[0], int):
        check_count(test[0], name, limits)


def _parts(made: Mapping[str, Any], name: str, example: bool = False) -> RenderedParts:
    """Rendered parts of a row; raises TaskError unless they are a text, a list of texts and one target."""
    text, choices, target = made["text"], made["choices"], made["target"]
    text = int(text) if isinstance(text, bool) else text
    target = int(target) if isinstance(target, bool) else target
    if isinstance(target, list) and len(target) > 1:
        if isinstance(choices, list) and set(range(len(choices))) <= set(target):
            raise TaskError(
                Sentence(
                    "{name} takes every answer of a question for right: no wrong one to prefer it to.",
                    name=name,
                )
            )
        raise TaskError(
            Sentence("{name} takes several answers of a question for right, and the studio one.", name=name)
        )
    is_one = isinstance(target, int | str) if isinstance(text, str) else isinstance(target, str) and target
    if not isinstance(text, str | int) or not isinstance(choices, list) or not is_one:
        raise TaskError(
            Sentence("{name} has a document that is not one text with choices and one target.", name=name)
        )
    if len(choices) < 2 or not all(isinstance(choice, str) and choice for choice in choices):
        raise TaskError(
            Sentence("{name} has a document with fewer than two choices or an empty one.", name=name)
        )
    part = RenderedParts(made["description"], text, tuple(choices), target, 0)
    if part.gold < 0 and not example:
        gold = target if isinstance(text, str) else text
        raise TaskError(
            Sentence(
                "{name} has a document whose target {gold} is none of its choices.",
                name=name,
                gold=repr(gold)[:60],
            )
        )
    return part


def _typed(rows: list[Row], name: str) -> list[Row]:
    try:
        return typed(rows, name)
    except TaskError:
        return [{"id": row.get("id")} for row in rows]
