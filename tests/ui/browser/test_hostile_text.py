"""Text of others on every page of a real browser: nothing is fetched, linked or run, and the policy is kept."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

import openpyxl
import pytest
from playwright.sync_api import Browser, Page, expect

from e2lm_core.base.records import Question, TaskConfig, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.imported import read_results, saved_imports
from e2lm_core.runs import worker
from e2lm_core.runs.fleets import OpenFleet
from e2lm_core.runs.studio import open_studio
from e2lm_core.sets import collection
from e2lm_core.sets.folder.files import write_task
from e2lm_core.ui.base import urls
from scripts.screenshots import server, settle
from tests.support import pictures, studios
from tests.support.assist_server import MODEL, AssistServer, completion, proposals, serving
from tests.support.browser import touch
from tests.support.short import shorten
from tests.ui.browser import beacon

pytestmark = pytest.mark.slow
SET, EXAMPLE = "hostile", "hostile_example"
VIEWS = urls.VIEWS
# Those that show the texts of a set or of results; the others show numbers and the names of models.
IN_CI = ("sets", "write", "problems", "overview", "accuracy", "subjects", "one_by_one", "share", "results")


@pytest.fixture(scope="module")
def heard() -> Iterator[tuple[str, list[str]]]:
    with beacon.listening() as listening:
        yield listening


def questions(address: str) -> tuple[Question, ...]:
    """Each has a piece of its own as id, question and choice, and all of them in what models do not read."""
    made = []
    for number, piece in enumerate(beacon.pieces(address, "q")):
        others = {
            name: beacon.hostile(address, name) for name in ("subject", "source", "note", "group", "license")
        }
        choices = tuple(f"{piece} {k}" for k in range(2))
        made.append(Question(id=f"{piece}{number}", question=piece, choices=choices, answer=0, **others))
    # Findings quote what is the same in two questions.
    return (*made, *(q.model_copy(update={"id": f"{q.id} again"}) for q in made))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, heard: tuple[str, list[str]]) -> Settings:
    """A set whose every field is hostile, run on tiny models, and results of elsewhere that are."""
    folder = tmp_path_factory.mktemp("hostile")
    models = ("ladder-small-arch1", "ladder-large-arch1", "ladder-small-arch1-web")
    settings = studios.settings(folder, studios.real_ladder(folder / "ladder", studios.STEPS[:8], models))
    address = heard[0]
    asked = questions(address)
    task = TaskSet(
        config=TaskConfig(task=SET),
        questions=asked,
        dev=(),
    )
    write_task(task, settings.sets / SET, settings.limits)
    studios.write_example(settings, task.model_copy(update={"config": TaskConfig(task=EXAMPLE)}))
    studio = open_studio(settings)
    run = studios.start_run(studio, SET, studio.local_checkpoints)
    worker.run_worker(studio, once=True)
    assert studio.jobs.get(run).state == "done"
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
    saved_imports.save_import(
        settings, "elsewhere", read_results.import_uploads({"scores.jsonl": data}, settings.limits)
    )
    return settings


@pytest.fixture(scope="module")
def writer(heard: tuple[str, list[str]]) -> Iterator[AssistServer]:
    """A language model's server whose proposals are hostile."""
    with serving() as one:
        one.answer = completion(proposals(*beacon.pieces(heard[0], "proposal")))
        yield one


@pytest.fixture(scope="module")
def url(home: Settings, writer: AssistServer) -> Iterator[str]:
    helped = home.model_copy(update={"assist_url": writer.url, "assist_model": MODEL})
    with server(os.environ | studios.environment(helped)) as address:
        yield address


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


ROW_PX = 35  # of Streamlit's own tables


def unfold(page: Page) -> None:
    """Open what is folded and walk over the tabs, where words may hide."""
    closed = page.locator("details:not([open]) > summary:visible")
    for _ in range(40):  # what is folded within something folded shows once that is open
        if not closed.count():
            break
        closed.first.click()
    for tab in page.get_by_role("tab").all():
        tab.click()
        page.wait_for_timeout(150)
    page.wait_for_timeout(300)


def drawn_by_others(page: Page, address: str) -> list[str]:
    """Elements of the page, its shadows included, that lead to the beacon, to another host or to a script.

    A link within the studio may hold such text in its query, as a question's id.
    """
    return page.evaluate(
        """address => {
            const isOwn = link => {
                const led = new URL(link, location.href);
                return led.protocol === location.protocol && led.host === location.host;
            };
            const isOthers = text => text.includes(address) || /evil|javascript:|mailto:/.test(text);
            return [...document.querySelectorAll("a,img,iframe,image,use,object,embed,[style]")].flatMap(e => {
                const links = ["href", "xlink:href", "src", "data"].map(name => e.getAttribute(name) || "");
                return [...links.filter(link => isOthers(link) && !isOwn(link)),
                        ...[e.getAttribute("style") || ""].filter(isOthers)];
            });
        }""",
        address,
    )


@pytest.mark.parametrize(
    ("link", "is_others"),
    [
        ("questions?question=www.evil.example", False),
        ("https://www.evil.example/questions", True),
        ("//www.evil.example/x", True),
        ("javascript:alert(1)", True),
        ("mailto:me@evil.example", True),
    ],
)
def test_a_link_of_others_is_told_from_the_studios_own(
    page: Page, url: str, link: str, is_others: bool
) -> None:
    page.goto(url)
    page.evaluate(
        "link => document.body.append(Object.assign(document.createElement('a'), {href: link}))", link
    )
    assert drawn_by_others(page, "http://127.0.0.1:9") == ([link] if is_others else [])


@pytest.mark.parametrize("name", shorten(VIEWS, IN_CI))
def test_a_page_fetches_links_and_runs_nothing_of_others(page: Page, url: str, heard, name: str) -> None:
    page.emulate_media(color_scheme="dark" if VIEWS.index(name) % 2 else "light")
    page.goto(f"{url}/{urls.address(name, SET)}")
    if name == "relevance":  # a model of its own is read, which takes long where others compute as well
        page.wait_for_selector('[data-test-script-state="notRunning"]', timeout=400_000)
    settle(page)
    if name == "results":
        page.get_by_test_id("stBaseButton-secondary").filter(has_text="Open").click()
        settle(page)
    look(page, heard[0])
    if name == "write":
        page.get_by_role("radio", name="Card").click()
        settle(page)
        look(page, heard[0])
    if name == "one_by_one":
        for row in (1, 2):
            table = page.get_by_test_id("stDataFrame").last.bounding_box()
            assert table is not None
            page.mouse.click(table["x"] + 15, table["y"] + ROW_PX * (row + 0.5))
            settle(page)
            look(page, heard[0])
    if name in ("one_by_one", "subjects", "results"):
        assert urlsplit(heard[0]).netloc in page.get_by_test_id("stMain").inner_text(), "there is such text"


@pytest.mark.parametrize("name", ["subjects", "results"])
def test_a_picture_of_a_chart_holds_text_and_fetches_nothing(
    page: Page, url: str, heard, name: str, tmp_path: Path
) -> None:
    page.goto(f"{url}/{urls.address(name, SET)}")
    settle(page)
    if name == "results":
        page.get_by_test_id("stBaseButton-secondary").filter(has_text="Open").click()
        settle(page)
    touch(page)
    charts = page.locator(".stPlotlyChart .js-plotly-plot >> visible=true")
    expect(charts.first).to_be_visible()  # what a click asks for may begin after the page seems to be at rest
    settle(page)
    shown = [pictures.shown_texts(chart) for chart in charts.all()]
    files = [
        pictures.save(page, chart.locator(".studio-svg"), tmp_path).rename(tmp_path / f"{number}.svg")
        for number, chart in enumerate(charts.all())
    ]
    assert files
    for file, texts in zip(files, shown, strict=True):
        assert not pictures.active(file)
        assert pictures.texts(file) == texts
        page.goto(file.as_uri())
        page.wait_for_timeout(300)
    assert any("<" in text or "](" in text for texts in shown for text in texts), "there is such text"


def test_proposals_fetch_link_and_run_nothing(page: Page, url: str, heard, writer: AssistServer) -> None:
    page.goto(f"{url}/{urls.address('alternatives', SET)}")
    settle(page)
    page.get_by_role("radio", name="Ask a model").click()
    settle(page)
    look(page, heard[0])
    page.get_by_role("button", name="Agree and ask").click()
    expect(page.get_by_role("button", name="Use this wording").first).to_be_visible()
    settle(page)
    look(page, heard[0])
    assert len(writer.asked) == 1
    assert urlsplit(heard[0]).netloc in page.get_by_test_id("stMain").inner_text(), "there is such text"


def look(page: Page, address: str) -> None:
    unfold(page)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    assert not drawn_by_others(page, address)


def hostile_files(address: str) -> dict[str, bytes]:
    """Files whose names, columns and texts are hostile, by their names."""
    pieces = beacon.pieces(address, "file")
    head = ["question", "A", "B", "answer", *pieces]
    lines = [[piece, f"{piece} a", f"{piece} b", "A", *pieces] for piece in pieces] + [
        [pieces[0], "a", "a", pieces[1]]
    ]
    table, book, tag = io.StringIO(), openpyxl.Workbook(), pieces[3]
    csv.writer(table).writerows([head, *lines])
    for line in [head, *lines]:
        book.active.append(line)
    book.active.title = "<img src=x> javascript"
    book.active["A2"].hyperlink = f"{address}/file-hyperlink"
    packed = io.BytesIO()
    book.save(packed)
    items = "".join(
        f"<question type='multichoice'><questiontext format='html'><text>{escape(piece)}</text></questiontext>"
        f"<answer fraction='100'><text>{escape(piece)} a</text></answer><answer><text>b</text></answer></question>"
        for piece in pieces
    )
    return {
        f"{tag}.csv".replace("/", "_"): table.getvalue().encode(),
        "t.xlsx": packed.getvalue(),
        "t.xml": f"<quiz>{items}</quiz>".encode(),
        "t.md": "\n".join(
            f"1. {one.split(chr(10))[0]}\n   - [x] {tag}\n   - [ ] b" for one in pieces
        ).encode(),
    }


def test_a_file_that_is_looked_at_fetches_links_and_runs_nothing(page: Page, url: str, heard) -> None:
    files = hostile_files(heard[0])
    for name, data in files.items():
        open_import(page, url)
        page.locator("input[type=file]").first.set_input_files(
            {"name": name, "mimeType": "application/octet-stream", "buffer": data}
        )
        settle(page)
        expect(page.get_by_text("Change columns and format")).to_be_visible()
        look(page, heard[0])
    open_import(page, url)
    page.get_by_role("textbox", name="Paste rows").fill(files["t.md"].decode())
    page.keyboard.press("Control+Enter")
    settle(page)
    look(page, heard[0])


def open_import(page: Page, url: str) -> None:
    page.goto(f"{url}/questions?set={SET}")
    settle(page)
    page.get_by_role("radio", name="Import").click()
    settle(page)


def test_an_example_as_a_card_fetches_links_and_runs_nothing(page: Page, url: str, heard) -> None:
    page.goto(f"{url}/questions?set={EXAMPLE}")
    settle(page)
    page.get_by_role("radio", name="Card").click()
    settle(page)
    for _ in range(3):
        look(page, heard[0])
        page.get_by_test_id("stBaseButton-secondary").filter(has_text="chevron_right").first.click()
        settle(page)
    look(page, heard[0])


def test_a_report_fetches_links_and_runs_nothing_of_others(
    page: Page, home: Settings, heard, tmp_path: Path
) -> None:
    from e2lm_core.export import html, report

    studio = open_studio(home)
    file = tmp_path / "report.html"
    file.write_text(
        html.render(
            report.build_report(
                studio, collection.open_set(home, SET), OpenFleet("", studio.local_checkpoints)
            )
        ),
        encoding="utf-8",
    )
    studio.store.database.close()
    page.goto(file.as_uri())
    page.wait_for_timeout(1_500)
    assert not drawn_by_others(page, heard[0])
    buttons = page.locator("[aria-label='Download as SVG']")
    saved = [pictures.save(page, button, tmp_path) for button in buttons.all()]
    assert {one.name for one in saved} == {f"{SET}-curves.svg", f"{SET}-ranks.svg"}
    assert not [fault for one in saved for fault in pictures.active(one)]
