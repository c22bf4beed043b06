"""What the coverage study allows to be shown."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multinomial

from e2lm_core.base.records import METRICS
from e2lm_core.scores.set_scores import OF_READINGS, SCORES
from e2lm_core.scores.uncertainty import coverage as coverage_table
from e2lm_core.scores.uncertainty.means import proportions
from e2lm_core.scores.uncertainty.methods import METHODS
from e2lm_core.scores.uncertainty.rules import (
    MIN_DIFFERING,
    CoverageTable,
    few_for_a_difference,
)


@pytest.fixture
def table():
    def figures(lowest):
        return {"lowest": lowest, "flat": lowest, "bias": 0.0, "width": 0.1}

    by_size = {"100": figures(0.91), "1000": figures(0.94)}
    return CoverageTable.from_content(
        {
            "questions": [100, 1000],
            "models": [3, 6],
            "chosen": {"sq": "wider", "sq_model": "normal", "rc": "wider", "cs": "wider"},
            "coverage": {
                "sq": {"wider": {"acc": {"3": {"100": figures(0.93), "1000": figures(0.9)}, "6": by_size}}},
                "sq_model": {"normal": {"acc": {"6": by_size}}},
                "rc": {"wider": {"acc": {"3": {"100": figures(0.71), "1000": figures(0.86)}, "6": by_size}}},
                "cs": {"wider": {"acc": {"6": by_size}}},
            },
        }
    )


@pytest.mark.parametrize(
    ("questions", "models", "coverage"),
    [(100, 6, 0.91), (999, 9, 0.91), (1000, 6, 0.94), (15_000, 7, 0.94), (100, 3, 0.93), (5000, 5, 0.9)],
)
def test_the_coverage_is_that_of_the_size_below(table, questions, models, coverage):
    rule = table.rule("sq", "acc", questions, models)
    assert (rule.method, rule.coverage, rule.why) == ("wider", coverage, None)


def test_acc_stands_for_acc_norm(table):
    assert table.rule("sq", "acc_norm", 100, 6) == table.rule("sq", "acc", 100, 6)


def test_a_mean_over_two_models_is_judged_as_one_model(table):
    assert table.rule("sq", "acc", 100, 2).method == "normal"
    assert table.rule("cs", "acc", 100, 1).method == "wider"


@pytest.mark.parametrize(
    ("score", "metric", "questions", "models", "says"),
    [
        ("rc", "acc", 300, 3, "spans most of its range"),
        ("rc", "acc", 300, 2, "studied for 3 models and more"),
        ("sq", "acc", 99, 6, "studied for 100 questions and more, groups counted once; this set has 99."),
        ("sq", "bpb", 100, 6, "No method"),
        ("snr", "acc", 100, 6, "No method"),
    ],
)
def test_where_nothing_covers_there_is_a_reason(table, score, metric, questions, models, says):
    rule = table.rule(score, metric, questions, models)
    assert rule.method is None
    assert says in rule.why


def test_models_that_differ_on_few_questions_have_no_interval_of_their_order(table):
    rule = table.rule("rc", "acc", 300, 6, differing=1.2)
    assert rule.method is None
    assert "two of them typically do on 1 question. In simulations it held from 5 on." in rule.why
    assert table.rule("rc", "acc", 300, 6, differing=5.0).method == "wider"
    assert table.rule("rc", "acc", 300, 6, differing=float("nan")).method == "wider"
    for score in ("sq", "sq_model", "cs"):
        assert table.rule(score, "acc", 300, 6, differing=0.0).method is not None


def test_models_that_differ_on_few_questions_have_no_interval_of_their_difference():
    why = few_for_a_difference(100, 1.2)
    assert "typically differ on 1 question of such a set" in why
    assert "On fewer than 5 any interval holds in nearly every set, not in 95%" in why
    assert few_for_a_difference(30, 5.0) is few_for_a_difference(30, float("nan")) is None
    assert "needs 30 questions, and here are 29 that count by themselves" in few_for_a_difference(29, 20.0)


def held(expected, share, made_up=2, n=100):
    """Exactly: how often the interval holds where so many of 100 questions are expected to change, this share of them for
    the better; with so many made-up changes, of which Bonett and Price have two."""
    better, worse = np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij")
    known = better + worse <= n
    up, down = better[known], worse[known]
    chances = [expected / n * share, expected / n * (1 - share), 1 - expected / n]
    weight = multinomial.pmf(np.stack([up, down, n - up - down], axis=-1), n, chances)
    centre = (up - down) / (n + made_up)
    error = np.sqrt(((up + down + made_up) / (n + made_up) - centre**2) / (n + made_up))
    if made_up == 2:
        np.testing.assert_allclose(
            proportions.bonett_price((up - down) / n, (up + down) / n, n, 1.0), (centre, error)
        )
    return weight[abs(centre - (chances[0] - chances[1])) <= 1.96 * error].sum()


@pytest.mark.parametrize("share", [0.5, 0.75])
def test_the_interval_of_fewer_changes_holds_too_often_and_of_twice_as_many_as_it_says(share):
    assert min(held(expected, share) for expected in range(1, MIN_DIFFERING)) > 0.98
    assert 0.94 < held(2 * MIN_DIFFERING, share) < 0.97
    assert 0.94 < held(4 * MIN_DIFFERING, share) < 0.965


def test_a_narrower_interval_of_few_changes_holds_too_often_or_too_seldom():
    assert held(2, 0.5, made_up=1) > 0.99
    assert held(2, 1.0, made_up=1) < 0.88


def test_sets_of_a_kind_have_the_method_that_is_calibrated(table):
    kind = "whose curves rise"
    own = replace(table, kinds={("rc", "acc", kind, 6, 100): (0.7, 0.95)}, calibrated={"rc": "regressed"})
    known = own.rule("rc", "acc", 300, 6, kind)
    assert (known.method, known.scale, known.coverage, known.kind) == ("regressed", 0.7, 0.95, kind)
    assert known.calibrated
    plain = own.rule("rc", "acc", 300, 6)
    assert (plain.method, plain.scale, plain.calibrated) == ("wider", 1.0, False)


def test_a_scale_of_another_method_is_not_borrowed(table):
    """A metric that was not counted takes `norm_prob`'s scale of the same method alone."""
    kinds = {(score, "norm_prob", "whose curves rise", 6, 100): (1.3, 0.95) for score in ("rc", "sq")}
    lowest = {(score, "wider", m, 6, 100): 0.94 for score in ("rc", "sq") for m in ("acc", "bpb")}
    own = replace(table, kinds=kinds, lowest=lowest, calibrated={"rc": "regressed"})
    for score, metric, scale in (
        ("sq", "bpb", 1.3),
        ("sq", "acc", 1.3),
        ("rc", "bpb", 1.0),
        ("rc", "acc", 1.0),
    ):
        rule = own.rule(score, metric, 300, 6, "whose curves rise")
        assert (rule.method, rule.scale, rule.coverage, rule.kind) == ("wider", scale, 0.94, None)


# --- the table that ships -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shipped():
    return json.loads(coverage_table.FILE.read_text(encoding="utf-8"))


def test_it_is_of_at_least_500_simulations_at_95_percent(shipped):
    assert shipped["simulations"] >= 500
    assert shipped["level"] == 0.95
    assert {100, 300, 1000} <= set(shipped["questions"])
    assert shipped["learners"] == ["flat", "slow", "fast"]


def test_it_chooses_a_known_method_for_every_score(shipped):
    assert set(SCORES) - set(OF_READINGS) | {"sq_model"} <= set(shipped["chosen"])
    assert set(shipped["chosen"].values()) <= set(METHODS)


def test_means_and_paired_differences_cover(shipped):
    for score in ("mean", "difference"):
        for by_models in shipped["coverage"][score]["percentile"].values():
            for questions, figures in by_models["6"].items():
                if int(questions) >= 100:
                    for learner in shipped["learners"]:
                        assert 0.92 <= figures[learner] <= 0.98, (score, questions, learner)


@pytest.mark.parametrize("score", [*SCORES, "sq_model"])
def test_a_shown_interval_has_its_measured_coverage(score):
    for metric in METRICS:
        for questions in (100, 412, 15_000):
            for models in (3, 6, 9):
                rule = coverage_table.load().rule(score, metric, questions, models)
                assert (rule.why is None) == (rule.method is not None)
                if rule.method:
                    assert rule.coverage >= 0.85
