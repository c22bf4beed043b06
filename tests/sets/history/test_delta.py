"""Differences between states: small, exact in both directions, and careful on a state that they do not know."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from e2lm_core.base.records import Question, TaskConfig, TaskSet
from e2lm_core.sets.history.delta import UnappliedChange, apply_delta, diff_states, is_affected
from tests.support import studios

TASK = studios.task()
LONG = "Which of these was known to the ancients as the most common of all? " * 5


def edited(task: TaskSet, identity: str = "q2", **fields: Any) -> TaskSet:
    questions = tuple(q.model_copy(update=fields) if q.id == identity else q for q in task.questions)
    return task.model_copy(update={"questions": questions})


def stored(before: TaskSet, after: TaskSet) -> Any:
    """A delta as it comes back from a file."""
    return json.loads(json.dumps(diff_states(before, after)))


texts = st.sampled_from(["", "a", "Was?", LONG, LONG.replace("common", "rare"), "x" + LONG, LONG[:-1]])
questions = st.builds(
    Question,
    id=st.sampled_from([f"q{n}" for n in range(8)]),
    question=texts,
    choices=st.lists(texts, max_size=4).map(tuple),
    answer=st.integers(0, 3),
    note=st.none() | texts,
    extra=st.dictionaries(st.sampled_from("xy"), st.integers(0, 2)),
)
states = st.builds(
    TaskSet,
    config=st.builds(TaskConfig, task=st.just("set"), description=texts, metadata=st.just({"version": 1.0})),
    questions=st.lists(questions, max_size=8).map(tuple),
    dev=st.lists(questions, max_size=3).map(tuple),
    readme=texts,
)


@settings(max_examples=60, deadline=None)
@given(before=states, after=states)
def test_it_is_exact_in_both_directions(before: TaskSet, after: TaskSet) -> None:
    delta = stored(before, after)
    assert apply_delta(before, delta, backwards=False) == (after, [])
    assert apply_delta(after, delta, backwards=True) == (before, [])
    assert diff_states(before, before) == {}


@settings(max_examples=30, deadline=None)
@given(order=st.permutations(range(6)))
def test_of_a_new_order_only_what_moved_is_kept(order: list[int]) -> None:
    after = TASK.model_copy(update={"questions": tuple(TASK.questions[n] for n in order)})
    delta = stored(TASK, after)
    assert apply_delta(TASK, delta, backwards=False)[0] == after
    moved = TASK.model_copy(update={"questions": (*TASK.questions[1:], TASK.questions[0])})
    assert [row["id"] for _, _, row in diff_states(TASK, moved)["test"]["in"]] == ["q1"]


def test_a_word_in_a_long_text_costs_little() -> None:
    before = edited(TASK, question=LONG * 10)
    delta = diff_states(before, edited(before, question=(LONG * 10).replace("common", "rare", 1)))
    assert len(json.dumps(delta)) < 200


def test_anothers_change_of_the_same_field_stands_and_the_rest_is_taken_back() -> None:
    after = edited(TASK, question="Mine?", note="mine")
    delta = stored(TASK, after)
    present = edited(edited(after, question="Theirs?"), "q3", note="theirs")
    result, stands = apply_delta(present, delta, backwards=True)
    assert stands == [UnappliedChange("q2", "question")]
    assert (result.questions[1].question, result.questions[1].note) == ("Theirs?", None)
    assert result.questions[2].note == "theirs"
    assert is_affected(stored(after, present), stands[0])
    assert not is_affected(stored(after, present), UnappliedChange("q2", "note"))


def test_a_longer_text_that_another_went_on_with_stands_too() -> None:
    before = edited(TASK, question=LONG)
    after = edited(before, question=LONG + " Really?")
    present = edited(after, question=LONG + " Really? Yes.")
    assert apply_delta(present, stored(before, after), backwards=True) == (
        present,
        [UnappliedChange("q2", "question")],
    )


def test_choices_are_taken_back_one_by_one() -> None:
    old = TASK.questions[1].choices
    mine = ("mine", *old[1:])
    delta = stored(TASK, edited(TASK, choices=mine))
    present = edited(TASK, choices=(*mine[:3], "theirs"))
    result, stands = apply_delta(present, delta, backwards=True)
    assert (result.questions[1].choices, stands) == ((*old[:3], "theirs"), [])


def test_deleted_questions_come_back_where_they_stood_whatever_else_has_moved() -> None:
    def without(task: TaskSet, *ids: str) -> TaskSet:
        return task.model_copy(update={"questions": tuple(q for q in task.questions if q.id not in ids)})

    after = without(TASK, "q3", "q4")
    delta = stored(TASK, after)
    assert [q.id for q in apply_delta(without(after, "q1"), delta, backwards=True)[0].questions] == [
        "q2",
        "q3",
        "q4",
        "q5",
        "q6",
    ]
    # The one that they stood behind is gone: then by their place, none lost.
    assert [q.id for q in apply_delta(without(after, "q2"), delta, backwards=True)[0].questions] == [
        "q1",
        "q5",
        "q3",
        "q4",
        "q6",
    ]
    again = after.model_copy(update={"questions": (*after.questions, studios.question(99, id="q3"))})
    result, stands = apply_delta(again, delta, backwards=True)
    assert (stands, [q.id for q in result.questions]) == (
        [UnappliedChange("q3", None)],
        ["q1", "q2", "q5", "q6", "q3", "q4"],
    )


def test_a_question_that_another_has_edited_since_it_was_added_stays() -> None:
    after = TASK.model_copy(
        update={"questions": (*TASK.questions, studios.question(50), studios.question(51))}
    )
    present = edited(after, "q51", note="theirs")
    result, stands = apply_delta(present, stored(TASK, after), backwards=True)
    assert stands == [UnappliedChange("q51", None)]
    assert [q.id for q in result.questions][5:] == ["q6", "q51"]


def test_a_change_of_a_question_that_is_gone_is_listed() -> None:
    delta = stored(TASK, edited(TASK, note="mine"))
    present = TASK.model_copy(update={"questions": TASK.questions[:1]})
    assert apply_delta(present, delta, backwards=True) == (present, [UnappliedChange("q2", None)])


def test_settings_of_the_prompt_are_taken_back_one_by_one() -> None:
    def asked(task: TaskSet, **values: Any) -> TaskSet:
        return task.model_copy(update={"config": TaskConfig(**{**dict(task.config), **values})})

    mine = asked(TASK, num_fewshot=1, description="Mine.")
    present = asked(mine, description="Theirs.").model_copy(update={"readme": "Read."})
    result, stands = apply_delta(present, stored(TASK, mine), backwards=True)
    assert (result.config.num_fewshot, result.config.description) == (0, "Theirs.")
    assert stands == [UnappliedChange(None, "description")]
