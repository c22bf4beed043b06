"""What is shown while the next results are awaited: the last whole ones, until what pages asked of them is computed."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from e2lm_core.scores.measurements import Measurements
from e2lm_core.ui.cache import stale_while_revalidate
from e2lm_core.ui.cache.stale_while_revalidate import Settled, Shown
from tests.support import measured, studios

TASK = studios.task()


def shown(measurements: Measurements, number: int | None = None) -> Shown:
    return Shown(TASK, measurements, number)


def whole() -> Measurements:
    return measured.noisy()


def partial() -> Measurements:
    full = measured.noisy()
    first, *others = full.curves
    ll = first.ll.copy()
    ll[0, 0] = np.nan
    return replace(full, curves=(replace(first, ll=ll), *others))


@pytest.fixture
def here() -> Settled:
    return Settled()


def until(true, seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    return true()


def test_a_first_run_is_shown_as_it_comes(here: Settled) -> None:
    one, more = shown(partial()), shown(partial())
    assert here.version_to_show("a", one, goes_on=True, beside=True) == one
    assert here.version_to_show("a", more, goes_on=True, beside=True).measurements is more.measurements
    full = shown(whole())
    assert here.version_to_show("a", full, goes_on=False, beside=True) == full


def test_while_an_edits_run_goes_on_the_last_whole_results_stay(here: Settled) -> None:
    full, edited = shown(whole(), 3), shown(partial(), 4)
    here.version_to_show("a", full, goes_on=False, beside=True)
    now = here.version_to_show("a", edited, goes_on=True, beside=True)
    assert (now.measurements is full.measurements, now.number, now.before) == (True, 3, True)
    # Nothing is on its way: what is there is shown, with what it lacks.
    assert here.version_to_show("a", edited, goes_on=False, beside=False) == edited


def test_a_run_that_is_about_to_be_queued_is_waited_for(here: Settled, monkeypatch) -> None:
    full, edited = shown(whole()), shown(partial())
    here.version_to_show("a", full, goes_on=False, beside=True)
    assert here.version_to_show("a", edited, goes_on=False, beside=True).measurements is full.measurements
    monkeypatch.setattr(stale_while_revalidate, "QUEUED_S", 0.0)
    assert here.version_to_show("a", edited, goes_on=False, beside=True) == edited


def test_what_was_asked_of_the_last_is_computed_before_the_next_is_shown(here: Settled) -> None:
    full, edited, gate, computed = shown(whole()), shown(whole()), threading.Event(), []
    here.version_to_show("a", full, goes_on=False, beside=True)
    stale_while_revalidate.register_recipe(
        full.measurements, "slow", lambda m: (gate.wait(5), computed.append(m))
    )
    before = here.version_to_show("a", edited, goes_on=False, beside=True)
    assert (before.measurements is full.measurements, before.before, computed) == (True, True, [])
    gate.set()
    assert until(lambda: not here.version_to_show("a", edited, goes_on=False, beside=True).before)
    assert computed[0] is edited.measurements
    # What was asked goes on to the next, though no page has asked again.
    third = shown(whole())
    here.version_to_show("a", third, goes_on=False, beside=True)
    assert until(lambda: len(computed) == 2)


def test_of_many_who_edit_each_version_is_shown_for_a_while(here: Settled) -> None:
    first, second, third = shown(whole()), shown(whole()), shown(whole())
    here.version_to_show("a", first, goes_on=False, beside=True, apart_s=60.0)
    assert until(
        lambda: not here.version_to_show("a", second, goes_on=False, beside=True, apart_s=60.0).before
    )
    later = here.version_to_show("a", third, goes_on=False, beside=True, apart_s=60.0)
    assert (later.measurements is second.measurements, later.before) == (True, True)
    assert until(lambda: not here.version_to_show("a", third, goes_on=False, beside=True).before)


def test_what_fails_is_left_to_whoever_asks(here: Settled) -> None:
    full, edited, computed = shown(whole()), shown(whole()), []
    here.version_to_show("a", full, goes_on=False, beside=True)
    stale_while_revalidate.register_recipe(full.measurements, "fails", lambda m: 1 / 0)
    stale_while_revalidate.register_recipe(full.measurements, "fine", computed.append)
    here.version_to_show("a", edited, goes_on=False, beside=True)
    assert until(lambda: not here.version_to_show("a", edited, goes_on=False, beside=True).before)
    assert len(computed) == 1


def test_nothing_is_computed_beforehand_where_nothing_runs_beside(here: Settled) -> None:
    full, edited, computed = shown(whole()), shown(whole()), []
    here.version_to_show("a", full, goes_on=False, beside=False)
    stale_while_revalidate.register_recipe(full.measurements, "asked", computed.append)
    assert here.version_to_show("a", edited, goes_on=False, beside=False) == edited
    assert not computed


def test_another_set_by_the_same_name_is_never_shown(here: Settled) -> None:
    """A set that is made anew gives its questions the ids that the deleted one's had."""
    anew = TASK.model_copy(
        update={
            "questions": tuple(
                q.model_copy(
                    update={"question": f"Other {n}", "choices": (f"yes {n}", f"no {n}"), "answer": 0}
                )
                for n, q in enumerate(TASK.questions)
            )
        }
    )
    here.version_to_show("a", shown(whole()), goes_on=False, beside=True)
    other = Shown(anew, partial())
    assert here.version_to_show("a", other, goes_on=True, beside=True).measurements is other.measurements


def test_one_whose_every_prompt_was_replaced_is_the_same_set(here: Settled) -> None:
    full = shown(whole())
    reworded = TASK.model_copy(
        update={
            "questions": tuple(
                q.model_copy(update={"question": q.question + " Say."}) for q in TASK.questions
            )
        }
    )
    here.version_to_show("a", full, goes_on=False, beside=True)
    assert here.version_to_show("a", Shown(reworded, partial()), goes_on=True, beside=True).before


def test_no_more_is_held_than_a_bound_and_the_newest() -> None:
    here, first, second = Settled(most_bytes=1), shown(whole()), shown(whole())
    here.version_to_show("a", first, goes_on=False, beside=True)
    here.version_to_show("b", second, goes_on=False, beside=True)
    here.version_to_show("b", shown(whole()), goes_on=False, beside=False)
    edited = shown(partial())
    assert here.version_to_show("a", edited, goes_on=True, beside=True) == edited  # the first is forgotten
