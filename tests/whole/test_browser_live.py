"""Live editing in a real browser: what an edit changed comes in beside the table, and never disturbs who types."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from e2lm_core.base.settings import Settings
from e2lm_core.runs import checkpoint_order as run_order
from e2lm_core.runs import worker
from e2lm_core.runs.studio import open_studio
from e2lm_core.sets import authoring, collection
from scripts.screenshots import settle
from tests.conftest import ROOT, needs
from tests.support import studios
from tests.support.browser import EDITED, SET, cell, strip, type_into_question

pytestmark = pytest.mark.slow
RUN_MS = 300_000
TYPED = "Which part of a flower makes the pollen that bees carry away?"


@pytest.fixture
def computed(tmp_path: Path) -> Settings:
    """The home that the server uses, with a set that was run on three checkpoints of every model."""
    settings = Settings(home=tmp_path / "home", ladder=needs("ladder"), tasks=ROOT / "tasks", threads=1)
    studio = open_studio(settings)
    collection.copy_set(settings, "ladder_science", SET)
    surplus = collection.open_set(settings, SET).questions[40:]
    authoring.delete_questions(settings, SET, [q.id for q in surplus])
    studios.start_run(studio, SET, run_order.thin_out(studio.local_checkpoints, "ends and middle"))
    worker.run_worker(studio, once=True)
    studio.store.database.close()
    return settings


def lines(page: Page, picture: int) -> dict[str, int]:
    """Points of each line of a picture."""
    page.wait_for_selector(".studio-picture polyline")
    return dict(
        page.evaluate(
            """n => Array.from(document.querySelectorAll(".studio-picture")[n].querySelectorAll("polyline"))
                .map(l => [l.dataset.name + (l.getAttribute("opacity") < 0.3 && l.hasAttribute("opacity") ? " before" : ""), l.points.length])""",
            picture,
        )
    )


def test_an_edit_says_what_it_changed_and_typing_on_loses_nothing(computed, page, url):
    identity = collection.open_set(computed, SET).questions[0].id
    page.goto(f"{url}/questions?set={SET}")
    settle(page)
    type_into_question(page, 0, EDITED)
    # The next cell is open and typed into while the results of the first come in.
    cell(page, 4).click()
    field = page.locator(".qt-list textarea")
    page.keyboard.press("Control+A")
    said = page.get_by_text(re.compile(rf"^{re.escape(identity)}: margin −?\d+\.\d\d → −?\d+\.\d\d nats"))
    for number, letter in enumerate(TYPED):
        page.keyboard.type(letter)
        page.wait_for_timeout(60)
        if number == len(TYPED) // 2:  # half of it before the results are there, half of it after
            expect(said).to_be_visible(timeout=RUN_MS)
            expect(strip(page)).to_contain_text("up to date", timeout=RUN_MS)
    expect(field).to_have_value(TYPED)
    assert lines(page, 0) == {"before": 3, "now": 3}
    assert lines(page, 1)["large-arch1"] == lines(page, 1)["large-arch1 before"] == 3
    page.keyboard.press("Enter")
    expect(cell(page, 4)).to_have_text(TYPED)
    fourth = collection.open_set(computed, SET).questions[4].id
    said = page.get_by_text(re.compile(rf"^{re.escape(fourth)}: margin"))
    expect(said).to_be_visible(timeout=RUN_MS)
    questions = collection.open_set(computed, SET).questions
    assert (questions[0].question, questions[4].question) == (EDITED, TYPED)
