"""Who has a set open, and that a set's stamp changes with its files."""

from __future__ import annotations

import time

from e2lm_core.sets import authoring, collection
from e2lm_core.sets.desk import presence


def test_others_are_seen_until_they_leave_or_fall_silent(here):
    ada, bob = here.asked_by(None, "ada"), here.asked_by(None, "bob@example.org")
    presence.here(ada, "mine")
    assert presence.others(ada, "mine") == []
    presence.here(bob, "mine")
    assert presence.others(ada, "mine") == ["bob@example.org"]
    assert presence.others(bob, "mine") == ["ada"]
    assert presence.others(ada, "little") == []
    presence.here(bob, "mine", leaving=True)
    assert presence.others(ada, "mine") == []
    assert presence.others(bob, "mine", time.time() + 2 * presence.GONE_AFTER_S) == []
    assert not list((here.workspace / "presence").rglob("*/*"))


def test_nobody_is_noted_as_nobody(here):
    presence.here(here.asked_by(None, ""), "mine")
    assert not (here.workspace / "presence").exists()


def test_a_stamp_changes_with_the_set(here):
    before = presence.stamp(here, "mine")
    assert before == presence.stamp(here, "mine")
    authoring.update_questions(here, "mine", {"q1": {"note": "looked up"}})
    changed = presence.stamp(here, "mine")
    assert changed not in (before, "")
    collection.delete_set(here, "mine")
    assert presence.stamp(here, "mine") == ""
