"""docs/commands.md says what the program's own help says; its examples show every command and every option."""

from __future__ import annotations

import re

import pytest

from e2lm_core.commands.table_formats import HELPS
from scripts import commands_reference as made
from tests.house import documented

PAGE = made.PAGE.read_text(encoding="utf-8")
COMMANDS = documented.commands()


def test_the_reference_is_the_programs_own() -> None:
    assert made.written(PAGE) == PAGE, (
        "docs/commands.md is not what the program's help says: run `make docs`."
    )


def test_the_reference_does_not_depend_on_the_terminals_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("TERMINAL_WIDTH", "20")
    assert made.written(PAGE) == PAGE


def test_what_is_written_by_hand_is_kept() -> None:
    page = "mine\n<!-- reference -->\nold\n<!-- /reference -->\nmine too\n"
    written = made.written(page)
    assert written.startswith("mine\n")
    assert written.endswith("\nmine too\n")
    assert "\nold\n" not in written


def test_every_link_of_the_reference_has_its_heading() -> None:
    headings = {name.replace(" ", "-") for name in re.findall(r"^### `(.+)`$", PAGE, re.M)}
    assert set(re.findall(r"\]\(#([a-z0-9-]+)\)", made.reference())) == headings


def test_every_command_has_an_example() -> None:
    shown = {name for name, _ in documented.calls(PAGE)}
    assert shown == set(COMMANDS), f"docs/commands.md has no example of {sorted(set(COMMANDS) - shown)}."


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_option_is_in_an_example(command: str) -> None:
    used = {word.split("=")[0] for name, words in documented.calls(PAGE) if name == command for word in words}
    # The forms of tables are the same for all commands: one example for each will do.
    shared = {"--help", *(f"--{form}" for form in HELPS)}
    options = {o for p in COMMANDS[command].params for o in p.opts if o.startswith("--")} - shared
    assert options <= used, f"`{command}`: no example in docs/commands.md has {sorted(options - used)}."


@pytest.mark.parametrize("form", HELPS)
def test_every_form_of_tables_is_in_an_example(form: str) -> None:
    assert any(f"--{form}" in words for _, words in documented.calls(PAGE))
