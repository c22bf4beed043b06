"""What may be concluded from scores: nothing of what was never taught, nothing of what random answers score as well."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from e2lm_core.analysis import validity
from e2lm_core.analysis.answers import Answers
from e2lm_core.base.records import NullDistribution, SelectionOrigin, Value
from e2lm_core.scores.set_scores import Scores
from tests.support.measured import LARGE, SEED2, SMALL, noisy, with_values
from tests.support.simulation import answered

LIKE_RANDOM, ABOVE = NullDistribution(mean=0.3, q95=0.6, p=0.4), NullDistribution(mean=0.3, q95=0.6, p=0.001)


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (None, None),
        ((), None),
        ((True, True), None),
        ((False,), validity.NOTHING_TAUGHT),
        ((False, False), validity.NOTHING_TAUGHT),
        ((True,), None),
        (
            (True,) * 2 + (False,) * 28,
            "know 2 of these 30 questions, too few to judge the set: it takes half",
        ),
        (
            (True,) * 15 + (False,) * 15,
            "know 15 of these 30 questions; on the others their results mean nothing.",
        ),
    ],
)
def test_what_a_flat_curve_means_for_untaught_questions(
    told: tuple[bool, ...] | None, says: str | None
) -> None:
    said = validity.unknown_facts_warning(told)
    assert (said is None) if says is None else (said is not None and says in said)


def test_too_few_known_questions_are_counted_in_words() -> None:
    one = replace(answered(1, taught=1.0), taught=(True,))
    assert validity.too_few_known_reason(one) == (
        "The built-in mini models know 1 of 1 question, too few to judge the set: it takes half of a set, and 20."
    )


def test_keys_that_are_not_what_was_taught_are_asked_about() -> None:
    measured = replace(answered(40, taught=0.5), taught=(True,) * 4 + (False,) * 36, told=(True,) * 40)
    asked = "Of 40 questions that the built-in mini models know, the key is another choice in 36: are the keys right?"
    assert validity.too_few_known_reason(measured) == asked
    found = validity.known_facts_summary(measured)
    assert found is not None
    assert found["sentence"] == asked
    assert validity.too_few_known_reason(replace(measured, told=(False,) * 40)) != asked


def with_nulls(**nulls: NullDistribution) -> Scores:
    """Scores that are defined, those named within or above their null."""
    scores = validity.scores_with_null(answered(taught=0.5), "acc", "all_models")
    return with_values(scores, **{name: Value(value=0.5, null=own) for name, own in nulls.items()})


def test_a_learned_set_says_something() -> None:
    measured = replace(answered(taught=0.5), taught=(True,) * 40)
    scores = validity.scores_with_null(measured, "acc", "all_models")
    assert validity.no_advice_reason(measured, scores) is None
    scores = with_nulls(score=ABOVE, decision_accuracy=ABOVE)
    assert validity.no_ranking_advice_reason(measured, scores) is None


def test_what_is_missing_is_to_be_run_unless_a_run_goes_on() -> None:
    measured = answered(taught=0.5)
    short = replace(
        measured, curves=tuple(replace(c, ll=np.where(c.ll > -1, np.nan, c.ll)) for c in measured.curves)
    )
    scores = validity.scores_with_null(measured, "acc")
    done, of = short.complete_checkpoints, short.checkpoints
    assert done < of
    for why in (validity.incomplete_reason(short), validity.no_advice_reason(short, scores)):
        assert why is not None
        assert why.startswith(f"{done} of {of} checkpoints so far")
        assert why.endswith("Run the rest, or choose others.")
    for why in (
        validity.incomplete_reason(short, running=True),
        validity.no_advice_reason(short, scores, running=True),
    ):
        assert why is not None
        assert why.startswith(f"{done} of {of} checkpoints so far")
        assert why.endswith("The run goes on.")
    assert validity.incomplete_reason(measured, running=True) is None


def test_an_untaught_set_says_nothing_whatever_it_scores() -> None:
    measured = replace(answered(taught=0.5), taught=(False,) * 40)
    scores = with_nulls(score=ABOVE, decision_accuracy=ABOVE)
    assert validity.no_advice_reason(measured, scores) == validity.NOTHING_TAUGHT
    assert validity.no_ranking_advice_reason(measured, scores) == validity.NOTHING_TAUGHT
    assert (
        validity.no_advice_reason(replace(measured, taught_of_all=False), scores) is None
    )  # others may have read of it


@pytest.mark.parametrize(
    ("known", "of", "silent"),
    [(1, 40, True), (19, 40, True), (20, 40, False), (40, 40, False), (19, 19, True), (20, 41, True)],
)
def test_half_of_a_set_and_twenty_questions_must_be_taught(known: int, of: int, silent: bool) -> None:
    measured = replace(answered(of, taught=0.5), taught=(True,) * known + (False,) * (of - known))
    scores = with_nulls(score=ABOVE, sq=ABOVE)
    why = validity.no_advice_reason(measured, scores)
    assert (why is not None) is silent
    if why is not None:
        assert f"know {known} of these {of} questions, too few" in why
        assert validity.silence_reason(replace(measured, taught_of_all=False), scores) is None


def test_undefined_is_silent_unless_no_set_could_have_a_score() -> None:
    measured = answered(taught=0.5)
    without = with_values(with_nulls(sq=ABOVE), score=Value(value=None, why="They tie."))
    assert "undefined score. They tie." in str(validity.no_advice_reason(measured, without))
    alone = replace(measured, curves=measured.curves[:-1])  # no twin: no set has a CS on these models
    assert validity.no_advice_reason(alone, without) is None
    for undefined in (Value(value=None, why="It is flat."), Value(value=0.9)):
        said = validity.no_advice_reason(alone, with_values(without, sq=undefined))
        assert said is not None
        assert said == validity.NO_NULL or "It is flat." in said


def test_score_and_curves_must_both_stand_out() -> None:
    measured = answered(taught=0.5)
    for sq, score, says in (
        (LIKE_RANDOM, ABOVE, validity.NO_SIGNAL),
        (ABOVE, LIKE_RANDOM, validity.NOTHING_TOLD),
        (ABOVE, ABOVE, None),
    ):
        assert validity.silence_reason(measured, with_nulls(sq=sq, score=score)) == says


def test_shifted_keys_are_named_in_place_of_advice_and_of_untaught_facts() -> None:
    measured = answered(60, taught=1.0)
    shifted = replace(measured, gold=(measured.gold + 1) % 4, taught=(False,) * 60, told=(True,) * 60)
    why = validity.no_advice_reason(shifted, validity.scores_with_null(shifted, "acc"))
    assert why is not None
    assert "agree with the choice before the key in 100% of 60 questions: are keys counted from 1?" in why
    assert validity.known_facts_summary(shifted) == {"questions": 0, "of": 60, "sentence": why}


def test_within_its_null_a_set_says_nothing() -> None:
    measured = answered(taught=0.5)
    assert validity.no_advice_reason(measured, with_nulls(score=LIKE_RANDOM)) == validity.NOTHING_TOLD
    without = with_values(with_nulls(sq=LIKE_RANDOM), score=Value(value=None, why="No twin."))
    assert validity.no_advice_reason(measured, without) == validity.NO_SIGNAL
    assert "curves" not in validity.NO_SIGNAL, "they may rise after the early window, which SQ is of"


def test_an_order_that_random_answers_keep_as_well_is_no_questions_merit() -> None:
    measured = answered(taught=0.5)
    why = validity.no_ranking_advice_reason(measured, with_nulls(score=ABOVE, decision_accuracy=LIKE_RANDOM))
    assert why is not None
    assert "p = 0.40" in why


def test_what_was_taught_as_json() -> None:
    assert validity.known_facts_summary(noisy()) is None
    known = (True,) * 20 + (False,) * 40
    told = validity.known_facts_summary(replace(noisy(), taught=known, told=known))
    assert told is not None
    assert (told["questions"], told["of"]) == (20, 60)
    assert "know 20 of these 60 questions, too few" in told["sentence"]
    assert told["sentence"].endswith(validity.ADVICE)


# --- sets that a rule made -------------------------------------------------------------------------------

ORIGIN = SelectionOrigin(
    rule="margin > 0",
    parent="whole",
    parent_digest="",
    models=("small-arch1",),
    model_count=1,
    families=("f",),
)


@pytest.mark.parametrize(
    ("origin", "models", "is_chosen"),
    [
        (None, [SMALL], False),
        (ORIGIN.model_copy(update={"models": (SMALL.name,), "families": ()}), [SMALL], True),
        (ORIGIN.model_copy(update={"models": (SMALL.name,), "families": ()}), [SEED2], True),
        (ORIGIN.model_copy(update={"models": (SMALL.name,), "families": ()}), [LARGE], False),
        (ORIGIN.model_copy(update={"families": (LARGE.family,)}), [LARGE], True),
        (ORIGIN.model_copy(update={"models": (), "model_count": 30, "families": ()}), [LARGE], True),
        (ORIGIN.model_copy(update={"models": (), "model_count": 0, "families": ()}), [LARGE], False),
        (ORIGIN.model_copy(update={"models": (SMALL.name,), "families": ()}), [], False),
        (
            SelectionOrigin(
                rule="length > 5",
                parent="first",
                parent_digest="",
                earlier=ORIGIN.model_copy(update={"models": (SMALL.name,), "families": ()}),
            ),
            [SMALL],
            True,
        ),
    ],
    ids=[
        *("no rule", "its model", "its seed", "another model", "its family", "unnamed models"),
        *("a rule of texts", "no models", "an earlier rule"),
    ],
)
def test_whether_a_set_was_chosen_on_these_models(origin, models, is_chosen: bool) -> None:
    note = validity.origin_note(origin, models)
    assert (note is not None) == is_chosen
    if note:
        assert note.startswith(validity.CHOSEN)
        assert "from whole by the rule margin > 0" in note


def test_a_chosen_set_has_no_p_and_no_advice_whatever_its_scores() -> None:
    measured = replace(answered(taught=0.5), taught=(True,) * 40)
    name = measured.curves[0].model.name
    chosen = replace(measured, chosen=ORIGIN.model_copy(update={"models": (name,)}))
    assert chosen.digest != measured.digest
    scores = validity.scores_with_null(chosen, "acc")
    assert scores.sq.value == validity.scores_with_null(measured, "acc").sq.value
    assert scores.sq.null is None
    assert scores.score.null is None
    for reason in (validity.no_advice_reason, validity.no_ranking_advice_reason):
        said = reason(chosen, scores)
        assert said is not None
        assert said.startswith(validity.CHOSEN)
    summary = validity.selection_summary(chosen)
    assert summary is not None
    assert (summary["rule"], summary["parent"], summary["models"]) == ("margin > 0", "whole", [name])
    assert validity.selection_summary(measured) is None
    document = Answers(chosen).score_document(with_advice=True)["metrics"]["acc"]
    assert document["score"]["null"] is None
    assert document["advice"]["sentences"] == [summary["sentence"]]
