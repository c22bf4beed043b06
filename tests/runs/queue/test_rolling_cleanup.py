"""Rolling runs as jobs: done by one worker, cleared up after, refused to visitors, and what is shown of them later."""

from __future__ import annotations

from dataclasses import replace

import pytest

from e2lm_core.base.errors import CheckpointError, TaskError
from e2lm_core.checkpoints.hub import cache, rolling, rolling_leases
from e2lm_core.checkpoints.hub.download import download
from e2lm_core.engine.traits import Traits, remember_traits, traits_key
from e2lm_core.runs import evaluate, start, state, worker
from e2lm_core.runs.queue import rolling_cleanup
from e2lm_core.runs.queue.claims import find_joinable_job
from e2lm_core.sets import collection
from tests.support import studios, workers
from tests.support.hub_fixtures import MODEL, fake, studio, with_added

__all__ = ["fake", "studio"]  # fixtures


@pytest.fixture
def here(studio, monkeypatch):
    """Three checkpoints added from the hub, none downloaded, beside a fake ladder."""
    monkeypatch.setattr(rolling, "GIVE_WAY_S", 0.0)
    return with_added(studio)


def left(here) -> list[str]:
    root = here.settings.cache / "hub"
    return [p.name for p in root.rglob("*") if p.is_file() and p.parent.name != "locks"]


def known(here, checkpoints) -> None:
    """As the engine leaves it behind that has scored them."""
    for checkpoint in checkpoints:
        remember_traits(traits_key(checkpoint, here.settings), Traits(window=8, bos="none"), here.settings)


def test_a_rolling_job_scores_all_and_leaves_nothing_but_results(here):
    checkpoints = here.catalogue.checkpoints_of(MODEL)
    number = studios.start_run(here, "little", checkpoints, rolling=True)
    assert worker.run_worker(here, once=True) == 1
    job = here.jobs.get(number)
    assert (job.state, job.error) == ("done", None)
    assert [(row.done, row.computed) for row in job.progress] == [(6, 6)] * 3
    assert left(here) == []
    rows = workers.stored(here.settings.database)
    for checkpoint in checkpoints:
        download(checkpoint, here.settings)
    here.store.database.close()
    evaluate.evaluate(here, collection.open_set(here.settings, "little"), checkpoints)
    assert workers.stored(here.settings.database) == rows


def test_nobody_helps_with_one(here):
    studios.start_run(here, "little", here.catalogue.checkpoints_of(MODEL), rolling=True)
    assert here.jobs.claim("leader", 60) is not None
    assert find_joinable_job(here.jobs, "helper", (start.KIND,)) is None
    studios.start_run(here, "little", here.catalogue.checkpoints_of(MODEL))
    assert here.jobs.claim("leader", 60) is not None
    assert find_joinable_job(here.jobs, "helper", (start.KIND,)) is not None


def test_what_a_run_fetched_stays_as_long_as_it_may_go_on(here):
    first, second, _ = here.catalogue.checkpoints_of(MODEL)
    number = studios.start_run(here, "little", [first], rolling=True)
    for checkpoint, run in ((first, rolling_cleanup.lease_name(number)), (second, "command-1")):
        rolling_leases.mark_leased(checkpoint, run, here.settings)
        download(checkpoint, here.settings)
    assert first not in here.local_checkpoints
    assert rolling_cleanup.remove_fetched(here.settings, here.jobs) > 0
    assert [bool(cache.find_snapshot(c, here.settings)) for c in (first, second)] == [True, False]
    here.jobs.cancel(number)
    assert worker.run_worker(here, once=True) == 0  # one that is started clears up
    assert left(here) == []


def test_a_kill_before_it_was_let_go_leaves_nothing(here):
    checkpoints = here.catalogue.checkpoints_of(MODEL)
    known(here, checkpoints)
    evaluate.evaluate(here, collection.open_set(here.settings, "little"), checkpoints[:1])
    number = studios.start_run(here, "little", checkpoints, rolling=True)
    rolling_leases.mark_leased(checkpoints[0], rolling_cleanup.lease_name(number), here.settings)
    worker.run_worker(here, once=True)
    job = here.jobs.get(number)
    assert job.state == "done"
    assert {row.name: row.reused for row in job.progress}[checkpoints[0].name] == 6
    assert left(here) == []


def test_what_the_hub_does_not_give_is_said_and_the_rest_is_done(here, fake):
    checkpoints = here.catalogue.checkpoints_of(MODEL)
    lost = f"/resolve/{checkpoints[1].revision}/{checkpoints[1].subfolder}/model.safetensors"
    fake.instead(lost, status=404)
    number = studios.start_run(here, "little", checkpoints, rolling=True)
    worker.run_worker(here, once=True)
    job = here.jobs.get(number)
    assert job.state == "failed"
    assert f"1 checkpoint is missing ({checkpoints[1].name})" in (job.error or "")
    assert "the same run again goes on from there" in (job.error or "")
    assert sum(row.computed for row in job.progress) == 2 * 6
    assert left(here) == []


def test_visitors_and_clusters_roll_nothing(here):
    task = collection.open_set(here.settings, "little")
    chosen = here.catalogue.checkpoints_of(MODEL)
    signed = replace(here, settings=here.settings.model_copy(update={"auth": "oidc", "readonly": True}))
    with pytest.raises(TaskError):
        start.submit_run(signed, task, chosen, rolling=True)
    ray = replace(here, settings=here.settings.model_copy(update={"backend": "ray"}))
    with pytest.raises(CheckpointError, match="computed on this machine") as refused:
        start.submit_run(ray, task, chosen, rolling=True)
    studios.sentence(refused)
    assert here.jobs.recent() == []


def test_results_are_shown_after_the_weights_are_gone_and_an_edit_says_so(here):
    checkpoints = here.catalogue.checkpoints_of(MODEL)
    known(here, checkpoints)
    studios.start_run(here, "little", checkpoints, rolling=True)
    worker.run_worker(here, once=True)
    task = collection.open_set(here.settings, "little")
    assert state.fleet_of_set(here, "little").run_arguments == (checkpoints, None)
    assert studios.state_of_set(here, "little", task).kind == "up to date"
    with pytest.raises(CheckpointError, match="were let go again") as refused:
        state.next_fleet(here, "little")
    studios.sentence(refused)
    download(checkpoints[2], here.settings)
    at_hand, fleet, shots = state.next_fleet(here, "little")
    assert (at_hand, fleet, shots) == (checkpoints[2:], checkpoints, None)
    start.submit_run(here, task, at_hand, fleet=fleet)
    worker.run_worker(here, once=True)
    assert state.fleet_of_set(here, "little").run_arguments == (checkpoints, None)


def test_what_was_scored_before_a_kill_gives_its_room_to_the_rest(here):
    checkpoints = here.catalogue.checkpoints_of(MODEL)
    known(here, checkpoints)
    evaluate.evaluate(here, collection.open_set(here.settings, "little"), checkpoints[:2])
    number = studios.start_run(here, "little", checkpoints, rolling=True)
    for checkpoint in checkpoints[:2]:
        rolling_leases.mark_leased(checkpoint, rolling_cleanup.lease_name(number), here.settings)
        download(checkpoint, here.settings)
    full = here.settings.model_copy(update={"hub_quota_bytes": cache.cache_usage(here.settings).used_bytes})
    worker.run_worker(replace(here, settings=full), once=True)
    job = here.jobs.get(number)
    assert (job.state, job.error) == ("done", None)
    assert left(here) == []
