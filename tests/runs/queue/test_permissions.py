"""Whose runs are seen and cancelled, and as whom a worker opens the set of one."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from e2lm_core.base.errors import LimitError, StoreError, TaskError
from e2lm_core.people import accounts, quotas, sharing
from e2lm_core.runs import start, worker
from e2lm_core.runs.queue import permissions, resource_limits
from e2lm_core.runs.studio import Studio
from e2lm_core.sets import collection
from tests.support import studios
from tests.support.fake_backend import FakeBackend


@pytest.fixture
def studio(tmp_path) -> Studio:
    opened = studios.studio(tmp_path)
    settings = opened.settings.model_copy(update={"auth": "oidc", "admins": ("sub:root",)})
    return replace(opened, settings=settings)


def asked(studio: Studio, name: str) -> Studio:
    """The studio as it is for somebody who has signed in."""
    person = accounts.sign_in(studio.settings, "https://id.example", name, name, username=name)
    return replace(studio, settings=studio.settings.for_person(person.id, paths=False))


@pytest.fixture
def ada(studio) -> Studio:
    theirs = asked(studio, "ada")
    collection.copy_set(theirs.settings, "little", "mine")
    return theirs


def queued(studio: Studio, name: str) -> int:
    return start.submit_run(
        studio, collection.open_set(studio.settings, name), studio.catalogue.checkpoints[:1]
    )


def test_a_run_of_anothers_set_is_as_one_that_is_not_there(studio, ada):
    number = queued(ada, "mine")
    bob = asked(studio, "bob")
    for refused in (
        lambda: permissions.get_visible_run(bob, number),
        lambda: permissions.cancel_run(bob, number),
    ):
        with pytest.raises(StoreError, match=f"There is no run {number}"):
            refused()
    assert permissions.list_open_runs(bob) == []
    with pytest.raises(TaskError, match="that you may open"):
        start.latest_job(bob, "ada/mine")
    assert [job.id for job in permissions.list_open_runs(ada)] == [number]
    assert permissions.cancel_run(ada, number)


def test_of_a_shared_set_the_run_is_seen_and_only_its_asker_or_an_administrator_cancels_it(studio, ada):
    bob, root = asked(studio, "bob"), asked(studio, "root")
    sharing.share(ada.settings, "mine", "bob")
    of_ada, of_bob = queued(ada, "mine"), queued(bob, "ada/mine")
    assert [start.latest_job(ada, "mine").id, start.latest_job(bob, "ada/mine").id] == [of_ada, of_bob]
    assert not studio.jobs.get(of_ada).over  # a person's new run replaces their own alone
    with pytest.raises(StoreError, match=f"Run {of_ada} is another person's"):
        permissions.cancel_run(bob, of_ada)
    with pytest.raises(StoreError, match="another person's"):
        permissions.cancel_run(ada, of_bob)
    assert permissions.cancel_run(ada, of_ada)
    assert (
        start.latest_job(ada, "mine").id == of_bob
    )  # what still goes on is seen, by whomever it was asked for
    again = queued(ada, "mine")
    assert permissions.cancel_run(root, of_bob)  # one thing for whoever may stop all of it
    assert studio.jobs.get(again).state == "cancelled"
    assert permissions.list_open_runs(root) == []


def test_two_sets_of_one_name_are_two_and_an_examples_runs_are_everybodys(studio, ada):
    bob = asked(studio, "bob")
    collection.copy_set(bob.settings, "little", "mine")
    number = queued(ada, "mine")
    assert start.latest_job(bob, "mine") is None
    example = queued(bob, "little")
    for one in (ada, bob, studio):
        latest = start.latest_job(one, "little")
        assert latest is not None
        assert latest.id == example
    assert permissions.may_cancel(ada.settings, permissions.get_visible_run(ada, number))


def test_a_worker_opens_the_set_as_whoever_asked(studio, ada):
    bob = asked(studio, "bob")
    sharing.share(ada.settings, "mine", "bob")
    first, second = queued(bob, "ada/mine"), queued(ada, "mine")
    sharing.unshare(ada.settings, "mine", "bob")
    worker.run_worker(studio, once=True)
    refused = studio.jobs.get(first)
    assert refused.state == "failed"
    assert "that you may open" in (refused.error or "")
    assert studio.jobs.get(second).state == "done"


def test_what_was_queued_before_the_first_sign_in_goes_on(studio):
    collection.copy_set(studio.settings, "little", "old")
    number = queued(studio, "old")
    root = asked(studio, "root")
    latest = start.latest_job(root, "old")
    assert latest is not None
    assert latest.id == number
    worker.run_worker(studio, once=True)
    assert permissions.get_visible_run(root, number).state == "done"


def test_a_reading_visitor_runs_nothing(studio):
    reader = replace(studio, settings=studio.settings.for_person("visitor-0", paths=False, readonly=True))
    with pytest.raises(TaskError, match="Guests can only view"):
        queued(reader, "little")


def test_waiting_runs_have_a_quota_of_their_own(studio, ada):
    root = asked(studio, "root")
    quotas.set_limit(root.settings, "runs", 1, "ada")
    queued(ada, "little")
    with pytest.raises(LimitError, match="1 of your runs are waiting already, and 1 may"):
        queued(ada, "mine")
    for name in ("one", "two", "three"):
        collection.copy_set(root.settings, "little", name)
        queued(root, name)  # an administrator has none


def test_what_runs_compute_is_on_their_askers_account(studio, ada):
    number = queued(ada, "mine")
    worker.run_worker(studio, once=True)
    assert studio.jobs.get(number).state == "done"
    used = {quota.kind.key: quota.used for quota in quotas.quotas_of(ada.settings, "ada")}
    assert used["cpu"] > 0
    quotas.set_limit(asked(studio, "root").settings, "cpu", 0, "ada")
    with pytest.raises(LimitError, match="continue tomorrow"):
        queued(ada, "mine")


def test_a_run_whose_asker_has_used_up_the_day_ends_with_a_sentence_and_keeps_what_it_has(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(resource_limits, "CHARGE_EVERY_S", 0.0)
    monkeypatch.setattr(worker, "BEAT_S", 0.01)

    class Slow(FakeBackend):
        def chunks(self, *arguments, **options):
            for chunk in super().chunks(*arguments, **options):
                yield chunk
                time.sleep(0.1)

    opened = studios.studio(tmp_path, Slow())
    studio = replace(opened, settings=opened.settings.model_copy(update={"admins": ("sub:root",)}))
    ada, root = asked(studio, "ada"), asked(studio, "root")
    number = start.submit_run(ada, collection.open_set(ada.settings, "little"), studio.catalogue.checkpoints)
    quotas.set_limit(root.settings, "cpu", 0, "ada")
    worker.run_worker(studio, once=True)
    ended = studio.jobs.get(number)
    assert ended.state == "failed"
    assert "Results so far are kept: continue tomorrow" in (ended.error or "")


def test_the_server_itself_sees_what_anybody_has_run_and_whether_all_is_quiet(studio, ada):
    number = queued(ada, "mine")
    assert permissions.recent_finished(studio) == []
    assert not permissions.is_quiet(studio, 0.0)
    job = studio.jobs.claim("a worker", 60)
    assert job is not None
    studio.jobs.finish(job)
    assert [job.id for job in permissions.recent_finished(studio)] == [number]
    assert permissions.is_quiet(studio, 0.0)
    assert not permissions.is_quiet(studio, 60.0)  # it has ended just now
    other = queued(ada, "mine")
    assert permissions.cancel_run(ada, other)
    assert [job.id for job in permissions.recent_finished(studio)] == [number]
    assert permissions.is_quiet(studio, 0.0)
