"""A fleet through a disk that holds two of its checkpoints: order, room, what stays, a hub that is away, stops."""

from __future__ import annotations

import threading
import time

import pytest

from e2lm_core.base.errors import Cancelled, TaskError
from e2lm_core.checkpoints.hub import added_models as hub
from e2lm_core.checkpoints.hub import cache, retries, rolling, rolling_leases
from e2lm_core.checkpoints.hub.download import download
from e2lm_core.checkpoints.hub.rolling import RollingRun
from tests.support import hub_fixtures
from tests.support.hub_fixtures import DENSE, MODEL, fake, settings
from tests.support.workers import until

__all__ = ["fake", "settings"]  # fixtures


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Nobody waits for a turn to download here, and the client does not ask again by itself."""
    monkeypatch.setattr(retries, "_PAUSES_S", ())
    monkeypatch.setattr(rolling, "GIVE_WAY_S", 0.0)
    monkeypatch.setattr(rolling, "FIRST_WAIT_S", 0.02)
    monkeypatch.setattr(rolling, "_LOOK_S", 0.01)


@pytest.fixture
def fleet(fake, settings):
    """Six checkpoints, and settings that hold two of them."""
    return hub_fixtures.fleet(fake, settings, count=6)


class Used:
    """What was used, in order, and how many at once."""

    def __init__(self, settings) -> None:
        self.settings = settings
        self.names: list[str] = []
        self.most = self._now = 0
        self._lock = threading.Lock()

    def __call__(self, checkpoint) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
            self.names.append(checkpoint.name)
        assert cache.find_snapshot(checkpoint, self.settings)
        time.sleep(0.01)
        assert cache.find_snapshot(checkpoint, self.settings)
        with self._lock:
            self._now -= 1


def test_all_pass_through_a_disk_that_holds_two_in_their_order(fleet):
    checkpoints, tight = fleet
    used = Used(tight)
    with hub_fixtures.Sampled(tight) as sampled:
        rolled = RollingRun(tight, "run-1", used).roll(checkpoints)
    places = [[c.name for c in checkpoints].index(name) for name in used.names]
    assert sorted(places) == list(range(6))
    # Two lines take them in turn, so none is used before more than one that stands in front of it.
    assert all(place <= turn + 1 for turn, place in enumerate(places))
    assert used.most == 1
    assert (rolled.fetched, rolled.missing, rolled.sentence) == (6, {}, None)
    assert rolled.fetched_bytes == 6 * hub_fixtures.bytes_of(checkpoints[0])
    assert sampled.looks
    assert 0 < sampled.most_bytes <= tight.hub_quota_bytes
    assert sampled.most_whole <= 2
    assert cache.cache_usage(tight).used_bytes == 0
    assert not list((tight.cache / "hub" / "borrowed").iterdir())


def test_two_are_used_at_once_where_that_is_faster(fleet):
    checkpoints, tight = fleet
    pairs = threading.Barrier(2, timeout=10)  # which nobody passes alone
    rolled = RollingRun(tight, "run-1", lambda _: pairs.wait() and None, at_once=lambda: 2).roll(checkpoints)
    assert rolled.fetched == 6


def test_a_disk_for_one_holds_one_at_a_time(fleet):
    checkpoints, tight = fleet
    one = tight.model_copy(update={"hub_quota_bytes": tight.hub_quota_bytes // 2})
    with hub_fixtures.Sampled(one) as sampled:
        rolled = RollingRun(one, "run-1", Used(one)).roll(checkpoints)
    assert rolled.fetched == 6
    assert sampled.most_bytes <= one.hub_quota_bytes


def test_a_disk_for_none_says_what_is_missing(fleet):
    checkpoints, tight = fleet
    none = tight.model_copy(update={"hub_quota_bytes": 1_000})
    used = Used(none)
    rolled = RollingRun(none, "run-1", used).roll(checkpoints)
    assert used.names == []
    assert list(rolled.missing) == [c.name for c in checkpoints]
    assert "6 checkpoints are missing" in rolled.sentence
    assert "raise E2LM_HUB_QUOTA_GB" in rolled.sentence
    assert cache.cache_usage(none).used_bytes == 0


def test_what_was_here_before_is_used_and_stays_and_so_does_what_is_pinned(fleet):
    checkpoints, tight = fleet
    roomy = tight.model_copy(update={"hub_quota_bytes": 2 * tight.hub_quota_bytes})
    download(checkpoints[1], roomy)
    hub.pin(roomy, [checkpoints[3]])
    rolled = RollingRun(roomy, "run-1", Used(roomy)).roll(checkpoints)
    assert rolled.fetched == 5
    here = [c for c in checkpoints if cache.find_snapshot(c, roomy)]
    assert here == [checkpoints[1], checkpoints[3]]
    assert not any(rolling_leases.is_leased(c, roomy) for c in checkpoints)


def test_a_hub_that_is_away_is_waited_for_while_what_is_here_is_used(fleet, fake):
    checkpoints, tight = fleet
    download(checkpoints[5], tight)
    fake.instead("/api/models/", status=503, times=4)
    said: list[tuple[str, str | None]] = []
    used = Used(tight)
    told = RollingRun(tight, "run-1", used, told=lambda name, sentence: said.append((name, sentence)))
    rolled = told.roll(checkpoints)
    assert used.names[0] == checkpoints[5].name  # nothing else could be used
    assert sorted(used.names) == [c.name for c in checkpoints]
    assert rolled.missing == {}
    sentences = [sentence for _, sentence in said if sentence]
    assert len(sentences) == 4
    assert all("503" in one and "The next attempt is in" in one for one in sentences)
    assert {name for name, sentence in said if sentence} == {name for name, sentence in said if not sentence}


def test_a_hub_that_stays_away_ends_it_with_what_is_missing(fleet, fake, monkeypatch):
    checkpoints, tight = fleet
    monkeypatch.setattr(rolling, "PATIENCE_S", 0.1)
    fake.instead("/api/models/", status=502)
    rolled = RollingRun(tight, "run-1", Used(tight)).roll(checkpoints)
    assert len(rolled.missing) == 6
    assert "502" in rolled.sentence
    assert not list((tight.cache / "hub" / "borrowed").iterdir())


def test_one_that_the_hub_gives_wrongly_goes_last_and_is_missing_then(fleet, fake):
    checkpoints, tight = fleet
    fake.instead(f"/storage/{hub_fixtures.weights_digest(1)}", flip=True)
    used = Used(tight)
    rolled = RollingRun(tight, "run-1", used).roll(checkpoints)
    assert sorted(used.names) == sorted(c.name for c in checkpoints[1:])
    assert list(rolled.missing) == [checkpoints[0].name]
    assert "1 checkpoint is missing" in rolled.sentence
    assert "is not what the hub lists" in rolled.sentence
    assert cache.cache_usage(tight).used_bytes == 0


def test_one_that_the_hub_gives_wrongly_twice_is_tried_a_third_time(fleet, fake):
    checkpoints, tight = fleet
    fake.instead(f"/storage/{hub_fixtures.weights_digest(1)}", flip=True, times=2)
    used = Used(tight)
    rolled = RollingRun(tight, "run-1", used).roll(checkpoints)
    assert rolled.missing == {}
    assert used.names[-1] == checkpoints[0].name  # others went first


def test_offline_nothing_is_waited_for(fleet, monkeypatch):
    from huggingface_hub import constants

    checkpoints, tight = fleet
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    rolled = RollingRun(tight, "run-1", Used(tight)).roll(checkpoints)
    assert len(rolled.missing) == 6
    assert "HF_HUB_OFFLINE is set" in rolled.sentence


def test_a_stop_keeps_what_is_here_for_the_same_run_and_an_error_comes_through(fleet):
    checkpoints, tight = fleet
    used: list[str] = []
    stop = threading.Event()

    def use(checkpoint) -> None:
        used.append(checkpoint.name)
        if len(used) == 2:
            until(
                lambda: any(cache.find_snapshot(c, tight) for c in checkpoints if c.name not in used),
                seconds=10,
            )
            stop.set()

    with pytest.raises(Cancelled):
        RollingRun(tight, "run-1", use, stopped=stop.is_set).roll(checkpoints)
    assert len(used) == 2
    [waits] = [c.name for c in checkpoints if rolling_leases.is_leased(c, tight)]
    assert waits not in used
    again = Used(tight)
    RollingRun(tight, "run-1", again).roll(checkpoints[::-1])
    assert again.names[0] == waits  # it takes room already
    assert len(again.names) == 6

    def fails(checkpoint) -> None:
        raise ValueError(checkpoint.name)

    with pytest.raises(ValueError, match=MODEL):  # whichever of the first two came first
        RollingRun(tight, "run-1", fails).roll(checkpoints)


def test_visitors_fetch_nothing(fleet):
    checkpoints, tight = fleet
    visitor = tight.model_copy(update={"readonly": True})
    with pytest.raises(TaskError, match="Guests do not fetch checkpoints"):
        RollingRun(visitor, "run-1", Used(visitor)).roll(checkpoints)
    assert cache.cache_usage(tight).used_bytes == 0
    assert DENSE in checkpoints[0].repo
