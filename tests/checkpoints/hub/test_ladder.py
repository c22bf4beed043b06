"""The embedded ladder behind a hub, under the names of two public families: the same numbers, kept apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2lm_core.base.records import Checkpoint
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.catalogue import open_catalogue
from e2lm_core.checkpoints.hub import added_models as hub
from e2lm_core.checkpoints.unpacking import ensure_directory
from e2lm_core.runs import evaluate, worker
from e2lm_core.runs.store.requests import RequestIndex
from e2lm_core.runs.studio import Studio, open_studio
from e2lm_core.sets.prompts.render import render_set
from tests.conftest import needs
from tests.support import studios
from tests.support.fake_hub import FakeHub, Files, under
from tests.support.hub_fixtures import DENSE, E2LM, PYTHIA, SMALL, fake

__all__ = ["fake"]  # fixture
pytestmark = pytest.mark.slow
COUNT = 5


@pytest.fixture
def here(fake: FakeHub, tmp_path: Path) -> Studio:
    """Both families hold the same two checkpoints of the ladder, one in folders and one in branches."""
    first, last = (files(checkpoint, tmp_path) for checkpoint in ladder(tmp_path))
    fake.repo(DENSE).commit("main", under("iter_0002000", first) | under("iter_0004000", last))
    small = fake.repo(SMALL)
    small.refs.clear()
    small.commit("main", last)
    small.commit("step1000", first)
    small.commit("step2000", last)
    (tmp_path / "tasks").mkdir()
    settings = Settings(
        home=tmp_path / "home",
        tasks=tmp_path / "tasks",
        ladder=tmp_path / "none",
        hub_endpoint=fake.endpoint,
        device="cpu",
        threads=1,
    )
    studios.write_example(settings, studios.task(count=COUNT))
    hub.add_checkpoints(settings, E2LM, "dense-500m-arch1")
    hub.add_checkpoints(settings, PYTHIA, "pythia-14m")
    return open_studio(settings)


def ladder(tmp_path: Path) -> tuple[Checkpoint, Checkpoint]:
    catalogue = open_catalogue(Settings(home=tmp_path / "ladder", ladder=needs("ladder")))
    of_one = catalogue.checkpoints_of(catalogue.models[0])
    return of_one[len(of_one) // 2], of_one[-1]


def files(checkpoint: Checkpoint, tmp_path: Path) -> Files:
    folder = ensure_directory(checkpoint, Settings(home=tmp_path / "ladder", ladder=needs("ladder")))
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name != "unpacked.json"}


def computed(here: Studio) -> dict[str, int]:
    """Questions computed at each checkpoint, in a run as the app makes it."""
    again = open_studio(here.settings)
    job = studios.start_run(again, "little", again.catalogue.checkpoints)
    worker.run_worker(again, once=True)
    ended = again.jobs.get(job)
    assert (ended.state, ended.error) == ("done", None)
    return {row.name: row.computed for row in ended.progress}


def test_it_gives_the_ladders_numbers_under_either_familys_names(here: Studio, tmp_path: Path) -> None:
    assert computed(here) == {
        "dense-500m-arch1/iter_0002000": COUNT,
        "dense-500m-arch1/iter_0004000": COUNT,
        "pythia-14m/iter_0001000": COUNT,
        "pythia-14m/iter_0002000": COUNT,
    }
    task = studios.task(count=COUNT)
    own = open_studio(here.settings.model_copy(update={"home": tmp_path / "own", "ladder": needs("ladder")}))
    pair = ladder(tmp_path)
    evaluate.evaluate(own, task, pair)
    digests = RequestIndex(render_set(task)).texts
    for name in ("dense-500m-arch1", "pythia-14m"):
        for served, original in zip(open_catalogue(here.settings).checkpoints_of(name), pair, strict=True):
            theirs = own.store.get(own.backend.scope(original), digests)
            assert len(theirs) == 4 * COUNT
            assert here.store.get(here.backend.scope(served), digests) == theirs


def test_another_repo_subfolder_or_commit_computes_again_and_the_same_one_nothing(
    here: Studio, fake: FakeHub, tmp_path: Path
) -> None:
    assert sum(computed(here).values()) == 4 * COUNT  # the same weights in two repositories
    assert sum(computed(here).values()) == 0
    first = files(ladder(tmp_path)[0], tmp_path)
    kept = fake.repos[DENSE].commits[fake.repos[DENSE].refs["main"]]
    fake.repo(DENSE).commit("main", {**kept, "README.md": b"a new commit"})
    assert sum(computed(here).values()) == 0  # pinned
    hub.remove_checkpoints(here.settings, "dense-500m-arch1")
    hub.add_checkpoints(here.settings, E2LM, "dense-500m-arch1")
    assert {k: v for k, v in computed(here).items() if v} == {
        "dense-500m-arch1/iter_0002000": COUNT,
        "dense-500m-arch1/iter_0004000": COUNT,
    }
    fake.repo(DENSE).commit("main", {**kept, **under("iter_0006000", first)})
    hub.remove_checkpoints(here.settings, "dense-500m-arch1")
    hub.add_checkpoints(here.settings, E2LM, "dense-500m-arch1")
    assert computed(here)["dense-500m-arch1/iter_0006000"] == COUNT  # another folder of the same bytes
