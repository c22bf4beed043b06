"""Seeds of one model: declared they are told with mean and spread, undeclared they are asked about."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from e2lm_core.analysis.answers import Answers
from e2lm_core.analysis.ranks import messages as rank_messages
from e2lm_core.analysis.score import messages as score_messages
from e2lm_core.analysis.score import parts
from e2lm_core.base.records import METRICS, ModelInfo
from e2lm_core.scores import set_scores, signal, trends
from e2lm_core.scores.set_scores import scores
from tests.support.measured import LARGE, RISING, SMALL, curve, full, measurements
from tests.support.own_models import own_measured, own_models

ASKED = (
    "llama-s1, llama-s2 and llama-s3; neox-s1, neox-s2 and neox-s3 have one size and architecture each: are they seeds of "
    "one model each? Declare seed_of in checkpoints.json; if they differ otherwise, give each its own arch."
)


@pytest.mark.parametrize("metric", METRICS)
def test_undeclared_seeds_are_never_ranked(metric: str) -> None:
    answers = Answers(own_measured(declared=False))
    found = answers.scores(metric)
    for value in (*found.rc_readings.values(), found.decision_accuracy):
        assert value.value is None
        assert value.why == ASKED
        assert value.interval is value.null is None
    assert found.sq.value is not None
    assert answers.rank_stability(metric) is None
    assert answers.question_influence(metric) is None
    assert ASKED in rank_messages.headline(None, found)
    assert "RC" not in trends.score_courses(answers.measurements, metric)
    ordering = parts.finetasks_criteria(answers.measurements, metric)["ordering"]
    assert (ordering.value, ordering.why) == (None, ASKED)


def test_declared_seeds_leave_the_order_of_the_models() -> None:
    answers = Answers(own_measured(declared=True))
    found = answers.scores("norm_prob")
    assert found.counted == ("llama-s1", "neox-s1")
    assert found.rc.value is not None
    assert found.decision_accuracy.value is not None
    stable = answers.rank_stability("norm_prob")
    assert stable is not None
    assert stable.grid.models == ("llama-s1", "neox-s1")


def asked_of(*models: ModelInfo) -> str | None:
    measured = measurements(*(curve(model, RISING) for model in models))
    return set_scores.undeclared_seeds(measured.layout("acc"))


def test_own_models_of_one_size_and_architecture_are_asked_about() -> None:
    one, two, *_ = own_models(declared=False)
    assert asked_of(one, two) is not None
    assert asked_of(one, two.model_copy(update={"arch": two.arch.upper()})) is not None
    for other in ({"size": "2m"}, {"arch": "mamba"}, {"arch": None}, {"size": None}, {"role": "web"}):
        assert asked_of(one, two.model_copy(update=other)) is None
    assert asked_of(one, two.model_copy(update={"seed_of": one.name})) is None
    # Pythia has a model and its deduplicated twin of one size and shape, which are no seeds.
    assert asked_of(*(m.model_copy(update={"family": "pythia"}) for m in (one, two))) is None
    assert asked_of(SMALL, LARGE) is None


def test_parameters_stand_for_a_size_or_an_architecture_that_is_not_declared() -> None:
    def told(**updates: object) -> ModelInfo:
        return ModelInfo(name=f"run{len(updates)}", family="local").model_copy(update=updates)

    assert asked_of(told(parameters=1000), told(name="b", parameters=1000)) is not None
    assert asked_of(told(parameters=1000, size="1m"), told(name="b", parameters=1000, size="1m")) is not None
    assert asked_of(told(parameters=1000, arch="a"), told(name="b", parameters=1000, arch="a")) is not None
    assert asked_of(told(parameters=1000, arch="a"), told(name="b", parameters=1000, arch="b")) is None
    assert asked_of(told(parameters=1000), told(name="b", parameters=1001)) is None
    assert asked_of(told(), told(name="b")) is None
    assert asked_of(told(parameters=1000), told(name="b", parameters=1000, role="web")) is None


def test_sq_over_seeds_by_hand() -> None:
    measured = own_measured(declared=True, noise={"llama-s2": 1.5, "neox-s3": 2.0})
    found = scores(measured, "norm_prob")
    by_model = {
        name: signal.signal_quality(measured.values(name, "norm_prob")[:8]).sq for name in measured.runs
    }
    llama, neox = (np.array([by_model[f"{shape}-s{n}"] for n in (1, 2, 3)]) for shape in ("llama", "neox"))
    spread = found.sq_seeds
    assert spread is not None
    assert found.sq.value == pytest.approx((llama[0] + neox[0]) / 2)  # DESIGN 7: of the reference
    assert spread.seeds == {
        "llama-s1": ("llama-s1", "llama-s2", "llama-s3"),
        "neox-s1": ("neox-s1", "neox-s2", "neox-s3"),
    }
    assert spread.mean == pytest.approx((llama.mean() + neox.mean()) / 2)
    assert spread.low == pytest.approx((llama.min() + neox.min()) / 2)
    assert spread.high == pytest.approx((llama.max() + neox.max()) / 2)
    assert spread.low < spread.mean < spread.high
    assert score_messages.seed_clause(spread) == (
        f"over 3 seeds: mean {spread.mean:.3f}, {spread.low:.3f} to {spread.high:.3f}"
    )
    frame = parts.score_frame(measured, found, "norm_prob", None)
    row = frame[frame["score"] == "SQ over seeds, mean"].iloc[0]
    assert row["value"] == pytest.approx(spread.mean)
    assert (
        row["why"]
        == f"From {spread.low:.3f} with the worst seed of each model to {spread.high:.3f} with the best."
    )


@pytest.mark.parametrize("reference", [1, 2, 3])
def test_the_spread_is_the_same_whichever_seed_is_the_first(reference: int) -> None:
    """Newcomer's case: the set's SQ was that of the seed called first, without a word."""
    named = own_models(declared=False, shapes=("llama",))
    first = named[reference - 1].name
    models = [m if m.name == first else m.model_copy(update={"seed_of": first}) for m in named]
    measured = own_measured(False, noise={"llama-s2": 1.5}, models=models)
    usual = own_measured(False, noise={"llama-s2": 1.5}, models=own_models(True, shapes=("llama",)))
    ours, theirs = (scores(m, "norm_prob").sq_seeds for m in (measured, usual))
    assert ours is not None
    assert theirs is not None
    assert (ours.mean, ours.low, ours.high) == pytest.approx((theirs.mean, theirs.low, theirs.high))


def test_without_another_seed_there_is_no_spread() -> None:
    assert scores(own_measured(True, models=own_models(True, seeds=1)), "acc").sq_seeds is None
    assert score_messages.seed_clause(None) is None
    # A seed that was kept for the training noise alone, with too few early checkpoints.
    models = own_models(True, shapes=("llama",), seeds=2)
    measured = own_measured(True, models=models)
    short = measured.curves[1]
    few = replace(short, checkpoints=short.checkpoints[-5:], ll=short.ll[-5:])
    assert scores(replace(measured, curves=(measured.curves[0], few)), "acc").sq_seeds is None


def test_a_seed_without_results_leaves_the_spread_undefined_and_says_why() -> None:
    measured = full()
    hole = replace(
        measured.curves[3], ll=np.where(np.arange(10)[:, None, None] == 2, math.nan, measured.curves[3].ll)
    )
    spread = scores(replace(measured, curves=(*measured.curves[:3], hole)), "acc").sq_seeds
    assert spread is not None
    assert spread.mean is None
    assert "Results are missing at 1 of its 8 early checkpoints" in (spread.why or "")
    said = score_messages.seed_clause(spread) or ""  # a clause within a sentence, without a full stop
    assert "undefined, " in said
    assert not said.endswith(".")


@pytest.mark.parametrize(
    ("early", "checkpoints", "part", "says"),
    [
        (
            5,
            8,
            "sq",
            "has 5 points of this curve, and SQ needs at least 8: run more early checkpoints, or write a later early_end_step",
        ),
        (
            1,
            1,
            "sq",
            "has one checkpoint here, and SQ needs 8 in the early window: run more, or choose a model group",
        ),
        (8, 8, "rc", "run later ones, or write an earlier early_end_step in checkpoints.json"),
        (8, 8, "decision_accuracy", "early_end_step in checkpoints.json"),
        (8, 12, "cs", "run one, which checkpoints.json declares by role: web and twin_of"),
        (8, 10, "snr", None),
    ],
)
def test_a_reason_says_what_would_define_the_number(
    early: int, checkpoints: int, part: str, says: str | None
) -> None:
    found = scores(own_measured(True, early=early, checkpoints=checkpoints), "norm_prob")
    value = getattr(found, part)
    if says is None:
        assert value.value is not None
    else:
        assert value.value is None
        assert says in str(value.why)
