"""Location of a task's data files.

The studio's own loader is known by its bytes and never executed; a hub's dataset is never fetched.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple

from e2lm_core.base.errors import TaskError
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.untrusted.safeyaml import FunctionName

LOADER = (Path(__file__).parent / "loader.py").read_bytes()
LOADER_NAME = "loader.load"


READ_OF_FEWSHOT = frozenset({"sampler", "split", "samples"})
SHOWN_OTHERWISE = ("doc_to_text", "doc_to_choice", "doc_to_target", "gen_prefix", "process_docs")
KINDS = ("jsonl", "json", "parquet")


class ReadPlan(NamedTuple):
    """Location of a task's rows: paths of files to try for each split, or rows in the YAML itself.

    Attributes:
        test: Paths of the scored rows in the tree.
        dev: Paths of the few-shot examples in the tree; empty if they have no split of their own.
        dev_rows: Few-shot examples in the YAML itself; None if it holds none.
        hub: Dataset that the YAML names on a hub, with its rows looked for beside the YAML; None without one.
        own: Whether the studio's loader reads the rows.
        pool: Split that the examples come from.
        leaves_out: Whether the harness draws one more example and leaves the question itself out.
        zero_shot: Reason why no example can be shown; None if they can.
        hub_rows: The hub's dataset, its configuration and the scored split; empty without a hub.
        json_reader: Whether the harness reads the files with the JSON reader of `datasets`, which gives some
            values another type.
    """

    test: tuple[str, ...]
    dev: tuple[str, ...]
    dev_rows: tuple[Mapping[str, Any], ...] | None
    hub: str | None
    own: bool = False
    pool: Literal["dev", "test"] = "dev"
    leaves_out: bool = False
    zero_shot: str | None = None
    hub_rows: tuple[str, ...] = ()
    json_reader: bool = False


def read_plan(
    raw: Mapping[str, Any], fewshot: Mapping[str, Any], files: Mapping[str, bytes], where: str
) -> ReadPlan:
    """Find the rows of the test and dev questions by lm-evaluation-harness's rules for splits.

    Args:
        raw: Keys of the YAML.
        fewshot: `fewshot_config` of the YAML.
        files: Files of the YAML's tree by their paths.
        where: Path of the YAML in the tree.

    Raises:
        TaskError: The YAML names no data or no splits, a loader other than the studio's own, or data files
            that are not beside it; one sentence.
    """
    test, dev = _splits(raw, fewshot, where)
    # The harness compares them in this way: two missing names are equal too.
    leaves_out = (fewshot.get("split") or raw.get("fewshot_split")) == raw.get("test_split")
    rows = _sample_rows(fewshot.get("samples"), where) if dev is None else None
    pool: Literal["dev", "test"] = "test" if dev == test else "dev"
    dev = None if dev == test else dev
    plan = ReadPlan((), (), rows, None, pool=pool, leaves_out=leaves_out)
    custom, path = raw.get("custom_dataset"), raw.get("dataset_path")
    if custom is not None:
        _check_loader(custom, files, where)
        for split in (test, dev):
            if split not in ("test", "dev", None):
                raise TaskError(
                    Sentence(
                        "{where}: the loader gives the splits test and dev, not {split}.",
                        where=where,
                        split=repr(split),
                    )
                )
        folder = str(PurePosixPath(where).parent)
        return plan._replace(
            own=True,
            test=(sibling_path(folder, f"{test}.jsonl"),),
            dev=(sibling_path(folder, "dev.jsonl"),) if dev or test == "test" else (),
        )
    if path in ("json", "parquet"):
        of_test = _data_files(raw, test, files, where)
        of_dev = _data_files(raw, dev, files, where) if dev else ()
        return plan._replace(test=of_test, dev=of_dev, json_reader=path == "json")
    if not isinstance(path, str):
        raise TaskError(
            Sentence(
                "{where} names no data; use custom_dataset: !function {loader_name} with the studio's loader.py.",
                where=where,
                loader_name=LOADER_NAME,
            )
        )
    return plan._replace(
        test=_candidates(raw, test, where),
        dev=_candidates(raw, dev, where) if dev else (),
        hub=path,
        hub_rows=(path, str(raw.get("dataset_name") or ""), test),
    )


def read_fewshot(
    fewshot: Any, where: str, strict: bool, warnings: list[str]
) -> tuple[Literal["first_n", "default"], str | None]:
    """Read the few-shot sampler, and the reason why no example can be shown.

    Args:
        fewshot: `fewshot_config` of the YAML.
        where: Path of the YAML, which begins every sentence.
        strict: Refuse settings and samplers that the studio does not support.
        warnings: List that receives a sentence for each setting that is ignored.

    Returns:
        The sampler, and the reason; None if examples can be shown.

    Raises:
        TaskError: `fewshot` is no mapping, its sampler is neither text nor a function, or `strict` refuses a
            setting or the sampler.
    """
    if not isinstance(fewshot, dict):
        raise TaskError(
            Sentence("{where}: fewshot_config must be a mapping such as sampler: first_n.", where=where)
        )
    why = None
    for key in sorted(fewshot.keys() - READ_OF_FEWSHOT):
        if fewshot[key] is None and not strict:
            continue
        if strict:
            raise TaskError(
                Sentence(
                    "{where}: fewshot_config: {key} is not supported; examples are shown as questions are.",
                    where=where,
                    key=key,
                )
            )
        if key in SHOWN_OTHERWISE or key.endswith("_delimiter"):
            why = f"fewshot_config: {key} shows its examples otherwise than its questions"
        else:
            warnings.append(f"{where}: fewshot_config: {key} is ignored.")
    sampler = fewshot.get("sampler", "default")
    if sampler in ("first_n", "default"):
        if isinstance(fewshot.get("samples"), FunctionName) and not fewshot.get("split"):
            why = "its examples are made by code"
        return sampler, why
    if strict or not isinstance(sampler, str | FunctionName):
        raise TaskError(
            Sentence(
                "{where}: fewshot_config: sampler is {sampler}; use first_n or default.",
                where=where,
                sampler=repr(sampler),
            )
        )
    name = sampler.dotted if isinstance(sampler, FunctionName) else sampler
    return "default", f"its examples are drawn by {name[:80]!r}, neither first_n nor default"


def sibling_path(folder: str, name: str) -> str:
    """Path in the tree of a file that is named beside a YAML in `folder`."""
    return str(PurePosixPath(folder) / name)


def _splits(raw: Mapping[str, Any], fewshot: Mapping[str, Any], where: str) -> tuple[str, str | None]:
    """Names of the scored split and of the few-shot examples' split; None for the latter without one."""
    test = raw.get("test_split") or raw.get("validation_split")
    dev = fewshot.get("split") or raw.get("fewshot_split")
    if dev is None and fewshot.get("samples") is None:
        dev = raw.get("training_split") or raw.get("validation_split") or test
    if not isinstance(test, str) or not isinstance(dev, str | None):
        raise TaskError(
            Sentence(
                "{where}: test_split and fewshot_split must name splits, such as test and dev.", where=where
            )
        )
    return test, dev


def _sample_rows(samples: Any, where: str) -> tuple[Mapping[str, Any], ...] | None:
    if samples is None:
        return None
    if isinstance(samples, FunctionName):
        return ()
    if not isinstance(samples, list) or not all(isinstance(row, dict) for row in samples):
        raise TaskError(Sentence("{where}: fewshot_config: samples must be a list of rows.", where=where))
    try:
        json.dumps(samples, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise TaskError(
            Sentence(
                "{where}: fewshot_config: samples may hold text, numbers, lists and mappings only.",
                where=where,
            )
        ) from error
    return tuple(samples)


def _check_loader(custom: Any, files: Mapping[str, bytes], where: str) -> None:
    if not isinstance(custom, FunctionName):
        raise TaskError(
            Sentence(
                "{where}: custom_dataset must be !function {loader_name}.",
                where=where,
                loader_name=LOADER_NAME,
            )
        )
    if custom.dotted != LOADER_NAME or files.get(sibling_path(custom.base, "loader.py")) != LOADER:
        raise TaskError(
            Sentence(
                "{where}: custom_dataset is !function {dotted}, which is not the studio's own loader, and the studio "
                "runs no code from a task; use {loader_name} with its loader.py, unchanged.",
                where=where,
                dotted=custom.dotted,
                loader_name=LOADER_NAME,
            )
        )


def _data_files(
    raw: Mapping[str, Any], split: str, files: Mapping[str, bytes], where: str
) -> tuple[str, ...]:
    folder = str(PurePosixPath(where).parent)
    kwargs = raw.get("dataset_kwargs") or {}
    listed = kwargs.get("data_files") if isinstance(kwargs, dict) else None
    names = listed.get(split) if isinstance(listed, dict) else listed if split == "train" else None
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise TaskError(
            Sentence(
                "{where}: dataset_kwargs: data_files must name the file of the split {split}.",
                where=where,
                split=repr(split),
            )
        )
    for name in names:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or "://" in name or "*" in name:
            raise TaskError(
                Sentence(
                    "{where}: data_files: {name} must be a file beside the YAML, not a path or address.",
                    where=where,
                    name=repr(name),
                )
            )
        if sibling_path(folder, name) not in files:
            raise TaskError(
                Sentence(
                    "{where}: data_files: {name} is not beside the YAML; put the file there.",
                    where=where,
                    name=repr(name),
                )
            )
        if names.count(name) > 1:
            raise TaskError(
                Sentence(
                    "{where}: data_files: {name} is named {times} times; name it once.",
                    where=where,
                    name=repr(name),
                    times=names.count(name),
                )
            )
    return tuple(sibling_path(folder, name) for name in names)


def _candidates(raw: Mapping[str, Any], split: str, where: str) -> tuple[str, ...]:
    """Paths to try beside the YAML for a hub dataset's split, with or without its configuration."""
    subset, folder = raw.get("dataset_name"), str(PurePosixPath(where).parent)
    stems = (f"{subset}/{split}", f"{subset}_{split}", split) if isinstance(subset, str) else (split,)
    return tuple(sibling_path(folder, f"{stem}.{kind}") for stem in stems for kind in KINDS)
