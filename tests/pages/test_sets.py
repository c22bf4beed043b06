"""Sets, the home, as a visitor sees it: cards, three ways in, what runs, what was deleted."""

from __future__ import annotations

import json

import pytest

from e2lm_core.base.records import PromptStyle
from e2lm_core.runs import start
from e2lm_core.sets import authoring, collection
from e2lm_core.ui.places.sets import page
from tests.support.visits import OWN, Visit, queue


def press(visit: Visit, key: str) -> None:
    visit.at.button(key=key).click().run()
    assert not visit.at.exception


def test_the_first_visit_says_what_this_is_and_has_three_ways_in(visit):
    assert visit.at.title[0].value == "Sets"
    assert "that tell better young language models from weaker ones" in visit.said
    assert {p.proto.popover.label for p in visit.at.get("popover")} >= {"Write", "Import"}
    assert "little selected · example" in visit.said.replace("**", "").replace(":gray[", "").replace("]", "")
    assert "6 questions · never run" in visit.said  # of the set in hand alone this is looked at
    press(visit, "door_example")
    assert visit.at.title[0].value == "Result"
    assert visit.at.session_state["set"] == "little"


def test_a_set_that_is_written_begins_empty_and_its_name_is_made_legal(visit):
    visit.at.text_input(key="create_name").set_value("Chemistry 101").run()
    assert "chemistry_101" in visit.said
    press(visit, "create_go")
    assert visit.at.title[0].value == "Questions"
    made = collection.open_set(visit.studio.settings, "chemistry_101")
    assert (made.questions, made.config.title) == ((), "Chemistry 101")
    assert visit.at.selectbox(key="strip_set").options == ["Chemistry 101", "little (example)"]
    assert visit.at.session_state["set"] == "chemistry_101"


def test_a_set_may_begin_with_another_layout_or_with_that_of_another_set(visit):
    settings = visit.studio.settings
    layout = visit.at.selectbox(key="create_layout")
    assert layout.options == ["Cloze", "Letters", "Ending", "as little"]
    assert "carbon dioxide" in visit.at.code[0].value
    layout.set_value("letters").run()
    assert "A. carbon dioxide" in visit.at.code[0].value
    press(visit, "create_go")
    assert collection.open_set(settings, "my_set").config.style is PromptStyle.LETTERS
    visit.open("sets")
    visit.at.selectbox(key="create_layout").set_value("little").run()
    press(visit, "create_go")
    little, made = (collection.open_set(settings, name) for name in ("little", "my_set_2"))
    assert made.questions == ()
    assert made.config.title == "my set"
    assert collection.with_title(made.config, "") == little.config.model_copy(update={"task": "my_set_2"})


def test_an_import_begins_with_the_file(visit):
    press(visit, "import_create")
    assert visit.at.title[0].value == "Questions"
    assert visit.at.segmented_control(key="author_view").value == "Import"
    assert visit.at.file_uploader(key="import_file")


def test_the_score_stands_on_a_card_once_somebody_has_looked(taught):
    taught.open("sets")
    assert taught.said.count("up to date") == taught.said.count("Score") == 1  # of the set in hand
    taught.choose("little").open("overview")
    taught.open("sets")
    assert taught.said.count("up to date") == taught.said.count("Score") == 2


def test_cards_open_their_set(done):
    done.open("sets")
    press(done, "open_little")
    assert done.at.session_state["set"] == "little"
    assert done.at.title[0].value == "Result"
    done.open("sets")
    press(done, f"write_{OWN}")
    assert done.at.session_state["set"] == OWN
    assert not json.loads(done.editor.proto.json)["readonly"]


def test_a_card_names_the_last_change_and_the_last_run(done):
    authoring.update_questions(done.studio.settings, OWN, {"q1": {"question": "What is two times one?"}})
    queue(done, "little", done=40)
    done.studio.jobs.finish(done.studio.jobs.get(start.latest_job(done.studio, "little").id))
    done.open("sets")
    assert "Last change" in done.said
    assert "last run about" in done.said


def test_what_runs_is_followed_and_cancelled(done):
    number = queue(done, OWN, done=10)
    done.open("sets")
    assert f"{OWN}: 25%, 10 of 40 checkpoints" in next(
        p.text.replace("\\", "") for p in done.at.get("progress")
    )
    press(done, f"sets_cancel_{number}")
    assert start.latest_job(done.studio, OWN).state == "cancelled"
    assert not done.at.get("progress")


def test_a_deleted_set_is_restored(done):
    collection.delete_set(done.studio.settings, OWN)
    done.open("sets")
    assert f"**{OWN}**" in done.said  # it has no title
    assert f"There is no set {OWN!r}: it was deleted" in done.said  # it was in hand
    done.click("Restore")
    assert len(collection.open_set(done.studio.settings, OWN).questions) == 6
    assert done.at.session_state["set"] == OWN


def test_no_set_at_all_says_so_and_offers_the_ways_in(visit):
    for folder in visit.studio.settings.tasks.iterdir():
        folder.rename(visit.studio.settings.home / folder.name)
    visit.open("sets")
    assert "No sets yet. Write one, or import one" in visit.said
    assert {p.proto.popover.label for p in visit.at.get("popover")} >= {"Write", "Import"}


def test_a_damaged_set_is_one_sentence_on_its_card(done):
    (done.studio.settings.sets / OWN / "test.jsonl").write_bytes(b"\xff\xfe not text")
    done.open("sets")
    assert len(done.at.error) == 1
    assert done.at.button(key="open_little")


def test_many_sets_are_found_by_name(visit, monkeypatch):
    monkeypatch.setattr(page, "MAX_CARDS", 2)
    for name in ("ab", "abc", "other"):
        collection.create_set(visit.studio.settings, name)
    visit.open("sets")
    assert len([b for b in visit.at.button if b.label == "Open"]) == 2
    visit.at.text_input(key="sets_find").set_value("oth").run()
    assert [b.key for b in visit.at.button if b.label == "Open"] == ["open_other"]
    visit.at.text_input(key="sets_find").set_value("").run()
    visit.at.toggle(key="sets_all").set_value(True).run()
    assert len([b for b in visit.at.button if b.label == "Open"]) == 4


def menu(visit: Visit, address: str) -> None:
    """Open the menu of a set's card, as a click does."""
    visit.at.session_state[f"menu_{address}"] = True
    visit.at.run()
    assert not visit.at.exception


def test_a_set_gets_another_title_from_its_card_and_keeps_its_name(done):
    done.open("sets")
    menu(done, OWN)
    done.at.text_input(key=f"title_{OWN}").set_value("Über *Kräfte*").run()
    press(done, f"title_go_{OWN}")
    assert collection.find_set(done.studio.settings, OWN).title == "Über *Kräfte*"
    assert "Über *Kräfte*" in done.said
    assert f"`{OWN}`" in done.said
    assert done.at.session_state["set"] == OWN
    done.open("overview")
    assert "Über *Kräfte*" in done.at.selectbox(key="strip_set").options
    assert done.at.selectbox(key="strip_set").value == OWN


def test_a_card_s_menu_copies_under_a_title_and_moves_to_the_trash(done):
    authoring.change_title(done.studio.settings, OWN, "Forces")
    done.open("sets")
    menu(done, OWN)
    press(done, f"copy_{OWN}")
    copied = collection.open_set(done.studio.settings, "copy_of_forces")
    assert (copied.config.title, len(copied.questions)) == ("Copy of Forces", 6)
    assert done.at.session_state["set"] == "copy_of_forces"
    menu(done, OWN)
    press(done, f"trash_{OWN}")
    assert collection.deleted_sets(done.studio.settings) == [OWN]
    assert "Deleted: 1 set" in [e.label for e in done.at.expander]
    assert "**Forces**" in done.said
    assert f"**{OWN}**" not in done.said


def test_an_example_s_menu_only_copies(visit):
    menu(visit, "little")
    keys = [b.key for b in visit.at.button]
    assert "copy_little" in keys
    assert not {"title_go_little", "trash_little"} & {*keys}


def test_more_than_a_row_of_sets_is_sorted(visit):
    for number in range(3):
        visit.open("sets")
        assert "sets_order" not in {box.key for box in visit.at.selectbox}
        collection.create_set(visit.studio.settings, f"set{number}")
    visit.open("sets")
    assert "sets_order" in {box.key for box in visit.at.selectbox}


def test_sets_are_found_by_title_and_sorted(visit, monkeypatch):
    monkeypatch.setattr(page, "MAX_CARDS", 2)
    settings = visit.studio.settings
    for name, title in (("first", "Zeit"), ("second", "物理"), ("third", "")):
        collection.create_set(settings, name, title=title)
    authoring.add_questions(settings, "second", collection.open_set(settings, "little").questions[:2])
    authoring.change_title(settings, "first", "Arbeit")
    visit.open("sets")
    visit.at.toggle(key="sets_all").set_value(True).run()

    def shown() -> list[str]:
        return [b.key.removeprefix("open_") for b in visit.at.button if b.label == "Open"]

    assert shown() == ["first", "second", "third", "little"]
    for order, names in (
        ("title", ["first", "little", "third", "second"]),
        ("changed", ["first", "second", "third", "little"]),
        ("size", ["little", "second", "first", "third"]),
    ):
        visit.at.selectbox(key="sets_order").set_value(order).run()
        assert shown()[: len(names)] == names, order
    visit.at.text_input(key="sets_find").set_value("物").run()
    assert shown() == ["second"]


def test_a_card_has_a_small_curve_once_its_results_were_read(taught):
    taught.open("overview")
    taught.open("sets")
    drawn = [json.loads(e.proto.json) for e in taught.at.get("bidi_component")]
    small = [one["drawn"] for one in drawn if len(one.get("drawn", ())) == 1]
    assert len(small) == 1
    assert small[0][0].count("<polyline") == 4  # three models and chance; the other seed is left out


@pytest.mark.parametrize(
    ("filename", "content"),
    [
        (
            "Woche 3.csv",
            b"question,A,B,answer\nWhat is iron?,a metal,a gas,A\nWhat is air?,a metal,a gas,B\n",
        ),
        ("Woche 3.gift", b"What is iron? {=a metal ~a gas}\n\nWhat is air? {~a metal =a gas}\n"),
    ],
)
def test_home_takes_any_file_and_leads_to_its_preview(visit, filename, content):
    visit.at.file_uploader(key="create_bundle").set_value([(filename, content, "text/plain")]).run()
    assert visit.at.text_input(key="import_name").value == "Woche 3"
    press(visit, "import_preview")
    assert visit.at.title[0].value == "Questions"
    assert f"From {filename}" in visit.said
    assert visit.said.index(": 2 questions") < visit.said.index("You will see a preview first")
    visit.click("Add 2 questions")
    made = collection.open_set(visit.studio.settings, "woche_3")
    assert (made.config.title, [q.question for q in made.questions]) == (
        "Woche 3",
        ["What is iron?", "What is air?"],
    )
    assert f"From {filename}" not in visit.said


def test_a_file_names_a_set_whose_title_was_proposed_in_another_language(visit):
    assert visit.at.text_input(key="import_name").value == "my set"
    visit.at.session_state["language"] = "de"
    visit.at.file_uploader(key="create_bundle").set_value([("Woche 3.json", b"[]", "application/json")]).run()
    assert visit.at.button(key="create_go").label == "Anlegen"
    assert visit.at.text_input(key="import_name").value == "Woche 3"


def test_a_file_that_cannot_be_read_makes_no_set(visit):
    visit.at.file_uploader(key="create_bundle").set_value([("x.json", b"[{", "application/json")]).run()
    press(visit, "import_preview")
    assert "x.json" in visit.at.error[0].value.replace("\\", "")
    assert [info.name for info in collection.list_sets(visit.studio.settings)] == ["little"]


def test_home_and_import_take_the_same_files(visit):
    home = visit.at.file_uploader(key="create_bundle").proto.type
    press(visit, "import_create")
    assert visit.at.file_uploader(key="import_file").proto.type == home
