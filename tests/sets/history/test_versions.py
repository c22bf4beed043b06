"""Undo and redo walk through the edits of a set, and any kept state opens by its number."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from e2lm_core.base.errors import StudioError, TaskError
from e2lm_core.base.formatting import choice_letter
from e2lm_core.base.settings import Settings
from e2lm_core.sets import authoring, collection, versions
from e2lm_core.sets.folder import set_cache
from e2lm_core.sets.history import journal as logs
from e2lm_core.sets.history.restore_preview import field_label, field_texts
from tests.support import studios


def test_undo_and_redo_walk_through_every_edit(here: Settings) -> None:
    states = [collection.open_set(here, "mine")]
    states += [
        authoring.update_questions(here, "mine", {f"q{n}": {"question": f"New {n}?"}}) for n in (1, 2, 3)
    ]
    for state in states[-2::-1]:
        assert versions.undo(here, "mine") == state == collection.open_set(here, "mine")
    with pytest.raises(StudioError, match="nothing to undo"):
        versions.undo(here, "mine")
    for state in states[1:]:
        assert versions.redo(here, "mine") == state == collection.open_set(here, "mine")
    with pytest.raises(StudioError, match="nothing to redo"):
        versions.redo(here, "mine")


def test_an_edit_after_undo_drops_what_was_undone(here: Settings) -> None:
    authoring.update_questions(here, "mine", {"q1": {"question": "One?"}})
    versions.undo(here, "mine")
    authoring.update_questions(here, "mine", {"q2": {"question": "Two?"}})
    assert versions.available_undo(here, "mine") == ("edit question q2", None)


def test_undo_outlives_the_session(here: Settings) -> None:
    authoring.delete_questions(here, "mine", ["q1"])
    later = Settings(home=here.home, tasks=here.tasks, ladder=here.ladder)
    assert versions.available_undo(later, "mine") == ("delete a question", None)
    assert len(versions.undo(later, "mine").questions) == 6


def test_versions_are_listed_and_opened(here: Settings) -> None:
    assert versions.list_versions(here, "mine") == []
    with pytest.raises(TaskError, match="never edited"):
        versions.open_version(here, "mine", 0)
    before = collection.open_set(here, "mine")
    authoring.update_questions(here, "mine", {"q1": {"question": "What is one and one?"}})
    assert [(v.number, v.action, v.shown) for v in versions.list_versions(here, "mine")] == [
        (0, "open", False),
        (1, "edit question q1", True),
    ]
    assert versions.open_version(here, "mine", 0) == before
    with pytest.raises(TaskError, match="it has 0 to 1"):
        versions.open_version(here, "mine", 7)


def test_a_version_says_who_made_it_and_when(here: Settings) -> None:
    ada = here.for_person(None, "ada")
    authoring.update_questions(ada, "mine", {"q1": {"note": "hers"}})
    opened, edited = versions.list_versions(here, "mine")
    assert (opened.who, edited.who) == ("", "ada")
    assert edited.at is not None
    assert datetime.fromisoformat(edited.at).tzinfo == UTC
    assert abs((datetime.now(UTC) - datetime.fromisoformat(edited.at)).total_seconds()) < 60


# --- one's own last change ------------------------------------------------------------------------------


@pytest.fixture
def both(here: Settings) -> tuple[Settings, Settings]:
    """Two authors of one set."""
    return here.for_person(None, "ada"), here.for_person(None, "bob")


def note(settings: Settings, identity: str = "q1") -> str | None:
    return next(q.note for q in collection.open_set(settings, "mine").questions if q.id == identity)


def test_undo_takes_back_ones_own_and_leaves_the_others(both) -> None:
    ada, bob = both
    authoring.update_questions(ada, "mine", {"q1": {"note": "hers"}})
    authoring.update_questions(bob, "mine", {"q2": {"note": "his"}})
    assert versions.available_undo(ada, "mine") == ("edit question q1", None)
    moved = versions.undo_with_note(ada, "mine")
    assert (note(ada), note(ada, "q2"), moved.sentence) == (None, "his", None)
    assert versions.available_undo(ada, "mine") == (None, "edit question q1")
    assert versions.available_undo(bob, "mine") == ("edit question q2", None)
    with pytest.raises(StudioError, match="nothing to undo"):
        versions.undo(ada, "mine")
    with pytest.raises(StudioError, match="nothing to redo"):
        versions.redo(bob, "mine")
    authoring.update_questions(bob, "mine", {"q3": {"note": "his"}})
    assert versions.redo_with_note(ada, "mine").sentence is None
    assert (note(ada), note(ada, "q3")) == ("hers", "his")


def test_without_an_author_undo_takes_back_the_last_change_of_all(here: Settings, both) -> None:
    ada, bob = both
    authoring.update_questions(ada, "mine", {"q1": {"note": "hers"}})
    authoring.update_questions(bob, "mine", {"q2": {"note": "his"}})
    versions.undo(here, "mine")
    assert (note(here), note(here, "q2")) == ("hers", None)
    assert versions.available_undo(bob, "mine") == (None, None)
    versions.undo(here, "mine")
    assert note(here) is None
    assert [versions.redo(here, "mine").questions[n].note for n in (0, 1)] == ["hers", "his"]


def test_where_anothers_change_stands_on_it_that_is_said(both) -> None:
    ada, bob = both
    authoring.update_questions(ada, "mine", {"q1": {"question": "Hers?", "note": "hers"}})
    authoring.update_questions(bob, "mine", {"q1": {"question": "His?"}})
    moved = versions.undo_with_note(ada, "mine")
    assert moved.sentence == "The text of q1 stays as it is: bob has changed it since."
    assert (moved.task.questions[0].question, moved.task.questions[0].note) == ("His?", None)
    assert versions.redo_with_note(ada, "mine").sentence == moved.sentence
    assert note(ada) == "hers"
    # Nothing of it is left to be taken back: the one before is next all the same.
    authoring.update_questions(ada, "mine", {"q2": {"note": "hers"}})
    authoring.update_questions(bob, "mine", {"q2": {"note": "his"}})
    assert (
        versions.undo_with_note(ada, "mine").sentence
        == "The note of q2 stays as it is: bob has changed it since."
    )
    assert versions.available_undo(ada, "mine") == ("edit question q1", "edit question q2")


def test_a_question_that_another_deleted_stays_deleted(both) -> None:
    ada, bob = both
    authoring.update_questions(ada, "mine", {"q1": {"note": "hers"}})
    authoring.delete_questions(bob, "mine", ["q1"])
    assert (
        versions.undo_with_note(ada, "mine").sentence
        == "Question q1 stays as it is: bob has changed it since."
    )
    versions.undo(bob, "mine")
    assert note(ada) == "hers"


def test_deleted_questions_come_back_among_what_others_did(both) -> None:
    ada, bob = both
    authoring.delete_questions(ada, "mine", ["q2", "q3"])
    authoring.update_questions(bob, "mine", {"q4": {"note": "his"}})
    authoring.add_questions(bob, "mine", [studios.question(70)])
    after = versions.undo(ada, "mine")
    assert [q.id for q in after.questions] == ["q1", "q2", "q3", "q4", "q5", "q6", "q70"]
    assert note(ada, "q4") == "his"


def test_an_undo_that_would_spoil_the_set_is_refused(both) -> None:
    ada, bob = both
    authoring.update_config(ada, "mine", num_fewshot=0, description="Hers.")
    authoring.set_fewshot_examples(ada, "mine", ["q1", "q2"])
    authoring.set_fewshot_examples(ada, "mine", ["q1", "q2", "q3"])
    authoring.update_config(bob, "mine", num_fewshot=3)
    before = collection.open_set(ada, "mine")
    with pytest.raises(StudioError):
        versions.undo(ada, "mine")
    assert collection.open_set(ada, "mine") == before


# --- names, restoring, comparing ------------------------------------------------------------------------


def test_a_version_is_named_and_restored(here: Settings) -> None:
    first = authoring.update_questions(here, "mine", {"q1": {"question": "One?"}})
    versions.name_version(here, "mine", 1, "  as   sent ")
    authoring.update_questions(here, "mine", {"q1": {"question": "Two?"}})
    assert [v.name for v in versions.list_versions(here, "mine")] == [None, "as sent", None]
    for number, called, says in (
        (9, "x", "no version 9"),
        (2, "as sent", "already"),
        (2, "x" * 81, "at most 80"),
    ):
        with pytest.raises(TaskError, match=says):
            versions.name_version(here, "mine", number, called)
    assert versions.restore_version(here, "mine", 1) == first == collection.open_set(here, "mine")
    assert versions.available_undo(here, "mine")[0] == "restore version 1"
    assert versions.undo(here, "mine").questions[0].question == "Two?"
    versions.name_version(here, "mine", 1, "")
    assert not any(v.name for v in versions.list_versions(here, "mine"))


def test_the_words_that_differ_between_two_versions(here: Settings) -> None:
    authoring.update_questions(here, "mine", {"q1": {"question": "What is thrice the number 1?"}})
    authoring.update_questions(here, "mine", {"q2": {"choices": ("0", "4", "5", "6"), "answer": 1}})
    authoring.delete_questions(here, "mine", ["q3"])
    authoring.update_config(here, "mine", description="Choose.")
    found = versions.differences(here, "mine", 0)
    assert [(d.question, d.field) for d in found] == [
        (None, "description"), ("q1", "question"), ("q2", "choice 0"), ("q2", "choice 1"), ("q2", "choice 2"),
        ("q2", "choice 3"), ("q2", "answer"), ("q3", None),
    ]  # fmt: skip
    assert found[1].parts == (
        ("same", "What is "), ("out", "twice"), ("in", "thrice"), ("same", " the number 1?")
    )  # fmt: skip
    assert (found[-1].before, found[-1].after) == ("What is twice the number 3?", None)
    for difference in found:
        assert "".join(text for kind, text in difference.parts if kind != "in") == (difference.before or "")
        assert "".join(text for kind, text in difference.parts if kind != "out") == (difference.after or "")
    assert [d.question for d in versions.differences(here, "mine", 1, 2)] == ["q2"] * len(
        versions.differences(here, "mine", 1, 2)
    )
    assert versions.differences(here, "mine", 0, 0) == []


def test_the_questions_that_moved_between_two_versions(here: Settings) -> None:
    ids = [q.id for q in collection.open_set(here, "mine").questions]
    authoring.move_question(here, "mine", ids[0], len(ids))
    found = versions.differences(here, "mine", 0)
    assert [(d.question, d.field, d.before, d.after) for d in found] == [
        (ids[0], "place", "1", str(len(ids)))
    ]
    authoring.delete_questions(here, "mine", [ids[1]])
    assert [(d.question, d.field) for d in versions.differences(here, "mine", 0)] == [
        (ids[1], None), (ids[0], "place"),
    ]  # fmt: skip
    authoring.delete_questions(here, "mine", [ids[0]])
    assert [d.question for d in versions.differences(here, "mine", 0)] == ids[:2]


# --- what was edited since ------------------------------------------------------------------------------


def test_the_questions_that_were_edited_since_a_version(here: Settings) -> None:
    assert versions.last_version_number(here, "mine") == -1
    assert versions.edited_since(here, "mine", -1) == frozenset()
    authoring.update_questions(here, "mine", {"q1": {"question": "One?"}})
    authoring.delete_questions(here, "mine", ["q6"])
    authoring.add_questions(here, "mine", [studios.question(50, id="q50")])
    assert versions.last_version_number(here, "mine") == 3
    assert versions.edited_since(here, "mine", -1) == {"q1", "q50"}
    assert versions.edited_since(here, "mine", 1) == {"q50"}
    assert versions.edited_since(here, "mine", 3) == {"q50"}  # nothing is later: the last step's
    assert versions.edited_since(here, "mine", None) == {"q50"}
    versions.undo(here, "mine")
    assert versions.edited_since(here, "mine", 3) == frozenset()  # q50 is gone again


def test_a_prompt_or_example_that_changed_is_an_edit_of_every_question(here: Settings) -> None:
    authoring.update_questions(here, "mine", {"q1": {"question": "One?"}})
    authoring.update_config(here, "mine", metadata={"version": 2.0})
    assert versions.edited_since(here, "mine", 1) == frozenset()
    authoring.update_config(here, "mine", description="Choose.")
    assert versions.edited_since(here, "mine", 2) is None
    assert versions.edited_since(here, "mine", 0) is None
    authoring.set_fewshot_examples(here, "mine", ["q2"])
    assert versions.edited_since(here, "mine", 3) is None


def test_since_a_version_that_is_forgotten_every_question_may_be_edited(here: Settings, monkeypatch) -> None:
    monkeypatch.setattr(logs, "MAX_STEPS", 8)
    monkeypatch.setattr(logs, "KEPT_STEPS", 5)
    for number in range(12):
        authoring.update_questions(here, "mine", {f"q{1 + number % 6}": {"note": f"{number}"}})
    oldest = versions.list_versions(here, "mine")[0].number
    assert oldest > 1
    assert versions.edited_since(here, "mine", oldest) is not None
    for forgotten in (-1, 0, oldest - 1):
        assert versions.edited_since(here, "mine", forgotten) is None


WAS = {"choices": ("3", "4", "5", "2"), "answer": 3}  # as `here` has q1
TURNED = {"choices": ("2", "5", "4", "3"), "answer": 0}


def marked(settings: Settings) -> str:
    question = collection.open_set(settings, "mine").questions[0]
    return question.choices[question.answer]


@pytest.mark.parametrize("place", range(4))
def test_undo_of_moved_choices_leaves_what_another_marked_in_them(here: Settings, place: int) -> None:
    ada, bob = (here.model_copy(update={"author": name}) for name in ("ada", "bob"))
    authoring.update_questions(ada, "mine", {"q1": TURNED})
    authoring.update_questions(bob, "mine", {"q1": {"answer": place}})
    moved = versions.undo_with_note(ada, "mine")
    assert marked(ada) == TURNED["choices"][place]
    assert (moved.sentence is None) == (place == 0)
    if place:
        assert "bob has changed them since" in (moved.sentence or "")


def test_undo_of_a_mark_leaves_it_where_another_moved_the_choices(here: Settings) -> None:
    ada, bob = (here.model_copy(update={"author": name}) for name in ("ada", "bob"))
    authoring.update_questions(ada, "mine", {"q1": {"answer": 0}})
    # The right one stays in its place: field by field the mark could be taken back.
    authoring.update_questions(bob, "mine", {"q1": {"choices": ("3", "5", "2", "4")}})
    assert "q1" in (versions.undo_with_note(ada, "mine").sentence or "")
    assert marked(ada) == "3"


def test_undo_and_redo_turn_choices_that_another_only_reworded(here: Settings) -> None:
    ada, bob = (here.model_copy(update={"author": name}) for name in ("ada", "bob"))
    authoring.update_questions(ada, "mine", {"q1": {"answer": 0}})
    authoring.update_questions(bob, "mine", {"q1": {"choices": ("3", "four", "5", "2")}})
    assert versions.undo_with_note(ada, "mine").sentence is None
    after = collection.open_set(ada, "mine").questions[0]
    assert (after.choices, after.answer) == (("3", "four", "5", "2"), 3)
    assert versions.redo_with_note(ada, "mine").sentence is None
    assert collection.open_set(ada, "mine").questions[0].answer == 0


def test_choices_are_not_turned_back_across_an_unknown_change(here: Settings, monkeypatch) -> None:
    """The files were changed by hand, and the state before is kept nowhere: the right answer may be another's."""
    monkeypatch.setattr(logs, "SNAPSHOT_BYTES", 10)  # as for a set of many megabytes
    authoring.update_questions(here, "mine", {"q1": TURNED})
    path = here.sets / "mine" / "test.jsonl"
    path.write_text(path.read_text().replace("twice the number 4", "double the number 4"))
    monkeypatch.setattr(set_cache, "_sets", type(set_cache._sets)())
    monkeypatch.setattr(set_cache, "_before", type(set_cache._before)())
    ada = here.model_copy(update={"author": "ada"})
    authoring.update_questions(ada, "mine", {"q5": {"note": "after"}})
    assert versions.available_undo(here, "mine")[0] == "edit question q5"
    versions.undo(ada, "mine")
    with pytest.raises(StudioError, match="changed outside the studio"):
        versions.undo(here, "mine")
    assert marked(here) == "2"
    assert collection.open_set(here, "mine").questions[0].choices == TURNED["choices"]


def test_a_page_from_before_a_restored_version_marks_no_other_text(here: Settings) -> None:
    authoring.update_questions(here, "mine", {"q2": {"note": "the first version"}})
    first = versions.list_versions(here, "mine")[-1].number
    authoring.update_questions(here, "mine", {"q1": TURNED})
    versions.restore_version(here, "mine", first)
    out = authoring.merge_edits(here, "mine", {"q1": {"answer": 3}}, {"q1": TURNED})
    assert [tuple(clash.mine) for clash in out.clashes] == [(TURNED["choices"], 3)]
    assert collection.open_set(here, "mine").questions[0].choices == WAS["choices"]
    assert marked(here) == "2"


def test_a_restore_says_before_which_questions_it_changes(here: Settings) -> None:
    first = collection.open_set(here, "mine")
    authoring.update_questions(here, "mine", {"q1": {"question": "What is thrice the number 1?"}})
    authoring.delete_questions(here, "mine", ["q2"])
    authoring.add_questions(
        here, "mine", [first.questions[1].model_copy(update={"id": "new", "question": "Four?"})]
    )
    authoring.move_question(here, "mine", "q5", 1)
    authoring.change_title(here, "mine", "Numbers")
    found = versions.preview_restore(here, "mine", 0)
    assert [(one.question, one.field) for one in found.changed] == [("q1", "question")]
    assert found.changed[0].parts[1:3] == (("out", "thrice"), ("in", "twice"))
    assert [(one.question, one.after) for one in found.added] == [("q2", first.questions[1].question)]
    assert [(one.question, one.before) for one in found.removed] == [("new", "Four?")]
    assert [(one.field, one.before, one.after) for one in found.settings] == [("title", "Numbers", None)]
    assert found.sentence == (
        "Restoring version 0 changes 1 question, brings back 1 question, removes 1 question, changes 1 setting "
        "and changes the order."
    )
    assert collection.open_set(here, "mine").config.title == "Numbers"  # nothing is restored
    last = versions.last_version_number(here, "mine")
    assert (
        versions.preview_restore(here, "mine", last).sentence == f"Restoring version {last} changes nothing."
    )
    assert versions.restore_version(here, "mine", 0) == first
    with pytest.raises(TaskError, match="no version 99"):
        versions.preview_restore(here, "mine", 99)


def test_a_restore_names_choices_by_letter(here: Settings) -> None:
    question = collection.open_set(here, "mine").questions[0]
    changed = (question.choices[0], "another", *question.choices[2:])
    edit = {"choices": changed, "answer": (question.answer + 1) % len(changed)}
    authoring.update_questions(here, "mine", {question.id: edit})
    found = versions.preview_restore(here, "mine", 0).changed
    assert {field_label(one) for one in found} == {"choice B", "right answer"}
    (answer,) = (one for one in found if one.field == "answer")
    assert field_texts(answer) == (choice_letter(edit["answer"]), choice_letter(question.answer))
