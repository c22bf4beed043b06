"""What two authors changed of one question: what merges and what clashes, by hand and as properties."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import Question
from e2lm_core.sets.conflicts import (
    CHOICES_AND_ANSWER,
    PAIR,
    KeyedChoices,
    conflict_fields,
    merge,
    require_pair,
)

WAS = Question(
    id="q1", question="Was?", choices=("a", "b", "c", "d"), answer=1, subject=None, extra={"x": 1, "y": 2}
)


BOTH = CHOICES_AND_ANSWER


def after(theirs: dict[str, Any], mine: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The question after `mine` was merged over `theirs` (the changed fields alone), and the fields that clash."""
    present = WAS.model_copy(update=theirs)
    merged = merge(present, mine, {field: getattr(WAS, field) for field in Question.model_fields})
    result = present.model_copy(update=merged.fields)
    changed = {f: v for f in Question.model_fields if (v := getattr(result, f)) != getattr(WAS, f)}
    return changed, sorted(clash.field for clash in merged.clashes)


@pytest.mark.parametrize(
    ("theirs", "mine", "result", "clashes"),
    [
        ({}, {"question": "Mine?"}, {"question": "Mine?"}, []),
        ({"question": "Theirs?"}, {"question": "Mine?"}, {"question": "Theirs?"}, ["question"]),
        ({"question": "Same?"}, {"question": "Same?"}, {"question": "Same?"}, []),
        ({"question": "Theirs?"}, {"question": "Was?"}, {"question": "Theirs?"}, []),
        ({"note": "n"}, {"subject": "s"}, {"note": "n", "subject": "s"}, []),
        ({"subject": "s"}, {"subject": None}, {"subject": "s"}, []),
        # Choice by choice: each changed by one of them at most.
        ({"choices": ("A", "b", "c", "d")}, {"choices": ["a", "b", "c", "D"]}, {"choices": ("A", "b", "c", "D")}, []),
        ({"choices": ("A", "b", "c", "d")}, {"choices": ("Z", "b", "c", "d")}, {"choices": ("A", "b", "c", "d")}, [BOTH]),
        ({"choices": ("A", "b", "c", "d")}, {"choices": ("a", "b", "c", "d", "e")}, {"choices": ("A", "b", "c", "d", "e")}, []),
        ({"choices": ("a", "b", "c", "X")}, {"choices": ("a", "c", "d")}, {"choices": ("a", "b", "c", "X")}, [BOTH]),
        # A choice that is reworded has not moved: the gold index still points where it did.
        ({"choices": ("a", "B", "c", "d")}, {"answer": 2}, {"choices": ("a", "B", "c", "d"), "answer": 2}, []),
        ({"answer": 2}, {"choices": ("a", "B", "c", "d")}, {"choices": ("a", "B", "c", "d"), "answer": 2}, []),
        # Unless it is the very one that the other marked: they marked another text.
        ({"choices": ("a", "b", "C", "d")}, {"answer": 2}, {"choices": ("a", "b", "C", "d")}, [BOTH]),
        ({"answer": 2}, {"choices": ("a", "b", "C", "d")}, {"answer": 2}, [BOTH]),
        # One that was taken out, or put elsewhere, has moved.
        ({"choices": ("b", "c", "d")}, {"answer": 2}, {"choices": ("b", "c", "d")}, [BOTH]),
        ({"choices": ("c", "b", "a", "d")}, {"answer": 2}, {"choices": ("c", "b", "a", "d")}, [BOTH]),
        ({"answer": 2}, {"choices": ("b", "a", "c", "d")}, {"answer": 2}, [BOTH]),
        ({"choices": ("b", "a", "c", "d"), "answer": 0}, {"choices": ("a", "b", "c", "D")}, {"choices": ("b", "a", "c", "D"), "answer": 0}, []),
        ({"choices": ("A", "b", "c", "d")}, {"choices": ("b", "a", "c", "d"), "answer": 0}, {"choices": ("A", "b", "c", "d")}, [BOTH]),
        ({"answer": 3}, {"choices": ("b", "a", "c", "d"), "answer": 0}, {"answer": 3}, [BOTH]),
        ({"extra": {"x": 5, "y": 2}}, {"extra": {"x": 1, "y": 2, "z": 3}}, {"extra": {"x": 5, "y": 2, "z": 3}}, []),
        ({"extra": {"x": 5, "y": 2}}, {"extra": {"y": 2}}, {"extra": {"x": 5, "y": 2}}, ["extra"]),
    ],
)  # fmt: skip
def test_what_merges_and_what_clashes(theirs, mine, result, clashes) -> None:
    assert after(theirs, mine) == (result, clashes)


@given(st.sampled_from(["question", "subject"]), *[st.sampled_from(["x", "y", "z", None]) for _ in range(3)])
def test_a_value_shown_is_a_value_seen(field, draft, holds, typed) -> None:
    """Editing over a draft clashes with a third text alone, never with that draft."""
    holds, typed = (value or "w" for value in (holds, typed))
    merged = merge(WAS.model_copy(update={field: holds}), {field: typed}, {field: "old"}, {field: draft})
    assert bool(merged.clashes) == (holds not in (draft, typed, "old"))


def test_a_clash_says_what_was_seen_what_is_there_and_what_is_wanted() -> None:
    present = WAS.model_copy(update={"question": "Theirs?"})
    (clash,) = merge(present, {"question": "Mine?"}, {"question": "Was?"}).clashes
    assert clash.model_dump() == {
        "question": "q1", "field": "question", "seen": "Was?", "theirs": "Theirs?", "mine": "Mine?"
    }  # fmt: skip


def test_choices_and_answer_clash_as_one_value() -> None:
    present = WAS.model_copy(update={"choices": ("d", "c", "b", "a"), "answer": 2})
    (clash,) = merge(present, {"answer": 3}, {"choices": ["a", "b", "c", "d"], "answer": 1}).clashes
    assert (clash.field, clash.seen, clash.theirs, clash.mine) == (
        BOTH,
        KeyedChoices(WAS.choices, 1),
        KeyedChoices(present.choices, 2),
        KeyedChoices(WAS.choices, 3),
    )
    assert conflict_fields(BOTH, clash.mine) == {"choices": WAS.choices, "answer": 3}


@pytest.mark.parametrize(
    ("mine", "seen", "said"),
    [
        ({"answer": 3}, {"answer": 1}, "right answer came without the choices that you saw"),
        ({"choices": "dcba"}, {"choices": "abcd"}, "choices came without the right answer that you saw"),
        ({"choices": "dcba", "answer": 3}, {}, "right answer came without the choices that you saw"),
        ({"answer": 3, "note": "n"}, {"answer": 1, "note": None}, "right answer came without the choices"),
    ],
)
def test_half_a_pair_is_refused_in_a_sentence(mine: dict, seen: dict, said: str) -> None:
    with pytest.raises(TaskError, match=said):
        require_pair("q1", mine, seen)


def test_a_pair_that_was_seen_and_other_fields_are_not_refused() -> None:
    require_pair("q1", {"answer": 3}, {"choices": "abcd", "answer": 1})
    require_pair("q1", {"note": "n"}, {})


def test_what_nobody_says_to_have_seen_is_written_as_it_is() -> None:
    present = WAS.model_copy(update={"question": "Theirs?"})
    assert merge(present, {"question": "Mine?"}, {}).fields == {"question": "Mine?"}


choices = st.lists(st.sampled_from("abcde"), min_size=2, max_size=5, unique=True).map(tuple)
sides = st.fixed_dictionaries(
    {},
    optional={
        "question": st.sampled_from(["Was?", "One?", "Two?"]),
        "choices": choices,
        "answer": st.integers(0, 4),
    },
)


@given(theirs=sides, mine=sides)
def test_nothing_of_theirs_is_lost_and_nothing_of_mine_unsaid(theirs, mine) -> None:
    changed, clashes = after(theirs, mine)
    for field, value in theirs.items():
        if field not in mine or mine[field] == getattr(WAS, field):
            assert changed.get(field, getattr(WAS, field)) == value
    for field, value in mine.items():
        clash = BOTH if field in PAIR else field
        if clash not in clashes and (field not in theirs or theirs[field] == getattr(WAS, field)):
            assert changed.get(field, getattr(WAS, field)) == value


@given(theirs=sides, mine=sides)
def test_the_text_that_is_marked_in_the_end_is_one_that_somebody_marked(theirs, mine) -> None:
    marked = [
        value.choices[value.answer : value.answer + 1]
        for value in (WAS.model_copy(update=side) for side in (theirs, mine))
    ]
    result = WAS.model_copy(update=after(theirs, mine)[0])
    assert result.choices[result.answer : result.answer + 1] in marked


@given(theirs=sides, mine=sides)
def test_who_changes_alone_is_never_refused(theirs, mine) -> None:
    assert after({}, mine)[1] == after(theirs, {})[1] == []
