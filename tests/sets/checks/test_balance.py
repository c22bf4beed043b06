"""Where the gold stands and how long it is: clear habits are told, chance is not."""

from __future__ import annotations

from e2lm_core.sets.checks.balance import gold_habits
from tests.sets.checks.elements import a_set, findings


def test_gold_s_place_and_length() -> None:
    task = a_set()
    first = tuple(q.model_copy(update={"answer": 0}) for q in task.questions)
    (found,) = findings(task.model_copy(update={"questions": first}))
    assert (
        found.sentence
        == "A is the right answer in 100% of the questions (25% expected). Balance the answers."
    )
    long = tuple(
        q.model_copy(
            update={"choices": tuple(c + " metal" * (i == q.answer) * 3 for i, c in enumerate(q.choices))}
        )
        for q in task.questions
    )
    (found,) = findings(task.model_copy(update={"questions": long}))
    assert found.code == "gold_longest"
    assert "longest choice in 100% of the 120 questions" in found.sentence


def test_few_questions_and_small_departures_say_nothing() -> None:
    few = [q.model_copy(update={"answer": 0}) for q in a_set(19).questions]
    assert gold_habits(few) == []
    # 36 of 120 where 30 are expected: five points, but only 1.3 standard errors.
    some = [
        q.model_copy(update={"answer": 0 if n < 36 else 1 + n % 3}) for n, q in enumerate(a_set().questions)
    ]
    assert not [f for f in gold_habits(some) if f.code == "gold_position"]


def test_a_sure_departure_of_less_than_five_points_says_nothing() -> None:
    def places(first: int) -> list[str]:
        questions = [
            q.model_copy(update={"answer": 0 if n < first else 1 + n % 3})
            for n, q in enumerate(a_set(1200).questions)
        ]
        return [f.sentence for f in gold_habits(questions) if f.code == "gold_position"]

    # 300 are expected and three standard errors are 45: 348 are four points more, 372 six.
    assert places(348) == []
    assert places(372) == [
        "A is the right answer in 31% of the questions (25% expected). Balance the answers."
    ]
