"""The pages of `docs/studies`, into which `--write` puts a study's tables, each between two comments."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "studies"


def replace_table(text: str, name: str, table: str) -> str:
    """The document with what stands between the comments `name` and `/name` replaced, in blank lines."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, rest = text.split(begin, 1)
    return f"{before}{begin}\n\n{table}\n\n{end}{rest.split(end, 1)[1]}"


def table_of(study: str, name: str) -> str:
    """What the study's page has between the comments `name` and `/name`."""
    text = (FOLDER / f"{study}.md").read_text(encoding="utf-8")
    return text.split(f"<!-- {name} -->", 1)[1].split(f"<!-- /{name} -->", 1)[0].strip()


def put(study: str, name: str, table: str) -> None:
    """Write a table into the study's page."""
    page = FOLDER / f"{study}.md"
    page.write_text(replace_table(page.read_text(encoding="utf-8"), name, table), encoding="utf-8")
