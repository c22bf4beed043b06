"""Downloading and verifying in a process of its own, and who was there before."""

from __future__ import annotations

import time

import pytest

from e2lm_core.base.errors import CheckpointError
from e2lm_core.checkpoints.hub import added_models as hub
from e2lm_core.checkpoints.hub import background as fetching
from e2lm_core.checkpoints.hub import cache as hub_cache
from e2lm_core.checkpoints.hub.download import download
from e2lm_core.runs import start, worker
from tests.support import studios
from tests.support.hub_fixtures import DENSE, MODEL, fake, studio, with_added

__all__ = ["fake", "studio"]  # fixtures


def ended(fetch: fetching.BackgroundFetch) -> fetching.BackgroundFetch:
    deadline = time.monotonic() + 60
    while fetch.running:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return fetch


def test_downloading_and_verifying_in_a_process_of_its_own(studio):
    here = with_added(studio)
    checkpoints = here.catalogue.checkpoints_of(MODEL)
    fetch = ended(fetching.start_fetch("download", checkpoints[:2], here.settings))
    assert fetch.error is None
    assert [hub_cache.find_snapshot(c, here.settings) is not None for c in checkpoints] == [True, True, False]
    assert ended(fetching.start_fetch("verify", checkpoints[:2], here.settings)).error is None
    weights = hub_cache.find_snapshot(checkpoints[0], here.settings) / "model.safetensors"
    weights.write_bytes(b"\0" * weights.stat().st_size)
    error = ended(fetching.start_fetch("verify", checkpoints[:1], here.settings)).error
    assert error is not None
    assert "is no longer what the hub gave" in error
    assert "\n" not in error


def test_a_refused_download_is_one_sentence(studio, fake):
    here = with_added(studio)
    fake.instead("/api/models/", status=500)
    fetch = ended(fetching.start_fetch("download", here.catalogue.checkpoints_of(MODEL), here.settings))
    assert fetch.error is not None
    assert DENSE in fetch.error
    assert "500" in fetch.error
    assert "Traceback" not in fetch.error


def test_a_stopped_download_is_no_error_and_goes_on(studio):
    here = with_added(studio)
    checkpoints = here.catalogue.checkpoints_of(MODEL)
    fetch = fetching.start_fetch("download", checkpoints, here.settings)
    fetch.stop()
    assert not fetch.running
    assert fetch.error is None
    download(checkpoints[0], here.settings)
    assert hub_cache.find_snapshot(checkpoints[0], here.settings)


def test_a_killed_download_says_that_it_ended_early(studio):
    here = with_added(studio)
    fetch = fetching.start_fetch("download", here.catalogue.checkpoints_of(MODEL), here.settings)
    fetch._process.kill()
    assert "ended early" in (ended(fetch).error or "")


def test_nothing_chosen(studio):
    with pytest.raises(CheckpointError, match="choose at least one"):
        fetching.start_fetch("download", (), studio.settings)


def test_a_worker_started_earlier_computes_what_was_added_since(studio):
    later = with_added(studio)
    checkpoints = later.catalogue.checkpoints_of(MODEL)
    studios.start_run(later, "little", checkpoints)
    worker.run_worker(studio, once=True)  # its catalogue is the one before
    job = start.latest_job(studio, "little")
    assert job is not None
    assert (job.state, job.error) == ("done", None)
    hub.remove_checkpoints(studio.settings, MODEL)
    studios.start_run(later, "little", checkpoints)
    worker.run_worker(later, once=True)
    assert "is no longer there" in (start.latest_job(studio, "little").error or "")


@pytest.mark.slow
@pytest.mark.parametrize(("owners", "ends_well"), [((), False), (("tiiuae",), True), (None, True)])
def test_a_downloader_has_the_hubs_token_only_where_it_may_use_it(
    studio, fake, monkeypatch, owners, ends_well
):
    here = with_added(studio)
    fake.repos[DENSE].token = "hf_" + "secret"
    monkeypatch.setenv("HF_TOKEN", "hf_" + "secret")
    asked = here.settings.model_copy(update={"hub_token_for": owners})
    fetch = ended(fetching.start_fetch("download", here.catalogue.checkpoints_of(MODEL)[:1], asked))
    assert (fetch.error is None) is ends_well
    assert ends_well or "without a token" in (fetch.error or "")


def test_a_downloaders_environment_is_a_list_of_names(studio, monkeypatch):
    for name in ("HF_TOKEN", "OAUTH_CLIENT_SECRET", "ANYTHING"):
        monkeypatch.setenv(name, "x")
    checkpoints = with_added(studio).catalogue.checkpoints_of(MODEL)
    asked = studio.settings.model_copy(update={"hub_token_for": ("else",)})
    env = fetching._environment(checkpoints, asked)
    assert not {"HF_TOKEN", "OAUTH_CLIENT_SECRET", "ANYTHING"} & set(env)
    assert env["E2LM_HUB_TOKEN_FOR"] == "else"
    assert fetching._environment(checkpoints, studio.settings)["HF_TOKEN"] == "x"
