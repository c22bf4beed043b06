"""Size of a model in parameters."""

from __future__ import annotations

import pytest

from e2lm_core.analysis.decisions.sizes import parameter_count
from e2lm_core.base.records import ModelInfo


@pytest.mark.parametrize(
    ("size", "parameters", "count"),
    [
        ("500m", None, 5e8),
        ("1.4B", None, 1.4e9),
        ("3b", 2_900_000_000, 2.9e9),
        ("small", None, None),
        (None, None, None),
        ("1b-long", None, None),
    ],
)
def test_parameters_or_the_name_of_the_size(
    size: str | None, parameters: int | None, count: float | None
) -> None:
    assert parameter_count(ModelInfo(name="x", family="y", size=size, parameters=parameters)) == count
