"""The embedded ladder behind a hub, through a disk that holds two of its checkpoints: killed, away, and the same bytes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from e2lm_core.base.settings import ROOT, Settings
from e2lm_core.checkpoints.catalogue import open_catalogue
from e2lm_core.checkpoints.hub import added_models as hub
from e2lm_core.checkpoints.hub import background, cache, on_disk, rolling_leases
from e2lm_core.checkpoints.unpacking import ensure_directory
from e2lm_core.runs import evaluate, state
from e2lm_core.runs.queue.records import Job
from e2lm_core.runs.studio import Studio, open_studio
from e2lm_core.sets import collection
from tests.conftest import needs
from tests.support import studios, workers
from tests.support.fake_hub import FakeHub, under
from tests.support.hub_fixtures import DENSE, E2LM, MODEL, Sampled, fake
from tests.support.workers import Stored, until

__all__ = ["fake"]  # fixture
pytestmark = pytest.mark.slow
COUNT, QUESTIONS = 12, 40
PACE = 20e6  # bytes a second: a checkpoint takes a quarter


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Twelve checkpoints of the ladder as a repository has them."""
    settings = Settings(home=tmp_path_factory.mktemp("ladder"), ladder=needs("ladder"))
    catalogue = open_catalogue(settings)
    files: dict[str, bytes] = {}
    for number, checkpoint in enumerate(catalogue.checkpoints_of(catalogue.models[0])[:COUNT], start=1):
        folder = ensure_directory(checkpoint, settings)
        own = {p.name: p.read_bytes() for p in folder.iterdir() if p.name != "unpacked.json"}
        files |= under(f"iter_{2_000 * number:07d}", own)
    return files


def home(folder: Path, fake: FakeHub, quota: int) -> Studio:
    """A studio of its own with the set `little` and the twelve added, of which nothing is downloaded."""
    settings = Settings(
        home=folder / "home",
        tasks=folder / "tasks",
        ladder=folder / "none",
        hub_endpoint=fake.endpoint,
        hub_quota_bytes=quota,
        device="cpu",
        threads=2,
    )
    settings.tasks.mkdir(parents=True)
    studios.write_example(settings, studios.task(count=QUESTIONS))
    hub.add_checkpoints(settings, E2LM, MODEL)
    return open_studio(settings)


@pytest.fixture
def here(fake: FakeHub, served: dict[str, bytes], tmp_path: Path) -> Studio:
    """On a disk that holds two of the twelve."""
    fake.repo(DENSE).commit("main", served)
    largest = max(
        sum(len(data) for name, data in served.items() if name.startswith(f"iter_{2_000 * n:07d}/"))
        for n in range(1, COUNT + 1)
    )
    return home(tmp_path / "here", fake, 2 * largest + 5_000)


@pytest.fixture
def expected(fake: FakeHub, here: Studio, tmp_path: Path) -> Stored:
    """What a run stores for which all were downloaded first."""
    roomy = home(tmp_path / "roomy", fake, 10**12)
    for checkpoint in roomy.catalogue.checkpoints:
        ensure_directory(checkpoint, roomy.settings)
    task = collection.open_set(roomy.settings, "little")
    evaluate.evaluate(roomy, task, roomy.catalogue.checkpoints)
    return workers.stored(roomy.settings.database)


@pytest.fixture
def env(here: Studio, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    settings = here.settings
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    names = studios.environment(settings) | {
        "E2LM_HUB_ENDPOINT": settings.hub_endpoint or "",
        "E2LM_HUB_QUOTA_GB": f"{settings.hub_quota_bytes / 1e9:.9f}",
    }
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    return dict(os.environ)


@pytest.fixture
def start(env: dict[str, str]) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts a worker; all are ended with the test."""
    running: list[subprocess.Popen[bytes]] = []

    def begin() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "e2lm_core", "worker", "--once", "--lease", "1"]
        running.append(subprocess.Popen(command, env=env, cwd=ROOT, stderr=subprocess.DEVNULL))
        return running[-1]

    yield begin
    for process in running:
        process.kill()
        process.wait()


def left(studio: Studio) -> list[str]:
    """Everything that the hub's cache holds but for locks."""
    root = studio.settings.cache / "hub"
    return [str(p.relative_to(root)) for p in root.rglob("*") if p.is_file() and p.parent.name != "locks"]


def test_one_command_runs_a_fleet_on_a_disk_that_holds_two_of_it(
    here: Studio, expected: Stored, env: dict[str, str], fake: FakeHub
) -> None:
    fake.instead("/resolve/", status=503, times=4)  # it is away for longer than a request is made again
    command = [sys.executable, "-m", "e2lm_core", "evaluate", "little", "--checkpoints", f"{MODEL}/*"]
    with Sampled(here.settings) as sampled:
        ended = subprocess.run(
            [*command, "--rolling", "--json"], env=env, cwd=ROOT, capture_output=True, text=True
        )
    assert ended.returncode == 0, ended.stderr
    document = json.loads(ended.stdout)
    assert (document["rolling"]["fetched"], document["rolling"]["missing"]) == (COUNT, {})
    assert document["computed"] == COUNT * QUESTIONS
    assert len(document["curves"][MODEL]["acc"]) == COUNT
    assert None not in document["curves"][MODEL]["acc"]
    assert "The next attempt is in" in ended.stderr
    assert workers.stored(here.settings.database) == expected
    assert sampled.looks
    assert sampled.most_whole <= 2
    assert sampled.most_bytes <= here.settings.hub_quota_bytes
    assert sampled.most_bytes > here.settings.hub_quota_bytes // 3
    assert left(here) == []


def test_killed_while_it_fetches_scores_and_lets_go_it_ends_the_same(
    here: Studio, expected: Stored, start: Callable[[], subprocess.Popen[bytes]], fake: FakeHub
) -> None:
    fake.bytes_a_second = PACE
    checkpoints = here.catalogue.checkpoints
    wanted = checkpoints[5]
    number = studios.start_run(here, "little", checkpoints, rolling=True)

    def job() -> Job:
        return here.jobs.get(number)

    def done() -> int:
        return sum(row.done == row.total for row in job().progress)

    def fetching() -> bool:
        return any(
            on_disk.disk_usage(here.settings, (c,)).partial_bytes
            and rolling_leases.is_leased(c, here.settings)
            for c in checkpoints
        )

    def scoring() -> bool:
        return any(0 < row.done < row.total for row in job().progress)

    def letting_go() -> bool:
        return (here.settings.cache / "hub" / "gone").is_dir() and bool(
            list((here.settings.cache / "hub" / "gone").iterdir())
        )

    with Sampled(here.settings) as sampled:
        # A downloader that somebody started by name dies half-way: the run goes on from its part, and it stays.
        fetch = background.start_fetch("download", [wanted], here.settings)
        until(lambda: on_disk.disk_usage(here.settings, (wanted,)).partial_bytes)
        fetch._process.send_signal(signal.SIGKILL)
        fetch._process.wait()
        assert cache.find_snapshot(wanted, here.settings) is None
        # A busy machine may let go between two looks: it is struck half-way at the latest.
        for moment in (
            fetching,
            lambda: scoring() or done() > 1,
            lambda: letting_go() or done() > COUNT // 2,
        ):
            until(lambda: time.time() > (job().lease_until or 0) + 0.1)  # before that, nobody takes it
            worker = start()
            until(lambda moment=moment: moment() or job().over)
            worker.send_signal(signal.SIGKILL)
            worker.wait()
            assert not job().over
        until(lambda: time.time() > (job().lease_until or 0) + 0.1)
        assert start().wait(120) == 0
    ended = job()
    assert (ended.state, ended.error) == ("done", None)
    assert workers.stored(here.settings.database) == expected
    assert [row.computed for row in ended.progress] == [QUESTIONS] * COUNT
    assert sampled.most_bytes <= here.settings.hub_quota_bytes
    assert sampled.most_whole <= 2
    whole = [c for c in checkpoints if cache.find_snapshot(c, here.settings)]
    assert whole == [wanted]
    assert {Path(name).parts[0] for name in left(here)} == {"whole"}
    assert [c.name for c in state.fleet_of_set(here, "little").checkpoints] == [c.name for c in checkpoints]
    assert (
        studios.state_of_set(here, "little", collection.open_set(here.settings, "little")).kind
        == "up to date"
    )
