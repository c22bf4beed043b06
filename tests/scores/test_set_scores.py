"""From stored log-likelihoods to curves and scores, against values worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from e2lm_core.analysis import tables
from e2lm_core.base.plain import numbers
from e2lm_core.base.records import METRICS, Checkpoint, Loglikelihood, ModelInfo, TaskSet
from e2lm_core.commands import runs as run_commands
from e2lm_core.runs import evaluate, measure, requests
from e2lm_core.runs.store import digest
from e2lm_core.runs.studio import Studio
from e2lm_core.scores import contrast, ranking, set_scores, signal
from e2lm_core.scores import measurements as score_measurements
from e2lm_core.scores.measurements import Measurements, ModelCurve
from e2lm_core.sets import collection
from tests.support import studios
from tests.support.measured import FASTER, FLAT, LARGE, RISING, SEED2, SMALL, WEB, curve, measurements

# --- reading the store --------------------------------------------------------------------------------


@pytest.fixture
def here(tmp_path: Path) -> Studio:
    return studios.studio(tmp_path)


def put(studio: Studio, task: TaskSet, checkpoint: Checkpoint, ll: list[list[float]]) -> None:
    from e2lm_core.sets.prompts.render import render_set

    items = [
        (digest(request), Loglikelihood(value, 1))
        for doc, values in zip(render_set(task), ll, strict=True)
        for request, value in zip(requests.requests_of(doc), values, strict=True)
    ]
    studio.store.put(studio.backend.scope(checkpoint), items)


def test_the_five_metrics_by_hand(here: Studio) -> None:
    task = studios.task(count=0).model_copy(
        update={
            "questions": (
                studios.question(1, choices=("iron", "tin"), answer=0),
                studios.question(2, choices=("é", "gold"), answer=0),
            )
        }
    )
    checkpoint = here.catalogue.checkpoints[0]
    put(here, task, checkpoint, [[-2.0, -1.8], [-1.0, -3.0]])
    measured = measure.measure(here, task, [checkpoint])
    name = checkpoint.model.name
    values = {metric: measured.per_question[name][metric][0].tolist() for metric in METRICS}
    assert values["acc"] == [0.0, 1.0]  # −2.0 < −1.8; −1.0 > −3.0
    assert values["acc_norm"] == [1.0, 0.0]  # −2.0/4 > −1.8/3; −1.0/1 < −3.0/4
    assert values["margin"] == pytest.approx([-0.2, 2.0])
    assert values["norm_prob"] == pytest.approx([1 / (1 + math.exp(0.2)), 1 / (1 + math.exp(-2.0))])
    # the characters of "é" are one, its bytes two
    assert values["bpb"] == pytest.approx([2.0 / (4 * math.log(2)), 1.0 / (2 * math.log(2))])
    assert measured.values(name, "acc").tolist() == [0.5]
    assert measured.chance == 0.5


def test_what_was_not_run_is_missing_and_never_zero(here: Studio) -> None:
    task = collection.open_set(here.settings, "little")
    every = here.catalogue.of("ladder-small-arch1")
    evaluate.evaluate(here, task, every[3:5])
    measured = measure.measure(here, task, every)
    acc = measured.values("ladder-small-arch1", "acc")
    assert np.isfinite(acc).tolist() == [False] * 3 + [True] * 2 + [False] * 5
    assert (measured.measured, measured.complete_checkpoints, measured.checkpoints) == (12, 2, 10)
    document = run_commands.evaluation(
        here, task, every, None, evaluate.RunResult(computed=0, reused=0, seconds=0), with_questions=True
    )
    own = document["curves"]["ladder-small-arch1"]
    assert own["acc"][:3] == [None] * 3
    assert own["tokens_seen"] == [1_000 * s for s in studios.STEPS]
    assert document["questions"][0]["loglikelihoods"]["ladder-small-arch1"][0] == [None] * 4


def test_measuring_computes_nothing(here: Studio) -> None:
    task = collection.open_set(here.settings, "little")
    measure.measure(here, task, here.catalogue.checkpoints)
    assert here.backend.computed == 0


def test_questions_with_fewer_choices_have_no_phantom_choice(here: Studio) -> None:
    task = studios.task(count=2)
    shorter = task.questions[0].model_copy(update={"choices": task.questions[0].choices[:3], "answer": 0})
    task = task.model_copy(update={"questions": (shorter, task.questions[1])})
    checkpoint = here.catalogue.checkpoints[0]
    evaluate.evaluate(here, task, [checkpoint])
    measured = measure.measure(here, task, [checkpoint])
    assert measured.choice_counts.tolist() == [3, 4]
    assert measured.chance == pytest.approx((1 / 3 + 1 / 4) / 2)
    assert measured.complete_checkpoints == 1


def test_a_set_without_questions_or_checkpoints_is_measured_as_nothing(here: Studio) -> None:
    empty = studios.task(count=0)
    measured = measure.measure(here, empty, here.catalogue.checkpoints)
    assert measured.measured == 0
    assert tables.curve_frame(measured)["value"].isna().all()
    none = measure.measure(here, studios.task(), [])
    for metric in METRICS:
        assert set_scores.scores(none, metric).score.value is None
    assert len(tables.curve_frame(none)) == 0
    assert len(tables.rank_frame(none, "acc")) == 0
    assert set_scores.trends(none, "acc") == {}
    assert set_scores.early_end(none) is None


# --- frames -------------------------------------------------------------------------------------------


def test_curves_as_rows() -> None:
    measured = measurements(curve(SMALL, RISING), curve(WEB, FLAT))
    frame = tables.curve_frame(measured, ("acc", "bpb"))
    assert tuple(frame.columns) == ("model", "step", "tokens_seen", "early", "metric", "value", "n")
    own = frame[(frame["model"] == SMALL.name) & (frame["metric"] == "acc")]
    assert own["value"].tolist() == pytest.approx(RISING)
    assert own["early"].tolist() == [True] * 8 + [False] * 2
    assert own["n"].tolist() == [10] * 10


def test_one_questions_own_curve() -> None:
    frame = tables.question_frame(measurements(curve(SMALL, RISING)), "q2", "acc")
    assert frame["value"].tolist() == [0.0, 0.0, *[1.0] * 8]  # right from an accuracy of 0.3 on


def test_the_table_of_questions_is_a_mean_over_the_models_that_count() -> None:
    measured = measurements(curve(SMALL, RISING), curve(LARGE, FASTER), curve(WEB, FLAT), curve(SEED2, FLAT))
    task = studios.task(count=10)
    frame = tables.question_table(measured, task)
    assert frame["acc_first"].tolist() == [1.0, 0.5, *[0.0] * 8]
    assert frame["acc_last"].tolist() == [*[1.0] * 9, 0.5]
    assert frame["acc_curve"][1].tolist() == pytest.approx([0.5, *[1.0] * 9])


def test_ranks_leave_twins_and_seeds_out() -> None:
    measured = measurements(curve(SMALL, RISING), curve(LARGE, FASTER), curve(WEB, FLAT), curve(SEED2, FLAT))
    frame = tables.rank_frame(measured, "acc")
    assert set(frame["model"]) == {SMALL.name, LARGE.name}
    assert frame[frame["model"] == LARGE.name]["rank"].tolist() == [1.0] * 10
    lower = tables.rank_frame(measured, "bpb")
    assert lower[lower["model"] == LARGE.name]["rank"].tolist() == [1.0] * 10  # fewer bits are better


def test_models_are_compared_only_where_all_of_them_are_complete() -> None:
    holes = [math.nan, *RISING[1:5], math.nan, *RISING[6:]]
    grid = score_measurements.common_grid(measurements(curve(SMALL, holes), curve(LARGE, FASTER)), "acc")
    assert grid is not None
    assert grid.steps.tolist() == [200, 300, 400, 500, 700, 800, 900, 1000]
    assert grid.values[1].tolist() == pytest.approx([0.3, 0.4, 0.5, 0.6, 0.8, 0.9, 0.9, 1.0])
    assert grid.end == 5
    assert score_measurements.common_grid(measurements(curve(SMALL, RISING)), "acc") is None
    assert score_measurements.common_grid(measurements(curve(SMALL, RISING), curve(WEB, FLAT)), "acc") is None


# --- scores -------------------------------------------------------------------------------------------


def full() -> Measurements:
    return measurements(curve(SMALL, RISING), curve(LARGE, FASTER), curve(WEB, FLAT), curve(SEED2, FLAT))


def test_every_score_by_its_definition() -> None:
    found = set_scores.scores(full(), "acc")
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
    with_them = set_scores.scores(full(), "acc")
    without = set_scores.scores(measurements(curve(SMALL, RISING), curve(LARGE, FASTER)), "acc")
    for part in ("sq", "rc", "snr", "decision_accuracy"):
        assert getattr(with_them, part) == getattr(without, part)
    assert without.cs.value is None


def test_scores_turn_bpb_round() -> None:
    found = set_scores.scores(full(), "bpb")
    assert found.sq_models[SMALL.name].rho == 1.0
    assert found.rc.value == 1.0


def why(build: Callable[[], Measurements], metric: str, part: str) -> str:
    found = getattr(set_scores.scores(build(), metric), part)
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
            "No web-only twin",
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


def test_a_run_of_some_checkpoints_counts_the_points_there_are() -> None:
    holes = [0.1, math.nan, *RISING[2:]]
    quality = set_scores.signal_qualities(measurements(curve(SMALL, holes)), "acc")[SMALL.name]
    assert quality.points == 7
    assert quality.sq is None


def test_contrast_uses_the_samples_own_error_for_norm_prob() -> None:
    measured = full()
    s = measured.values(SMALL.name, "norm_prob")[:8]
    w = measured.values(WEB.name, "norm_prob")[:8]
    sample = measured.per_question[SMALL.name]["norm_prob"][:8]
    error = contrast.chance_error("norm_prob", 0.5, 10, sample)
    assert set_scores.scores(measured, "norm_prob").cs == contrast.science_contrast(s, w, 0.5, error)


def test_the_early_windows_end_and_the_small_curves() -> None:
    measured = full()
    assert set_scores.early_end(measured) == 8_000
    trends = set_scores.trends(measured, "acc")
    assert trends["SQ"] == pytest.approx(np.mean([RISING, FASTER], axis=0).tolist())
    grid = score_measurements.common_grid(measured, "acc")
    assert grid is not None
    assert trends["RC"] == [1.0, 1.0, ranking.tau_b(grid.scores[:, 7], grid.scores[:, 9])]
    assert trends["CS"] == pytest.approx(np.subtract(RISING, FLAT).tolist())


def test_a_family_without_tokens_or_window_is_measured_by_step() -> None:
    model = ModelInfo(name="mine", family="local")
    plain = tuple(Checkpoint(model=model, step=k) for k in range(10))
    own = ModelCurve(model=model, checkpoints=plain, ll=curve(SMALL, RISING).ll)
    assert own.early.all()
    assert np.isnan(own.tokens_seen).all()
    assert set_scores.early_end(measurements(own)) is None
    assert numbers(own.tokens_seen, whole=True) == [None] * 10


def test_quality_by_model() -> None:
    frame = tables.quality_frame(full(), "acc")
    assert frame["model"].tolist() == [SMALL.name, LARGE.name, WEB.name, SEED2.name]
    assert frame["counts"].tolist() == [True, True, False, False]
    assert frame["points"].tolist() == [8] * 4


def test_partial_curves_are_means_over_the_questions_that_are_there() -> None:
    whole = curve(SMALL, [0.1, 0.2, 0.3])
    whole.ll[:, -1] = np.nan  # the edited question
    whole.ll[1, 3:] = np.nan  # three of ten: too few to say anything
    frame = tables.partial_frame(measurements(whole), "acc")
    assert frame["step"].tolist() == [100, 300]
    assert frame["value"].tolist() == pytest.approx([1 / 9, 3 / 9])
    assert frame["n"].tolist() == [9, 9]
