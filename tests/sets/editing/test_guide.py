"""The guided start's state: kept for its author, taken up again, gone with its copy."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2lm_core.base.errors import StudioError
from e2lm_core.base.settings import Settings
from e2lm_core.sets import authoring, collection
from e2lm_core.sets.editing import guide
from e2lm_core.sets.editing.guide import Guide
from tests.support import studios


@pytest.fixture
def ada(tmp_path: Path) -> Settings:
    settings = studios.settings(tmp_path)
    studios.write_example(settings)
    return settings.for_person(None, "ada")


def test_it_begins_with_a_copy_and_is_kept_for_its_author(ada: Settings) -> None:
    assert guide.find_guide(ada) is None
    begun = guide.start_guide(ada, "little")
    assert begun == Guide(example="little", set_name="my_first_set")
    assert not collection.find_set(ada, "my_first_set").example
    assert guide.find_guide(ada) == begun
    assert guide.find_guide(ada.for_person(None, "bob")) is None
    left = begun.model_copy(update={"step": "mend", "is_left": True})
    guide.save_guide(ada, left)
    assert guide.find_guide(ada) == left
    guide.end_guide(ada)
    assert guide.find_guide(ada) is None
    assert guide.start_guide(ada, "little").set_name != "my_first_set", "the first copy stays"


def test_it_is_gone_with_its_copy_and_with_a_broken_file(ada: Settings) -> None:
    begun = guide.start_guide(ada, "little")
    collection.delete_set(ada, begun.set_name)
    assert guide.find_guide(ada) is None
    guide.start_guide(ada, "little")
    (path,) = (ada.workspace / "guides").iterdir()
    path.write_text("{")
    assert guide.find_guide(ada) is None


def test_an_example_that_is_not_there(ada: Settings) -> None:
    with pytest.raises(StudioError):
        guide.start_guide(ada, "nothing")
    assert guide.find_guide(ada) is None


def test_a_changed_answer_and_its_mend_end_their_steps(ada: Settings) -> None:
    begun = guide.start_guide(ada, "little")
    example = collection.open_set(ada, "little")

    def changed() -> str | None:
        return guide.changed_question(collection.open_set(ada, begun.set_name), example)

    assert changed() is None
    assert guide.reached_step(begun, changed()) == "answer"
    question = example.questions[2]
    other = (question.answer + 1) % len(question.choices)
    authoring.update_questions(ada, begun.set_name, {question.id: {"answer": other}})
    assert changed() == question.id
    assert guide.reached_step(begun, changed()) == "curve"
    mend = begun.model_copy(update={"step": "mend"})
    assert guide.reached_step(mend, changed()) == "mend"
    authoring.update_questions(ada, begun.set_name, {question.id: {"answer": question.answer}})
    assert guide.reached_step(mend, changed()) == "bundle"
    assert guide.reached_step(begun.model_copy(update={"step": "curve"}), None) == "curve"


def test_a_shuffled_choice_is_no_changed_answer(ada: Settings) -> None:
    begun = guide.start_guide(ada, "little")
    example = collection.open_set(ada, "little")
    first = example.questions[0]
    turned = {"choices": first.choices[::-1], "answer": len(first.choices) - 1 - first.answer}
    authoring.update_questions(ada, begun.set_name, {first.id: turned})
    assert guide.changed_question(collection.open_set(ada, begun.set_name), example) is None


def test_each_step_has_the_next() -> None:
    assert [guide.next_step(step) for step in guide.STEPS] == ["curve", "mend", "bundle", "done", "done"]
