"""Catalogues of the interface's translations: updated from the code, and compiled.

`python -m scripts.translations` brings every `ui/base/locale/LANGUAGE/LC_MESSAGES/studio.po` up to date: texts that the
code has gained stand there untranslated, those that it has lost are dropped; the `.mo` beside it is what pages read.
`python -m scripts.translations LANGUAGE` begins a new one. What is not translated is listed (+), as is what was dropped (-), and shows English.
"""

from __future__ import annotations

import argparse
import ast
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from e2lm_core.base.settings import ENGLISH, LOCALE, languages
from e2lm_core.ui.base.language import DOMAIN

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "e2lm_core"
# Calls that translate their text, or whose text is translated where it is shown, with the places of the text.
SINGLE = {
    "language": {"translate": (0,), "mark": (0,)},
    "markdown": {
        **dict.fromkeys(("fill_template", "markdown", "caption", "info", "title", "toast"), (0,)),
        **dict.fromkeys(("success", "warning", "error"), (0,)),
    },
    "widgets": {"headline": (0,), "empty_state": (0,), "run_first": (0,), "how_computed": tuple(range(9))},
    "urls": {"link": (1,)},
    "": {
        "translate": (0,),
        "mark": (0,),
        "Sentence": (0,),
        "Place": (1,),
        "Tab": (1,),
        "headline": (0,),
        "empty_state": (0,),
        "link": (1,),
    },
}
PLURAL = {"language": ("translate_count",), "markdown": ("fill_count",), "": ("Sentence",)}
COUNT = ("formatting", "count")  # the number of a thing, by its noun
# Modules below the interface whose constant texts pages show as they are; computed ones are a `Sentence`.
CONSTANTS = {
    "imported/shelf/messages.py": ("COLUMN_HELP",),
    "base/labels.py": ("METRIC_HELP", "SCORE_NAMES", "SCORE_HELP", "PART_HELP"),
    "runs/messages/doors.py": (),
    "runs/messages/overview.py": ("_THROUGH",),
    "scores/ranking/readings.py": ("LABELS", "HELP"),
    "analysis/questions/problems.py": ("TITLES",),
    "analysis/questions/messages.py": ("COLUMN_LABEL", "COLUMN_HELP"),
}
_SYNTAX = re.compile(r"\{[^}]*\}|:material/\w+:|:\w+(-badge)?\[|[\W\d_]")
_ENTRY = re.compile(r'^(msgid|msgid_plural|msgstr|msgstr\[(\d+)\]) "(.*)"$|^"(.*)"$')
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}
PLURALS = "Plural-Forms: nplurals=2; plural=(n != 1);"
HEAD = f"Language: {{}}\nMIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n{PLURALS}\n"


class Text(NamedTuple):
    """A text of the interface: its English words, and those for other numbers than 1, "" without them."""

    one: str
    many: str = ""


def extracted(package: Path = PACKAGE) -> dict[Text, list[str]]:
    """Texts of the interface, each with the modules that show it, in the order of the modules."""
    found: dict[Text, list[str]] = {}
    for path in sorted(package.rglob("*.py"), key=lambda path: ("ui" not in path.parts, path)):
        source, name = path.read_text(encoding="utf-8"), path.relative_to(package).as_posix()
        if not name.startswith("ui/") and "Sentence(" not in source and name not in CONSTANTS:
            continue
        tree = ast.parse(source)
        constants = _constants(tree, CONSTANTS[name]) if name in CONSTANTS else ()
        for text in [*_called(tree), *constants]:
            if name not in found.setdefault(text, []):
                found[text].append(name)
    return found


def _called(tree: ast.AST) -> Iterator[Text]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=module), attr=name)):
                pass
            case ast.Call(func=ast.Name(id=name)):
                module = ""
            case _:
                continue
        forms = [one.value for one in node.args if isinstance(one, ast.Constant) and type(one.value) is str]
        if (module, name) == COUNT and forms:
            yield Text(f"{{number}} {forms[0]}", f"{{number}} {forms[1] if forms[1:] else f'{forms[0]}s'}")
        if name in PLURAL.get(module, ()) and len(node.args) > 1 and len(forms) > 1:
            yield Text(forms[0], forms[1])
            continue
        for at in SINGLE.get(module, {}).get(name, ()):
            if at < len(node.args):
                yield from (Text(text) for text in _literals(node.args[at]) if _has_words(text))


def _literals(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp():
            yield from _literals(node.body)
            yield from _literals(node.orelse)
        case ast.BoolOp():
            for value in node.values:
                yield from _literals(value)


def _constants(tree: ast.AST, names: tuple[str, ...]) -> Iterator[Text]:
    """Values of these dictionaries, texts given by name to records, and whole sentences that are returned."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Dict(values=values)) if name in names:
                texts = [text for value in values for text in _literals(value)]
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Dict(values=values)) if name in names:
                texts = [text for value in values for text in _literals(value)]
            case ast.keyword(arg="label" | "sentence" | "action", value=value):
                texts = list(_literals(value))
            case ast.Return(value=ast.Constant(value=str(text))) if text.endswith((".", ".**")):
                texts = [text]
            case _:
                continue
        yield from (Text(one) for one in texts if _has_words(one))


def _has_words(text: str) -> bool:
    return len(_SYNTAX.sub("", text)) > 1


# --- files ------------------------------------------------------------------------------------------------


def catalogue_file(language: str) -> Path:
    """File of a language's translations."""
    return LOCALE / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def read(path: Path) -> dict[Text, tuple[str, ...]]:
    """Translations of a .po file, one for each plural form; the head is that of the empty text.

    Raises:
        ValueError: A line is not of this format, or an entry is marked as fuzzy.
    """
    entries: dict[Text, tuple[str, ...]] = {}
    for block in re.split(r"\n\s*\n", path.read_text(encoding="utf-8")):
        fields: dict[str, str] = {}
        last = ""
        for line in block.splitlines():
            if line.startswith("#"):
                if "fuzzy" in line and line.startswith("#,"):
                    raise ValueError(f"{path.name} has a fuzzy entry: translate it, and remove the mark.")
                continue
            if not (match := _ENTRY.match(line)):
                raise ValueError(f"{path.name} has a line of another format: {line!r}")
            last = match[1] or last
            fields[last] = fields.get(last, "") + _unescaped(match[3] if match[1] else match[4])
        if fields:
            forms = tuple(fields[name] for name in sorted(fields) if name.startswith("msgstr"))
            entries[Text(fields["msgid"], fields.get("msgid_plural", ""))] = forms
    return entries


def written(language: str, texts: dict[Text, list[str]], known: dict[Text, tuple[str, ...]]) -> str:
    """Content of a .po file: every text of the code with its known translation.

    Args:
        language: The language.
        texts: Texts with their modules, see `extracted`.
        known: Known translations, see `read`.
    """
    head = known.get(Text(""), (HEAD.format(language),))
    blocks = [f'msgid ""\nmsgstr "{_escaped(head[0])}"']
    for text, modules in texts.items():
        lines = [f"#: {' '.join(modules)}", f'msgid "{_escaped(text.one)}"']
        if text.many:
            forms = known.get(text, ("", ""))
            lines.append(f'msgid_plural "{_escaped(text.many)}"')
            lines += [f'msgstr[{n}] "{_escaped(form)}"' for n, form in enumerate(forms)]
        else:
            lines.append(f'msgstr "{_escaped(known.get(text, ("",))[0])}"')
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def compiled(entries: dict[Text, tuple[str, ...]]) -> bytes:
    """Translations as a .mo file of gettext; texts without a translation are left out."""
    pairs = sorted(
        ("\0".join(filter(None, text)).encode(), "\0".join(forms).encode())
        for text, forms in entries.items()
        if all(forms)
    )
    start = 7 * 4 + 16 * len(pairs)
    data, tables = b"", ([], [])
    for side in (0, 1):
        for pair in pairs:
            tables[side].append((len(pair[side]), start + len(data)))
            data += pair[side] + b"\0"
    index = b"".join(struct.pack("<2I", *entry) for side in tables for entry in side)
    ends = (7 * 4, 7 * 4 + 8 * len(pairs), 0, start)
    return struct.pack("<7I", 0x950412DE, 0, len(pairs), *ends) + index + data


def untranslated(language: str) -> list[Text]:
    """Texts of the code that have no translation."""
    known = read(catalogue_file(language))
    return [text for text in extracted() if not all(known.get(text, ("",)))]


def stale(language: str) -> list[Text]:
    """Translated texts that the code has no more."""
    texts = extracted()
    return [text for text in read(catalogue_file(language)) if text.one and text not in texts]


def update(language: str) -> None:
    """Write a language's catalogue and its compiled form anew; begin it if there is none."""
    path = catalogue_file(language)
    known = read(path) if path.exists() else {}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(written(language, extracted(), known), encoding="utf-8")
    path.with_suffix(".mo").write_bytes(compiled(read(path)))


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(letter, letter) for letter in text)


def _unescaped(text: str) -> str:
    by_mark = {escape[1]: letter for letter, escape in _ESCAPES.items()}
    return re.sub(r"\\(.)", lambda found: by_mark[found[1]], text)


def main() -> None:
    """Update the catalogues, and list what they lack."""
    parser = argparse.ArgumentParser(description="Update and compile the interface's translations.")
    parser.add_argument("language", nargs="*", help="languages to update or begin; all by default")
    for name in parser.parse_args().language or [one for one in languages() if one != ENGLISH]:
        dropped = stale(name) if catalogue_file(name).exists() else []
        update(name)
        lacking, number = untranslated(name), len(extracted())
        for text in dropped:
            print(f"- {text.one}")
        for text in lacking:
            print(f"+ {text.one}")
        print(
            f"{name}: {number - len(lacking)} of {number} texts are translated; {len(dropped)} were dropped."
        )


if __name__ == "__main__":
    main()
