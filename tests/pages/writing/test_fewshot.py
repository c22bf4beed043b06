"""Few-shot examples in the browser: chosen, saved, undone, and never over a colleague's choice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from e2lm_core.sets import authoring, collection
from e2lm_core.ui.editor import fewshot_panel
from tests.support.visits import OWN, Visit, app_in, learnt_in

KEY = f"fewshot_{OWN}"


@pytest.fixture
def visit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Visit]:
    learnt_in(tmp_path)
    for visit in app_in(tmp_path, monkeypatch, tmp_path / "ladder"):
        yield prompt(visit.choose(OWN))


def prompt(visit: Visit) -> Visit:
    visit.open("write")
    visit.at.segmented_control(key="author_view").set_value("Prompt").run()
    assert not visit.at.exception
    return visit


def choose(visit: Visit, *ids: str) -> None:
    """Open the choice and choose these, without saving."""
    if f"{KEY}_change" in [button.key for button in visit.at.button]:
        visit.at.button(key=f"{KEY}_change").click().run()
    visit.at.multiselect(key=f"{KEY}_chosen").set_value(list(ids)).run()
    assert not visit.at.exception


def save(visit: Visit) -> None:
    visit.at.button(key=f"{KEY}_save").click().run()
    assert not visit.at.exception


def dev(visit: Visit) -> list[str]:
    return [question.id for question in collection.open_set(visit.studio.settings, OWN).dev]


def test_examples_are_chosen_saved_and_undone(visit: Visit) -> None:
    before = dev(visit)
    choose(visit, "q1", *before)
    save(visit)
    assert dev(visit) == ["q1", *before]
    assert "q1" not in [q.id for q in collection.open_set(visit.studio.settings, OWN).questions]
    assert "Saved" in visit.said
    assert (
        f"{len(before) + 1} example questions. The prompt shows none of them: set num_fewshot above."
        in visit.said
    )
    visit.click("Undo")
    assert dev(visit) == before


def test_a_set_without_examples_offers_to_choose_some(visit: Visit) -> None:
    authoring.set_fewshot_examples(visit.studio.settings, OWN, [])
    visit.at.run()
    assert "This set has no examples yet." in visit.said
    visit.click("Choose examples")
    choose(visit, "q2")
    save(visit)
    assert dev(visit) == ["q2"]


def test_a_new_question_can_be_written_from_there(visit: Visit) -> None:
    choose(visit, "q1")
    visit.click("Write a new question")
    assert "A new question" in visit.said
    prompt(visit)
    assert visit.at.multiselect(key=f"{KEY}_chosen").value == ["q1"]
    visit.click("Cancel")
    visit.click("Change the examples")
    assert visit.at.multiselect(key=f"{KEY}_chosen").value == dev(visit)
    visit.click("Cancel")
    assert not [one for one in visit.at.multiselect if one.key == f"{KEY}_chosen"]


def test_a_colleagues_choice_is_kept_and_ones_own_is_not_lost(visit: Visit) -> None:
    choose(visit, *dev(visit), "q1")
    authoring.set_fewshot_examples(visit.studio.settings, OWN, ["q2"])
    save(visit)
    assert dev(visit) == ["q2"]
    assert "somebody else changed the few-shot examples meanwhile" in visit.said
    assert "Your choice is applied to theirs" in visit.said
    assert visit.at.multiselect(key=f"{KEY}_chosen").value == ["q2", "q1"]
    save(visit)
    assert dev(visit) == ["q2", "q1"]


@pytest.mark.parametrize(
    ("seen", "saved", "chosen", "merged"),
    [
        (["a"], ["a", "b"], ["a"], ["a", "b"]),
        (["a"], ["b"], ["a", "c"], ["b", "c"]),
        (["a", "b"], ["a", "b", "c"], ["b"], ["b", "c"]),
        (["a"], ["a", "c"], ["a", "c"], ["a", "c"]),
        ([], ["b"], [], ["b"]),
    ],
)
def test_two_choices_become_one(
    seen: list[str], saved: list[str], chosen: list[str], merged: list[str]
) -> None:
    assert fewshot_panel.merge_choice(seen, saved, chosen) == merged


def test_one_question_stays_to_be_asked(visit: Visit) -> None:
    before, task = dev(visit), collection.open_set(visit.studio.settings, OWN)
    choose(visit, *[question.id for question in (*task.dev, *task.questions)])
    save(visit)
    assert dev(visit) == before
    assert "leave one out. Not saved." in visit.said


def test_a_word_finds_questions_of_a_large_set(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fewshot_panel, "MAX_OPTIONS", 3)
    visit.click("Change the examples")
    assert "The first 3 of" in visit.said
    choose(visit, "q1")
    visit.at.text_input(key=f"{KEY}_find").set_value("q39").run()
    options = visit.at.multiselect(key=f"{KEY}_chosen").options
    assert [option.partition(":")[0] for option in options] == ["q1", "q39"]


def test_an_example_set_shows_them_and_has_no_choice(visit: Visit) -> None:
    prompt(visit.choose("little"))
    assert not [one for one in visit.at.button if (one.key or "").startswith("fewshot_")]
