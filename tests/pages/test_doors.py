"""The doors of a set that the mini models know too little of, and the list of what they know."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2lm_core.base.settings import ROOT
from e2lm_core.sets import authoring, collection
from e2lm_core.sets.editing import drafts
from e2lm_core.ui import session
from e2lm_core.ui.places.questions import known_facts
from e2lm_core.ui.requests.middleware import browser_cookie
from tests.support import studios
from tests.support.visits import Visit, app_in

KNOWN = {"question": "What does the lion eat?", "choices": ("zebras", "grass"), "answer": 0}


@pytest.fixture(scope="module")
def ladder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small ladder with the shipped list of facts."""
    made = studios.real_ladder(tmp_path_factory.mktemp("ladder") / "ladder", steps=(100, 200))
    shutil.copyfile(ROOT / "ladder" / "facts.json", made / "facts.json")
    return made


@pytest.fixture
def visit(tmp_path: Path, ladder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Visit]:
    """An example of which the models know nothing, and a set `mine` of six questions."""
    for opened in app_in(tmp_path, monkeypatch, ladder):
        collection.copy_set(opened.studio.settings, "little", "mine")
        yield opened.choose("mine")


def links(visit: Visit) -> dict[str, str]:
    return {one.proto.label: one.proto.query_string for one in visit.at.get("page_link")}


def primary(visit: Visit) -> list[str]:
    return [button.label for button in visit.at.button if button.proto.type == "primary"]


def know(visit: Visit, number: int) -> None:
    """Make the first questions of `mine` ones that the mini models know."""
    ids = [q.id for q in collection.open_set(visit.studio.settings, "mine").questions]
    authoring.update_questions(visit.studio.settings, "mine", {one: dict(KNOWN) for one in ids[:number]})


@pytest.mark.parametrize("page", ["overview", "write", "accuracy", "plan", "share", "run", "suspects"])
def test_every_page_of_an_unknown_set_has_the_doors(visit: Visit, page: str) -> None:
    visit.open(page)
    assert "The built-in mini models know 0 of 6 questions." in visit.said
    assert {"Add a larger model", "See what they know"} <= set(links(visit)) | set(primary(visit))


def test_a_set_that_they_cannot_know_has_a_door_first_and_the_run_second(visit: Visit) -> None:
    visit.open("overview")
    assert "never learned these facts, so their results on this set mean nothing." in visit.said
    assert primary(visit) == ["Add a larger model"]
    assert any(label.startswith("Run ") and label.endswith(" anyway") for label in visit.labels())
    assert "Run the set to see whether models learn it." not in visit.said
    visit.open("run")
    assert primary(visit) == ["Add a larger model"]
    visit.open("overview")
    visit.click("Add a larger model")
    assert any("Starter" in one.label for one in visit.at.expander)


def test_a_set_of_which_they_know_half_is_run_first(visit: Visit) -> None:
    know(visit, 3)
    visit.open("overview")
    assert "know 3 of 6 questions" in visit.said
    assert all(label.startswith("Run ") for label in primary(visit))
    assert {"See what they know", "Add a larger model"} <= set(links(visit))


def test_a_set_that_they_know_has_no_doors(visit: Visit) -> None:
    know(visit, 6)
    visit.open("overview")
    assert not {"See what they know", "Add a larger model"} & set(links(visit))
    visit.open("known")
    assert "know 6 of 6 questions" in visit.said


def test_the_card_says_the_same_and_leads_there(visit: Visit) -> None:
    visit.open("sets")
    assert "The built-in mini models know 0 of 6 questions." in visit.said
    visit.at.button(key="door_checkpoints_mine").click().run()
    assert not visit.at.exception
    assert any("Starter" in one.label for one in visit.at.expander)
    assert visit.at.session_state["set"] == "mine"


def test_facts_are_found_by_words_and_topic(visit: Visit) -> None:
    visit.open("known")
    assert "learned **1,596** facts" in visit.said
    assert "1 to 8 of 1,596 facts" in visit.said
    visit.at.button(key="known_next").click().run()
    assert "9 to 16 of 1,596 facts" in visit.said
    visit.at.text_input(key="known_find").set_value("lion eat").run()
    assert "1 to 1 of 1 fact" in visit.said
    assert "What does the lion eat?" in visit.said
    visit.at.text_input(key="known_find").set_value("lion").run()
    visit.at.selectbox(key="known_topic").set_value("classes of animals").run()
    assert "What does the lion eat?" not in visit.said
    assert "Which class of animals does the lion belong to?" in visit.said
    visit.at.text_input(key="known_find").set_value("zzz").run()
    assert "Try fewer words." in visit.said


def test_write_about_a_fact_opens_a_new_question_with_its_wording(visit: Visit) -> None:
    visit.open("known")
    visit.at.text_input(key="known_find").set_value("lion eat").run()
    visit.at.button(key="known_write_0").click().run()
    assert not visit.at.exception
    own = browser_cookie.author(visit.at.session_state["browser"])
    (draft,) = drafts.list_drafts(visit.studio.settings.for_person(None, own), "mine")
    assert draft.place == drafts.NEW
    assert draft.fields["question"] == "What does the lion eat?"
    assert draft.fields["choices"][draft.fields["answer"]] == "zebras"
    assert len(draft.fields["choices"]) == 4
    assert draft.fields["subject"] == "biology"
    assert visit.editor is not None, "it leads to Write"

    visit.open("known")
    visit.at.button(key="known_write_0").click().run()
    (error,) = (one.value for one in visit.at.error)
    assert "is not added yet" in error, "what is typed is not overwritten"


def test_write_about_a_fact_in_a_copy_of_an_example(visit: Visit) -> None:
    visit.choose("little").open("known")
    visit.at.button(key="known_write_0").click().run()
    assert not visit.at.exception
    assert visit.at.session_state["set"] == "my_little"
    assert not collection.find_set(visit.studio.settings, "my_little").example


def test_a_visitor_who_may_only_read_has_no_way_to_write(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    readonly = session.studio().settings.model_copy(update={"readonly": True})
    monkeypatch.setattr(session, "_without_token", lambda settings: readonly)
    visit.open("known")
    assert "1 to 8 of 1,596 facts" in visit.said
    assert "Write about this" not in visit.labels()
    assert "Add a larger model" not in links(visit)
    assert "See what they know" in links(visit)


def test_without_a_list_of_facts(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_facts, "open_index", lambda path: None)
    visit.open("known")
    assert "There is no list of facts" in visit.said


def test_the_card_says_whether_its_question_is_known(visit: Visit) -> None:
    know(visit, 1)
    visit.at.session_state["author_view"] = "Card"
    visit.open("write")
    assert "Known to the mini models." in visit.said
    authoring.update_questions(visit.studio.settings, "mine", {"q1": {"choices": ("ants", "grass")}})
    visit.open("write")
    said = "Not known to the mini models. Nearest known fact: What does the lion eat? zebras"
    assert said in visit.said
    assert "See what they know" in links(visit)


def test_the_table_asks_where_it_can_be_known_and_typed(visit: Visit) -> None:
    visit.open("write")
    assert json.loads(visit.editor.proto.json)["known"] == "/known"
    visit.choose("little").open("write")
    assert json.loads(visit.editor.proto.json)["known"] == ""
