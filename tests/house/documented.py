"""What documents show: the command lines of the program and of the scripts around it, taken apart."""

from __future__ import annotations

import re
import shlex
from functools import cache

from typer.core import TyperGroup

from scripts import commands_reference
from scripts.commands_reference import PROGRAM, Command

Call = tuple[str, list[str]]
AROUND = "benchmarks|scripts|ladder"


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
    words = words[2:] if words[0] == "--as" else words  # as whom it acts stands before any command
    groups = {name.split()[0] for name in commands() if " " in name}
    size = 2 if words[0] in groups else 1
    return " ".join(words[:size]), words[size:]


def scripts(text: str) -> list[Call]:
    """(dotted module, its options) of every call of a benchmark, a script or the ladder's recipe."""
    found = re.findall(rf"python -m ((?:{AROUND})(?:\.\w+)+)([^\n`#]*)", text)
    # What stands in quotes is for another script.
    unquoted = [(module, re.sub(r'"[^"]*"', "", rest)) for module, rest in found]
    return [(module, re.findall(r"(?<![\w-])--([a-z][a-z0-9-]*)", rest)) for module, rest in unquoted]


def takes(source: str, option: str) -> bool:
    """Whether a script's source declares the option: by its name, or as a parameter of its `main`."""
    names = {option, option.removeprefix("no-")}
    parameters = "|".join(name.replace("-", "_") for name in names)
    declared = re.search(rf"^    (?:{parameters}): ", source, re.M)
    return bool(declared) or any(f'"--{name}"' in source for name in names)
