"""Import and paste on Questions: what was read is shown, mapped and counted, then added in one step; and downloads."""

from __future__ import annotations

import openpyxl
import pytest

from e2lm_core.base.records import Question
from e2lm_core.sets import authoring, collection, versions
from e2lm_core.ui.editor import file_import
from tests.support.visits import OWN, Visit

SHEET = (
    "Frage\tAntwort A\tAntwort B\tLösung\n"
    "Was ist Eisen?\tein Metall\tein Gas\tA\n"
    "Was ist Luft?\tein Metall\tein Gas\tB\n"
    "What is twice the number 1?\t3\t2\tB\n"
)


@pytest.fixture
def own(visit: Visit) -> Visit:
    collection.copy_set(visit.studio.settings, "little", OWN)
    visit.choose(OWN).open("write")
    visit.at.segmented_control(key="author_view").set_value("Import").run()
    return visit


def questions(visit: Visit) -> tuple[Question, ...]:
    return collection.open_set(visit.studio.settings, OWN).questions


def test_rows_of_a_spreadsheet_are_looked_at_and_added_in_one_step(own: Visit) -> None:
    before = questions(own)
    own.at.text_area(key="paste").set_value(SHEET).run()
    assert not own.at.exception
    assert "TSV, a tab between cells: 3 questions." in own.said
    assert "question = Frage, choice 1 = Antwort A, choice 2 = Antwort B, right answer = Lösung" in own.said
    shown = own.at.dataframe[0].value
    assert list(shown["question"])[:2] == ["Was ist Eisen?", "Was ist Luft?"]
    assert questions(own) == before
    own.click("Add 3 questions")
    assert len(questions(own)) == 9
    assert questions(own)[:6] == before
    assert own.at.text_area[0].value == "", "what was added is done with"
    versions.undo_with_note(own.studio.settings, OWN)
    assert questions(own) == before


def test_what_is_there_already_is_marked_and_left_out_unless_it_is_wanted(own: Visit) -> None:
    first = questions(own)[0]
    rows = f"{SHEET}{first.question}\t{first.choices[0]}\t{first.choices[1]}\tA\n"
    twin = first.model_copy(update={"choices": first.choices[:2], "answer": 0})
    authoring.update_questions(own.studio.settings, OWN, {first.id: {"choices": twin.choices, "answer": 0}})
    own.open("write")
    own.at.segmented_control(key="author_view").set_value("Import").run()
    own.at.text_area(key="paste").set_value(rows).run()
    assert f"Row 4 repeats {first.id} of the set" in own.said
    assert own.at.dataframe[0].value["state"][3] == f"already there: {first.id} of the set"
    assert "Add 3 questions and leave out 1" in own.labels()
    own.at.toggle(key="text_doubles").set_value(False).run()
    assert "Add 4 questions" in own.labels()


def test_rows_that_are_none_are_named_and_the_rest_can_be_added(own: Visit) -> None:
    own.at.text_area(key="paste").set_value(SHEET + "Was?\tx\ty\tC\nWas?\tx\tx\tA\n").run()
    assert "Row 4: answer is 'C', which is no choice" in own.said
    assert "Row 5: choices A and B are the same" in own.said
    assert "Add 3 questions and leave out 2" in own.labels()


def test_of_two_rows_with_one_id_the_second_is_left_out(own: Visit) -> None:
    text = "id\tquestion\tA\tB\tanswer\nx1\tWhy?\tx\ty\tA\nx1\tWho?\tx\ty\tB\n"
    own.at.text_area(key="paste").set_value(text).run()
    assert list(own.at.dataframe[0].value["state"]) == ["", "cannot be added"]
    own.click("Add 1 question and leave out 1")
    assert [question.question for question in questions(own)[6:]] == ["Why?"]


def test_columns_are_mapped_otherwise(own: Visit) -> None:
    text = "Thing\tText\tX\tY\tZ\nWhat is iron?\tAsked in 1990\ta metal\ta gas\tX1\nWhat is air?\tb\ta metal\ta gas\tX2\n"
    own.at.text_area(key="paste").set_value(text).run()
    assert "lacks the column" in own.said
    for label, role in (
        ("Thing", "question"),
        ("Text", "-"),
        ("X", "choice_1"),
        ("Y", "choice_2"),
        ("Z", "answer"),
    ):
        next(s for s in own.at.selectbox if s.label == label).set_value(role)
    own.at.run()
    assert "answer is 'X1', which is no choice" in own.said
    own.at.text_area(key="paste").set_value(text.replace("X1", "a metal").replace("X2", "a gas")).run()
    assert not own.at.exception
    assert "Add 2 questions" in own.labels()


def test_the_files_questions_take_the_place_of_all_and_one_undo_brings_them_back(own: Visit) -> None:
    before = questions(own)
    own.at.text_area(key="paste").set_value(SHEET).run()
    own.at.segmented_control(key="text_where").set_value("replace").run()
    own.click("Replace 6 questions by 3")
    assert [q.question for q in questions(own)] == [line.split("\t")[0] for line in SHEET.split("\n")[1:4]]
    versions.undo_with_note(own.studio.settings, OWN)
    assert questions(own) == before


def test_a_workbook_and_another_of_its_sheets(own: Visit, tmp_path) -> None:
    book = openpyxl.Workbook()
    for name in ("First", "Second"):
        sheet = book.create_sheet(name)
        sheet.append(["question", "A", "B", "answer"])
        sheet.append([f"Which is {name}?", "a", "b", 2])
    book.save(tmp_path / "t.xlsx")
    data = (tmp_path / "t.xlsx").read_bytes()
    own.at.file_uploader(key="import_file").set_value([("t.xlsx", data, "application/xlsx")]).run()
    assert "XLSX, sheet First: 1 question; answers that are numbers count from 1." in own.said
    own.at.selectbox(key="file_sheet").set_value("Second").run()
    assert list(own.at.dataframe[0].value["question"]) == ["Which is Second?"]
    own.at.selectbox(key="file_counted").set_value(0).run()
    assert "gold is 2, but it has 2 choices" in own.said
    assert "This file has no usable questions. See the problems above." in own.said


ODD = "question\tA\tB\tC\tanswer\nHeat?\tfire\tice\tsnow\t1\nCold?\tfire\tice\tsun\t2\n"


def test_numbers_that_nothing_decides_are_asked_for_before_anything_can_be_added(own: Visit) -> None:
    before = questions(own)
    own.at.text_area(key="paste").set_value(ODD).run()
    asked = own.at.radio(key="text_meaning")
    assert (asked.label, asked.value) == ('Is "1" the first choice or the second?', None)
    assert asked.options == ["the first", "the second"]
    assert 'In Row 1 the answer 1 is "fire" if it is the first and "ice" if it is the second.' in own.said
    assert [list(table.value["right answer"]) for table in own.at.dataframe] == [
        ["fire", "ice"],
        ["ice", "sun"],
    ]
    assert not any(label.startswith("Add") and "question" in label for label in own.labels())
    asked.set_value(1).run()
    assert not own.at.exception
    assert "2 questions; answers that are numbers count from 1." in own.said
    own.at.radio(key="text_meaning").set_value(0).run()
    assert list(own.at.dataframe[0].value["right answer"]) == ["ice", "sun"]
    own.at.radio(key="text_meaning").set_value(1).run()
    own.click("Add 2 questions")
    assert questions(own)[: len(before)] == before
    assert [q.choices[q.answer] for q in questions(own)[len(before) :]] == ["fire", "ice"]


def test_numbers_that_may_be_texts_are_asked_for(own: Visit) -> None:
    own.at.text_area(key="paste").set_value("question\tA\tB\tC\tD\tanswer\n1+2?\t2\t3\t4\t5\t3\n").run()
    asked = own.at.radio(key="text_meaning")
    assert asked.label == 'Is "3" a choice\'s text or its number?'
    assert asked.options == ["a choice's text", "its number, counted from 1", "its number, counted from 0"]
    asked.set_value("text").run()
    assert list(own.at.dataframe[0].value["right answer"]) == ["3"]
    assert "Add 1 question" in own.labels()


def test_a_file_that_cannot_be_read_can_be_read_otherwise(own: Visit) -> None:
    data = SHEET.encode("utf-16")[:-1]
    own.at.file_uploader(key="import_file").set_value([("t.tsv", data, "text/plain")]).run()
    assert len(own.at.error) == 1
    own.at.selectbox(key="file_kind").set_value("gift").run()
    assert not own.at.exception


def test_what_was_pasted_elsewhere_on_the_page_is_there(own: Visit) -> None:
    own.at.session_state[file_import.PASTED] = SHEET
    own.at.run()
    assert own.at.text_area(key="paste").value == SHEET
    assert "3 questions" in own.said


def test_a_download_says_first_what_it_cannot_hold(own: Visit) -> None:
    own.at.segmented_control(key="author_view").set_value("Table").run()
    assert "cannot hold" not in own.said
    own.at.selectbox(key="set_format").set_value("aiken").run()
    assert not own.at.exception
    assert "Some content is lost in Aiken: There is no place for id and subject." in own.said
    assert "Download Aiken" in [b.label for b in own.at.get("download_button")]
