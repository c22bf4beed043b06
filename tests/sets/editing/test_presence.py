"""Who has a set open, and that a set's stamp changes with its files."""

from __future__ import annotations

import time

from e2lm_core.sets import authoring, collection
from e2lm_core.sets.editing import presence


def test_others_are_seen_until_they_leave_or_fall_silent(here):
    ada, bob = here.for_person(None, "ada"), here.for_person(None, "bob@example.org")
    presence.heartbeat(ada, "mine")
    assert presence.present_authors(ada, "mine") == []
    presence.heartbeat(bob, "mine")
    assert presence.present_authors(ada, "mine") == ["bob@example.org"]
    assert presence.present_authors(bob, "mine") == ["ada"]
    assert presence.present_authors(ada, "little") == []
    presence.heartbeat(bob, "mine", leaving=True)
    assert presence.present_authors(ada, "mine") == []
    assert presence.present_authors(bob, "mine", time.time() + 2 * presence.GONE_AFTER_S) == []
    assert not list((here.workspace / "presence").rglob("*/*"))


def test_nobody_is_noted_as_nobody(here):
    presence.heartbeat(here.for_person(None, ""), "mine")
    assert not (here.workspace / "presence").exists()


def test_a_stamp_changes_with_the_set(here):
    before = presence.change_stamp(here, "mine")
    assert before == presence.change_stamp(here, "mine")
    authoring.update_questions(here, "mine", {"q1": {"note": "looked up"}})
    changed = presence.change_stamp(here, "mine")
    assert changed not in (before, "")
    collection.delete_set(here, "mine")
    assert presence.change_stamp(here, "mine") == ""
