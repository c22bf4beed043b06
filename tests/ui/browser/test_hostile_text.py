"""Text of others on every page of a real browser: nothing is fetched, linked or run, and the policy is kept."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from e2lm_core.base.records import Question, TaskConfig, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.imported import keeping, opening
from e2lm_core.runs import worker
from e2lm_core.runs.studio import open_studio
from e2lm_core.sets import collection
from e2lm_core.sets.folder.files import write_task
from scripts.screenshots import FLAGS, server, settle
from tests.conftest import ROOT, needs
from tests.support import studios
from tests.ui.browser import beacon

pytestmark = pytest.mark.slow
SET = "hostile"
PAGES = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))


@pytest.fixture(scope="module")
def heard() -> Iterator[tuple[str, list[str]]]:
    with beacon.listening() as listening:
        yield listening


def questions(address: str) -> tuple[Question, ...]:
    """One after the other has a hostile text in one field, and the last in all."""

    def bad(field: str) -> str:
        return beacon.hostile(address, field)

    plain = studios.task(8).questions
    changed = [
        {"id": bad("id")[:900]},
        {"question": bad("question")},
        {"choices": tuple(f"{k} {bad('choice')}" for k in range(4))},
        {"subject": bad("subject"), "source": bad("source")},
        {"note": bad("note"), "group": bad("group"), "license": bad("license")},
        {"question": bad("question"), "choices": ("a", "b", bad("double"))},
        {},
        {"question": bad("all"), "choices": (bad("a"), bad("b")), "subject": bad("c"), "answer": 1},
    ]
    return tuple(q.model_copy(update=c) for q, c in zip(plain, changed, strict=True))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, heard: tuple[str, list[str]]) -> Settings:
    """A set whose every field is hostile, run on tiny models, and results of elsewhere that are."""
    folder = tmp_path_factory.mktemp("hostile")
    models = ("ladder-small-arch1", "ladder-large-arch1", "ladder-small-arch1-web")
    settings = studios.settings(folder, studios.real_ladder(folder / "ladder", studios.STEPS[:8], models))
    address = heard[0]
    asked = questions(address)
    task = TaskSet(
        config=TaskConfig(task=SET, description=beacon.hostile(address, "description")),
        questions=asked,
        dev=(),
    )
    write_task(task, settings.sets / SET, settings.limits)
    studio = open_studio(settings)
    studios.start_run(studio, SET, studio.at_hand)
    worker.work(studio, once=True)
    studio.store.database.close()
    rows = [
        {
            "model": beacon.hostile(address, f"model{m}")[:300],
            "task": beacon.hostile(address, "task")[:300],
            "metric": "acc",
            "step": step,
            "score": (step + m) / 900,
        }
        for m in (1, 2)
        for step in range(100, 900, 100)
    ]
    data = "\n".join(json.dumps(row) for row in rows).encode()
    keeping.keep(settings, "elsewhere", opening.import_uploads({"scores.jsonl": data}, settings.limits))
    return settings


@pytest.fixture(scope="module")
def url(home: Settings) -> Iterator[str]:
    with server(os.environ | studios.environment(home)) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(needs("chromium")), args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser, heard: tuple[str, list[str]]) -> Iterator[Page]:
    """A page that must not speak to the beacon, nor break the policy, nor throw."""
    faults: list[str] = []
    context = browser.new_context(accept_downloads=True)
    opened = context.new_page()
    opened.set_default_timeout(60_000)

    def note(text: str) -> None:
        if "Content Security Policy" in text or "Refused" in text:
            faults.append(text)

    opened.on("console", lambda message: note(message.text))
    opened.on("pageerror", lambda error: faults.append(f"throws {error}"))
    opened.on("dialog", lambda dialog: faults.append(f"runs {dialog.message}"))
    opened.on(
        "request", lambda request: faults.append(request.url) if request.url.startswith(heard[0]) else None
    )
    yield opened
    context.close()
    assert not faults
    assert not heard[1]


def unfold(page: Page) -> None:
    """Open what is folded and walk over the tabs, where words may hide."""
    closed = page.locator("details:not([open]) > summary")
    for _ in range(closed.count()):
        if closed.count():
            closed.first.click()
    for tab in page.get_by_role("tab").all():
        tab.click()
        page.wait_for_timeout(150)
    page.wait_for_timeout(300)


def drawn_by_others(page: Page, address: str) -> list[str]:
    """Elements of the page, its shadows included, that lead to the beacon, to another host or to a script."""
    return page.evaluate(
        """address => [...document.querySelectorAll("a,img,iframe,image,use,object,embed,[style]")].map(e =>
            e.getAttribute("href") || e.getAttribute("xlink:href") || e.getAttribute("src") || e.getAttribute("style") || ""
        ).filter(a => a.includes(address) || /evil|javascript:|mailto:/.test(a))""",
        address,
    )


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fetches_links_and_runs_nothing_of_others(page: Page, url: str, heard, name: str) -> None:
    page.goto(f"{url}/{'' if name == 'overview' else name}?set={SET}")
    settle(page)
    if name == "results":
        page.get_by_test_id("stBaseButton-secondary").filter(has_text="Open").click()
        settle(page)
    unfold(page)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    assert not drawn_by_others(page, heard[0])
    if name == "author":
        page.get_by_role("radio", name=re.compile("Card")).click()
        settle(page)
        unfold(page)
        assert not drawn_by_others(page, heard[0])


def test_a_report_fetches_links_and_runs_nothing_of_others(
    page: Page, home: Settings, heard, tmp_path: Path
) -> None:
    from e2lm_core.export import html, report

    studio = open_studio(home)
    file = tmp_path / "report.html"
    file.write_text(
        html.render(report.build(studio, collection.open_set(home, SET), studio.at_hand)), encoding="utf-8"
    )
    studio.store.database.close()
    page.goto(file.as_uri())
    page.wait_for_timeout(1_500)
    assert not drawn_by_others(page, heard[0])
