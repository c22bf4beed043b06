"""What an author does with sets, and that nothing they do wrong harms what is on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2lm_core.base import settings as base_settings
from e2lm_core.base.errors import StudioError, TaskError
from e2lm_core.base.records import LETTERS_CHOICE, LETTERS_TEXT
from e2lm_core.base.settings import Settings
from e2lm_core.sets import authoring
from tests.support import studios


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    settings = studios.settings(tmp_path)
    studios.write_example(settings)
    authoring.copy_set(settings, "little", "mine")
    return settings


def sentence(error: pytest.ExceptionInfo[BaseException]) -> str:
    text = str(error.value)
    assert "\n" not in text
    assert text.endswith((".", ")", "…"))
    return text


# --- finding ------------------------------------------------------------------------------------------


def test_own_sets_come_before_examples(here: Settings) -> None:
    found = authoring.list_sets(here)
    assert [(info.name, info.example) for info in found] == [("mine", False), ("little", True)]


def test_an_empty_home_lists_nothing(tmp_path: Path) -> None:
    assert authoring.list_sets(Settings(home=tmp_path / "none", tasks=tmp_path / "neither")) == []


def test_a_save_in_progress_is_no_set(here: Settings) -> None:
    (here.sets / ".mine.new-abc").mkdir()
    (here.sets / ".mine.new-abc" / "mine.yaml").write_text("task: mine\n")
    assert [info.name for info in authoring.list_sets(here)] == ["mine", "little"]


def test_a_folder_without_its_own_yaml_is_listed_with_its_problem(here: Settings) -> None:
    (here.tasks / "odd").mkdir()
    (here.tasks / "odd" / "other.yaml").write_text("task: other\n")
    (info,) = [info for info in authoring.list_sets(here) if info.name == "odd"]
    assert info.problem == "odd holds no odd.yaml."


def test_a_set_is_found_by_name_by_folder_and_by_yaml(here: Settings) -> None:
    folder = here.tasks / "little"
    for name in ("little", str(folder), f"{folder}/", str(folder / "little.yaml")):
        assert authoring.open_set(here, name) == authoring.open_set(here, "little")
    assert authoring.find_set(here, str(folder)).example
    assert not authoring.find_set(here, str(here.sets / "mine")).example


@pytest.mark.parametrize("name", ["nothing", "", "a/b/c", "x" * 5_000, "null\0byte", "~nobody_here/x"])
def test_an_unknown_set_is_one_sentence_that_names_what_there_is(here: Settings, name: str) -> None:
    with pytest.raises(TaskError) as error:
        authoring.find_set(here, name)
    assert "mine, little" in sentence(error)


# --- sets ---------------------------------------------------------------------------------------------


def test_a_new_set_is_empty_and_opens_again(here: Settings) -> None:
    created = authoring.create_set(here, "fresh")
    assert created.questions == ()
    assert authoring.open_set(here, "fresh") == created
    assert (here.sets / "fresh" / "README.md").read_text().startswith("# fresh")


def test_a_copy_holds_the_same_questions_and_leaves_the_example_alone(here: Settings) -> None:
    before = studios.tree(here.tasks)
    authoring.update_questions(here, "mine", {"q1": {"question": "Changed?"}})
    assert authoring.open_set(here, "mine").dev == authoring.open_set(here, "little").dev
    assert authoring.open_set(here, "little").questions[0] == studios.task().questions[0]
    assert studios.tree(here.tasks) == before


def test_a_copy_has_a_history_of_its_own(here: Settings) -> None:
    authoring.update_questions(here, "mine", {"q1": {"question": "Changed?"}})
    authoring.copy_set(here, "mine", "second")
    assert authoring.undoable(here, "second") == (None, None)


@pytest.mark.parametrize(
    "name", ["", "a", "1st", "_x", "Has_Capitals", "a b", "a-b", "../up", "a/b", "ä" * 4, "x" * 61]
)
def test_a_name_that_cannot_be_one_is_refused_with_the_rule(here: Settings, name: str) -> None:
    with pytest.raises(TaskError) as error:
        authoring.create_set(here, name)
    assert "small letters, digits and underscores" in sentence(error)
    assert sorted(p.name for p in here.sets.iterdir()) == ["mine"]


@pytest.mark.parametrize("taken", ["mine", "little"])
def test_a_name_that_is_taken_is_refused_even_by_an_example(here: Settings, taken: str) -> None:
    with pytest.raises(TaskError, match="already a set"):
        authoring.create_set(here, taken)


def test_a_free_name_can_always_be_used(here: Settings) -> None:
    assert authoring.free_name(here, "mine") == "mine_2"
    for wish in ("", "É", "9 lives", "My Set!", "x" * 200, "__", "little"):
        name = authoring.free_name(here, wish)
        authoring.create_set(here, name)
        assert authoring.free_name(here, name) == f"{name}_2"


def test_a_set_from_a_bundle_is_kept_under_its_name_or_another(here: Settings) -> None:
    other = studios.task(name="guest")
    assert authoring.import_set(here, other).name == "guest"
    assert authoring.import_set(here, other, "guest_again").name == "guest_again"
    with pytest.raises(TaskError, match="already a set 'guest'"):
        authoring.import_set(here, other)


def test_an_example_cannot_be_edited_or_deleted(here: Settings) -> None:
    before = studios.tree(here.tasks)
    for act in (
        lambda: authoring.update_questions(here, "little", {"q1": {"question": "Changed?"}}),
        lambda: authoring.delete_questions(here, "little", ["q1"]),
        lambda: authoring.add_questions(here, "little", [studios.question(99)]),
        lambda: authoring.update_config(here, "little", num_fewshot=1),
        lambda: authoring.set_dev(here, "little", ["q1"]),
        lambda: authoring.delete_set(here, "little"),
        lambda: authoring.undo(here, "little"),
    ):
        with pytest.raises(TaskError, match="is an example and stays as it is: copy it"):
            act()
    assert studios.tree(here.tasks) == before


# --- editing ------------------------------------------------------------------------------------------


def test_what_a_set_holds_already_is_no_change(here: Settings) -> None:
    task = authoring.open_set(here, "mine")
    first = task.questions[0]
    same = {"question": first.question, "choices": list(first.choices), "answer": first.answer}
    other = {"question": "Changed?"}
    refused = {"answer": "none"}
    gone = {"question": first.question}
    changes = {"q1": same, "q2": other, "q3": refused, "q99": gone}
    assert authoring.unsaved(task, changes) == {"q2": other, "q3": refused, "q99": gone}
    assert authoring.unsaved(authoring.update_questions(here, "mine", {"q2": other}), {"q2": other}) == {}


def test_an_edit_is_saved_at_once_and_changes_nothing_else(here: Settings) -> None:
    before = authoring.open_set(here, "mine")
    after = authoring.update_questions(
        here, "mine", {"q2": {"question": "New?", "choices": ["a", "b", "c"], "answer": 2, "note": None}}
    )
    assert authoring.open_set(here, "mine") == after
    changed = [q.id for q, old in zip(after.questions, before.questions, strict=True) if q != old]
    assert changed == ["q2"]
    assert after.questions[1].choices == ("a", "b", "c")
    assert after.questions[1].subject == "mathematics"


def test_the_same_edit_twice_is_one_step(here: Settings) -> None:
    for _ in range(2):
        authoring.update_questions(here, "mine", {"q2": {"question": "New?"}})
    assert authoring.undoable(here, "mine") == ("edit question q2", None)
    authoring.undo(here, "mine")
    assert authoring.undoable(here, "mine") == (None, "edit question q2")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"answer": 4}, "gold is 4, but it has 4 choices (use 0–3)"),
        ({"answer": -1}, "gold is -1"),
        ({"choices": ["only"], "answer": 0}, "1 choice"),
        ({"choices": ["same", "same"], "answer": 0}, "are equal"),
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
    assert authoring.undoable(here, "mine")[0] == "add 3 questions"


def test_too_many_questions_are_refused_whole(tmp_path: Path) -> None:
    settings = studios.settings(tmp_path).model_copy(update={"limits": base_settings.Limits(max_questions=8)})
    studios.write_example(settings)
    authoring.copy_set(settings, "little", "mine")
    before = studios.tree(settings.home)
    with pytest.raises(TaskError, match="at most 8"):
        authoring.add_questions(settings, "mine", [studios.question(n) for n in range(50, 53)])
    assert studios.tree(settings.home) == before


def test_deleting_questions_and_deleting_none(here: Settings) -> None:
    after = authoring.delete_questions(here, "mine", ["q1", "q3", "nothing"])
    assert [q.id for q in after.questions] == ["q2", "q4", "q5", "q6"]
    assert authoring.undoable(here, "mine")[0] == "delete 2 questions"
    assert authoring.delete_questions(here, "mine", ["nothing"]) == after
    assert authoring.undoable(here, "mine")[0] == "delete 2 questions"


def test_the_prompt_style_is_changed_and_undone(here: Settings) -> None:
    after = authoring.update_config(here, "mine", doc_to_text=LETTERS_TEXT, doc_to_choice=LETTERS_CHOICE)
    assert after.config.style == "letters"
    assert authoring.open_set(here, "mine").config.style == "letters"
    assert authoring.undo(here, "mine").config.style == "cloze"


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
    after = authoring.set_dev(here, "mine", ["q1", "q2"])
    assert [q.id for q in after.dev] == ["q1", "q2"]
    assert [q.id for q in after.questions] == ["q3", "q4", "q5", "q6", "dev0", "dev1"]


def test_dev_questions_that_the_prompt_shows_cannot_be_taken_away(here: Settings) -> None:
    authoring.update_config(here, "mine", num_fewshot=2)
    with pytest.raises(TaskError, match="the set has 1 dev questions"):
        authoring.set_dev(here, "mine", ["dev0"])
    assert len(authoring.open_set(here, "mine").dev) == 2


def test_a_preview_saves_nothing(here: Settings) -> None:
    before = studios.tree(here.home)
    data = b"question,choice_1,choice_2,answer\nWhy?,one,two,0\nHow?,one,one,7\n"
    preview = authoring.preview_import(here, data, "new.csv")
    assert len(preview.questions) == 2
    assert preview.problems
    assert studios.tree(here.home) == before


# --- undo, delete and restore --------------------------------------------------------------------------


def test_undo_and_redo_walk_through_every_edit(here: Settings) -> None:
    states = [authoring.open_set(here, "mine")]
    states += [
        authoring.update_questions(here, "mine", {f"q{n}": {"question": f"New {n}?"}}) for n in (1, 2, 3)
    ]
    for state in states[-2::-1]:
        assert authoring.undo(here, "mine") == state == authoring.open_set(here, "mine")
    with pytest.raises(StudioError, match="nothing to undo"):
        authoring.undo(here, "mine")
    for state in states[1:]:
        assert authoring.redo(here, "mine") == state == authoring.open_set(here, "mine")
    with pytest.raises(StudioError, match="nothing to redo"):
        authoring.redo(here, "mine")


def test_an_edit_after_undo_drops_what_was_undone(here: Settings) -> None:
    authoring.update_questions(here, "mine", {"q1": {"question": "One?"}})
    authoring.undo(here, "mine")
    authoring.update_questions(here, "mine", {"q2": {"question": "Two?"}})
    assert authoring.undoable(here, "mine") == ("edit question q2", None)


def test_undo_outlives_the_session(here: Settings) -> None:
    authoring.delete_questions(here, "mine", ["q1"])
    later = Settings(home=here.home, tasks=here.tasks, ladder=here.ladder)
    assert authoring.undoable(later, "mine") == ("delete a question", None)
    assert len(authoring.undo(later, "mine").questions) == 6


def test_a_deleted_set_comes_back_with_its_history(here: Settings) -> None:
    edited = authoring.update_questions(here, "mine", {"q1": {"question": "One?"}})
    authoring.delete_set(here, "mine")
    assert authoring.deleted_sets(here) == ["mine"]
    with pytest.raises(TaskError, match="no question set 'mine'"):
        authoring.open_set(here, "mine")
    assert authoring.restore_set(here, "mine") == edited
    assert authoring.deleted_sets(here) == []
    assert authoring.undoable(here, "mine") == ("edit question q1", None)


def test_a_set_does_not_get_the_history_of_an_older_one_of_its_name(here: Settings) -> None:
    authoring.update_questions(here, "mine", {"q1": {"question": "One?"}})
    authoring.delete_set(here, "mine")
    authoring.create_set(here, "mine")
    assert authoring.undoable(here, "mine") == (None, None)
    authoring.delete_set(here, "mine")
    assert authoring.restore_set(here, "mine").questions == ()
    assert authoring.undoable(here, "mine") == (None, None)


def test_a_set_that_exists_again_is_not_overwritten_by_restoring(here: Settings) -> None:
    authoring.delete_set(here, "mine")
    kept = authoring.create_set(here, "mine", [studios.question(7)])
    with pytest.raises(TaskError, match="exists again"):
        authoring.restore_set(here, "mine")
    assert authoring.open_set(here, "mine") == kept


@pytest.mark.parametrize("name", ["nothing", "", "../sets/mine", "mine.history"])
def test_what_was_not_deleted_cannot_be_restored(here: Settings, name: str) -> None:
    authoring.update_questions(here, "mine", {"q1": {"question": "One?"}})
    authoring.copy_set(here, "mine", "other")
    authoring.delete_set(here, "other")
    with pytest.raises(TaskError, match="no deleted set"):
        authoring.restore_set(here, name)


def test_deleting_by_path_puts_the_set_aside_as_deleting_by_name_does(here: Settings) -> None:
    authoring.delete_set(here, str(here.sets / "mine"))
    assert authoring.restore_set(here, "mine").questions == studios.task().questions


def test_versions_are_listed_and_opened(here: Settings) -> None:
    assert authoring.versions(here, "mine") == []
    with pytest.raises(TaskError, match="never edited"):
        authoring.open_version(here, "mine", 0)
    before = authoring.open_set(here, "mine")
    authoring.update_questions(here, "mine", {"q1": {"question": "What is one and one?"}})
    assert [(v.number, v.action, v.shown) for v in authoring.versions(here, "mine")] == [
        (0, "open", False),
        (1, "edit question q1", True),
    ]
    assert authoring.open_version(here, "mine", 0) == before
    with pytest.raises(TaskError, match="it has 0 to 1"):
        authoring.open_version(here, "mine", 7)
