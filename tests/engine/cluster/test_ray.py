"""A real Ray cluster, started for these tests: the bytes of this machine, nothing sent that should stay, deaths, cancelling."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from e2lm_core.base.errors import Cancelled, CheckpointError, StudioError
from e2lm_core.base.records import Checkpoint, Request, ScoredChunk
from e2lm_core.base.settings import Settings
from e2lm_core.engine.cluster import connection, driver, pool
from e2lm_core.engine.cluster.driver import RayBackend
from e2lm_core.engine.local import LocalBackend
from e2lm_core.runs import evaluate
from e2lm_core.runs.studio import open_studio
from tests.conftest import needs
from tests.support import studios, tiny_models
from tests.support.workers import stored

pytestmark = pytest.mark.slow
WORDS = ["iron", "gold", "water", "light", "stone", "river", "cloud", "salt"]
SECRET = "hf_nobodyMaySeeThis"


def requests(count: int) -> list[Request]:
    rng = random.Random(1)
    return [
        Request(f"Question {n}: What is {' '.join(rng.choices(WORDS, k=12))}?\nAnswer:", f" {word}")
        for n in range(count)
        for word in WORDS[:4]
    ]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayBackend]:
    """A backend whose cluster was started for it, by a process that has a secret in its environment."""
    needs("ray")
    home = tmp_path_factory.mktemp("ray")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN_PATH"):
            patch.delenv(name, raising=False)
        patch.setenv("HF_TOKEN", SECRET)
        patch.delenv("RAY_ADDRESS", raising=False)
        backend = RayBackend(Settings(home=home / "home", device="cpu", threads=2, backend="ray"))
        yield backend
        backend.close()
        connection.import_ray().shutdown()


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> list[Checkpoint]:
    family = tmp_path_factory.mktemp("family")
    return [
        tiny_models.checkpoint(
            tiny_models.make(family / architecture / f"iter_{step:07d}", architecture, seed=step)
        )
        for architecture in ("llama", "gpt2")
        for step in (1, 2)
    ]


def both_up(backend: RayBackend) -> None:
    deadline = time.monotonic() + 90
    while len(backend.pool.members) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_bytes_are_those_of_this_machine(cluster: RayBackend, checkpoints: list[Checkpoint]) -> None:
    asked = requests(60)
    local = LocalBackend(Settings(home=cluster.settings.home, device="cpu", threads=2))
    for checkpoint in checkpoints:
        assert cluster.scope(checkpoint) == local.scope(checkpoint)
        assert list(cluster.chunks(checkpoint, asked)) == list(local.chunks(checkpoint, asked))
    assert any("Computed on a Ray cluster" in note for note in cluster.notes())
    assert [n for n in cluster.notes() if "Ray" not in n] == local.notes()


def test_no_path_and_no_token_is_sent(
    cluster: RayBackend, checkpoints: list[Checkpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ray import cloudpickle

    ray = connection.import_ray()
    both_up(cluster)
    sent: list[bytes] = []
    put = ray.put
    monkeypatch.setattr(ray, "put", lambda value: (sent.append(cloudpickle.dumps(value)), put(value))[1])
    fresh = RayBackend(cluster.settings)
    fresh._pool = cluster.pool
    checkpoint = checkpoints[0]
    config = (checkpoint.directory or Path()) / "config.json"
    config.write_text(config.read_text().replace("{", '{"_name_or_path": "/home/somebody/run",', 1))
    model, answer = fresh._sent(checkpoint)
    text = fresh._text(model, requests(5))
    sent += [cloudpickle.dumps(answer), cloudpickle.dumps(text)]
    assert len(sent) == 4
    forbidden = [
        SECRET,
        str(checkpoint.directory),
        str(cluster.settings.home),
        str(Path.home()),
        "/home/somebody",
    ]
    forbidden += [str(Path(__file__).parents[3]), "Question 1", "/tmp/"]
    if len(host := os.uname().nodename) > 5:  # a shorter one stands in the weights by chance
        forbidden.append(host)
    for data in sent:
        assert not [word for word in forbidden if word.encode() in data]


def test_no_process_of_the_cluster_has_the_secret(cluster: RayBackend) -> None:
    both_up(cluster)
    assert os.environ["HF_TOKEN"] == SECRET
    seen = [process.environ() for process in psutil.Process().children(recursive=True)]
    assert len(seen) > 3
    assert not [env for env in seen if SECRET in env.values()]


def test_cancelling_reaches_the_actors(cluster: RayBackend, checkpoints: list[Checkpoint]) -> None:
    asked, got = requests(400), list[ScoredChunk]()
    running = cluster.chunks(checkpoints[0], asked, lambda: bool(got))
    got.append(next(running))
    with pytest.raises(Cancelled):
        got.extend(running)
    assert len(got) < sum(1 for _ in cluster.chunks(checkpoints[0], asked))
    ray = connection.import_ray()
    for member in cluster.pool.members:
        assert ray.get(member.actor.active_runs.remote()) == 0


def test_a_dead_actor_costs_nothing_that_was_delivered(
    cluster: RayBackend, checkpoints: list[Checkpoint]
) -> None:
    asked = requests(400)
    expected = list(cluster.chunks(checkpoints[1], asked))
    found = []
    for place, chunk in enumerate(cluster.chunks(checkpoints[1], asked)):
        found.append(chunk)
        if place == 1:
            (member,) = [m for m in cluster.pool.members if m.lent]
            os.kill(member.about["process"], signal.SIGKILL)
    assert found == expected


def test_a_checkpoint_at_which_actors_always_die_ends_in_a_sentence(
    cluster: RayBackend, checkpoints: list[Checkpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ray.exceptions import RayActorError

    def dies(*_: object) -> Iterator[object]:
        raise RayActorError
        yield

    monkeypatch.setattr(driver, "MAX_DEATHS", 1)
    monkeypatch.setattr(cluster, "_from", dies)
    with pytest.raises(StudioError, match="died one after the other"):
        list(cluster.chunks(checkpoints[0], requests(2)))


def test_a_large_checkpoint_is_read_where_it_is_computed(
    cluster: RayBackend, checkpoints: list[Checkpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "NODE_FILES_FROM", 1)
    asked = requests(3)
    fresh = RayBackend(cluster.settings)
    fresh._pool = cluster.pool
    with pytest.raises(CheckpointError, match="none has it"):
        list(fresh.chunks(checkpoints[3], asked))


def test_a_run_through_the_store(cluster: RayBackend, tmp_path: Path) -> None:
    """Every checkpoint of a ladder, spread over the actors, beside the local backend's store."""
    ladder = studios.real_ladder(tmp_path / "ladder")
    settings = {name: studios.settings(tmp_path / name, ladder=ladder) for name in ("here", "there")}
    for name, one in settings.items():
        task = studios.write_example(one, studios.task(12))
        there = RayBackend(one.model_copy(update={"threads": 2}))
        there._pool = cluster.pool
        studio = open_studio(one, None if name == "here" else there)
        result = evaluate.evaluate(studio, task, studio.catalogue.checkpoints)
        assert result.computed == 12 * len(studio.catalogue.checkpoints)
    assert stored(settings["here"].database) == stored(settings["there"].database)


def test_actors_are_let_go_and_come_back(
    cluster: RayBackend, checkpoints: list[Checkpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    both_up(cluster)
    monkeypatch.setattr(pool, "IDLE_S", 0.0)
    deadline = time.monotonic() + 30
    while len(cluster.pool.members) > 0:  # asking for the pool wants it: look at what it has instead
        monkeypatch.setattr(cluster.pool, "_wanted_at", 0.0)
        assert time.monotonic() < deadline
        time.sleep(0.2)
    monkeypatch.setattr(pool, "IDLE_S", 120.0)
    assert list(cluster.chunks(checkpoints[0], requests(3)))
