"""The app's server killed in the middle of a run that it started: the run ends as if nothing had happened."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from benchmarks import kills
from e2lm_core.runs import start, worker
from e2lm_core.runs.queue.records import Job
from e2lm_core.runs.studio import Studio
from scripts.screenshots import server, settle
from tests.support import studios, workers
from tests.support.workers import Stored

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes by Linux's /proc"),
]


def until(true: Callable[[], object], seconds: float = 180.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def fixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("app")
    kills.make_family(folder)
    return folder


@pytest.fixture(scope="module")
def expected(fixture: Path) -> Stored:
    """What an undisturbed run stores."""
    calm = kills.studio_of(fixture, "calm")
    studios.start_run(calm, "made", calm.catalogue.checkpoints)
    worker.run_worker(calm, once=True)
    return workers.stored(calm.settings.database)


@pytest.fixture
def page(browser: Browser) -> Page:
    opened = browser.new_page()
    opened.set_default_timeout(60_000)
    return opened


def stat(process: int) -> tuple[str, int] | None:
    """(state, parent) of a living process."""
    try:
        after_name = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    except FileNotFoundError:
        return None
    # A killed child of another that nobody has asked after is dead all the same.
    return None if after_name[0] == "Z" else (after_name[0], int(after_name[1]))


def parent_of(process: int) -> int:
    found = stat(process)
    assert found is not None
    return found[1]


def worker_of(job: Job) -> int:
    assert job.worker is not None
    return int(job.worker.rsplit(":", 1)[1])


def run_and_kill_the_app(page: Page, here: Studio) -> tuple[Job, int]:
    """The job as it was when the server died, and the worker process that the server had started."""
    with server(os.environ | kills.environment(here.settings)) as url:
        page.goto(f"{url}/models?set=made")
        settle(page)
        page.get_by_role("button", name="Run 1 model").click()
        until(lambda: (job := start.latest_job(here, "made")) and sum(row.computed for row in job.progress))
        job = start.latest_job(here, "made")
        assert job is not None
        assert job.owner
        os.kill(parent_of(worker_of(job)), signal.SIGKILL)
        return here.jobs.get(job.id), worker_of(job)


def assert_undisturbed(here: Studio, job: Job, expected: Stored) -> None:
    ended = here.jobs.get(job.id)
    assert (ended.state, ended.error) == ("done", None)
    assert kills.differing(expected, workers.stored(here.settings.database)) == 0
    assert kills.miscounted(ended) == 0


def test_its_worker_finishes_the_run_and_ends(page: Page, fixture: Path, expected: Stored) -> None:
    here = kills.studio_of(fixture, "worker lives")
    job, process = run_and_kill_the_app(page, here)
    assert not job.over
    until(lambda: here.jobs.get(job.id).over)
    assert here.jobs.get(job.id).attempt == job.attempt
    assert_undisturbed(here, job, expected)
    until(lambda: stat(process) is None, 10)


def test_an_app_started_again_finishes_the_run_where_its_worker_died_too(
    page: Page, fixture: Path, expected: Stored
) -> None:
    here = kills.studio_of(fixture, "all die")
    job, process = run_and_kill_the_app(page, here)
    os.kill(process, signal.SIGKILL)
    assert not here.jobs.get(job.id).over
    with server(os.environ | kills.environment(here.settings)) as url:
        page.goto(f"{url}/models?set=made")  # a page of a set whose run is open sees that a worker is there
        settle(page)
        until(lambda: here.jobs.get(job.id).over)
    assert here.jobs.get(job.id).attempt == job.attempt + 1
    assert_undisturbed(here, job, expected)
