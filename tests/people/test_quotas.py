"""How much is a person's to use: each quota with its sentence, an administrator's word, and nobody's where nobody signs in."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from e2lm_core.base.errors import LimitError, StudioError
from e2lm_core.base.settings import Settings
from e2lm_core.imported import saved_imports
from e2lm_core.imported.records import Imported
from e2lm_core.people import accounts, quotas, sharing, visitors
from e2lm_core.sets import authoring, collection
from tests.conftest import ROOT
from tests.people.conftest import person
from tests.support import studios


@pytest.fixture
def root(home) -> Settings:
    return person(home, "root")


@pytest.fixture
def ada(home) -> Settings:
    return person(home, "ada")


@pytest.fixture(autouse=True)
def every_byte_at_once(monkeypatch):
    monkeypatch.setattr(quotas, "_LOOK_AGAIN_S", -1.0)


def test_sets_are_counted_also_when_one_is_brought_back(root, ada):
    quotas.set_limit(root, "sets", 1, "ada")
    collection.copy_set(ada, "little", "one")
    with pytest.raises(LimitError) as refused:
        collection.create_set(ada, "two")
    assert studios.sentence(refused) == (
        "You have 1 question sets and a limit of 1: delete one, or ask an administrator for more."
    )
    collection.delete_set(ada, "one")
    collection.create_set(ada, "two")
    with pytest.raises(LimitError, match="question sets"):
        collection.restore_set(ada, "one")


def test_of_charges_at_once_as_many_pass_as_the_limit_allows(root, ada, monkeypatch):
    quotas.set_limit(root, "uploads", 3, "ada")
    check = quotas.check_quota

    def check_slowly(*given: object) -> None:
        check(*given)
        time.sleep(0.05)  # the others look meanwhile

    monkeypatch.setattr(quotas, "check_quota", check_slowly)

    def charge(_: int) -> bool:
        try:
            quotas.charge(ada, "uploads", 1)
        except LimitError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(charge, range(8))) == 3
    quota = next(one for one in quotas.quotas_of(ada, ada.person) if one.kind.key == "uploads")
    assert quota.used == 3


def test_bytes_count_with_history_and_an_editors_edit_is_on_the_owners_account(root, ada, home):
    collection.copy_set(ada, "little", "one")
    bob = person(home, "bob")
    sharing.share(ada, "one", "bob", "editor")
    quotas.set_limit(root, "bytes", 100, "ada")
    for asked, name, sentence in (
        (ada, "one", "Your sets, their history and your results take"),
        (bob, "ada/one", "ada, whose set this is, has a limit of 100 bytes and uses .*: ask ada to delete"),
    ):
        with pytest.raises(LimitError, match=sentence):
            authoring.delete_questions(asked, name, ["q1"])
    with pytest.raises(LimitError, match="are yours: delete what you no longer need"):
        collection.create_set(ada, "two")
    collection.copy_set(bob, "ada/one", "mine")
    collection.delete_set(ada, "one")  # deleting is never refused


def test_of_deleted_sets_no_more_stays_than_the_quota_holds(root, ada):
    for name in ("one", "two", "three"):
        collection.copy_set(ada, "little", name)
    collection.delete_set(ada, "one")
    size = sum(path.stat().st_size for path in (ada.workspace / "trash").rglob("*") if path.is_file())
    quotas.set_limit(root, "bytes", size * 2.5, "ada")
    collection.delete_set(ada, "two")
    assert collection.deleted_sets(ada) == ["one", "two"]
    collection.delete_set(ada, "three")
    assert collection.deleted_sets(ada) == ["three", "two"]
    collection.restore_set(ada, "two")


def test_kept_results(root, ada):
    quotas.set_limit(root, "results", 1, "ada")
    saved_imports.save_import(ada, "first", Imported(curves=(), measured={}, problems=(), files=()))
    with pytest.raises(LimitError, match="You keep 1 results from elsewhere, and 1 are yours to keep"):
        saved_imports.save_import(ada, "second", Imported(curves=(), measured={}, problems=(), files=()))


def test_what_is_spent_counts_for_today_alone(root, ada, home):
    quotas.set_limit(root, "cpu", 60, "ada")
    quotas.record_use(ada, "cpu", 59)
    quotas.check_quota(ada, "cpu", 0)
    quotas.record_use(ada, "cpu", 61)
    with pytest.raises(LimitError, match="You have used 2 min of today's 1 min of computing time"):
        quotas.check_quota(ada, "cpu", 0)
    with accounts.accounts_database(home).transaction() as connection:
        connection.execute("UPDATE spent SET day = '2000-01-01'")
    quotas.check_quota(ada, "cpu", 0)


def test_a_persons_own_quota_counts_before_everybodys_and_that_before_the_default(root, ada, home):
    def most(settings):
        return {quota.kind.key: quota.most for quota in quotas.quotas_of(settings, settings.person)}["sets"]

    visitor = home.for_person(visitors.open_visitor_workspace(home, "0123456789ab").id)
    assert (most(ada), most(visitor), most(root)) == (100, 5, None)
    quotas.set_limit(root, "sets", 7)
    quotas.set_limit(root, "sets", 2, quotas.VISITORS)
    assert (most(ada), most(visitor), most(root)) == (7, 2, None)
    quotas.set_limit(root, "sets", 9, "ada")
    assert most(ada) == 9
    assert [(who, kind.key, number) for who, kind, number in quotas.limit_overrides(root)] == [
        ("ada", "sets", 9),
        ("everybody", "sets", 7),
        ("visitors", "sets", 2),
    ]
    quotas.set_limit(root, "sets", None, "ada")
    assert most(ada) == 7


def test_only_administrators_change_quotas_and_see_those_of_others(root, ada):
    with pytest.raises(StudioError, match="Only an administrator may change quotas"):
        quotas.set_limit(ada, "sets", 1_000, "ada")
    with pytest.raises(StudioError, match="Only an administrator may see what others use"):
        quotas.quotas_of(ada, "root")
    with pytest.raises(StudioError, match="Only an administrator may see quotas"):
        quotas.limit_overrides(ada)
    with pytest.raises(StudioError, match="no quota 'wishes': there are sets, bytes"):
        quotas.set_limit(root, "wishes", 3)
    with pytest.raises(StudioError, match="A quota cannot be -1"):
        quotas.set_limit(root, "sets", -1)
    with pytest.raises(StudioError, match="A quota cannot be nan"):
        quotas.set_limit(root, "sets", float("nan"))
    assert [quota.text for quota in quotas.quotas_of(root, "ada")][:2] == ["0 of 100", "0 bytes of 2 GB"]


def test_the_document_has_the_quotas_that_are_in_force():
    page = (ROOT / "docs" / "people.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)`: [^|]+ \| ([^|]+ \| [^|]+) \|$", page, re.M))
    assert rows == {
        kind.key: f"{quotas.format_amount(kind, kind.most)} | {quotas.format_amount(kind, kind.most_of_visitor)}"
        for kind in quotas.KINDS
    }


def test_where_nobody_signs_in_there_are_no_quotas(home):
    quotas.check_quota(home, "sets", 10**9)
    quotas.record_use(home, "cpu", 10**9)
    assert not home.database.exists()
