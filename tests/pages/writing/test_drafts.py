"""What is typed and not saved: shown again, saved, discarded and brought back, and never lost with its set."""

from __future__ import annotations

import json
import time
from typing import Any, Literal

import pytest
from streamlit.testing.v1 import AppTest

from e2lm_core.base.settings import Settings
from e2lm_core.sets import authoring, collection
from e2lm_core.sets.editing import drafts
from e2lm_core.sets.editing.drafts import Draft
from e2lm_core.ui.base import text_diff, urls
from tests.conftest import ROOT
from tests.pages.writing.conftest import ME
from tests.support.visits import OWN, Visit

Q1 = drafts.question_place("q1")


def questions(at: Visit, name: str = OWN) -> list[Any]:
    return list(collection.open_set(at.studio.settings, name).questions)


def mine(at: Visit) -> Settings:
    """The settings of this visitor."""
    return at.studio.settings.for_person(None, ME)


def card(at: Visit) -> Visit:
    at.open("write")
    at.at.segmented_control(key="author_view").set_value("Card").run()
    assert not at.at.exception
    return at


def typed(
    at: Visit,
    place: str = Q1,
    form: str = "b" * 32,
    view: Literal["Table"] | None = None,
    **fields: object,
) -> None:
    """What the script in the page sends while somebody types."""
    question = next((q for q in questions(at) if drafts.question_place(q.id) == place), None)
    seen: dict[str, object] = {"question": "", "choices": (), "answer": -1, "subject": None}
    if question is not None:
        seen = {field: getattr(question, field) for field in seen}
    draft = Draft(
        task=OWN,
        place=place,
        form=form,
        at=time.time() - 240,
        turn=1,
        fields={**seen, **fields},
        seen=seen,
        view=view,
    )
    assert drafts.save_draft(mine(at), draft)


def text(at: Visit) -> str:
    return str(at.at.text_area[0].value)


def test_a_form_shows_what_was_typed_before_and_says_so(done):
    card(done)
    before = text(done)
    typed(done, question="Typed, not saved?")
    done.at.run()
    assert text(done) == "Typed, not saved?"
    assert "Unsaved changes, typed about 4 min ago" in done.said
    assert questions(done)[0].question == before
    done.click("Save")
    assert questions(done)[0].question == "Typed, not saved?"
    assert drafts.find_draft(mine(done), OWN, Q1) is None
    assert "Not saved yet" not in done.said
    assert "Saved" in done.said


def test_what_comes_late_after_saving_is_no_draft(done):
    card(done)
    typed(done, question="Typed, not saved?")
    done.at.run()
    done.click("Save")
    late = Draft(task=OWN, place=Q1, form="b" * 32, at=time.time(), turn=9, fields={"question": "x"}, seen={})
    assert not drafts.save_draft(mine(done), late)


def test_discarded_text_can_be_brought_back(done):
    card(done)
    before = text(done)
    typed(done, question="Typed, not saved?")
    done.at.run()
    done.click("Discard")
    assert text(done) == before
    done.click("Bring it back")
    assert text(done) == "Typed, not saved?"
    assert "Bring it back" not in done.labels()
    done.click("Discard")
    assert questions(done)[0].question == before


def test_a_draft_is_found_from_the_table_and_opened(done):
    done.open("write")
    typed(done, drafts.question_place("q3"), question="Typed on q3?")
    done.at.run()
    assert "Not saved yet: **question q3**" in done.said
    done.click("Open")
    assert text(done) == "Typed on q3?"


def test_the_next_question_leaves_text_where_it_was_typed(done):
    card(done)
    typed(done, question="Typed, not saved?")
    done.at.button(key="card_next").click().run()
    assert "Not saved yet: **question q1**" in done.said
    done.at.button(key="card_back").click().run()
    assert text(done) == "Typed, not saved?"
    assert "Unsaved changes, typed" in done.said


def test_a_new_question_is_in_the_set_when_it_is_saved_and_not_before(done):
    card(done)
    done.click("Add a question")
    assert len(questions(done)) == 6
    done.click("Save")
    assert "Not saved yet" in done.said
    refused = [error for error in done.at.error if "Not saved yet" in error.value]
    assert len({error.value for error in refused}) == 1
    assert len(refused) == 2  # in the head of the page, and beside Save, which lies far below it
    assert len(questions(done)) == 6
    done.at.run()
    assert len(done.at.error) == 2  # drawing the page anew leaves them to be read
    typed(done, drafts.NEW, question="What is pH?", choices=["a measure of acids", "a metal"], answer=0)
    done.at.run()
    assert text(done) == "What is pH?"
    done.click("Save")
    assert not done.at.error
    assert len(questions(done)) == 7
    assert questions(done)[-1].choices == ("a measure of acids", "a metal")
    assert text(done) == "What is pH?"
    assert drafts.list_drafts(mine(done), OWN) == []


def test_the_prompt_has_its_draft_too(done):
    done.open("write")
    done.at.segmented_control(key="author_view").set_value("Prompt").run()
    config = collection.open_set(done.studio.settings, OWN).config
    seen = {"style": "Cloze", "doc_to_text": config.doc_to_text, "description": "", "num_fewshot": 0}
    fields = {**seen, "style": "Letters", "description": "Choose well.\n"}
    drafts.save_draft(
        mine(done),
        Draft(task=OWN, place="prompt", form="c" * 32, at=time.time(), fields=fields, seen=seen),
    )
    done.at.run()
    assert done.at.radio[0].value == "Letters"
    authoring.update_config(done.studio.settings, OWN, num_fewshot=1)  # a colleague
    done.click("Save the prompt")
    saved = collection.open_set(done.studio.settings, OWN).config
    assert (saved.description, saved.num_fewshot, saved.style) == ("Choose well.\n", 1, "letters")
    assert drafts.list_drafts(mine(done), OWN) == []


def test_a_set_of_endings_is_chosen_and_taken_back(done):
    done.open("write")
    done.at.segmented_control(key="author_view").set_value("Prompt").run()
    done.at.radio[0].set_value("Ending")
    done.click("Save the prompt")
    task = collection.open_set(done.studio.settings, OWN)
    assert (task.config.style, task.config.doc_to_target) == ("ending", "question")
    done.at.radio[0].set_value("Cloze")
    done.click("Save the prompt")
    assert collection.open_set(done.studio.settings, OWN).config.doc_to_target == "answer"


def test_two_prompts_are_settled_by_their_author(done):
    done.open("write")
    done.at.segmented_control(key="author_view").set_value("Prompt").run()
    done.at.text_area[1].set_value("Mine.\n")
    authoring.update_config(done.studio.settings, OWN, description="Theirs.\n")
    done.click("Save the prompt")
    assert "Conflict in The prompt:** the description was changed elsewhere" in done.said
    assert collection.open_set(done.studio.settings, OWN).config.description == "Theirs.\n"
    done.click("Keep mine")
    assert collection.open_set(done.studio.settings, OWN).config.description == "Mine.\n"
    assert "omebody else" not in done.said


def test_text_of_a_question_that_somebody_deleted_is_shown(done):
    card(done)
    typed(done, question="Typed, not saved?")
    done.at.run()
    authoring.delete_questions(done.studio.settings, OWN, ["q1"])
    done.click("Save")
    assert "no longer in" in done.said
    assert any("Typed, not saved?" in code.value for code in done.at.code)
    drawn = [element.type for element in done.at.main]
    assert drawn.index("warning") < drawn.index("code") < drawn.index("text_area"), (
        "above the card, as a conflict"
    )


def test_text_of_a_set_that_somebody_deleted_or_renamed_is_shown(done):
    card(done)
    done.at.text_area[0].set_value("Typed, not saved?")
    collection.rename_set(done.studio.settings, OWN, "renamed")
    done.click("Save")
    assert "it was renamed to renamed" in done.said
    assert any("Typed, not saved?" in code.value for code in done.at.code)
    done.click("Open renamed")
    assert done.at.session_state["set"] == "renamed"
    assert questions(done, "renamed")[0].question != "Typed, not saved?"
    assert "Typed, not saved?" in [area.value for area in done.at.text_area], "it came along"


def test_a_refused_cell_is_kept_and_the_card_shows_it(done):
    done.open("write")
    done.edit({0: {"answer": 9}})
    assert "Not saved yet: **question q1**" in done.said
    done.click("Open")
    assert done.at.radio[0].value is None
    done.at.radio[0].set_value("B")
    done.click("Save")
    assert questions(done)[0].answer == 1


def test_choices_move_as_they_are_typed_and_the_right_one_stays_right(done):
    card(done)
    question = questions(done)[0]
    first, _, *others = question.choices
    next(t for t in done.at.text_input if t.label == "choice B").set_value("typed")
    done.at.button(key=next(b.key for b in done.at.button if str(b.key).endswith("_up1"))).click().run()
    assert not done.at.exception
    assert [t.value for t in done.at.text_input if t.label.startswith("choice ")][:2] == ["typed", first]
    assert questions(done)[0] == question
    done.click("Save")
    moved = questions(done)[0]
    assert moved.choices == ("typed", first, *others)
    assert moved.choices[moved.answer] == question.choices[question.answer]


@pytest.mark.parametrize(
    "edited", [("question",), ("subject",), ("answer",), ("choices",), ("choices", "answer")]
)
@pytest.mark.parametrize("of_form", [("question",), ("subject",), ("answer",), ("choices",)])
def test_a_form_with_text_follows_what_is_saved_in_its_other_fields(done, of_form, edited):
    """Every kind of text by every kind of edit; choices and right answer are one value."""
    first = questions(done)[0]
    choices, count = first.choices, len(first.choices)
    ours = {
        "question": "Mine?",
        "subject": "mine",
        "answer": (first.answer + 1) % count,
        "choices": ("mine", *choices[1:]),
    }
    theirs = {
        "question": "Theirs?",
        "subject": "theirs",
        "answer": (first.answer + 2) % count,
        "choices": choices[::-1],
    }
    text = {field: ours[field] for field in of_form}
    change = {field: theirs[field] for field in edited}
    typed(done, **text)
    card(done)
    authoring.update_questions(mine(done), OWN, {"q1": change})
    done.at.run()
    shown = {
        "question": first.question,
        "subject": first.subject or "",
        "answer": first.answer,
        "choices": choices,
    }
    shown |= change
    if "answer" in text or "choices" in text:
        shown |= {"choices": choices, "answer": first.answer}
    shown |= text
    at = done.at
    fields = [t.value for t in at.text_input if t.label.startswith("choice ")]
    assert at.text_area[0].value == shown["question"]
    assert tuple(fields[:count]) == shown["choices"]
    assert at.radio[0].value == "ABCDEFGH"[shown["answer"]]
    assert next(t for t in at.text_input if t.label == "subject").value == shown["subject"]


def test_markdown_and_latex_are_previewed_as_they_are_typed(done):
    card(done)
    done.at.text_area[0].set_value(r"What is $\mathrm{H_2O}$? ![x](http://127.0.0.1:9/x)")
    done.click("Preview")
    assert r"What is $\mathrm{H_2O}$?" in "".join(m.value for m in done.at.markdown)
    assert "![x]" not in "".join(m.value for m in done.at.markdown)
    assert questions(done)[0].question == "What is twice the number 1?"
    assert text(done).startswith(r"What is $\mathrm{H_2O}$?")


def test_an_examples_form_keeps_nothing(visit):
    visit.open("write")
    visit.at.segmented_control(key="author_view").set_value("Card").run()
    assert not visit.at.exception
    assert visit.at.text_area[0].disabled


@pytest.mark.parametrize(
    ("text", "other", "marked"),
    [
        ("a cat", "a dog", "a <mark>cat</mark>"),
        ("one new word", "one", "one<mark> new word</mark>"),
        ("two new words", "other words", "<mark>two new</mark> words"),
        ("same", "same", "same"),
        ("", "gone", ""),
        ("<b>&", "", "<mark>&lt;b&gt;&amp;</mark>"),
        ("x" * 9, "x" * 9, "x" * 9),
    ],
)
def test_differing_words_are_marked_and_nothing_is_html(text, other, marked):
    assert text_diff.mark_differences(text, other) == marked


def test_long_texts_are_marked_as_a_whole_in_no_time():
    long = "word " * 20_000
    start = time.monotonic()
    assert text_diff.mark_differences(long, long + "x").startswith("<mark>word ")
    assert time.monotonic() - start < 1


def test_a_visit_begins_where_text_was_typed_last(done):
    typed(done, drafts.question_place("q2"), question="Typed on q2?")
    done.open("write")
    assert text(done) == "Typed on q2?"
    assert "1 text" in done.said
    assert "of yours is not saved yet" in done.said


@pytest.mark.parametrize("place", [drafts.NEW, Q1])
def test_a_visit_begins_in_the_form_in_which_text_was_typed_last(done, place):
    typed(done, place, view="Table", question="Typed in the table?")
    done.open("write")
    assert done.editor is not None
    typed(done, place, view=None, question="Typed on in the card?")
    done.at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)  # a reload is a session of its own
    done.choose(OWN).open("write")
    assert text(done) == "Typed on in the card?"


def test_what_the_table_could_not_save_is_found_there(done):
    done.open("write")
    done.edit({0: {"question": ""}})
    kept = drafts.find_draft(mine(done), OWN, Q1)
    assert kept is not None
    assert kept.view == "Table"


def test_the_first_click_after_coming_from_another_place_is_obeyed(done):
    """The navigation leads to a bare address, over which the page's script writes what is shown."""
    card(done)
    done.open("share")
    done.at.query_params.clear()
    done.at.switch_page(urls.QUESTIONS.script).run()
    assert done.at.segmented_control(key="author_view").value == "Card"
    link = next(e for e in done.at.get("bidi_component") if e.proto.component_name == "studio_link")
    for name, value in json.loads(link.proto.json)["link"]:
        done.at.query_params[name] = value
    done.at.segmented_control(key="author_view").set_value("Table").run()
    assert done.at.segmented_control(key="author_view").value == "Table"
    assert done.editor is not None


def test_another_set_is_shown_in_the_view_of_now(done):
    """The browser goes on sending the link that the page was loaded with, whatever was clicked since."""
    done.at.query_params.update({"set": OWN, "tab": "write", "view": "Prompt", "question": "q2"})
    done.open("write")
    assert done.at.segmented_control(key="author_view").value == "Prompt"
    done.at.segmented_control(key="author_view").set_value("Card").run()
    sets = next(box for box in done.at.selectbox if box.label == "Question set")
    sets.set_value("little").run()
    assert done.at.session_state["set"] == "little"
    assert done.at.segmented_control(key="author_view").value == "Card"
    assert "card_id" not in done.at.session_state


def test_an_address_that_comes_late_undoes_no_choice_of_set_or_view(done):
    """A drawing that the browser asked for before it took the new address comes after the click."""
    done.at.query_params.update({"set": OWN, "tab": "write"})
    done.open("write")
    for view, late in (("Prompt", "Card"), ("Table", "Prompt"), ("Card", "Prompt")):
        done.at.segmented_control(key="author_view").set_value(view).run()
        for address in ({"view": late}, {}):
            done.at.query_params.clear()
            done.at.query_params.update({"set": OWN, "tab": "write"} | address)
            done.at.run()
            assert done.at.segmented_control(key="author_view").value == view
    for name, other in (("little", OWN), (OWN, "little")):
        next(box for box in done.at.selectbox if box.label == "Question set").set_value(name).run()
        done.at.query_params.clear()
        done.at.query_params.update({"set": other, "tab": "write"})
        done.at.run()
        assert done.at.session_state["set"] == name
        assert done.at.segmented_control(key="author_view").value == "Card"
