"""From where curves are above chance and from where they part, on measurements with known answers."""

from __future__ import annotations

import json

import numpy as np
import pytest

from e2lm_core.analysis import tables
from e2lm_core.analysis.answers import Answers
from e2lm_core.analysis.curves import onsets
from e2lm_core.analysis.curves.onsets import Separation
from e2lm_core.base.records import METRICS
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.uncertainty import set_intervals
from e2lm_core.scores.uncertainty.intervals import Resampled
from tests.support.measured import LARGE, RISING, SMALL, curve, measurements, noisy
from tests.support.measured import SEED2 as SEED2_MODEL

WEB, SEED2 = "ladder-small-arch1-web", "ladder-small-arch1-seed2"


@pytest.fixture(scope="module")
def measured() -> Measurements:
    return noisy(questions=400)


def test_learners_leave_chance_and_the_twin_does_not(measured: Measurements) -> None:
    given = set_intervals.resample(measured)
    found = onsets.onsets_above_chance(measured, given, "acc")
    assert found[LARGE.name].on_these is not None
    assert found[WEB].on_these is None
    assert found[WEB].why is None  # never, and not undefined
    small, large = (found[name].on_these.step for name in (SMALL.name, LARGE.name))  # type: ignore[union-attr]
    assert large <= small
    assert found[LARGE.name].low.step <= found[LARGE.name].high.step  # type: ignore[union-attr]
    assert found[LARGE.name].share == 1.0


def test_a_metric_without_chance_says_so(measured: Measurements) -> None:
    given = set_intervals.resample(measured, ("margin", "bpb"))
    for metric in ("margin", "bpb"):
        found = onsets.onsets_above_chance(measured, given, metric)
        assert all("no chance level" in (since.why or "") for since in found.values())


def separation(measured: Measurements, given: Resampled, metric: str, one: str, other: str) -> Separation:
    return onsets.separations(measured, given, metric, [(one, other)])[0]


@pytest.mark.parametrize("metric", METRICS)
def test_parting_is_the_same_whichever_is_named_first(measured: Measurements, metric: str) -> None:
    given = set_intervals.resample(measured, (metric,))
    one = separation(measured, given, metric, SMALL.name, LARGE.name)
    other = separation(measured, given, metric, LARGE.name, SMALL.name)
    assert one == other
    assert one.higher == LARGE.name  # of bits per byte, less is better
    assert one.since.on_these is not None


def test_parting_is_paired() -> None:
    """Two models that share every question's luck part surely where single curves' bands still overlap."""
    base = np.random.default_rng(0).normal(0, 3, 60)
    small, large = (curve(model, RISING, questions=60) for model in (SMALL, LARGE))
    for shift, own in ((0.0, small), (0.2, large)):
        own.ll[:, :, 0], own.ll[:, :, 1] = -5.0 + (base + shift) / 2, -5.0 - (base + shift) / 2
    both = measurements(small, large)
    given = set_intervals.resample(both, ("margin",))
    bands = tables.band_frame(both, given, "margin").set_index("model")
    assert bands.loc[LARGE.name, "low"].iloc[-1] < bands.loc[SMALL.name, "high"].iloc[-1]
    found = separation(both, given, "margin", SMALL.name, LARGE.name)
    assert found.since.on_these == found.since.first


def test_equal_and_strange_pairs_have_reasons() -> None:
    twice = measurements(curve(SMALL, RISING), curve(LARGE, RISING))
    given = set_intervals.resample(twice, ("acc",))
    found = separation(twice, given, "acc", SMALL.name, LARGE.name)
    assert "are equal" in (found.since.why or "")
    nan = float("nan")
    apart = measurements(curve(SMALL, [0.5, nan]), curve(LARGE, [nan, 0.5]))
    given = set_intervals.resample(apart, ("acc",))
    found = separation(apart, given, "acc", SMALL.name, LARGE.name)
    assert "no complete checkpoint in common" in (found.since.why or "")


def test_one_question_allows_no_interval() -> None:
    single = measurements(curve(SMALL, [0.0, 1.0], questions=1))
    found = onsets.onsets_above_chance(single, set_intervals.resample(single, ("acc",)), "acc")[SMALL.name]
    assert found.why == "No interval: acc needs 2 questions, and 1 is there."
    assert found.measured is not None
    row = onsets.onset_row(found)
    assert row["surely from"] is None
    assert row["measured from"] == "2.0 k"


def test_never_is_a_word_in_tables(measured: Measurements) -> None:
    given = set_intervals.resample(measured, ("acc",))
    table = onsets.chance_table(onsets.onsets_above_chance(measured, given, "acc")).set_index("model")
    assert table.loc[WEB, "on these questions from"] == "never"
    assert len(onsets.separation_table(onsets.all_separations(measured, given, "acc"))) == 6


def test_the_document_is_plain_json(measured: Measurements) -> None:
    document = json.loads(json.dumps(Answers(measured).onset_document("acc"), allow_nan=False))
    assert list(document) == [
        "task",
        "metric",
        "assumption",
        "chance",
        "above_chance",
        "parting",
        "noise",
    ]
    assert document["chance"] == 0.25
    assert set(document["noise"][SMALL.name]) == {"questions", "checkpoints", "seeds"}
    assert onsets.onset_document(measured, "bpb", {}, [], {})["chance"] is None


def test_a_range_is_told_only_where_it_was_found_to_hold(measured: Measurements) -> None:
    given = set_intervals.resample(measured, ("acc", "norm_prob"))
    twin = onsets.onsets_above_chance(measured, given, "acc")[WEB]
    assert twin.no_range == onsets.UNSETTLED
    assert separation(measured, given, "acc", SMALL.name, LARGE.name).since.no_range is None
    few = noisy(questions=120)
    given = set_intervals.resample(few, ("acc", "margin"))
    assert separation(few, given, "acc", SMALL.name, WEB).since.no_range == onsets.TOO_FEW_QUESTIONS.format(
        number=300
    )
    assert separation(few, given, "margin", SMALL.name, WEB).since.no_range is None
    row = onsets.onset_row(twin)
    assert (row["on these questions from"], row["95% from"], row["why"]) == (
        "never",
        None,
        onsets.UNSETTLED,
    )


def test_what_holds_on_these_questions_need_not_hold_for_models_trained_again() -> None:
    """Two seeds of one model that part on every question are the same model; a third like the first says how unsure."""
    low, high = [0.2] * 10, [0.8] * 10
    large = curve(LARGE, [1.0] * 10, questions=200)
    alone = measurements(curve(SMALL, low, questions=200), large)
    given = set_intervals.resample(alone, ("acc",))
    since = separation(alone, given, "acc", SMALL.name, LARGE.name).since
    assert (since.on_these, since.sure, since.retraining) == (since.first, None, None)
    assert onsets.onset_row(since)["surely from"] == onsets.NOT_KNOWN
    seeds = measurements(curve(SMALL, low, questions=200), curve(SEED2_MODEL, high, questions=200), large)
    given = set_intervals.resample(seeds, ("acc",))
    since = separation(seeds, given, "acc", SMALL.name, LARGE.name).since
    assert since.on_these == since.first
    assert since.retraining == pytest.approx(0.6 / 2**0.5, rel=0.01)
    assert since.sure is None
    assert onsets.onset_row(since)["surely from"] == "never"


def test_many_pairs_are_judged_together(measured: Measurements) -> None:
    given = set_intervals.resample(measured, ("acc",))
    alone = separation(measured, given, "acc", SMALL.name, LARGE.name).since
    together = next(
        p.since
        for p in onsets.all_separations(measured, given, "acc")
        if {p.higher, p.lower} == {SMALL.name, LARGE.name}
    )
    assert (alone.judged, together.judged) == (1, 6)
    assert alone.on_these is not None
    assert together.on_these is None or together.on_these.step >= alone.on_these.step
