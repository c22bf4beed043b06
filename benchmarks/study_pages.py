"""The pages of `docs/studies`, into which `--write` puts a study's tables, each between two comments."""

from __future__ import annotations

from pathlib import Path

from scripts import marked

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "studies"


def table_of(study: str, name: str) -> str:
    """What the study's page has between the comments `name` and `/name`."""
    text = (FOLDER / f"{study}.md").read_text(encoding="utf-8")
    return marked.part(text, name)


def put(study: str, name: str, table: str) -> None:
    """Write a table into the study's page."""
    page = FOLDER / f"{study}.md"
    page.write_text(marked.replaced(page.read_text(encoding="utf-8"), name, table), encoding="utf-8")
