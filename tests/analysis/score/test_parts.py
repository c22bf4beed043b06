"""What a Score is made of and what would raise it, on curves whose scores are known."""

from dataclasses import replace

import numpy as np
import pytest

from e2lm_core.analysis import validity
from e2lm_core.analysis.answers import Answers
from e2lm_core.analysis.score import parts as score_parts
from e2lm_core.base.sentences import Sentence
from e2lm_core.scores import set_scores
from e2lm_core.scores.uncertainty import set_intervals
from tests.support.measured import FASTER, FLAT, LARGE, RISING, SEED2, SMALL, WEB, curve, measurements


@pytest.fixture
def measured():
    return measurements(curve(SMALL, RISING), curve(LARGE, FASTER), curve(WEB, FLAT))


def advised(measured, metric="acc"):
    scores = validity.scores_with_null(measured, metric, "all_models")
    return score_parts.improvement_advice(measured, scores, metric)


def test_the_reason_for_no_advice_stays_a_sentence(measured):
    why = Sentence("No model that counts was run.")
    assert isinstance(score_parts.Advice(why=why, parts=(), models=(), at_chance=None).why, Sentence)


def test_parts_add_up_to_the_score(measured):
    scores = set_scores.scores(measured, "acc", "all_models")
    parts = score_parts.score_components(scores)
    assert [p.weight for p in parts] == [0.5, 0.1, 0.4]
    assert sum(p.contribution for p in parts) == pytest.approx(scores.score.value)
    assert sum(p.headroom for p in parts) == pytest.approx(1 - scores.score.value)


def test_a_bar_has_its_parts_end_to_end(measured):
    scores = set_scores.scores(measured, "acc", "all_models")
    bar = score_parts.bar_frame("little", scores)
    assert list(bar["part"]) == ["SQ", "RC", "CS"]
    ends = bar["start"] + bar["contribution"]
    np.testing.assert_allclose(bar["start"][1:], ends[:-1])
    assert ends.iloc[-1] == pytest.approx(scores.score.value)


def test_the_model_that_pulls_down_most_comes_first():
    bumpy = [0.1, 0.2, 0.1, 0.3, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8]
    measured = measurements(curve(SMALL, bumpy), curve(LARGE, FASTER))
    found = advised(measured)
    worst, best = found.models
    assert worst.model == SMALL.name
    assert worst.others == pytest.approx(best.sq)
    mean = set_scores.scores(measured, "acc", "all_models").sq.value
    assert worst.cost == pytest.approx(best.sq - mean)


def test_terms_at_chance_are_counted(measured):
    # Two choices: chance .5, of ten questions one standard error is .158: .1 to .6 are not above it.
    found = advised(measured).at_chance
    assert (found.number, found.terms, found.cost) == (6, 8, pytest.approx(0.4 * 6 / 8))
    assert advised(measured, "margin").at_chance is None


def test_only_checkpoints_that_the_twin_has_are_terms_of_cs(measured):
    web = curve(WEB, FLAT)
    every_third = tuple(range(0, 10, 3))  # early: .1, .4 and .7 of the science model
    sparse = replace(
        web, checkpoints=tuple(web.checkpoints[k] for k in every_third), ll=web.ll[list(every_third)]
    )
    found = advised(measurements(curve(SMALL, RISING), curve(LARGE, FASTER), sparse)).at_chance
    assert (found.number, found.terms, found.cost) == (2, 3, pytest.approx(0.4 * 2 / 3))


def test_each_pair_of_science_model_and_twin_has_its_terms(measured):
    twin = WEB.model_copy(update={"name": "other-web", "twin_of": LARGE.name})
    found = advised(measurements(*measured.curves, curve(twin, FLAT))).at_chance
    assert (found.number, found.terms, found.cost) == (6 + 5, 16, pytest.approx(0.4 * 11 / 16))


def test_seeds_and_twins_pull_nothing(measured):
    more = measurements(*measured.curves, curve(SEED2, FLAT))
    assert {p.model for p in advised(more).models} == {SMALL.name, LARGE.name}


def test_finetasks_ratios_have_no_interval_of_questions(measured):
    found = set_intervals.score_intervals(set_intervals.resample(measured, ("acc",), 50), "acc")
    criteria = score_parts.finetasks_with_intervals(measured, "acc", found)
    assert criteria["snr"].interval is None  # not AI2's, whose name it shares
    assert set(criteria) == {"monotonicity", "snr", "above_baseline", "ordering"}


def test_the_document_has_the_detrended_ratio_and_what_stands_beside_sq(measured):
    found = Answers(measured).score_document()["metrics"]["acc"]
    assert set(found["snr_detrended"]) == {"value", "why", "interval", "coverage", "kind", "null"}
    beside = found["sq"]["beside"][SMALL.name]
    assert set(beside) == {"rho", "autocorrelation", "spearman", "signed_autocorrelation", "points"}
