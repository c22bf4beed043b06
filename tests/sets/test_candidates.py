"""Candidates for a wrong answer."""

from __future__ import annotations

import pytest

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import Question, TaskConfig, TaskSet
from e2lm_core.sets.candidates import candidates_of_set, own_candidates, plain


def animals() -> TaskSet:
    young = [("cat", "kitten"), ("dog", "pup"), ("goat", "kid"), ("cow", "calf"), ("bee", "A larva")]
    home = [("lion", "savanna"), ("owl", "woods"), ("crab", "a beach")]
    rows = [("young", *pair) for pair in young] + [("home", *pair) for pair in home]
    return TaskSet(
        config=TaskConfig(task="animals"),
        questions=tuple(
            Question(
                id=f"{kind}-{name}",
                question=f"{kind} of {name}?",
                choices=(right, "Pup.", "woods", "xx"),
                answer=0,
                subject="biology",
                source=kind,
            )
            for kind, name, right in rows
        ),
    )


def test_answers_of_the_question_s_own_kind_come_first() -> None:
    task = animals()
    found = candidates_of_set(task, task.questions[0], place=2)
    assert set(found[:3]) == {"kid", "calf", "A larva"}, "pup is a choice already, up to a full stop"
    assert found[3:] == ["a beach", "savanna"], "the kind of the replaced choice comes next"
    assert "kitten" not in found
    assert candidates_of_set(task, task.questions[0], place=2, max_candidates=2) == found[:2]


def test_the_closest_in_length_come_first() -> None:
    task = animals()
    found = candidates_of_set(task, task.questions[0], place=1)
    assert [len(text) for text in found[:3]] == [4, 7, 3], "the middle of the choices has five characters"


def test_a_list_of_the_author_s() -> None:
    assert own_candidates([" cub ", "", "cub", "a  joey"]) == ["cub", "a joey"]
    with pytest.raises(TaskError, match="at most 20"):
        own_candidates([str(n) for n in range(21)])
    with pytest.raises(TaskError, match="longer than 500"):
        own_candidates(["x" * 501])


def test_copies_differ_in_case_article_and_full_stop() -> None:
    assert plain(" The Kitten. ") == plain("a kitten") == "kitten"
    assert plain("a") == "a"
