"""README and the documents: what they tell one to type exists, where they point to is there, README stays short."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from e2lm_core.base.version import VERSION
from tests.conftest import ROOT
from tests.house import documented

README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PAGES = (
    *(
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "benchmarks/README.md",
        "ladder/README.md",
    ),
    *sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs").glob("**/*.md")),
)
TEXTS = {page: (ROOT / page).read_text(encoding="utf-8") for page in PAGES}
COMMANDS = documented.commands()
# What a script says of itself counts as a document.
SCRIPTS = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for folder in ("benchmarks", "scripts", "ladder")
    for path in (ROOT / folder).rglob("*.py")
}
SCRIPT_CALLS = sorted(
    {
        (page, module, option)
        for page, text in (TEXTS | SCRIPTS).items()
        for module, options in documented.scripts(text)
        for option in (*options, "")
    }
)
CALLS = [(page, *call) for page, text in TEXTS.items() for call in documented.calls(text)]


def test_the_census_of_tasks_is_the_same_in_every_document() -> None:
    study = TEXTS["docs/studies/interop.md"]
    counts = [
        re.search(rf"^\| {row} \| ([\d,]+) \|", study, re.M)
        for row in ("opened", "refused in a sentence", "of these by a function of ours.*")
    ]
    opened, refused, ours = (found and found[1] for found in counts)
    for page, told in (
        ("benchmarks/README.md", (opened, refused, ours)),
        ("docs/format.md", (opened, refused)),
    ):
        assert [number for number in told if number not in TEXTS[page]] == [], page


def test_the_sizes_of_the_embedded_models_are_the_ladders() -> None:
    models = json.loads((ROOT / "ladder" / "manifest.json").read_text(encoding="utf-8"))["models"]
    sizes = [model["parameters"] for model in models]
    assert f"{min(sizes):,} to {max(sizes):,} parameters" in README


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


@pytest.mark.parametrize(("page", "module", "option"), SCRIPT_CALLS)
def test_a_documented_script_is_there_and_takes_the_option(page: str, module: str, option: str) -> None:
    path = f"{module.replace('.', '/')}.py"
    if path not in SCRIPTS:  # a folder of modules that is a script
        path = path.removesuffix(".py") + "/__main__.py"
    assert path in SCRIPTS, f"{page} calls {module}, which does not exist."
    assert '__name__ == "__main__"' in SCRIPTS[path], f"{page} calls {module}, which is no script."
    assert not option or documented.takes(SCRIPTS[path], option), (
        f"{page} gives {module} --{option}, which it does not take."
    )


def test_scripts_that_are_not_there_and_options_that_are_not_taken_are_seen() -> None:
    assert documented.scripts("`python -m ladder.train --smoke`\n") == [("ladder.train", ["smoke"])]
    source = 'def main(\n    browser: bool = True,\n) -> None: ...\nparser.add_argument("--shots")\n'
    assert [documented.takes(source, name) for name in ("no-browser", "shots", "shot")] == [True, True, False]


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


def test_what_make_calls_is_found_from_the_root() -> None:
    """A script that is called by its path does not find the package beside it."""
    called = re.findall(r"\$\(PY\) (.*)", MAKEFILE)
    assert called
    assert all(call.startswith("-m ") for call in called), [c for c in called if not c.startswith("-m ")]
    own = [call.split()[1] for call in called if call.startswith("-m scripts.")]
    assert own
    assert all((ROOT / f"{module.replace('.', '/')}.py").is_file() for module in own)


def test_makefile_help_lists_what_readme_promises() -> None:
    described = set(re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.M))
    assert {"run", "test", "test-fast", "lint", "docs", "screenshots", "help"} <= described


def test_every_reference_page_opens_in_short() -> None:
    pages = (ROOT / "docs").glob("*.md")
    late = [
        page.name
        for page in pages
        if "**In short**" not in "\n".join(page.read_text("utf-8").splitlines()[:6])
    ]
    assert late == []


def test_the_citation_names_the_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert (citation["version"], citation["license"]) == (VERSION, "Apache-2.0")
