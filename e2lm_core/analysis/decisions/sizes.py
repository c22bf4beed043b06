"""Size of a model in parameters, from its record or its size's name."""

from __future__ import annotations

import re

from e2lm_core.base.records import ModelInfo

_NAME = re.compile(r"(\d+(?:\.\d+)?)\s*([mb])", re.IGNORECASE)
_UNITS = {"m": 1e6, "b": 1e9}


def parameter_count(model: ModelInfo) -> float | None:
    """Parameters of a model; where they are not recorded those of its size's name (`500m`, `1.4b`), else None."""
    if model.parameters is not None:
        return float(model.parameters)
    found = _NAME.fullmatch(model.size or "")
    return float(found[1]) * _UNITS[found[2].lower()] if found else None
