"""What a run has fetched for itself: marked, held while it is used, let go, cleared up after a kill."""

from __future__ import annotations

import pytest

from e2lm_core.base.errors import CheckpointError
from e2lm_core.checkpoints.hub import added_models as hub
from e2lm_core.checkpoints.hub import cache, rolling_leases
from e2lm_core.checkpoints.hub.download import download
from tests.support.hub_fixtures import fake, first, sentence, settings

__all__ = ["fake", "first", "settings"]  # fixtures


@pytest.fixture
def fetched(settings, first):
    """The first checkpoint, fetched by the run `run-1` for itself."""
    rolling_leases.mark_leased(first, "run-1", settings)
    download(first, settings)
    return first


def test_it_is_let_go_once_nobody_uses_it(settings, fetched):
    with rolling_leases.hold(fetched, settings):
        with rolling_leases.hold(fetched, settings):
            assert rolling_leases.evict_if_unused(fetched, settings, pinned=False) == 0
        assert rolling_leases.evict_if_unused(fetched, settings, pinned=False) == 0
        assert cache.find_snapshot(fetched, settings)
    assert rolling_leases.evict_if_unused(fetched, settings, pinned=False) > 0
    assert cache.find_snapshot(fetched, settings) is None
    assert not rolling_leases.is_leased(fetched, settings)
    assert cache.cache_usage(settings).used_bytes == 0


def test_what_no_run_has_fetched_or_is_pinned_or_was_asked_for_stays(settings, first):
    download(first, settings)
    assert rolling_leases.evict_if_unused(first, settings, pinned=False) == 0
    rolling_leases.mark_leased(first, "run-1", settings)
    assert rolling_leases.evict_if_unused(first, settings, pinned=True) == 0
    assert not rolling_leases.is_leased(first, settings)
    rolling_leases.mark_leased(first, "run-1", settings)
    rolling_leases.release_to_cache(first, settings)
    assert rolling_leases.evict_if_unused(first, settings, pinned=False) == 0
    assert cache.find_snapshot(first, settings)


def test_what_a_dead_run_left_is_cleared_up(settings, fetched):
    def dead(run: str) -> bool:
        return run != "run-1"

    assert rolling_leases.evict_abandoned(settings, lambda run: run == "run-1") == 0
    assert rolling_leases.evict_abandoned(settings, dead, keep_names={fetched.name}) == 0
    with rolling_leases.hold(fetched, settings):
        assert rolling_leases.evict_abandoned(settings, dead) == 0
    left = settings.cache / "hub" / "gone" / "a kill left this"
    left.mkdir(parents=True)
    (left / "model.safetensors").write_bytes(b"0" * 1_000)
    assert cache.cache_usage(settings).used_bytes > 1_000
    assert rolling_leases.evict_abandoned(settings, dead) > 0
    assert cache.cache_usage(settings).used_bytes == 0
    assert not list((settings.cache / "hub" / "borrowed").iterdir())


def test_a_mark_that_was_cut_short_is_of_nothing(settings, first):
    rolling_leases.mark_leased(first, "run-1", settings)
    (path,) = (settings.cache / "hub" / "borrowed").iterdir()
    path.write_text("{")
    rolling_leases.mark_leased(first, "run-1", settings)
    assert rolling_leases.evict_abandoned(settings, lambda run: True) == 0
    assert path.exists()
    path.write_text("{")
    assert rolling_leases.evict_abandoned(settings, lambda run: True) == 0
    assert not path.exists()


def test_what_another_downloads_just_now_is_theirs(settings, fetched):
    with cache.checkpoint_lock(fetched, settings):
        assert rolling_leases.evict_if_unused(fetched, settings, pinned=False) == 0
    assert cache.find_snapshot(fetched, settings)


def test_what_is_pinned_is_evicted_by_nobody(settings, fetched):
    assert hub.pin(settings, [fetched]) == 1
    assert hub.pin(settings, [fetched]) == 0
    assert hub.pinned(settings) == {fetched.name}
    with pytest.raises(CheckpointError) as refused:
        hub.evict_checkpoints(settings, [fetched])
    assert f"{fetched.name} is pinned" in sentence(refused)
    assert rolling_leases.evict_abandoned(settings, lambda run: False, hub.pinned(settings)) == 0
    assert cache.find_snapshot(fetched, settings)
    assert hub.pin(settings, [fetched], pinned=False) == 1
    assert hub.evict_checkpoints(settings, [fetched]) > 0
