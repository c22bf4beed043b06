"""What the Checkpoints page shows, over the fake ladder and a hub on this machine."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from huggingface_hub import constants

from e2lm_core.base import phrasing
from e2lm_core.base.errors import CheckpointError
from e2lm_core.checkpoints import library
from e2lm_core.checkpoints.catalogue import open_catalogue
from e2lm_core.checkpoints.families import Choice, choose, family
from e2lm_core.checkpoints.hub import added as hub
from e2lm_core.checkpoints.hub import background as fetching
from e2lm_core.checkpoints.hub import cache as hub_cache
from e2lm_core.checkpoints.hub import download as hub_download
from e2lm_core.checkpoints.hub import held as hub_held
from e2lm_core.checkpoints.hub.cache import Usage
from e2lm_core.runs import start, worker
from e2lm_core.runs.studio import Studio
from tests.support import studios
from tests.support.fake_hub import FakeHub, checkpoint, under

DENSE, MODEL = "tiiuae/dense-500m-arch1", "dense-500m-arch1"
STEPS = (2_000, 4_000, 6_000)


@pytest.fixture
def fake(monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)  # it reads it once, at import
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_TOKEN"):  # what a process started here reads
        monkeypatch.delenv(name, raising=False)
    with FakeHub() as running:
        files: dict[str, bytes] = {}
        for step in STEPS:
            files |= under(f"iter_{step:07d}", checkpoint(step))
        running.repo(DENSE).commit("main", files)
        yield running


@pytest.fixture
def studio(fake, tmp_path, monkeypatch) -> Studio:
    opened = studios.studio(tmp_path)
    settings = opened.settings.model_copy(update={"hub_endpoint": fake.endpoint})
    for name, value in studios.environment(settings).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("E2LM_HUB_ENDPOINT", fake.endpoint)
    return replace(opened, settings=settings)


def added(studio: Studio) -> Studio:
    hub.add(studio.settings, family("e2lm"), MODEL)
    return replace(studio, catalogue=open_catalogue(studio.settings))


def ended(fetch: fetching.Fetch) -> fetching.Fetch:
    deadline = time.monotonic() + 60
    while fetch.running:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return fetch


# --- words and frames -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, "–"),
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1_500, "1.5 kB"),
        (34_900_000, "35 MB"),
        (1_200_000_000, "1.2 GB"),
        (20_000_000_000, "20 GB"),
        (3_652_000_000_000, "3.7 TB"),
    ],
)
def test_size(count, text):
    assert phrasing.size(count) == text


def test_the_embedded_ladder_alone(studio):
    assert library.finding(studio.catalogue, studio.settings) == (
        "**4 models with 40 checkpoints** are on this machine; none is added from a hub."
    )
    frame = library.models_frame(studio.catalogue, studio.settings).set_index("model")
    small = frame.loc["ladder-small-arch1"]
    assert small["from"] == "embedded ladder"
    assert (small["parameters"], small["checkpoints"], small["here"]) == (100, 10, 10)
    assert (small["first"], small["last"]) == (100_000, 1_000_000)
    packed = sum(c.packed.stat().st_size for c in studio.catalogue.of("ladder-small-arch1"))
    assert small["bytes"] == packed
    unpacked = studio.settings.cache / "checkpoints" / "ladder-small-arch1" / "iter_0000100"
    unpacked.mkdir(parents=True)
    (unpacked / "model.safetensors").write_bytes(b"x" * 1_000)
    assert (
        library.models_frame(studio.catalogue, studio.settings)
        .set_index("model")
        .loc["ladder-small-arch1", "bytes"]
        == packed + 1_000
    )


def test_no_checkpoint_at_all(studio):
    empty = replace(studio, catalogue=replace(studio.catalogue, models=(), checkpoints=()))
    assert (
        library.finding(empty.catalogue, empty.settings)
        == "**No checkpoint** is on this machine; none is added from a hub."
    )
    assert list(library.models_frame(empty.catalogue, empty.settings).columns)[:2] == ["model", "parameters"]


def test_a_hard_linked_file_counts_once(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one").write_bytes(b"12345")
    (tmp_path / "a" / "two").hardlink_to(tmp_path / "a" / "one")
    assert hub_held.folder_bytes([tmp_path / "a", tmp_path / "a" / "one", tmp_path / "gone"]) == 5


def test_added_and_partly_downloaded(studio):
    here = added(studio)
    checkpoints = library.added(here.catalogue)[MODEL]
    assert "of 3 checkpoints added from a hub, none is downloaded (0 bytes of the 20 GB allowed)." in (
        library.finding(here.catalogue, here.settings)
    )
    hub_download.download(checkpoints[0], here.settings)
    half = hub_cache.partial_folder(checkpoints[1], here.settings)
    half.mkdir(parents=True)
    (half / "model.safetensors.part").write_bytes(b"x" * 100)
    frame = library.added_frame(here.settings, checkpoints)
    assert list(frame["checkpoint"]) == [f"iter_{s:07d}" for s in STEPS]
    assert list(frame["state"]) == ["downloaded", "in part", "not downloaded"]
    assert frame["bytes"][1] == 100
    assert set(frame["commit"]) == {checkpoints[0].revision[:10]}
    held = hub_held.held(here.settings, checkpoints)
    assert (held.whole, held.checkpoints, held.partial_bytes) == (1, 3, 100)
    assert held.expected_bytes == 3 * held.whole_bytes
    assert "1 is downloaded" in library.finding(here.catalogue, here.settings)
    assert "5 models with 41 checkpoints" in library.finding(here.catalogue, here.settings)
    model = library.models_frame(here.catalogue, here.settings).set_index("model").loc[MODEL]
    assert (model["checkpoints"], model["here"], model["from"]) == (3, 1, DENSE)
    assert model["bytes"] == held.bytes
    rows = library.families_frame(here.catalogue, here.settings).set_index("model")
    assert (rows.loc[MODEL, "checkpoints"], rows.loc[MODEL, "added"], rows.loc[MODEL, "downloaded"]) == (
        27,
        3,
        1,
    )
    for gone in checkpoints:
        hub_cache.evict(gone, here.settings)
    assert "none is downloaded" in library.finding(here.catalogue, here.settings)


def test_progress_tells_the_time_once_a_checkpoint_is_whole():
    def held(whole: int, whole_bytes: int, partial: int) -> hub_held.Held:
        return hub_held.Held(checkpoints=4, whole=whole, whole_bytes=whole_bytes, partial_bytes=partial)

    none = held(0, 0, 0)
    assert hub_held.progress(held(0, 0, 50), none, 10.0) == (0.0, "0 of 4 checkpoints, 50 bytes")
    # 1 of 100 bytes and half of the next in 10 s: 15 bytes a second, 250 bytes to go
    assert hub_held.progress(held(1, 100, 50), none, 10.0) == (
        0.375,
        "1 of 4 checkpoints, 150 bytes, about 15 s left",
    )
    assert hub_held.progress(held(4, 400, 0), none, 10.0)[0] == 1.0


def test_what_a_choice_costs():
    e2lm, pythia = family("e2lm"), family("pythia")
    room = Usage(used_bytes=2 * 10**9, partial_bytes=0, quota_bytes=20 * 10**9)
    places = e2lm.known_places(e2lm.model(MODEL))
    chosen = choose(places, Choice(every=2))
    sentence = library.choice_sentence(chosen, len(places), e2lm.model(MODEL), None, room)
    assert sentence.startswith("13 of 27 checkpoints: iter_0004000 to iter_0052000, 4.2 B to ")
    assert sentence.endswith("Their size is not known yet.")
    listed = library.choice_sentence(chosen, len(places), e2lm.model(MODEL), 13 * 10**9, room)
    assert listed.endswith("tokens; 13 GB of the 18 GB that are left.")
    places = pythia.known_places(pythia.model("pythia-12b"))
    sentence = library.choice_sentence(places, len(places), pythia.model("pythia-12b"), None, room)
    assert sentence.endswith("at least 3.6 TB, more than the 18 GB that are left: download some of them.")
    one = library.choice_sentence(places[:1], len(places), pythia.model("pythia-14m"), None, room)
    assert one == "1 of 154 checkpoints: step0; at least 28 MB of the 18 GB that are left."


# --- a process of its own -------------------------------------------------------------------------------


def test_downloading_and_verifying_in_a_process_of_its_own(studio):
    here = added(studio)
    checkpoints = library.added(here.catalogue)[MODEL]
    fetch = ended(fetching.start("download", checkpoints[:2], here.settings))
    assert fetch.error is None
    assert [hub_cache.snapshot(c, here.settings) is not None for c in checkpoints] == [True, True, False]
    assert ended(fetching.start("verify", checkpoints[:2], here.settings)).error is None
    weights = hub_cache.snapshot(checkpoints[0], here.settings) / "model.safetensors"
    weights.write_bytes(b"\0" * weights.stat().st_size)
    error = ended(fetching.start("verify", checkpoints[:1], here.settings)).error
    assert error is not None
    assert "is no longer what the hub gave" in error
    assert "\n" not in error


def test_a_refused_download_is_one_sentence(studio, fake):
    here = added(studio)
    fake.instead("/api/models/", status=500)
    fetch = ended(fetching.start("download", library.added(here.catalogue)[MODEL], here.settings))
    assert fetch.error is not None
    assert DENSE in fetch.error
    assert "500" in fetch.error
    assert "Traceback" not in fetch.error


def test_a_stopped_download_is_no_error_and_goes_on(studio):
    here = added(studio)
    checkpoints = library.added(here.catalogue)[MODEL]
    fetch = fetching.start("download", checkpoints, here.settings)
    fetch.stop()
    assert not fetch.running
    assert fetch.error is None
    hub_download.download(checkpoints[0], here.settings)
    assert hub_cache.snapshot(checkpoints[0], here.settings)


def test_a_killed_download_says_that_it_ended_early(studio):
    here = added(studio)
    fetch = fetching.start("download", library.added(here.catalogue)[MODEL], here.settings)
    fetch._process.kill()
    assert "ended early" in (ended(fetch).error or "")


def test_nothing_chosen(studio):
    with pytest.raises(CheckpointError, match="choose at least one"):
        fetching.start("download", (), studio.settings)


# --- who was there before ---------------------------------------------------------------------------------


def test_the_stamp_changes_with_what_is_added(studio):
    assert hub.stamp(studio.settings) is None
    added(studio)
    first = hub.stamp(studio.settings)
    hub.remove(studio.settings, MODEL, (f"{MODEL}/iter_0002000",))
    assert hub.stamp(studio.settings) != first is not None


def test_a_worker_started_earlier_computes_what_was_added_since(studio):
    later = added(studio)
    checkpoints = library.added(later.catalogue)[MODEL]
    start.start(later, "little", checkpoints)
    worker.work(studio, once=True)  # its catalogue is the one before
    job = start.latest_job(studio, "little")
    assert job is not None
    assert (job.state, job.error) == ("done", None)
    hub.remove(studio.settings, MODEL)
    start.start(later, "little", checkpoints)
    worker.work(later, once=True)
    assert "is no longer there" in (start.latest_job(studio, "little").error or "")
