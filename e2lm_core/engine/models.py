"""Loaded models: weights placed into shared skeleton modules.

The models read last stay in memory, within a budget.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import re
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import nn

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.model_loading import LOADING
from e2lm_core.base.sentences import Sentence
from e2lm_core.engine.folder import (
    first_line,
    read_config,
    read_weights,
    signature,
    weights_by_transformers,
)

_RESCALED = re.compile(r"\bblocks\.(\d+)\.(?:attention\.output|feed_forward\.value)\.weight$")
_WRAPPERS = ("module.", "_orig_mod.")  # prefixes that DDP and torch.compile put before all names
_Places = dict[str, list[tuple[dict[str, Any], str]]]  # by a weight's name: a module's own dict, and its key


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A checkpoint's weights on their device, by the names in its skeleton.

    Attributes:
        weights: Tensors by name.
        config: transformers' configuration.
        config_digest: Digest that is equal for configurations that build the same module.
        directory: The checkpoint's folder.
        skeletons: Modules that the weights are put into.
    """

    weights: dict[str, torch.Tensor]
    config: Any
    config_digest: str
    directory: Path
    skeletons: Skeletons

    @property
    def parameters(self) -> int:
        """Number of parameters; tied weights count once."""
        return sum(tensor.numel() for tensor in self.weights.values())

    @cached_property
    def as_parameters(self) -> dict[str, nn.Parameter]:
        """The weights as module parameters, made once because a checkpoint is put into its skeleton often."""
        return {n: nn.Parameter(tensor, requires_grad=False) for n, tensor in self.weights.items()}

    @property
    def bytes(self) -> int:
        """Memory of the weights, in bytes."""
        return sum(tensor.numel() * tensor.element_size() for tensor in self.weights.values())

    def module(self, attention: str | None = None) -> AbstractContextManager[Any]:
        """A transformers module with these weights, for as long as the context is open.

        Its attention is the library's default, or the one registered under the name `attention`.

        Raises:
            CheckpointError: transformers cannot build the module.
        """
        return self.skeletons.lease(self, attention)


class Skeletons:
    """Modules without weights of their own, built once and lent to one user at a time."""

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        self.device, self.dtype = device, dtype
        self._free: dict[tuple[str, str | None], list[Any]] = {}
        self._places: WeakKeyDictionary[Any, _Places] = WeakKeyDictionary()
        self._lock = threading.Lock()

    @contextmanager
    def lease(self, model: LoadedModel, attention: str | None) -> Iterator[Any]:
        """A module with the model's weights, for one user until the context closes.

        A free module is taken before another is built.

        Args:
            model: The weights and their configuration.
            attention: Name of a registered attention; None for the library's default.

        Raises:
            CheckpointError: transformers cannot build the module.
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

    def emptied(self) -> None:
        """Take the weights out of all modules that are not lent."""
        with self._lock:
            for module in (module for free in self._free.values() for module in free):
                _empty(module)

    def build(self, config: Any, attention: str | None = None) -> Any:
        """Build a transformers causal language model with its parameters on the meta device.

        Only buffers have storage.

        Args:
            config: transformers' configuration.
            attention: Name of a registered attention; None for the library's default.

        Raises:
            CheckpointError: transformers cannot build the model.
        """
        from transformers import AutoModelForCausalLM

        config = copy.deepcopy(config)
        if attention is not None:
            config._attn_implementation = attention
        try:
            with LOADING, _parameters_on_meta():
                module: Any = AutoModelForCausalLM.from_config(config, dtype=self.dtype)
        except Exception as error:
            raise CheckpointError(
                Sentence(
                    "No causal language model can be built from {model_type}: {reason}.",
                    model_type=repr(config.model_type),
                    reason=first_line(error),
                )
            ) from error
        for part in module.modules():
            for name, buffer in part._buffers.items():
                part._buffers[name] = None if buffer is None else buffer.to(self.device)
            if hasattr(part, "layers_are_rescaled"):
                part.layers_are_rescaled = True  # see `_rescaled`
        return module.eval().requires_grad_(False)


class Loader:
    """Reader of checkpoints for one device and dtype; safe to share between threads.

    It keeps the models used last within `budget_bytes`, at least two.
    """

    def __init__(self, device: torch.device, dtype: torch.dtype, budget_bytes: int = 10**9) -> None:
        self.device, self.dtype, self.budget_bytes = device, dtype, budget_bytes
        self.skeletons = Skeletons(device, dtype)
        self._loaded: OrderedDict[tuple[object, ...], LoadedModel] = OrderedDict()
        self._lock = threading.Lock()
        self._reading: dict[tuple[object, ...], threading.Lock] = {}
        self._names: dict[str, dict[str, torch.Size]] = {}  # expected names and shapes, by configuration

    def load(self, directory: Path) -> LoadedModel:
        """The model in `directory`, from memory if its files have not changed.

        Raises:
            CheckpointError: The model is missing, truncated, pickled, not of its configuration's shape, or
                written to while it is read.
        """
        key = signature(directory)
        with self._lock:
            if key in self._loaded:
                self._loaded.move_to_end(key)
                return self._loaded[key]
            reading = self._reading.setdefault(key, threading.Lock())
        with reading:  # a second thread that wants the same model waits instead of reading it too
            with self._lock:
                if key in self._loaded:
                    return self._loaded[key]
            model = self.placed(self.stored(directory))
            if signature(directory) != key:
                raise CheckpointError(
                    Sentence(
                        "{directory} was written to while it was read: run it again.", directory=directory
                    )
                )
            with self._lock:
                self._reading.pop(key, None)
                self._loaded[key] = model
                while len(self._loaded) > 2 and self._bytes() > self.budget_bytes:
                    self._loaded.popitem(last=False)
        return model

    def forget(self, directory: Path) -> None:
        """Drop the model in `directory`, and the weights in all modules that are not lent."""
        with self._lock:
            for key in [key for key, model in self._loaded.items() if model.directory == directory]:
                del self._loaded[key]
        self.skeletons.emptied()

    def _bytes(self) -> int:
        return sum(model.bytes for model in self._loaded.values())

    def stored(self, directory: Path) -> LoadedModel:
        """Read a model's weights as they are stored: on the CPU, in the file's dtypes.

        Names are the skeleton's. The model is not kept, and the caller has to check whether something wrote
        to the files meanwhile.

        Raises:
            CheckpointError: The model is missing, truncated, pickled or not of its configuration's shape, or
                its names have the prefix of a wrapped model.
        """
        config = read_config(directory)
        weights = read_weights(directory)
        digest = config_digest(config)
        if digest not in self._names:
            self._names[digest] = {n: t.shape for n, t in self.skeletons.build(config).state_dict().items()}
        names = self._names[digest]
        model = LoadedModel(weights, config, digest, directory, self.skeletons)
        fits = all(names.get(name) == tensor.shape for name, tensor in weights.items())
        if fits:
            with model.module() as module:
                fits = not any(parameter.is_meta for parameter in module.parameters())
                model = replace(model, weights=as_loaded(module, weights))
        if not fits:  # names differ or are missing: transformers converts them or reports the error
            if prefix := next((one for one in _WRAPPERS if all(n.startswith(one) for n in weights)), None):
                raise CheckpointError(
                    Sentence(
                        "The weights in {directory} have the prefix {prefix} before every name, as a wrapped model "
                        "(DDP, torch.compile) saves them: save the unwrapped model.",
                        directory=directory,
                        prefix=prefix,
                    )
                )
            model = replace(model, weights=weights_by_transformers(directory, self.dtype))
        return replace(model, weights=_rescaled(model.weights, config))

    def placed(self, model: LoadedModel) -> LoadedModel:
        """The model on this loader's device, with floats in this loader's dtype."""
        weights = {
            name: tensor.to(self.device, self.dtype if tensor.is_floating_point() else tensor.dtype)
            for name, tensor in model.weights.items()
        }
        return replace(model, weights=weights, skeletons=self.skeletons)


def put_in(module: Any, weights: dict[str, torch.Tensor]) -> None:
    """Make the tensors the module's weights, without a copy; earlier weights are removed.

    Args:
        module: A transformers module.
        weights: Tensors [...] of any dtype, by the module's names.
    """
    _empty(module)
    module.load_state_dict(weights, strict=False, assign=True)
    module.tie_weights()
    module.requires_grad_(False)


def _empty(module: Any) -> None:
    """Take the weights out of a module; its parameters are then without storage."""
    for part in module.modules():
        for name, parameter in part._parameters.items():
            if parameter is not None and not parameter.is_meta:
                part._parameters[name] = nn.Parameter(parameter.detach().to("meta"), requires_grad=False)


def as_loaded(module: Any, weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The weights after transformers' loading, which for some types zeroes the padding token's row again.

    A tied head loses that row too. Whether a type does this is tested on an embedding of the same kind that
    is marked as loaded.

    Args:
        module: A transformers module that holds `weights`.
        weights: Tensors [...] of any dtype, by name.

    Returns:
        The tensors by name; only changed ones are copies.
    """
    names = {tensor.data_ptr(): name for name, tensor in weights.items()}
    found = dict(weights)
    for part in _embeddings_emptied(module):
        name = names.get(part.weight.data_ptr())
        if name is not None and weights[name][part.padding_idx].any():
            found[name] = weights[name].clone()
            found[name][part.padding_idx] = 0
    return found


def _rescaled(weights: dict[str, torch.Tensor], config: Any) -> dict[str, torch.Tensor]:
    """RWKV's weights as its first forward leaves them; other models' are unchanged.

    That forward divides some of them in place by 2^(block // `rescale_every`), and the module remembers that
    it did, whatever weights it is given next. Modules share weights, so the division is done here, once.
    """
    every = getattr(config, "rescale_every", 0)
    if config.model_type != "rwkv" or not every:
        return weights
    halvings = {name: int(found[1]) // every for name in weights if (found := _RESCALED.search(name))}
    return {
        n: tensor / 2**times if (times := halvings.get(n, 0)) else tensor for n, tensor in weights.items()
    }


def _embeddings_emptied(module: Any, owner: Any = None) -> Iterator[nn.Embedding]:
    """Embeddings with a padding row that loading zeroes; `owner` is the model around the module."""
    owner = module if hasattr(module, "_init_weights") else owner
    for part in module.children():
        if isinstance(part, nn.Embedding) and part.padding_idx is not None and owner is not None:
            stand_in = nn.Embedding(part.padding_idx + 1, 1, part.padding_idx)
            nn.init.ones_(stand_in.weight)
            stand_in.weight._is_hf_initialized = True  # type: ignore[attr-defined]
            with (
                contextlib.suppress(Exception),
                torch.no_grad(),
            ):  # a type that accepts no stand-in leaves it unchanged
                owner._init_weights(stand_in)
            if not stand_in.weight[part.padding_idx].any():
                yield part
        yield from _embeddings_emptied(part, owner)


def _places(module: Any, weights: dict[str, torch.Tensor]) -> _Places:
    """The places of each weight in a module after `put_in`, several for tied ones; empty if unknown.

    With them the next weights of the same names go in by assignment, which is a hundred times faster.
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


@contextmanager
def _parameters_on_meta() -> Iterator[None]:
    """Give modules built inside the context parameters without storage.

    Buffers (rotary frequencies) stay real. Only modules built by this thread are affected, because another
    may be giving real weights to a module.
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


def config_digest(config: Any) -> str:
    """Digest that is equal for configurations that build the same modules, wherever they were read from."""
    values = config.to_dict()
    for name in ("_name_or_path", "name_or_path", "transformers_version", "dtype", "torch_dtype"):
        values.pop(name, None)
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()
