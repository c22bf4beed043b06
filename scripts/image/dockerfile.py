"""Reads a Dockerfile into its steps, for whoever has no Docker: instructions, arguments, environment.

It knows what this repository's Dockerfile uses and refuses the rest, so that nothing is left out unnoticed.
Standard library alone.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Copy(NamedTuple):
    """COPY: what is copied where, and whose it is then (`1000:1000`, None for root)."""

    source: str
    target: str
    owner: str | None


class Run(NamedTuple):
    """RUN: a shell's command, with the environment and the user that it runs with there."""

    command: str
    env: Mapping[str, str]
    user: str
    folder: str


@dataclass
class Image:
    """What a Dockerfile makes: its steps in order, and how the result is started and asked for its health."""

    base: str = ""
    steps: list[Copy | Run] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    user: str = "root"
    folder: str = "/"
    entrypoint: list[str] = field(default_factory=list)
    healthcheck: list[str] = field(default_factory=list)


def read(text: str, arguments: Mapping[str, str] | None = None) -> Image:
    """The image of a Dockerfile's text; `arguments` are those of `docker build --build-arg`.

    Raises ValueError for an instruction that is not known here, and for an argument that the text does not name.
    """
    image, given, args = Image(), dict(arguments or {}), {}
    for name, rest in _instructions(text):
        match name:
            case "FROM":
                image.base = rest
            case "ARG":
                key, _, default = rest.partition("=")
                args[key] = given.pop(key, default.strip('"'))
            case "ENV":
                image.env |= dict(word.split("=", 1) for word in shlex.split(rest))
            case "WORKDIR":
                image.folder = rest
            case "USER":
                image.user = rest
            case "RUN":
                image.steps.append(Run(rest, {**args, **image.env}, image.user, image.folder))
            case "COPY":
                image.steps.append(_copy(rest, image.folder))
            case "ENTRYPOINT":
                image.entrypoint = json.loads(rest)
            case "HEALTHCHECK":
                image.healthcheck = json.loads(rest[rest.index("[") :])
            case "EXPOSE":
                pass
            case _:
                raise ValueError(f"The Dockerfile has {name}, which is not known here.")
    if given:
        raise ValueError(f"The Dockerfile has no ARG {min(given)}.")
    return image


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in re.sub(r"\\\n", "", lines).splitlines():
        if line.strip():
            name, _, rest = line.strip().partition(" ")
            yield name.upper(), rest.strip()


def _copy(rest: str, folder: str) -> Copy:
    words = shlex.split(rest)
    owner = next((word.removeprefix("--chown=") for word in words if word.startswith("--chown=")), None)
    paths = [word for word in words if not word.startswith("--")]
    if len(paths) != 2:
        raise ValueError(f"COPY {rest}: only one source is known here.")
    target = folder if paths[1] == "." else paths[1]
    return Copy(paths[0], target, owner)
