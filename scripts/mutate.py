"""Mutation test: single defects drawn at random over the rooms, each run against its module's own tests.

    python -m scripts.mutate [--count 60] [--seed 20261129] [--only NUMBER …] [--list] [--min-caught 54]

A mutant is one changed expression: a comparison, a number, a boundary (`+ 1`, an index, the end of a slice or of a
range) or a returned value. Rooms are drawn by their lines of code, and within a room each possible mutant has a lot
of its own, made from the seed and from what it changes: code that changes elsewhere draws no other mutants. Nothing
that was drawn is replaced. Each mutant is tested in a copy of the checkout by the test file that mirrors its module;
mutants that no test can tell from the original are listed in `EQUIVALENT`, with the reason.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "e2lm_core"
SEED = 20261129
COUNT = 60
TIMEOUT_S = 900.0  # of one test file without a defect
MAX_CHARS = 80  # of an expression in a mutant's name
SLOWER = 5.0  # a mutant that takes so many times as long as the original is caught

OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
LOGGING = {"debug", "info", "warning", "error", "exception"}

# Mutants that behave as the original does, by name, each with the reason. They count neither as caught nor as survived.
EQUIVALENT: dict[str, str] = {
    "e2lm_core/analysis/questions/traits.py _gold_ratio: float('nan') -> None": (
        "Its one caller puts it into an array of float64, which makes NaN of None."
    ),
    "e2lm_core/analysis/ranks/question_influence.py question_influence: models - 1 -> models + 1": (
        "It decides how many questions are left out at once, to bound memory; the result is the same for any number."
    ),
    "e2lm_core/checkpoints/hub/rolling_leases.py module: 0.05 -> 1.05": (
        "How long is waited between two looks at a lock: what is done is the same."
    ),
    "e2lm_core/relevance/embedders/packaged.py join_archive: 2 -> 3": (
        "The base of a copying buffer's size: the bytes that are copied are the same."
    ),
    "e2lm_core/runs/evaluate.py RunResult: 0 -> 1 (2)": (
        "A default that the one place that makes a result, `evaluate`, never uses: it gives the counted tokens."
    ),
    "e2lm_core/scores/uncertainty/null.py _copies: 1 -> 2 (5)": (
        "The mark of a question without a group: only its sign is read, and with such questions there are two classes."
    ),
    "e2lm_core/sets/formats/columns.py _answer_column: 0 -> 1 (3)": (
        "The numbers of rows as answers: 1 of at least 3 cells, which is as far below the 60% that make a column likely."
    ),
    "e2lm_core/sets/history/delta.py _Section._put_one: 1 -> 2": (
        "The place of a question that stood behind none, which is 0 in every journal: the line before has put it there."
    ),
    "e2lm_core/ui/cache/results.py known_scores: 0 -> 1": (
        "A set on one checkpoint has no score, and its page says so whether the score is known or still to be computed."
    ),
}


@dataclass(frozen=True)
class Mutant:
    """One changed expression of one module.

    Attributes:
        path: The module, relative to the checkout.
        function: The function around it, with its classes; "" at the top of the module.
        kind: comparison, number, boundary or return.
        before: The expression as it is, in one line.
        after: The expression with the defect.
        start: Offset of the expression's first byte in the module.
        end: Offset behind its last byte.
        repeat: Number of equal mutants before it in the same function.
    """

    path: str
    function: str
    kind: str
    before: str
    after: str
    start: int
    end: int
    repeat: int = 0

    @property
    def name(self) -> str:
        """The mutant's name, which does not depend on its line."""
        again = f" ({self.repeat + 1})" if self.repeat else ""
        before, after = (
            textwrap.shorten(text, MAX_CHARS, placeholder=" …") for text in (self.before, self.after)
        )
        return f"{self.path} {self.function or 'module'}: {before} -> {after}{again}"

    @property
    def room(self) -> str:
        """The folder below the package; "" for a module at its top."""
        parts = self.path.split("/")
        return parts[1] if len(parts) > 2 else ""


def mutants(source: str, path: str) -> list[Mutant]:
    """All mutants of a module's text, in its order; none in annotations, messages, logging or type checking."""
    visitor = _Visitor(source, path)
    visitor.visit(ast.parse(source))
    found: list[Mutant] = []
    seen: Counter[str] = Counter()
    for mutant in sorted(visitor.found, key=lambda m: (m.start, -m.end, m.after)):
        found.append(Mutant(**{**vars(mutant), "repeat": seen[mutant.name]}))
        seen[mutant.name] += 1
    return found


def mutated(source: str, mutant: Mutant) -> str:
    """The module's text with the mutant's defect."""
    data = source.encode()
    return (data[: mutant.start] + f"({mutant.after})".encode() + data[mutant.end :]).decode()


def draw(root: Path, count: int, seed: int) -> list[Mutant]:
    """`count` mutants of the package, without repeats: a room by its lines, in the room the lowest lots.

    Args:
        root: The checkout.
        count: Number of mutants.
        seed: Seed of the rooms and of the lots.
    """
    rooms: dict[str, list[Mutant]] = {}
    lines: Counter[str] = Counter()
    for path in sorted((root / PACKAGE).rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        for mutant in mutants(source, path.relative_to(root).as_posix()):
            rooms.setdefault(mutant.room, []).append(mutant)
        room = path.relative_to(root / PACKAGE).parts[0] if path.parent != root / PACKAGE else ""
        lines[room] += len(source.splitlines())
    names = sorted(rooms)
    lots = {
        name: sorted(rooms[name], key=lambda m: random.Random(f"{seed} {m.name}").random()) for name in names
    }
    random.seed(seed)
    wanted = random.choices(names, weights=[lines[name] for name in names], k=count)
    return [lots[name].pop(0) for name in wanted]


def tests_of(root: Path, module: str) -> list[str]:
    """The tests that mirror a module: its own file, else those its docstring names, else its folder's."""
    path = Path(module).relative_to(PACKAGE)
    mirror = Path("tests") / path.parent / f"test_{path.stem}.py"
    if (root / mirror).exists():
        return [mirror.as_posix()]
    text = (root / module).read_text(encoding="utf-8")
    named = re.findall(r"tests/[\w/]+\.py", ast.get_docstring(ast.parse(text)) or "")
    if found := [name for name in named if (root / name).exists()]:
        return found
    folder = mirror.parent
    while not (root / folder).is_dir():
        folder = folder.parent
    return sorted(p.relative_to(root).as_posix() for p in (root / folder).glob("test_*.py")) or [
        folder.as_posix()
    ]


class Bench:
    """A copy of the checkout in which one module at a time has a defect."""

    def __init__(self, root: Path, scratch: Path) -> None:
        """Copy the files that git knows or would take; `root` itself is never changed."""
        self.root = scratch / "copy"
        (scratch / "tmp").mkdir()
        self._tmp = scratch / "tmp"
        self._seconds: dict[tuple[str, ...], tuple[float, bool]] = {}
        self._writes = 0
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard", "-z"],
            cwd=root,
            capture_output=True,
            check=True,
        ).stdout.decode()
        for name in filter(None, listed.split("\0")):
            if (root / name).is_file():
                (self.root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / name, self.root / name)

    def outcome(self, mutant: Mutant) -> str:
        """`caught`, `caught (time)` or `survived`.

        Raises:
            RuntimeError: The tests fail without the defect.
        """
        tests = tests_of(self.root, mutant.path)
        limit, slow = self._baseline(tests)
        path = self.root / mutant.path
        source = path.read_text(encoding="utf-8")
        self._write(path, mutated(source, mutant))
        try:
            status = self._pytest(tests, slow, limit)[0]
        finally:
            self._write(path, source)
        if status is None:
            return "caught (time)"
        return "survived" if status == 0 else "caught"

    def _baseline(self, tests: list[str]) -> tuple[float, bool]:
        """The time limit of these tests, and whether they are all slow ones."""
        if (key := tuple(tests)) not in self._seconds:
            status, seconds = self._pytest(tests, False, TIMEOUT_S)
            if slow := status == 5:  # no test is left
                status, seconds = self._pytest(tests, True, TIMEOUT_S)
            if status != 0:
                raise RuntimeError(f"{' '.join(tests)} does not pass without a defect: {self.printed}")
            self._seconds[key] = (60 + SLOWER * seconds, slow)
        return self._seconds[key]

    def _pytest(self, tests: list[str], slow: bool, limit: float) -> tuple[int | None, float]:
        """Exit status (None past the limit) and seconds of the tests, up to the first that fails."""
        words = [*tests, "-x", "-q", "-p", "no:cacheprovider", *([] if slow else ["-m", "not slow"])]
        before = os.times()
        # A defect of the same length in the same second would run as the bytecode of the one before.
        own = {"TMPDIR": str(self._tmp), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *words],
            cwd=self.root,
            env=os.environ | own,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            self.printed = process.communicate(timeout=limit)[0][-2000:]
            status: int | None = process.returncode
        except subprocess.TimeoutExpired:
            status = None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        return status, os.times().elapsed - before.elapsed

    def _write(self, path: Path, source: str) -> None:
        """Write a module with a time of its own: bytecode is taken for new where second and size are the same."""
        self._writes += 1
        path.write_text(source, encoding="utf-8")
        seconds = 1_000_000_000 + self._writes
        os.utime(path, (seconds, seconds))


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw the mutants, test each, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=COUNT, help="how many are drawn")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--only", type=int, nargs="+", help="test these numbers of the draw alone")
    parser.add_argument("--list", action="store_true", help="print the draw and test nothing")
    parser.add_argument("--min-caught", type=int, default=0, help="exit 1 where fewer are caught")
    options = parser.parse_args(arguments)
    drawn = list(enumerate(draw(ROOT, options.count, options.seed), 1))
    if options.only:
        drawn = [(number, mutant) for number, mutant in drawn if number in options.only]
    if options.list:
        for number, mutant in drawn:
            print(row(number, mutant.kind, mutant))
        return
    with tempfile.TemporaryDirectory(prefix="mutate-") as scratch:
        bench = Bench(ROOT, Path(scratch))
        outcomes = Counter(_tested(bench, number, mutant) for number, mutant in drawn)
    print(total(outcomes))
    if outcomes["caught"] < options.min_caught:
        raise SystemExit(1)


def _tested(bench: Bench, number: int, mutant: Mutant) -> str:
    """Test one mutant, print its row, and return its outcome as it counts."""
    outcome = bench.outcome(mutant)
    if outcome == "survived" and mutant.name in EQUIVALENT:
        outcome = "equivalent"
    print(row(number, outcome, mutant), flush=True)
    if outcome == "equivalent":
        print(textwrap.indent(EQUIVALENT[mutant.name], " " * 20), flush=True)
    return outcome.removesuffix(" (time)")


def row(number: int, outcome: str, mutant: Mutant) -> str:
    """A mutant's line in the table."""
    return f"{number:>3}  {outcome:<13}  {mutant.name}"


def total(outcomes: Counter[str]) -> str:
    """The table's last line."""
    return (
        f"{outcomes['caught']} of {outcomes.total()} caught, {outcomes['survived']} survived, "
        f"{outcomes['equivalent']} equivalent by hand"
    )


class _Visitor(ast.NodeVisitor):
    """Collects the mutants of one module; what holds none is not entered."""

    def __init__(self, source: str, path: str) -> None:
        self.found: list[Mutant] = []
        self._path = path
        self._function: list[str] = []
        # Columns of the syntax tree count bytes.
        self._starts = [0]
        for line in source.encode().splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def _add(self, kind: str, node: ast.expr, after: ast.expr) -> None:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        self.found.append(
            Mutant(
                self._path,
                ".".join(self._function),
                kind,
                ast.unparse(node),
                ast.unparse(after),
                self._starts[node.lineno - 1] + node.col_offset,
                self._starts[node.end_lineno - 1] + node.end_col_offset,
            )
        )

    # What changes nothing that a program does, or only a message.

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        pass

    def visit_Raise(self, node: ast.Raise) -> None:
        pass

    def visit_If(self, node: ast.If) -> None:
        if ast.unparse(node.test) not in ("TYPE_CHECKING", "__name__ == '__main__'"):
            self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_arg(self, node: ast.arg) -> None:
        pass

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._within(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._within(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._within(node)

    def _within(self, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._function.append(node.name)
        for name, value in ast.iter_fields(node):
            if name != "returns":
                for child in value if isinstance(value, list) else [value]:
                    if isinstance(child, ast.AST):
                        self.visit(child)
        self._function.pop()

    # What does.

    def visit_Compare(self, node: ast.Compare) -> None:
        for place, operator in enumerate(node.ops):
            after = copy.deepcopy(node)
            after.ops[place] = OPPOSITE[type(operator)]()
            self._add("comparison", node, after)
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if (number := _number(node)) is not None:
            self._add("number", node, ast.Constant(number + 1))

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if isinstance(node.op, ast.Add | ast.Sub) and 1 in (_number(node.left), _number(node.right)):
            after = copy.deepcopy(node)
            after.op = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
            self._add("boundary", node, after)
            for side in (node.left, node.right):
                if not isinstance(side, ast.Constant):
                    self.visit(side)
        else:
            self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self.visit(node.value)
        index = node.slice
        if isinstance(index, ast.UnaryOp) and (number := _number(index.operand)) is not None:
            self._add("boundary", index, ast.UnaryOp(index.op, ast.Constant(number + 1)))
        elif _number(index) is not None:
            self._shift(index)
        else:
            self.visit(index)

    def visit_Slice(self, node: ast.Slice) -> None:
        for end in (node.lower, node.upper):
            if end is not None:
                self._shift(end)
        if node.step is not None:
            self.visit(node.step)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Attribute) and node.func.attr in LOGGING:
            return
        if isinstance(node.func, ast.Name) and node.func.id == "range" and not node.keywords:
            stop = node.args[0] if len(node.args) == 1 else node.args[1]
            for argument in node.args:
                if argument is stop:
                    self._shift(argument)
                else:
                    self.visit(argument)
        else:
            self.generic_visit(node)

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is None:
            return
        value = node.value.value if isinstance(node.value, ast.Constant) else ...
        if value is not None:
            self._add("return", node.value, ast.Constant(not value if isinstance(value, bool) else None))
        self.visit(node.value)

    def _shift(self, end: ast.expr) -> None:
        """An end that lies one further, and what else may be changed within it."""
        if (number := _number(end)) is not None:
            self._add("boundary", end, ast.Constant(number + 1))
            return
        self._add("boundary", end, ast.BinOp(copy.deepcopy(end), ast.Add(), ast.Constant(1)))
        self.visit(end)


def _number(node: ast.AST) -> int | float | None:
    """The number that a constant is; None for anything else, truth values too."""
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return cast("int | float", node.value)
    return None


if __name__ == "__main__":
    main()
