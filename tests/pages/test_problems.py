"""Questions → Problems as a visitor uses it: one problem after the other is opened, fixed or ignored."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState

from e2lm_core.analysis.questions import edits
from e2lm_core.base.records import Question
from e2lm_core.runs import results, start
from e2lm_core.sets import authoring, collection
from tests.support.visits import OWN, Visit, app_in, learnt_in


@pytest.fixture(scope="module")
def sure_of(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set whose answers the models know well enough to doubt a key."""
    return learnt_in(tmp_path_factory.mktemp("sure"), strength=6.0)


@pytest.fixture
def sure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sure_of: Path) -> Iterator[Visit]:
    shutil.copytree(sure_of, tmp_path, dirs_exist_ok=True)
    for opened in app_in(tmp_path, monkeypatch, tmp_path / "ladder"):
        yield opened.choose(OWN)


def questions(at: Visit, name: str = OWN) -> dict[str, Question]:
    return {question.id: question for question in collection.open_set(at.studio.settings, name).questions}


def keys(at: Visit) -> set[str]:
    return {str(button.key) for button in at.at.button}


def press(at: Visit, key: str) -> None:
    at.at.button(key=key).click().run()
    assert not at.at.exception


def rows(at: Visit) -> list[dict[str, str]]:
    return next(d.value for d in at.at.dataframe if "reason" in d.value.columns).to_dict("records")


def select(at: Visit, chosen: list[int], column: str = "reason") -> None:
    """What the browser sends when rows of a table were selected."""
    states = at.at._tree.get_widget_states()
    table = next(d for d in at.at.dataframe if column in d.value.columns)
    sent = json.dumps({"selection": {"rows": chosen, "columns": [], "cells": []}})
    states.widgets.append(WidgetState(id=table.proto.id, string_value=sent))
    at.at._run(states)
    assert not at.at.exception


def wrong_key(at: Visit, name: str = "q5") -> Question:
    """Mark a wrong answer of a question that all models know; the question as it was."""
    right = questions(at)[name]
    wrong = (right.answer + 1) % len(right.choices)
    authoring.update_questions(at.studio.settings, OWN, {name: {"answer": wrong}})
    return right


def test_a_wrong_key_is_fixed_in_one_click_and_the_list_goes_on(sure):
    right = wrong_key(sure)
    before = results.load_measurements(
        sure.studio, collection.open_set(sure.studio.settings, OWN), sure.studio.catalogue.checkpoints
    )
    sure.open("problems")
    first = rows(sure)[0]
    letter = "ABCDEFGH"[right.answer]
    assert first["problem"] == "Possibly wrong answer key"
    assert first["question"] == right.question
    assert f"{letter} {right.choices[right.answer]}" in first["choices"]
    assert f"prefer {letter} ({right.choices[right.answer]}) to " in sure.said
    assert right.question in sure.said
    press(sure, "problem_fix")
    assert questions(sure)["q5"] == right
    assert all(row["question"] != right.question for row in rows(sure))
    after = results.load_measurements(
        sure.studio, collection.open_set(sure.studio.settings, OWN), sure.studio.catalogue.checkpoints
    )
    (effect,) = edits.edit_effects(before, after)
    assert effect.changes[0].difference > 0
    assert f"**q5**: {effect.changes[0].text}" in sure.said


def test_blanks_around_a_choice_are_removed_in_one_click(sure):
    clean = questions(sure)["q5"]
    ragged = (f"{clean.choices[0]} ", *clean.choices[1:])
    authoring.update_questions(sure.studio.settings, OWN, {"q5": {"choices": ragged}})
    sure.open("problems")
    (place,) = [
        n
        for n, row in enumerate(rows(sure))
        if (row["problem"], row["question"]) == ("Warning", clean.question)
    ]
    select(sure, [place])
    assert "choice A begins or ends with a blank" in sure.said
    press(sure, "problem_fix")
    assert questions(sure)["q5"] == clean


def test_rows_that_share_an_id_in_the_file_are_questions_of_their_own(sure):
    texts = [question.question for question in questions(sure).values()]
    path = sure.studio.settings.home / "sets" / OWN / "test.jsonl"
    path.write_text(path.read_text().replace('"id": "q5"', '"id": "q4"'))
    sure.open("problems")
    assert "Error" not in {row["problem"] for row in rows(sure)}
    authoring.delete_questions(sure.studio.settings, OWN, ["q4"])
    assert [question.question for question in questions(sure).values()] == texts[:3] + texts[4:]
    assert list(questions(sure))[3] == "q4_"


def test_a_fix_of_a_question_that_was_changed_meanwhile_is_refused(sure):
    wrong_key(sure)
    sure.open("problems")
    authoring.update_questions(sure.studio.settings, OWN, {"q5": {"question": "What is it now?"}})
    wrong = questions(sure)["q5"]
    press(sure, "problem_fix")
    assert questions(sure)["q5"] == wrong
    assert "Question q5 was changed after the list showed it" in sure.said


def test_a_question_is_fixed_in_its_form_and_the_list_goes_on_while_it_is_run(sure):
    sure.open("problems")
    first, *rest = rows(sure)
    assert first["problem"] == "Wrong answer nobody picks"
    assert not sure.at.text_area
    press(sure, "problem_fix")
    question = next(q for q in questions(sure).values() if q.question == first["question"])
    at = next(
        n for n, text in enumerate(question.choices) if f"picks {'ABCD'[n]} ({text})" in first["reason"]
    )
    field = next(f for f in sure.at.text_input if f.label.startswith(f"choice {'ABCD'[at]}"))
    field.set_value("a better wrong answer")
    sure.click("Save")
    assert questions(sure)[question.id].choices[at] == "a better wrong answer"
    assert not sure.at.text_area, "the form is closed"
    assert [row for row in rows(sure) if row in rest] == rest
    assert first["question"] not in [row["question"] for row in rows(sure)]
    assert start.latest_job(sure.studio, OWN).state == "queued"
    assert f"**{question.id}** has no results yet" in sure.said


def test_what_is_ignored_stays_away_until_it_is_shown_again_or_edited(sure):
    wrong_key(sure)
    sure.open("problems")
    count = len(rows(sure))
    press(sure, "problem_ignore")
    left = rows(sure) if any("reason" in d.value.columns for d in sure.at.dataframe) else []
    assert len(left) == count - 1
    assert "1 problem ignored" in sure.said
    sure.open("measured")
    sure.open("problems")
    assert "1 problem ignored" in sure.said
    next(b for b in sure.at.button if b.label == "Show again").click().run()
    assert len(rows(sure)) == count
    assert rows(sure)[0]["problem"] == "Possibly wrong answer key"


def test_a_row_is_taken_in_hand_and_several_are_changed_together(sure):
    wrong_key(sure, "q5")
    wrong_key(sure, "q9")
    sure.open("problems")
    names = [row["question"] for row in rows(sure)]
    assert len(names) > 1
    select(sure, [1])
    assert f"2 of {len(names)} · **" in sure.said
    select(sure, [0, 1])
    sure.at.text_input(key="problems_subject").set_value("looked at").run()
    press(sure, "problems_retag")
    tagged = {q.question for q in questions(sure).values() if q.subject == "looked at"}
    assert tagged == set(names[:2])
    select(sure, [0, 1])
    press(sure, "problems_gone")
    assert tagged & {q.question for q in questions(sure).values()} == set()


def test_an_example_is_read_and_ignored_but_not_changed(sure):
    sure.choose("little").open("problems")
    assert "problem_fix" not in keys(sure)
    assert sure.at.title[0].value == "Questions"


@pytest.mark.parametrize("name", ["nothing", "unrun"])
def test_without_results_the_checks_are_listed(visit, name):
    made = () if name == "nothing" else [Question(id="q1", question="What?", choices=("a", "b"), answer=0)]
    collection.create_set(visit.studio.settings, OWN, made)
    visit.choose(OWN).open("problems")
    if name == "nothing":
        assert "has no questions yet" in visit.said
    else:
        assert [row["problem"] for row in rows(visit)] == ["Warning"]
        assert "the checks alone" in visit.said


@pytest.mark.parametrize(
    ("view", "column"),
    [("suspects", "reason"), ("choosing", "chosen"), ("measured", "slope"), ("one_by_one", "acc_last")],
)
def test_every_list_of_questions_shows_text_and_choices_and_opens_the_same_question(sure, view, column):
    sure.open(view)
    if view == "choosing":
        sure.at.session_state["choosing_questions"] = True  # as a click on its head
        sure.at.run()
    frame = next(d.value for d in sure.at.dataframe if column in d.value.columns)
    first = frame["question"].iloc[0]
    select(sure, [0], column)
    question = next(q for q in questions(sure).values() if q.question == first)
    assert f"**{question.id}** · {question.question}" in sure.said
    for letter, choice in zip("ABCD", question.choices, strict=True):
        assert f"{letter} {choice}" in sure.said.replace("**", "")
    links = [link.proto for link in sure.at.get("page_link")]
    assert any(f"question={question.id}" in link.query_string for link in links if link.label == "Open")
    assert {"Set it", "Delete them", "Copy"} <= {button.label for button in sure.at.button}
