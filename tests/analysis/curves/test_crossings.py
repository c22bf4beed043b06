"""From where curves are above chance and from where they part, on measurements with known answers."""

from __future__ import annotations

import json

import numpy as np
import pytest

from e2lm_core.analysis import tables
from e2lm_core.analysis.curves import crossings
from e2lm_core.base.records import METRICS
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.uncertainty import set_intervals
from tests.support.measured import LARGE, RISING, SMALL, curve, measurements, noisy

WEB, SEED2 = "ladder-small-arch1-web", "ladder-small-arch1-seed2"


@pytest.fixture(scope="module")
def measured() -> Measurements:
    return noisy(questions=400)


def test_learners_leave_chance_and_the_twin_does_not(measured: Measurements) -> None:
    given = set_intervals.resample(measured)
    found = crossings.above_chance(measured, given, "acc")
    assert found[LARGE.name].sure is not None
    assert found[WEB].sure is None
    assert found[WEB].why is None  # never, and not undefined
    small, large = (found[name].sure.step for name in (SMALL.name, LARGE.name))  # type: ignore[union-attr]
    assert large <= small
    assert found[LARGE.name].low.step <= found[LARGE.name].high.step  # type: ignore[union-attr]
    assert found[LARGE.name].share == 1.0


def test_a_metric_without_chance_says_so(measured: Measurements) -> None:
    given = set_intervals.resample(measured, ("margin", "bpb"))
    for metric in ("margin", "bpb"):
        found = crossings.above_chance(measured, given, metric)
        assert all("no chance level" in (since.why or "") for since in found.values())


@pytest.mark.parametrize("metric", METRICS)
def test_parting_is_the_same_whichever_is_named_first(measured: Measurements, metric: str) -> None:
    given = set_intervals.resample(measured, (metric,))
    one = crossings.parted(measured, given, metric, SMALL.name, LARGE.name)
    other = crossings.parted(measured, given, metric, LARGE.name, SMALL.name)
    assert one == other
    assert one.higher == LARGE.name  # of bits per byte, less is better
    assert one.since.sure is not None


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
    found = crossings.parted(both, given, "margin", SMALL.name, LARGE.name)
    assert found.since.sure == found.since.first


def test_equal_and_strange_pairs_have_reasons() -> None:
    twice = measurements(curve(SMALL, RISING), curve(LARGE, RISING))
    given = set_intervals.resample(twice, ("acc",))
    found = crossings.parted(twice, given, "acc", SMALL.name, LARGE.name)
    assert "stand equal" in (found.since.why or "")
    nan = float("nan")
    apart = measurements(curve(SMALL, [0.5, nan]), curve(LARGE, [nan, 0.5]))
    given = set_intervals.resample(apart, ("acc",))
    found = crossings.parted(apart, given, "acc", SMALL.name, LARGE.name)
    assert "no complete checkpoint in common" in (found.since.why or "")


def test_one_question_allows_no_interval() -> None:
    single = measurements(curve(SMALL, [0.0, 1.0], questions=1))
    found = crossings.above_chance(single, set_intervals.resample(single, ("acc",)), "acc")[SMALL.name]
    assert found.why == crossings.NO_INTERVAL
    assert found.measured is not None
    row = crossings.since_row(found)
    assert row["surely from"] is None
    assert row["measured from"] == "2.0 k"


def test_never_is_a_word_in_tables(measured: Measurements) -> None:
    given = set_intervals.resample(measured, ("acc",))
    table = crossings.chance_table(crossings.above_chance(measured, given, "acc")).set_index("model")
    assert table.loc[WEB, "surely from"] == "never"
    assert len(crossings.parting_table(crossings.all_parted(measured, given, "acc"))) == 6


def test_the_document_is_plain_json(measured: Measurements) -> None:
    given = set_intervals.resample(measured, ("acc",))
    document = json.loads(json.dumps(crossings.document(measured, given, "acc"), allow_nan=False))
    assert list(document) == ["task", "metric", "chance", "above_chance", "parting", "noise"]
    assert document["chance"] == 0.25
    assert set(document["noise"][SMALL.name]) == {"questions", "checkpoints"}
    assert crossings.document(measured, None, "bpb")["chance"] is None


def test_a_range_is_told_only_where_it_was_found_to_hold(measured: Measurements) -> None:
    given = set_intervals.resample(measured, ("acc", "norm_prob"))
    twin = crossings.above_chance(measured, given, "acc")[WEB]
    assert twin.no_range == crossings.UNSETTLED
    assert crossings.parted(measured, given, "acc", SMALL.name, LARGE.name).since.no_range is None
    few = noisy(questions=120)
    given = set_intervals.resample(few, ("acc", "margin"))
    assert crossings.parted(few, given, "acc", SMALL.name, WEB).since.no_range == crossings.FEW.format(300)
    assert crossings.parted(few, given, "margin", SMALL.name, WEB).since.no_range is None
    row = crossings.since_row(twin)
    assert (row["surely from"], row["95% from"], row["why"]) == ("never", None, crossings.UNSETTLED)
