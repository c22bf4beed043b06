"""What documents show: the program's command lines, taken apart."""

from __future__ import annotations

import re
import shlex
from functools import cache

from typer.core import TyperGroup

from scripts import commands_reference
from scripts.commands_reference import PROGRAM, Command

Call = tuple[str, list[str]]


@cache
def commands() -> dict[str, Command]:
    """The commands that can be called, by full name (`hub add`)."""
    return {name: c for name, c in commands_reference.commands() if not isinstance(c, TyperGroup)}


def calls(text: str) -> list[Call]:
    """(command, its words) of every line of a code block that calls the program, and of every call in prose."""
    text = re.sub(r"```text\n.*?```", "", text, flags=re.S)  # usage lines, with brackets
    lines = re.findall(rf"^ *{re.escape(PROGRAM)} (.+)$", text, re.M)
    return [_call(rest) for rest in lines + re.findall(rf"`{re.escape(PROGRAM)} ([^`\n]+)`", text)]


def _call(rest: str) -> Call:
    words = shlex.split(rest, comments=True)
    groups = {name.split()[0] for name in commands() if " " in name}
    size = 2 if words[0] in groups else 1
    return " ".join(words[:size]), words[size:]
