"""Program that builds task documents with the user's lm_eval.

Tested in tests/sets/folder/foreign/test_harness_subprocess.py.

It runs the code that the task's YAML names, as `lm_eval` itself does. Standard input: one object with `task`
(a name, or the path of a YAML), `rows` (a folder that holds the rows instead of the task's data set, or null)
and `most` (the largest number of rows). Output, a line each, to the file that its argument names: an object
for every task with its settings, then its documents; or, last, an object with `error` (and `away`, the hub
that does not answer). It imports nothing of the studio.
"""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Callable, Iterator
from functools import cache
from http.client import HTTPException
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from ssl import SSLError
from threading import Thread
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

ANSWER_S = 5.0  # seconds to wait for a hub before going offline
HUB = "https://huggingface.co"
SHUFFLED = "shuffled"  # in place of the examples of a task that shuffles its rows for them
OFFLINE = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE")
KINDS = ("jsonl", "json", "parquet")


def find_split_file(folder: Path, subset: str | None, split: str) -> Path | None:
    """File of a split in a folder, by the names that the studio looks for; None without one."""
    stems = (f"{subset}/{split}", f"{subset}_{split}", split) if subset else (split,)
    paths = (folder / f"{stem}.{kind}" for stem in stems for kind in KINDS)
    return next((path for path in paths if path.is_file()), None)


def rows_in(folder: Path, subset: str | None, split: str) -> list[dict[str, Any]] | None:
    """Rows of a split in a folder; None without a file of it."""
    path = find_split_file(folder, subset, split)
    if path is not None:
        if path.suffix == ".parquet":
            import pyarrow.parquet as parquet

            return list(parquet.read_table(path).to_pylist())
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".json" and text.lstrip().startswith("["):
            return list(json.loads(text))
        return [json.loads(line) for line in text.split("\n") if line.strip()]
    return None


def stand_in(folder: Path) -> None:
    """Make `datasets.load_dataset` give the rows of a folder from now on.

    Every split has the columns of all splits.
    """
    import datasets

    def load(path: Any = None, name: str | None = None, **_: Any) -> dict[str, Any]:
        inside = [p.stem for p in (folder / name).glob("*.*")] if name else []
        before = f"{name}_" if name else ""
        flat = [p.stem for p in folder.glob("*.*")]
        stems = {*inside, *(stem.removeprefix(before) for stem in flat if stem.startswith(before)), *flat}
        splits = {
            split: rows for split in sorted(stems) if (rows := rows_in(folder, name, split)) is not None
        }
        every = [row for rows in splits.values() for row in rows]
        features = datasets.Dataset.from_list(_full(every)).features
        full = _full(every)
        made, at = {}, 0
        for split, rows in splits.items():
            made[split] = datasets.Dataset.from_list(full[at : at + len(rows)], features=features)
            at += len(rows)
        return made

    datasets.load_dataset = load


def _full(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    return [{name: row.get(name) for name in names} for row in rows]


def is_reachable(address: str, seconds: float = ANSWER_S) -> bool:
    """Whether anything at a web address answers within `seconds`, if only by a refusal."""
    found: list[bool] = []

    def ask() -> None:
        try:
            urlopen(Request(address, method="HEAD"), timeout=seconds).close()
            found.append(True)
        except HTTPError:
            found.append(True)
        except URLError as error:
            found.append(isinstance(error.reason, SSLError))  # something answers, whatever its certificate
        except (OSError, HTTPException, ValueError):
            found.append(False)

    # The timeout does not bound the lookup of the host's name, so that a thread is needed.
    asking = Thread(target=ask, daemon=True)
    asking.start()
    asking.join(seconds)
    return bool(found) and found[0]


def go_offline_without_hub() -> str | None:
    """Switch `datasets` and the hub's client to local files if the hub does not answer.

    Online, each of their requests would be repeated five times, at growing intervals.

    Returns:
        The hub's address if it does not answer; None if it answers or was switched off before.
    """
    if any(os.environ.get(name, "").upper() in ("1", "ON", "YES", "TRUE") for name in OFFLINE):
        return None
    address = os.environ.get("HF_ENDPOINT") or HUB
    if is_reachable(address):
        return None
    os.environ.update(dict.fromkeys(OFFLINE, "1"))
    return address


def seed() -> None:
    """Seed the random generators as `lm_eval` does before it builds tasks: some shuffle their choices."""
    random.seed(0)
    import_module("numpy").random.seed(1234)
    import_module("torch").manual_seed(1234)


def tasks_of(task: str) -> list[Any]:
    """Build the tasks of a name or a YAML with the harness."""
    path = Path(task)
    if path.suffix == ".yaml":
        root = next((above for above in path.parents if above.name == "tasks"), path.parent)
        manager = _manager(str(root))
        raw = import_module("lm_eval.tasks._yaml_loader").load_yaml(path, resolve_func=False)
        name = raw.get("group") or raw["task"]
    else:
        manager, name = _manager(None), task
    return list(_flat(manager.load_task_or_group(name)))


@cache
def _manager(root: str | None) -> Any:
    """Harness's index of the tasks below a folder, or of its own tasks."""
    TaskManager = import_module("lm_eval.tasks").TaskManager
    return TaskManager(include_path=root, include_defaults=False) if root else TaskManager()


def _flat(loaded: Any) -> Iterator[Any]:
    if isinstance(loaded, dict):
        for value in loaded.values():
            yield from _flat(value)
    elif isinstance(loaded, list | tuple):
        for value in loaded:
            yield from _flat(value)
    elif loaded is not None:
        yield loaded


def settings(task: Any) -> dict[str, Any]:
    """Settings of a task that the studio needs besides its documents."""
    config, shown = task.config, task.fewshot_cfg
    return {
        "task": config.task,
        "alias": config.task_alias,
        "output_type": config.output_type,
        "num_fewshot": config.num_fewshot,
        "delimiters": [config.target_delimiter, config.fewshot_delimiter],
        "shown_delimiters": [shown.target_delimiter, shown.fewshot_delimiter],
        "sampler": shown.sampler if isinstance(shown.sampler, str) else shown.sampler.__name__,
        "splits": [config.test_split, config.validation_split, config.training_split, shown.split],
        "samples": shown.split is None and shown.samples is not None,
        "version": version("lm_eval"),
        "own_results": config.process_results is not None,
        "prefixed": bool(config.gen_prefix or shown.gen_prefix),
    }


def document(task: Any, doc: dict[str, Any], shown: Any = None) -> dict[str, Any]:
    """Row with its rendered parts, as a question or as a few-shot example.

    Args:
        task: The harness's task.
        doc: Row of the task.
        shown: The task's few-shot settings, for an example; None for a question.
    """
    text, choice, target = (
        getattr(shown, key) if shown is not None else None
        for key in ("doc_to_text", "doc_to_choice", "doc_to_target")
    )
    return {
        "row": doc,
        "description": task.resolve_field(doc, task.config.description) or "",
        "text": task.doc_to_text(doc, text),
        "choices": task.doc_to_choice(doc, choice),
        "target": task.doc_to_target(doc, target),
    }


def require_separate_rows(tasks: list[Any], folder: Path) -> None:
    """Check that tasks of different data sets or splits have files of rows of their own.

    Raises:
        ValueError: Two tasks that name different data sets or splits would be scored on one file.
    """
    read: dict[Path, tuple[str, Any]] = {}
    for config in (task.config for task in tasks):
        split = config.test_split or config.validation_split
        asked = (config.dataset_path, config.dataset_name, split)
        file = find_split_file(folder, config.dataset_name, split)
        if file is not None and read.setdefault(file, (config.task, asked))[1] != asked:
            raise ValueError(
                f"{read[file][0]} and {config.task} would both read {file.name}; give each its own rows, as SUBSET/{file.name}"
            )


def plain(value: Any) -> Any:
    """JSON value of an object that JSON cannot hold: numpy's numbers as numbers, others as text."""
    return value.item() if hasattr(value, "item") else str(value)


def build(order: dict[str, Any], tell: Callable[[dict[str, Any]], Any]) -> None:
    """Build an order's tasks and send their settings and documents, an object each.

    If something fails, the last object has `error`.

    Args:
        order: `task`, `rows` and `most`, as on standard input.
        tell: Function that receives each object.
    """
    away = None
    try:
        if order["rows"]:
            stand_in(Path(order["rows"]))
        else:
            away = go_offline_without_hub()
        seed()
        tasks = tasks_of(order["task"])
        if order["rows"]:
            require_separate_rows(tasks, Path(order["rows"]))
        for task in tasks:
            known = settings(task)
            tell(known)
            docs = list(task.eval_docs)
            if known["output_type"] != "multiple_choice" or len(docs) > order["most"]:
                tell({"test": len(docs)})
                continue
            for doc in docs:
                tell({"test": document(task, doc)})
            test, validation, training, split = known["splits"]
            effective = split or (None if known["samples"] else training or validation or test)
            # The sampler's own rows: a task that shuffles its rows gives another order at each call.
            pool = list(getattr(getattr(task, "sampler", None), "df", None) or task.fewshot_docs() or ())
            if effective == (test or validation):
                if pool and [repr(doc) for doc in pool] != [repr(doc) for doc in docs]:
                    tell({"dev": SHUFFLED})
                continue
            if len(pool) > order["most"]:
                tell({"dev": len(pool)})
                continue
            for doc in pool:
                tell({"dev": document(task, doc, task.fewshot_cfg)})
    except BaseException as error:  # a task's code may raise anything, SystemExit too
        # Offline, missing data raises a ConnectionError of Python's or of another library's.
        missing = away and any(kind.__name__ == "ConnectionError" for kind in type(error).__mro__)
        tell({"error": f"{type(error).__name__}: {error}"[:500], "away": away if missing else None})


def main() -> None:
    """Read the order from standard input and write the objects to the file that the argument names."""
    order = json.loads(sys.stdin.readline())
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        build(order, lambda line: out.write(json.dumps(line, default=plain) + "\n"))


if __name__ == "__main__":
    main()
