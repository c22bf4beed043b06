"""A colleague at the same set: what the table sends again, and what a page says of a set that is gone."""

from __future__ import annotations

from e2lm_core.sets import authoring, collection
from tests.support.visits import OWN, Visit


def texts(at: Visit) -> list[str]:
    return [q.question for q in collection.open_set(at.studio.settings, OWN).questions]


def colleague(at: Visit, row: int, **fields: object) -> None:
    """Somebody else edits a question, elsewhere."""
    identity = collection.open_set(at.studio.settings, OWN).questions[row].id
    authoring.update_questions(at.studio.settings, OWN, {identity: fields})


def test_the_table_takes_back_no_colleagues_edit(done: Visit) -> None:
    done.open("author")
    done.edit({0: {"question": "Mine, first?"}})
    colleague(done, 0, question="A colleague's?")
    # The browser sends all that was edited since the sheet was made.
    done.edit({0: {"question": "Mine, first?"}, 2: {"question": "Mine, second?"}})
    assert texts(done)[0] == "A colleague's?"
    assert texts(done)[2] == "Mine, second?"


def test_of_a_question_only_the_field_that_changed_is_sent(done: Visit) -> None:
    done.open("author")
    done.edit({0: {"question": "Mine, first?"}})
    colleague(done, 0, question="A colleague's?")
    done.edit({0: {"question": "Mine, first?", "note": "looked up"}})
    edited = collection.open_set(done.studio.settings, OWN).questions[0]
    assert (edited.question, edited.note) == ("A colleague's?", "looked up")


def test_the_same_edit_in_a_copy_is_an_edit_of_the_copy(done: Visit) -> None:
    done.open("author")
    done.edit({0: {"question": "The same words?"}})
    authoring.update_questions(done.studio.settings, OWN, {"q1": {"question": "Other words?"}})
    collection.copy_set(done.studio.settings, OWN, "copied")
    done.choose("copied").at.run()
    done.edit({0: {"question": "The same words?"}})
    assert collection.open_set(done.studio.settings, "copied").questions[0].question == "The same words?"
    assert texts(done)[0] == "Other words?"


def test_an_edit_that_was_refused_is_tried_again(done: Visit) -> None:
    done.open("author")
    before = texts(done)[0]
    done.edit({0: {"gold": 9}})
    assert "Not saved yet" in done.said
    done.edit({0: {"gold": 9}, 1: {"question": "Mine, second?"}})
    assert "Not saved yet" in done.said
    assert (texts(done)[0], texts(done)[1]) == (before, "Mine, second?")


def test_a_set_that_somebody_deleted_is_never_another_one_instead(done: Visit) -> None:
    done.open("author")
    collection.delete_set(done.studio.settings, OWN)
    done.at.run()
    assert not done.at.exception
    assert f"The set {OWN} is no longer here" in done.said
    assert not done.at.get("arrow_data_frame")
    assert done.at.selectbox[0].value is None
    done.at.selectbox[0].select("little").run()
    assert "no longer here" not in done.said
    assert done.at.session_state["set"] == "little"
