"""What the Checkpoints page shows, over the fake ladder and a hub on this machine."""

from __future__ import annotations

from dataclasses import replace

from e2lm_core.checkpoints import tables
from e2lm_core.checkpoints.families import CheckpointChoice, choose_checkpoints
from e2lm_core.checkpoints.family_catalogue import family
from e2lm_core.checkpoints.hub import cache as hub_cache
from e2lm_core.checkpoints.hub.cache import CacheUsage
from e2lm_core.checkpoints.hub.download import download
from e2lm_core.checkpoints.hub.on_disk import disk_usage
from tests.support.hub_fixtures import DENSE, MODEL, STEPS, fake, studio, with_added

__all__ = ["fake", "studio"]  # fixtures


def test_the_embedded_ladder_alone(studio):
    assert tables.headline(studio.catalogue, studio.settings) == (
        "**4 models with 40 checkpoints** are on this machine; none from a hub."
    )
    frame = tables.models_frame(studio.catalogue, studio.settings).set_index("model")
    small = frame.loc["ladder-small-arch1"]
    assert small["from"] == "built-in mini models"
    assert (small["parameters"], small["checkpoints"], small["here"]) == (100, 10, 10)
    assert (small["first"], small["last"]) == (100_000, 1_000_000)
    packed = sum(c.packed.stat().st_size for c in studio.catalogue.checkpoints_of("ladder-small-arch1"))
    assert small["bytes"] == packed
    unpacked = studio.settings.cache / "checkpoints" / "ladder-small-arch1" / "iter_0000100"
    unpacked.mkdir(parents=True)
    (unpacked / "model.safetensors").write_bytes(b"x" * 1_000)
    assert (
        tables.models_frame(studio.catalogue, studio.settings)
        .set_index("model")
        .loc["ladder-small-arch1", "bytes"]
        == packed + 1_000
    )


def test_no_checkpoint_at_all(studio):
    empty = replace(studio, catalogue=replace(studio.catalogue, models=(), checkpoints=()))
    assert (
        tables.headline(empty.catalogue, empty.settings)
        == "**No checkpoint** is on this machine; none from a hub."
    )
    assert list(tables.models_frame(empty.catalogue, empty.settings).columns)[:2] == ["model", "parameters"]


def test_added_and_partly_downloaded(studio):
    here = with_added(studio)
    checkpoints = tables.added_by_model(here.catalogue)[MODEL]
    assert "of 3 checkpoints added from a hub, none is downloaded (0 bytes of the 20 GB allowed)." in (
        tables.headline(here.catalogue, here.settings)
    )
    download(checkpoints[0], here.settings)
    half = hub_cache.partial_folder(checkpoints[1], here.settings)
    half.mkdir(parents=True)
    (half / "model.safetensors.part").write_bytes(b"x" * 100)
    frame = tables.added_frame(here.settings, checkpoints)
    assert list(frame["checkpoint"]) == [f"iter_{s:07d}" for s in STEPS]
    assert list(frame["state"]) == ["downloaded", "in part", "not downloaded"]
    assert frame["bytes"][1] == 100
    assert set(frame["commit"]) == {checkpoints[0].revision[:10]}
    held = disk_usage(here.settings, checkpoints)
    assert (held.whole, held.checkpoints, held.partial_bytes) == (1, 3, 100)
    assert held.expected_bytes == 3 * held.whole_bytes
    assert "1 is downloaded" in tables.headline(here.catalogue, here.settings)
    assert "5 models with 41 checkpoints" in tables.headline(here.catalogue, here.settings)
    model = tables.models_frame(here.catalogue, here.settings).set_index("model").loc[MODEL]
    assert (model["checkpoints"], model["here"], model["from"]) == (3, 1, DENSE)
    assert model["bytes"] == held.bytes
    rows = tables.families_frame(here.catalogue, here.settings).set_index("model")
    assert (rows.loc[MODEL, "checkpoints"], rows.loc[MODEL, "added"], rows.loc[MODEL, "downloaded"]) == (
        27,
        3,
        1,
    )
    for gone in checkpoints:
        hub_cache.evict(gone, here.settings)
    assert "none is downloaded" in tables.headline(here.catalogue, here.settings)


def test_what_a_choice_costs():
    e2lm, pythia = family("e2lm"), family("pythia")
    room = CacheUsage(used_bytes=2 * 10**9, partial_bytes=0, quota_bytes=20 * 10**9)
    places = e2lm.known_locations(e2lm.model(MODEL))
    chosen = choose_checkpoints(places, CheckpointChoice(every=2))
    sentence = tables.selection_summary(chosen, len(places), e2lm.model(MODEL), None, room)
    assert sentence.startswith("13 of 27 checkpoints: iter_0004000 to iter_0052000, 4.2 B to ")
    assert sentence.endswith("Size unknown.")
    listed = tables.selection_summary(chosen, len(places), e2lm.model(MODEL), 13 * 10**9, room)
    assert listed.endswith("tokens; 13 GB of the 18 GB that are left.")
    places = pythia.known_locations(pythia.model("pythia-12b"))
    sentence = tables.selection_summary(places, len(places), pythia.model("pythia-12b"), None, room)
    assert sentence.endswith("at least 3.6 TB, more than the 18 GB that are left: download some of them.")
    one = tables.selection_summary(places[:1], len(places), pythia.model("pythia-14m"), None, room)
    assert one == "1 of 154 checkpoints: step0; at least 28 MB of the 18 GB that are left."
