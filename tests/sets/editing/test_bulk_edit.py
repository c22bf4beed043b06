"""Many questions in one step: what each change makes of them, and that one undo takes it back."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2lm_core.base.errors import StudioError, TaskError
from e2lm_core.base.records import Question
from e2lm_core.base.settings import Settings
from e2lm_core.sets import collection, versions
from e2lm_core.sets.editing import bulk_edit
from tests.support import studios

EVERY = [f"q{n}" for n in range(1, 9)]


@pytest.fixture
def here(tmp_path) -> Settings:
    settings = Settings(home=tmp_path, author="ada")
    collection.create_set(settings, "mine", [studios.question(n) for n in range(1, 9)])
    return settings


def questions(settings: Settings, name: str = "mine") -> list[Question]:
    return list(collection.open_set(settings, name).questions)


def right(question: Question) -> str:
    return question.choices[question.answer]


def test_each_is_one_step_that_undo_takes_back(here: Settings) -> None:
    before = questions(here)
    for change in (
        lambda: bulk_edit.retag(here, "mine", EVERY, "algebra"),
        lambda: bulk_edit.duplicate(here, "mine", ["q1", "q3"]),
        lambda: bulk_edit.shuffle(here, "mine", EVERY, seed=3),
        lambda: bulk_edit.replace_text(here, "mine", EVERY, "twice", "two times"),
    ):
        change()
        assert questions(here) != before
        versions.undo(here, "mine")
        assert questions(here) == before


def test_retag(here: Settings) -> None:
    bulk_edit.retag(here, "mine", ["q2"], " algebra ")
    assert [q.subject for q in questions(here)][:3] == ["mathematics", "algebra", "mathematics"]
    bulk_edit.retag(here, "mine", ["q2"], "")
    assert questions(here)[1].subject is None


def test_a_duplicate_stands_behind_its_question(here: Settings) -> None:
    bulk_edit.duplicate(here, "mine", ["q1", "q8"])
    bulk_edit.duplicate(here, "mine", ["q1"])
    assert [q.id for q in questions(here)] == ["q1", "q1-3", "q1-2", *EVERY[1:], "q8-2"]
    assert questions(here)[1].question == questions(here)[0].question


def test_copies_go_to_another_set(here: Settings) -> None:
    collection.create_set(here, "other", [studios.question(2)])
    bulk_edit.copy_to(here, "mine", ["q2", "q5"], "other")
    assert [q.question for q in questions(here, "other")] == [questions(here)[n].question for n in (1, 1, 4)]
    assert len({q.id for q in questions(here, "other")}) == 3


def test_shuffling_keeps_the_right_answer_and_what_speaks_of_places(here: Settings) -> None:
    before = questions(here)
    bulk_edit.shuffle(here, "mine", EVERY, seed=1)
    after = questions(here)
    assert [right(q) for q in after] == [right(q) for q in before]
    assert [sorted(q.choices) for q in after] == [sorted(q.choices) for q in before]
    assert after != before
    placed = Question(id="p", question="?", choices=("a", "b", "c", "All of the above"), answer=3)
    assert bulk_edit.movable_positions(placed) == [0, 1, 2]
    for text in ("Both A and B", "none of these", "A or C", "the ones above"):
        assert bulk_edit.movable_positions(placed.model_copy(update={"choices": ("a", text)})) == [0], text
    assert (
        bulk_edit.movable_positions(placed.model_copy(update={"choices": ("a lion", "an above-ground root")}))
        != []
    )


@given(st.lists(st.tuples(st.integers(2, 5), st.integers(0, 4)), min_size=1, max_size=60), st.integers(0, 9))
def test_balanced_places_differ_by_one_at_most(drawn: list[tuple[int, int]], seed: int) -> None:
    made = [
        Question(id=f"q{n}", question="?", choices=tuple(f"c{i}" for i in range(size)), answer=gold % size)
        for n, (size, gold) in enumerate(drawn)
    ]
    moved = dict(bulk_edit._balanced(made, __import__("random").Random(seed)))
    after = [moved.get(q.id, q) for q in made]
    assert [right(q) for q in after] == [right(q) for q in made]
    for size in {size for size, _ in drawn}:
        held = Counter(q.answer for q in after if len(q.choices) == size)
        counts = [held[place] for place in range(size)]
        assert max(counts) - min(counts) <= 1


def test_balance_moves_no_more_than_it_must(here: Settings) -> None:
    before = questions(here)
    bulk_edit.balance(here, "mine", EVERY)
    after = questions(here)
    assert sorted(Counter(q.answer for q in after).values()) == [2, 2, 2, 2]
    held = Counter(q.answer for q in before)
    surplus = sum(max(0, held[place] - 2) for place in range(4))
    assert sum(a != b for a, b in zip(after, before, strict=True)) == surplus


def test_find_shows_what_replace_does(here: Settings) -> None:
    found = bulk_edit.find_replacements(questions(here), "TWICE", "two times")
    assert len(found) == 8
    assert found[0] == ("q1", "question", "What is twice the number 1?", "What is two times the number 1?")
    assert bulk_edit.find_replacements(questions(here), "TWICE", "x", match_case=True) == []
    bulk_edit.replace_text(here, "mine", ["q1"], "TWICE", "two times")
    assert questions(here)[0].question == found[0].after
    assert questions(here)[1].question == found[1].before
    bulk_edit.replace_text(here, "mine", EVERY, r"\d+", r"\1")  # a text, no pattern
    assert questions(here)[2].choices == questions(here)[2].choices
    bulk_edit.replace_text(here, "mine", EVERY, "{x}{}", "{0}")  # nor a place for another
    bulk_edit.replace_text(here, "mine", ["q1"], "mathematics", "", ["subject"])
    assert questions(here)[0].subject is None


def test_bad_wishes_are_one_sentence(here: Settings) -> None:
    with pytest.raises(StudioError, match="choose at least one"):
        bulk_edit.retag(here, "mine", [], "x")
    with pytest.raises(TaskError, match="no question 'q99'"):
        bulk_edit.shuffle(here, "mine", ["q99"])
    with pytest.raises(StudioError, match="no text to look for"):
        bulk_edit.find_replacements(questions(here), "", "x")
    with pytest.raises(StudioError, match="no text to replace in"):
        bulk_edit.replace_text(here, "mine", EVERY, "a", "b", ["answer"])
    before = questions(here)
    with pytest.raises(TaskError):  # two equal choices
        bulk_edit.replace_text(
            here, "mine", ["q1"], before[0].choices[0], before[0].choices[1], ["choices"], match_case=True
        )
    assert questions(here) == before
