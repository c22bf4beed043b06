"""What is made of a question once is what the checks would make of it again, and of an edited one another."""

from __future__ import annotations

from e2lm_core.base.settings import Limits
from e2lm_core.sets.checks import check, question_features
from tests.sets.checks.elements import a_set, findings


def edited(task, place: int, **changes):
    questions = [*task.questions]
    questions[place] = questions[place].model_copy(update=changes)
    return task.model_copy(update={"questions": tuple(questions)})


def copied(task):
    """The same set of other objects: nothing that was made of a question is known."""
    return type(task).model_validate_json(task.model_dump_json())


def test_words_are_in_order_and_once_each() -> None:
    (words,) = question_features.question_words(
        [a_set(1).questions[0].model_copy(update={"question": "To be or not to be"})]
    )
    assert words.every == ("to", "be", "or", "not", "to", "be")
    assert words.distinct == ("to", "be", "or", "not")


def test_an_unsound_question_has_no_habit() -> None:
    question = a_set(1).questions[0]
    assert question_features.key_positions([question, question.model_copy(update={"answer": 9})])[1] is None
    assert question_features.key_positions(
        [question.model_copy(update={"choices": ("a", "bb"), "answer": 1})]
    ) == [question_features.KeyPosition(2, 1, True, False)]


def test_an_edit_is_seen_whatever_was_known_before() -> None:
    task = a_set(40)
    first = task.questions[0]
    for changes in (
        {"question": task.questions[3].question, "choices": task.questions[3].choices},
        {"choices": ("gold", "the gold.", "iron", "tin")},
        {"question": f"{first.question} Is it {first.choices[first.answer]}?"},
        {"question": "Wie heißt das Wasser, wenn man es im Winter vor dem Hause gefrieren läßt und mißt?"},
        {},
    ):
        now = edited(task, 0, **changes)
        assert findings(now) == findings(copied(now)), changes
    assert findings(edited(task, 0)) == findings(task)


def test_a_fault_is_seen_whatever_was_known_before() -> None:
    task, limits = a_set(40), Limits()
    assert not check.structural_errors(task.questions, limits)
    (found,) = check.structural_errors(edited(task, 7, answer=99).questions, limits)
    assert found.sentence.startswith("Question 8: gold is 99")
    (found,) = check.structural_errors(edited(task, 7, id=task.questions[2].id).questions, limits)
    assert found.sentence.startswith("Question 8: its id")
    assert "question 3" in found.sentence
    assert check.structural_errors(task.questions, Limits(max_choices=2))
