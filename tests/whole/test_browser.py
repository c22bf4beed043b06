"""The main job in a real browser, against a real server with its worker process and real checkpoints."""

from __future__ import annotations

import io
import json
import re
import zipfile

import pytest
from playwright.sync_api import expect

from e2lm_core.base.settings import ROOT
from e2lm_core.ui.base import urls
from scripts.screenshots import settle
from tests.support.browser import EDITED, RUN_MS, SET, drawn, go, strip, type_into_question

pytestmark = pytest.mark.slow
MANIFEST = json.loads((ROOT / "ladder" / "manifest.json").read_text(encoding="utf-8"))
EMBEDDED = {model["name"].removeprefix("ladder-") for model in MANIFEST["models"]}
expect.set_options(timeout=60_000)  # a busy machine answers late


def test_a_link_to_a_page_is_the_first_thing_that_a_server_sees(page, url):
    page.goto(f"{url}/curves?set=ladder_general&tab=ranking")
    settle(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Curves")
    expect(page).to_have_title("Ranking · Curves · E2LM Task Studio")
    links = page.get_by_test_id("stSidebarNavLink")
    expect(links).to_have_count(len(urls.PLACES))
    expect(links).to_contain_text([place.title for place in urls.PLACES])  # beside their icons' names
    expect(strip(page).get_by_role("combobox")).to_have_value(re.compile("ladder_general"))


def test_a_link_to_a_tab_opens_it_and_back_leads_there_again(page, url):
    page.goto(f"{url}/models?set=ladder_general&tab=run")
    settle(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Models and runs")
    page.locator(".st-key-tabs").get_by_role("radio", name="Models").click()
    settle(page)
    expect(page).to_have_url(f"{url}/models?set=ladder_general&tab=checkpoints")
    expect(page).to_have_title("Models · Models and runs · E2LM Task Studio")
    page.go_back()
    settle(page)
    expect(page.locator(".st-key-tabs").get_by_role("radio", name="Run")).to_be_checked()
    expect(page).to_have_title("Run · Models and runs · E2LM Task Studio")


def test_every_place_and_tab_has_a_title_of_its_own(page, url):
    titles = []
    for view in urls.VIEWS:
        page.goto(f"{url}/{urls.address(view, 'ladder_science')}")
        expect(page).to_have_title(re.compile(" · E2LM Task Studio$"))
        titles.append(page.title())
    assert len(set(titles)) == len(urls.VIEWS)


def test_the_main_job(page, url):
    page.goto(f"{url}/?set=ladder_science")
    settle(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Sets")
    page.get_by_role("button", name="Try the example").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Result")
    expect(strip(page)).to_contain_text("never run")

    go(page, "Questions")
    page.get_by_role("button", name="Copy this set").click()
    name = page.get_by_label("Title of the copy")
    name.fill(SET)
    name.press("Enter")
    settle(page)
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page).to_have_url(f"{url}/questions?set={SET}&tab=write")
    settle(page)

    go(page, "Models and runs")
    page.get_by_text("With further seeds (12)").click()
    for model in sorted(name for name in EMBEDDED - {"small-arch1", "medium-arch1"} if "-seed" not in name):
        page.get_by_role("button", name=model, exact=True).click()
        settle(page)
    page.get_by_role("radio", name="ends and middle").click()
    settle(page)
    page.get_by_role("button", name="Run 2 models").click()
    expect(strip(page)).to_contain_text("up to date", timeout=RUN_MS)

    go(page, "Curves")
    page.get_by_role("radio", name="norm_prob").click()
    settle(page)
    before = drawn(page)
    assert {name: len(values) for name, values in before.items()} == {"small-arch1": 3, "medium-arch1": 3}

    go(page, "Questions")
    type_into_question(page, 0, EDITED)
    settle(page)
    go(page, "Curves")
    expect(strip(page)).to_contain_text("up to date", timeout=RUN_MS)
    page.get_by_role("radio", name="norm_prob").click()
    settle(page)
    after = drawn(page)
    assert after.keys() == before.keys()
    assert all(after[model] != before[model] for model in before)

    go(page, "Share")
    with page.expect_download() as download:
        page.get_by_role("button", name=f"Download {SET}.zip").click()
    data = download.value.path().read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as bundle:
        rows = [json.loads(line) for line in bundle.read(f"{SET}/test.jsonl").decode().splitlines()]
    assert rows[0]["question"] == EDITED

    visitor = page.context.new_page()  # a colleague who was sent the link
    visitor.goto(f"{url}/curves?set={SET}")
    settle(visitor)
    expect(strip(visitor)).to_contain_text("up to date")
    assert drawn(visitor).keys() == after.keys()
