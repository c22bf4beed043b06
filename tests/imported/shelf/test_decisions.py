"""Decisions on the shelf: every pair and point once, outcomes as the curves end, and when benchmarks decide."""

from __future__ import annotations

import math

import numpy as np
import pytest

from e2lm_core.analysis.decisions import probability
from e2lm_core.imported.shelf import decisions, library


def shelved(name: str, source: str, shots: int | None = None) -> library.Shelved:
    return library.find_benchmarks(name, source, shots)[0]


def test_every_pair_at_every_point_but_the_last() -> None:
    of = decisions.decided(shelved("piqa", "pythia", 0), "acc")
    assert len(of.cases) == math.comb(16, 2) * 26
    assert len({*of.first, *of.second}) == 16
    assert (of.cases.size_ratio >= 1).all()
    assert (of.cases.share < 1).all()
    assert set(of.series) == {"standard", "deduped", ""}
    assert {*np.unique(of.outcomes)} <= {0.0, 0.5, 1.0}


def test_a_case_has_the_figures_of_its_curves() -> None:
    of = decisions.decided(shelved("hellaswag", "e2lm"), "score")
    curves = {c.model.name: c for c in library.open_curves(shelved("hellaswag", "e2lm"), "score")}
    rng = np.random.default_rng(0)
    for at in rng.integers(0, len(of.cases), 40):
        one, other = curves[of.first[at]], curves[of.second[at]]
        here, there = one.tokens_seen.index(int(of.tokens[at])), other.tokens_seen.index(int(of.tokens[at]))
        assert of.cases.first[at] == one.scores[here]
        assert of.cases.second[at] == other.scores[there]
        assert of.outcomes[at] == (np.sign(other.scores[-1] - one.scores[-1]) + 1) / 2
        assert of.cases.share[at] == pytest.approx(one.tokens_seen[here] / one.tokens_seen[-1])


def test_outcomes_are_those_of_the_last_points() -> None:
    """Of a noisy benchmark many pairs stand otherwise one checkpoint before."""
    curves = {c.model.name: c.scores for c in library.open_curves(shelved("winogrande", "pythia", 0), "acc")}
    of = decisions.decided(shelved("winogrande", "pythia", 0), "acc")
    ended, before = (
        [(np.sign(curves[b][at] - curves[a][at]) + 1) / 2 for a, b in zip(of.first, of.second, strict=True)]
        for at in (-1, -2)
    )
    assert of.outcomes.tolist() == ended
    assert np.mean(np.array(before) != ended) > 0.05


@pytest.mark.parametrize(
    ("name", "source"), [("mmlu", "e2lm"), ("gpqa", "e2lm"), ("anli_r1", "e2lm"), ("mmlu", "pythia")]
)
def test_letters_and_labels_are_never_known(name: str, source: str) -> None:
    one = shelved(name, source)
    of = decisions.decided(one, one.main_metric)
    found = probability.probabilities(of.cases, probability.load_coefficients())
    assert np.isnan(found.values).all()
    assert decisions.benchmark_stops(of) is None


def test_subjects_come_on_request_alone() -> None:
    names = {of.benchmark for of in decisions.all_decided("e2lm")}
    assert {"hellaswag", "mmluvar", "mmlu"} <= names
    assert not any(name.startswith(library.SUBJECT) for name in names)


def test_a_clear_benchmark_decides_early_and_a_coin_never() -> None:
    clear = decisions.benchmark_stops(decisions.decided(shelved("hellaswag", "e2lm"), "score"))
    assert clear is not None
    assert clear.certainty.pairs == 15
    assert clear.certainty.stops[0].tokens_seen is not None
    assert clear.certainty.stops[0].tokens_seen < 10e9
    assert clear.right[0] is not None
    assert clear.right[0] > 0.8
    coin = decisions.benchmark_stops(decisions.decided(shelved("logiqa", "pythia", 0), "acc"))
    assert coin is not None
    assert coin.right == (None, None)
    assert coin.certainty.pairs == 56  # of 120: sizes within a factor of six
