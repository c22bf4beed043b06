"""A set of another opens for those whom it is shared with, as reader or editor, and for nobody else."""

from __future__ import annotations

import pytest

from e2lm_core.base.errors import StudioError, TaskError
from e2lm_core.base.settings import Settings
from e2lm_core.people import access, accounts, sharing
from e2lm_core.sets import authoring, collection, versions
from tests.people.conftest import person
from tests.support import studios


@pytest.fixture
def ada(home) -> Settings:
    asked = person(home, "ada")
    collection.copy_set(asked, "little", "mine")
    return asked


@pytest.fixture
def bob(home) -> Settings:
    return person(home, "bob")


def test_a_set_that_is_not_shared_is_as_one_that_is_not_there(ada, bob):
    for name in ("ada/mine", "ada/nothing", "nobody/mine"):
        with pytest.raises(TaskError) as refused:
            collection.open_set(bob, name)
        owner = name.partition("/")[0]
        assert studios.sentence(refused) == (
            f"There is no question set {name!r} that you may open: ask {owner} to share it with you."
        )
    with pytest.raises(TaskError) as refused:
        collection.open_set(bob, "mine")
    assert "ada" not in str(refused.value)


def test_a_reader_reads_copies_and_changes_nothing(ada, bob):
    sharing.share(ada, "mine", "bob")
    task = collection.open_set(bob, "ada/mine")
    assert (task.name, task.owner, task.address) == ("mine", "ada", "ada/mine")
    assert [info.address for info in collection.list_sets(bob)] == ["ada/mine", "little"]
    changes = {task.questions[0].id: {"note": "bob's"}}
    with pytest.raises(TaskError, match="ada/mine is shared with you to read"):
        authoring.update_questions(bob, "ada/mine", changes)
    with pytest.raises(TaskError, match="shared with you to read"):
        authoring.delete_questions(bob, "ada/mine", list(changes))
    copied = collection.copy_set(bob, "ada/mine", "mine")
    assert (copied.owner, copied.address) == (None, "mine")
    assert collection.open_set(ada, "mine").questions == task.questions


def test_an_editor_edits_and_is_named_in_the_history_and_deletes_nothing(ada, bob):
    sharing.share(ada, "mine", "bob", "editor")
    first = collection.open_set(bob, "ada/mine").questions[0].id
    saved = authoring.update_questions(bob, "ada/mine", {first: {"note": "bob's"}})
    assert saved.address == "ada/mine"
    assert collection.open_set(ada, "mine").questions[0].note == "bob's"
    assert len(versions.list_versions(bob, "ada/mine")) == 2
    assert versions.open_version(bob, "ada/mine", 0).address == "ada/mine"
    assert versions.available_undo(bob, "ada/mine")[0] is not None
    versions.undo(bob, "ada/mine")
    assert collection.open_set(ada, "mine").questions[0].note is None
    for refused in (
        lambda: collection.delete_set(bob, "ada/mine"),
        lambda: collection.rename_set(bob, "ada/mine", "bobs"),
        lambda: collection.restore_set(bob, "ada/mine"),
    ):
        with pytest.raises(TaskError, match="ada/mine is ada's: only its owner can"):
            refused()
    assert not bob.sets.exists()


def test_one_writer_at_a_time_whoever_asks(ada, bob):
    from e2lm_core.sets import locks

    sharing.share(ada, "mine", "bob", "editor")
    with locks.lock_set(ada, "mine"), locks.lock_set(bob, "ada/mine") as already:
        assert already


def test_what_is_taken_back_deleted_or_renamed_is_no_longer_open(ada, bob):
    sharing.share(ada, "mine", "bob", "editor")
    sharing.unshare(ada, "mine", "bob")
    with pytest.raises(TaskError, match="that you may open"):
        collection.open_set(bob, "ada/mine")
    sharing.share(ada, "mine", "bob")
    collection.rename_set(ada, "mine", "other")
    assert collection.open_set(bob, "ada/other").name == "other"
    collection.delete_set(ada, "other")
    collection.create_set(ada, "other")
    with pytest.raises(TaskError, match="that you may open"):
        collection.open_set(bob, "ada/other")


def test_only_the_owner_shares(ada, bob):
    sharing.share(ada, "mine", "bob", "editor")
    for refused in (
        lambda: sharing.share(bob, "ada/mine", "bob"),
        lambda: sharing.create_link(bob, "ada/mine"),
        lambda: sharing.shared_with(bob, "ada/mine"),
        lambda: sharing.list_links(bob, "ada/mine"),
        lambda: sharing.close_links(bob, "ada/mine"),
        lambda: sharing.unshare(bob, "ada/mine", "ada"),
    ):
        with pytest.raises(TaskError, match="ada/mine is not your set"):
            refused()
    with pytest.raises(TaskError, match="of your own"):
        sharing.share(bob, "little", "ada")
    with pytest.raises(StudioError, match="no role"):
        sharing.share(ada, "mine", "bob", "owner")  # type: ignore[arg-type]
    with pytest.raises(StudioError, match="own"):
        sharing.share(ada, "mine", "ada")
    sharing.unshare(bob, "ada/mine", "bob")  # leaving
    assert sharing.shared_with(ada, "mine") == []


def test_a_link_gives_its_role_to_whoever_opens_it_until_it_is_closed(ada, bob, home):
    link = sharing.create_link(ada, "mine", "editor")
    assert sharing.create_link(ada, "mine", "editor") == link
    assert link.query == f"?set=ada/mine&key={link.key}"
    granted = sharing.redeem_link(bob, link.key)
    assert granted is not None
    assert granted.role == "editor"
    reader = sharing.create_link(ada, "mine")
    sharing.redeem_link(bob, reader.key)
    assert access.role_of(bob, "ada", "mine") == "editor"
    assert sharing.redeem_link(ada, link.key) is None
    assert sharing.close_links(ada, "mine") == 2
    eve = person(home, "eve")
    assert sharing.redeem_link(eve, link.key) is None
    assert access.role_of(eve, "ada", "mine") is None


def test_pages_name_no_paths_and_commands_none_of_anothers(ada, bob, home, tmp_path):
    folder = ada.sets / "mine"
    for name in (str(folder), str(tmp_path / "tasks" / "little"), "../ada/sets/mine", "~root"):
        with pytest.raises(TaskError):
            collection.find_set(bob, name)
    commands = home.for_person("bob")
    assert collection.find_set(commands, str(tmp_path / "tasks" / "little")).example
    with pytest.raises(TaskError, match="that you may open"):
        collection.find_set(commands, str(folder))
    sharing.share(ada, "mine", "bob")
    assert collection.find_set(commands, str(folder)).example  # to read


def test_administrators_read_everything_and_the_machine_does_everything(ada, home):
    root = person(home, "root")
    assert collection.open_set(root, "ada/mine").owner == "ada"
    with pytest.raises(TaskError, match="to read"):
        authoring.delete_questions(root, "ada/mine", ["q1"])
    authoring.delete_questions(home, "ada/mine", ["q1"])
    collection.delete_set(home, "ada/mine")
    collection.restore_set(home, "ada/mine")
    assert "q1" not in [q.id for q in collection.open_set(ada, "mine").questions]


def test_a_page_without_a_person_has_no_role_where_people_sign_in(ada, home):
    nobody = home.for_person(None, "0123456789ab", paths=False)
    assert access.role_of(nobody, "ada", "mine") is None
    assert access.role_of(nobody.model_copy(update={"auth": "none"}), "ada", "mine") == "editor"
    assert not accounts.is_administrator(nobody)


def test_a_visitor_who_may_only_read_writes_nothing(home, ada):
    reader = home.for_person("visitor-0123456789ab", paths=False, readonly=True)
    assert collection.open_set(reader, "little").questions
    for refused in (
        lambda: collection.copy_set(reader, "little", "mine"),
        lambda: collection.create_set(reader, "mine"),
        lambda: authoring.delete_questions(reader, "little", ["q1"]),
    ):
        with pytest.raises(TaskError, match="Guests can only view"):
            refused()
    assert not reader.workspace.exists()


def test_without_sign_in_a_home_is_as_it_was(home):
    collection.copy_set(home, "little", "mine")
    assert sorted(path.name for path in home.home.iterdir()) == ["locks", "sets"]
    with pytest.raises(TaskError, match="Nobody signs in to this studio"):
        sharing.share(home, "mine", "bob")
