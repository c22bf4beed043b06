"""Estimated size of a value in bytes."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pandas as pd

from e2lm_core.scores.measurements import Measurements

_LOOKED_AT = 2_000  # parts of a value; a longer list is estimated by its first entries
_FIRST = 50
# Measurements grow to this multiple of their log-likelihoods when their metrics are computed on demand.
MEASURED = 3


def weigh(value: Any) -> int:
    """Estimated size of a value in bytes.

    Quick and rough: parts shared by two values count twice, and a long list is estimated by its first 50
    entries.
    """
    return _Scale().size_of(value)


class _Scale:
    def __init__(self) -> None:
        self._seen: set[int] = set()

    def size_of(self, value: Any) -> int:
        if id(value) in self._seen or len(self._seen) > _LOOKED_AT:
            return 0
        self._seen.add(id(value))
        if isinstance(value, np.ndarray):
            return int(value.nbytes)
        if isinstance(value, pd.DataFrame | pd.Series):
            return int(np.sum(value.memory_usage(deep=False)))
        if isinstance(value, Measurements):
            return MEASURED * value.nbytes
        if isinstance(value, str | bytes | int | float | None):
            return sys.getsizeof(value)
        if isinstance(value, Mapping):
            return self._all(list(value.values()))
        if isinstance(value, list | tuple | set | frozenset):
            return self._all(list(value))
        parts = [getattr(value, f.name) for f in fields(value)] if is_dataclass(value) else []
        own = getattr(value, "__dict__", None)
        # The dictionary of a dataclass also holds its cached properties.
        parts += list(own.values()) if isinstance(own, dict) else []
        return sys.getsizeof(value) + sum(map(self.size_of, parts))

    def _all(self, parts: list[Any]) -> int:
        first = parts[:_FIRST]
        weight = sum(map(self.size_of, first))
        return 64 * len(parts) + (weight * len(parts) // len(first) if first else 0)
