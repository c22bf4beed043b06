"""Nouns of the same kind as a noun, from WordNet's data files (wndb(5WN)) where they are installed.

Of the noun's two most frequent senses, the other nouns below the same broader term: copper for iron, both metallic elements.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

FOLDER = "/usr/share/wordnet"  # of Debian's wordnet-base
ORIGIN = "WordNet"
MAX_SIBLINGS = 5
_SENSES = 2
_MAX_LINE = 65_536  # the longest of WordNet 3.0 has 16 kB
_BROADER, _NARROWER = ("@", "@i"), ("~", "~i")
_ARTICLES = ("a", "an", "the")


class _Synset(NamedTuple):
    words: tuple[str, ...]
    broader: tuple[int, ...]
    narrower: tuple[int, ...]


def siblings(answer: str, limit: int = MAX_SIBLINGS) -> list[str]:
    """Nouns below the same broader term, those in common use and of the same length first, written as the answer is.

    Args:
        answer: A noun, with or without its article.
        limit: Largest number of nouns.

    Returns:
        The nouns; none without WordNet, or if the answer is no noun that it lists. No synonym of the answer, and no
        broader or narrower term of it, is among them.
    """
    folder = Path(os.environ.get("WNSEARCHDIR") or FOLDER)
    words = answer.split()
    article = words.pop(0).lower() if len(words) > 1 and words[0].lower() in _ARTICLES else ""
    noun = " ".join(words)
    try:
        with (folder / "index.noun").open("rb") as index, (folder / "data.noun").open("rb") as data:
            found = _ranked(index, data, noun)
    except (OSError, ValueError, IndexError):  # not installed, or other files than WordNet's
        return []
    return [_written(name, noun, article) for name in found[:limit]]


def _ranked(index: BinaryIO, data: BinaryIO, noun: str) -> list[str]:
    senses = _senses(index, noun)
    own = [_synset(data, offset) for offset in senses]
    related = {*senses, *(at for one in own for at in (*one.broader, *one.narrower))}
    taken = {word.casefold() for at in related for word in _synset(data, at).words}
    found: dict[str, tuple[int, bool, int]] = {}
    for rank, sense in enumerate(own[:_SENSES]):
        for at in _below(data, sense):
            name = _synset(data, at).words[0]
            if at not in related and name.casefold() not in taken and name not in found:
                found[name] = (rank, not _is_common(index, name), abs(len(name) - len(noun)))
    return sorted(found, key=lambda name: (*found[name], name))


def _below(data: BinaryIO, sense: _Synset) -> Iterator[int]:
    for broader in sense.broader:
        yield from _synset(data, broader).narrower


def _is_common(index: BinaryIO, name: str) -> bool:
    """Whether the noun occurs in the texts that WordNet's authors marked."""
    line = _index_line(index, name)
    return line is not None and int(line[5 + int(line[3])]) > 0


def _senses(index: BinaryIO, noun: str) -> list[int]:
    """Offsets of a noun's synsets, the most frequent sense first."""
    line = _index_line(index, noun)
    return [] if line is None else [int(offset) for offset in line[6 + int(line[3]) :]]


def _index_line(index: BinaryIO, noun: str) -> list[str] | None:
    """Fields of a noun's line in the sorted index, found by bisection; None if there is none."""
    wanted = noun.lower().replace(" ", "_").encode()
    low, high = 0, index.seek(0, os.SEEK_END)
    while low < high:  # the line that begins at or after `low`
        middle = (low + high) // 2
        index.seek(middle)
        if middle:
            index.readline(_MAX_LINE)
        line = index.readline(_MAX_LINE)
        if line and (line.startswith(b" ") or line.split(b" ", 1)[0] < wanted):
            low = middle + 1
        else:
            high = middle
    index.seek(low)
    if low:
        index.readline(_MAX_LINE)
    fields = index.readline(_MAX_LINE).decode("ascii").split()
    return fields if fields and fields[0].encode() == wanted else None


def _synset(data: BinaryIO, offset: int) -> _Synset:
    data.seek(offset)
    fields = data.readline(_MAX_LINE).decode("ascii").split()
    if int(fields[0]) != offset:
        raise ValueError(offset)
    count = int(fields[3], 16)
    words = tuple(word.replace("_", " ") for word in fields[4 : 4 + 2 * count : 2])
    at = 4 + 2 * count
    pointers = [fields[at + 1 + 4 * n : at + 5 + 4 * n] for n in range(int(fields[at]))]
    nouns = [(symbol, int(to)) for symbol, to, part, _ in pointers if part == "n"]
    return _Synset(
        words,
        tuple(to for symbol, to in nouns if symbol in _BROADER),
        tuple(to for symbol, to in nouns if symbol in _NARROWER),
    )


def _written(name: str, noun: str, article: str) -> str:
    """The name with the answer's capital and article."""
    if noun[:1].isupper():
        name = name[:1].upper() + name[1:]
    if article in ("a", "an"):
        article = "an" if name[:1].lower() in "aeiou" else "a"
    return f"{article} {name}" if article else name
