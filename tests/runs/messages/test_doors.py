"""Where a set leads of which the mini models know too little: one function, tried with every combination."""

from __future__ import annotations

import itertools

import pytest

from e2lm_core.analysis import validity
from e2lm_core.runs.messages import doors, overview
from e2lm_core.runs.messages.doors import ADD, KNOWN, WRITE, Door, doors_of_set
from e2lm_core.runs.state import SetState
from e2lm_core.ui.base import urls

SHARES: dict[str, tuple[bool, ...] | None] = {
    "not knowable": None,
    "empty": (),
    "none": (False,) * 30,
    "few": (True,) * 14 + (False,) * 16,
    "half": (True,) * 15 + (False,) * 15,
    "all": (True,) * 30,
}
STATES = {
    "never run": SetState(kind="never run", stale=30, total=60),
    "stale": SetState(kind="stale", stale=30, done=30, total=60),
    "up to date": SetState(kind="up to date", done=60, total=60),
}
COMBINATIONS = list(itertools.product(SHARES, STATES, (True, False), (True, False), (True, False)))


@pytest.mark.parametrize(("share", "run", "hub", "write", "alone"), COMBINATIONS)
def test_every_combination_leads_somewhere(share: str, run: str, hub: bool, write: bool, alone: bool) -> None:
    found = doors_of_set(SHARES[share], only_mini_models=alone, may_add_models=hub, may_write=write)
    if share in ("not knowable", "empty", "all"):
        assert found is None
    else:
        assert found is not None
        assert found.sentence == validity.unknown_facts_warning(SHARES[share])
        assert found.doors, "a wall has a door"
        assert (ADD in found.doors) is hub, "nobody is sent to a place that refuses"
        assert (WRITE in found.doors) <= write
        assert all(urls.find(door.view) for door in found.doors)
        assert found.first == ("run" if share == "half" or not alone else "door")
    steps = overview.next_steps(STATES[run], None, 0, example=False, doors=found)
    labels = [(step.action, step.view) for step in steps]
    if found is not None and found.first == "door":
        assert labels[0] == (found.doors[0].label, found.doors[0].view)
        assert not any(view == "run" for _, view in labels), "no run is advised that can tell nothing"
    elif run == "never run":
        assert labels[0] == ("Choose checkpoints", "run")
    elif run == "stale":
        assert labels[0] == ("Run what is missing", "run")


@pytest.mark.parametrize(
    ("share", "hub", "write", "expected"),
    [
        ("none", True, True, (ADD, KNOWN)),
        ("none", True, False, (ADD, KNOWN)),
        ("few", False, True, (WRITE,)),
        ("few", False, False, (KNOWN,)),
        ("half", True, True, (KNOWN, ADD)),
        ("half", False, True, (KNOWN,)),
    ],
)
def test_the_way_to_take_comes_first(share: str, hub: bool, write: bool, expected: tuple[Door, ...]) -> None:
    found = doors_of_set(SHARES[share], may_add_models=hub, may_write=write)
    assert found is not None
    assert found.doors == expected


@pytest.mark.parametrize(
    ("known", "says"),
    [
        ((True,) * 24 + (False,) * 6, "The built-in mini models know 24 of 30 questions."),
        ((True, False), "The built-in mini models know 1 of 2 questions."),
        ((False,), "The built-in mini models know 0 of 1 question."),
    ],
)
def test_a_sets_share(known: tuple[bool, ...], says: str) -> None:
    assert doors.known_share(known) == says
