"""From a set that the mini models cannot know to its first curve, by a person who reads the buttons."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from e2lm_core.base.records import TaskConfig, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.runs import starter
from e2lm_core.sets import collection
from scripts.screenshots import note_error, server, settle
from tests.conftest import needs
from tests.support import studios, tiny_models
from tests.support.browser import RUN_MS, drawn, strip
from tests.support.fake_hub import FakeHub
from tests.support.hub_fixtures import fake, serve_starter

__all__ = ["fake"]  # fixture
pytestmark = pytest.mark.slow
expect.set_options(timeout=60_000)
SET = "physics_10"
MAX_CLICKS = 6


@pytest.fixture
def home(tmp_path: Path, fake: FakeHub) -> Settings:
    """A home with a set of which the mini models know nothing, before a hub of tiny models."""
    folder, files = tmp_path / "pythias", {}
    for number, model in enumerate(starter.MODELS):
        for step in starter.STEPS:
            place = tiny_models.make(folder / model / str(step), "neox", seed=10**6 * number + step)
            files[model, step] = {path.name: path.read_bytes() for path in place.iterdir()}
    serve_starter(fake, starter.MODELS, files=lambda model, step: files[model, step])
    settings = Settings(home=tmp_path / "home")
    questions = tuple(studios.question(n) for n in range(12))
    collection.import_set(settings, TaskSet(config=TaskConfig(task=SET), questions=questions), SET)
    return settings


@pytest.fixture
def page(browser: Browser, home: Settings, fake: FakeHub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    env = os.environ | {
        "E2LM_HOME": str(home.home),
        "E2LM_LADDER": str(needs("ladder")),
        "E2LM_HUB_ENDPOINT": fake.endpoint,
    }
    faults: list[str] = []
    with server(env) as url:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        opened = context.new_page()
        opened.on("console", partial(note_error, faults))
        opened.on("pageerror", lambda error: faults.append(f"throws {error}"))
        opened.set_default_timeout(60_000)
        opened.goto(url)
        settle(opened)
        yield opened
        context.close()
    assert not faults


def test_from_not_known_to_a_first_curve_in_six_clicks(page: Page, fake: FakeHub) -> None:
    clicks: list[str] = []

    def click(where: Locator | Page, name: str, role: str = "button") -> None:
        where.get_by_role(role, name=name).first.click()  # type: ignore[arg-type]
        clicks.append(name)
        settle(page)

    card = page.locator(f".st-key-card_{SET}")
    click(card, "Open")
    expect(page.get_by_role("heading", level=1)).to_have_text("Result")
    expect(page.get_by_text("mini models know 0 of 12 questions")).to_be_visible()
    expect(page.get_by_test_id("stMain").get_by_text("never learned these facts")).to_be_visible()
    assert page.locator("button[kind=primary]").all_inner_texts()[0].endswith("Add a larger model")
    assert not fake.fetched()

    click(page.get_by_test_id("stMain"), "Add a larger model")
    expect(page.get_by_text("They never give RC of architectures, CS or Score")).to_be_visible()
    click(page, "Download 20 starter checkpoints")
    click(page, "Run this set on them")
    click(page.get_by_test_id("stSidebarNav"), "Curves", "link")
    expect(strip(page)).to_contain_text("up to date", timeout=RUN_MS)
    expect(strip(page)).to_contain_text(starter.NAME)
    expect(page.get_by_text(re.compile("known to the built-in"))).to_have_count(0)
    settle(page)
    assert set(drawn(page)) == {name.removeprefix("pythia-") for name in starter.MODELS}
    assert all(None not in values for values in drawn(page).values())
    assert len(clicks) <= MAX_CLICKS, clicks


def test_a_known_fact_becomes_a_question_that_is_said_to_be_known(page: Page) -> None:
    page.locator(f".st-key-card_{SET}").get_by_role("button", name="Open").click()
    page.get_by_role("link", name="See what they know").first.click()
    find = page.get_by_label("Find a fact")
    find.fill("lion eat")
    find.press("Enter")
    expect(page.get_by_text("1 to 1 of 1 fact")).to_be_visible()
    page.get_by_role("button", name="Write about this").click()
    new = page.get_by_role("form", name="A new question")
    expect(new.get_by_label("The new question's text")).to_have_value("What does the lion eat?")
    expect(new.get_by_role("status")).to_contain_text("Known to the mini models.")
    new.get_by_label("The new question's text").fill("What do unicorns eat?")
    expect(new.get_by_role("status")).to_contain_text("Not known to the mini models. Nearest known fact: ")
    new.get_by_label("The new question's text").fill("What do lions like to eat?")
    expect(new.get_by_role("status")).to_contain_text("Known to the mini models.")
    new.get_by_role("button", name="Add the question").click()
    expect(page.get_by_text("mini models know 1 of 13 questions")).to_be_visible()
