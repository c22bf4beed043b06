"""Sets as a whole: found, made, copied, imported, put aside and brought back; nothing wrong harms the disk."""

from __future__ import annotations

import contextlib
import io
import os
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from e2lm_core.base.errors import TaskError
from e2lm_core.base.settings import Settings
from e2lm_core.sets import authoring, collection, versions
from e2lm_core.sets.editing import ignored_problems
from e2lm_core.sets.folder import bundle, files
from tests.support import studios
from tests.support.studios import sentence


def test_own_sets_come_before_examples(here: Settings) -> None:
    found = collection.list_sets(here)
    assert [(info.name, info.example) for info in found] == [("mine", False), ("little", True)]


def test_an_empty_home_lists_nothing(tmp_path: Path) -> None:
    assert collection.list_sets(Settings(home=tmp_path / "none", tasks=tmp_path / "neither")) == []


def test_a_save_in_progress_is_no_set(here: Settings) -> None:
    (here.sets / ".mine.new-abc").mkdir()
    (here.sets / ".mine.new-abc" / "mine.yaml").write_text("task: mine\n")
    assert [info.name for info in collection.list_sets(here)] == ["mine", "little"]


def test_a_folder_without_its_own_yaml_is_listed_with_its_problem(here: Settings) -> None:
    (here.tasks / "odd").mkdir()
    (here.tasks / "odd" / "other.yaml").write_text("task: other\n")
    (info,) = [info for info in collection.list_sets(here) if info.name == "odd"]
    assert info.problem == "odd holds no odd.yaml."


def test_a_set_is_found_by_name_by_folder_and_by_yaml(here: Settings) -> None:
    folder = here.tasks / "little"
    for name in ("little", str(folder), f"{folder}/", str(folder / "little.yaml")):
        assert collection.open_set(here, name) == collection.open_set(here, "little")
    assert collection.find_set(here, str(folder)).example
    assert not collection.find_set(here, str(here.sets / "mine")).example


@pytest.mark.parametrize("name", ["nothing", "", "a/b/c", "x" * 5_000, "null\0byte", "~nobody_here/x"])
def test_an_unknown_set_is_one_sentence_that_names_what_there_is(here: Settings, name: str) -> None:
    with pytest.raises(TaskError) as error:
        collection.find_set(here, name)
    assert "mine, little" in sentence(error)


def test_a_new_set_is_empty_and_opens_again(here: Settings) -> None:
    created = collection.create_set(here, "fresh")
    assert created.questions == ()
    assert collection.open_set(here, "fresh") == created
    assert (here.sets / "fresh" / "README.md").read_text().startswith("# fresh")


def test_a_copy_holds_the_same_questions_and_leaves_the_example_alone(here: Settings) -> None:
    before = studios.tree(here.tasks)
    authoring.update_questions(here, "mine", {"q1": {"question": "Changed?"}})
    assert collection.open_set(here, "mine").dev == collection.open_set(here, "little").dev
    assert collection.open_set(here, "little").questions[0] == studios.task().questions[0]
    assert studios.tree(here.tasks) == before


def test_a_copy_of_an_example_has_a_readme_of_its_own(here: Settings) -> None:
    (here.tasks / "little" / "README.md").write_text("# little\n\nWritten by hand.\n")
    collection.copy_set(here, "little", "ours")
    assert (here.sets / "ours" / "README.md").read_text().startswith("# ours\n")
    (here.sets / "ours" / "README.md").write_text("# Ours\n\nBy us.\n")
    collection.copy_set(here, "ours", "theirs")
    assert (here.sets / "theirs" / "README.md").read_text() == "# Ours\n\nBy us.\n"


def test_a_copy_has_a_history_of_its_own(here: Settings) -> None:
    authoring.update_questions(here, "mine", {"q1": {"question": "Changed?"}})
    collection.copy_set(here, "mine", "second")
    assert versions.available_undo(here, "second") == (None, None)


@pytest.mark.parametrize(
    "name", ["", "a", "1st", "_x", "Has_Capitals", "a b", "a-b", "../up", "a/b", "ä" * 4, "x" * 61]
)
def test_a_name_that_cannot_be_one_is_refused_with_the_rule(here: Settings, name: str) -> None:
    with pytest.raises(TaskError) as error:
        collection.create_set(here, name)
    assert "small letters, digits and underscores" in sentence(error)
    assert sorted(p.name for p in here.sets.iterdir()) == ["mine"]


@pytest.mark.parametrize("taken", ["mine", "little"])
def test_a_name_that_is_taken_is_refused_even_by_an_example(here: Settings, taken: str) -> None:
    with pytest.raises(TaskError, match="already a set"):
        collection.create_set(here, taken)


def test_a_free_name_can_always_be_used(here: Settings) -> None:
    assert collection.free_name(here, "mine") == "mine_2"
    for wish in ("", "É", "9 lives", "My Set!", "x" * 200, "__", "little"):
        name = collection.free_name(here, wish)
        collection.create_set(here, name)
        assert collection.free_name(here, name) == f"{name}_2"


def test_a_set_from_a_bundle_is_kept_under_its_name_or_another(here: Settings) -> None:
    other = studios.task(name="guest")
    assert collection.import_set(here, other).name == "guest"
    assert collection.import_set(here, other, "guest_again").name == "guest_again"
    with pytest.raises(TaskError, match="already a set 'guest'"):
        collection.import_set(here, other)


def test_a_deleted_set_comes_back_with_its_history(here: Settings) -> None:
    edited = authoring.update_questions(here, "mine", {"q1": {"question": "One?"}})
    collection.delete_set(here, "mine")
    assert collection.deleted_sets(here) == ["mine"]
    with pytest.raises(TaskError, match="no question set 'mine'"):
        collection.open_set(here, "mine")
    assert collection.restore_set(here, "mine") == edited
    assert collection.deleted_sets(here) == []
    assert versions.available_undo(here, "mine") == ("edit question q1", None)


def test_a_set_does_not_get_the_history_of_an_older_one_of_its_name(here: Settings) -> None:
    authoring.update_questions(here, "mine", {"q1": {"question": "One?"}})
    collection.delete_set(here, "mine")
    collection.create_set(here, "mine")
    assert versions.available_undo(here, "mine") == (None, None)
    collection.delete_set(here, "mine")
    assert collection.restore_set(here, "mine").questions == ()
    assert versions.available_undo(here, "mine") == (None, None)


def test_a_set_that_exists_again_is_not_overwritten_by_restoring(here: Settings) -> None:
    collection.delete_set(here, "mine")
    kept = collection.create_set(here, "mine", [studios.question(7)])
    with pytest.raises(TaskError, match="exists again"):
        collection.restore_set(here, "mine")
    assert collection.open_set(here, "mine") == kept


@pytest.mark.parametrize("name", ["nothing", "", "../sets/mine", "mine.history"])
def test_what_was_not_deleted_cannot_be_restored(here: Settings, name: str) -> None:
    authoring.update_questions(here, "mine", {"q1": {"question": "One?"}})
    collection.copy_set(here, "mine", "other")
    collection.delete_set(here, "other")
    with pytest.raises(TaskError, match="no deleted set"):
        collection.restore_set(here, name)


def test_deleting_by_path_puts_the_set_aside_as_deleting_by_name_does(here: Settings) -> None:
    collection.delete_set(here, str(here.sets / "mine"))
    assert collection.restore_set(here, "mine").questions == studios.task().questions


def test_a_renamed_set_keeps_its_history_and_its_other_files(here: Settings) -> None:
    first = collection.open_set(here, "mine")
    authoring.update_questions(here, "mine", {"q1": {"question": "Changed?"}})
    (here.sets / "mine" / "notes.txt").write_text("kept")
    ignored_problems.ignore_problems(here, "mine", ("mark",))
    renamed = collection.rename_set(here, "mine", "yours")
    assert [info.name for info in collection.list_sets(here)] == ["yours", "little"]
    assert renamed == collection.open_set(here, "yours")
    assert ignored_problems.ignored_problems(here, "yours") == ("mark",)
    assert (renamed.name, renamed.questions[0].question) == ("yours", "Changed?")
    assert (here.sets / "yours" / "notes.txt").read_text() == "kept"
    assert not (here.sets / "yours" / "mine.yaml").exists()
    undone = versions.undo(here, "yours")
    assert (undone.name, undone.questions) == ("yours", first.questions)
    assert versions.redo(here, "yours") == renamed
    assert collection.rename_set(here, "yours", "mine").questions == renamed.questions
    assert [p.name for p in here.sets.iterdir()] == ["mine"]
    assert len(versions.list_versions(here, "mine")) == 4


def test_a_file_that_cannot_be_copied_is_said_and_the_set_stays(here: Settings) -> None:
    os.mkfifo(here.sets / "mine" / "pipe")
    with pytest.raises(TaskError, match=r"mine could not be renamed \(a file in it cannot be read\)"):
        collection.rename_set(here, "mine", "yours")
    assert collection.open_set(here, "mine").questions


def test_a_name_that_is_taken_and_an_example_are_not_renamed(here: Settings) -> None:
    collection.create_set(here, "other")
    before = studios.tree(here.sets)
    for old, new, says in (
        ("mine", "other", "There is already a set 'other'"),
        ("mine", "little", "There is already a set 'little'"),
        ("mine", "Not A Name", "cannot be used"),
        ("mine", "../x", "cannot be used"),
        ("little", "big", "is an example and stays as it is"),
        ("nobody", "big", "There is no question set 'nobody'"),
    ):
        with pytest.raises(TaskError, match=says) as error:
            collection.rename_set(here, old, new)
        sentence(error)
    assert collection.rename_set(here, "mine", "mine") == collection.open_set(here, "mine")
    assert studios.tree(here.sets) == before


def test_where_no_path_may_be_named_none_is_asked_for(here: Settings) -> None:
    with pytest.raises(TaskError, match=r"\) or the path of a task folder\.$"):
        collection.open_set(here, "nobody")
    with pytest.raises(TaskError, match=r"'nobody': choose one of the sets here \([^)]*mine[^)]*\)\.$"):
        collection.open_set(here.for_person(None, paths=False), "nobody")


def test_two_who_rename_crosswise_end_and_lose_nothing(here: Settings) -> None:
    collection.create_set(here, "other")

    def rename(old: str, new: str) -> None:
        with contextlib.suppress(TaskError):
            collection.rename_set(here, old, new)

    with ThreadPoolExecutor() as threads:
        list(threads.map(rename, ("mine", "other", "mine"), ("other", "mine", "third")))
    assert len([info for info in collection.list_sets(here) if not info.example]) == 2
    assert not list(here.sets.glob(".*"))


def test_a_renamed_set_leaves_word_of_its_name(here: Settings) -> None:
    collection.rename_set(here, "mine", "yours")
    collection.rename_set(here, "yours", "ours")
    assert collection.find_renamed(here, "mine") == "ours"
    assert collection.find_renamed(here, "ours") is None
    collection.create_set(here, "mine")
    assert collection.find_renamed(here, "mine") is None
    assert collection.find_renamed(here, "yours") == "ours"


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Über Kräfte & Energie (10b)", "uber_krafte_energie_10b"),
        ("物理 第一章", "wu_li_di_yi_zhang"),
        ("Физика 8 класс", "fizika_8_klass"),
        ("😀😀", "grinning_grinning"),
        ("Year 10 Physics: forces & energy", "year_10_physics_forces_energy"),
        ("myTask", "mytask"),
    ],
)
def test_a_name_is_made_from_a_title_in_any_script(title: str, name: str) -> None:
    assert collection.legal_name(title) == name


def test_a_title_travels_and_the_name_stays(here: Settings) -> None:
    """Through history, copy, rename and bundle; questions and results know nothing of it."""
    plain = collection.open_set(here, "mine")
    task = authoring.change_title(here, "mine", " Über  Kräfte ")
    assert (task.name, task.config.title, task.label) == ("mine", "Über Kräfte", "Über Kräfte")
    assert collection.find_set(here, "mine").title == "Über Kräfte"
    assert task.questions_digest == plain.questions_digest
    assert versions.edited_since(here, "mine", 0) == frozenset()  # nothing runs again
    assert collection.copy_set(here, "mine", "other").config.title == "Über Kräfte"
    assert collection.rename_set(here, "other", "third").config.title == "Über Kräfte"
    packed = bundle.pack(task, here.limits)
    assert bundle.unpack(packed, here.limits) == task
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.read("mine/README.md").decode().startswith("# Über Kräfte\n")
    assert versions.undo(here, "mine") == plain
    assert collection.find_set(here, "mine").title == ""


def test_a_title_taken_away_leaves_the_bytes_of_a_set_without_one(here: Settings) -> None:
    before = bundle.pack(collection.open_set(here, "mine"), here.limits)
    assert b"title" not in before
    authoring.change_title(here, "mine", "Forces")
    assert bundle.pack(authoring.change_title(here, "mine", ""), here.limits) == before


def test_a_title_too_long_is_refused(here: Settings) -> None:
    with pytest.raises(TaskError, match=r"at most 120 characters, not 121: shorten it\."):
        authoring.change_title(here, "mine", "x" * 121)


def test_a_title_in_markdown_stays_text(here: Settings) -> None:
    task = authoring.change_title(here, "mine", "# <b> [x](http://e.example)")
    assert "# \\# \\<b\\> \\[x\\]\\(http://e.example\\)\n" in files.default_readme(task)


def test_sets_of_one_title_are_told_apart(here: Settings) -> None:
    for name in ("first", "second"):
        collection.create_set(here, name, title="Forces")
    found = collection.set_labels(collection.list_sets(here))
    assert found["first"] == "Forces (first)"
    assert found["mine"] == "mine"


def test_a_title_is_read_again_after_a_change_by_hand(here: Settings) -> None:
    authoring.change_title(here, "mine", "Forces")
    assert collection.find_set(here, "mine").title == "Forces"
    path = here.sets / "mine" / "mine.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("Forces", "Light and more"), encoding="utf-8")
    assert collection.find_set(here, "mine").title == "Light and more"
    path.write_text("title: [", encoding="utf-8")
    assert collection.find_set(here, "mine").title == ""


def test_a_question_is_asked_for_by_its_id(here: Settings) -> None:
    task = collection.open_set(here, "little")
    assert collection.require_question(task, task.questions[1].id) is task.questions[1]
    with pytest.raises(TaskError) as refused:
        collection.require_question(task, "nowhere")
    assert sentence(refused) == "little has no question 'nowhere': see `question list little`."
