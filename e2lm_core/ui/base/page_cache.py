"""The server's cache: all values that pages derive from sets and results, each computed once for all sessions.

A value is found by the content of its inputs: only code that has the content of a set finds its values.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Hashable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from pydantic import BaseModel

from e2lm_core.base.cache import Cache
from e2lm_core.ui.base import language
from e2lm_core.ui.base.sizeof import weigh

T = TypeVar("T")
MAX_BYTES = 160 * 2**20
_CACHE = Cache(MAX_BYTES, weigh)
_PLAIN = (str, bytes, int, float, bool, type(None), Path, Enum)


def get_or_compute(
    kind: str, inputs: tuple[object, ...], make: Callable[[], T], version: Hashable = None
) -> T:
    """Get a value, or compute it once for all threads.

    Args:
        kind: Name of the value.
        inputs: Everything that the value depends on, see `content_key`.
        make: Computes the value, in English; may ask for other values.
        version: An input of which only the latest value is kept.

    Raises:
        CacheCycleError: `make` asks for its own value.
        Exception: Any exception of `make`.
    """

    def made() -> T:
        with language.in_english():  # the first visitor's language is not everybody's
            return make()

    return _CACHE.get_or_compute((kind, content_key(inputs)), made, version)


def find(kind: str, inputs: tuple[object, ...]) -> Any | None:
    """A cached value, of any version; None if there is none."""
    return _CACHE.get((kind, content_key(inputs)))


def clear() -> None:
    """Evict all values, for tests and for an exchanged home."""
    _CACHE.clear()


def content_key(value: object) -> Hashable:
    """A key that is equal for equal content alone.

    Texts, numbers and paths are their own keys, and objects with a `digest` have that. Arrays, tables and
    dataclasses are hashed.

    Raises:
        TypeError: The value's type has no content to go by.
    """
    if isinstance(value, _PLAIN):
        return value
    if isinstance(digest := getattr(value, "digest", None), str):
        return digest
    if isinstance(value, np.ndarray):
        content = pickle.dumps(value.tolist()) if value.dtype.hasobject else np.ascontiguousarray(value).data
        return _hashed(f"{value.dtype}{value.shape}", content)
    if isinstance(value, pd.DataFrame):
        return tuple((str(name), content_key(column.to_numpy())) for name, column in value.items())
    if isinstance(value, tuple | list | frozenset):
        return tuple([one if type(one) is str else content_key(one) for one in value])
    if isinstance(value, Mapping):
        return tuple((content_key(key), content_key(one)) for key, one in value.items())
    if isinstance(value, BaseModel):
        return (type(value).__name__, *(content_key(getattr(value, f)) for f in type(value).model_fields))
    if is_dataclass(value):
        return (type(value).__name__, *(content_key(getattr(value, f.name)) for f in fields(value)))
    raise TypeError(f"{type(value).__name__} has no content to go by.")


def _hashed(kind: str, content: bytes | memoryview) -> str:
    digest = hashlib.blake2b(kind.encode(), digest_size=16)
    digest.update(content)
    return digest.hexdigest()
