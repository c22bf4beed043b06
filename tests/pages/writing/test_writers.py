"""A colleague at the same set: what the table sends again, and what a page says of a set that is gone."""

from __future__ import annotations

import pytest

from e2lm_core.base.records import TaskSet
from e2lm_core.sets import authoring, collection, versions
from e2lm_core.ui.editor.drafts import forms
from tests.support.visits import OWN, Visit


def texts(at: Visit) -> list[str]:
    return [q.question for q in collection.open_set(at.studio.settings, OWN).questions]


def colleague(at: Visit, row: int, **fields: object) -> None:
    """Somebody else edits a question, elsewhere."""
    identity = collection.open_set(at.studio.settings, OWN).questions[row].id
    authoring.update_questions(at.studio.settings, OWN, {identity: fields})


def test_the_table_takes_back_no_colleagues_edit(done: Visit) -> None:
    done.open("write")
    done.edit({0: {"question": "Mine, first?"}})
    colleague(done, 0, question="A colleague's?")
    done.edit({2: {"question": "Mine, second?"}})
    assert texts(done)[0] == "A colleague's?"
    assert texts(done)[2] == "Mine, second?"


def test_of_a_question_only_the_field_that_changed_is_saved(done: Visit) -> None:
    done.open("write")
    done.edit({0: {"question": "Mine, first?"}})
    colleague(done, 0, question="A colleague's?")
    done.edit({0: {"note": "looked up"}})
    edited = collection.open_set(done.studio.settings, OWN).questions[0]
    assert (edited.question, edited.note) == ("A colleague's?", "looked up")


def test_the_same_edit_in_a_copy_is_an_edit_of_the_copy(done: Visit) -> None:
    done.open("write")
    done.edit({0: {"question": "The same words?"}})
    authoring.update_questions(done.studio.settings, OWN, {"q1": {"question": "Other words?"}})
    collection.copy_set(done.studio.settings, OWN, "copied")
    done.choose("copied").at.run()
    done.edit({0: {"question": "The same words?"}})
    assert collection.open_set(done.studio.settings, "copied").questions[0].question == "The same words?"
    assert texts(done)[0] == "Other words?"


def test_an_edit_that_was_refused_holds_no_other_back(done: Visit) -> None:
    done.open("write")
    before = texts(done)[0]
    done.edit({0: {"answer": 9}})
    assert "Not saved yet" in done.refused[0]
    assert "Not saved yet" in done.said
    done.edit({0: {"answer": 9}, 1: {"question": "Mine, second?"}})
    assert "Not saved yet" in done.refused[0]
    assert (texts(done)[0], texts(done)[1]) == (before, "Mine, second?")


def test_a_set_that_somebody_deleted_is_never_another_one_instead(done: Visit) -> None:
    done.open("write")
    collection.delete_set(done.studio.settings, OWN)
    done.at.run()
    assert not done.at.exception
    assert f"There is no set {OWN!r}: it was deleted" in done.said
    assert done.editor is None
    assert done.at.selectbox[0].value is None
    done.at.selectbox[0].select("little").run()
    assert "There is no set" not in done.said
    assert done.at.session_state["set"] == "little"


# --- both change the same ---------------------------------------------------------------------------------


def card(at: Visit) -> Visit:
    at.open("write")
    at.at.segmented_control(key="author_view").set_value("Card").run()
    return at


def actions(at: Visit) -> list[TaskSet]:
    """Every state of the set that its history has."""
    settings = at.studio.settings
    return [versions.open_version(settings, OWN, v.number) for v in versions.list_versions(settings, OWN)]


def had(at: Visit, text: str) -> bool:
    return any(task.questions[0].question == text for task in actions(at))


def test_the_same_cell_is_overwritten_by_nobody(done: Visit) -> None:
    done.open("write")
    colleague(done, 0, question="A colleague's?")
    done.edit({0: {"question": "Mine?"}})
    assert texts(done)[0] == "A colleague's?"
    assert "Conflict in q1:** the text was changed elsewhere while you were editing" in done.said
    shown = [html.value for html in done.at.get("html") if "both-texts" in str(html.value)]
    assert any("colleague" in html for html in shown)
    assert any("Mine" in html for html in shown)
    done.edit({2: {"question": "Mine, third?"}})
    assert (texts(done)[0], texts(done)[2]) == ("A colleague's?", "Mine, third?")
    done.click("Keep mine")
    assert texts(done)[0] == "Mine?"
    assert "omebody else" not in done.said
    assert had(done, "A colleague's?")


def test_a_saved_card_is_lost_to_nobody(done: Visit) -> None:
    card(done)
    done.at.text_area[0].set_value("Mine?")
    next(t for t in done.at.text_input if t.label == "choice B").set_value("seven")
    colleague(done, 0, question="A colleague's?", subject="theirs")
    done.click("Save")
    question = collection.open_set(done.studio.settings, OWN).questions[0]
    # Other fields merge.
    assert (question.question, question.choices[1], question.subject) == ("A colleague's?", "seven", "theirs")
    assert "Conflict in q1:** the text was changed elsewhere while you were editing" in done.said
    done.at.run()  # as after a reload: it is on the disk
    assert "Conflict in q1:** the text was changed elsewhere" in done.said
    done.click("Keep theirs")
    assert texts(done)[0] == "A colleague's?"
    assert had(done, "Mine?")
    assert done.at.text_area[0].value == "A colleague's?"


def test_a_third_text_may_stand_in_the_place_of_both(done: Visit) -> None:
    card(done)
    done.at.text_area[0].set_value("Mine?")
    colleague(done, 0, question="A colleague's?")
    done.click("Save")
    done.click("Edit")
    assert done.at.text_area[0].value == "Mine?"
    done.at.text_area[0].set_value("Both of ours?")
    done.click("Save this")
    assert texts(done)[0] == "Both of ours?"
    assert had(done, "Mine?")
    assert had(done, "A colleague's?")


def test_who_is_faster_once_more_is_seen_too(done: Visit) -> None:
    done.open("write")
    colleague(done, 0, choices=("a", "b", "c", "d"))
    before = collection.open_set(done.studio.settings, OWN).questions[0].choices
    done.edit({0: {"choices": ["mine", *before[1:]]}})
    assert "Conflict in q1:** the choices or the right answer was changed" in done.said
    colleague(done, 0, choices=("e", "f", "g", "h"))
    done.click("Keep mine")
    assert collection.open_set(done.studio.settings, OWN).questions[0].choices == ("e", "f", "g", "h")
    assert "Conflict in q1:** the choices or the right answer was changed" in done.said
    done.click("Keep mine")
    assert collection.open_set(done.studio.settings, OWN).questions[0].choices[0] == "mine"


def test_an_untouched_card_follows_a_colleague(done: Visit) -> None:
    card(done)
    colleague(done, 0, question="A colleague's?")
    done.at.run()
    assert done.at.text_area[0].value == "A colleague's?"


def test_undo_takes_back_ones_own_change_and_says_whose_stays(done: Visit) -> None:
    done.open("write")
    done.edit({0: {"question": "Mine?"}})
    assert "by you: edit question q1" in done.said
    ada = done.studio.settings.for_person(None, "b" * 12)
    authoring.update_questions(ada, OWN, {"q2": {"question": "Another's?"}})
    done.at.run()
    assert "by another browser: edit question q2" in done.said
    undo = next(b for b in done.at.button if b.label == "Undo")
    assert "edit question q1 (yours, " in undo.help
    assert "by another browser and is not affected" in undo.help
    done.click("Undo")
    assert texts(done)[0] != "Mine?"
    assert texts(done)[1] == "Another's?"


def test_undo_is_the_same_button_after_each_change_though_its_hint_is_another(done: Visit) -> None:
    """Otherwise clicks in a row are lost: the second is of a button that the browser alone still shows."""

    def drawn() -> dict[str, tuple[str, str]]:
        return {b.label: (b.id, b.help) for b in done.at.button if b.label in ("Undo", "Redo")}

    done.open("write")
    done.edit({0: {"question": "Mine?"}})
    done.edit({1: {"question": "Mine too?"}})
    first = drawn()
    done.click("Undo")
    second = drawn()
    for label in ("Undo", "Redo"):
        assert first[label][1] != second[label][1]
        assert first[label][0] == second[label][0]


def test_undo_says_where_anothers_change_stands_on_ones_own(
    done: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    done.open("write")
    done.edit({0: {"question": "Mine?"}})
    ada = done.studio.settings.for_person(None, "b" * 12)
    authoring.update_questions(ada, OWN, {"q1": {"question": "Another's?"}})
    done.at.run()
    done.click("Undo")
    assert texts(done)[0] == "Another's?"
    note = "The text of q1 stays as it is: another browser has changed it since."
    assert [info.value for info in done.at.info] == [note]
    done.at.run()  # as the results of the undo do
    assert [info.value for info in done.at.info] == [note]
    monkeypatch.setattr(forms, "NOTE_S", 0.0)
    done.at.run()
    assert not done.at.info


# --- choices and right answer are one value -----------------------------------------------------------------


def marked(at: Visit) -> str:
    question = collection.open_set(at.studio.settings, OWN).questions[0]
    return question.choices[question.answer]


def test_an_answer_marked_in_the_card_while_choices_moved_is_no_other_text(done: Visit) -> None:
    before = card(done) and collection.open_set(done.studio.settings, OWN).questions[0]
    wrong = (before.answer + 1) % 4
    done.at.radio(key=next(r.key for r in done.at.radio if r.label == "The right answer")).set_value(
        "ABCD"[wrong]
    )
    turned = before.choices[::-1]
    colleague(done, 0, choices=turned, answer=3 - before.answer)
    done.click("Save")
    assert "Conflict in q1:** the choices or the right answer" in done.said
    assert marked(done) == before.choices[before.answer]
    sides = [html.value for html in done.at.get("html") if "both-texts" in str(html.value)]
    assert f"{before.choices[wrong]}  (right)" in sides[1].replace("<mark>", "").replace("</mark>", "")
    done.click("Edit")
    assert done.at.text_area[0].value == "\n".join(before.choices)
    assert next(r for r in done.at.radio if r.label == "The right answer").value == "ABCD"[wrong]
    done.at.text_area[0].set_value("\n".join(turned))
    next(r for r in done.at.radio if r.label == "The right answer").set_value("ABCD"[3 - wrong])
    done.click("Save this")
    assert marked(done) == before.choices[wrong]
    assert collection.open_set(done.studio.settings, OWN).questions[0].choices == turned


def test_keep_mine_marks_the_text_that_was_marked(done: Visit) -> None:
    done.open("write")
    before = collection.open_set(done.studio.settings, OWN).questions[0]
    colleague(done, 0, choices=before.choices[::-1], answer=3 - before.answer)
    wrong = (before.answer + 1) % 4
    done.edit({0: {"answer": wrong}})
    assert marked(done) == before.choices[before.answer]
    done.click("Keep mine")
    assert marked(done) == before.choices[wrong]
    assert "omebody else" not in done.said


def test_the_card_deletes_no_question_that_changed_under_it(done: Visit) -> None:
    card(done)
    before = len(texts(done))
    colleague(done, 0, question="A colleague's?")
    done.click("Delete")
    assert "Question q1 was changed after the card showed it" in done.said
    assert len(texts(done)) == before
    done.click("Delete")
    assert "A colleague's?" not in texts(done)
    assert len(texts(done)) == before - 1
