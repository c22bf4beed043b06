"""Build context of the image, by the patterns of `.dockerignore`.

It needs only the standard library, since the script that tries the image out in a chroot reads it before
anything is installed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

NAME = ".dockerignore"


class DockerIgnore:
    """Patterns of a `.dockerignore`: the last match decides, and `!` includes a file again."""

    def __init__(self, text: str) -> None:
        lines = (line.strip() for line in text.splitlines() if not line.startswith("#"))
        self._rules = [(_pattern(line.removeprefix("!")), not line.startswith("!")) for line in lines if line]

    def __call__(self, path: str) -> bool:
        """Whether the file at `path` (relative, with `/`) is left out, by its own name or a folder's."""
        parts, out = path.split("/"), False
        above = ["/".join(parts[:size]) for size in range(1, len(parts) + 1)]
        for pattern, leaves_out in self._rules:
            if any(pattern.fullmatch(name) for name in above):
                out = leaves_out
        return out


def build_context(root: Path) -> Iterator[str]:
    """Files below `root` that an image is built from: relative, with `/`, sorted, without links.

    Folders that are left out are not searched, so a `!` pattern includes no file below them again.
    """
    file = root / NAME
    ignored = DockerIgnore(file.read_text(encoding="utf-8") if file.is_file() else "")
    folders = [root]
    found = []
    while folders:
        for entry in folders.pop().iterdir():
            name = entry.relative_to(root).as_posix()
            if ignored(name) or entry.is_symlink():
                continue
            if entry.is_dir():
                folders.append(entry)
            elif entry.is_file():
                found.append(name)
    yield from sorted(found)


def _pattern(line: str) -> re.Pattern[str]:
    """Pattern of Docker: Go's filepath.Match, and `**` for any number of folders."""
    text = line.strip("/")
    made = ""
    while text:
        if text.startswith("**/"):
            made, text = made + "(?:.*/)?", text[3:]
        elif text.startswith("**"):
            made, text = made + ".*", text[2:]
        elif text[0] in "*?":
            made, text = made + {"*": "[^/]*", "?": "[^/]"}[text[0]], text[1:]
        else:
            made, text = made + re.escape(text[0]), text[1:]
    return re.compile(made)
