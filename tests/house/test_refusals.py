"""Refusals that a page can show are sentences that can be translated."""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "e2lm_core"
# Read on a command line alone, or as the server starts.
COMMANDS = (
    "commands/",
    "deploy/",
    "runs/shards/",
    "imported/shelf/library.py",
    "imported/shelf/packing.py",
    "base/settings.py",
    "ui/requests/sign_in.py",
)


def kinds() -> set[str]:
    """Names of the errors whose text a user reads."""
    bases = [
        (node.name, {base.id for base in node.bases if isinstance(base, ast.Name)})
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    ]
    names = {"StudioError"}
    while more := {name for name, known in bases if known & names} - names:
        names |= more
    return names


def plain(source: str, names: set[str]) -> Iterator[int]:
    """Lines of errors whose text is written as a string."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and node.args:
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            text = node.args[0]
            written = isinstance(text, ast.JoinedStr) or isinstance(getattr(text, "value", None), str)
            if name in names and written:
                yield node.lineno


def test_every_refusal_of_a_page_can_be_translated() -> None:
    names = kinds()
    found = [
        f"{path.relative_to(PACKAGE)}:{line}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if not path.relative_to(PACKAGE).as_posix().startswith(COMMANDS)
        for line in plain(path.read_text(encoding="utf-8"), names)
    ]
    assert not found, "write Sentence(…) (base/sentences.py):\n" + "\n".join(found)


def test_the_check_sees_strings_alone() -> None:
    assert {"StudioError", "TaskError", "DiskFull", "TemplateRefused"} <= kinds()
    assert list(plain("raise TaskError(f'{name} is empty')", kinds())) == [1]
    assert list(plain("errors.StudioError('It is empty.')", kinds())) == [1]
    for good in (
        "raise TaskError(Sentence('{name} is empty', name=name))",
        "StudioError(text)",
        "ValueError('')",
    ):
        assert not list(plain(good, kinds()))
