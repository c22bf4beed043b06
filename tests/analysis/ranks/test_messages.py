"""What is said of the models' order: exact sentences from resamples written by hand, and from known curves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from e2lm_core.analysis.answers import Answers
from e2lm_core.analysis.leads import Claim, PairAnswer
from e2lm_core.analysis.ranks import messages as rank_words
from e2lm_core.analysis.ranks import rank_probabilities as rank_shares
from e2lm_core.analysis.ranks.stability import RankStability
from e2lm_core.base.records import Value
from e2lm_core.scores import set_scores
from e2lm_core.scores.measurements import Grid
from e2lm_core.scores.set_scores import Scores
from tests.support.measured import LARGE, RISING, SMALL, curve, measurements, noisy, order_of, with_values

COLOURS = "Blue: the row beats the column; orange: it loses; ties count half."


def by_hand(
    scores: list[list[float]],
    resamples: list[list[list[float]]],
    decisions: list[float],
    end: int | None = 0,
) -> RankStability:
    """Models a, b, … with `scores` [M, K] and `resamples` [R, M, K]; tokens are 1,000 a checkpoint."""
    values, drawn = np.array(scores, float), np.array(resamples, float)
    steps = np.arange(1, values.shape[1] + 1)
    grid = Grid(
        models=tuple("abc"[: len(values)]),
        short_names=tuple("abc"[: len(values)]),
        steps=steps,
        tokens_seen=steps * 1_000.0,
        early=steps <= 1,
        values=values,
        scores=values,
        end=end,
    )
    return RankStability(
        grid=grid,
        scores=drawn,
        shares=rank_shares.rank_probabilities(drawn),
        tau=np.empty((0, 3)),
        decisions=np.repeat(np.array(decisions, float)[:, None], 3, axis=1),
    )


def with_rc(value: float | None, why: str | None = None) -> Scores:
    scores = set_scores.scores(measurements(curve(SMALL, RISING)), "acc", "all_models")
    return with_values(scores, rc=Value(value=value, why=why))


# b leads at the first of two checkpoints in three of four resamples, a at the last in all.
TURNING = by_hand(
    [[0.4, 0.9], [0.5, 0.8]],
    [[[0.4, 0.9], [0.5, 0.8]]] * 3 + [[[0.6, 0.9], [0.5, 0.8]]],
    decisions=[0.0, 1.0],
)
STEADY = by_hand([[0.4, 0.8], [0.5, 0.9]], [[[0.4, 0.8], [0.5, 0.9]]] * 4, decisions=[1.0, 1.0])


def test_who_leads_and_how_far_that_holds() -> None:
    assert rank_words.headline(TURNING, with_rc(0.0)) == (
        "**b** ranks first at the early window's end, but a does at the end of training. With other questions of this "
        "kind b would be first at the early window's end in 75% of draws. **RC is 0.000** (all models together)."
    )
    assert rank_words.headline(STEADY, with_rc(1.0)) == (
        "**b** ranks first at the early window's end, and still does at the end of training. With other questions of this "
        "kind b would be first at the early window's end in 100% of draws. **RC is 1.000** (all models together)."
    )
    assert [rank_words.consistency_note(name) for name in ("all_models", "organisers")] == [
        "An RC of 1 is the same order of all models at every later checkpoint.",
        "An RC of 1 is the same better architecture of every size at every later checkpoint.",
    ]


def test_an_order_that_there_is_not_has_its_reason() -> None:
    alone = measurements(curve(SMALL, RISING))
    scores = set_scores.scores(alone, "acc", "all_models")
    assert rank_words.headline(None, scores) == (
        "Fewer than two models share a complete checkpoint, so there is no order to follow yet."
    )
    undefined = with_rc(None, "Nothing is later.")
    assert rank_words.headline(STEADY, undefined).endswith(
        "in 100% of draws. RC (all models together) is undefined: Nothing is later."
    )
    no_window = by_hand([[0.4], [0.5]], [[[0.4], [0.5]]], decisions=[1.0], end=None)
    assert rank_words.headline(no_window, undefined).endswith("not defined: Nothing is later.")


@pytest.mark.parametrize(
    ("order", "says"),
    [
        (STEADY, "From 1.0 k tokens on, every pair of models stands as at the last checkpoint."),
        (
            TURNING,
            "Before the last checkpoint, fewer than 80% of the pairs of models stand as they do there, or not "
            "to the end.",
        ),
        (
            by_hand([[0.4], [0.5]], [[[0.4], [0.5]]], decisions=[1.0]),
            "One checkpoint has nothing later to be compared with.",
        ),
        (
            by_hand([[0.4, 0.5], [0.5, 0.5]], [[[0.4, 0.5], [0.5, 0.5]]], decisions=[0.5, 1.0]),
            "All models stand equal at the last checkpoint, so there is no order to read early.",
        ),
        (
            by_hand(
                [[0.1, 0.2, 0.3], [0.2, 0.3, 0.4], [0.3, 0.4, 0.5]],
                [[[0.1, 0.2, 0.3], [0.2, 0.3, 0.4], [0.3, 0.4, 0.5]]],
                decisions=[0.5, 0.8, 1.0],
            ),
            "From 2.0 k tokens on, at least 80% of the 3 pairs of models stand as at the last checkpoint.",
        ),
    ],
    ids=["steady", "turning", "one checkpoint", "all equal", "three models"],
)
def test_from_where_the_order_is_the_final_one(order: RankStability, says: str) -> None:
    assert rank_words.decision_sentence(order) == says


def test_how_sure_the_one_pair_is() -> None:
    lead = PairAnswer(metric="acc", higher="a", lower="b", claims=(Claim(of="now", leads=True),))
    assert rank_words.win_sentence(TURNING, 0, [lead.model_copy(update={"claims": ()})]) == (
        "Pairs with a reliable lead at 1.0 k tokens, on these checkpoints: **0 of 1**. The closest is b above a, in "
        f"75% of resamples. {COLOURS}"
    )
    said = rank_words.win_sentence(TURNING, 1, [lead])
    assert said.startswith("Pairs with a reliable lead at 2.0 k tokens, on these checkpoints: **1 of 1**.")
    assert "The closest is a above b, in 100% of resamples." in said


def test_of_many_pairs_the_closest_is_named() -> None:
    three = by_hand(
        [[0.3], [0.5], [0.6]],
        [[[0.3], [0.5], [0.6]]] * 3 + [[[0.3], [0.6], [0.5]]],
        decisions=[1.0],
    )
    shown = (Claim(of="now", leads=True),)
    pairs = [PairAnswer(metric="acc", higher=h, lower="a", claims=shown) for h in "bc"]
    twin = PairAnswer(metric="acc", higher="c", lower="a twin, which is not ranked", claims=shown)
    assert rank_words.win_sentence(three, 0, [*pairs, twin]) == (
        "Pairs with a reliable lead at 1.0 k tokens, on these checkpoints: **2 of 3**. The closest is c above b, in "
        f"75% of resamples. {COLOURS}"
    )


@pytest.mark.parametrize(
    ("support", "says"),
    [
        (
            None,
            "No checkpoint after the early window is complete for every model, so there is no later order",
        ),
        ([np.nan], "With one question there are no other questions to say which order it should hold."),
        (
            [0.0, 0.0],
            "No question parts the models at the early window's end while the others tell them apart",
        ),
        (
            [0.2, 0.1, 0.0, -0.1, np.nan],
            "**2 of 4 questions** part the models at the early window's end as the others do at the last "
            "checkpoint; **1** part them the other way.",
        ),
    ],
    ids=["nothing later", "one question", "no question", "some"],
)
def test_how_many_questions_hold_the_order_up(support: list[float] | None, says: str) -> None:
    table = None if support is None else pd.DataFrame({"support": support})
    assert rank_words.influence_sentence(table).startswith(says)


# --- on measurements ------------------------------------------------------------------------------------


def test_the_sentences_follow_the_numbers() -> None:
    measured = noisy(questions=120)
    order, scores = order_of(measured), set_scores.scores(measured, "acc", "all_models")
    said = rank_words.headline(order, scores)
    assert f"**{LARGE.short_name}** ranks first at the early window" in said
    assert "still does at the end" in said
    assert "every pair of models stands as at the last checkpoint" in rank_words.decision_sentence(order)
    won = rank_words.win_sentence(order, 15, Answers(noisy(questions=400)).pairs("acc", 16))
    assert "on these checkpoints: **1 of 1**" in won
    assert f"{LARGE.short_name} above {SMALL.short_name}, in" in won


def test_models_that_stand_equal_are_said_to() -> None:
    twice = measurements(curve(SMALL, RISING), curve(LARGE, RISING))
    order = order_of(twice)
    assert "stand equal" in rank_words.decision_sentence(order)
    assert "stand equal, in every resample" in rank_words.win_sentence(order, 9, [])


def test_an_order_that_turns_only_at_the_end_is_said_to_be_undecided() -> None:
    late = measurements(curve(SMALL, [0.3] * 9 + [0.9]), curve(LARGE, [0.4] * 9 + [0.8]))
    assert "Before the last checkpoint, fewer than 80%" in rank_words.decision_sentence(order_of(late))
