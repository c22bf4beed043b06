"""Weights from safetensors, put into one module without weights (a skeleton) for each architecture.

Those read last stay in memory within a budget.
"""

from __future__ import annotations

import copy
import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from e2lm_core.base.errors import CheckpointError

DEFAULT_WINDOW = 2_048
# Beyond this a window costs memory that no question set needs; shorter prompts are not affected by it.
MAX_WINDOW = 16_384
_NO_LIMIT = 10**29  # tokenizers without a length say about 10**30
_MAPPED_FROM_BYTES = 32 * 2**20  # smaller files are copied: a map would follow a file that is rewritten
_building = threading.Lock()
_Places = dict[str, list[tuple[dict[str, Any], str]]]  # by a weight's name: a module's own dict, and its key


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A checkpoint's weights on their device, by the names that its skeleton has for them.

    `config` is transformers' configuration, `config_digest` equal for those that build the same module.
    """

    weights: dict[str, torch.Tensor]
    config: Any
    config_digest: str
    directory: Path
    skeletons: Skeletons

    @property
    def parameters(self) -> int:
        """Numbers in its weights; tied weights count once."""
        return sum(tensor.numel() for tensor in self.weights.values())

    @cached_property
    def as_parameters(self) -> dict[str, nn.Parameter]:
        """The weights as a module holds them, made once: a checkpoint is put into its skeleton often."""
        return {n: nn.Parameter(tensor, requires_grad=False) for n, tensor in self.weights.items()}

    @property
    def bytes(self) -> int:
        """Memory that its weights take."""
        return sum(tensor.numel() * tensor.element_size() for tensor in self.weights.values())

    def module(self, attention: str | None = None) -> AbstractContextManager[Any]:
        """A transformers module of these weights for as long as the context is open.

        Its attention is the library's default, or the one that is registered under the name `attention`.
        """
        return self.skeletons.lease(self, attention)


def read_config(directory: Path) -> Any:
    """The transformers configuration in `directory`, never with code of its own.

    Raises `CheckpointError` where there is none, or transformers cannot read it.
    """
    from transformers import AutoConfig

    path = directory / "config.json"
    if not path.is_file():
        raise CheckpointError(f"{directory} holds no config.json: a checkpoint is a transformers folder.")
    try:
        return AutoConfig.from_pretrained(str(directory), local_files_only=True, trust_remote_code=False)
    except Exception as error:  # unknown architecture, broken JSON, remote code …
        raise CheckpointError(
            f"{path} is not a configuration this transformers can load: {_line(error)}."
        ) from error


def window(config: Any, tokenizer: Any) -> int:
    """The longest input in tokens, as the harness finds it (`HFLM.max_length`), at most `MAX_WINDOW`.

    The configuration's `n_positions`, `max_position_embeddings` or `n_ctx`, else the tokenizer's length, else
    `DEFAULT_WINDOW`.
    """
    inner = getattr(config, "text_config", None) or config
    tokens = next(
        (
            value
            for name in ("n_positions", "max_position_embeddings", "n_ctx")
            if (value := getattr(inner, name, None)) is not None
        ),
        None,
    )
    if tokens is None:
        tokens = getattr(tokenizer, "model_max_length", None)
        if tokens is None or tokens > _NO_LIMIT:
            tokens = DEFAULT_WINDOW
    return min(int(tokens), MAX_WINDOW)


def weight_files(directory: Path) -> list[Path]:
    """The safetensors files of a checkpoint. Raises `CheckpointError` where there are none to load."""
    index = directory / "model.safetensors.index.json"
    if index.is_file():
        try:
            names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise CheckpointError(f"{index} is not an index of safetensors files.") from error
        if any(Path(name).name != name for name in names):
            raise CheckpointError(f"{index} names files outside its own folder.")
        files = [directory / name for name in names]
    else:
        files = [directory / "model.safetensors"]
    missing = [file.name for file in files if not file.is_file()]
    if not missing:
        return files
    if any(directory.glob("*.bin")) or any(directory.glob("*.pt")) or any(directory.glob("*.pth")):
        raise CheckpointError(
            f"{directory} holds pickled weights only, which are never loaded; convert them to safetensors."
        )
    raise CheckpointError(f"The checkpoint in {directory} is incomplete: {', '.join(missing)} is missing.")


def read_weights(directory: Path, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """Name → tensor on the CPU, floats cast to `dtype`; large files are mapped, not copied.

    Raises `CheckpointError` for what is missing, cut short, or not safetensors.
    """
    state: dict[str, torch.Tensor] = {}
    for file in weight_files(directory):
        small = file.stat().st_size < _MAPPED_FROM_BYTES
        try:
            with safe_open(file, framework="pt", device="cpu") as tensors:
                for name in tensors.keys():  # noqa: SIM118 — not a dict, and not iterable
                    tensor = tensors.get_tensor(name)
                    if tensor.is_floating_point() and tensor.dtype != dtype:
                        tensor = tensor.to(dtype)
                    elif small:
                        tensor = tensor.clone()
                    state[name] = tensor
        except (SafetensorError, OSError, RuntimeError) as error:
            raise CheckpointError(
                f"{file} is truncated or not safetensors ({_line(error)}); fetch it again."
            ) from error
    return state


class Skeletons:
    """Modules without weights of their own, built once and lent to one user at a time."""

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        self.device, self.dtype = device, dtype
        self._free: dict[tuple[str, str | None], list[Any]] = {}
        self._places: WeakKeyDictionary[Any, _Places] = WeakKeyDictionary()
        self._lock = threading.Lock()

    @contextmanager
    def lease(self, model: LoadedModel, attention: str | None) -> Iterator[Any]:
        """A module with the model's weights put in, for one user until the context closes.

        `attention` as in `LoadedModel.module`. A free module is taken before another is built. Raises
        `CheckpointError` as `build` does.
        """
        key = (model.config_digest, attention)
        with self._lock:
            free = self._free.setdefault(key, [])
            module = free.pop() if free else None
        if module is None:
            module = self.build(model.config, attention)
        try:
            places = self._places.get(module)
            if places is not None and places.keys() == model.weights.keys():
                weights = model.as_parameters
                for name, holders in places.items():
                    for parameters, inner in holders:
                        parameters[inner] = weights[name]
            else:
                put_in(module, model.weights)
                self._places[module] = _places(module, model.weights)
            yield module
        finally:
            with self._lock:
                self._free[key].append(module)

    def build(self, config: Any, attention: str | None = None) -> Any:
        """A transformers causal language model of that configuration, its parameters on the meta device.

        Only buffers have storage. Raises `CheckpointError` where transformers cannot build one.
        """
        from transformers import AutoModelForCausalLM

        config = copy.deepcopy(config)
        if attention is not None:
            config._attn_implementation = attention
        try:
            with _building, _parameters_on_meta():
                module: Any = AutoModelForCausalLM.from_config(config, dtype=self.dtype)
        except Exception as error:
            raise CheckpointError(
                f"No causal language model can be built from {config.model_type!r}: {_line(error)}."
            ) from error
        for part in module.modules():
            for name, buffer in part._buffers.items():
                part._buffers[name] = None if buffer is None else buffer.to(self.device)
        return module.eval().requires_grad_(False)


class Loader:
    """Reads checkpoints for one device and dtype; keeps those used last within `budget_bytes`, at least two.

    Safe to share between threads.
    """

    def __init__(self, device: torch.device, dtype: torch.dtype, budget_bytes: int = 10**9) -> None:
        self.device, self.dtype, self.budget_bytes = device, dtype, budget_bytes
        self.skeletons = Skeletons(device, dtype)
        self._loaded: OrderedDict[tuple[object, ...], LoadedModel] = OrderedDict()
        self._lock = threading.Lock()
        self._reading: dict[tuple[object, ...], threading.Lock] = {}
        self._names: dict[str, dict[str, torch.Size]] = {}  # by configuration: what may be stored, and must

    def load(self, directory: Path) -> LoadedModel:
        """The model in `directory`, from memory when its files have not changed since.

        Raises `CheckpointError` when it is missing, truncated, pickled or not of its configuration's shape.
        """
        key = _signature(directory)
        with self._lock:
            if key in self._loaded:
                self._loaded.move_to_end(key)
                return self._loaded[key]
            reading = self._reading.setdefault(key, threading.Lock())
        with reading:  # the second of two who want the same one waits instead of reading it twice
            with self._lock:
                if key in self._loaded:
                    return self._loaded[key]
            model = self._read(directory)
            with self._lock:
                self._reading.pop(key, None)
                self._loaded[key] = model
                while len(self._loaded) > 2 and self._bytes() > self.budget_bytes:
                    self._loaded.popitem(last=False)
        return model

    def _bytes(self) -> int:
        return sum(model.bytes for model in self._loaded.values())

    def _read(self, directory: Path) -> LoadedModel:
        config = read_config(directory)
        weights = read_weights(directory, self.dtype)
        digest = _config_digest(config)
        if digest not in self._names:
            self._names[digest] = {n: t.shape for n, t in self.skeletons.build(config).state_dict().items()}
        names = self._names[digest]
        model = LoadedModel(weights, config, digest, directory, self.skeletons)
        fits = all(names.get(name) == tensor.shape for name, tensor in weights.items())
        if fits:
            with model.module() as module:
                fits = not any(parameter.is_meta for parameter in module.parameters())
        if not fits:  # other names than the skeleton's, or some are missing: transformers knows, or says so
            weights = _by_transformers(directory, self.dtype)
        weights = {name: tensor.to(self.device) for name, tensor in weights.items()}
        return LoadedModel(weights, config, digest, directory, self.skeletons)


def put_in(module: Any, weights: dict[str, torch.Tensor]) -> None:
    """Make the tensors, by name, the module's weights; nothing is copied, and nothing of others stays."""
    for part in module.modules():
        for name, parameter in part._parameters.items():
            if parameter is not None and not parameter.is_meta:
                part._parameters[name] = nn.Parameter(parameter.detach().to("meta"), requires_grad=False)
    module.load_state_dict(weights, strict=False, assign=True)
    module.tie_weights()
    module.requires_grad_(False)


def _places(module: Any, weights: dict[str, torch.Tensor]) -> _Places:
    """Where `put_in` has put each weight, tied ones in several places; empty where that cannot be told.

    With it the next weights of the same names go in by assignment, which is a hundred times faster.
    """
    names = {tensor.data_ptr(): name for name, tensor in weights.items() if tensor.numel()}
    places: _Places = {name: [] for name in names.values()}
    for part in module.modules():
        for inner, parameter in part._parameters.items():
            if parameter is not None:
                name = names.get(parameter.data_ptr())
                if name is None or parameter.shape != weights[name].shape:
                    return {}
                places[name].append((part._parameters, inner))
    return places if len(places) == len(weights) and all(places.values()) else {}


def _by_transformers(directory: Path, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """Weights under the skeleton's names by way of transformers' own loading, which can convert old ones."""
    import transformers

    auto: Any = transformers.AutoModelForCausalLM
    try:
        module, report = auto.from_pretrained(
            str(directory),
            dtype=dtype,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except Exception as error:
        raise CheckpointError(
            f"The weights in {directory} do not fit its config.json: {_line(error)}."
        ) from error
    if missing := sorted(report["missing_keys"]):
        raise CheckpointError(
            f"The checkpoint in {directory} lacks {len(missing)} weights of its configuration, first {missing[0]}."
        )
    return {name: tensor.detach() for name, tensor in module.state_dict().items()}


@contextmanager
def _parameters_on_meta() -> Iterator[None]:
    """Modules built inside get parameters without storage, and real buffers (rotary frequencies).

    Only those built by this thread: another may be giving real weights to a module in the meantime.
    """
    register = nn.Module.register_parameter
    builder = threading.get_ident()

    def register_on_meta(self: nn.Module, name: str, param: nn.Parameter | None) -> None:
        if param is not None and not param.is_meta and threading.get_ident() == builder:
            param = nn.Parameter(param.detach().to("meta"), requires_grad=param.requires_grad)
        register(self, name, param)

    nn.Module.register_parameter = register_on_meta  # type: ignore[method-assign]
    try:
        yield
    finally:
        nn.Module.register_parameter = register  # type: ignore[method-assign]


def _config_digest(config: Any) -> str:
    """Equal for configurations that build the same modules, wherever they were read from."""
    values = config.to_dict()
    for name in ("_name_or_path", "name_or_path", "transformers_version", "dtype", "torch_dtype"):
        values.pop(name, None)
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()


def _signature(directory: Path) -> tuple[object, ...]:
    """The folder and the state of its files: a checkpoint that is trained again has another one."""
    files = [directory / "config.json", *weight_files(directory)]
    try:
        stats = [file.stat() for file in files]
    except OSError as error:
        raise CheckpointError(
            f"{directory} holds no config.json: a checkpoint is a transformers folder."
        ) from error
    return (directory, *((s.st_size, s.st_mtime_ns, s.st_ino) for s in stats))


def _line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
