"""A set made by a rule says so, through copies, bundles, versions and edits; others stay as they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import ModelInfo, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.sets import authoring, collection, selection_origin, versions
from e2lm_core.sets.editing import assign_groups
from e2lm_core.sets.folder.files import read_files, task_files
from tests.support import studios

MODELS = tuple(ModelInfo(name=f"m{n}", family="ladder", size="small") for n in range(2))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = studios.settings(tmp_path)
    studios.write_example(made)
    return made


def choose(
    settings: Settings, parent: str = "little", name: str = "chosen", ids=("q1", "q2", "q3")
) -> TaskSet:
    origin = selection_origin.origin_of_selection(
        collection.open_set(settings, parent), "margin > 0", None, MODELS
    )
    return authoring.copy_with_questions(
        settings, parent, name, ids, selection_origin.origin_metadata(origin)
    )


def test_the_origin_names_rule_models_and_parent(settings: Settings) -> None:
    origin = selection_origin.origin_of_set(choose(settings))
    assert origin is not None
    assert (origin.rule, origin.parent, origin.models) == ("margin > 0", "little", ("m0", "m1"))
    assert (origin.families, origin.model_count, origin.models_digest) == (("ladder",), 2, None)
    many = [ModelInfo(name=f"x{n}", family="local") for n in range(30)]
    of_many = selection_origin.origin_of_selection(collection.open_set(settings, "little"), "r", None, many)
    assert (of_many.models, of_many.model_count, of_many.families) == ((), 30, ())
    assert of_many.models_digest


def test_a_readme_of_the_studio_says_it(settings: Settings) -> None:
    made = choose(settings).model_copy(update={"readme": ""})
    said = task_files(made, settings.limits)["README.md"].decode()
    assert "Chosen from little by the rule margin > 0 by the results of m0, m1" in said


def test_a_set_that_no_rule_made_has_the_same_bytes(settings: Settings) -> None:
    task = collection.copy_set(settings, "little", "plain")
    assert selection_origin.origin_of_set(task) is None
    files = task_files(task, settings.limits)
    assert b"chosen_by" not in b"".join(files.values())
    assert (
        files["test.jsonl"]
        == task_files(collection.open_set(settings, "little"), settings.limits)["test.jsonl"]
    )


def test_copies_bundles_versions_and_edits_keep_it(settings: Settings) -> None:
    made = choose(settings)
    origin = selection_origin.origin_of_set(made)
    assert selection_origin.origin_of_set(collection.copy_set(settings, "chosen", "copied")) == origin
    files = task_files(made, settings.limits)
    again = collection.import_set(settings, read_files(files, "chosen", settings.limits).task, "imported")
    assert selection_origin.origin_of_set(again) == origin
    authoring.update_questions(settings, "chosen", {"q1": {"question": "What is it, then?"}})
    edited = assign_groups.set_groups(settings, "chosen", ["a", "a", None], independent=True)
    assert selection_origin.origin_of_set(edited) == origin
    number = versions.list_versions(settings, "chosen")[-2].number
    assert selection_origin.origin_of_set(versions.restore_version(settings, "chosen", number)) == origin


def test_a_copy_that_holds_all_questions_again_was_not_chosen(settings: Settings) -> None:
    choose(settings)
    versions.undo(settings, "chosen")
    whole = collection.open_set(settings, "chosen")
    assert len(whole.questions) == 6
    assert selection_origin.origin_of_set(whole) is None


def test_a_set_chosen_twice_says_both(settings: Settings) -> None:
    choose(settings)
    twice = selection_origin.origin_of_set(choose(settings, "chosen", "twice", ("q1", "q2")))
    assert twice is not None
    assert twice.parent == "chosen"
    assert twice.earlier is not None
    assert twice.earlier.parent == "little"


def test_the_parent_is_found_as_it_was(settings: Settings) -> None:
    collection.copy_set(settings, "little", "mine")
    made = choose(settings, "mine")
    whole = selection_origin.parent_of_selection(settings, made)
    assert whole.name == "mine"
    authoring.update_questions(settings, "mine", {"q5": {"question": "Is it another one?"}})
    first = selection_origin.parent_of_selection(settings, made)  # the copy's own first version
    assert (first.name, len(first.questions)) == ("chosen", 6)
    moved = collection.copy_set(settings, "chosen", "moved")
    with pytest.raises(
        StudioError, match="mine, of which the rule chose these questions, is not here as it was"
    ):
        selection_origin.parent_of_selection(settings, moved)
    with pytest.raises(StudioError, match="was not made by a rule"):
        selection_origin.parent_of_selection(settings, collection.open_set(settings, "mine"))


def test_an_origin_that_cannot_be_read_is_none(settings: Settings) -> None:
    task = collection.copy_set(settings, "little", "odd")
    odd = task.model_copy(update={"config": task.config.model_copy(update={"metadata": {"chosen_by": 3}})})
    assert selection_origin.origin_of_set(odd) is None


def test_the_digest_of_questions_follows_their_texts_alone(settings: Settings) -> None:
    task = collection.open_set(settings, "little")
    digest, (first, *rest) = task.questions_digest, task.questions
    keys = tuple(q.model_copy(update={"answer": 0, "id": f"x{q.id}"}) for q in reversed(task.questions))
    assert task.model_copy(update={"questions": keys}).questions_digest == digest
    other = first.model_copy(update={"question": "Is it another?"})
    assert task.model_copy(update={"questions": (other, *rest)}).questions_digest != digest
