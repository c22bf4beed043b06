"""What is said of questions and of a choice among them: exact sentences from numbers made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from e2lm_core.analysis.questions import heldout, selection
from e2lm_core.analysis.questions import messages as choice_words
from e2lm_core.analysis.questions import pool as question_pool
from e2lm_core.analysis.questions.item_correlations import Reliability
from e2lm_core.analysis.questions.pool import Pool
from e2lm_core.analysis.questions.selection import HeldOutGain, Selection
from e2lm_core.base.records import NullDistribution
from tests.support.measured import fleet_measured, question_set

POOL = question_pool.build_pool(fleet_measured(count=4), question_set(4))
ONE_MODEL = replace(POOL, models=POOL.models[:1])


def table(slopes: list[float], probabilities: list[float]) -> pd.DataFrame:
    """Questions q1, q2, … of four choices."""
    return pd.DataFrame(
        {
            "id": [f"q{n}" for n in range(1, len(slopes) + 1)],
            "slope": slopes,
            "norm_prob": probabilities,
            "choices": 4,
        }
    )


def gain(held_out: float | None, in_sample: float | None = 0.2, **changes) -> HeldOutGain:
    plain = HeldOutGain(
        value=0.5,
        in_sample=in_sample,
        held_out=held_out,
        interval=None,
        covers=None,
        flatters=False,
    )
    return replace(plain, **changes)


def chosen(
    final: HeldOutGain, metric: str = "acc", kept: int = 3, why: str | None = None, **scores: HeldOutGain
) -> Selection:
    return Selection(
        rule="easiest-half",
        metric=metric,
        ids=tuple(f"q{n}" for n in range(kept)),
        mask=np.ones(kept, bool),
        scores={"final": final, **scores},
        folds=(),
        why=why,
    )


# --- questions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pool", "frame", "says"),
    [
        (
            POOL,
            table([0.5, 1.26, -0.1], [0.5, 0.2, 0.3]),
            "**2 of 3** questions rise early, mean over 4 models; the steepest is `q2` (+1.3 nats per doubling "
            "of tokens). 1 question ends below chance.",
        ),
        (
            ONE_MODEL,
            table([-0.5, 0.0], [0.2, 0.1]),
            "**0 of 2** questions rise early, mean over 1 model. 2 questions end below chance.",
        ),
        (
            POOL,
            table([0.5], [0.5]),
            "The one question's margin **rises** early (+0.50 nats per doubling of tokens), mean over 4 models.",
        ),
        (
            POOL,
            table([-0.25], [0.25]),
            "The one question's margin **falls** early (−0.25 nats per doubling of tokens), mean over 4 models.",
        ),
        (
            POOL,
            table([0.0], [0.1]),
            "The one question's margin **stays level** early (+0.00 nats per doubling of tokens), mean over 4 "
            "models. 1 question ends below chance.",
        ),
        (
            ONE_MODEL,
            table([np.nan, np.nan], [0.5, 0.5]),
            "2 questions on 1 model: too few checkpoints to tell how they rise.",
        ),
        (POOL, table([np.nan], [0.1]), "1 question ends below chance."),
        (
            replace(POOL, incomplete=1),
            table([np.nan], [0.5]),
            "1 question on 4 models: too few checkpoints to tell how they rise. 1 question without all results "
            "is left out.",
        ),
        (
            replace(POOL, incomplete=2),
            table([np.nan], [0.1]),
            "1 question ends below chance. 2 questions without all results are left out.",
        ),
    ],
    ids=["some", "none", "one rises", "falls", "level", "too few", "below only", "one out", "two out"],
)
def test_how_questions_rise(pool: Pool, frame: pd.DataFrame, says: str) -> None:
    assert choice_words.headline(pool, frame) == says


def test_at_one_checkpoint_the_share_answered_right_comes_before_any_reason() -> None:
    pool, frame = replace(ONE_MODEL, steps=np.array([1])), table([np.nan, np.nan], [0.5, 0.5])
    said = choice_words.headline(pool, frame.assign(acc=[1.0, 0.0]), "Nothing is advised.")
    assert said == (
        "At the one shared checkpoint **50.0%** of 2 questions are answered right, mean over 1 model. Nothing is advised."
    )


def test_alpha_stands_beside_random_answer_keys() -> None:
    drawn = NullDistribution(mean=0.2, q95=0.5, p=0.005)
    found = Reliability(alpha=0.8, low=0.7, high=0.9, models=30, questions=40, null=drawn)
    assert choice_words.reliability_sentence(found) == (
        "Cronbach's α (KR-20) is 0.800 [0.700, 0.900] over 30 models; random answer keys give 0.200, up to 0.500 in 95% "
        "of draws; p < 0.01."
    )
    assert choice_words.reliability_sentence(Reliability(models=30, why="All are equal.")) == (
        "No α: All are equal."
    )
    assert choice_words.reliability_sentence(Reliability(models=3, why="Too few.")) == (
        "No item-rest correlations and no α: Too few."
    )


def test_the_finding_counts_what_the_table_holds() -> None:
    pool = question_pool.build_pool(fleet_measured(), question_set())
    frame = question_pool.question_frame(pool, question_set())
    said = choice_words.headline(pool, frame)
    assert f"**{(frame['slope'] > 0).sum()} of 60** questions rise early, mean over 4 models" in said
    assert frame["id"][int(frame["slope"].argmax())] in said
    one = question_pool.build_pool(fleet_measured(count=1), question_set(1))
    assert "The one question's margin" in choice_words.headline(
        one, question_pool.question_frame(one, question_set(1))
    )


# --- a choice -------------------------------------------------------------------------------------------

SURE = {"interval": (0.05, 0.151), "covers": "questions"}


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (
            chosen(gain(0.1, **SURE)),
            "On models not used for choosing, final accuracy gains **+0.100** [0.050, 0.151] over random questions. "
            "Whether that is a gain is not known: under random answer keys the same rule may gain as much.",
        ),
        (
            chosen(gain(-0.0001, interval=(-0.1, 0.1), covers="folds"), "bpb"),
            "On models not used for choosing, final negated bits per byte (lower is better) gains **0.000** over random "
            "questions. Whether that is a gain is not known: under random answer keys the same rule may gain as much.",
        ),
        (
            chosen(gain(None), why="There is one model, so none can be held out."),
            "Whether that is a gain cannot be told: There is one model, so none can be held out.",
        ),
        (
            chosen(gain(None, why="It is undefined in every fold.")),
            "Whether that is a gain cannot be told: It is undefined in every fold.",
        ),
    ],
    ids=["sure", "folds", "no models", "undefined"],
)
def test_what_a_choice_gains(made: Selection, says: str) -> None:
    assert choice_words.selection_headline(made, 1_200) == f"The rule keeps **3 of 1,200** questions. {says}"


def test_a_choice_that_flatters_itself_is_called_so_score_by_score() -> None:
    made = chosen(gain(0.01, 0.3, flatters=True), snr=gain(-0.5, 1.0, flatters=True), sq=gain(0.1))
    assert choice_words.selection_warnings(made) == [
        "In-sample +0.300, held out +0.010 (final accuracy): the gain does not carry over to other models.",
        "In-sample +1.000, held out −0.500 (SNR): the gain does not carry over to other models.",
    ]


def test_a_gain_that_may_be_nothing_is_said() -> None:
    doubtful = {"interval": (-0.02, 0.1), "covers": "questions"}
    assert choice_words.selection_warnings(chosen(gain(0.05, **doubtful))) == [
        "The held-out gain in final accuracy may be nothing: its interval [−0.020, 0.100] includes 0."
    ]
    assert choice_words.selection_warnings(chosen(gain(0.1, **SURE))) == []
    assert choice_words.selection_warnings(chosen(gain(0.05, interval=(-0.02, 0.1), covers="folds"))) == []
    flattering = chosen(gain(0.05, flatters=True, **doubtful))
    assert [
        said.endswith("carry over to other models.") for said in choice_words.selection_warnings(flattering)
    ] == [True]


def test_a_gain_that_may_be_nothing_is_said_apart() -> None:
    pool = question_pool.build_pool(fleet_measured(), question_set())
    made = selection.select_questions(pool, 'subject = "physics"')
    interval = made.scores["final"].interval
    assert interval is not None
    includes = interval[0] <= 0 <= interval[1]
    assert includes == any("may be nothing" in said for said in choice_words.selection_warnings(made))


def test_signed() -> None:
    assert [choice_words.format_signed(v) for v in (0.1234, -0.05, 0.0001, -0.0, None)] == [
        "+0.123",
        "−0.050",
        "0.000",
        "0.000",
        "–",
    ]


def test_every_score_of_a_choice_has_its_name() -> None:
    assert choice_words.score_label("final", "margin") == "final margin (nats)"
    assert [choice_words.score_label(score, "acc") for score in heldout.SCORES if score != "final"] == [
        "SQ",
        "SNR",
    ]


def test_every_column_that_is_explained_is_named() -> None:
    assert set(choice_words.COLUMN_HELP) == set(choice_words.COLUMN_LABEL)
    assert all(text.endswith(".") for text in choice_words.COLUMN_HELP.values())
