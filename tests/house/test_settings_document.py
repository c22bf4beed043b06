"""docs/settings.md names the environment variables that the code reads, and no other."""

from __future__ import annotations

import re

from e2lm_core.base.settings import VARIABLES
from tests.conftest import ROOT

DOCUMENT = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
READERS = ("e2lm_core/**/*.py", "pages/**/*.py", "scripts/*", "app.py", "Dockerfile", "Makefile")
VARIABLE = r"\bE2LM_[A-Z_]+\b"


def _named_in_code() -> dict[str, str]:
    """Each variable, and a file that names it."""
    files = [path for pattern in READERS for path in ROOT.glob(pattern) if path.is_file()]
    return {
        variable: str(path.relative_to(ROOT))
        for path in files
        for variable in re.findall(VARIABLE, path.read_text(encoding="utf-8"))
    }


def test_every_variable_has_its_row_and_no_row_is_of_none() -> None:
    rows, code = set(re.findall(rf"^\| `({VARIABLE})` \|", DOCUMENT, re.M)), _named_in_code()
    missing = {variable: file for variable, file in code.items() if variable not in rows}
    assert not missing, f"docs/settings.md lacks a row for {missing}."
    assert rows == set(code), (
        f"docs/settings.md has rows for {sorted(rows - set(code))}, which no code names."
    )


def test_the_settings_know_every_row() -> None:
    assert set(VARIABLES) == set(re.findall(rf"^\| `({VARIABLE})` \|", DOCUMENT, re.M))
    assert len(set(VARIABLES)) == len(VARIABLES)


def test_documents_name_no_variable_that_there_is_not() -> None:
    # E2LM_REFERENCE is for tests, in CONTRIBUTING.
    pages = [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]
    named = {v for page in pages for v in re.findall(VARIABLE, page.read_text(encoding="utf-8"))}
    assert named <= set(_named_in_code())
