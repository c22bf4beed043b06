"""Discovery and validation of local checkpoint folders.

The layout is `<folder>/<model>/<iter_… or step…>/config.json`, or one such model's folder, or a Hugging Face
cache (`models--OWNER--NAME/snapshots/COMMIT`) with branches that name the steps.

A model's folder may hold `checkpoints.json`, for facts that folder names cannot tell (every key optional):

    {"size": "1b", "arch": "arch1", "role": "science", "parameters": 1000000000, "seed": 1,
     "twin_of": null, "seed_of": null, "early_end_step": 56000,
     "tokens_per_step": 4194304, "tokens_seen": {"iter_0002000": 2097152000}}

`tokens_seen` is the named value, else step × tokens_per_step, else by the rule of the family to which the
model's name belongs, else unknown. `parameters` is counted in the weights where it is not declared.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.records import Checkpoint, ModelInfo
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.untrusted import safejson
from e2lm_core.checkpoints import family_catalogue
from e2lm_core.checkpoints.fingerprints import INDEX, WEIGHTS, tokenizer_files
from e2lm_core.checkpoints.hub import hf_cache

MAX_HEADER_BYTES = 100 * 2**20  # the limit of safetensors itself
MAX_DIMENSIONS = 16  # of a tensor whose parameters are counted
_STEP = re.compile(r"(?:^|[-_])(?:iter|step|global_step|checkpoint)[-_]?(\d{1,15})(?!\d)", re.IGNORECASE)


# Names of pickles without weights that a Trainer or accelerate writes.
_NO_WEIGHTS = ("training_args", "optimizer", "scheduler", "scaler", "random_states", "rng_state")
LARGEST = 10**18  # bound on whole numbers, below the largest that a database keeps
MAX_TOKENS_A_STEP = 10**12


class ModelRoles(BaseModel):
    """Declared facts of a model: in `checkpoints.json`, or for one fleet."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: str | None = None
    arch: str | None = None
    role: Literal["science", "web"] = "science"
    parameters: int | None = Field(default=None, gt=0, lt=LARGEST)
    seed: int | None = Field(default=None, gt=-LARGEST, lt=LARGEST)
    twin_of: str | None = None
    seed_of: str | None = None
    early_end_step: int | None = Field(default=None, ge=0, lt=LARGEST)
    tokens_per_step: int | None = Field(default=None, gt=0, lt=MAX_TOKENS_A_STEP)


class _Notes(ModelRoles):
    tokens_seen: dict[str, Annotated[int, Field(ge=0, lt=LARGEST)]] = Field(default_factory=dict)


@dataclass(frozen=True)
class SourceModels:
    """Models of one source of the catalogue: a folder, a cache or the list of models added from hubs.

    Attributes:
        models: Models, each with its checkpoints in step order.
        problems: A sentence for each model, folder or list that cannot be used.
    """

    models: tuple[tuple[ModelInfo, tuple[Checkpoint, ...]], ...] = ()
    problems: tuple[str, ...] = ()


def step_of(folder_name: str) -> int | None:
    """Step in a folder's name: 2000 of `iter_0002000` or `stage1-step2000-tokens9B`; None without one.

    Also of `step2000` and `step-002000-4BT`.
    """
    match = _STEP.search(folder_name)
    return int(match[1]) if match else None


def read_folder(folder: Path) -> SourceModels:
    """Models in a folder, or the one model with its checkpoints in it. Never raises: see `problems`."""
    if hf_cache.is_cache(folder):
        return read_cache(folder)
    try:
        candidates = [folder] if _step_folders(folder) else _subfolders(folder)
    except OSError as error:
        return SourceModels((), (f"{folder} cannot be read ({error.strerror}): check E2LM_CHECKPOINTS.",))
    models: list[tuple[ModelInfo, tuple[Checkpoint, ...]]] = []
    problems: list[str] = []
    for candidate in candidates:
        try:
            steps = _step_folders(candidate)
            if steps:
                notes = _read_notes(candidate / "checkpoints.json")
                models.append(_read_model(candidate.resolve().name, {p.name: p for p in steps}, notes))
        except OSError as error:
            problems.append(f"{candidate} cannot be read ({error.strerror}): check E2LM_CHECKPOINTS.")
        except CheckpointError as error:
            problems.append(str(error))
    if not models and not problems:
        problems.append(
            f"{folder} holds no checkpoints: they are looked for at MODEL/iter_0001000/config.json "
            "or iter_0001000/config.json (iter_…, step…, checkpoint-… or global_step…), or as in Hugging Face's cache."
        )
    return SourceModels(tuple(models), tuple(problems))


def step_names(folder: Path) -> tuple[str, ...]:
    """Names of the step folders in a folder of models, or of one model; () if it cannot be read.

    They change once training has begun to write a checkpoint.
    """
    try:
        models = [folder, *_subfolders(folder)]
        return tuple(f"{model.name}/{step.name}" for model in models for step in _step_folders(model))
    except OSError:
        return ()


def read_cache(folder: Path) -> SourceModels:
    """Models of a Hugging Face cache with branches, or folders in them, that name steps.

    Other models are left out, since they form no curve. Never raises: see `problems`.
    """
    models, problems = [], []
    try:
        found = hf_cache.list_models(folder)
    except OSError as error:
        return SourceModels((), (f"{folder} cannot be read ({error.strerror}): check its rights.",))
    for model in found:
        steps = {
            name: path
            for branch, snapshot in model.snapshots
            for name, path in [(branch, snapshot), *((p.name, p) for p in _subfolders(snapshot))]
            if step_of(name) is not None and hf_cache.is_checkpoint(path)
        }
        if steps:
            try:
                models.append(_read_model(model.name, steps, _Notes()))
            except CheckpointError as error:
                problems.append(str(error))
    return SourceModels(tuple(models), tuple(problems))


def folder_problem(folder: Path) -> str | None:
    """Sentence of `check_folder` for a checkpoint's folder that cannot be used; None if it is complete."""
    try:
        check_folder(folder)
    except CheckpointError as error:
        return str(error)
    return None


def adapter_sentence(folder: Path) -> str | None:
    """Warning for an adapter's configuration next to a whole model, which is ignored; None without one."""
    if not (folder / "adapter_config.json").is_file():
        return None
    return (
        f"{folder} holds an adapter beside a whole model: the model is scored without it. To score both, merge them "
        "first (peft's merge_and_unload)."
    )


def check_folder(folder: Path) -> None:
    """Check that a folder holds a complete checkpoint.

    Complete: safetensors with the length that their own headers give, a configuration and a tokenizer.

    Raises:
        CheckpointError: The folder or one of its parts is missing, damaged or of another format.
    """
    if not folder.is_dir():
        raise CheckpointError(
            Sentence("The checkpoint {folder} is missing: check E2LM_CHECKPOINTS.", folder=folder)
        )
    weights = loaded_files(folder)
    if not (folder / "config.json").is_file():
        raise CheckpointError(_lacking(folder, "config.json"))
    if not tokenizer_files(folder):
        raise CheckpointError(
            Sentence(
                "The checkpoint {folder} has no tokenizer: put its tokenizer.json and tokenizer_config.json there.",
                folder=folder,
            )
        )
    for path in weights:
        _check_length(path)


def loaded_files(folder: Path) -> list[Path]:
    """Weight files that are loaded, by the rule of transformers: one whole file before an index.

    Raises:
        CheckpointError: There are none to load (the sentence names other kinds of weights that are there),
            the index cannot be read, or a file that it names is missing.
    """
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    index = folder / INDEX
    if not index.is_file():
        raise CheckpointError(_other_weights(folder) or _lacking(folder, WEIGHTS))
    try:
        named = safejson.loads(index.read_text(encoding="utf-8"))["weight_map"].values()
        names = sorted({_file_name(name) for name in named})
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise CheckpointError(
            Sentence(
                "{index} is not an index of weights, which names files beside it: copy the file again.",
                index=index,
            )
        ) from error
    for name in names:
        if not (folder / name).is_file():
            raise CheckpointError(_lacking(folder, name))
    return [folder / name for name in names]


def _lacking(folder: Path, name: str) -> str:
    return (
        f"The checkpoint {folder} has no {name}: copy the whole folder again, or wait where training is still "
        "writing it."
    )


def _other_weights(folder: Path) -> str | None:
    """Sentence for weights of a format that is not loaded, with a way to convert them; None without any."""

    def has(*patterns: str) -> bool:
        return any(next(folder.glob(pattern), None) is not None for pattern in patterns)

    into = "load them in transformers and call save_pretrained"
    if has("*.distcp", "*/*.distcp"):
        return (
            f"{folder} holds its weights as a distributed checkpoint (.distcp): merge them with `accelerate "
            "merge-weights` into model.safetensors first."
        )
    if has("zero_to_fp32.py", "*_model_states.pt", "*/*_model_states.pt", "*/*_optim_states.pt"):
        return (
            f"{folder} holds its weights in DeepSpeed's parts: merge them with `zero_to_fp32.py . . "
            "--safe_serialization` into model.safetensors first."
        )
    if has("adapter_model.*"):
        return (
            f"{folder} holds an adapter without its model: merge it into the model (peft's merge_and_unload) and save "
            "that."
        )
    pickled = [path for pattern in ("*.bin", "*.pt", "*.pth") for path in folder.glob(pattern)]
    if any(not path.name.startswith(_NO_WEIGHTS) for path in pickled):
        return (
            f"{folder} holds its weights as .bin or .pt, which can run code when it is loaded: convert them to "
            f"safetensors first ({into})."
        )
    return None


def _file_name(name: object) -> str:
    if not isinstance(name, str) or Path(name).name != name:
        raise TypeError("an index names files beside it")
    return name


def _read_model(
    name: str, steps: Mapping[str, Path], notes: _Notes
) -> tuple[ModelInfo, tuple[Checkpoint, ...]]:
    """A model of that name with its checkpoints; `steps` are checkpoint names with their folders."""
    shared = ("size", "arch", "role", "parameters", "seed", "twin_of", "seed_of")
    declared = {key: getattr(notes, key) for key in shared}
    if notes.parameters is None:
        # The last one may just be being written; of a run whose weights are of another kind not all are tried.
        latest = sorted(steps, key=lambda called: step_of(called) or 0)[:-3:-1]
        declared["parameters"] = next(filter(None, (_count_parameters(steps[one]) for one in latest)), None)
    info = ModelInfo(name=name, family="local", **declared)
    by_step: dict[int, Checkpoint] = {}
    for called, path in steps.items():
        step = step_of(called)
        if step is None:
            continue
        if step in by_step:
            raise CheckpointError(
                Sentence(
                    "{name} has two checkpoints of step {step} ({subfolder} and {called}): move one of them away "
                    "from {parent}.",
                    name=name,
                    step=str(step),
                    subfolder=by_step[step].subfolder,
                    called=called,
                    parent=path.parent,
                )
            )
        tokens, early = family_catalogue.tokens_and_window(name, called, step)
        by_step[step] = Checkpoint(
            model=info,
            step=step,
            tokens_seen=_tokens_seen(notes, called, step, tokens),
            early=early if notes.early_end_step is None else step <= notes.early_end_step,
            directory=path,
            subfolder=called,
        )
    return info, tuple(by_step[step] for step in sorted(by_step))


def _tokens_seen(notes: _Notes, name: str, step: int, by_family: int | None) -> int | None:
    if name in notes.tokens_seen:
        return notes.tokens_seen[name]
    return by_family if notes.tokens_per_step is None else step * notes.tokens_per_step


def _read_notes(path: Path) -> _Notes:
    if not path.is_file():
        return _Notes()
    try:
        return _Notes.model_validate(safejson.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise CheckpointError(
            Sentence(
                "{path} cannot be used: {where}: {reason} (keys: {fields}).",
                path=path,
                where=where,
                reason=first["msg"],
                fields=", ".join(_Notes.model_fields),
            )
        ) from error
    except ValueError as error:
        raise CheckpointError(
            Sentence(
                "{path} is not JSON in UTF-8 ({error}): correct it or take it away.",
                path=path,
                error=str(error),
            )
        ) from error


def _subfolders(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))


def _step_folders(folder: Path) -> list[Path]:
    # Only a folder with a configuration counts, so `step-logs` next to the checkpoints does not.
    return [p for p in _subfolders(folder) if step_of(p.name) is not None and (p / "config.json").is_file()]


def _check_length(path: Path) -> None:
    """Check the length that a safetensors file gives: 8 bytes, a JSON header of that many bytes, tensors."""
    try:
        header_bytes, header, size = _read_header(path)
        ends = [tensor["data_offsets"][1] for tensor in _tensors(header)] if header else None
        expected = 8 + header_bytes + max(ends, default=0) if ends is not None else None
    except OSError as error:
        raise CheckpointError(
            Sentence(
                "{path} cannot be read ({strerror}): check the file.", path=path, strerror=error.strerror
            )
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        expected, size = None, path.stat().st_size
    if expected != size:
        raise CheckpointError(
            f"The weights {path} are cut short or damaged ({size:,} bytes"
            + (f" of {expected:,}" if expected is not None else "")
            + "): copy the file again."
        )


def _read_header(path: Path) -> tuple[int, dict[str, Any] | None, int]:
    """Length of a safetensors file's header, the header, and the file's length, in bytes.

    The header is None where the file is not longer than that.

    Raises:
        OSError: The file cannot be read.
        ValueError: The header is not JSON.
    """
    with path.open("rb") as file:
        header_bytes = int.from_bytes(file.read(8), "little")
        size = os.fstat(file.fileno()).st_size
        whole = header_bytes < min(size, MAX_HEADER_BYTES)
        return header_bytes, safejson.loads(file.read(header_bytes).decode()) if whole else None, size


def _tensors(header: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    return (tensor for name, tensor in header.items() if name != "__metadata__")


def _count_parameters(folder: Path) -> int | None:
    """Number of parameters in a checkpoint's weights, tied ones once; None if they cannot be read."""
    count = 0
    try:
        for path in loaded_files(folder):
            header = _read_header(path)[1]
            if header is None:
                return None
            for tensor in _tensors(header):
                shape = tensor["shape"]
                if len(shape) > MAX_DIMENSIONS or not all(type(n) is int and 0 <= n < LARGEST for n in shape):
                    return None
                count += math.prod(shape)
    except (CheckpointError, OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return count if 0 < count < LARGEST else None
