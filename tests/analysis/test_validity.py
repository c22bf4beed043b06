"""What may be concluded from scores: nothing of what was never taught, nothing of what random answers score as well."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from e2lm_core.analysis import validity
from e2lm_core.base.records import NullDistribution, Value
from e2lm_core.scores.set_scores import Scores
from tests.support.measured import noisy, with_values
from tests.support.simulation import answered

LIKE_RANDOM, ABOVE = NullDistribution(mean=0.3, q95=0.6, p=0.4), NullDistribution(mean=0.3, q95=0.6, p=0.001)


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (None, None),
        ((), None),
        ((True, True), None),
        ((False,), "never taught this question: their curves say nothing about it"),
        ((False, False), "never taught any of these 2: their curves say nothing about them"),
        (
            (True,) * 2 + (False,) * 28,
            "The embedded models were never taught 28 of these 30: their curves say nothing about them; "
            "use larger checkpoints.",
        ),
    ],
)
def test_what_a_flat_curve_means_for_untaught_questions(
    told: tuple[bool, ...] | None, says: str | None
) -> None:
    said = validity.unknown_facts_warning(told)
    assert (said is None) if says is None else (said is not None and says in said)


def with_nulls(**nulls: NullDistribution) -> Scores:
    """Scores that are defined, those named within or above their null."""
    scores = validity.scores_with_null(answered(taught=0.5), "acc")
    return with_values(scores, **{name: Value(value=0.5, null=own) for name, own in nulls.items()})


def test_a_learned_set_says_something() -> None:
    measured = replace(answered(taught=0.5), taught=(True,) * 40)
    scores = validity.scores_with_null(measured, "acc")
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
    assert validity.no_advice_reason(replace(measured, taught=(True, *[False] * 39)), scores) is None


def test_within_its_null_a_set_says_nothing() -> None:
    measured = answered(taught=0.5)
    assert validity.no_advice_reason(measured, with_nulls(score=LIKE_RANDOM)) == validity.NOTHING_TOLD
    without = with_values(with_nulls(sq=LIKE_RANDOM), score=Value(value=None, why="No twin."))
    assert validity.no_advice_reason(measured, without) == validity.NOTHING_TOLD


def test_an_order_that_random_answers_keep_as_well_is_no_questions_merit() -> None:
    measured = answered(taught=0.5)
    why = validity.no_ranking_advice_reason(measured, with_nulls(score=ABOVE, decision_accuracy=LIKE_RANDOM))
    assert why is not None
    assert "p = 0.40" in why


def test_what_was_taught_as_json() -> None:
    assert validity.known_facts_summary(noisy()) is None
    told = validity.known_facts_summary(replace(noisy(), taught=(True,) * 20 + (False,) * 40))
    assert told is not None
    assert (told["questions"], told["of"]) == (20, 60)
    assert "40 of these 60" in told["sentence"]
