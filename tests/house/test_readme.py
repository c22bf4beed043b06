"""README and the documents: what they tell one to type exists, where they point to is there, README stays short."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.house import documented

README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PAGES = (
    *("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md", "ladder/README.md"),
    *sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs").glob("**/*.md")),
)
TEXTS = {page: (ROOT / page).read_text(encoding="utf-8") for page in PAGES}
COMMANDS = documented.commands()
CALLS = [(page, *call) for page, text in TEXTS.items() for call in documented.calls(text)]


def _without_code(text: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.S)


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _resolves(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page
    return target.exists() and (not anchor or anchor in _anchors(target))


def test_readme_is_short() -> None:
    assert len(README.splitlines()) <= 90


def test_readme_says_how_to_get_and_start_it() -> None:
    for command in ("git clone --depth 1", "make run", "make test"):
        assert command in README


@pytest.mark.parametrize(("page", "name", "words"), CALLS, ids=lambda part: str(part)[:60])
def test_a_documented_call_is_one_that_the_program_takes(page: str, name: str, words: list[str]) -> None:
    assert name in COMMANDS, f"{page} calls `{name}`, which the program does not have."
    COMMANDS[name].make_context(name, list(words))  # raises a usage error where it would not run


def test_readmes_own_calls_are_among_those() -> None:
    assert any(page == "README.md" for page, _, _ in CALLS)


@pytest.mark.parametrize("page", PAGES)
def test_make_targets_exist(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.M))
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", TEXTS[page], re.M))
    assert named <= targets, f"{page} names make {sorted(named - targets)}, which the Makefile does not have."


@pytest.mark.parametrize("page", PAGES)
def test_links_resolve(page: str) -> None:
    # A link's text may hold code, so that only code without brackets behind it is taken out.
    links = re.findall(r"\]\(([^)\s]+)\)", _without_code(TEXTS[page]))
    broken = [link for link in links if "://" not in link and not _resolves(ROOT / page, link)]
    assert not broken, f"{page} links to {', '.join(broken)}, which does not exist."


def test_makefile_help_lists_what_readme_promises() -> None:
    described = set(re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.M))
    assert {"run", "test", "test-fast", "lint", "docs", "screenshots", "help"} <= described
