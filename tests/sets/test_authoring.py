"""Editing a set, and that nothing its author does wrong harms what is on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from e2lm_core.base import settings as base_settings
from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import LETTERS_CHOICE, LETTERS_TEXT
from e2lm_core.base.settings import Settings
from e2lm_core.sets import authoring, collection, conflicts, versions
from tests.support import studios
from tests.support.studios import sentence


def test_an_example_cannot_be_edited_or_deleted(here: Settings) -> None:
    before = studios.tree(here.tasks)
    for act in (
        lambda: authoring.update_questions(here, "little", {"q1": {"question": "Changed?"}}),
        lambda: authoring.delete_questions(here, "little", ["q1"]),
        lambda: authoring.add_questions(here, "little", [studios.question(99)]),
        lambda: authoring.update_config(here, "little", num_fewshot=1),
        lambda: authoring.set_fewshot_examples(here, "little", ["q1"]),
        lambda: collection.delete_set(here, "little"),
        lambda: versions.undo(here, "little"),
    ):
        with pytest.raises(TaskError, match="is an example and stays as it is: copy it"):
            act()
    assert studios.tree(here.tasks) == before


def test_an_edit_is_saved_at_once_and_changes_nothing_else(here: Settings) -> None:
    before = collection.open_set(here, "mine")
    after = authoring.update_questions(
        here, "mine", {"q2": {"question": "New?", "choices": ["a", "b", "c"], "answer": 2, "note": None}}
    )
    assert collection.open_set(here, "mine") == after
    changed = [q.id for q, old in zip(after.questions, before.questions, strict=True) if q != old]
    assert changed == ["q2"]
    assert after.questions[1].choices == ("a", "b", "c")
    assert after.questions[1].subject == "mathematics"


def test_the_same_edit_twice_is_one_step(here: Settings) -> None:
    for _ in range(2):
        authoring.update_questions(here, "mine", {"q2": {"question": "New?"}})
    assert versions.available_undo(here, "mine") == ("edit question q2", None)
    versions.undo(here, "mine")
    assert versions.available_undo(here, "mine") == (None, "edit question q2")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"answer": 4}, "gold is 4, but it has 4 choices (use 0–3)"),
        ({"answer": -1}, "gold is -1"),
        ({"choices": ["only"], "answer": 0}, "1 choice"),
        ({"choices": ["same", "same"], "answer": 0}, "are the same"),
        ({"choices": ["one", ""], "answer": 0}, "is empty"),
        ({"choices": [], "answer": 0}, "0 choices"),
        ({"choices": [str(k) for k in range(27)], "answer": 0}, "27 choices"),
        ({"question": ""}, "the question is empty"),
        ({"question": " \n "}, "the question is empty"),
        ({"question": "x" * 20_001}, "20,001 characters"),
        ({"question": "half \ud800 a character"}, "half character"),
        ({"id": "q3"}, "its id 'q3'"),
        ({"id": ""}, "it has no id"),
        ({"answer": "two"}, "answer cannot be 'two'"),
        ({"colour": "red"}, "colour cannot be 'red'"),
    ],
)
def test_an_invalid_edit_is_one_sentence_and_the_set_on_disk_stays(
    here: Settings, fields: dict[str, object], says: str
) -> None:
    before = studios.tree(here.home)
    with pytest.raises(TaskError) as error:
        authoring.update_questions(here, "mine", {"q2": fields})
    assert says in sentence(error)
    assert studios.tree(here.home) == before


def test_a_question_that_is_gone_cannot_be_edited(here: Settings) -> None:
    authoring.delete_questions(here, "mine", ["q2"])
    with pytest.raises(TaskError, match="'q2' is no longer in mine"):
        authoring.update_questions(here, "mine", {"q2": {"question": "New?"}})


def test_added_questions_get_free_ids(here: Settings) -> None:
    fresh = [studios.question(50, id=""), studios.question(51, id="q1"), studios.question(52, id="dev0")]
    after = authoring.add_questions(here, "mine", fresh)
    assert [q.id for q in after.questions[6:]] == ["q7", "q8", "q9"]
    assert versions.available_undo(here, "mine")[0] == "add 3 questions"


def test_too_many_questions_are_refused_whole(tmp_path: Path) -> None:
    settings = studios.settings(tmp_path).model_copy(update={"limits": base_settings.Limits(max_questions=8)})
    studios.write_example(settings)
    collection.copy_set(settings, "little", "mine")
    before = studios.tree(settings.home)
    with pytest.raises(TaskError, match="at most 8"):
        authoring.add_questions(settings, "mine", [studios.question(n) for n in range(50, 53)])
    assert studios.tree(settings.home) == before


def test_deleting_questions_and_deleting_none(here: Settings) -> None:
    after = authoring.delete_questions(here, "mine", ["q1", "q3", "nothing"])
    assert [q.id for q in after.questions] == ["q2", "q4", "q5", "q6"]
    assert versions.available_undo(here, "mine")[0] == "delete 2 questions"
    assert authoring.delete_questions(here, "mine", ["nothing"]) == after
    assert versions.available_undo(here, "mine")[0] == "delete 2 questions"


def test_the_prompt_style_is_changed_and_undone(here: Settings) -> None:
    after = authoring.update_config(here, "mine", doc_to_text=LETTERS_TEXT, doc_to_choice=LETTERS_CHOICE)
    assert after.config.style == "letters"
    assert collection.open_set(here, "mine").config.style == "letters"
    assert versions.undo(here, "mine").config.style == "cloze"


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"num_fewshot": 3}, "has 2 dev questions"),
        ({"num_fewshot": 33}, "use 0 to 32"),
        ({"num_fewshot": -1}, "use 0 to 32"),
        ({"num_fewshot": "many"}, "num_fewshot cannot be 'many'"),
        ({"doc_to_text": "{{ question"}, "not a valid template"),
        ({"doc_to_text": "{{ question.__class__ }}"}, "__class__"),
        ({"doc_to_text": "{% for a in range(10**9) %}x{% endfor %}"}, "range"),
        ({"doc_to_text": "{% include 'x' %}"}, "another template"),
        ({"doc_to_text": "{{ nothing }}"}, "nothing"),
        ({"doc_to_choice": "{{ question }}"}, "list of texts"),
        ({"unknown_key": 1}, "unknown_key"),
    ],
)
def test_a_prompt_that_cannot_be_rendered_is_refused_and_nothing_is_saved(
    here: Settings, values: dict[str, object], says: str
) -> None:
    before = studios.tree(here.home)
    with pytest.raises(TaskError) as error:
        authoring.update_config(here, "mine", **values)
    assert says in sentence(error)
    assert studios.tree(here.home) == before


def test_a_question_is_either_in_test_or_in_dev(here: Settings) -> None:
    after = authoring.set_fewshot_examples(here, "mine", ["q1", "q2"])
    assert [q.id for q in after.dev] == ["q1", "q2"]
    assert [q.id for q in after.questions] == ["q3", "q4", "q5", "q6", "dev0", "dev1"]


def test_examples_stand_in_the_order_in_which_they_are_chosen(here: Settings) -> None:
    after = authoring.set_fewshot_examples(here, "mine", ["q2", "dev1", "q1"])
    assert [q.id for q in after.dev] == ["q2", "dev1", "q1"]


def test_examples_that_came_from_the_test_come_from_dev_once_it_has_some(here: Settings) -> None:
    before = authoring.update_config(here, "mine", fewshot_split="test", fewshot_leaves_out=True)
    assert before.fewshot_pool == before.questions
    after = authoring.set_fewshot_examples(here, "mine", ["q1", "q2"])
    assert (after.fewshot_pool, after.config.fewshot_leaves_out) == (after.dev, False)


def test_dev_questions_that_the_prompt_shows_cannot_be_taken_away(here: Settings) -> None:
    authoring.update_config(here, "mine", num_fewshot=2)
    with pytest.raises(TaskError, match="the set has 1 dev question to show"):
        authoring.set_fewshot_examples(here, "mine", ["dev0"])
    assert len(collection.open_set(here, "mine").dev) == 2


def test_examples_over_a_colleagues_choice_are_refused(here: Settings) -> None:
    seen = [question.id for question in collection.open_set(here, "mine").dev]
    authoring.set_fewshot_examples(here, "mine", ["q1"], base=seen)
    with pytest.raises(TaskError, match="examples meanwhile"):
        authoring.set_fewshot_examples(here, "mine", ["q2"], base=seen)
    assert [question.id for question in collection.open_set(here, "mine").dev] == ["q1"]


@pytest.mark.parametrize(
    ("ids", "says"),
    [
        (["q1", "q99"], "no question 'q99'"),
        ([f"q{n}" for n in range(1, 7)] + ["dev0", "dev1"], "leave one out"),
    ],
)
def test_examples_that_cannot_be_are_refused_and_nothing_is_saved(
    here: Settings, ids: list[str], says: str
) -> None:
    before = studios.tree(here.home)
    with pytest.raises(TaskError, match=says):
        authoring.set_fewshot_examples(here, "mine", ids)
    assert studios.tree(here.home) == before


def test_a_preview_saves_nothing(here: Settings) -> None:
    before = studios.tree(here.home)
    data = b"question,choice_1,choice_2,answer\nWhy?,one,two,0\nHow?,one,one,7\n"
    preview = authoring.preview_import(here, data, "new.csv")
    assert len(preview.questions) == 2
    assert preview.problems
    assert studios.tree(here.home) == before


def test_a_question_moves_to_a_place_or_beside_another(here: Settings) -> None:
    def order() -> str:
        return " ".join(q.id for q in collection.open_set(here, "mine").questions)

    authoring.move_question(here, "mine", "q5", 1)
    assert order() == "q5 q1 q2 q3 q4 q6"
    authoring.move_question(here, "mine", "q5", 6)
    assert order() == "q1 q2 q3 q4 q6 q5"
    authoring.move_question(here, "mine", "q6", before="q1")
    authoring.move_question(here, "mine", "q1", after="q4")
    assert order() == "q6 q2 q3 q4 q1 q5"
    count = len(versions.list_versions(here, "mine"))
    authoring.move_question(here, "mine", "q6", 1)  # where it stands already
    assert len(versions.list_versions(here, "mine")) == count
    assert versions.list_versions(here, "mine")[-1].action == "move question q1"
    versions.undo(here, "mine")
    assert order() == "q6 q1 q2 q3 q4 q5"


@pytest.mark.parametrize(
    ("identity", "where", "says"),
    [
        ("q9", {"place": 1}, "There is no question 'q9' in mine to move"),
        ("q1", {"place": 0}, "mine has the places 1 to 6, not 0"),
        ("q1", {"place": 7}, "not 7"),
        ("q1", {}, "is not clear"),
        ("q1", {"place": 1, "before": "q2"}, "is not clear"),
        ("q1", {"before": "q1"}, "no other question 'q1'"),
        ("q1", {"after": "dev0"}, "no other question 'dev0'"),
    ],
)
def test_a_question_moves_nowhere_else(
    here: Settings, identity: str, where: dict[str, Any], says: str
) -> None:
    with pytest.raises(TaskError, match=says) as error:
        authoring.move_question(here, "mine", identity, **where)
    sentence(error)


# --- two authors ----------------------------------------------------------------------------------------

SEEN = {"q1": {"question": "What is twice the number 1?", "note": None}}
MINE = {"q1": {"question": "Mine?", "note": "mine"}}


def of(settings: Settings, identity: str = "q1"):
    return next(q for q in collection.open_set(settings, "mine").questions if q.id == identity)


def clash(here: Settings):
    authoring.update_questions(here, "mine", {"q1": {"question": "Theirs?"}})
    (clash,) = authoring.merge_edits(here, "mine", MINE, SEEN).clashes
    return clash


def test_what_merges_is_saved_and_a_clash_overwrites_nothing(here: Settings) -> None:
    authoring.update_questions(here, "mine", {"q1": {"question": "Theirs?"}, "q2": {"note": "theirs"}})
    changes = MINE | {"q2": {"subject": "mine"}, "q3": {"question": "Third?"}}
    saved = authoring.merge_edits(here, "mine", changes, SEEN)
    assert [(c.question, c.field) for c in saved.clashes] == [("q1", "question")]
    assert (of(here).question, of(here).note) == ("Theirs?", "mine")
    assert (of(here, "q2").note, of(here, "q2").subject, of(here, "q3").question) == (
        "theirs",
        "mine",
        "Third?",
    )
    assert saved.task == collection.open_set(here, "mine")
    assert authoring.merge_edits(here, "mine", {"q1": {"question": "Theirs?"}}, SEEN).clashes == ()


@pytest.mark.parametrize(
    ("keep", "text", "result"),
    [("mine", None, "Mine?"), ("theirs", None, "Theirs?"), ("text", "Both?", "Both?")],
)
def test_a_clash_is_settled_and_both_texts_stand_in_the_history(here: Settings, keep, text, result) -> None:
    saved = authoring.resolve_conflict(here, "mine", clash(here), keep, text)
    assert saved.clashes == ()
    assert of(here).question == result
    kept = [versions.open_version(here, "mine", v.number) for v in versions.list_versions(here, "mine")]
    assert {"Mine?", "Theirs?"} <= {task.questions[0].question for task in kept}


def test_a_clash_that_moved_on_is_returned_anew(here: Settings) -> None:
    old = clash(here)
    authoring.update_questions(here, "mine", {"q1": {"question": "Theirs, again?"}})
    (new,) = authoring.resolve_conflict(here, "mine", old, "mine").clashes
    assert (new.seen, new.theirs, new.mine) == ("Theirs?", "Theirs, again?", "Mine?")
    assert of(here).question == "Theirs, again?"


def test_a_deleted_question_gives_its_text_back_and_the_others_are_saved(here: Settings) -> None:
    authoring.delete_questions(here, "mine", ["q1"])
    with pytest.raises(conflicts.DeletedByOtherError, match="'q1' is no longer in mine") as error:
        authoring.merge_edits(here, "mine", MINE | {"q2": {"note": "kept"}}, SEEN)
    assert error.value.unsaved == MINE
    assert error.value.saved.task == collection.open_set(here, "mine")
    assert of(here, "q2").note == "kept"


def test_a_set_that_is_gone_gives_the_text_back(here: Settings) -> None:
    old = clash(here)
    collection.rename_set(here, "mine", "yours")
    with pytest.raises(conflicts.DeletedByOtherError, match="renamed mine to yours") as error:
        authoring.merge_edits(here, "mine", MINE, SEEN)
    assert (error.value.unsaved, error.value.renamed) == (MINE, "yours")
    collection.delete_set(here, "yours")
    for keep in ("mine", "theirs"):
        with pytest.raises(conflicts.DeletedByOtherError, match="no question set 'mine'") as error:
            authoring.resolve_conflict(here, "mine", old, keep)
        assert error.value.unsaved == {"q1": {"question": "Mine?"}}
    assert sentence(error)
