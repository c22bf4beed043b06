"""Recognises task functions by a hash of their syntax tree.

A function is known by the SHA-256 of its meaning: its syntax tree and those of everything in its module that
it uses, without comments, docstrings, type annotations and positions. A name that the module only makes at
run time is known by the whole module.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

from e2lm_core.base.untrusted.safeyaml import FunctionName
from e2lm_core.sets.folder.foreign import known_functions

MAX_SOURCE = 200_000  # bytes


def find_replacement(files: Mapping[str, bytes], function: FunctionName) -> Callable[[Any], Any] | None:
    """Studio's function in place of one that a YAML names; None if it is not known.

    For `process_docs` it maps rows to rows, for `doc_to_…` a row to a value.
    """
    path = str(PurePosixPath(function.base) / f"{function.module.replace('.', '/')}.py")
    source = files.get(path) if function.module else None
    name = function.dotted.rpartition(".")[2]
    if source is None or len(source) > MAX_SOURCE:
        return None
    digest = function_digest(source, name)
    make = known_functions.KNOWN.get(digest) if digest else None
    return make(name) if make else None


@lru_cache(maxsize=256)
def function_digest(source: bytes, name: str) -> str | None:
    """First 16 hexadecimal digits of the SHA-256 of a function's meaning; None for invalid Python."""
    try:
        tree = ast.parse(source)
        defined: dict[str, list[ast.stmt]] = {}
        for statement in tree.body:
            for word in _defines(statement):
                defined.setdefault(word, []).append(statement)
        parts = _used(name, defined) if name in defined else {"": tree.body}
        text = "\n".join(f"{word}: {' '.join(map(_meaning, parts[word]))}" for word in sorted(parts))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _defines(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.Import | ast.ImportFrom):
        yield from ((alias.asname or alias.name).split(".")[0] for alias in statement.names)
    elif isinstance(statement, ast.Assign | ast.AnnAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        yield from (n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name))


def _used(name: str, defined: Mapping[str, list[ast.stmt]]) -> dict[str, list[ast.stmt]]:
    """Statements that define a name and every name of the module that it uses, also indirectly."""
    found: dict[str, list[ast.stmt]] = {}
    waiting = [name]
    while waiting:
        word = waiting.pop()
        if word in found or word not in defined:
            continue
        found[word] = defined[word]
        waiting += [n.id for s in defined[word] for n in ast.walk(s) if isinstance(n, ast.Name)]
    return found


def _meaning(node: object) -> str:
    """Syntax tree as text without docstrings and annotations, equal in all versions of Python."""
    if isinstance(node, list):
        return f"[{' '.join(map(_meaning, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = dict(ast.iter_fields(node))
    for unsaid in ("ctx", "kind", "type_comment", "type_params", "annotation", "returns", "type_ignores"):
        fields.pop(unsaid, None)
    if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node, clean=False) is not None:
        fields["body"] = node.body[1:]
    said = " ".join(f"{key}={_meaning(value)}" for key, value in fields.items() if value not in (None, []))
    return f"{type(node).__name__}({said})"
