"""Answers: each once, whoever asks; equal content shares them, other content never does."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from e2lm_core.analysis import answers, tables
from e2lm_core.analysis.answers import Answers
from e2lm_core.base.cache import Cache
from e2lm_core.base.records import METRICS, SelectionOrigin
from e2lm_core.scores import set_scores
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.uncertainty import null, set_intervals
from tests.support import studios
from tests.support.measured import RISING, SMALL, curve, measurements, noisy


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The metrics of each bootstrap that is drawn."""
    found: list[tuple[str, ...]] = []
    real = set_intervals.resample

    def resample(measured: Measurements, names: tuple[str, ...] = METRICS, *rest: Any) -> Any:
        found.append(tuple(names))
        return real(measured, names, *rest)

    monkeypatch.setattr(set_intervals, "resample", resample)
    return found


def test_a_bootstrap_serves_all_that_is_asked_of_it(drawn: list[tuple[str, ...]]) -> None:
    asked, task = Answers(noisy()), studios.task(count=60)
    for _ in range(2):
        asked.scores("acc")
        asked.quality("acc")
        asked.curves("acc", bands=True)
        asked.onsets("acc")
        asked.noise("acc")
        asked.onset_document("acc")
        asked.ranking_document(task, "acc")
    assert drawn == [("acc",)]
    asked.score_document(with_advice=True)
    asked.score_document()
    assert drawn == [(metric,) for metric in METRICS]


@pytest.mark.parametrize("metric", ["acc", "bpb"])
def test_they_are_those_of_the_functions(metric: str) -> None:
    measured = noisy()
    asked, resampled = Answers(measured), set_intervals.resample(measured, (metric,))
    bounds = set_intervals.score_intervals(resampled, metric)
    values = set_intervals.with_intervals(set_scores.scores(measured, metric), bounds)
    expected = null.attach_null(values, null.null_scores(measured, metric))
    assert asked.scores(metric) == expected
    assert asked.scores(metric, "all_models") == expected.with_reading("all_models")
    assert asked.intervals(metric).scores == bounds.scores
    assert asked.quality(metric).equals(tables.quality_interval_frame(measured, resampled, metric))
    band = tables.band_frame(measured, resampled, metric)
    assert asked.curves(metric, bands=True)["low"].equals(band["low"])


def test_equal_content_shares_a_cache_and_other_content_does_not(drawn: list[tuple[str, ...]]) -> None:
    cache = Cache(math.inf, lambda _: 0)
    first = Answers(noisy(), cache).scores("acc")
    assert Answers(noisy(), cache).scores("acc") is first
    assert len(drawn) == 1
    other = noisy()
    other.curves[0].ll[0, 0, 0] -= 1e-9
    Answers(other, cache).scores("acc")
    Answers(noisy(), cache, fleet="of three models").scores("acc")
    assert len(drawn) == 3
    assert Answers(noisy()).scores("acc") == first
    assert len(drawn) == 4


def test_every_field_is_in_the_digest() -> None:
    measured = noisy(questions=8)
    changes: dict[str, Any] = {
        "task": "other",
        "question_ids": tuple(f"p{n}" for n in range(8)),
        "subjects": ("physics",) * 8,
        "gold": (measured.gold + 1) % 4,
        "chars": measured.chars + 1,
        "gold_bytes": measured.gold_bytes + 1,
        "curves": measured.curves[:-1],
        "groups": ("a", "a", *[None] * 6),
        "keys": ((b"key",),) * 8,
        "scopes": ("scope",),
        "choice_bytes": np.full((8, 4), 2.0),
        "choice_texts": np.zeros((8, 4), int),
        "question_texts": np.zeros(8, int),
        "letters": True,
        "taught": (True,) * 8,
        "taught_of_all": False,
        "told": (True,) * 8,
        "cue_words": "One word answers it.",
        "independent": True,
        "chosen": SelectionOrigin(rule="slope > 0", parent="whole", parent_digest=""),
    }
    assert set(changes) == {field.name for field in fields(Measurements)}
    digests = [replace(measured, **{name: value}).digest for name, value in changes.items()]
    assert len({measured.digest, *digests}) == len(changes) + 1
    assert replace(measured).digest == measured.digest


def test_without_a_complete_checkpoint_there_is_nothing_to_draw(drawn: list[tuple[str, ...]]) -> None:
    asked = Answers(measurements(curve(SMALL, [math.nan] * 4)))
    assert (asked.bootstrap("acc"), asked.intervals("acc"), asked.rank_stability("acc")) == (None, None, None)
    assert (asked.onsets("acc"), asked.separations("acc"), asked.noise("acc")) == ({}, [], {})
    assert asked.question_influence("acc") is None
    assert asked.scores("acc").sq.value is None
    assert not drawn
    document = asked.score_document()["metrics"]["acc"]
    assert document["score"]["value"] is None
    assert asked.ranking_document(studios.task(count=10), "acc")["models"] == []


def test_one_model_alone_has_scores_and_no_order() -> None:
    asked = Answers(measurements(curve(SMALL, RISING)))
    assert asked.scores("acc").sq.value is not None
    assert asked.rank_stability("acc") is None
    assert answers.SCORE_PARTS == ("rc", "cs", "score", "snr", "decision_accuracy")
