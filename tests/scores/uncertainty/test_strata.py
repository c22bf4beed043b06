"""What a set shows of its kind: rises in standard errors and questions on which models differ, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from e2lm_core.scores.layout import Run
from e2lm_core.scores.uncertainty import strata
from e2lm_core.scores.uncertainty.strata import KINDS


def run(rows: list[list[int]], counts: bool = True) -> Run:
    values = np.array(rows, dtype=float)
    steps = np.arange(1, len(values) + 1)
    return Run({"acc": values}, steps, steps <= 3, counts=counts)


def curves(runs: dict[str, Run]) -> dict[str, np.ndarray]:
    return {name: one.per_question["acc"].mean(axis=-1) for name, one in runs.items()}


@pytest.mark.parametrize(("rise", "kind"), [(-5.0, 0), (2.9, 0), (3.0, 1), (11.9, 1), (12.0, 2)])
def test_the_bounds_of_kinds(rise: float, kind: int) -> None:
    assert strata.stratum_of(rise) == KINDS[kind]
    assert strata.stratum_of(math.nan) is None


def test_a_rise_is_counted_in_its_own_errors() -> None:
    runs = {"a": run([[0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0]])}
    drawn = {"a": np.array([[0.0, 0.25, 0.4], [0.0, 0.25, 0.6]])}
    assert strata.standardised_rise(runs, curves(runs), drawn, "acc") == pytest.approx(0.5 / 0.1)
    assert math.isnan(strata.standardised_rise(runs, curves(runs), {"a": drawn["a"][:1]}, "acc"))  # no spread


def test_questions_on_which_models_differ_where_they_differ_less() -> None:
    """At the window's end a differs from b on one of four and from c on three, b from c on two: 2. At the last, on one."""
    runs = {
        "a": run([[0] * 4, [0] * 4, [1, 1, 1, 0], [1, 1, 1, 1]]),
        "b": run([[0] * 4, [0] * 4, [1, 1, 0, 0], [1, 1, 1, 0]]),
        "c": run([[0] * 4, [0] * 4, [0, 0, 0, 0], [1, 1, 0, 1]]),
        "twin": run([[0] * 4] * 4, counts=False),
    }
    assert strata.differing_questions(runs, curves(runs), "acc") == 0.25
    early = {name: run(one.per_question["acc"][:3].tolist(), one.counts) for name, one in runs.items()}
    assert strata.differing_questions(early, curves(early), "acc") == 0.5
    assert math.isnan(strata.differing_questions({"a": runs["a"]}, curves({"a": runs["a"]}), "acc"))
