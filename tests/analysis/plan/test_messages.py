"""A plan in words, to the letter, from plans made by hand; and as tables that the sentence agrees with."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from e2lm_core.analysis.plan import messages as plan_words
from e2lm_core.analysis.plan.fleet import FleetPart, Pace, fleet_seconds
from e2lm_core.analysis.plan.plan import Plan
from e2lm_core.analysis.plan.power import compute_power
from e2lm_core.analysis.plan.schedule import Schedule
from e2lm_core.scores.uncertainty.set_sizes import Widths
from tests.support.measured import FLEET_PARTS, SMALL, full, planned

HERE = Pace(seconds={"a": 0.01, "b": 0.02}, source="here")
SUBJECT = "the accuracy of a at its end"


def by_hand(questions: int | None, pace: Pace | None = HERE, **changes) -> Plan:
    seconds = None if questions is None else fleet_seconds(questions, FLEET_PARTS, pace)
    fields = {
        "of": "mean",
        "subject": SUBJECT,
        "metric": "acc",
        "wanted": 0.1,
        "measured": 60,
        "widths": Widths((25, 50, 100), np.array([0.2, 0.15, 0.1]), np.full(3, 0.5), None),
        "questions": questions,
        "why": None,
        "fleet": FLEET_PARTS,
        "pace": pace,
        "seconds": seconds,
    }
    return Plan(**{**fields, **changes})


ESTIMATED = HERE.model_copy(update={"estimated": True})


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        (
            by_hand(100),
            "about **100 questions** are needed; 15 checkpoints take **about 20 s** over them. This set has "
            "60.",
        ),
        (
            by_hand(50, ESTIMATED),
            "about **50 questions** are needed; 15 checkpoints take **about 10 s** over them (an estimate). "
            "The 60 of this set are enough.",
        ),
        (
            by_hand(25, None),
            "at most **25 questions** are needed; how long 15 checkpoints take over them is not known before a "
            "first run on this machine. The 60 of this set are enough.",
        ),
        (
            by_hand(1_234, None, measured=1_200),
            "about **1,300 questions** are needed; how long 15 checkpoints take over them is not known before "
            "a first run on this machine. This set has 1,200.",
        ),
    ],
    ids=["more than there are", "enough", "the smallest size", "rounded"],
)
def test_how_many_questions_how_long_and_what_there_is(plan: Plan, says: str) -> None:
    assert plan_words.headline(plan) == f"You need {says}".replace(
        " are needed", f" for an interval of {SUBJECT} 10 points wide"
    )


def test_what_is_out_of_reach_says_why() -> None:
    plan = by_hand(None, why="Even 15,000 questions leave 0.2.")
    assert plan_words.headline(plan) == (
        f"No number of questions narrows the interval of {SUBJECT} to 10 points. Even 15,000 questions leave 0.2."
    )


@pytest.mark.parametrize(
    ("of", "metric", "wanted", "width"),
    [
        ("mean", "acc", 0.025, "2.5 points"),
        ("difference", "acc_norm", 0.1, "10 points"),
        ("mean", "bpb", 0.05, "0.05"),
        ("sq", "acc", 0.1, "0.1"),
    ],
)
def test_a_width_is_said_in_points_for_shares_of_questions_alone(
    of: str, metric: str, wanted: float, width: str
) -> None:
    said = plan_words.headline(by_hand(100, of=of, metric=metric, wanted=wanted))
    assert f" for an interval of {SUBJECT} {width} wide; " in said


def test_rounding_goes_up_to_two_digits() -> None:
    assert [plan_words.round_up_two_digits(n) for n in (25, 99, 101, 1_234, 15_000)] == [
        25,
        99,
        110,
        1_300,
        15_000,
    ]


# --- tables ---------------------------------------------------------------------------------------------


def test_the_fleets_table_adds_up_to_the_plans_time() -> None:
    plan = by_hand(100)
    frame = plan_words.fleet_frame(plan)
    assert frame["model"].tolist() == ["a", "b"]
    assert frame["seconds"].tolist() == pytest.approx([100 * 10 * 0.01, 100 * 5 * 0.02])
    assert frame["seconds"].sum() == pytest.approx(plan.seconds)
    assert frame["ms a question"].tolist() == pytest.approx([10, 20])


def test_what_is_not_known_is_missing_and_not_nothing() -> None:
    other = FleetPart(model="new", parameters=None, checkpoints=1)
    frame = plan_words.fleet_frame(by_hand(100, fleet=(other,), seconds=None))
    assert [frame[c].isna().item() for c in ("parameters", "ms a question", "seconds")] == [True] * 3
    assert plan_words.fleet_frame(by_hand(None))["seconds"].isna().all()
    assert plan_words.size_frame(by_hand(100, None))["seconds"].isna().all()
    assert plan_words.fleet_frame(by_hand(100, fleet=())).empty


def test_the_table_of_sizes_has_each_sizes_time() -> None:
    frame = plan_words.size_frame(by_hand(100))
    assert frame["questions"].tolist() == [25, 50, 100]
    assert frame["seconds"].tolist() == pytest.approx([5.0, 10.0, 20.0])


# --- on measurements ------------------------------------------------------------------------------------


def test_the_sentence_has_questions_and_time() -> None:
    pace = Pace(seconds={"a": 0.01, "b": 0.01}, source="here", estimated=True)
    said = plan_words.headline(planned(full(), pace=pace, models=[SMALL.name]))
    assert "10 points wide" in said
    assert "15 checkpoints take" in said
    assert "(an estimate)" in said
    assert "first run" in plan_words.headline(planned(full(), models=[SMALL.name]))


def test_the_document_has_every_size() -> None:
    pace = Pace(seconds={"a": 0.01, "b": 0.01}, source="here")
    plan = planned(full(), pace=pace, models=[SMALL.name])
    document = json.loads(json.dumps(plan_words.plan_document(plan), allow_nan=False))
    assert document["questions"] == plan.questions
    assert [row["questions"] for row in document["sizes"]] == list(plan.widths.sizes)
    assert "**" not in document["finding"]


def test_the_document_of_schedules_has_the_asked_one_on_top() -> None:
    found = [
        Schedule(workers=1, seconds=7_200, cost=None, busy=1.0),
        Schedule(workers=4, seconds=2_160, cost=None, busy=0.75),
    ]
    document = plan_words.schedule_document(found, 4, 60, 15)
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert [document[key] for key in ("workers", "questions", "checkpoints", "hours", "cost", "busy")] == [
        *(4, 60, 15, 0.6, None, 0.75)
    ]
    assert [(row["workers"], row["hours"]) for row in document["schedules"]] == [(1, 2.0), (4, 0.6)]
    assert document["finding"] == (
        "15 checkpoints take about 36 min over 60 questions on 4 workers; 75% of their time is work."
    )
    priced = [Schedule(workers=1, seconds=7_200, cost=1_234.5, busy=1.0, estimated=True)]
    assert plan_words.schedule_document(priced, 1, 60, 15)["finding"].endswith(
        "on 1 worker and cost 1,234.50 (an estimate: some models were never run, and are scaled by parameters); "
        "100% of their time is work."
    )


def test_the_document_of_a_power_has_every_size_and_the_sentence() -> None:
    found = compute_power(full(), "margin")
    document = json.loads(json.dumps(plan_words.power_document(found), allow_nan=False))
    assert (document["first"], document["second"]) == (found.first, found.second)
    assert {*plan_words.POWER_SIZES, found.questions} <= {row["questions"] for row in document["sizes"]}
    assert document["finding"] == plan_words.power_answer(found).replace("**", "")


def test_a_plan_out_of_reach_is_plain_json_too() -> None:
    nowhere = Widths((25,), np.array([math.nan]), np.array([math.nan]), "It is undefined.")
    document = plan_words.plan_document(by_hand(None, None, widths=nowhere, why="It is undefined."))
    assert json.loads(json.dumps(document, allow_nan=False))["sizes"] == [
        {"questions": 25, "width": None, "expected": None, "seconds": None}
    ]
