"""Scores of many curves at once against the record-giving functions on one, as `analysis` puts them together."""

import numpy as np
import pytest

from benchmarks.coverage import simulation
from e2lm_core.base.records import METRICS, Checkpoint, ModelInfo
from e2lm_core.scores import composite, contrast, finetasks, metrics, ranking, set_scores, signal, vectorised
from e2lm_core.scores.measurements import Measurements, ModelCurve
from e2lm_core.scores.vectorised import SCORES, Run, floor, layout, scores

QUESTIONS = 60


@pytest.fixture(scope="module")
def runs():
    fleet = simulation.fleet("slow", 5)
    return simulation.runs(fleet, simulation.draw(fleet, QUESTIONS, 5))


def curves_of(runs, metric):
    return {name: metrics.curve(run.per_question[metric]) for name, run in runs.items()}


def all_scores(runs, metric, chance=0.25):
    plan = layout(runs)
    return scores(plan, curves_of(runs, metric), metric, floor(runs, plan, metric, chance, QUESTIONS))


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
    rc = ranking.ranking_consistency(grid[:, 11], grid[:, 12:])
    expected = {
        "sq": sq.value,
        "rc": rc.value,
        "decision_accuracy": signal.decision_accuracy(grid[:, 11], grid[:, -1]).value,
        "monotonicity": finetasks.criteria(grid, 0.25)["monotonicity"].value,
        "ordering": finetasks.criteria(grid, 0.25)["ordering"].value,
    }
    if metric != "margin":
        expected["snr"] = signal.snr(grid).value
        expected["snr_detrended"] = signal.snr(grid, detrend=True).value
    if metric in ("acc", "acc_norm", "norm_prob"):
        error = contrast.chance_error(metric, 0.25, QUESTIONS, runs["size3"].per_question[metric][:12])
        cs = contrast.science_contrast(curves["size3"][:12], curves["size3-web"][:12], 0.25, error)
        expected |= {"cs": cs.value, "score": composite.score(sq, rc, cs).value}
    for name in SCORES:
        if expected.get(name) is None:
            assert np.isnan(found.whole[name]), name
        else:
            assert float(found.whole[name]) == pytest.approx(expected[name], abs=1e-12), name


def test_axes_in_front_are_carried(runs):
    plan = layout(runs)
    curves = {
        name: np.stack([v, v + 0.01 * np.sin(np.arange(16))]) for name, v in curves_of(runs, "acc").items()
    }
    chances = np.array([0.25, 0.3])
    both = scores(plan, curves, "acc", floor(runs, plan, "acc", chances, QUESTIONS))
    for r in range(2):
        alone = {name: v[r] for name, v in curves.items()}
        one = scores(plan, alone, "acc", floor(runs, plan, "acc", chances[r], QUESTIONS))
        for name in SCORES:
            np.testing.assert_allclose(both.whole[name][r], one.whole[name])
            np.testing.assert_allclose(both.models["size2"][r], one.models["size2"])


def cut(run, keep, holes=()):
    values = {metric: array[keep].astype(float).copy() for metric, array in run.per_question.items()}
    for array in values.values():
        array[list(holes), 0] = np.nan
    return Run(values, run.steps[keep], run.early[keep], run.counts, run.twin_of)


def test_points_are_shared_by_step_and_incomplete_ones_left_out(runs):
    some = {
        "size1": cut(runs["size1"], np.arange(16), holes=[3, 14]),
        "size2": cut(runs["size2"], np.arange(1, 16)),
        "size3": cut(runs["size3"], np.arange(16)),
        "size3-web": cut(runs["size3-web"], np.arange(0, 16, 2)),
    }
    plan = layout(some)
    assert plan.early["size1"].tolist() == [0, 1, 2, *range(4, 12)]
    assert plan.common["size1"].tolist() == [1, 2, *range(4, 14), 15]
    assert plan.common["size2"].tolist() == [0, 1, *range(3, 13), 14]
    assert plan.end == 9
    (pair,) = plan.contrasts
    assert pair.science_at.tolist() == [0, 2, 4, 6, 8, 10]
    assert pair.twin_at.tolist() == [0, 1, 2, 3, 4, 5]
    found = all_scores(some, "acc")
    assert np.isfinite([found.whole[name] for name in SCORES]).all()


@pytest.mark.parametrize(
    ("names", "undefined"),
    [
        (
            ["size1"],
            {"rc", "cs", "score", "snr", "snr_detrended", "decision_accuracy", "monotonicity", "ordering"},
        ),
        (["size1", "size2"], {"cs", "score"}),
        (["size3-web"], set(SCORES)),
        ([], set(SCORES)),
    ],
)
def test_what_has_no_models_is_undefined(runs, names, undefined):
    found = all_scores({name: runs[name] for name in names}, "norm_prob")
    assert {name for name in SCORES if np.isnan(found.whole[name])} == undefined


def test_without_a_later_checkpoint_there_is_no_consistency(runs):
    early = {name: cut(run, np.arange(12)) for name, run in runs.items()}
    found = all_scores(early, "norm_prob")
    assert np.isnan(found.whole["rc"])
    assert np.isfinite(found.whole["cs"])


def test_a_twin_of_a_model_that_was_not_run_is_no_contrast(runs):
    assert layout({"size1": runs["size1"], "size3-web": runs["size3-web"]}).contrasts == ()


def test_every_score_has_a_range():
    assert set(SCORES) | {"sq_model"} == set(vectorised.RANGES)


def test_measured_sets_get_the_scores_that_the_pages_show():
    """Two routes from log-likelihoods to scores: `analysis`, with its reasons, and all curves at once."""
    rng = np.random.default_rng(8)
    questions, points = 50, 16
    infos = [
        *(ModelInfo(name=name, family="test") for name in ("a", "b", "c")),
        ModelInfo(name="web", family="test", role="web", twin_of="b"),
        ModelInfo(name="again", family="test", seed_of="a"),
    ]
    curves = []
    for model in infos:
        ll = rng.normal(-8, 1, (points, questions, 4))
        if model.name != "web":
            ll[..., 0] += np.linspace(0, 2, points)[:, None]
        steps = np.arange(points) if model.name != "c" else np.arange(1, points + 1)
        own = tuple(Checkpoint(model=model, step=int(s), early=bool(s < 12)) for s in steps)
        curves.append(ModelCurve(model=model, checkpoints=own, ll=ll))
    curves[1].ll[3, 5, 2] = np.nan
    measured = Measurements(
        task="t",
        question_ids=tuple(map(str, range(questions))),
        subjects=("",) * questions,
        gold=np.zeros(questions, int),
        chars=rng.integers(4, 9, (questions, 4)).astype(float),
        gold_bytes=np.full(questions, 6.0),
        curves=tuple(curves),
    )
    runs = {
        c.model.name: Run(
            measured.per_question[c.model.name], c.steps, c.early, c.model.counts_in_scores, c.model.twin_of
        )
        for c in measured.curves
    }
    plan = layout(runs)
    for metric in METRICS:
        shown = set_scores.scores(measured, metric)
        against = floor(runs, plan, metric, measured.chance, questions)
        found = scores(plan, curves_of(runs, metric), metric, against)
        assert shown.counted == plan.counted
        for name in ("sq", "rc", "cs", "score", "snr", "decision_accuracy"):
            expected = getattr(shown, name).value
            got = float(found.whole[name])
            assert got == pytest.approx(expected, abs=1e-12) if expected is not None else np.isnan(got), name
        for name, quality in shown.sq_models.items():
            assert float(found.models[name]) == pytest.approx(quality.sq)
