"""What pages show of a large set is computed before anybody asks, once all is quiet."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from e2lm_core.analysis import tables
from e2lm_core.analysis.questions import pool as question_pool
from e2lm_core.analysis.questions import selection
from e2lm_core.analysis.questions.suspects import messages as suspect_words
from e2lm_core.base.settings import Settings
from e2lm_core.export import submission
from e2lm_core.runs import results
from e2lm_core.runs.queue.queue import JobQueue
from e2lm_core.sets import collection
from e2lm_core.sets.editing import rule_trials
from e2lm_core.ui import session
from e2lm_core.ui.base import urls
from e2lm_core.ui.cache import process_pool, worker_analysis
from e2lm_core.ui.server import precompute
from e2lm_core.ui.server.precompute import Beforehand
from tests.support import studios
from tests.support.visits import OWN, Visit, app_in, learnt_in

HEAVY = (
    (process_pool, "figures"),
    (results, "load_measurements"),
    (question_pool, "build_pool"),
    (suspect_words, "all_suspects"),
    (suspect_words, "suspect_frame"),
    (submission, "check_findings"),
    (submission, "build_bundle"),
    (selection, "select_questions"),
    (tables, "question_table"),
)
# What they compute follows from what is chosen there, or embeds every question.
CHOSEN = {"compare", "relevance"}


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set with all results, as models that were taught it answer, which nobody has looked at."""
    return learnt_in(tmp_path_factory.mktemp("learnt"))


@pytest.fixture
def opened(tmp_path: Path, learnt: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Visit]:
    """A visitor of that set where every set is a large one."""
    monkeypatch.setattr(results, "MAPPED_FROM", 1)
    shutil.copytree(learnt, tmp_path, dirs_exist_ok=True)
    for visit in app_in(tmp_path, monkeypatch, tmp_path / "ladder"):
        yield visit.choose(OWN)


def ended(visit: Visit, name: str = OWN) -> int:
    """A run of the set that has just ended."""
    number = queued(visit, name)
    job = visit.studio.jobs.claim("a worker", 60)
    assert job is not None
    assert visit.studio.jobs.finish(job)
    return number


def queued(visit: Visit, name: str = OWN) -> int:
    return studios.start_run(visit.studio, name, visit.studio.catalogue.checkpoints)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of heavy functions, as they are called from now on."""
    calls: list[str] = []

    def spied(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if name == "figures":
                asked = arguments[2] if arguments[0] is worker_analysis.answer else arguments[0]
                calls.append(asked.__name__)
            else:
                calls.append(name)
            return function(*arguments, **options)

        return call

    for module, name in HEAVY:
        monkeypatch.setattr(module, name, spied(name, getattr(module, name)))
    return calls


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_no_view_computes_at_its_first_visit_what_was_computed_beforehand(
    opened: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = counted(monkeypatch)
    assert precompute.compute(opened.studio.settings, OWN, lambda: True)
    assert {name for _, name in HEAVY} - {"figures"} <= set(calls)
    assert {"curves", "rank_stability", "curves_by_subject", "simulated"} <= set(calls)
    computed = {}
    for view in (view for view in urls.VIEWS if view not in CHOSEN):
        calls.clear()
        opened.open(view)
        computed[view] = list(calls)
    assert not any(computed.values()), computed


def test_a_rule_that_nobody_tried_is_no_trial(opened: Visit) -> None:
    settings = opened.studio.settings
    record = partial(
        rule_trials.record_trial, settings, OWN, task=collection.open_set(settings, OWN), models=("small",)
    )
    number = record(("margin > 0", "acc", None))
    precompute.compute(opened.studio.settings, OWN, lambda: True)
    assert record(("margin > 0.1", "acc", None)) == number + 1


def test_it_gives_way(opened: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(precompute, "STEPS", (lambda task, _: done.append(task.address),) * 3)
    answers = iter([True, True, False])
    assert not precompute.compute(opened.studio.settings, OWN, lambda: next(answers))
    assert done == [OWN, OWN]


def test_what_cannot_be_computed_keeps_nothing_else_from_it(
    opened: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def refuse(*_: object) -> None:
        raise precompute.StudioError("This set can't be rendered: mend it.")

    monkeypatch.setattr(precompute, "STEPS", (refuse, lambda task, _: done.append(task.address)))
    assert precompute.compute(opened.studio.settings, OWN, lambda: True)
    assert done == [OWN]


def test_it_is_the_large_set_that_was_run_last(opened: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    assert precompute.last_large(opened.studio) is None
    collection.copy_set(opened.studio.settings, "little", "gone")
    first, last = ended(opened), ended(opened, "little")
    ended(opened, "gone")
    collection.delete_set(opened.studio.settings, "gone")
    queued(opened)  # not ended
    found = precompute.last_large(opened.studio)
    assert found is not None
    assert (found.job, found.address) == (last, "little")
    size = len(opened.studio.catalogue.checkpoints) * 4 * 8 * len(studios.task(40).questions)
    monkeypatch.setattr(results, "MAPPED_FROM", size + 1)
    assert first < last
    assert precompute.last_large(opened.studio) is None


def test_it_waits_until_all_is_quiet(opened: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    times: list[tuple[Settings, str]] = []

    def compute(settings: Settings, address: str, goes_on: Callable[[], bool]) -> bool:
        times.append((settings, address))
        assert goes_on()
        return True

    monkeypatch.setattr(precompute, "compute", compute)
    monkeypatch.setattr(precompute, "LOOK_S", 0.01)
    jobs: JobQueue = opened.studio.jobs
    number = queued(opened)
    watching = Beforehand(opened.studio.settings)
    watching.start()
    time.sleep(0.2)
    assert not times  # it runs
    job = jobs.claim("a worker", 60)
    assert job is not None
    assert job.id == number
    jobs.finish(job)
    time.sleep(0.2)
    assert not times  # it has ended just now
    monkeypatch.setattr(precompute, "QUIET_S", 0.0)
    until(lambda: times)
    time.sleep(0.2)
    assert [address for _, address in times] == [OWN]  # once for a run
    ended(opened)
    until(lambda: len(times) > 1)
    watching.stop()
    until(lambda: "beforehand" not in {thread.name for thread in threading.enumerate()})


def test_without_a_page_it_is_asked_by_whoever_the_settings_name(opened: Visit) -> None:
    other = opened.studio.settings.for_person("somebody", "somebody")
    with session.settings_for_visitor(other):
        assert session.studio().settings.person == "somebody"
    assert session.studio().settings.person is None
