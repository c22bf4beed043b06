"""Two sets compared: which questions are the same, and what differs."""

import math

import pytest

from e2lm_core.analysis.compare import comparison
from e2lm_core.analysis.compare.comparison import ALL, END
from e2lm_core.base.records import METRICS
from tests.support import studios
from tests.support.measured import (
    DEGENERATE_PAIRS,
    FASTER,
    FIRST,
    FLAT,
    LARGE,
    RISING,
    SMALL,
    compared,
    ladder_measured,
)


def renamed(task, name="second"):
    return task.model_copy(update={"config": task.config.model_copy(update={"task": name})})


def edited(task, **changes):
    """The set with some questions' texts changed, by id."""
    questions = tuple(
        q.model_copy(update={"question": changes[q.id]}) if q.id in changes else q for q in task.questions
    )
    return task.model_copy(update={"questions": questions})


# --- which questions are the same ------------------------------------------------------------------------


def test_versions_are_matched_by_id_even_where_all_was_rewritten():
    new = edited(FIRST, **{q.id: f"Rewritten {q.id}" for q in FIRST.questions})
    assert comparison.match_questions(FIRST, new, versions=True).by == "id"
    assert comparison.match_questions(FIRST, new).by == "text"


def test_matchings_have_one_digest_where_they_are_equal_alone():
    matchings = [
        comparison.QuestionMatching(by=by, first=first, second=second)
        for by in ("id", "text")
        for first, second in [
            (("ab", "c"), ("d",)),
            (("a", "bc"), ("d",)),
            (("ab",), ("c", "d")),
            (("c", "ab"), ("d",)),
            (("ab", "c", ""), ("d",)),
            (("\ud800",), ()),
        ]
    ]
    assert len({one.digest for one in matchings}) == len(matchings)
    again = [comparison.QuestionMatching(**one.model_dump()) for one in matchings]
    assert [one.digest for one in again] == [one.digest for one in matchings]


def test_a_copy_that_was_edited_is_matched_by_id():
    found = comparison.match_questions(FIRST, renamed(edited(FIRST, q1="Another text?")))
    assert found.by == "id"
    assert found.first == found.second


def test_ids_of_unrelated_sets_say_nothing():
    other = FIRST.model_copy(
        update={"questions": tuple(studios.question(100 + n, id=f"q{n}") for n in range(1, 11))}
    )
    found = comparison.match_questions(FIRST, other)
    assert found.by == "text"
    assert not set(found.first) & set(found.second)


def test_the_order_of_choices_makes_no_other_question():
    question = studios.question(1)
    turned = question.model_copy(
        update={"id": "other", "choices": question.choices[::-1], "answer": len(question.choices) - 1}
    )
    one, two = (FIRST.model_copy(update={"questions": (q,)}) for q in (question, turned))
    assert comparison.match_questions(one, two).first == comparison.match_questions(one, two).second


def test_a_text_that_stands_twice_is_matched_twice():
    twice = FIRST.model_copy(update={"questions": (studios.question(1, id="a"), studios.question(1, id="b"))})
    other = twice.model_copy(
        update={"questions": tuple(q.model_copy(update={"id": q.id * 2}) for q in twice.questions)}
    )
    found = comparison.match_questions(twice, other)
    assert len(set(found.first)) == 2
    assert found.first == found.second


# --- what differs ----------------------------------------------------------------------------------------


def test_differences_are_second_minus_first():
    lower = [v - 0.1 for v in FASTER]
    found = compared(ladder_measured(RISING, lower), ladder_measured(RISING, FASTER))
    by = {(m.model, m.point): m for m in found.means}
    assert by[LARGE.name, END].difference == pytest.approx(0.1)
    assert by[SMALL.name, END].difference == 0
    assert by[ALL, END].difference == pytest.approx(0.05)
    assert by[ALL, END].first == pytest.approx((0.9 + 0.9) / 2)
    sq = next(s for s in found.scores if s.score == "sq")
    assert sq.difference.value == pytest.approx(sq.second.value - sq.first.value)


def test_the_mean_of_all_leaves_the_twin_out():
    found = compared(ladder_measured(RISING, FASTER, FLAT), ladder_measured(RISING, FASTER, RISING))
    whole = next(m for m in found.means if m.model == ALL)
    assert whole.difference == 0


def test_small_sets_get_no_interval_of_a_score():
    found = compared(ladder_measured(RISING, FASTER), ladder_measured(RISING, RISING))
    assert all(s.difference.interval is None for s in found.scores)
    assert "100 questions" in next(s for s in found.scores if s.score == "sq").difference.why


def test_a_checkpoint_that_one_lacks_is_left_out_of_both():
    gone = [*RISING[:-1], math.nan]
    found = compared(ladder_measured(gone), ladder_measured(RISING))
    end = next(m for m in found.means if m.point == END)
    assert (end.first, end.second) == (RISING[-2], RISING[-2])


def test_question_frame_says_what_was_added_removed_and_changed():
    one = FIRST
    kept = edited(FIRST, q2="A new wording?").questions[1:]
    two = FIRST.model_copy(update={"questions": (*kept, studios.question(99))})
    found = comparison.compare(
        ("a", "b"),
        ladder_measured(RISING),
        ladder_measured(RISING),
        comparison.match_questions(one, two, versions=True),
        "acc",
        50,
    )
    frame = comparison.question_frame(found, one, two)
    assert dict(zip(frame["id"], frame["what"], strict=True)) == {
        "q1": "removed",
        "q2": "changed",
        "q99": "added",
    }
    changed = frame[frame["what"] == "changed"].iloc[0]
    assert changed["after"] == "A new wording?"
    assert changed["difference"] == changed["value after"] - changed["value before"]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("case", DEGENERATE_PAIRS)
def test_degenerate_comparisons_have_a_value_or_a_reason(metric, case):
    first, second = DEGENERATE_PAIRS[case]
    found = compared(ladder_measured(*first), ladder_measured(*second), metric=metric)
    frame = comparison.score_frame(found)
    assert (frame["difference"].notna() | frame["why"].notna()).all()
    comparison.mean_frame(found)
