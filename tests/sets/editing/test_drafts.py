"""Drafts: kept for their author alone, never brought back by what comes late, within limits."""

from __future__ import annotations

import os
import time

import pytest

from e2lm_core.base.errors import LimitError, StudioError
from e2lm_core.base.settings import Settings
from e2lm_core.sets.editing import drafts
from e2lm_core.sets.editing.drafts import Draft

Q1 = drafts.question_place("q1")


@pytest.fixture
def ada(tmp_path) -> Settings:
    return Settings(home=tmp_path, author="ada")


def typed(text: str, form: str = "a" * 32, place: str = Q1, turn: int = 0, task: str = "mine") -> Draft:
    return Draft(task=task, place=place, form=form, at=time.time(), turn=turn, fields={"question": text})


def test_a_draft_is_found_again_and_the_last_text_counts(ada):
    assert drafts.find_draft(ada, "mine", Q1) is None
    assert drafts.save_draft(ada, typed("What is", turn=1))
    assert drafts.save_draft(ada, typed("What is pH?", turn=2))
    assert not drafts.save_draft(ada, typed("What is", turn=1))  # a request that was overtaken
    found = drafts.find_draft(ada, "mine", Q1)
    assert found is not None
    assert found.fields == {"question": "What is pH?"}
    assert drafts.list_drafts(ada, "mine") == [found]
    assert drafts.list_drafts(ada, "other") == []


def test_text_that_is_typed_back_is_no_draft(ada):
    drafts.save_draft(ada, typed("What is pH?", turn=1))
    back = typed("What is", turn=2).model_copy(update={"seen": {"question": "What is"}})
    assert drafts.save_draft(ada, back)
    assert drafts.find_draft(ada, "mine", Q1) is None


def test_fields_come_to_a_draft_and_leave_it_one_by_one(ada):
    drafts.add_fields(ada, "mine", Q1, {"question": "New?"}, {"question": "Old?"}, tried=True)
    drafts.add_fields(ada, "mine", Q1, {"note": "looked up"}, {"note": None})
    found = drafts.find_draft(ada, "mine", Q1)
    assert found is not None
    assert (found.fields, found.tried) == ({"question": "New?", "note": "looked up"}, True)
    drafts.drop_fields(ada, "mine", Q1, ["question"])
    left = drafts.find_draft(ada, "mine", Q1)
    assert left is not None
    assert (left.fields, left.seen) == ({"note": "looked up"}, {"note": None})
    drafts.drop_fields(ada, "mine", Q1, ["note"])
    assert drafts.find_draft(ada, "mine", Q1) is None


def test_the_text_of_another_window_stays_unless_it_is_what_was_saved(ada):
    drafts.save_draft(ada, typed("In the one window", form="a" * 32))
    drafts.drop_fields(ada, "mine", Q1, ["question"], "b" * 32, {"question": "In the other"})
    assert drafts.find_draft(ada, "mine", Q1) is not None
    drafts.drop_fields(ada, "mine", Q1, ["question"], "b" * 32, {"question": "In the one window"})
    assert drafts.find_draft(ada, "mine", Q1) is None
    assert drafts.finished_forms(ada, "mine") == {Q1: ("a" * 32,)}
    assert drafts.is_finished(ada, "mine", Q1, "a" * 32)
    assert not drafts.is_finished(ada, "mine", Q1, "b" * 32)
    drafts.save_draft(ada, typed("Typed since", form="b" * 32))
    assert drafts.finished_forms(ada, "mine") == {Q1: ("a" * 32,)}


def test_a_draft_is_its_authors_alone(ada):
    drafts.save_draft(ada, typed("Mine?"))
    for other in (ada.for_person(None, "bob"), ada.for_person("ada", "ada"), ada.for_person(None, "")):
        assert drafts.find_draft(other, "mine", Q1) is None
        assert drafts.list_drafts(other, "mine") == []
        drafts.discard_draft(other, "mine", Q1)
        drafts.mark_saved(other, "mine", Q1, "a" * 32)
    assert drafts.find_draft(ada, "mine", Q1)
    assert not drafts.save_draft(ada.for_person(None, ""), typed("The command line has none."))


@pytest.mark.parametrize("author", ["..", ".", "../ada", "a/b", "/etc", "x" * 400, "ü@example.org", "\ud800"])
@pytest.mark.parametrize("task", ["..", "OWNER/NAME", "t" * 300])
def test_no_name_leads_out_of_the_folder_of_drafts(tmp_path, author, task):
    here = Settings(home=tmp_path / "home", author=author)
    assert drafts.save_draft(here, typed("Text?", place="question/../../x", task=task))
    assert len(drafts.list_drafts(here, task)) == 1
    (path,) = (p for p in tmp_path.rglob("*.json"))
    assert path.parents[2] == here.workspace / "drafts"


def test_what_comes_late_brings_back_nothing_that_was_saved_or_discarded(ada):
    drafts.save_draft(ada, typed("One?"))
    drafts.mark_saved(ada, "mine", Q1, "a" * 32)
    assert not drafts.save_draft(ada, typed("One?", turn=9))
    assert drafts.find_draft(ada, "mine", Q1) is None
    assert drafts.save_draft(ada, typed("Two?", form="b" * 32))
    drafts.mark_saved(ada, "mine", Q1, "a" * 32)  # another window's form, which this draft is not of
    assert drafts.find_draft(ada, "mine", Q1)
    drafts.discard_draft(ada, "mine", Q1)
    assert not drafts.save_draft(ada, typed("Two!", form="b" * 32, turn=9))
    assert drafts.find_draft(ada, "mine", Q1) is None


def test_each_form_that_ended_is_remembered(ada):
    """A window that shows the first form has not heard of it when the second is saved."""
    for form in "abc":
        assert drafts.save_draft(ada, typed("Text?", form=form * 32))
        drafts.mark_saved(ada, "mine", Q1, form * 32)
    drafts.save_draft(ada, typed("More?", form="d" * 32))
    drafts.discard_draft(ada, "mine", Q1)
    assert drafts.finished_forms(ada, "mine") == {Q1: tuple(form * 32 for form in "abcd")}
    for form in "abcd":
        assert drafts.is_finished(ada, "mine", Q1, form * 32)
        assert not drafts.save_draft(ada, typed("Late?", form=form * 32, turn=9))
    drafts.restore_draft(ada, "mine", Q1)
    assert drafts.finished_forms(ada, "mine") == {Q1: tuple(form * 32 for form in "abcd")}


def test_text_that_is_typed_back_leaves_what_had_ended_and_may_go_on(ada):
    drafts.save_draft(ada, typed("One?"))
    drafts.mark_saved(ada, "mine", Q1, "a" * 32)
    drafts.save_draft(ada, typed("Two?", form="b" * 32, turn=1))
    back = typed("One?", form="b" * 32, turn=3).model_copy(update={"seen": {"question": "One?"}})
    assert drafts.save_draft(ada, back)
    assert drafts.find_draft(ada, "mine", Q1) is None
    assert drafts.finished_forms(ada, "mine") == {Q1: ("a" * 32, "")}
    assert not drafts.is_finished(ada, "mine", Q1, "b" * 32)
    assert not drafts.save_draft(ada, typed("Two?", form="b" * 32, turn=2))  # late
    assert drafts.save_draft(ada, typed("Three?", form="b" * 32, turn=4))
    assert drafts.finished_forms(ada, "mine") == {Q1: ("a" * 32,)}


def test_discarded_text_is_brought_back_once(ada):
    drafts.save_draft(ada, typed("One?"))
    drafts.discard_draft(ada, "mine", Q1)
    assert drafts.has_discarded(ada, "mine", Q1)
    back = drafts.restore_draft(ada, "mine", Q1)
    assert back == drafts.find_draft(ada, "mine", Q1)
    assert back.fields == {"question": "One?"}
    assert not drafts.has_discarded(ada, "mine", Q1)
    with pytest.raises(StudioError, match="no discarded text"):
        drafts.restore_draft(ada, "mine", Q1)


def test_a_draft_and_a_person_have_limits(ada, monkeypatch):
    with pytest.raises(LimitError, match="too long to be kept"):
        drafts.save_draft(ada, typed("x" * drafts.MAX_BYTES))
    monkeypatch.setattr(drafts, "MAX_OF_ONE", 2)
    for number in range(2):
        drafts.save_draft(ada, typed("Text?", place=f"question/{number}"))
    drafts.save_draft(ada, typed("Longer text?", place="question/0"))
    with pytest.raises(LimitError, match="no room for another draft"):
        drafts.save_draft(ada, typed("Text?", place="question/2"))
    drafts.save_draft(ada.for_person(None, "bob"), typed("Text?"))
    monkeypatch.setattr(drafts, "MAX_BYTES_OF_ONE", 300)
    with pytest.raises(LimitError):
        drafts.save_draft(ada, typed("x" * 300, place="question/0"))


def test_there_is_room_for_sixteen_of_the_longest_drafts(ada):
    for number in range(16):
        drafts.save_draft(ada, typed("x" * (2**20 - 1_000), place=f"question/{number}"))
    with pytest.raises(LimitError, match=r"at most 500 and 16 MB"):
        drafts.save_draft(ada, typed("x" * (2**20 - 1_000), place="new"))


def test_old_drafts_and_marks_go_and_what_is_damaged_is_passed_over(ada):
    drafts.save_draft(ada, typed("Old?"))
    drafts.save_draft(ada, typed("Saved?", place="prompt"))
    drafts.mark_saved(ada, "mine", "prompt", "a" * 32)
    folder = next((ada.workspace / "drafts" / "ada").iterdir())
    (folder / "broken.json").write_text("{")
    assert len(drafts.list_drafts(ada, "mine")) == 1
    drafts.remove_expired(ada)
    assert len(list(folder.iterdir())) == 3
    drafts.remove_expired(ada, time.time() + 2 * drafts.MARKS_KEPT_S)
    assert len(list(folder.iterdir())) == 1
    for path in folder.iterdir():
        os.utime(path, (0, time.time() - drafts.KEPT_S - 60))
    (ada.workspace / "drafts" / ".swept").unlink()
    drafts.save_draft(ada, typed("New?", place="new"))
    assert [d.place for d in drafts.list_drafts(ada, "mine")] == ["new"]
