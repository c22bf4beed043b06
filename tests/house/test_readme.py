"""README says what the program does: its commands, options, variables and targets are those that exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from e2lm_core.base import settings
from e2lm_core.commands.main import app
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
PROGRAM = "python -m e2lm_core"
DOCUMENTS = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md")),
]


GROUP = typer.main.get_command(app)


def _command_options() -> dict[str, set[str]]:
    """The long options of each command (`hub add` for one of a group), as its --help lists them."""
    named: dict[str, set[str]] = {}

    def walk(group: Any, before: str) -> None:
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                walk(command, f"{before}{name} ")
                continue
            options = {o for p in command.params for o in (*p.opts, *p.secondary_opts) if o.startswith("--")}
            named[before + name] = options - {"--help"}

    walk(GROUP, "")
    return named


def _readme_calls() -> list[list[str]]:
    """The words after `python -m e2lm_core` in each example line (after the prompt's path, before a comment)."""
    lines = [
        line for block in re.findall(r"```(?:sh|bash)\n(.*?)```", README, re.S) for line in block.splitlines()
    ]
    return [
        shlex.split(line.split(PROGRAM, 1)[1], comments=True)
        for line in lines
        if PROGRAM in line and not line.lstrip().startswith("#")
    ]


def _readme_options() -> dict[str, set[str]]:
    groups = {name.split()[0] for name in _command_options() if " " in name}
    named: dict[str, set[str]] = {}
    for words in _readme_calls():
        if words and not words[0].startswith("-"):
            name = " ".join(words[:2]) if words[0] in groups else words[0]
            options = {word.split("=")[0] for word in words[1:] if word.startswith("--")}
            named.setdefault(name, set()).update(options)
    return named


def test_readme_names_every_command_and_no_other() -> None:
    in_readme, in_program = set(_readme_options()), set(_command_options())
    assert in_readme == in_program, (
        f"README lacks an example of {sorted(in_program - in_readme)} "
        f"and names {sorted(in_readme - in_program)}, which `{PROGRAM} --help` does not."
    )


@pytest.mark.parametrize("command", sorted(_command_options()))
def test_readme_names_every_option_and_no_other(command: str) -> None:
    in_readme, in_program = _readme_options().get(command, set()), _command_options()[command]
    assert in_readme == in_program, (
        f"`{command}`: README's examples lack {sorted(in_program - in_readme)} "
        f"and use {sorted(in_readme - in_program)}, which its --help does not have."
    )


def test_readme_names_every_environment_variable_and_no_other() -> None:
    # Those of settings.py are for users; E2LM_REFERENCE is for tests, in CONTRIBUTING.
    source = Path(settings.__file__).read_text(encoding="utf-8")
    in_program = set(re.findall(r"^\| `(E2LM_\w+)`", source, re.M))
    in_readme = set(re.findall(r"^\| `(E2LM_\w+)`", README, re.M))
    assert in_readme == in_program
    assert set(re.findall(r"E2LM_[A-Z_]+", README)) <= in_program


@pytest.mark.parametrize("document", DOCUMENTS)
def test_make_targets_exist(document: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    text = (ROOT / document).read_text(encoding="utf-8")
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", text, re.M))
    assert named <= targets, (
        f"{document} names make {sorted(named - targets)}, which the Makefile does not have."
    )


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_to_files_resolve(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    text = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.S)
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    broken = [link for link in links if link and not ((ROOT / document).parent / link).exists()]
    assert not broken, f"{document} links to {', '.join(broken)}, which does not exist."


def test_makefile_help_lists_what_readme_promises() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    described = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.M))
    assert {"run", "test", "test-fast", "lint", "screenshots", "help"} <= described
