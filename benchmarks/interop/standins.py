"""Rows in a task's true columns, made up: what its templates and functions ask for, with texts that trip.

The columns come from the templates' syntax: what is indexed is a list, what has parts is a mapping, what a list is
searched for is one of its values, what a number is taken from is a number.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from typing import Any

from jinja2 import Environment, nodes

ODD = (
    "plain {n}",
    "  two spaces before {n}",
    "after {n} ",
    "line\none {n}",
    "quote ' and \" {n}",
    "{{ braces {n} }}",
    "back\\slash {n}",
    "الماء {n}",
    "🌡 10 {n}",
    "yes {n}",
    "tab\tand\u2028line {n}",
)
_ENVIRONMENT = Environment()
Path = tuple[object, ...]


class Columns:
    """What a task's templates say of its columns."""

    def __init__(self) -> None:
        self.kinds: dict[Path, str] = {}  # text, list, records, mapping, repr, number, digits
        self.holds: dict[Path, str] = {}  # a text that a text is cut at
        self.named: dict[Path, None] = {}  # by code, whatever they hold
        self.one_of: dict[Path, list[Any]] = {}
        self.within: dict[Path, Path] = {}  # one of the values of another column
        self.least: dict[Path, int] = {}
        self.most: dict[Path, int] = {}

    def without(self, names: Collection[str]) -> Columns:
        """The same but for columns of these names, and what lies in them."""
        for held in (self.kinds, self.named, self.one_of, self.within, self.least, self.most, self.holds):
            for path in [p for p in held if p[0] in names]:
                del held[path]  # type: ignore[attr-defined]
        return self

    def template(self, source: str) -> None:
        """Takes in what a template says."""
        tree = _ENVIRONMENT.parse(source)
        bound = {n.name for n in tree.find_all(nodes.Name) if n.ctx != "load"}
        self.walk(tree, bound)

    def walk(self, node: nodes.Node, bound: set[str]) -> None:
        """Every node of a template's tree, the outer ones first."""
        path = path_of(node)
        if path and path[0] not in bound and path[0] not in ("range", "loop", "namespace", "dict"):
            self.kinds.setdefault(path, "text")
        if isinstance(node, nodes.Getitem):
            self._item(node)
        elif (
            isinstance(node, nodes.Call)
            and isinstance(node.node, nodes.Getattr)
            and node.node.attr == "index"
        ):
            self._index(node.node.node, node.args[0])
        elif isinstance(node, nodes.Sub):
            self._number(node.left, 1)
        elif isinstance(node, nodes.Compare):
            for operand in node.ops:
                if (left := path_of(node.expr)) and isinstance(operand.expr, nodes.Const):
                    self.one_of.setdefault(left, []).append(operand.expr.value)
                if operand.op == "in" and (right := path_of(operand.expr)):
                    self.kinds.setdefault(right, "text")
        elif isinstance(node, nodes.Filter) and node.node is not None and (inner := path_of(node.node)):
            if node.name == "map" and node.kwargs:
                self.kinds[(*inner, "*", node.kwargs[0].value.as_const())] = "text"
                self.kinds[inner] = "records"
            elif node.name in ("map", "join", "length", "list", "first", "last"):
                self.kinds[inner] = "list"
        elif isinstance(node, nodes.For) and (over := path_of(node.iter)):
            self.kinds[over] = "list"
        elif isinstance(node, nodes.Slice):
            for bound_at in (node.start, node.stop):
                if bound_at is not None and (at := path_of(bound_at)):
                    self.kinds[at], self.most[at] = "number", 3
        for child in node.iter_child_nodes():
            self.walk(child, bound)

    def _item(self, node: nodes.Getitem) -> None:
        of = path_of(node.node)
        if of and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, int):
            self.kinds[of] = "list"
            self.least[of] = max(self.least.get(of, 0), node.arg.value + 1)
        elif isinstance(node.node, nodes.List) and (at := path_of(node.arg)):
            self.kinds[at], self.most[at] = "number", len(node.node.items)
        elif of and isinstance(node.arg, nodes.Name):
            self.kinds[of] = "list"

    def _index(self, of: nodes.Node, sought: nodes.Node) -> None:
        while isinstance(sought, nodes.Call) and isinstance(sought.node, nodes.Getattr):
            sought = sought.node.node  # `.strip()`
        before = ""
        if isinstance(sought, nodes.Add) and isinstance(sought.left, nodes.Const):
            before, sought = str(sought.left.value), sought.right
        at = path_of(sought)
        if at is None:
            return
        self.kinds.setdefault(at, "text")
        if isinstance(of, nodes.List):
            values = [item.as_const() for item in of.items]
            self.one_of[at] = [v.removeprefix(before) if isinstance(v, str) else v for v in values]
        elif (column := path_of(of)) is not None:
            self.kinds[column], self.within[at] = "list", column

    def _number(self, node: nodes.Node, first: int) -> None:
        if (at := path_of(node)) is not None:
            self.kinds[at], self.least[at] = "number", first
        elif (
            isinstance(node, nodes.Filter)
            and node.name == "int"
            and node.node is not None
            and (at := path_of(node.node))
        ):
            self.kinds[at], self.least[at] = "digits", first


def path_of(node: nodes.Node) -> Path | None:
    """`choices.text` and `choices['text']` are (choices, text); None for what is no column or part of one."""
    if isinstance(node, nodes.Name):
        return (node.name,)
    key = node.attr if isinstance(node, nodes.Getattr) else None
    if (
        isinstance(node, nodes.Getitem)
        and isinstance(node.arg, nodes.Const)
        and isinstance(node.arg.value, str)
    ):
        key = node.arg.value
    if key is None or key in dir(str) or key in ("items", "keys", "values"):
        return None
    inner = path_of(node.node)  # type: ignore[attr-defined]
    return None if inner is None else (*inner, key)


def columns_of(raw: Mapping[str, Any]) -> Columns:
    """What the templates of a task's YAML say of its columns."""
    found = Columns()
    choice = raw.get("doc_to_choice")
    for key in ("doc_to_text", "doc_to_choice", "doc_to_target", "description"):
        source = raw.get(key)
        if isinstance(source, str) and "{" in source:
            found.template(source)
        elif isinstance(source, str) and (key == "doc_to_choice" or source.isidentifier()):
            found.kinds.setdefault((source,), "text")
    if isinstance(choice, str) and (choice.startswith("{{") or "{" not in choice):
        bare = path_of(_ENVIRONMENT.parse(choice).body[0].nodes[0]) if choice.startswith("{{") else (choice,)  # type: ignore[attr-defined]
        if bare:
            found.kinds[bare] = "list"
    text = raw.get("doc_to_text")
    if isinstance(text, str) and text in (
        "label",
        "answer",
        "gold",
    ):  # each choice is asked before one ending
        found.kinds[(text,)] = "number"
    target = raw.get("doc_to_target")
    at: Path | None = (target,) if isinstance(target, str) and target.isidentifier() else None
    if at is None and isinstance(target, str) and target.count("{{") == 1 and "{%" not in target:
        body = _ENVIRONMENT.parse(target).body[0].nodes  # type: ignore[attr-defined]
        at = path_of(_bare(body[0])) if len(body) == 1 else None
    if at and at not in found.one_of and at not in found.within:
        values = list(choice.values()) if isinstance(choice, dict) else choice
        texts = ".strip(" in target or at[0] in (
            "answerKey",
            "answer_id",
            "category",
            "intent",
            "Correct",
            "polarity",
            "check",
        )
        if isinstance(values, list) and texts:
            found.one_of[at] = values
        elif found.kinds.get(at) in (None, "text"):
            found.kinds[at] = "number"
            found.most.setdefault(at, len(values) if isinstance(values, list) else 2)
    return found


def _bare(node: nodes.Node) -> nodes.Node:
    """What a text's methods are called of."""
    while isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr):
        node = node.node.node
    return node


def rows_of(raw: Mapping[str, Any], count: int, seed: int) -> list[dict[str, Any]]:
    """`count` rows in the columns that a task's templates ask for."""
    return made(columns_of(raw), count, seed)


def made(columns: Columns, count: int, seed: int) -> list[dict[str, Any]]:
    """`count` rows in these columns."""
    draw = random.Random(seed)
    return [_row(columns, n, draw, seed) for n in range(count)]


def odd(n: int) -> str:
    """A text that trips somebody, another for every number."""
    return ODD[n % len(ODD)].replace("{n}", str(n))


def _row(columns: Columns, n: int, draw: random.Random, seed: int) -> dict[str, Any]:
    row: dict[str, Any] = {}
    fixed = [least for path, least in columns.least.items() if columns.kinds.get(path) == "list"]
    size = max([4, *fixed]) if fixed else 3 + n % 2
    tops = {path[:i] for path in columns.kinds for i in range(1, len(path))}
    for number, (path, kind) in enumerate(sorted(columns.kinds.items(), key=lambda item: str(item[0]))):
        if "*" in path or (path in tops and kind != "records") or path in columns.within:
            continue
        put(row, path, _value(columns, path, kind, n, number, size, draw, seed))
    for path, of in columns.within.items():
        if "*" in of:
            held = _get(row, of[: of.index("*")])
            put(row, path, draw.choice([one[of[-1]] for one in held]) if isinstance(held, list) else "")
            continue
        values = _get(row, of)
        labels = [chr(65 + i) for i in range(len(values))] if isinstance(values, list) else []
        put(row, of, labels)
        put(row, path, draw.choice(labels or [""]))
    return row


def _value(
    columns: Columns, path: Path, kind: str, n: int, number: int, size: int, draw: random.Random, seed: int
) -> Any:
    if path in columns.one_of:
        return draw.choice(columns.one_of[path])
    if kind in ("number", "digits"):
        first = columns.least.get(path, 0)
        value = first + draw.randrange(columns.most.get(path, 2))
        return str(value) if kind == "digits" else value
    if kind == "list":
        return [odd(seed + 31 * n + 7 * number + i) + f" {'abcdefghijklm'[i]}" for i in range(size)]
    if kind == "mapping":
        return {letter: f"{odd(n + i)} {letter}" for i, letter in enumerate("ABCD")}
    if kind == "repr":
        return repr([f"{odd(n + i)} {letter}" for i, letter in enumerate("abcd")])
    if kind == "records":
        keys = [p[-1] for p in columns.kinds if "*" in p and p[: len(path)] == path]
        known = {key: columns.one_of.get((*path, "*", str(key)), []) for key in keys}
        return [
            {key: draw.choice(known[key]) if known[key] else f"{odd(n + i)} {i}" for key in keys}
            for i in range(size)
        ]
    between = f" {columns.holds[path]} " if path in columns.holds else " "
    return f"{odd(seed + 13 * n + number)}{between}{path[-1]}"


def put(row: dict[str, Any], path: Path, value: Any) -> None:
    """Puts a value at a path of a row, where nothing else is in the way."""
    for key in path[:-1]:
        row = row.setdefault(str(key), {})
        if not isinstance(row, dict):
            return
    row[str(path[-1])] = value


def _get(row: Any, path: Path) -> Any:
    for key in path:
        row = row.get(key) if isinstance(row, dict) else None
    return row
