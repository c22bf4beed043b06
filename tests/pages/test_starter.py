"""The starter models as a visitor meets them: the door, the cost, the download, a run on them."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st

from e2lm_core.checkpoints.hub import cache
from e2lm_core.runs import start, starter, worker
from e2lm_core.ui import session
from e2lm_core.ui.places.models import hub_models
from tests.support import studios
from tests.support.fake_hub import FakeHub
from tests.support.hub_fixtures import fake, serve_starter
from tests.support.visits import Visit, app_in, touched
from tests.support.workers import until

__all__ = ["fake"]  # fixture
COUNT = len(starter.MODELS) * len(starter.STEPS)


@pytest.fixture(scope="module")
def ladder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return studios.real_ladder(tmp_path_factory.mktemp("ladder") / "ladder", steps=(100, 200))


@pytest.fixture
def visit(fake: FakeHub, tmp_path: Path, ladder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Visit]:
    serve_starter(fake)
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("E2LM_HUB_ENDPOINT", fake.endpoint)
    for opened in app_in(tmp_path, monkeypatch, ladder):
        opened.choose("little").open("checkpoints")
        yield opened


def press(visit: Visit, key: str) -> None:
    visit.at.button(key=key).click().run()
    assert not visit.at.exception


def is_disabled(visit: Visit, key: str) -> bool:
    return visit.at.button(key=key).disabled


def here() -> int:
    studio = session.studio()
    return sum(bool(cache.find_snapshot(c, studio.settings)) for c in starter.starter_checkpoints(studio))


def ended(visit: Visit) -> None:
    until(lambda: hub_models.fetch_manager().running is None)
    visit.at.run()
    assert not visit.at.exception


def test_the_door_leads_to_a_panel_that_asks_nobody(visit: Visit, fake: FakeHub) -> None:
    visit.open("write")
    doors = [one.proto.label for one in visit.at.get("page_link")]
    assert any("Add a larger model" in label for label in doors)
    visit.open("checkpoints")
    panel = next(one for one in visit.at.expander if "Starter" in one.label)
    assert panel.proto.expanded, "open where the built-in models were never taught"
    assert "at least 891 MB" in visit.said
    assert "They never give RC of architectures, CS or Score" in visit.said
    assert "starter_run" not in [one.key for one in visit.at.button]
    assert fake.seen == []
    press(visit, "starter_ask")
    assert "20 checkpoints of pythia-14m and pythia-31m, " in visit.said
    assert "at least" not in visit.said
    assert fake.fetched() == []


@pytest.mark.slow
def test_downloaded_stopped_killed_and_run(visit: Visit, fake: FakeHub) -> None:
    fake.instead(
        "/api/models/EleutherAI/pythia-14m/revision", status=429, headers={"Retry-After": "1"}, times=1
    )
    fake.bytes_a_second = 2e4
    press(visit, "starter_download")
    assert is_disabled(visit, "starter_download")
    progress = "\n".join(p.proto.text for p in visit.at.get("progress"))
    assert "Downloading pythia-14m and pythia-31m: 0 of 20 checkpoints" in progress
    press(visit, "library_stop")
    fake.bytes_a_second = None
    press(visit, "starter_download")
    fetch = hub_models.fetch_manager().running
    if fetch is not None:  # a fast machine may be done
        until(lambda: here() or not fetch.running)
        fetch._process.send_signal(signal.SIGKILL)
    ended(visit)
    if here() < COUNT:
        assert f"{here()} of 20 checkpoints" in visit.said
        press(visit, "starter_download")
        ended(visit)
    assert here() == COUNT
    assert max(fake.fetched().count(path) for path in fake.fetched()) <= 3
    assert "All 20 checkpoints of pythia-14m and pythia-31m are on this computer." in visit.said
    assert session.studio().catalogue.model("pythia-31m").size == "31m"
    visit.open("run")
    assert "built-in models" in visit.said, "no set has them until that is asked for"

    visit.open("checkpoints")
    press(visit, "starter_run")
    job = start.latest_job(session.studio(), "little")
    assert job is not None
    assert len(job.payload["checkpoints"]) == COUNT
    assert "Pythia starter" in visit.said
    worker.run_worker(session.studio(), once=True)
    visit.open("accuracy")
    assert "up to date · Pythia starter" in visit.said
    assert "never learned" not in visit.said
    assert len(touched(visit.at)) >= 1

    visit.open("checkpoints")
    visit.at.pills(key="starter_larger").set_value(["pythia-70m"]).run()
    assert "pythia-70m is downloaded one checkpoint at a time" in visit.said
    press(visit, "starter_roll")
    job = start.latest_job(session.studio(), "little")
    assert job is not None
    assert job.payload["rolling"] is True
    worker.run_worker(session.studio(), once=True)
    job = start.latest_job(session.studio(), "little")
    assert job is not None
    assert (job.state, job.error) == ("done", None)
    assert here() == COUNT
    visit.open("accuracy")
    assert "up to date · Pythia starter" in visit.said


def test_a_quota_that_is_too_small_is_one_sentence(
    visit: Visit, monkeypatch: pytest.MonkeyPatch, fake: FakeHub
) -> None:
    monkeypatch.setenv("E2LM_HUB_QUOTA_GB", "0.00001")
    st.cache_resource.clear()
    visit.open("checkpoints")
    press(visit, "starter_download")
    (error,) = (one.value for one in visit.at.error)
    assert error.startswith("The starter models need")
    assert hub_models.fetch_manager().running is None
    assert fake.fetched() == []
