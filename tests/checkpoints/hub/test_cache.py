"""What is downloaded: its room on the disk, whether it is whole, and letting it go."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from e2lm_core.base.errors import Cancelled, CheckpointError, LimitError
from e2lm_core.checkpoints.catalogue import open_catalogue
from e2lm_core.checkpoints.hub import cache as hub_cache
from e2lm_core.checkpoints.hub import download as hub_download
from e2lm_core.checkpoints.unpacking import ensure_directory, unpacked_directory
from tests.support.fake_hub import checkpoint
from tests.support.hub_fixtures import DENSE, fake, first, sentence, settings

__all__ = ["fake", "first", "settings"]  # fixtures


def test_quota(fake, settings, first):
    tight = settings.model_copy(update={"hub_quota_bytes": 6_000})
    second = open_catalogue(settings).checkpoints[1]
    ensure_directory(first, tight)
    with pytest.raises(LimitError) as error:
        ensure_directory(second, tight)
    assert "0.0 MB allowed: evict some, or raise E2LM_HUB_QUOTA_GB" in sentence(error)
    assert hub_cache.cache_usage(tight).used_bytes < 6_000
    hub_cache.evict(first, tight)
    ensure_directory(second, tight)


def test_disk_without_room(fake, settings, first, monkeypatch):
    from e2lm_core.checkpoints.hub import download as hub_download

    monkeypatch.setattr(hub_download.shutil, "disk_usage", lambda _: type("Disk", (), {"free": 10**6}))
    with pytest.raises(CheckpointError) as error:
        ensure_directory(first, settings)
    assert "the disk has 1.0 MB free" in sentence(error)


def test_home_that_cannot_be_written(fake, settings, first):
    settings.cache.mkdir(parents=True, exist_ok=True)
    (settings.cache / "hub").write_text("a file where the folder should be")
    with pytest.raises(CheckpointError) as error:
        ensure_directory(first, settings)
    assert "cannot be written" in sentence(error)


def test_what_is_cached_and_evicted(fake, settings, first):
    ensure_directory(first, settings)
    (held,) = hub_cache.list_cached(settings)
    assert (held.name, held.repo, held.revision) == (first.name, DENSE, first.revision)
    assert held.bytes == sum(
        len(v) for k, v in checkpoint(2_000).items() if k not in ("README.md", "pytorch_model.bin")
    )
    assert hub_cache.evict(first, settings) >= held.bytes
    assert hub_cache.list_cached(settings) == ()
    assert unpacked_directory(first, settings) is None
    assert hub_cache.evict(first, settings) == 0
    assert first.name in [c.name for c in open_catalogue(settings).checkpoints]


def test_what_is_being_downloaded_is_not_evicted(fake, settings, first):
    refused = []

    def evict(progress):
        with pytest.raises(CheckpointError) as error:
            hub_cache.evict(first, settings)
        refused.append(sentence(error))

    hub_download.download(first, settings, evict)
    assert f"{first.name} is being downloaded" in refused[0]
    hub_cache.verify(first, settings)


def test_waiting_for_another_download_can_be_stopped(fake, settings, first):
    with hub_cache.checkpoint_lock(first, settings), pytest.raises(Cancelled):
        hub_download.download(first, settings, cancelled=lambda: True)


def test_verify_reads_the_bytes(fake, settings, first):
    with pytest.raises(CheckpointError, match="not on this machine: download it first"):
        hub_cache.verify(first, settings)
    folder = ensure_directory(first, settings)
    content = bytearray((folder / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "model.safetensors").write_bytes(content)
    assert unpacked_directory(first, settings) == folder
    with pytest.raises(CheckpointError) as error:
        hub_cache.verify(first, settings)
    assert "model.safetensors of dense-500m-arch1/iter_0002000 is no longer what the hub gave" in sentence(
        error
    )


@pytest.mark.parametrize("name", ["model.safetensors", "downloaded.json"])
def test_damaged_download_is_made_again(fake, settings, first, name):
    folder = ensure_directory(first, settings)
    (folder / name).write_bytes(b"{}")
    assert unpacked_directory(first, settings) is None
    assert ensure_directory(first, settings) == folder
    hub_cache.verify(first, settings)


@pytest.mark.parametrize("subfolder", ["../../../outside", "..", ".", "/etc", "a/../../../../b"])
def test_a_hub_s_names_cannot_lead_outside(settings, first, subfolder):
    strange = first.model_copy(update={"subfolder": subfolder})
    folder = hub_cache.snapshot_folder(strange, settings)
    root = settings.cache / "hub" / "whole"
    assert root in Path(os.path.normpath(folder)).parents
    assert len(folder.relative_to(root).parts) == 4
