"""What was measured is read once for all: one object for equal sets, new rows when they come, no more than a bound."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from e2lm_core.base.records import Loglikelihood, TaskSet
from e2lm_core.runs import results as reading
from e2lm_core.runs.store import requests
from e2lm_core.runs.store.loglikelihood_store import request_digest as row_key
from e2lm_core.runs.studio import Studio
from e2lm_core.sets.folder.files import task_digest
from e2lm_core.sets.prompts.render import render_set
from e2lm_core.ui.cache import measurements as module
from e2lm_core.ui.cache.measurements import Measured
from tests.support import studios


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Studio]:
    studio = studios.studio(tmp_path)
    yield studio
    studio.store.database.close()


def fill(studio: Studio, task: TaskSet) -> None:
    for checkpoint in studio.local_checkpoints:
        keys = {row_key(r) for doc in render_set(task) for r in requests.requests_of(doc)}
        rows = [(key, Loglikelihood(-1.0 - n, 1)) for n, key in enumerate(sorted(keys))]
        studio.store.put(studio.backend.scope(checkpoint), rows)


def get(measured: Measured, studio: Studio, task: TaskSet):
    return measured.get(studio, task, task_digest(task), studio.local_checkpoints, 0)


def test_equal_sets_are_one_object_and_are_read_once(here: Studio, monkeypatch) -> None:
    measured, made = Measured(), []
    read = reading.load_measurements
    monkeypatch.setattr(reading, "load_measurements", lambda *a: made.append(1) or read(*a))
    fill(here, studios.task())
    with ThreadPoolExecutor(4) as four:
        found = list(four.map(lambda _: get(measured, here, studios.task()), range(4)))
    assert len(made) == 1
    assert len(set(map(id, found))) == 1
    assert found[0].complete_checkpoints == len(here.local_checkpoints)


def test_what_comes_in_is_read_and_what_is_whole_stays_the_same_object(here: Studio) -> None:
    measured, task = Measured(), studios.task()
    before = get(measured, here, task)
    assert before.complete_pairs == 0
    fill(here, task)
    now = get(measured, here, task)
    assert now.complete_checkpoints == now.checkpoints
    fill(here, studios.task(9, name="another"))
    assert get(measured, here, task) is now


def test_what_was_read_last_is_told_without_a_look(here: Studio) -> None:
    measured, task = Measured(), studios.task()
    asked = (here, task_digest(task), here.local_checkpoints, 0)
    assert measured.last(*asked) is None
    before = get(measured, here, task)
    fill(here, task)
    assert measured.last(*asked) is before
    assert measured.last(*asked[:3], 5) is None
    assert get(measured, here, task) is measured.last(*asked)


def test_no_more_is_kept_than_may_be_and_the_newest_always(here: Studio) -> None:
    measured, sets = Measured(most_bytes=1), [studios.task(3, name=f"set{n}") for n in range(3)]
    first = get(measured, here, sets[0])
    assert get(measured, here, sets[0]) is first
    get(measured, here, sets[1])
    assert get(measured, here, sets[0]) is not first


def test_a_little_one_stays_beside_one_that_alone_is_more_than_may_be(here: Studio) -> None:
    measured, large, little = (
        Measured(most_bytes=1),
        studios.task(8, name="large"),
        studios.task(2, name="little"),
    )
    first = get(measured, here, large)
    get(measured, here, little)
    assert get(measured, here, large) is first


def test_what_a_run_adds_is_looked_for_at_most_so_often(here: Studio, monkeypatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    measured, task = Measured(), studios.task()

    def now() -> int:
        return measured.get(
            here, task, task_digest(task), here.local_checkpoints, 0, apart_s=3.0
        ).complete_pairs

    assert now() == 0
    fill(here, task)
    clock[0] = 2.9
    assert now() == 0
    clock[0] = 3.1
    assert now() > 0


def test_what_nobody_computes_is_looked_for_less_and_less_often(here: Studio, monkeypatch) -> None:
    clock, looks = [0.0], []
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    refreshed = reading.refresh
    monkeypatch.setattr(reading, "refresh", lambda *given: looks.append(clock[0]) or refreshed(*given))
    monkeypatch.setattr(
        module, "change_stamp", lambda _: (int(clock[0]), 0)
    )  # something else is always written
    measured, task = Measured(), studios.task()
    for second in range(40):
        clock[0] = float(second)
        measured.get(here, task, task_digest(task), here.local_checkpoints, 0, apart_s=2.0)
    assert looks == [2, 4, 8, 16, 24, 32]


def test_the_files_of_a_large_set_go_with_it_and_who_looks_goes_on(
    here: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MAPPED_FROM", 0)
    measured, task = Measured(), studios.task()
    folder = module.mapped_in(here.settings)
    fill(here, task)
    first = get(measured, here, task)
    assert len(list(folder.iterdir())) == 1
    measured.let_go(here.settings.database, "another")
    assert get(measured, here, task) is first
    measured.let_go(here.settings.database, task.name)
    assert list(folder.iterdir()) == []
    assert first.complete_checkpoints == first.checkpoints
    again = get(measured, here, task)
    assert again is not first
    assert [curve.ll.tobytes() for curve in again.curves] == [curve.ll.tobytes() for curve in first.curves]
