"""What is said of a rolling run before it and while it goes on."""

from __future__ import annotations

import pytest

from e2lm_core.checkpoints.hub import cache, rolling_leases
from e2lm_core.checkpoints.hub.download import download
from e2lm_core.runs.messages import rolling
from e2lm_core.runs.queue.records import Progress
from e2lm_core.sets import collection
from tests.support import studios
from tests.support.fake_hub import weights
from tests.support.hub_fixtures import MODEL, fake, studio, with_added

__all__ = ["fake", "studio"]  # fixtures
GB = 10**9


@pytest.fixture
def here(studio):
    return with_added(studio)


def test_how_much_passes_through_and_how_much_is_here_at_once(here):
    task, checkpoints = collection.open_set(here.settings, "little"), here.catalogue.checkpoints_of(MODEL)
    what = rolling.estimate_rolling(here, task, checkpoints)
    each = len(weights(0))
    assert (what.fetch, what.bytes, what.at_once_bytes) == (3, 3 * each, 2 * each)
    assert (what.missing, what.total, what.seconds) == (18, 18, None)
    download(checkpoints[0], here.settings)
    assert rolling.estimate_rolling(here, task, checkpoints).fetch == 2
    job = here.jobs.get(studios.start_run(here, "little", checkpoints))
    claimed = here.jobs.claim("test", 60)
    here.jobs.report(claimed, [Progress(name=checkpoints[0].name, done=6, total=6, computed=6, seconds=3.0)])
    assert rolling.estimate_rolling(here, task, checkpoints).seconds == pytest.approx(18 * 0.5)
    assert job.payload.get("rolling") is None


def test_the_sentence_names_room_and_time_as_far_as_they_are_known():
    usage = cache.CacheUsage(used_bytes=5 * GB, partial_bytes=0, quota_bytes=20 * GB)
    what = rolling.RollingEstimate(
        fetch=27, bytes=27 * GB, at_once_bytes=2 * GB, missing=270, total=270, seconds=3_600.0
    )
    assert rolling.rolling_cost(what, usage) == (
        "27 checkpoints, 27 GB, pass through; at most 2 GB of them are on the disk at once, of the 15 GB that are left. "
        "To compute takes about 60 min at the pace of earlier runs; to fetch comes on top."
    )
    unknown = what.model_copy(update={"bytes": None, "at_once_bytes": None, "seconds": None})
    assert rolling.rolling_cost(unknown, usage) == (
        "27 checkpoints pass through; their size is not known yet. How long that takes is not known yet."
    )
    assert rolling.rolling_cost(what.model_copy(update={"fetch": 0}), usage) == "Nothing has to be fetched."


def test_what_a_run_does_just_now(here):
    first, second, third = here.catalogue.checkpoints_of(MODEL)
    number = studios.start_run(here, "little", (first, second, third), rolling=True)
    job = here.jobs.claim("test", 60)
    for checkpoint in (second, third):
        rolling_leases.mark_leased(checkpoint, f"run-{number}", here.settings)
    download(second, here.settings)
    part = cache.partial_folder(third, here.settings)
    part.mkdir(parents=True)
    (part / "model.safetensors.part").write_bytes(b"0" * 1_000)
    here.jobs.report(job, [Progress(name=first.name, done=6, total=6, computed=6, seconds=1.0)])
    said = rolling.rolling_status(here.jobs.get(number), here.settings, here.catalogue.checkpoints)
    assert said is not None
    assert said.startswith(f"Scoring 2 of 3 ({second.name}); fetching {third.name} (")
    assert "downloads hold" in said
    assert said.endswith("of the 20 GB allowed.")
    here.jobs.finish(job)
    assert rolling.rolling_status(here.jobs.get(number), here.settings, here.catalogue.checkpoints) is None
