"""Every score of a set: the core with axes in front, and the set's own with reasons, by hand where that can be."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from e2lm_core.base.records import Value
from e2lm_core.scores import compliance, composite, finetasks, metrics, set_scores, signal, trends
from e2lm_core.scores import measurements as score_measurements
from e2lm_core.scores.layout import Layout, Run
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.ranking import order, readings
from e2lm_core.scores.set_scores import OF_READINGS, SCORES, chance_floor, curve_scores
from tests.support import simulation
from tests.support.measured import FASTER, FLAT, LARGE, RISING, SMALL, WEB, curve, full, measurements

QUESTIONS = 60


@pytest.fixture(scope="module")
def runs():
    fleet = simulation.fleet("slow", 5)
    return simulation.runs(fleet, simulation.draw(fleet, QUESTIONS, 5))


def curves_of(runs, metric):
    return {name: metrics.curve(run.per_question[metric]) for name, run in runs.items()}


def all_scores(runs, metric, chance=0.25):
    curves = curves_of(runs, metric)
    layout = Layout.from_runs(runs, curves)
    return curve_scores(layout, curves, metric, chance_floor(runs, layout, metric, chance, QUESTIONS))


@pytest.mark.parametrize("metric", ["acc", "acc_norm", "margin", "norm_prob", "bpb"])
def test_every_score_equals_that_of_its_own_function(runs, metric):
    found = all_scores(runs, metric)
    assert set(found.whole) == set(SCORES)
    curves = curves_of(runs, metric)
    oriented = {name: metrics.oriented(metric, values) for name, values in curves.items()}
    counted = [name for name, run in runs.items() if run.counts]
    grid = np.stack([oriented[name] for name in counted])

    qualities = {name: signal.signal_quality(values[:12]) for name, values in oriented.items()}
    assert {n: float(v) for n, v in found.models.items()} == pytest.approx(
        {n: q.sq for n, q in qualities.items()}
    )
    sq = signal.mean_quality({name: qualities[name] for name in counted})
    rc = order.ranking_consistency(grid[:, 11], grid[:, 12:])
    expected = {
        "sq": sq.value,
        "rc": rc.value,
        "decision_accuracy": float(signal.pair_agreement(grid[:, 11], grid[:, -1])),
        "monotonicity": finetasks.criteria(grid, 0.25)["monotonicity"].value,
        "ordering": finetasks.criteria(grid, 0.25)["ordering"].value,
    }
    if metric != "margin":
        expected["snr"] = signal.snr(grid).value
        expected["snr_detrended"] = signal.snr(grid, detrend=True).value
    if metric in ("acc", "acc_norm", "norm_prob"):
        error = compliance.chance_error(metric, 0.25, QUESTIONS, runs["size3"].per_question[metric][:12])
        contrast = compliance.compliance(curves["size3"][:12], curves["size3-web"][:12], 0.25, error)
        cs = Value(value=float(contrast))
        expected |= {"cs": cs.value, "score": composite.score(sq, rc, cs).value}
    for name in SCORES:
        if expected.get(name) is None:
            assert np.isnan(found.whole[name]), name
        else:
            assert float(found.whole[name]) == pytest.approx(expected[name], abs=1e-12), name


def test_axes_in_front_are_carried(runs):
    layout = Layout.from_runs(runs, curves_of(runs, "acc"))
    curves = {
        name: np.stack([v, v + 0.01 * np.sin(np.arange(16))]) for name, v in curves_of(runs, "acc").items()
    }
    chances = np.array([0.25, 0.3])
    both = curve_scores(layout, curves, "acc", chance_floor(runs, layout, "acc", chances, QUESTIONS))
    for r in range(2):
        alone = {name: v[r] for name, v in curves.items()}
        one = curve_scores(layout, alone, "acc", chance_floor(runs, layout, "acc", chances[r], QUESTIONS))
        for name in SCORES:
            np.testing.assert_allclose(both.whole[name][r], one.whole[name])
            np.testing.assert_allclose(both.models["size2"][r], one.models["size2"])


@pytest.mark.parametrize(
    ("names", "undefined"),
    [
        (
            ["size1"],
            {
                "rc",
                "cs",
                "score",
                "snr",
                "snr_detrended",
                "decision_accuracy",
                "monotonicity",
                "ordering",
                *OF_READINGS,
            },
        ),
        (["size1", "size2"], {"cs", "score", *OF_READINGS}),
        (["size3-web"], set(SCORES)),
        ([], set(SCORES)),
    ],
)
def test_what_has_no_models_is_undefined(runs, names, undefined):
    found = all_scores({name: runs[name] for name in names}, "norm_prob")
    assert {name for name in SCORES if np.isnan(found.whole[name])} == undefined


def test_without_a_later_checkpoint_there_is_no_consistency(runs):
    early = {
        name: Run(
            {m: v[:12] for m, v in run.per_question.items()},
            run.steps[:12],
            run.early[:12],
            run.counts,
            run.twin_of,
        )
        for name, run in runs.items()
    }
    found = all_scores(early, "norm_prob")
    assert np.isnan(found.whole["rc"])
    assert np.isfinite(found.whole["cs"])


def test_every_score_has_a_range():
    assert set(SCORES) | {"sq_model"} == set(set_scores.RANGES)


# --- a set's own ---------------------------------------------------------------------------------------


def test_every_score_by_its_definition() -> None:
    found = set_scores.scores(full(), "acc", "all_models")
    assert found.counted == (SMALL.name, LARGE.name)
    # both curves rise steadily over the window: ρ is 1 and so is the correlation at lag 1
    assert found.sq.value == pytest.approx(1.0)
    assert found.sq_models[WEB.name] == signal.signal_quality(np.array(FLAT[:8]))
    assert found.rc.value == 1.0  # LARGE stays ahead
    # (s − w)/(s − ½) where s ≥ ½ + √(¼/10) = 0.66: at 0.7 and 0.8, with the twin at 0.5 and 0.6
    assert found.cs.value == pytest.approx((6 * 0 + 1.0 + 0.2 / 0.3) / 8)
    assert found.score.value == pytest.approx(0.5 * 1.0 + 0.1 * 1.0 + 0.4 * (1.0 + 2 / 3) / 8)
    assert found.decision_accuracy.value == 1.0
    last = np.array([RISING[-5:], FASTER[-5:]])
    means = last.mean(axis=1)
    noise = (last.std(axis=1) / means).mean()
    assert found.snr.value == pytest.approx(np.ptp(means) / means.mean() / noise)


def test_twins_and_seeds_change_no_mean() -> None:
    with_them = set_scores.scores(full(), "acc", "all_models")
    without = set_scores.scores(measurements(curve(SMALL, RISING), curve(LARGE, FASTER)), "acc", "all_models")
    for part in ("sq", "rc", "snr", "decision_accuracy"):
        assert getattr(with_them, part) == getattr(without, part)
    assert without.cs.value is None


def test_scores_turn_bpb_round() -> None:
    found = set_scores.scores(full(), "bpb", "all_models")
    assert found.sq_models[SMALL.name].rho == 1.0
    assert found.rc.value == 1.0


def with_a_hole() -> Measurements:
    """The second early checkpoint of one model was not run."""
    return measurements(curve(SMALL, [0.1, math.nan, *RISING[2:]]), curve(LARGE, FASTER), curve(WEB, FLAT))


def why(build: Callable[[], Measurements], metric: str, part: str) -> str:
    found = getattr(set_scores.scores(build(), metric, "all_models"), part)
    assert found.value is None
    assert found.why
    return str(found.why)


@pytest.mark.parametrize(
    ("build", "metric", "part", "says"),
    [
        (lambda: measurements(curve(SMALL, RISING)), "acc", "rc", "Fewer than two models"),
        (lambda: measurements(curve(SMALL, RISING)), "acc", "cs", "No web-only twin"),
        (lambda: measurements(curve(WEB, FLAT)), "acc", "cs", "No web-only twin"),
        (
            lambda: measurements(curve(SMALL, RISING), curve(LARGE, FASTER)),
            "acc",
            "score",
            "No web-only twin",
        ),
        (
            lambda: measurements(curve(SMALL, RISING[:8]), curve(LARGE, FASTER[:8])),
            "acc",
            "rc",
            "No checkpoint after the early window",
        ),
        (lambda: measurements(curve(SMALL, RISING[:7]), curve(LARGE, FASTER[:7])), "acc", "sq", "7 points"),
        (lambda: measurements(curve(SMALL, [0.5] * 10), curve(LARGE, FASTER)), "acc", "sq", "flat"),
        (
            lambda: measurements(curve(SMALL, [math.nan] * 10), curve(WEB, FLAT)),
            "acc",
            "cs",
            "Results are missing at 8 of the 8 early checkpoints of ladder-small-arch1 and its twin",
        ),
        (
            with_a_hole,
            "acc",
            "sq",
            "Results are missing at 1 of its 8 early checkpoints; run them, or leave them out.",
        ),
        (with_a_hole, "acc", "rc", "Results are missing at 1 of the 10 checkpoints that all models have"),
        (with_a_hole, "acc", "snr", "Results are missing at 1 of the 10"),
        (with_a_hole, "acc", "decision_accuracy", "Results are missing at 1 of the 10"),
        (with_a_hole, "acc", "cs", "Results are missing at 1 of the 8 early"),
        (with_a_hole, "acc", "score", "Results are missing"),
        (
            lambda: measurements(curve(SMALL, [0.9, 0.8] * 5), curve(WEB, FLAT)),
            "acc",
            "cs",
            "The curve of ladder-small-arch1 does not rise over the early window",
        ),
        (full, "margin", "cs", "no chance level"),
        (full, "bpb", "cs", "no chance level"),
        (full, "margin", "snr", "can be negative"),
        (full, "margin", "score", "no chance level"),
    ],
)
def test_what_is_undefined_says_why(
    build: Callable[[], Measurements], metric: str, part: str, says: str
) -> None:
    text = why(build, metric, part)
    assert says in text
    assert text.endswith(".")


def test_a_run_of_some_checkpoints_counts_the_points_there_are_and_scores_none() -> None:
    quality = set_scores.signal_qualities(with_a_hole(), "acc")[SMALL.name]
    assert quality.points == 7
    assert quality.rho is quality.autocorrelation is quality.sq is None
    found = set_scores.scores(with_a_hole(), "acc", "all_models")
    assert found.sq_models[LARGE.name].sq is not None  # its own checkpoints are all there


def test_a_checkpoint_that_a_model_never_had_is_no_gap() -> None:
    shorter = curve(LARGE, FASTER)
    shorter = type(shorter)(shorter.model, shorter.checkpoints[1:], shorter.ll[1:])
    longer = curve(SMALL, RISING)
    found = set_scores.scores(measurements(longer, shorter), "acc", "all_models")
    assert found.sq_models[LARGE.name].points == 7
    assert found.rc.value == 1.0


def test_what_lacks_results_has_no_null_and_no_bootstrap_value_either(runs) -> None:
    holes = dict(runs)
    values = {m: v.astype(float).copy() for m, v in runs["size2"].per_question.items()}
    for array in values.values():
        array[3, 0] = np.nan
    holes["size2"] = Run(values, runs["size2"].steps, runs["size2"].early)
    found = all_scores(holes, "acc").whole
    assert {name for name in SCORES if np.isfinite(found[name])} == {"cs"}


def test_contrast_uses_the_samples_own_error_for_norm_prob() -> None:
    measured = full()
    s = measured.values(SMALL.name, "norm_prob")[:8]
    w = measured.values(WEB.name, "norm_prob")[:8]
    sample = measured.per_question[SMALL.name]["norm_prob"][:8]
    error = compliance.chance_error("norm_prob", 0.5, 10, sample)
    cs = Value(value=float(compliance.compliance(s, w, 0.5, error)))
    assert set_scores.scores(measured, "norm_prob", "all_models").cs == cs


def test_the_early_windows_end() -> None:
    assert set_scores.early_end(full()) == 8_000


def test_every_reading_of_rc_enters_a_score_of_its_own():
    measured = simulation.answered(taught=0.3)
    found = set_scores.scores(measured, "acc")
    assert found.rc_reading == "organisers"
    assert found.rc == found.rc_readings["organisers"]
    grid = score_measurements.common_grid(measured, "acc")
    assert grid is not None
    sizes = ("small", "small", "medium", "medium", "large", "large")
    for name in readings.READINGS:
        read = found.with_reading(name)
        assert read.rc == readings.rc_value(name, grid.scores, grid.end, sizes)
        assert read.score == composite.score(found.sq, read.rc, found.cs)
        assert set_scores.scores(measured, "acc", name) == read
        assert np.mean(trends.score_courses(measured, "acc", name)["RC"]) == pytest.approx(read.rc.value)
    assert len({read.value for read in found.rc_readings.values()}) > 1


def test_equal_scores_alone_have_one_digest():
    found = set_scores.scores(simulation.answered(taught=0.3), "acc")
    assert found.digest == set_scores.scores(simulation.answered(taught=0.3), "acc").digest
    others = [found.with_reading(name) for name in readings.READINGS if name != found.rc_reading]
    others.append(found.map_values(lambda name, value: value.model_copy(update={"value": 0.5})))
    assert len({one.digest for one in (found, *others)}) == len(readings.READINGS) + 1


def test_without_two_shapes_of_a_size_rc_and_score_say_what_they_would_need():
    found = set_scores.scores(full(), "acc")
    assert "second shape of a size" in (found.rc.why or "")
    assert "second shape of a size" in (found.score.why or "")
    assert found.with_reading("all_models").score.value is not None
