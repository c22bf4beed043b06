"""The control set: the same choices and keys, other questions' prompts, and none whose answer is among the choices."""

from __future__ import annotations

from collections import Counter

from e2lm_core.sets.prompts import wrong_question_control
from e2lm_core.sets.prompts.render import render_set
from tests.support import studios


def capitals(count: int):
    task = studios.task(count=count)
    questions = tuple(
        q.model_copy(
            update={
                "choices": (f"right {n}", f"right {(n + 1) % count}", f"wrong {n}"),
                "answer": 0,
                "subject": f"subject {n}",
            }
        )
        for n, q in enumerate(task.questions)
    )
    return task.model_copy(update={"questions": questions})


def test_choices_and_keys_stay_and_prompts_are_others():
    task = capitals(12)
    made = wrong_question_control.control_set(task)
    assert len(made.questions) == wrong_question_control.variant_count(task) * 12 == 8 * 12
    assert len({q.id for q in made.questions}) == len(made.questions)
    prompts = Counter()
    for at, question in enumerate(made.questions):
        own = task.questions[at % 12]
        assert (question.choices, question.answer) == (own.choices, own.answer)
        assert question.question != own.question
        if 12 <= at < 60:
            lender = next(q for q in task.questions if q.question == question.question)
            assert lender.choices[lender.answer] not in own.choices
            assert question.subject == lender.subject
            prompts[lender.id] += 1
    assert all(question.question == "" for question in made.questions[:12])
    assert max(prompts.values()) <= 2 * wrong_question_control.OTHERS
    assert wrong_question_control.control_set(task) == made
    assert len(render_set(made)) == len(made.questions)


def test_a_question_alone_has_no_other_and_the_largest_sets_have_fewer():
    one = capitals(12).model_copy(update={"questions": capitals(12).questions[:1]})
    assert wrong_question_control.variant_count(one) == 4
    blank, shuffled, word, negated = (q.question for q in wrong_question_control.control_set(one).questions)
    assert blank == ""
    assert sorted(shuffled.split()) != shuffled.split() or shuffled != one.questions[0].question
    assert word.endswith("?")
    assert negated == f"Which of these is NOT the right answer: {one.questions[0].question}"
    many = one.model_copy(update={"questions": one.questions * 15_000})
    assert wrong_question_control.variant_count(many) == 5
    assert wrong_question_control.control_set(one.model_copy(update={"questions": ()})).questions == ()


def test_an_ending_that_says_nothing_is_a_full_stop():
    plain = capitals(3)
    config = plain.config.model_copy(update={"doc_to_text": "answer", "doc_to_target": "question"})
    made = wrong_question_control.control_set(plain.model_copy(update={"config": config}))
    docs = render_set(made)
    assert docs[0].requests[:2] == (("right 0", " ."), ("right 1", " ."))
    assert docs[3].requests[0] == ("right 0", f" {made.questions[3].question}")


def test_where_every_other_right_answer_is_among_the_choices_another_is_taken_all_the_same():
    task = studios.task(count=3)
    same = tuple(q.model_copy(update={"choices": ("a", "b"), "answer": 0}) for q in task.questions)
    made = wrong_question_control.control_set(task.model_copy(update={"questions": same}))
    assert len(made.questions) == 24
    assert all(q.question != same[at % 3].question for at, q in enumerate(made.questions))


def test_an_edit_changes_its_own_prompts_and_those_that_borrow_it():
    task = capitals(12)
    edited = task.questions[3].model_copy(update={"question": "Where does the zebra graze?"})
    now = task.model_copy(update={"questions": (*task.questions[:3], edited, *task.questions[4:])})
    before, after = (
        {q.id: q.question for q in wrong_question_control.control_set(one).questions} for one in (task, now)
    )
    changed = {name for name in before if before[name] != after[name]}
    assert {f"{name} {edited.id}" for name in ("shuffled", "word", "negated")} <= changed
    assert all(after[name] == "Where does the zebra graze?" for name in changed if name[0] in "1234")
    assert len(changed) <= 3 + 2 * wrong_question_control.OTHERS
    words = wrong_question_control.wording_set(now, ("word",)).questions
    assert [q.question for q in words if q.id == f"word {edited.id}"] == ["graze?"]
