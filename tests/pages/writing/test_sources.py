"""Import from elsewhere: a data set of the hub and a Google Sheet go to the preview, then into the set."""

from __future__ import annotations

from dataclasses import replace

import pytest

from e2lm_core.runs.studio import Studio
from e2lm_core.sets import collection, google_sheets
from e2lm_core.ui import session
from e2lm_core.ui.base import local_request
from tests.checkpoints.hub.test_dataset_split import REPO, table
from tests.pages.writing.test_files import own
from tests.sets.test_google_sheets import CSV, EXPORT, SHEET, TABLE, StandIn, google
from tests.support.fake_hub import FakeHub
from tests.support.hub_fixtures import fake
from tests.support.visits import OWN, Visit

__all__ = ["fake", "google", "own"]  # fixtures


def test_a_data_set_goes_to_the_preview(own: Visit, fake: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    asking = session._asking

    def with_hub() -> Studio:
        studio = asking()
        settings = studio.settings.model_copy(update={"hub_endpoint": fake.endpoint})
        return replace(studio, settings=settings)

    monkeypatch.setattr(session, "_asking", with_hub)
    fake.repo(f"datasets/{REPO}").commit("main", {"ARC-Easy/test-00000-of-00001.parquet": table(0, 4)})
    own.at.text_input(key="source_repo").set_value("allenai/nothing").run()
    own.click("Fetch the data set")
    assert "allenai/nothing" in own.said
    own.at.text_input(key="source_repo").set_value(REPO).run()
    own.click("Fetch the data set")
    assert "From ai2_arc ARC-Easy test.parquet" in own.said
    own.click("Add 4 questions")
    questions = collection.open_set(own.studio.settings, OWN).questions
    assert questions[-1].source.startswith(f"{REPO}@")
    assert "From ai2_arc" not in own.said


def test_a_sheet_goes_to_the_preview(own: Visit, google: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    google.answers[EXPORT] = (200, TABLE, CSV)
    fetch = google_sheets.fetch_sheet
    monkeypatch.setattr(local_request, "is_local_request", lambda: True)
    monkeypatch.setattr(
        google_sheets, "fetch_sheet", lambda settings, address: fetch(settings, address, google.transport)
    )
    own.at.run()
    own.at.text_input(key="source_sheet").set_value("https://evil.example/x").run()
    own.click("Fetch the sheet")
    assert "is no address of a Google Sheet" in own.said
    assert not google.asked
    own.at.text_input(key="source_sheet").set_value(SHEET).run()
    own.click("Fetch the sheet")
    own.click("Add 1 question")
    assert collection.open_set(own.studio.settings, OWN).questions[-1].question == "Was ist Eisen?"


def test_a_sheet_is_not_offered_to_another_machine(own: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_request, "is_local_request", lambda: False)
    own.at.run()
    assert "source_sheet" not in [field.key for field in own.at.text_input]
