"""Short forms of sweeps: continuous integration runs some cases of each, `make proof` runs all."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from typing import Any

import pytest

IS_CI = bool(os.environ.get("CI"))
_LEFT_TO_PROOF = pytest.mark.skipif(IS_CI, reason="continuous integration runs some cases, make proof all")


def shorten(cases: Iterable[Any], in_ci: Collection[Any]) -> list[Any]:
    """Cases for `parametrize`, of which continuous integration skips those that are not in `in_ci`.

    A case is a value, or a tuple of values for several names.

    Raises:
        ValueError: One in `in_ci` is no case.
    """
    every = list(cases)
    if unknown := [case for case in in_ci if case not in every]:
        raise ValueError(f"no cases: {unknown}")
    return [
        pytest.param(
            *(case if isinstance(case, tuple) else (case,)), marks=() if case in in_ci else _LEFT_TO_PROOF
        )
        for case in every
    ]
