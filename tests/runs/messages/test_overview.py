"""The sentences that pages begin with follow from the numbers."""

from __future__ import annotations

from e2lm_core.analysis import validity
from e2lm_core.base.records import NullDistribution
from e2lm_core.runs.messages import overview
from e2lm_core.runs.state import SetState
from e2lm_core.scores import set_scores
from tests.support.measured import (
    FASTER,
    FLAT,
    LARGE,
    RISING,
    SEED2,
    SMALL,
    WEB,
    curve,
    full,
    measurements,
    with_values,
)

UP_TO_DATE = SetState(kind="up to date", done=40, total=40)


def test_the_overview_follows_the_state() -> None:
    scores = set_scores.scores(full(), "acc", "all_models")
    assert "no questions" in overview.headline(SetState(kind="empty"), None)
    assert "not been run" in overview.headline(SetState(kind="never run"), None)
    assert "run failed" in overview.headline(SetState(kind="never run", failure="Too long."), None)
    assert "**strong** (SQ 1.000)" in overview.headline(UP_TO_DATE, scores)
    assert "**holds** later (RC 1.000)" in overview.headline(UP_TO_DATE, scores)
    by_design = scores.model_copy(update={"is_rc_by_design": True})
    assert overview.headline(UP_TO_DATE, by_design) == "Signal quality is **strong** (SQ 1.000)."
    short = set_scores.scores(
        measurements(curve(SMALL, RISING[:5]), curve(LARGE, FASTER[:5])), "acc", "all_models"
    )
    assert "5 points" in overview.headline(UP_TO_DATE, short)


def test_a_set_that_was_edited_after_its_run_was_run() -> None:
    said = overview.headline(SetState(kind="stale", stale=1, done=39, total=40), None)
    assert said == (
        "**1 question** lacks results, since it changed or a run stopped: scores follow once what is missing is run."
    )
    assert "**2 questions** lack results" in overview.headline(
        SetState(kind="stale", stale=2, done=38, total=40), None
    )


def test_what_random_answers_give_is_no_signal() -> None:
    scores = set_scores.scores(full(), "acc", "all_models")
    inside = NullDistribution(mean=0.4, q95=0.8, p=0.3)
    flat = scores.model_copy(update={"sq": scores.sq.model_copy(update={"null": inside})})
    said = overview.headline(UP_TO_DATE, flat)
    assert "not distinguishable from that of random answers" in said
    assert "curves" not in said, "they may rise after the early window"
    assert "strong" not in said
    shuffled = with_values(scores, rc=scores.rc.model_copy(update={"null": inside}))
    said = overview.headline(UP_TO_DATE, shuffled)
    assert "holds" not in said
    assert "no steadier than under random answers" in said


def test_keys_that_are_shifted_are_said_before_what_random_answers_give() -> None:
    scores = set_scores.scores(full(), "acc", "all_models")
    inside = NullDistribution(mean=0.4, q95=0.8, p=0.3)
    flat = scores.model_copy(update={"sq": scores.sq.model_copy(update={"null": inside})})
    keys = "Are keys counted from 1?"
    assert overview.headline(UP_TO_DATE, flat, keys) == keys
    assert "random answers give" in overview.headline(UP_TO_DATE, flat, validity.NO_SIGNAL)


def test_the_least_clear_curve_is_of_a_model_that_counts() -> None:
    """A twin that learnt no science is flat by design, and nothing to look into."""
    measured = full()
    scores = set_scores.scores(measured, "acc", "all_models")
    assert min(scores.sq_models, key=lambda m: scores.sq_models[m].sq or 0) in (WEB.name, SEED2.name)
    steps = overview.next_steps(UP_TO_DATE, scores, errors=0, example=False)
    assert any(f"{SMALL.name}" in s.sentence or f"{LARGE.name}" in s.sentence for s in steps)
    assert not any(WEB.name in s.sentence or SEED2.name in s.sentence for s in steps)
    short = {SMALL.name: "short", LARGE.name: "short"}
    steps = overview.next_steps(UP_TO_DATE, scores, errors=0, example=False, short_names=short)
    assert any("Least clear: short (SQ" in s.sentence for s in steps)


def test_what_to_do_next_from_where_a_set_stands() -> None:
    assert [s.view for s in overview.next_steps(SetState(kind="empty"), None, 0, False)] == ["write"]
    never = overview.next_steps(SetState(kind="never run"), None, 2, True)
    assert [s.view for s in never] == ["run", "write", "share"]
    assert never[1].sentence == "Examples are read-only."
    shared = overview.next_steps(SetState(kind="never run"), None, 2, True, is_shared=True)
    assert shared[1].sentence == "You can view this set."
    stale = overview.next_steps(SetState(kind="stale", stale=1, done=39, total=40), None, 0, False)
    assert stale[0].view == "run"
    none = set_scores.scores(measurements(curve(SMALL, FLAT[:3])), "acc", "all_models")
    assert overview.next_steps(UP_TO_DATE, none, 0, False) is not None
