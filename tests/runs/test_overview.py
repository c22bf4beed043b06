"""The sentences that pages begin with follow from the numbers."""

from __future__ import annotations

import pytest

from e2lm_core.checkpoints.ladder import taught
from e2lm_core.runs import overview
from e2lm_core.runs.state import SetState
from e2lm_core.scores import set_scores
from tests.support.measured import FASTER, FLAT, LARGE, RISING, SEED2, SMALL, WEB, curve, full, measurements

UP_TO_DATE = SetState(kind="up to date", done=40, total=40)


def test_the_overview_follows_the_state() -> None:
    scores = set_scores.scores(full(), "acc")
    assert "no questions" in overview.overview(SetState(kind="empty"), None)
    assert "not been run" in overview.overview(SetState(kind="never run"), None)
    assert "**strong** (SQ 1.000)" in overview.overview(UP_TO_DATE, scores)
    assert "**holds** later (RC 1.000)" in overview.overview(UP_TO_DATE, scores)
    short = set_scores.scores(measurements(curve(SMALL, RISING[:5]), curve(LARGE, FASTER[:5])), "acc")
    assert "5 points" in overview.overview(UP_TO_DATE, short)


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (None, None),
        ({}, None),
        ({"a": True, "b": True}, None),
        ({"a": False}, "never taught this question: their curves say nothing about it"),
        ({"a": False, "b": False}, "never taught any of these 2: their curves say nothing about them"),
        (
            {f"q{n}": n < 2 for n in range(30)},
            "The embedded models were never taught 28 of these 30: their curves say nothing about them; "
            "use larger checkpoints.",
        ),
    ],
)
def test_what_a_flat_curve_means_for_untaught_questions(
    told: dict[str, bool] | None, says: str | None
) -> None:
    said = taught.untaught_sentence(told)
    assert (said is None) if says is None else (said is not None and says in said)


def test_the_least_clear_curve_is_of_a_model_that_counts() -> None:
    """A twin that learnt no science is flat by design, and nothing to look into."""
    measured = full()
    scores = set_scores.scores(measured, "acc")
    assert min(scores.sq_models, key=lambda m: scores.sq_models[m].sq or 0) in (WEB.name, SEED2.name)
    steps = overview.next_steps(UP_TO_DATE, scores, errors=0, example=False)
    assert any(f"{SMALL.name}" in s.sentence or f"{LARGE.name}" in s.sentence for s in steps)
    assert not any(WEB.name in s.sentence or SEED2.name in s.sentence for s in steps)


def test_what_to_do_next_from_where_a_set_stands() -> None:
    assert [s.page for s in overview.next_steps(SetState(kind="empty"), None, 0, False)] == ["author"]
    never = overview.next_steps(SetState(kind="never run"), None, 2, True)
    assert [s.page for s in never] == ["run", "author", "export"]
    stale = overview.next_steps(SetState(kind="stale", stale=1, done=39, total=40), None, 0, False)
    assert stale[0].page == "run"
    none = set_scores.scores(measurements(curve(SMALL, FLAT[:3])), "acc")
    assert overview.next_steps(UP_TO_DATE, none, 0, False) is not None
