"""Annotated tree of the library in docs/tree.md, written by `make docs`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from scripts import marked

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "e2lm_core"
PAGE = ROOT / "docs" / "tree.md"
NAME = "tree"


def tree(package: Path = PACKAGE) -> str:
    """Tree of a package as a block of text: each folder and file with the first line of its docstring."""
    rows = list(_rows(package, ""))
    width = max(len(name) for name, _ in rows) + 2
    lines = [f"{name:<{width}}{sentence}".rstrip() for name, sentence in rows]
    return "\n".join(["```text", *lines, "```"])


def written(page: str) -> str:
    """The page with the present tree between its marks."""
    return marked.replaced(page, NAME, tree())


def _rows(folder: Path, indent: str) -> Iterator[tuple[str, str]]:
    yield f"{indent}{folder.name}/", _sentence(folder / "__init__.py")
    for path in sorted(folder.glob("*.py")):
        if path.stem != "__init__":
            yield f"{indent}  {path.name}", _sentence(path)
    for path in sorted(folder.iterdir()):
        if (path / "__init__.py").exists():
            yield from _rows(path, f"{indent}  ")


def _sentence(path: Path) -> str:
    """First line of a module's docstring, without its full stop; "" without one."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0].removesuffix(".")


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
