"""Links in a real browser: they bring the same view, follow what is chosen, and the way back has one step for each place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from functools import partial

import pytest
from playwright.sync_api import Browser, Page, expect

from scripts.screenshots import note_error, server, settle
from tests.support import studios
from tests.support.browser import go, strip
from tests.support.visits import OWN

pytestmark = pytest.mark.slow
expect.set_options(timeout=60_000)


@pytest.fixture(scope="module")
def url(tmp_path_factory, ladder, finished) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("links")
    shutil.copytree(finished, folder, dirs_exist_ok=True)
    settings = studios.settings(folder, ladder)
    with server(os.environ | studios.environment(settings)) as address:
        yield address


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    faults: list[str] = []
    opened = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=url).new_page()
    opened.on("console", partial(note_error, faults))
    opened.on("pageerror", lambda error: faults.append(f"throws {error}"))
    opened.set_default_timeout(60_000)
    yield opened
    opened.context.close()
    assert not faults


def steps(page: Page) -> int:
    return page.evaluate("history.length")


def choose(page: Page, name: str) -> None:
    page.get_by_role("radio", name=name, exact=True).click()
    settle(page)


def test_a_metric_stands_in_every_link_and_one_step_back_is_one_place(page: Page, url: str) -> None:
    page.goto(f"/curves?set={OWN}&tab=accuracy&metric=bpb")
    settle(page)
    expect(page.get_by_role("radio", name="bpb")).to_be_checked()
    begun = steps(page)
    choose(page, "margin")
    choose(page, "norm_prob")
    expect(page).to_have_url(f"{url}/curves?set={OWN}&tab=accuracy&metric=norm_prob")
    assert steps(page) == begun
    choose(page, "Ranking")
    expect(page).to_have_url(f"{url}/curves?set={OWN}&tab=ranking&metric=norm_prob")
    expect(page.get_by_role("radio", name="norm_prob")).to_be_checked()
    assert steps(page) == begun + 1
    go(page, "Decide")
    expect(page).to_have_url(f"{url}/decide?set={OWN}&tab=ahead&metric=norm_prob")
    assert steps(page) == begun + 2, "one step, though the navigation leads to a bare address"
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Curves")
    expect(page.locator(".st-key-tabs").get_by_role("radio", name="Ranking")).to_be_checked()
    settle(page)
    page.go_back()
    expect(page.locator(".st-key-tabs").get_by_role("radio", name="Accuracy")).to_be_checked()
    settle(page)
    expect(page.get_by_role("radio", name="norm_prob")).to_be_checked()
    page.reload()
    settle(page)
    expect(page.get_by_role("radio", name="norm_prob")).to_be_checked()
    go(page, "Share")
    expect(page.get_by_text(f"{url}/curves?set={OWN}&tab=accuracy&metric=norm_prob")).to_be_visible()


def test_a_question_and_filters_are_opened_by_a_link(page: Page, url: str) -> None:
    page.goto(f"/curves?set={OWN}&tab=one_by_one&question=q3")
    settle(page)
    expect(page.get_by_text("q3 ·")).to_be_visible()
    go(page, "Questions")
    choose(page, "Card")
    expect(page).to_have_url(f"{url}/questions?set={OWN}&tab=write&view=Card&question=q3")
    page.goto(f"/questions?set={OWN}&tab=measured&find=nothing+is+like+this")
    settle(page)
    expect(page.get_by_label("Find")).to_have_value("nothing is like this")
    page.get_by_label("Find").fill("twice")
    page.keyboard.press("Enter")
    settle(page)
    expect(page).to_have_url(f"{url}/questions?set={OWN}&tab=measured&find=twice")
    choose(page, "Choosing")
    choose(page, "Measured")
    expect(page.get_by_label("Find")).to_have_value("twice")


def test_the_way_back_leads_to_the_set_before(page: Page, url: str) -> None:
    page.goto(f"/result?set={OWN}&tab=overview")
    settle(page)
    strip(page).get_by_role("combobox").click()
    page.get_by_role("option", name="little").click()
    settle(page)
    expect(page).to_have_url(f"{url}/result?set=little&tab=overview")
    page.go_back()
    expect(strip(page).get_by_role("combobox")).to_have_value(OWN)
    settle(page)
    expect(page).to_have_url(f"{url}/result?set={OWN}&tab=overview")


def test_the_first_address_of_a_visit_is_no_step_of_its_own(page: Page, url: str) -> None:
    page.goto("/")
    settle(page)
    expect(page).to_have_url(f"{url}/?set={OWN}")
    assert steps(page) == 2  # the empty page of a new tab, and this one
