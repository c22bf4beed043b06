"""The Score in words: exact sentences from a set whose scores follow on paper, and from advice made by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from e2lm_core.analysis import validity
from e2lm_core.analysis.answers import Answers
from e2lm_core.analysis.score import messages as score_words
from e2lm_core.analysis.score import parts as score_parts
from e2lm_core.analysis.score.parts import Advice, ModelInfluence, ScoreComponent, TermsAtChance
from e2lm_core.base import formatting
from e2lm_core.base.records import METRICS, NullDistribution, Value
from e2lm_core.scores import set_scores
from e2lm_core.scores.compliance import NO_TWIN
from e2lm_core.scores.measurements import Measurements
from tests.support.measured import (
    FASTER,
    FLAT,
    LARGE,
    RISING,
    SMALL,
    WEB,
    curve,
    measurements,
    noisy,
    with_values,
)

NOTHING = Advice(why=None, parts=(), models=(), at_chance=None)


def three() -> Measurements:
    """SQ and RC 1: both rise at every point, in one order. CS (0 · 6 + 1 + 2/3) / 8: at chance but for the last
    two of eight, where the gains are .2 and .3 and the twin's 0 and .1."""
    return measurements(curve(SMALL, RISING), curve(LARGE, FASTER), curve(WEB, FLAT))


def advised(measured: Measurements, metric: str = "acc") -> Advice:
    scores = validity.scores_with_null(measured, metric, "all_models")
    return score_parts.improvement_advice(measured, scores, metric)


def advice(**changes) -> Advice:
    return NOTHING.model_copy(update=changes)


# --- the finding ----------------------------------------------------------------------------------------


def test_the_finding_names_the_part_with_most_room() -> None:
    scores = set_scores.scores(three(), "acc", "all_models")
    assert scores.score.value == pytest.approx(0.5 + 0.1 + 0.4 * 5 / 24)
    assert score_words.headline(scores, "acc") == (
        "On accuracy the Score is **0.683**; CS could still gain 0.317."
    )
    sure = with_values(
        scores, score=scores.score.model_copy(update={"interval": (0.6, 0.751)}), sq=Value(value=0.2)
    )
    assert score_words.headline(sure, "acc") == (
        "On accuracy the Score is **0.683** [0.600, 0.751]; SQ could still gain 0.400."
    )


def test_without_a_twin_the_finding_says_why_and_gives_sq() -> None:
    scores = set_scores.scores(measurements(curve(SMALL, RISING), curve(LARGE, FASTER)), "acc", "all_models")
    said = score_words.headline(scores, "acc")
    assert said == (f"Score is undefined on accuracy: {scores.score.why} SQ, half of it, is **{1:.3f}**.")
    assert NO_TWIN.rstrip(".") in said


def test_where_sq_is_undefined_too_only_the_reason_is_left() -> None:
    scores = set_scores.scores(measurements(curve(SMALL, [0.5])), "acc", "all_models")
    assert scores.sq.value is None
    assert score_words.headline(scores, "acc") == f"Score is undefined on accuracy: {scores.score.why}"


# --- advice ---------------------------------------------------------------------------------------------


def test_nothing_known_leaves_nothing_to_say() -> None:
    assert score_words.advice_sentences(NOTHING) == []
    assert score_words.advice_sentences(advice(why="No score is defined.")) == ["No score is defined."]


def test_rooms_are_listed_the_largest_first_and_what_is_undefined_says_why() -> None:
    parts = (
        ScoreComponent(name="sq", weight=0.5, value=Value(value=0.9)),
        ScoreComponent(name="rc", weight=0.1, value=Value(value=0.0)),
        ScoreComponent(name="cs", weight=0.4, value=Value(value=None, why=NO_TWIN)),
    )
    assert score_words.advice_sentences(advice(parts=parts)) == [
        "Could still gain: **RC** 0.100 and **SQ** 0.050.",
        f"CS is undefined: {NO_TWIN} Relevance stands in for it as a proxy, under its own name.",
    ]
    other = ScoreComponent(name="rc", weight=0.1, value=Value(value=None, why="Fewer than three models."))
    assert score_words.advice_sentences(advice(parts=(other,))) == [
        "RC is undefined: Fewer than three models."
    ]


def test_rc_of_built_in_models_is_by_design_and_nothing_is_advised_from_it() -> None:
    shapes = {"ladder-small-arch1": "arch1", "ladder-small-arch2": "arch2"}
    built_in = [SMALL.model_copy(update={"name": name, "arch": arch}) for name, arch in shapes.items()]
    curves = [curve(model, values) for model, values in zip(built_in, (RISING, FASTER), strict=True)]
    scores = set_scores.scores(measurements(*curves), "acc", "all_models")
    assert scores.is_rc_by_design
    rc = next(part for part in score_parts.score_components(scores) if part.name == "rc")
    assert rc.headroom is None
    assert rc.contribution == pytest.approx(0.1)
    said = score_words.advice_sentences(advice(parts=(rc,)))
    assert said == [
        "RC 1.000 is by design: of each size of the built-in models one shape was made worse on purpose, so nothing is "
        "advised from it."
    ]
    other = built_in[1].model_copy(update={"family": "pythia"})
    for second in (other, built_in[1].model_copy(update={"arch": "arch1"})):
        mixed = measurements(curve(built_in[0], RISING), curve(second, FASTER))
        assert not set_scores.scores(mixed, "acc").is_rc_by_design


def test_from_a_part_within_random_answers_nothing_is_advised() -> None:
    guessed = Value(value=0.5, null=NullDistribution(mean=0.45, q95=0.8, p=0.3))
    cs = ScoreComponent(name="cs", weight=0.4, value=guessed)
    sq = ScoreComponent(name="sq", weight=0.5, value=Value(value=0.9))
    assert cs.headroom is None
    two = TermsAtChance(number=2, terms=8, cost=0.1)
    said = score_words.advice_sentences(advice(parts=(sq, cs), at_chance=two))
    assert said == [
        "Could still gain: **SQ** 0.050.",
        "CS 0.500 is not distinguishable from random answers, so nothing is advised from it: "
        f"{formatting.random_baseline(guessed.null)}.",
        "CS is 0 in 2 of its 8 terms (a science model at an early checkpoint that its web-only twin has as well), where "
        "the science model is still guessing. Easier or plainer questions help.",
    ]
    scores = with_values(set_scores.scores(three(), "acc", "all_models"), sq=guessed, rc=guessed, cs=guessed)
    assert score_words.headline(scores, "acc") == "On accuracy the Score is **0.683**."


def test_checkpoints_at_chance_have_their_price() -> None:
    two = TermsAtChance(number=2, terms=8, cost=0.1)
    assert score_words.advice_sentences(advice(at_chance=two)) == [
        "CS is 0 in 2 of its 8 terms (a science model at an early checkpoint that its web-only twin has as well), where "
        "the science model is still guessing (cost: 0.100 of Score). Easier or plainer questions help."
    ]
    none = TermsAtChance(number=0, terms=8, cost=0.0)
    assert score_words.advice_sentences(advice(at_chance=none)) == []


def test_the_model_that_pulls_down_most_is_named_unless_it_costs_nothing() -> None:
    worst, best = (
        ModelInfluence(model="ladder-a", short_name="a", sq=0.5, others=0.9, cost=0.2),
        ModelInfluence(model="ladder-b", short_name="b", sq=0.9, others=0.5, cost=-0.2),
    )
    assert score_words.advice_sentences(advice(models=(worst, best))) == [
        "a lowers SQ most: its own SQ is 0.500, the others average 0.900. At their mean, SQ would gain 0.200 "
        "and Score 0.100."
    ]
    undefined = ScoreComponent(name="cs", weight=0.4, value=Value(value=None, why="No chance level."))
    assert score_words.advice_sentences(advice(models=(worst, best), parts=(undefined,)))[-1] == (
        "a lowers SQ most: its own SQ is 0.500, the others average 0.900. At their mean, SQ would gain 0.200."
    )
    alike = worst.model_copy(update={"cost": score_parts.MIN_GAIN})
    assert score_words.advice_sentences(advice(models=(alike, best))) == []


# --- on measurements ------------------------------------------------------------------------------------


def test_without_a_twin_cs_says_why_and_what_stands_in() -> None:
    said = " ".join(
        score_words.advice_sentences(advised(measurements(curve(SMALL, RISING), curve(LARGE, FASTER))))
    )
    assert "CS is undefined: No web-only twin" in said
    assert "Relevance stands in for it as a proxy" in said


def test_checkpoints_at_chance_are_said() -> None:
    assert "CS is 0 in 6 of its 8 terms" in " ".join(score_words.advice_sentences(advised(three())))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    "curves",
    [
        (),
        (curve(SMALL, [0.5] * 10),),
        (curve(SMALL, [0.5] * 10), curve(LARGE, [0.5] * 10), curve(WEB, [0.5] * 10)),
        (curve(SMALL, [0.5], early=1),),
        (curve(SMALL, RISING, questions=1), curve(LARGE, FASTER, questions=1)),
        (curve(SMALL, [math.nan] * 10), curve(LARGE, [math.nan] * 10)),
    ],
    ids=["nothing", "one flat model", "all equal", "one checkpoint", "one question", "not run"],
)
def test_degenerate_sets_say_what_is_undefined(metric: str, curves: tuple) -> None:
    measured = measurements(*curves)
    scores = set_scores.scores(measured, metric, "all_models")
    told = score_parts.improvement_advice(measured, scores, metric)
    assert score_words.headline(scores, metric).endswith(".")
    assert all(sentence.strip() for sentence in score_words.advice_sentences(told))
    frame = score_parts.score_frame(measured, scores, metric, None)
    assert (frame["value"].notna() | frame["why"].notna()).all()
    assert len(score_parts.bar_frame("little", scores)) == 3


def test_advice_as_json() -> None:
    document = Answers(three()).score_document(with_advice=True)["metrics"]["acc"]["advice"]
    assert set(document["parts"]) == {"sq", "rc", "cs"}
    assert document["at_chance"] == {"number": 6, "terms": 8, "cost": pytest.approx(0.3)}
    assert not any("**" in sentence for sentence in document["sentences"])


def test_inside_its_null_the_score_is_said_to_mean_nothing_and_nothing_is_advised():
    measured = noisy()
    scores = validity.scores_with_null(measured, "acc", "all_models")
    within = with_values(
        scores, score=scores.score.model_copy(update={"null": NullDistribution(mean=0.2, q95=0.4, p=0.31)})
    )
    said = score_words.headline(within, "acc")
    assert "not distinguishable from random answers" in said
    assert "p = 0.31" in said
    advice = score_parts.improvement_advice(measured, within, "acc")
    assert advice.models == ()
    assert score_words.advice_sentences(advice) == [validity.NOTHING_TOLD]


def test_above_its_null_it_is_said_as_before():
    measured = noisy()
    scores = validity.scores_with_null(measured, "acc", "all_models")
    assert scores.score.null.p < 0.01
    assert "not distinguishable" not in score_words.headline(scores, "acc")
    assert score_parts.improvement_advice(measured, scores, "acc").why is None


def test_of_what_was_never_taught_nothing_is_advised_whatever_its_score():
    measured = replace(noisy(), taught=(False,) * 60)
    scores = validity.scores_with_null(measured, "acc", "all_models")
    assert scores.score.null.p < 0.01
    advice = score_parts.improvement_advice(measured, scores, "acc")
    assert score_words.advice_sentences(advice) == [validity.NOTHING_TAUGHT]
    assert Answers(measured).score_document()["taught"]["questions"] == 0
