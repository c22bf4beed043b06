"""The user's own Hugging Face cache, as huggingface_hub itself writes it: read where it lies, never copied or evicted."""

from __future__ import annotations

import fnmatch
from pathlib import Path

import pytest
from huggingface_hub import hf_hub_download

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.catalogue import open_catalogue
from e2lm_core.checkpoints.families import CheckpointChoice
from e2lm_core.checkpoints.hub import added_models as hub
from e2lm_core.checkpoints.hub import cache as hub_cache
from e2lm_core.checkpoints.hub import hf_cache
from e2lm_core.checkpoints.unpacking import ensure_directory
from tests.support.fake_hub import FakeHub
from tests.support.hub_fixtures import DENSE, E2LM, MODEL, PYTHIA, SMALL, fake, sentence, settings

__all__ = ["fake", "settings"]  # fixtures


@pytest.fixture
def cached(fake: FakeHub, tmp_path: Path, settings: Settings) -> Settings:
    """A home of Hugging Face's, filled by its own client: two branches of Pythia, a folder of E2LM's, a tokenizer."""
    home = tmp_path / "huggingface"
    for repo, revision, only in (
        (SMALL, "step512", "*"),
        (SMALL, "step1000", "*"),
        (SMALL, "main", "tokenizer*"),
        (DENSE, "main", "iter_0004000/*"),
    ):
        there = fake.repos[repo]
        for name in fnmatch.filter(there.commits[there.refs[revision]], only):
            hf_hub_download(repo, name, revision=revision, cache_dir=home / "hub", endpoint=fake.endpoint)
    fake.seen.clear()
    return settings.model_copy(update={"hf_cache": home / "hub"})


def test_a_cache_is_part_of_the_catalogue_with_its_families_tokens(cached, fake):
    catalogue = open_catalogue(cached)
    small = catalogue.checkpoints_of("pythia-14m")
    assert [(c.name, c.tokens_seen) for c in small] == [
        ("pythia-14m/step512", 512 * 2_097_152),
        ("pythia-14m/step1000", 1_000 * 2_097_152),
    ]
    [dense] = catalogue.checkpoints_of(MODEL)
    assert (dense.step, dense.early, dense.subfolder) == (4_000, True, "iter_0004000")
    assert ensure_directory(small[0], cached) == small[0].directory
    assert fake.seen == []


@pytest.mark.parametrize("at", ["", "hub", "hub/models--EleutherAI--pythia-14m"])
def test_its_layout_opens_in_e2lm_checkpoints(cached, at):
    place = cached.hf_cache.parent / at
    there = cached.model_copy(update={"hf_cache": None, "checkpoints": (place,)})
    catalogue = open_catalogue(there)
    assert [p for p in catalogue.problems if "ladder" not in p] == []
    assert [c.step for c in catalogue.checkpoints_of("pythia-14m")] == [512, 1_000]


def test_what_was_added_from_a_hub_is_not_downloaded_again(cached, fake):
    added = hub.add_checkpoints(cached, PYTHIA, "pythia-14m", CheckpointChoice(names=("step512", "step1")))
    asked = len(fake.seen)
    by_step = {c.step: c for c in added}
    folder = ensure_directory(by_step[512], cached)
    assert folder == hf_cache.find_snapshot(by_step[512], cached)
    assert folder.is_relative_to(cached.hf_cache)
    assert len(fake.seen) == asked
    assert hf_cache.find_snapshot(by_step[1], cached) is None
    hub_cache.verify(by_step[512], cached)
    assert hub_cache.evict(by_step[512], cached) == 0
    assert ensure_directory(by_step[512], cached) == folder
    assert [c.step for c in open_catalogue(cached).checkpoints_of("pythia-14m")] == [
        1,
        512,
    ]  # the list counts, not the cache


def test_bytes_that_changed_in_the_cache_are_said(cached):
    [first] = hub.add_checkpoints(cached, E2LM, MODEL, CheckpointChoice(names=("iter_0004000",)))
    folder = hf_cache.find_snapshot(first, cached)
    blob = (folder / "model.safetensors").resolve()
    blob.chmod(0o644)
    blob.write_bytes(blob.read_bytes()[:-1] + b"x")
    with pytest.raises(CheckpointError) as error:
        hub_cache.verify(first, cached)
    assert "is not what the hub gave" in sentence(error)


def test_without_weights_or_with_a_link_that_leads_nowhere_it_is_none(cached):
    [first] = hub.add_checkpoints(cached, E2LM, MODEL, CheckpointChoice(names=("iter_0004000",)))
    folder = hf_cache.find_snapshot(first, cached)
    (folder / "model.safetensors").resolve().unlink()
    assert hf_cache.find_snapshot(first, cached) is None
    (folder / "model.safetensors").unlink()
    assert hf_cache.find_snapshot(first, cached) is None
    assert MODEL not in {
        m.name for m in open_catalogue(cached.model_copy(update={"home": cached.home / "b"})).models
    }


def test_where_it_lies_is_huggingface_hubs_rule(tmp_path):
    (tmp_path / "a" / "hub").mkdir(parents=True)
    (tmp_path / "b").mkdir()
    assert Settings.from_env({"HF_HOME": str(tmp_path / "a")}).hf_cache == tmp_path / "a" / "hub"
    both = {"HF_HOME": str(tmp_path / "a"), "HF_HUB_CACHE": str(tmp_path / "b")}
    assert Settings.from_env(both).hf_cache == tmp_path / "b"
    assert Settings.from_env({"HF_HOME": str(tmp_path / "none")}).hf_cache is None
    assert Settings.from_env(both | {"E2LM_AUTH": "oidc"}).hf_cache is None
