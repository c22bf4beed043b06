"""A German and an English browser at one server: each has the place's name, tab titles and texts in its own language."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from e2lm_core.ui.base import urls
from scripts.screenshots import server, settle
from tests.conftest import needs

pytestmark = pytest.mark.slow
SET = "ladder_science"
SAID = {
    "sets": {"en-US": "Try the example", "de-DE": "Das Beispiel ausprobieren"},
    "write": {"en-US": "Copy this set", "de-DE": "Fragensatz kopieren"},
    "overview": {"en-US": "What to do next", "de-DE": "Wie es weitergeht"},
}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home: Path = tmp_path_factory.mktemp("language") / "home"
    env = {"E2LM_HOME": str(home), "E2LM_LADDER": str(needs("ladder")), "E2LM_SHIPPED": "1"}
    with server(os.environ | env) as address:
        yield address


def test_each_browser_has_its_own_language(browser: Browser, url: str) -> None:
    pages = {locale: browser.new_context(locale=locale).new_page() for locale in ("de-DE", "en-US")}
    for view, said in SAID.items():
        for locale, page in (*pages.items(), *pages.items()):
            page.goto(f"{url}/{urls.address(view, SET)}", timeout=60_000)
            settle(page)
            expect(page.get_by_text(said[locale]).first).to_be_visible()
            (other,) = said.keys() - {locale}
            assert not page.get_by_text(said[other]).count()
    for page in pages.values():
        page.context.close()


def test_a_choice_outdoes_the_browser_outlives_a_reload_and_is_the_documents(
    browser: Browser, url: str
) -> None:
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    page.goto(f"{url}/{urls.address('overview', SET)}", timeout=60_000)
    settle(page)
    assert page.locator("html").get_attribute("lang") == "en"
    assert "e2lm_language" not in {one["name"] for one in context.cookies()}
    page.get_by_role("button", name="Language: English").click()
    page.get_by_role("button", name="Deutsch", exact=True).click()
    expect(page.get_by_text("Wie es weitergeht").first).to_be_visible()
    for _ in range(2):
        settle(page)
        assert page.locator("html").get_attribute("lang") == "de"
        page.reload()
        expect(page.get_by_text("Wie es weitergeht").first).to_be_visible()
    context.close()
