"""What a task's own Python says of its columns, read and not run: what is taken out of a row, and which values it knows.

`doc["a"] == "1"` makes "1" a value of a, `{"x": …}[doc["a"]]` and `["x"].index(doc["a"])` make x one, `doc["a"] - 1` makes it
a number, a loop over `doc["a"]` a list, `doc["a"].items()` a mapping. What is only named stays without a kind.
Tested in tests/benchmarks/interop/test_code.py.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from benchmarks.interop import standins
from benchmarks.interop.standins import Columns, Path
from e2lm_core.base.untrusted.safeyaml import FunctionName
from e2lm_core.sets.folder.datafiles import sibling_path

KEYS = ("process_docs", "doc_to_text", "doc_to_choice", "doc_to_target", "description")
_WORDS = ("strip", "lstrip", "rstrip", "lower", "upper", "capitalize", "title", "replace", "split", "format")


def columns_of(raw: Mapping[str, Any], files: Mapping[str, bytes]) -> Columns:
    """The columns that a task's templates name, and that its functions take from a row, with those that these call."""
    found = standins.columns_of(raw)
    for key in KEYS:
        value = raw.get(key)
        if isinstance(value, FunctionName):
            source = files.get(sibling_path(value.base, f"{value.module.replace('.', '/')}.py"))
            if source:
                Reader(ast.parse(source), found).function(value.dotted.rpartition(".")[2])
    for path in found.named:  # a key of what a list holds
        if path[-2:-1] == ("*",):
            found.kinds[path[:-2]], found.kinds[path] = "records", "text"
    return found


class Reader:
    """One module's functions, read into columns."""

    def __init__(self, module: ast.Module, columns: Columns) -> None:
        self.columns = columns
        self.functions = {node.name: node for node in module.body if isinstance(node, ast.FunctionDef)}
        self.constants: dict[str, ast.expr] = {}
        self.aliases: dict[str, Path] = {}
        self.loops: dict[str, list[str]] = {}  # names of columns that a name goes through
        self.read: set[tuple[str, str]] = set()
        self.module = module
        for node in module.body:
            self._bind(node)

    def function(self, name: str, call: ast.Call | None = None) -> None:
        """A function of the module, with the constants of a call of it; what a name of the module is made by, else."""
        key = (name, ast.dump(call) if call else "")
        if key in self.read:
            return
        self.read.add(key)
        node = self.functions.get(name)
        if node is None:
            made = [
                one.value
                for one in self.module.body
                if isinstance(one, ast.Assign) and any(ast.unparse(t) == name for t in one.targets)
            ]
            for value in made or [self.module]:
                self._walk(value)
            return
        if call is not None:
            names = [argument.arg for argument in node.args.args]
            partial = bool(call.args) and isinstance(call.args[0], ast.Name) and call.args[0].id == name
            given = dict(zip(names, call.args[partial:], strict=False))
            given |= {word.arg: word.value for word in call.keywords if word.arg}
            for one, value in given.items():
                if (known := self._constant(value)) is not None:
                    self.constants[one] = known
        self._walk(node)

    def _constant(self, node: ast.expr) -> ast.expr | None:
        """The literal that an expression stands for: itself, a name's, or the value of a literal mapping's key."""
        if isinstance(node, ast.Constant | ast.List | ast.Tuple | ast.Set | ast.Dict):
            return node
        if isinstance(node, ast.Name):
            return self.constants.get(node.id)
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            held = self._constant(node.value)
            if isinstance(held, ast.Dict):
                pairs = zip(held.keys, held.values, strict=True)
                return next(
                    (v for k, v in pairs if isinstance(k, ast.Constant) and k.value == node.slice.value), None
                )
        return None

    def _walk(self, node: ast.AST) -> None:
        for _ in range(2):  # a name may stand for what another one does, which is bound further in
            for child in ast.walk(node):
                self._bind(child)
        for child in ast.walk(node):
            self._look(child)

    def _bind(self, node: ast.AST) -> None:
        """What a name stands for: a constant, a column, one of a column's values."""
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if isinstance(node.value, ast.Constant | ast.List | ast.Tuple | ast.Set | ast.Dict):
                self.constants[name] = node.value
            elif (path := self.path(node.value)) is not None:
                self.aliases[name] = path
        elif isinstance(node, ast.For | ast.comprehension):
            over, target = node.iter, node.target
            if isinstance(over, ast.Call) and ast.unparse(over.func) == "enumerate":
                over, target = over.args[0], target.elts[-1] if isinstance(target, ast.Tuple) else target
            if not isinstance(target, ast.Name):
                return
            if (path := self.path(over)) is not None:
                self.columns.kinds.setdefault(path, "list")
                self.aliases[target.id] = (*path, "*")
            elif isinstance(self._constant(over), ast.List | ast.Tuple):
                self.loops[target.id] = [v for v in self.values(over) if isinstance(v, str)]

    def path(self, node: ast.expr) -> Path | None:
        """The column, or the part of one, that an expression is, whatever is done to its letters."""
        if isinstance(node, ast.Name):
            return self.aliases.get(node.id)
        if isinstance(node, ast.ListComp):
            return self.path(node.elt)
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            inner = self.path(node.value)
            if isinstance(node.slice.value, int) and inner:
                return (*inner, "*")
            return self._part(node.value, node.slice.value)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr == "get" and node.args and isinstance(node.args[0], ast.Constant):
                return self._part(node.func.value, node.args[0].value)
            if node.func.attr in _WORDS:
                return self.path(node.func.value)
        return None

    def _part(self, of: ast.expr, key: object) -> Path | None:
        if not isinstance(key, str) or (isinstance(of, ast.Name) and of.id in self.constants):
            return None
        inner = self.path(of)
        if inner is None:
            return (key,) if isinstance(of, ast.Name) else None
        return (*inner, key)

    def values(self, node: ast.expr) -> list[Any]:
        """The constants that an expression is searched or looked up in: a list's values, a mapping's keys."""
        if isinstance(node, ast.Name):
            return self.values(self.constants[node.id]) if node.id in self.constants else []
        if isinstance(node, ast.Dict):
            return [key.value for key in node.keys if isinstance(key, ast.Constant)]
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            return [item.value for item in node.elts if isinstance(item, ast.Constant)]
        return list(node.value) if isinstance(node, ast.Constant) and isinstance(node.value, str) else []

    def _look(self, node: ast.AST) -> None:
        if isinstance(node, ast.expr) and (path := self.path(node)) is not None:
            self.columns.named.setdefault(path)
        if isinstance(node, ast.Compare):
            for left, how, right in zip(
                [node.left, *node.comparators], node.ops, node.comparators, strict=False
            ):
                self._compared(left, how, right)
        elif isinstance(node, ast.Subscript):
            self._subscripted(node)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and (p := self.path(node.left)):
            self._kind(p, "number")
            self.columns.least.setdefault(p, 1)
        elif isinstance(node, ast.Call):
            self._called(node)

    def _compared(self, left: ast.expr, how: ast.cmpop, right: ast.expr) -> None:
        for one, other in ((left, right), (right, left)):
            path = self.path(one)
            known = self._constant(other)
            if isinstance(how, ast.Eq) and path and isinstance(known, ast.Constant):
                self._one_of(path, [known.value])
        if isinstance(how, ast.In):
            if (path := self.path(left)) is not None:
                self._one_of(path, self.values(right))
            elif (path := self.path(right)) is not None and isinstance(left, ast.Constant):
                self._one_of(path, [left.value])
        if isinstance(how, ast.Gt | ast.GtE | ast.Lt | ast.LtE):
            for part in ast.walk(left):
                if isinstance(part, ast.expr) and (path := self.path(part)):
                    self._kind(path, "number")

    def _subscripted(self, node: ast.Subscript) -> None:
        of, at = self.path(node.value), self.path(node.slice)
        if isinstance(node.slice, ast.Name) and isinstance(node.value, ast.Name):
            self.columns.named |= dict.fromkeys((name,) for name in self.loops.get(node.slice.id, ()))
        if of and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, int):
            self._kind(of, "list")
            self.columns.least[of] = max(self.columns.least.get(of, 0), node.slice.value + 1)
        if at is None:
            return
        known = self._constant(node.value)
        if isinstance(known, ast.Dict):
            self._one_of(at, self.values(known))
        elif isinstance(known, ast.List | ast.Tuple):
            self._kind(at, "number")
            self.columns.most.setdefault(at, len(known.elts))
        elif of:
            self._kind(of, "list")
            self._kind(at, "number")

    def _called(self, node: ast.Call) -> None:
        first = self.path(node.args[0]) if node.args else None
        if isinstance(node.func, ast.Name):
            if node.func.id in self.functions:
                self.function(node.func.id, node)
            elif node.func.id == "partial" and node.args and isinstance(node.args[0], ast.Name):
                self.function(node.args[0].id, node)
            if first and node.func.id in ("len", "enumerate", "zip", "sorted"):
                self._kind(first, "list")
            elif first and node.func.id in ("int", "float"):
                self._kind(first, "digits")
                self.columns.least.setdefault(first, 1)
            elif first and node.func.id == "ord":
                self._one_of(first, list("AB"))
            elif first and node.func.id == "eval":
                self._kind(first, "repr")
        elif isinstance(node.func, ast.Attribute):
            of, name = self.path(node.func.value), node.func.attr
            if name in ("index", "split", "partition") and of and node.args:
                held = self._constant(node.args[0])
                if isinstance(held, ast.Constant) and isinstance(held.value, str):
                    self.columns.holds[of] = held.value
                    self.columns.kinds.setdefault(of, "text")
            if name in ("index", "get") and first:
                if of and name == "index":
                    self._kind(of, "list")
                    self.columns.within.setdefault(first, of)
                else:
                    self._one_of(first, self.values(node.func.value))
            elif name in ("items", "values", "keys") and of:
                self._kind(of, "mapping")
            elif name in ("literal_eval", "loads") and first:
                self._kind(first, "repr")
            elif name == "startswith" and of and node.args:
                known = self._constant(node.args[0])
                if isinstance(known, ast.Constant):
                    self._one_of(of, [known.value])
            elif of and name in _WORDS:
                self.columns.kinds.setdefault(of, "text")

    def _kind(self, path: Path, kind: str) -> None:
        self.columns.kinds[path] = kind

    def _one_of(self, path: Path, values: list[Any]) -> None:
        known = self.columns.one_of.setdefault(path, [])
        known += [value for value in values if value not in known]
        if not known:
            del self.columns.one_of[path]
        else:
            self.columns.kinds.setdefault(path, "text")
