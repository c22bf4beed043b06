"""Mutants of a module: where they are, which are drawn, and that the mirrored test decides, in a copy alone."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from scripts import mutate
from tests.conftest import ROOT

MODULE = '''"""Limits: 3 of them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_ROWS = 3


def is_full(rows: "Sequence[int]", wide: tuple[int, int] = (1, 2)) -> bool:
    """Whether no more than 3 fit."""
    if len(rows) > MAX_ROWS * 10:
        raise ValueError(f"{len(rows) + 1} are more than {MAX_ROWS * 10}")
    return "é" != "e" and len(rows) >= MAX_ROWS


def rest(rows: "Sequence[int]") -> "Sequence[int]":
    return rows[1:-1] if rows[-1] else rows[: len(rows) - 1]


def never() -> bool:
    return False
'''
TEST = """from e2lm_core.rooms.limits import is_full


def test_is_full():
    assert is_full([1, 2, 3])
    assert not is_full([1, 2])
"""


def changes(source: str) -> list[str]:
    return [f"{m.kind}: {m.before} -> {m.after}" for m in mutate.mutants(source, "e2lm_core/a.py")]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("a = b < 3 != c", ["comparison: b < 3 != c -> b < 3 == c", "comparison: b < 3 != c -> b <= 3 != c"]),
        ("a = b is None", ["comparison: b is None -> b is not None"]),
        ("a = 2.5", ["number: 2.5 -> 3.5"]),
        ("a = True", []),
        ("a = b + 1", ["boundary: b + 1 -> b - 1"]),
        ("a = 1 - b", ["boundary: 1 - b -> 1 + b"]),
        ("a = b[0]", ["boundary: 0 -> 1"]),
        ("a = b[-1]", ["boundary: -1 -> -2"]),
        ("a = b[:n]", ["boundary: n -> n + 1"]),
        ("a = range(2, n)", ["number: 2 -> 3", "boundary: n -> n + 1"]),
        ("def f() -> int:\n    return g()", ["return: g() -> None"]),
        ("def f() -> bool:\n    return True", ["return: True -> False"]),
        ("def f() -> None:\n    return None", []),
    ],
)
def test_each_kind_of_defect(source: str, found: list[str]) -> None:
    assert [change for change in changes(source) if "3 -> 4" not in change] == found


@pytest.mark.parametrize(
    "source",
    [
        '"""Not 3."""',
        "def f(a: Annotated[int, 3]) -> Literal[4]:\n    pass",
        "a: Annotated[int, 3]",
        'a = f"{b + 1:.3f} of {c[0]}"',
        "raise Error(3)",
        "log.warning(a[0], 3)",
        "if TYPE_CHECKING:\n    a = 3",
        "if __name__ == '__main__':\n    main(3)",
    ],
)
def test_messages_annotations_and_type_checking_hold_none(source: str) -> None:
    assert changes(source) == []


def test_a_defect_changes_its_own_bytes_alone() -> None:
    for mutant in mutate.mutants(MODULE, "e2lm_core/rooms/limits.py"):
        text = mutate.mutated(MODULE, mutant)
        compile(text, "limits.py", "exec")
        before, after = MODULE.encode(), text.encode()
        assert after[: mutant.start] == before[: mutant.start]
        assert after.endswith(before[mutant.end :])
    (last,) = [m for m in mutate.mutants(MODULE, "e2lm_core/a.py") if m.function == "never"]
    assert mutate.mutated(MODULE, last).endswith("    return (True)\n")


def test_a_name_does_not_depend_on_lines_and_each_has_one() -> None:
    names = [m.name for m in mutate.mutants(MODULE, "e2lm_core/rooms/limits.py")]
    assert len(set(names)) == len(names)
    moved = "import os\n" + MODULE
    assert [m.name for m in mutate.mutants(moved, "e2lm_core/rooms/limits.py")] == names
    assert (
        "e2lm_core/rooms/limits.py is_full: len(rows) > MAX_ROWS * 10 -> len(rows) >= MAX_ROWS * 10" in names
    )


# --- a small checkout ---------------------------------------------------------------------------------


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A package of two rooms of which one has a test."""
    root = tmp_path / "checkout"
    for name, text in {
        "e2lm_core/__init__.py": "",
        "e2lm_core/rooms/__init__.py": "",
        "e2lm_core/rooms/limits.py": MODULE,
        "e2lm_core/other/__init__.py": "",
        "e2lm_core/other/one.py": '"""One.\n\nTested in tests/rooms/test_limits.py.\n"""\n\nONE = 1\nTWO = 2\n',
        "tests/rooms/test_limits.py": TEST,
        "pyproject.toml": '[tool.pytest.ini_options]\nmarkers = ["slow: long"]\n',
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    return root


def test_the_draw_is_the_same_each_time_and_repeats_nothing(checkout: Path) -> None:
    drawn = mutate.draw(checkout, 8, 1)
    assert mutate.draw(checkout, 8, 1) == drawn
    assert len(set(drawn)) == 8
    assert mutate.draw(checkout, 8, 2) != drawn


def test_code_elsewhere_draws_no_other_mutants_of_a_room(checkout: Path) -> None:
    def of_rooms() -> list[str]:
        return [m.name for m in mutate.draw(checkout, 8, 1) if m.room == "rooms"]

    before = of_rooms()
    one = checkout / "e2lm_core/other/one.py"
    one.write_text("import os\n" + one.read_text(encoding="utf-8"), encoding="utf-8")
    after = of_rooms()
    assert after[: len(before)] == before[: len(after)]


def test_the_tests_of_a_module(checkout: Path) -> None:
    for module in ("rooms/limits.py", "other/one.py", "rooms/__init__.py"):
        assert mutate.tests_of(checkout, f"e2lm_core/{module}") == ["tests/rooms/test_limits.py"]


def test_the_mirrored_test_decides_in_a_copy(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    bench = mutate.Bench(checkout, tmp_path / "scratch")
    found = {m.name.split(": ")[1]: m for m in mutate.mutants(MODULE, "e2lm_core/rooms/limits.py")}
    assert bench.outcome(found["len(rows) >= MAX_ROWS -> len(rows) > MAX_ROWS"]) == "caught"
    assert bench.outcome(found["False -> True"]) == "survived"
    for root in (checkout, bench.root):
        assert (root / "e2lm_core/rooms/limits.py").read_text(encoding="utf-8") == MODULE


def test_tests_that_fail_without_a_defect_judge_none(checkout: Path, tmp_path: Path) -> None:
    (checkout / "tests/rooms/test_limits.py").write_text("def test_wrong():\n    assert False\n")
    (tmp_path / "scratch").mkdir()
    with pytest.raises(RuntimeError, match="does not pass without a defect"):
        mutate.Bench(checkout, tmp_path / "scratch").outcome(
            mutate.mutants(MODULE, "e2lm_core/rooms/limits.py")[0]
        )


def test_every_equivalent_mutant_has_its_reason() -> None:
    assert all(reason.endswith(".") for reason in mutate.EQUIVALENT.values())
    assert (
        mutate.total(mutate.Counter(caught=3, survived=1))
        == "3 of 4 caught, 1 survived, 0 equivalent by hand"
    )


def test_each_equivalent_mutant_is_of_a_function_or_class_that_is_there() -> None:
    for name in mutate.EQUIVALENT:
        path, _, rest = name.partition(" ")
        of = rest.partition(":")[0].rpartition(".")[2]
        source = (ROOT / path).read_text("utf-8")
        assert of == "module" or f"def {of}(" in source or f"class {of}(" in source, name
