"""Count names, docstrings and lines of a checkout, beside another one: `python -m scripts.count_language OLD [NEW]`.

Public names are those of functions, methods and classes of `e2lm_core` without a leading underscore. A name is
banned if it is a participle, a preposition or a pronoun alone (docs/writing.md); a first line if it begins with a
free relative. Functions with arrays count if their docstring has no shape, raising ones if it has no `Raises`. Caches
are evictions of the least recently used written by hand, process protocols the modules that exchange messages with a
process, and private uses of Streamlit the modules that import what it does not document.
"""

from __future__ import annotations

import ast
import io
import json
import re
import statistics
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

BANNED = re.compile(
    "of|at|by|here|there|those|held|said|told|kept|seen|taught|brought|known|given|made|asked|found|shown|learnt|"
    "left|taken|wanted|tried|drawn|settled|parted|absent|alike|aside|beside|beforehand"
)
COMMANDS = "e2lm_core/commands/"  # whose docstrings are the help texts of the command line
FREE_RELATIVE = re.compile(r"(What|Who\w*|Whose|Which|Where\w*|How|Of|As|When|Whatever|That)\b")
ARRAY = re.compile(r"NDArray|ArrayLike|ndarray|Floats|Mask|Tensor")
CACHE = re.compile(r"popitem\(last=False\)")
PROTOCOL = re.compile(r"socketpair\(|\bConnection\(")
DOCUMENTED = r"components|testing|delta_generator|runtime\.uploaded_file_manager"
PRIVATE = re.compile(
    rf"^\s*(?:from|import) streamlit\.(?!{DOCUMENTED})|^from streamlit import runtime", re.MULTILINE
)
SHAPE = re.compile(r"\[[A-Z.][A-Za-z0-9, .+\-]*\]")

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Counts(NamedTuple):
    """Counts of one checkout; `names` of its public names, `lines` without docstrings, comments and blanks."""

    names: int
    median_length: float
    banned: list[str]
    first_lines: list[str]
    arrays_without_shape: list[str]
    raising_without_section: list[str]
    caches: list[str]
    process_protocols: list[str]
    private_streamlit: list[str]
    modules: int
    lines: int


def main(
    old: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="A checkout.")],
    new: Annotated[Path | None, typer.Argument(exists=True, file_okay=False, help="Another one.")] = None,
    show: Annotated[bool, typer.Option(help="List what is counted of the last checkout.")] = False,
) -> None:
    counted = [count_checkout(checkout) for checkout in (old, new) if checkout is not None]
    for field in Counts._fields:
        values = [getattr(counts, field) for counts in counted]
        typer.echo(f"{field:24} " + "  ".join(f"{_size(value):>8,}" for value in values))
    if show:
        lists = {name: value for name, value in counted[-1]._asdict().items() if isinstance(value, list)}
        typer.echo(json.dumps(lists, indent=1))


def count_checkout(checkout: Path) -> Counts:
    """Count a checkout's package."""
    names: list[str] = []
    banned, first_lines, arrays, raising = [], [], [], []
    patterns: dict[re.Pattern[str], list[str]] = {CACHE: [], PROTOCOL: [], PRIVATE: []}
    modules = sorted((checkout / "e2lm_core").rglob("*.py"))
    lines = 0
    for path in modules:
        source = path.read_text("utf-8")
        tree = ast.parse(source)
        place = str(path.relative_to(checkout))
        lines += count_lines(source)
        for pattern, found in patterns.items():
            found += [place] if pattern.search(source) else []
        if FREE_RELATIVE.match(ast.get_docstring(tree) or ""):
            first_lines.append(f"{place}: {_first_line(tree)}")
        for node in _definitions(tree):
            spot = f"{place}:{node.lineno} {node.name}"
            if is_free_relative(node):
                first_lines.append(f"{spot}: {_first_line(node)}")
            if node.name.startswith("_"):
                continue
            names.append(node.name)
            if BANNED.fullmatch(node.name):
                banned.append(spot)
            if lacks_shape(node):
                arrays.append(spot)
            if lacks_raises(node) and not place.startswith(COMMANDS):
                raising.append(spot)
    median = statistics.median(map(len, names)) if names else 0.0
    return Counts(
        len(names), median, banned, first_lines, arrays, raising, *patterns.values(), len(modules), lines
    )


def is_free_relative(node: _Definition) -> bool:
    """Whether a docstring begins with a free relative, or with *Whether* where no truth value is returned."""
    first = _first_line(node)
    if first.startswith("Whether"):
        return isinstance(node, ast.ClassDef) or "bool" not in ast.unparse(node.returns or ast.Constant(""))
    return FREE_RELATIVE.match(first) is not None


def lacks_shape(node: _Definition) -> bool:
    """Whether a documented function takes or returns an array, and its docstring has no shape."""
    if isinstance(node, ast.ClassDef) or not (text := ast.get_docstring(node)):
        return False
    notes = [a.annotation for a in (*node.args.args, *node.args.kwonlyargs)] + [node.returns]
    signature = " ".join(ast.unparse(note) for note in notes if note is not None)
    return ARRAY.search(signature) is not None and SHAPE.search(text) is None


def lacks_raises(node: _Definition) -> bool:
    """Whether a documented function raises an error, and its docstring has no section that says so."""
    if isinstance(node, ast.ClassDef) or not (text := ast.get_docstring(node)):
        return False
    raises = any(isinstance(inner, ast.Raise) and inner.exc is not None for inner in ast.walk(node))
    return raises and "Raises:" not in text


def count_lines(source: str) -> int:
    """Number of lines with code: no docstrings, no comments, no blank ones."""
    skipped = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    docstrings = {
        line
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Module | _Definition) and ast.get_docstring(node) is not None
        for line in range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1)
    }
    code = {
        line
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type not in skipped and token.string
        for line in range(token.start[0], token.end[0] + 1)
    }
    return len(code - docstrings)


def _definitions(tree: ast.Module) -> Iterator[_Definition]:
    """Functions and classes of a module, and the methods of its classes."""
    for node in tree.body:
        if isinstance(node, _Definition):
            yield node
        if isinstance(node, ast.ClassDef):
            yield from (inner for inner in node.body if isinstance(inner, _Definition))


def _first_line(node: ast.Module | _Definition) -> str:
    return (ast.get_docstring(node) or "").split("\n")[0]


def _size(value: object) -> object:
    return len(value) if isinstance(value, list) else value


if __name__ == "__main__":
    typer.run(main)
