"""Texts of the interface: listed old beside new, counted, and searched for phrases that are wrong wherever they stand.

`python -m scripts.strings` counts texts, words and words a sentence in each place, and prints what `banned.txt` forbids,
in the texts of commands and errors too.
`python -m scripts.strings OLD` lists the texts that another checkout has and this one lacks (-), and the other way
round (+).
"""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BANNED = Path(__file__).parent / "banned.txt"
MAX_MEAN_WORDS = 16  # of a sentence
_PROSE = re.compile(r"[A-Za-z]{2,}[,;:]? [a-z{*(]")
_CODE = re.compile(r"\n|</|=>|\bstroke|^[\w-]+: [\w-]+;|^SELECT |^INSERT |px\b|data-|st-key")
_QUOTED = re.compile(r"`[^`]*`")
_WORD = re.compile(r"[^\W\d_][\w'’-]*")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
# Words whose own texts are not the interface's.
_LOGGED = {"log", "logger", "logging", "warnings"}


def texts(root: Path = ROOT, everywhere: bool = False) -> dict[str, str]:
    """Texts of the interface, each with the first module that has it; a value in one is shown as `{…}`.

    Args:
        root: A checkout of the repository.
        everywhere: With the texts of all other modules: errors, commands and their help.
    """
    package, found = root / "e2lm_core", dict[str, str]()
    for path in sorted(package.rglob("*.py")):
        name, source = path.relative_to(package).as_posix(), path.read_text(encoding="utf-8")
        if (
            everywhere
            or name.startswith(("ui/places", "ui/editor", "ui/app"))
            or "messages" in name
            or "Sentence(" in source
        ):
            tree = ast.parse(source)
            for text in _prose(tree):
                found.setdefault(text, name)
            if everywhere and name.startswith("commands/"):
                for text in _docstrings(tree):
                    found.setdefault(text, name)
    return found


def place_of(module: str) -> str:
    """Place of a module's texts: one of the interface, or the room that makes sentences."""
    parts = module.removesuffix(".py").split("/")
    return "/".join(parts[: 3 if module.startswith("ui/places") else 2])


def sentences(text: str) -> list[str]:
    """Sentences of a text with three words or more."""
    return [one for one in _SENTENCE.split(text) if len(_WORD.findall(one)) > 2]


def mean_words(found: dict[str, str]) -> float:
    """Mean number of words of a sentence."""
    lengths = [len(_WORD.findall(one)) for text in found for one in sentences(text)]
    return sum(lengths) / len(lengths)


def banned() -> list[str]:
    """Phrases that no text may have, in small letters."""
    lines = BANNED.read_text(encoding="utf-8").splitlines()
    return [line.strip().lower() for line in lines if line.strip() and not line.startswith("#")]


def wrong(found: dict[str, str]) -> list[tuple[str, str, str]]:
    """Phrase, module and text of each text that has a banned phrase, or its plural, outside quoted code."""
    phrases = [
        (phrase, re.compile(rf"(?<!\w){re.escape(phrase)}s?(?!\w)", re.IGNORECASE)) for phrase in banned()
    ]
    return [
        (phrase, module, text)
        for text, module in found.items()
        for phrase, pattern in phrases
        if pattern.search(_QUOTED.sub("", text))
    ]


def _docstrings(tree: ast.Module) -> Iterator[str]:
    """First paragraphs of a module's functions: a command's is its help."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and (text := ast.get_docstring(node)):
            yield text.split("\n\n")[0]


def _prose(tree: ast.AST) -> Iterator[str]:
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        match node:
            case ast.Module(body=body) | ast.FunctionDef(body=body) | ast.ClassDef(body=body):
                if body and isinstance(body[0], ast.Expr):
                    skipped.update(id(part) for part in ast.walk(body[0]))
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name))) if name in _LOGGED:
                skipped.update(id(part) for part in ast.walk(node))
            case ast.JoinedStr(values=values):
                text = "".join(one.value if isinstance(one, ast.Constant) else "{…}" for one in values)
                skipped.update(id(one) for one in values if isinstance(one, ast.Constant))
                if _PROSE.search(text) and not _CODE.search(text):
                    yield text
            case ast.Constant(value=str(text)) if _PROSE.search(text) and not _CODE.search(text):
                yield text


def main() -> None:
    """Print the texts that differ, or the counts."""
    parser = argparse.ArgumentParser(description="List and count the texts of the interface.")
    parser.add_argument("old", nargs="?", type=Path, help="another checkout, whose texts are listed beside")
    old, found = parser.parse_args().old, texts()
    if old is not None:
        before = texts(old)
        for module in sorted({*found.values(), *before.values()}):
            print(
                *(f"- {text}" for text, of in before.items() if of == module and text not in found), sep="\n"
            )
            print(
                *(f"+ {text}" for text, of in found.items() if of == module and text not in before), sep="\n"
            )
    places = sorted({place_of(module) for module in found.values()})
    for place in places:
        here = {text: module for text, module in found.items() if place_of(module) == place}
        words = sum(len(_WORD.findall(text)) for text in here)
        mean = f"{mean_words(here):.1f}" if any(map(sentences, here)) else "–"
        print(f"{place:32} {len(here):5} texts {words:6} words {mean:>5} a sentence")
    print(f"{len(found)} texts, {mean_words(found):.1f} words a sentence (at most {MAX_MEAN_WORDS}).")
    for phrase, module, text in wrong(texts(everywhere=True)):
        print(f"{module}: “{phrase}” in: {text}")


if __name__ == "__main__":
    main()
