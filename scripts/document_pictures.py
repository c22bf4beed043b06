"""`python -m scripts.document_pictures`: the pictures of README and documents, taken anew from the studio.

A server runs on a home of its own with the examples' results and a copy of one example that is edited. Pictures are 1280
pixels wide, light, in 128 colours, in docs/images.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from e2lm_core.base.settings import Settings
from e2lm_core.sets import collection
from scripts.screenshots import FLAGS, ROOT, server, settle

IMAGES = ROOT / "docs" / "images"
WIDTH, HEIGHT = 1280, 900
COLOURS = 128
MINE, EXAMPLE = "my_school", "ladder_school"
SCIENCE = "ladder_science"
RUN_MS = 120_000

Action = Callable[[Page], None]


def main(
    only: Annotated[list[str] | None, typer.Option(help="Name of a picture; may be repeated.")] = None,
) -> None:
    """Take the pictures."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium:
        sys.exit("Chromium is missing: install Debian's chromium, or set CHROMIUM to the browser's path.")
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder) / "home", tasks=ROOT / "tasks")
        collection.copy_set(settings, EXAMPLE, MINE)
        environment = os.environ | {"E2LM_HOME": str(settings.home)}
        with server(environment) as url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            for name, (address, action) in PICTURES.items():
                if only and name not in only:
                    continue
                context = browser.new_context(
                    viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light"
                )
                page = context.new_page()
                page.set_default_timeout(RUN_MS)
                page.goto(f"{url}/{address}")
                settle(page)
                action(page)
                page.wait_for_timeout(1500)
                _save(page.screenshot(), IMAGES / f"{name}.png")
                context.close()
                print(f"{name}.png  {(IMAGES / f'{name}.png').stat().st_size / 1000:.0f} kB", flush=True)


def _save(picture: bytes, path: Path) -> None:
    """Write a picture with few colours."""
    with Image.open(io.BytesIO(picture)) as image:
        few = image.convert("RGB").quantize(
            COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE
        )
        few.save(path, optimize=True)


def _nothing(_: Page) -> None:
    """Leave the page as it is."""


def _tab(name: str) -> Action:
    """Open a tab within the view."""

    def click(page: Page) -> None:
        page.get_by_role("tab", name=name).click()
        settle(page)

    return click


def _chart(page: Page) -> None:
    """Wait for a chart, which embedding texts holds up."""
    page.locator(".studio-figure svg").first.wait_for()
    settle(page)


def _write(page: Page) -> None:
    """Open a new question about a fact."""
    page.get_by_label("Find a fact").fill("lion eat")
    page.get_by_label("Find a fact").press("Enter")
    page.get_by_text("1 to 1 of 1 fact").wait_for()
    page.get_by_role("button", name="Write about this").click()
    settle(page)
    page.get_by_role("form", name="A new question").scroll_into_view_if_needed()


def _edit(page: Page) -> None:
    """Mark another answer of the first question and wait for its run."""
    row = page.locator('.qt-row[aria-rowindex="1"]')
    row.get_by_role("radio", name="is right").first.wait_for()
    radios = row.get_by_role("radio", name="is right")
    marked = next(k for k in range(radios.count()) if radios.nth(k).is_checked())
    radios.nth((marked + 1) % radios.count()).click()
    page.get_by_text("up to date").first.wait_for()
    settle(page)


PICTURES: dict[str, tuple[str, Action]] = {
    "overview": (f"result?set={SCIENCE}", _nothing),
    "guide_write": (f"questions?set={MINE}&tab=known", _write),
    "guide_edit": (f"questions?set={MINE}&tab=write", _edit),
    "guide_problems": (f"questions?set={MINE}&tab=problems", _nothing),
    "guide_share": (f"share?set={MINE}", _nothing),
    "uncertainty": (f"curves?set={SCIENCE}&tab=accuracy", _nothing),
    "score": (f"result?set={SCIENCE}&tab=score", _nothing),
    "shelf": (f"result?set={SCIENCE}&tab=shelf", _nothing),
    "decisions": (f"decide?set={SCIENCE}&tab=ahead", _tab("When the set decides")),
    "comparing": (f"decide?set={SCIENCE}&tab=compare", _nothing),
    "choosing": (f"questions?set={SCIENCE}&tab=choosing", _nothing),
    "relevance": (f"questions?set={SCIENCE}&tab=relevance", _chart),
    "wording": (f"questions?set={SCIENCE}&tab=suspects", _nothing),
    "groups": (f"decide?set={SCIENCE}&tab=groups", _nothing),
    "models": (f"models?set={SCIENCE}&tab=checkpoints", _nothing),
}

if __name__ == "__main__":
    typer.run(main)
