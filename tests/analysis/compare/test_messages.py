"""A comparison in words: exact sentences from differences made by hand, and something to say of any two sets."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from e2lm_core.analysis.compare import messages as comparison_words
from e2lm_core.analysis.compare.comparison import (
    ALL,
    END,
    Comparison,
    MeanDifference,
    QuestionMatching,
    ScoreDifference,
)
from e2lm_core.base.records import METRICS, SelectionOrigin, Value
from e2lm_core.scores.uncertainty.paired import Pairing
from tests.support.measured import DEGENERATE_PAIRS, FIRST, RISING, compared, ladder_measured, measurements

DEFINED = Value(value=0.5)
RISES = Value(value=0.031, interval=(0.01, 0.05))


def by_hand(
    mean: MeanDifference | None,
    sq: Value = RISES,
    metric: str = "acc",
    first: tuple[int, ...] = (0,),
    second: tuple[int, ...] = (0,),
    by: str = "id",
) -> Comparison:
    """A comparison that says what it is told to; `first`, `second` are the questions' places, -1 for none."""
    return Comparison(
        names=("first", "second"),
        metric=metric,
        match=QuestionMatching.model_validate({"by": by, "first": (), "second": ()}),
        pairing=Pairing(np.array(first), np.array(second)),
        first=measurements(),
        second=measurements(),
        means=() if mean is None else (mean,),
        scores=(ScoreDifference(score="sq", first=DEFINED, second=DEFINED, difference=sq),),
    )


def mean(
    difference: float,
    interval: tuple[float, float] | None,
    share: float | None = None,
    model: str = ALL,
) -> MeanDifference:
    return MeanDifference(
        model=model,
        point=END,
        first=0.5,
        second=0.5 + difference,
        difference=difference,
        interval=interval,
        share=share,
    )


@pytest.mark.parametrize(
    ("metric", "differs", "says"),
    [
        (
            "acc",
            mean(0.021, (0.01, 0.032), 0.99),
            "**second** ends 2.1 points higher than first in accuracy [1.0, 3.2], in 99% of resamples; ",
        ),
        (
            "acc",
            mean(-0.021, (-0.032, -0.01), 0.01, "tiny"),
            "**second** ends 2.1 points lower than first in accuracy for tiny [1.0, 3.2], in 99% of "
            "resamples; ",
        ),
        (
            "bpb",
            mean(-0.031, (-0.05, -0.01), 0.02),
            "**second** ends 0.031 lower than first in bits per byte (lower is better) [0.010, 0.050], "
            "which is better, in 98% of resamples; ",
        ),
        (
            "bpb",
            mean(0.031, (0.01, 0.05), 0.98),
            "**second** ends 0.031 higher than first in bits per byte (lower is better) [0.010, 0.050], "
            "which is worse, in 98% of resamples; ",
        ),
        (
            "acc",
            mean(0.01, (-0.01, 0.03), 0.8).model_copy(update={"within": 0.0268, "detectable": 0.0286}),
            "**second** and first end alike in accuracy to within 2.7 points (equivalence test at 5%): +1.0 "
            "points [−1.0, +3.0] at 95%, where 2.9 points would be told in 80% of cases; ",
        ),
        (
            "margin",
            mean(-0.25, None, model="tiny"),
            "**second** differs from first by −0.250 in margin (nats) at the end for tiny; no interval can be "
            "told; ",
        ),
    ],
    ids=["higher", "one model lower", "lower is better", "higher is worse", "luck", "no interval"],
)
def test_how_the_two_end(metric: str, differs: MeanDifference, says: str) -> None:
    said = comparison_words.headline(by_hand(differs, metric=metric))
    assert said == f"{says}SQ rises (+0.031 [+0.010, +0.050])."


@pytest.mark.parametrize(
    ("sq", "says"),
    [
        (Value(value=-0.031, interval=(-0.05, -0.01)), "SQ falls (−0.031 [−0.050, −0.010])."),
        (
            Value(value=0.01, interval=(-0.01, 0.03)),
            "SQ does not change measurably (+0.010 [−0.010, +0.030]).",
        ),
        (
            Value(value=0.01, why="Below 100 questions none was found to hold."),
            "SQ differs by +0.010, without an interval: Below 100 questions none was found to hold.",
        ),
        (
            Value(value=None, why="Whatever."),
            "SQ cannot be compared: it is undefined for one of the two.",
        ),
    ],
    ids=["falls", "alike", "no interval", "undefined"],
)
def test_what_sq_does(sq: Value, says: str) -> None:
    assert comparison_words.headline(by_hand(mean(0.021, (0.01, 0.032), 0.99), sq)).endswith(f"; {says}")


def test_nothing_in_common_is_said_of_checkpoints_and_of_questions() -> None:
    said = comparison_words.headline(by_hand(None))
    assert said == "first and second have no common results yet, so they cannot be compared. Run both."
    apart = by_hand(None, first=(0, -1), second=(-1, 0))
    assert comparison_words.pairing_note(apart) == (
        "first and second share no question: each is resampled by itself, and the intervals of the "
        "differences are as wide as the noise of both."
    )


@pytest.mark.parametrize(
    ("first", "second", "by", "says"),
    [
        (
            (0,),
            (0,),
            "id",
            "1 question in both. Questions of one id are taken as the same question, reworded or not.",
        ),
        (
            (0, 1, 2),
            (0, 1, -1),
            "text",
            "2 questions in both, 1 only in first. Questions of the same text and choices are taken as the "
            "same question.",
        ),
        (
            (0, 1, -1, -1),
            (0, -1, 1, 2),
            "id",
            "1 question in both, 1 only in first and 2 only in second. Questions of one id",
        ),
    ],
    ids=["one", "only in one", "only in either"],
)
def test_how_many_questions_both_have(
    first: tuple[int, ...], second: tuple[int, ...], by: str, says: str
) -> None:
    said = comparison_words.pairing_note(by_hand(None, first=first, second=second, by=by))
    assert said.startswith(says)
    assert said.endswith(" Shared questions are resampled together, which makes the comparison sharper.")


# --- on measurements ------------------------------------------------------------------------------------


def test_the_same_is_said_to_be_the_same() -> None:
    same = compared(ladder_measured(RISING), ladder_measured(RISING))
    assert "measure the same" in comparison_words.headline(same)
    noise = by_hand(mean(1e-16, (0.0, 1e-16), 0.9))
    assert "measure the same" in comparison_words.headline(noise)


def test_a_clear_rise_is_said_in_points() -> None:
    one, two = (ladder_measured([0.1] * 9 + [end]) for end in (0.2, 0.9))
    said = comparison_words.headline(compared(one, two))
    assert "**second** ends 70.0 points higher than first in accuracy" in said


def test_lower_bits_are_better() -> None:
    low, high = ladder_measured([0.1] * 10), ladder_measured([0.9] * 10)
    said = comparison_words.headline(compared(low, high, metric="bpb"))
    assert "by −0.385 in bits" in said  # ten questions allow no interval of bits per byte
    assert "bpb needs 30 questions, and 10 are there" in said


def test_one_question_each() -> None:
    one = FIRST.model_copy(update={"questions": FIRST.questions[:1]})
    up, down = (ladder_measured(acc * 5, questions=1) for acc in ([0, 1], [1, 0]))
    assert "no interval: acc needs 2 questions" in comparison_words.headline(compared(up, down, one, one))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("case", DEGENERATE_PAIRS)
def test_degenerate_comparisons_are_said(metric: str, case: str) -> None:
    first, second = DEGENERATE_PAIRS[case]
    both = compared(ladder_measured(*first), ladder_measured(*second), metric=metric)
    assert comparison_words.headline(both).endswith((".", "promised."))
    assert comparison_words.pairing_note(both)
    json.dumps(comparison_words.comparison_document([both], FIRST, FIRST), allow_nan=False)


def test_the_document_holds_the_sentence_without_marks_and_each_scores_difference() -> None:
    both = compared(ladder_measured(RISING), ladder_measured(RISING))
    document = comparison_words.comparison_document([both], FIRST, FIRST)
    assert [document[k] for k in ("first", "second", "shared", "matched_by")] == ["first", "second", 10, "id"]
    acc = document["metrics"]["acc"]
    assert acc["finding"] == "second and first measure the same: no mean differs at any of these points."
    assert acc["scores"]["sq"]["first"] == acc["scores"]["sq"]["second"] == 1.0  # it rises at every point
    assert acc["scores"]["sq"]["difference"]["value"] == 0.0
    assert acc["scores"]["rc"]["first"] is None  # one model has no order
    assert acc["questions"] == []


def test_a_side_that_a_rule_chose_is_said_and_has_no_share() -> None:
    before, better = ladder_measured(RISING), ladder_measured([0.1 * k for k in range(10)])
    family = better.curves[0].model.family
    origin = SelectionOrigin(rule="slope > 0", parent="first", parent_digest="", families=(family,))
    free, bound = compared(before, better), compared(before, replace(better, chosen=origin))
    assert "as the choice makes it" not in comparison_words.headline(free)
    assert any(mean.share is not None for mean in free.means)
    assert {(mean.share, mean.p, mean.together) for mean in bound.means} == {(None, None, None)}
    assert [mean.difference for mean in bound.means] == [mean.difference for mean in free.means]
    said = comparison_words.headline(bound)
    assert " at the end, as the choice makes it. second: These questions were chosen on these models" in said
    assert "resamples" not in said
