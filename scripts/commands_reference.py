"""`make docs`: the reference in docs/commands.md, written from the commands' own help.

What stands outside of the two marks is written by hand and kept. Typer's own generator is not used: what it
writes changes with its version, and it cuts the sentences of long helps short.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from e2lm_core.commands.main import app
from scripts import marked

PROGRAM = "python -m e2lm_core"
PAGE = Path(__file__).resolve().parent.parent / "docs" / "commands.md"
NAME = "reference"
Command = TyperCommand | TyperGroup
Parameter = TyperArgument | TyperOption


def commands() -> list[tuple[str, Command]]:
    """Every command with its full name (`hub add`), by name; a group stands before its commands."""
    return list(_within(typer.main.get_command(app), ""))


def _within(group: object, before: str) -> Iterator[tuple[str, Command]]:
    assert isinstance(group, TyperGroup)
    for name, command in sorted(group.commands.items()):
        assert isinstance(command, TyperCommand | TyperGroup)
        if command.hidden:
            continue
        yield before + name, command
        if isinstance(command, TyperGroup):
            yield from _within(command, f"{before}{name} ")


def reference() -> str:
    """The whole reference: a line of links, then each command."""
    links = ", ".join(f"[`{name}`](#{name.replace(' ', '-')})" for name, _ in commands())
    return "\n\n".join([links, *(_section(name, command) for name, command in commands())])


def written(page: str) -> str:
    """The page with the reference of today between its marks."""
    return marked.replaced(page, NAME, reference())


def _section(name: str, command: Command) -> str:
    parts = [f"### `{name}`", _prose(command.help)]
    if not isinstance(command, TyperGroup):
        parts += [f"```text\n{_usage(name, command)}\n```", _table(command)]
    return "\n\n".join(parts)


def _parameters(command: Command) -> list[Parameter]:
    return [p for p in command.params if isinstance(p, TyperArgument | TyperOption)]


def _usage(name: str, command: Command) -> str:
    arguments = [_shown(p) for p in _parameters(command) if isinstance(p, TyperArgument)]
    return " ".join([PROGRAM, name, *arguments, "[OPTIONS]"])


def _table(command: Command) -> str:
    """A row a parameter: how it is written, and its help with what `--help` says of default and range."""
    context = typer.Context(command)
    rows = [
        f"| `{_written(p)}` | {_prose(record[1])} |"
        for p in _parameters(command)
        if (record := p.get_help_record(context))
    ]
    return "\n".join(["| argument or option | meaning |", "|---|---|", *rows])


def _written(parameter: Parameter) -> str:
    if isinstance(parameter, TyperArgument):
        return _shown(parameter)
    names = ", ".join([*parameter.opts, *parameter.secondary_opts])
    return names if parameter.is_flag else f"{names} {_placeholder(parameter)}"


def _shown(argument: Parameter) -> str:
    """An argument as a usage line has it: in brackets where it may be left out, with dots where it repeats."""
    shown = _placeholder(argument) + ("…" if argument.nargs == -1 else "")
    return shown if argument.required else f"[{shown}]"


def _placeholder(parameter: Parameter) -> str:
    return (parameter.metavar or parameter.opts[0].lstrip("-").upper()).strip("[]")


def _prose(text: str | None) -> str:
    """One line for a table; some versions of typer write the bracket of a default as rich's own escape."""
    return " ".join((text or "").split()).replace("\\[", "[").replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
