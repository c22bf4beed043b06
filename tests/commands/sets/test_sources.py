"""`import --from-hub` and of a Google Sheet's address."""

from __future__ import annotations

import pytest

from e2lm_core.base.settings import Settings
from e2lm_core.sets import collection, google_sheets
from tests.checkpoints.hub.test_dataset_split import REPO, table
from tests.commands.conftest import Cli
from tests.sets.test_google_sheets import CSV, EXPORT, SHEET, TABLE, StandIn, google
from tests.support.fake_hub import FakeHub
from tests.support.hub_fixtures import fake

__all__ = ["fake", "google"]  # fixtures


def test_a_data_set_of_the_hub_becomes_a_set(
    call: Cli, here: Settings, fake: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("E2LM_HUB_ENDPOINT", fake.endpoint)
    commit = fake.repo(f"datasets/{REPO}").commit(
        "main", {f"{name}/test-00000-of-00001.parquet": table(0, 4) for name in ("ARC-Easy", "ARC-Challenge")}
    )
    assert "several subsets" in call("import", REPO, "--from-hub", code=2)
    document = call(
        "import",
        REPO,
        "--from-hub",
        "--subset",
        "ARC-Easy",
        "--split",
        "test",
        "--revision",
        "main",
        "--json",
    )
    assert (document["name"], document["questions"]) == ("ai2_arc", 4)
    assert {q.source for q in collection.open_set(here, "ai2_arc").questions} == {
        f"{REPO}@{commit[:12]} ARC-Easy/test"
    }


def test_a_sheet_becomes_a_set(
    call: Cli, here: Settings, google: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    google.answers[EXPORT] = (200, TABLE, CSV)
    fetch = google_sheets.fetch_sheet
    monkeypatch.setattr(
        google_sheets, "fetch_sheet", lambda settings, address: fetch(settings, address, google.transport)
    )
    assert call("import", SHEET, "--name", "sheet") == "Imported sheet: 1 question.\n"
    assert collection.open_set(here, "sheet").questions[0].question == "Was ist Eisen?"
    assert "is no address of a Google Sheet" in call("import", "https://e.example/x", code=2)
