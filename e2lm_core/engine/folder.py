"""Configuration, window and weights of a checkpoint folder; safetensors only."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.model_loading import LOADING
from e2lm_core.base.sentences import Sentence
from e2lm_core.checkpoints.fingerprints import file_stamp
from e2lm_core.checkpoints.folders import loaded_files

DEFAULT_WINDOW = 2_048
# A larger window costs memory that no question set needs; shorter prompts are not affected by the limit.
MAX_WINDOW = 16_384
MIN_WINDOW = 2  # one token of a prompt, one of a choice
_NO_LIMIT = 10**29  # tokenizers without a length report about 10**30
MAX_LAYERS = 1_000


def read_config(directory: Path) -> Any:
    """The transformers configuration in `directory`; code from the folder is never run.

    Raises:
        CheckpointError: There is no configuration, transformers cannot read it, it has more than `MAX_LAYERS`
            layers, or its model is an encoder with a decoder, by transformers' own list as in the harness.
    """
    from transformers import AutoConfig
    from transformers.models.auto.modeling_auto import MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES

    path = directory / "config.json"
    if not path.is_file():
        raise CheckpointError(
            Sentence(
                "{directory} holds no config.json: a checkpoint is a transformers folder.",
                directory=directory,
            )
        )
    try:
        config = AutoConfig.from_pretrained(str(directory), local_files_only=True, trust_remote_code=False)
    except Exception as error:  # unknown architecture, broken JSON, remote code …
        raise CheckpointError(
            Sentence(
                "{path} is not a configuration this transformers can load: {reason}.",
                path=path,
                reason=first_line(error),
            )
        ) from error
    if config.model_type in MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES:
        raise CheckpointError(
            Sentence(
                "{directory} holds an encoder with a decoder ({model_type}): the studio scores causal language "
                "models, which have a decoder alone.",
                directory=directory,
                model_type=config.model_type,
            )
        )
    layers = getattr(getattr(config, "text_config", None) or config, "num_hidden_layers", None)
    if isinstance(layers, int) and layers > MAX_LAYERS:  # each layer is built before a weight is read
        raise CheckpointError(
            Sentence(
                "{path} asks for {layers} layers; at most {max_layers} are built: check it.",
                path=path,
                layers=layers,
                max_layers=MAX_LAYERS,
            )
        )
    return config


def window(config: Any, tokenizer: Any) -> int:
    """The longest input in tokens, as the harness finds it (`HFLM.max_length`), at most `MAX_WINDOW`.

    It is the configuration's `n_positions`, `max_position_embeddings` or `n_ctx`, else the tokenizer's
    length, else `DEFAULT_WINDOW`.

    Raises:
        CheckpointError: The window is too short for a prompt.
    """
    inner = getattr(config, "text_config", None) or config
    tokens = next(
        (
            value
            for name in ("n_positions", "max_position_embeddings", "n_ctx")
            if (value := getattr(inner, name, None)) is not None and value > 0  # XLNet's -1 is no length
        ),
        None,
    )
    if tokens is None:
        tokens = getattr(tokenizer, "model_max_length", None)
        if tokens is None or tokens > _NO_LIMIT:
            tokens = DEFAULT_WINDOW
    if tokens < MIN_WINDOW:
        raise CheckpointError(
            Sentence(
                "A {kind} model with a context window of {tokens} token takes no prompt: it needs {min_window} or "
                "more (max_position_embeddings in its config.json).",
                kind=getattr(inner, "model_type", "model"),
                tokens=int(tokens),
                min_window=MIN_WINDOW,
            )
        )
    return min(int(tokens), MAX_WINDOW)


def read_weights(directory: Path) -> dict[str, torch.Tensor]:
    """Read the weights of a checkpoint folder onto the CPU, in the file's types.

    Files are read, not mapped: a map would follow later writes to a file, and end the process if the file is
    cut or its disk fails.

    Args:
        directory: The checkpoint's folder.

    Returns:
        Tensors [...] by name.

    Raises:
        CheckpointError: A file is missing, truncated or not safetensors.
    """
    state: dict[str, torch.Tensor] = {}
    for file in loaded_files(directory):
        try:
            with safe_open(file, framework="pt", device="cpu", backend="pread") as tensors:
                for name in tensors.keys():  # noqa: SIM118 — not a dict, and not iterable
                    state[name] = tensors.get_tensor(name)
        except (SafetensorError, OSError, RuntimeError) as error:
            raise CheckpointError(
                Sentence(
                    "{file} is truncated or not safetensors ({reason}); fetch it again.",
                    file=file,
                    reason=first_line(error),
                )
            ) from error
    return state


def weights_by_transformers(directory: Path, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """Read the weights by transformers' own loading, which can convert the names of older files.

    Args:
        directory: The checkpoint's folder.
        dtype: Type that floats are cast to.

    Returns:
        Tensors [...] by the module's names.

    Raises:
        CheckpointError: The weights do not fit the configuration, or some are missing.
    """
    import transformers

    transformers.utils.logging.disable_progress_bar()  # a bar for each checkpoint would stand between a run's own
    auto: Any = transformers.AutoModelForCausalLM
    known = inspect.signature(transformers.PreTrainedModel.from_pretrained).parameters
    options = {"disable_mmap": True} if "disable_mmap" in known else {}
    try:
        with LOADING:
            module, report = auto.from_pretrained(
                str(directory),
                dtype=dtype,
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                output_loading_info=True,
                **options,
            )
    except Exception as error:
        raise CheckpointError(
            Sentence(
                "The weights in {directory} do not fit its config.json: {reason}.",
                directory=directory,
                reason=first_line(error),
            )
        ) from error
    if missing := sorted(report["missing_keys"]):
        raise CheckpointError(
            Sentence(
                "The checkpoint in {directory} lacks {missing} weights of its configuration, first {first}.",
                directory=directory,
                missing=len(missing),
                first=missing[0],
            )
        )
    return {name: tensor.detach() for name, tensor in module.state_dict().items()}


def signature(directory: Path) -> tuple[object, ...]:
    """The folder and the stamps of the files that a model is loaded from.

    A write to one of the files changes it, even if size and times stay as they were, see `file_stamp`.

    Raises:
        CheckpointError: One of the files is missing.
    """
    files = [directory / "config.json", *loaded_files(directory)]
    try:
        return (directory, *((file.name, file_stamp(file)) for file in files))
    except OSError as error:
        raise CheckpointError(
            Sentence(
                "{directory} holds no config.json: a checkpoint is a transformers folder.",
                directory=directory,
            )
        ) from error


def first_line(error: BaseException) -> str:
    """First line of an error without its full stop, or the error's kind if it has no text."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(" .:")
