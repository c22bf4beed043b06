"""What is typed into a table: saved by what its author saw, kept where it is not, added when it is complete."""

from __future__ import annotations

import time

import pytest

from e2lm_core.base.errors import TaskError
from e2lm_core.base.settings import Settings
from e2lm_core.sets import authoring, collection
from e2lm_core.sets.editing import drafts, save_edits
from tests.support import studios

Q1 = drafts.question_place("q1")


@pytest.fixture
def here(tmp_path) -> Settings:
    settings = Settings(home=tmp_path, author="ada")
    collection.create_set(settings, "mine", [studios.question(n) for n in range(1, 4)])
    return settings


def first(settings: Settings):
    return collection.open_set(settings, "mine").questions[0]


def save(settings: Settings, **fields: object) -> save_edits.SaveOutcome:
    seen = {field: getattr(first(settings), field) for field in (*fields, "choices", "answer")}
    return save_edits.save_question(settings, "mine", "q1", fields, seen)


def test_what_is_saved_is_no_draft_any_more(here: Settings) -> None:
    drafts.add_fields(
        here, "mine", Q1, {"question": "Typed?", "note": "look"}, {"question": "Old?", "note": None}
    )
    out = save(here, question="Typed?")
    assert (out.task, out.clashes, out.refused) == (collection.open_set(here, "mine"), (), "")
    assert first(here).question == "Typed?"
    left = drafts.find_draft(here, "mine", Q1)
    assert left is not None
    assert left.fields == {"note": "look"}
    save(here, note="look")
    assert drafts.find_draft(here, "mine", Q1) is None


def test_what_is_refused_is_kept(here: Settings) -> None:
    out = save(here, answer=9, note="saved with it?")
    assert "Not saved yet." in out.refused
    kept = drafts.find_draft(here, "mine", Q1)
    assert kept is not None
    assert kept.fields == {"answer": 9, "note": "saved with it?"}
    assert first(here).note is None


def test_a_clash_keeps_both_texts(here: Settings) -> None:
    seen = {"question": first(here).question, "note": None}
    authoring.update_questions(here, "mine", {"q1": {"question": "Theirs?"}})
    out = save_edits.save_question(here, "mine", "q1", {"question": "Mine?", "note": "mine"}, seen)
    assert [clash.field for clash in out.clashes] == ["question"]
    assert (first(here).question, first(here).note) == ("Theirs?", "mine")
    kept = drafts.find_draft(here, "mine", Q1)
    assert kept is not None
    assert (kept.fields, kept.tried) == ({"question": "Mine?"}, True)


def typed_in(settings: Settings, form: str, **fields: object) -> drafts.Draft:
    """A draft of a form that holds these fields, as a page sends it."""
    seen = {field: getattr(first(settings), field) for field in ("question", "choices", "answer", "note")}
    return drafts.Draft(
        task="mine", place=Q1, form=form, at=time.time(), fields={**seen, **fields}, seen=seen
    )


def test_a_form_that_is_saved_as_a_whole_is_over(here: Settings) -> None:
    form = typed_in(here, "a" * 32, question="Mine?", note="mine")
    drafts.save_draft(here, form)
    authoring.update_questions(here, "mine", {"q1": {"question": "Theirs?"}})
    changes = {"question": "Mine?", "note": "mine"}
    out = save_edits.save_question(here, "mine", "q1", changes, form.seen, form.form, ends_form=True)
    assert [clash.field for clash in out.clashes] == ["question"]
    assert not drafts.save_draft(here, form.model_copy(update={"turn": 9})), "its late text is ignored"
    kept = drafts.find_draft(here, "mine", Q1)
    assert kept is not None
    assert (kept.fields, kept.tried) == ({"question": "Mine?"}, True)


def test_a_form_that_is_refused_stays_as_it_was_typed(here: Settings) -> None:
    form = typed_in(here, "a" * 32, answer=9)
    drafts.save_draft(here, form)
    kept = drafts.find_draft(here, "mine", Q1)
    out = save_edits.save_question(here, "mine", "q1", {"answer": 9}, form.seen, form.form, ends_form=True)
    assert (out.task, out.refused.endswith("Not saved yet.")) == (None, True)
    assert drafts.find_draft(here, "mine", Q1) == kept


def test_a_clash_that_cannot_be_kept_is_said(here: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "MAX_OF_ONE", 0)
    seen = {"question": first(here).question}
    authoring.update_questions(here, "mine", {"q1": {"question": "Theirs?"}})
    out = save_edits.save_question(here, "mine", "q1", {"question": "Mine?"}, seen)
    assert [clash.field for clash in out.clashes] == ["question"]
    assert "no room for another draft" in out.refused


SHUFFLED = {"choices": ("5", "4", "3", "2"), "answer": 3}


def test_an_answer_marked_in_choices_that_moved_since_is_never_another_text(here: Settings) -> None:
    seen = {"choices": first(here).choices, "answer": first(here).answer}
    authoring.update_questions(here, "mine", {"q1": SHUFFLED})
    marked = {"choices": seen["choices"], "answer": 1}
    out = save_edits.save_question(here, "mine", "q1", marked, seen)
    assert [clash.field for clash in out.clashes] == ["choices and answer"]
    assert (first(here).choices, first(here).answer) == (SHUFFLED["choices"], 3)
    kept = drafts.find_draft(here, "mine", Q1)
    assert kept is not None
    assert (tuple(kept.fields["choices"]), kept.fields["answer"], kept.tried) == (*marked.values(), True)
    authoring.resolve_conflict(here, "mine", out.clashes[0], "mine")
    assert first(here).choices[first(here).answer] == seen["choices"][1]


@pytest.mark.parametrize(
    ("fields", "seen"), [({"answer": 1}, {"answer": 3}), ({"choices": ["a", "b"]}, {"choices": ["3"]})]
)
def test_half_of_choices_and_answer_is_refused_and_kept(here: Settings, fields: dict, seen: dict) -> None:
    before = first(here)
    out = save_edits.save_question(here, "mine", "q1", fields, seen)
    assert "that you saw" in out.refused
    assert first(here) == before
    kept = drafts.find_draft(here, "mine", Q1)
    assert kept is not None
    assert kept.fields == fields


def test_a_question_that_is_gone_keeps_what_was_typed(here: Settings) -> None:
    authoring.delete_questions(here, "mine", ["q1"])
    out = save_edits.save_question(here, "mine", "q1", {"question": "Mine?"}, {"question": "Old?"})
    assert "no longer in mine" in out.refused
    assert drafts.find_draft(here, "mine", Q1) is not None


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"choices": "abc"}, "could not be read"),
        ({"choices": [1, 2]}, "could not be read"),
        ({"answer": "A"}, "right answer"),
        ({"question": 3}, "text"),
    ],
)
def test_other_kinds_of_values_are_refused_in_a_sentence(here: Settings, fields: dict, said: str) -> None:
    with pytest.raises(TaskError, match=said):
        save_edits.save_question(here, "mine", "q1", fields, {})


@pytest.mark.parametrize("none", [None, save_edits.NO_CHOICE])
def test_a_question_without_a_right_answer_is_kept_and_says_what_to_do(
    here: Settings, none: int | None
) -> None:
    out = save(here, question="Typed?", answer=none)
    assert out.refused == "Question q1 has no right answer: click the letter of the right one. Not saved yet."
    kept = drafts.find_draft(here, "mine", Q1)
    assert kept is not None
    assert kept.fields["question"] == "Typed?"
    assert first(here).question != "Typed?"


def test_fields_that_no_table_shows_are_passed_over(here: Settings) -> None:
    save_edits.save_question(
        here, "mine", "q1", {"id": "other", "extra": {"a": 1}, "note": "x"}, {"note": None}
    )
    assert (first(here).id, first(here).extra, first(here).note) == ("q1", {}, "x")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "question text"),
        ({"question": "What?", "choices": ["a"]}, "two choices"),
        ({"question": "What?", "choices": ["a", "b"]}, "no right answer: click the letter of the right one"),
        ({"question": "What?", "choices": ["a", "b"], "answer": None}, "no right answer: click the letter"),
        ({"question": "What?", "choices": ["a", ""], "answer": 0}, "choice"),
    ],
)
def test_a_new_question_is_added_when_it_is_complete_and_a_draft_before(
    here: Settings, fields: dict, said: str
) -> None:
    drafts.add_fields(here, "mine", drafts.NEW, {"question": "What?"}, {"question": ""})
    with pytest.raises(TaskError, match=said):
        save_edits.add_question(here, "mine", fields)
    assert len(collection.open_set(here, "mine").questions) == 3
    assert drafts.find_draft(here, "mine", drafts.NEW) is not None
    made = save_edits.add_question(here, "mine", {"question": "What?", "choices": ["a", "b"], "answer": 1})
    assert collection.open_set(here, "mine").questions[-1].id == made
    assert drafts.find_draft(here, "mine", drafts.NEW) is None


def test_a_new_question_is_added_once_from_whatever_window(here: Settings) -> None:
    form, fields = "a" * 32, {"question": "What?", "choices": ["a", "b"], "answer": 1}
    draft = drafts.Draft(task="mine", place=drafts.NEW, form=form, at=time.time(), fields=fields)
    drafts.save_draft(here, draft)
    save_edits.add_question(here, "mine", fields, form)
    with pytest.raises(TaskError, match="added this question already"):
        save_edits.add_question(here, "mine", fields, form)
    assert len(collection.open_set(here, "mine").questions) == 4


def test_what_another_window_has_typed_is_no_draft_of_what_is_saved(here: Settings) -> None:
    theirs = drafts.Draft(
        task="mine", place=Q1, form="a" * 32, at=time.time(), fields={"question": "Half"}, seen={}
    )
    drafts.save_draft(here, theirs)
    seen = {"question": first(here).question}
    save_edits.save_question(here, "mine", "q1", {"question": "Whole?"}, seen, "b" * 32)
    assert first(here).question == "Whole?"
    assert drafts.find_draft(here, "mine", Q1) == theirs
    save_edits.save_question(
        here, "mine", "q1", {"question": "Half, and whole?"}, {"question": "Whole?"}, "a" * 32
    )
    assert drafts.find_draft(here, "mine", Q1) is None
